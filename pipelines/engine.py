"""Lean on the machine where a worker lives."""

from lean_workspace.embedded import install
from lean_workspace.workspace import Library, Retirement, Workspace


def opened(library: Library, retirement: Retirement = Retirement()) -> Workspace:
    """An engine with the library open. The embedded Lean is set up first where it is missing: each node of a cluster has its own.
    Raises SetupError, EngineRefused."""
    install.setup()
    return Workspace(install.launch, library, retirement=retirement)
