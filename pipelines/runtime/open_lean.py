"""Starts Lean on the machine of a worker: the embedded Lean, or the Lean of a workspace."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
"""Memory that a native engine may use above the limit at which it is replaced, in GB. (The library itself is memory-mapped.)"""

SOURCE_GB = 8.0
"""Memory limit of an engine that elaborates the source of a module, in GB. Most need a few hundred MB."""

ENGINE_GB, NATIVE_ENGINE_GB, PYTHON_GB, THEOREM_GB = 1.4, 2.5, 0.15, 8e-6
"""Typical memory of a worker, in GB: an embedded engine, a native engine (without the library), Python, and Python's records of one
theorem (4 KB in the catalogue, 4 KB in the index)."""


WORKER_GB, NATIVE_WORKER_GB = 2.5, 5.0
"""Memory to plan for per worker, in GB: with a library such as Init, and with Mathlib."""


def held_gb(library: Library, theorems: int) -> float:
    """Typical memory of a worker with the index of a library, in GB. theorems: the size of the index; 0 for none."""
    return (ENGINE_GB if library.workspace is None else NATIVE_ENGINE_GB) + PYTHON_GB + THEOREM_GB * theorems


def workers_that_fit(workspace: str | None) -> int:
    """The number of workers for which this machine has cores and free memory; at least one."""
    free_gb = psutil.virtual_memory().available / 1e9
    return max(1, min(os.cpu_count() or 1, int(free_gb // (WORKER_GB if workspace is None else NATIVE_WORKER_GB))))


def sized(stage: Stage, library: Library, theorems: int = 0) -> Stage:
    """The stage with the memory that its workers need, for Ray. theorems: the size of their index; 0 for none."""
    return stage.holding(held_gb(library, theorems))


def opened(library: Library, retirement: Retirement = Retirement()) -> Workspace:
    """An engine with the library open. If the embedded Lean is not installed on this node of the cluster, it is installed first.
    Raises SetupError, EngineRefused, NoWorkspace, NativeError."""
    if library.workspace is None:
        install.setup()
        return Workspace(install.launch, library, retirement=retirement)
    lean = lake.workspace_at(Path(library.workspace))
    most_gb = SOURCE_GB if library.source_of else retirement.memory_gb + NATIVE_GB
    return Workspace(partial(lake.launch, lean), library, Limits(memory_gb=most_gb), retirement)


@contextmanager
def opening(library: Library) -> Iterator[Callable[[], Workspace]]:
    """Opens the library in a thread, while the block does something else. Yields the function that waits for the engine and returns it, or
    raises what `opened` raises. The engine is closed at the end of the block."""
    with ThreadPoolExecutor(1) as thread:
        workspace = thread.submit(opened, library)
        try:
            yield workspace.result
        finally:
            if workspace.exception() is None:
                workspace.result().close()


def library_has_module(library: Library, name: str) -> bool:
    return install.has_module(name) if library.workspace is None else lake.workspace_at(Path(library.workspace)).has_module(name)


def lean_digest(library: Library) -> str:
    """A digest of the Lean that opens the library, and of the contents of the workspace."""
    if library.workspace is None:
        return install.SHA512
    lean = lake.workspace_at(Path(library.workspace))
    return hashlib.sha256(f"{lean.build} {lean.contents}".encode()).hexdigest()
