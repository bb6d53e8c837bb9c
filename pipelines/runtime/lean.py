"""Lean on the machine where a worker lives: the embedded one, or that of a workspace."""

import hashlib
import os
from functools import partial
from pathlib import Path

import psutil

from lean_alchemy.lean_workspace import lake
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import Limits
from lean_alchemy.lean_workspace.workspace import Retirement, Workspace
from lean_alchemy.pipelines.runtime.stage import Stage

NATIVE_GB = 3.0
"""What an engine with a large library of a workspace holds of its own, beside what is retired for; the library itself is mapped."""

SOURCE_GB = 8.0
"""What an engine may hold that elaborates a module's source; as a rule it is some hundred MB."""

ENGINE_GB, NATIVE_ENGINE_GB, PYTHON_GB, THEOREM_GB = 1.4, 2.5, 0.15, 8e-6
"""What a worker holds as a rule: an engine of the embedded Lean, a native one (beside the library), Python, and in Python what it knows of
a theorem: 4 KB in the catalogue, as much in the index."""


WORKER_GB, NATIVE_WORKER_GB = 2.5, 5.0
"""What a worker may grow to, with a library such as Init, and with Mathlib."""


def held_gb(library: Library, theorems: int) -> float:
    """Of memory, by a worker that has the index of a library in hand."""
    return (ENGINE_GB if library.workspace is None else NATIVE_ENGINE_GB) + PYTHON_GB + THEOREM_GB * theorems


def workers_that_fit(workspace: str | None) -> int:
    """Engines that this machine has cores and free memory for; at least one."""
    free_gb = psutil.virtual_memory().available / 1e9
    return max(1, min(os.cpu_count() or 1, int(free_gb // (WORKER_GB if workspace is None else NATIVE_WORKER_GB))))


def sized(stage: Stage, library: Library, theorems: int = 0) -> Stage:
    """The stage with the memory that its workers hold. theorems: 0 where they have no index."""
    return stage.holding(held_gb(library, theorems))


def opened(library: Library, retirement: Retirement = Retirement()) -> Workspace:
    """An engine with the library open. The embedded Lean is set up first where it is missing: each node of a cluster has its own.
    Raises SetupError, EngineRefused, NoWorkspace, NativeError."""
    if library.workspace is None:
        install.setup()
        return Workspace(install.launch, library, retirement=retirement)
    lean = lake.workspace_at(Path(library.workspace))
    most_gb = SOURCE_GB if library.source_of else retirement.memory_gb + NATIVE_GB
    return Workspace(partial(lake.launch, lean), library, Limits(memory_gb=most_gb), retirement)


def has_module(library: Library, name: str) -> bool:
    return install.has_module(name) if library.workspace is None else lake.workspace_at(Path(library.workspace)).has_module(name)


def lean_digest(library: Library) -> str:
    """Names the Lean that a library is opened in, and what a workspace holds."""
    if library.workspace is None:
        return install.SHA512
    lean = lake.workspace_at(Path(library.workspace))
    return hashlib.sha256(f"{lean.build} {lean.contents}".encode()).hexdigest()
