"""The notebooks in docs/ run from the first cell to the last, and show what they showed when they were written."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from places import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
VARYING = re.compile(r'"seconds\w*": [\d.]+')


def shown(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """What each cell prints and returns, as text. Warnings on stderr are left out, as they depend on what is installed."""
    return [[VARYING.sub("", output.get("text") or output["data"]["text/plain"])
             for output in cell.outputs if output.get("name") != "stderr"]
            for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)
def test_a_notebook_runs_and_shows_what_it_showed(file: Path, lean, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    notebook = nbformat.read(file, as_version=4)
    before = shown(notebook)
    assert len(before) > 5 and any(before)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert shown(notebook) == before


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)
def test_a_notebook_shows_no_warning_and_no_path_of_a_machine(file: Path):
    for cell in nbformat.read(file, as_version=4).cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output
            assert not re.search(r"/(home|root|tmp|work|Users)/", str(output)), output
