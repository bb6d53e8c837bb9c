"""Folders that LeanDojo traced, and a fake lake on the PATH, for the tests with LeanDojo.

The package lean_dojo is the real one. `dojo_lean.py` replaces Lean and lake, and `dojo_format.py` writes the traces. Our own Ray runs at
the same time.
"""

import os
import shutil
import sys
from pathlib import Path

import dojo_format
import dojo_lean
import pytest
from places import LIBRARIES

from lean_alchemy.lean_workspace.dojo import traces
from lean_alchemy.lean_workspace.dojo.messages import SourceTheorem
from lean_alchemy.pipelines.runtime import pool

needs_dojo = pytest.mark.skipif(sys.version_info >= (3, 13), reason="lean-dojo asks for Python below 3.13")

BASIC = ".lake/build/ir/Pears/Basic.ast.json"


@pytest.fixture(scope="module", autouse=True)
def dojo_home(tmp_path_factory):
    """A separate home folder, and a running Ray."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALCHEMY_HOME", str(tmp_path_factory.mktemp("home")))
        with pool.cluster(1):
            yield


@pytest.fixture(scope="module")
def traced(tmp_path_factory) -> Path:
    """A folder as LeanDojo traces it, with Lean 4.18."""
    folder = repository(tmp_path_factory.mktemp("traced") / "pears", "v4.18.0")
    (folder / "Lean4Repl.lean").touch()
    dojo_format.put_traces(folder)
    return folder


@pytest.fixture
def on_path(tmp_path, monkeypatch) -> Path:
    folder = dojo_lean.put_on_path(tmp_path / "bin", "4.20.0")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def repository(folder: Path, toolchain: str) -> Path:
    shutil.copytree(LIBRARIES / "pears", folder)
    (folder / "lean-toolchain").write_text(f"leanprover/lean4:{toolchain}\n", encoding="utf-8")
    return folder


def theorems_of(folder: Path, file: str) -> list[SourceTheorem]:
    reader = traces.TraceReader(folder)
    try:
        return list(reader.theorems(file))
    finally:
        reader.close()
