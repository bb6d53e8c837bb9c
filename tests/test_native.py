"""The launcher of a native Lean, over a `lake` that runs the embedded one (`toolchain.py`): workspaces, what is wrong with them, and the
whole pipeline."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import toolchain
from commands import alchemy, same, summary, synthesize, table

from lean_workspace import native
from lean_workspace.native import NativeError, NoWorkspace
from lean_workspace.workspace import Library
from pipelines.engine import opened

WORKSPACE = Path(__file__).parent / "orchard"


@pytest.fixture(scope="module")
def on_path(lean, tmp_path_factory):
    """`lean` and `lake` on the path of this process and of those that it starts."""
    folder = toolchain.put_on_path(tmp_path_factory.mktemp("toolchain"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        yield folder


@pytest.fixture(scope="module")
def orchard(on_path, tmp_path_factory) -> Path:
    """A workspace with fifty theorems in three modules, built."""
    folder = tmp_path_factory.mktemp("orchard") / "orchard"
    shutil.copytree(WORKSPACE, folder)
    subprocess.run(["lake", "build"], cwd=folder, check=True)
    return folder


def test_a_workspace_says_what_it_is(orchard):
    lean = native.workspace_at(orchard)
    assert (lean.toolchain, lean.version, lean.folder) == ("leanprover/lean4:v4.28.0", "4.28.0", orchard)
    assert lean.has_module("Orchard.Sum") and lean.has_module("Init") and not lean.has_module("Mathlib")
    assert lean.source_of("Orchard.Sum") == orchard / "Orchard" / "Sum.lean" and lean.source_of("Orchard.None") is None


def test_its_modules_are_opened_by_its_own_lean(orchard):
    with opened(Library(("Orchard",), (), str(orchard))) as workspace:
        assert workspace.opened.modules[-4:] == ["Orchard.Basic", "Orchard.Order", "Orchard.Sum", "Orchard"]
        assert None not in workspace.find("Orchard.sum_append", "Orchard.Basket.le_trans", "Nat.add_comm")
        assert workspace.check("theorem t (a b : Orchard.Basket) : a.add b = b.add a := Orchard.Basket.add_comm a b").refused is None


def test_the_engine_is_built_once_for_a_toolchain(orchard):
    lean = native.workspace_at(orchard)
    executable = native.engine_for(lean)
    before = executable.stat().st_mtime_ns
    assert native.engine_for(lean) == executable and executable.stat().st_mtime_ns == before


def copied(orchard: Path, to: Path) -> Path:
    return Path(shutil.copytree(orchard, to / "copy"))


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda folder: (folder / "lakefile.toml").unlink(), "no lake project"),
    (lambda folder: (folder / "lean-toolchain").unlink(), "no lean-toolchain"),
    (lambda folder: (folder / "lean-toolchain").write_text("leanprover/lean4:v4.9.0\n"), r"this is 4\.9\."),
    (lambda folder: (folder / "lean-toolchain").write_text("leanprover/lean4:v4.99.0\n"), r"this is 4\.99")])
def test_what_is_no_workspace_says_why(orchard, tmp_path, spoil, said):
    folder = copied(orchard, tmp_path)
    spoil(folder)
    with pytest.raises(NoWorkspace, match=said):
        native.workspace_at(folder)


def test_a_lean_of_another_version_than_it_says_is_refused(orchard, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{toolchain.put_on_path(tmp_path / 'bin', version='4.40.1')}:{os.environ['PATH']}")
    with pytest.raises(NoWorkspace, match=r"this is 4\.40"):
        native.workspace_at(copied(orchard, tmp_path))


def test_without_elan_it_says_how_to_get_it(orchard, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoWorkspace, match="install elan"):
        native.workspace_at(copied(orchard, tmp_path))


def test_what_lake_says_is_told(orchard, tmp_path, monkeypatch):
    lake = tmp_path / "bin" / "lake"
    lake.parent.mkdir()
    lake.write_text("#!/bin/sh\necho 'error: lakefile.toml:3: unexpected token' >&2\nexit 1\n")
    lake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{lake.parent}:{os.environ['PATH']}")
    with pytest.raises(NativeError, match=r"lake env lean --version.*ended with 1: error: lakefile.toml:3"):
        native.workspace_at(copied(orchard, tmp_path))


def test_a_library_that_is_not_built_is_told(orchard, tmp_path):
    folder = copied(orchard, tmp_path)
    shutil.rmtree(folder / ".lake")
    done = alchemy("synthesize", str(tmp_path / "out"), "--library", "Orchard", "--workspace", str(folder))
    assert done.returncode == 2 and "lake build" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_same_corpus_through_either_launcher(corpus, orchard, tmp_path):
    out, _ = corpus
    summary(synthesize(tmp_path / "out", "--targets", "60", "--workers", "1", "--workspace", str(orchard)))
    assert same(out, tmp_path / "out")


@pytest.mark.slow
def test_the_whole_pipeline_over_a_workspace(orchard, tmp_path):
    """Variants of its theorems, by its own and by Lean's; their steps; texts that a fresh engine finds valid."""
    out = tmp_path / "out"
    said = summary(alchemy("synthesize", str(out), "--library", "Orchard", "--workspace", str(orchard), "--targets", "all", "--json"))
    assert said["targets"] == 50 and said["variants"] > 200 and said["valid"] == said["checked"]
    rows = table(out, "variants")
    assert {row["library"] for row in rows} == {"Orchard"} and any(row["lemma"].startswith("Orchard.") for row in rows)
    steps = summary(alchemy("steps", str(out), "--json"))
    assert steps["with_steps"] >= 0.99 * said["variants"]
    assert summary(alchemy("verify", str(out), "--sample", "50", "--json"))["valid"] == 50


def test_a_workspace_with_mathlib_is_made_step_by_step(on_path, tmp_path, monkeypatch):
    """Lake is asked to fetch, to take the cache and to build, in this order; where it fails the next run goes on."""
    called, lake = tmp_path / "called", tmp_path / "bin" / "lake"
    lake.parent.mkdir()
    lake.write_text(f"#!/bin/sh\necho \"$@\" >> {called}\n[ \"$1\" != exe ] || cat {tmp_path}/cache\n")
    lake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{lake.parent}:{os.environ['PATH']}")
    folder = tmp_path / "workspace"
    with pytest.raises(NativeError, match="No such file"):
        native.make_workspace(folder, "v4.28.0")
    (tmp_path / "cache").touch()
    native.make_workspace(folder, "v4.28.0")
    assert called.read_text().splitlines() == ["update", "exe cache get", "update", "exe cache get", "build"]
    assert (folder / "lean-toolchain").read_text() == "leanprover/lean4:v4.28.0\n"
    assert 'rev = "v4.28.0"' in (folder / "lakefile.toml").read_text()
    with pytest.raises(NoWorkspace, match="something else"):
        native.make_workspace(folder, "v4.29.0")
    for revision, said in (("master", "no tag"), ("v4.9.0", "this is 4.9")):
        with pytest.raises(NoWorkspace, match=said):
            native.make_workspace(tmp_path / "other", revision)
