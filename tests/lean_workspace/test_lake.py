"""The launcher of a native Lean, with a `lake` that runs the embedded Lean (`toolchain.py`): workspaces, their errors, and the whole
pipeline."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toolchain
from commands import alchemy, program, same, summary, synthesize, table
from places import LIBRARIES

from lean_alchemy.lean_workspace import lake
from lean_alchemy.lean_workspace.gym import Gym, Proved, Refused
from lean_alchemy.lean_workspace.lake import NativeError, NoWorkspace
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.pipelines.proofs.written import Missing, OpenedFiles, library_of_source
from lean_alchemy.pipelines.runtime.open_lean import opened

WORKSPACE = LIBRARIES / "orchard"


@pytest.fixture(scope="module")
def on_path(lean, tmp_path_factory):
    """`lean` and `lake` on the PATH of this process and of its child processes."""
    folder = toolchain.put_on_path(tmp_path_factory.mktemp("toolchain"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        yield folder


DOUBT = """\
module

public import Orchard.Sum

public section

namespace Orchard

axiom magic (n : Nat) : n = n * 1

theorem by_magic (n : Nat) : n * 1 = n := (magic n).symm

theorem unfinished (a b : Nat) : a * b = b * a := by sorry

theorem by_unfinished (a b : Nat) : b * a = a * b := by
  exact unfinished b a

/-- No doubt of it. -/
theorem map_id (xs : List Nat) : xs.map (fun x => x) = xs := by
  exact List.map_id xs

end Orchard
"""
"""A module that the library does not import."""


@pytest.fixture(scope="module")
def orchard(on_path, tmp_path_factory) -> Path:
    """A built workspace with fifty theorems in three modules, and one with a custom axiom."""
    folder = tmp_path_factory.mktemp("orchard") / "orchard"
    shutil.copytree(WORKSPACE, folder)
    (folder / "Orchard" / "Doubt.lean").write_text(DOUBT, encoding="utf-8")
    subprocess.run(["lake", "build"], cwd=folder, check=True)
    return folder


def test_a_workspace_has_a_version_modules_and_sources(orchard):
    lean = lake.workspace_at(orchard)
    assert (lean.toolchain, lean.version, lean.folder) == ("leanprover/lean4:v4.28.0", "4.28.0", orchard)
    assert lean.has_module("Orchard.Sum") and lean.has_module("Init") and not lean.has_module("Mathlib")
    assert lean.source_of("Orchard.Sum") == orchard / "Orchard" / "Sum.lean" and lean.source_of("Orchard.None") is None


def test_the_modules_of_a_workspace_are_opened_by_its_own_lean(orchard):
    with opened(Library(("Orchard",), (), str(orchard))) as workspace:
        assert workspace.opened.modules[-4:] == ["Orchard.Basic", "Orchard.Order", "Orchard.Sum", "Orchard"]
        assert None not in workspace.find("Orchard.sum_append", "Orchard.Basket.le_trans", "Nat.add_comm")
        assert workspace.check("theorem t (a b : Orchard.Basket) : a.add b = b.add a := Orchard.Basket.add_comm a b").refused is None


def copied(orchard: Path, to: Path) -> Path:
    return Path(shutil.copytree(orchard, to / "copy"))


@pytest.fixture(scope="module")
def doubt(orchard):
    """An engine with the module of this name and its imports open."""
    with opened(Library(("Orchard.Doubt",), (), str(orchard))) as workspace:
        yield workspace


def test_docstrings_lines_and_order_of_a_module_are_read(doubt):
    """Docstrings, lines, and the order in the file."""
    count = doubt.opened.count
    rows = {row.name: row for row in doubt.theorems(count - 60, 60)}
    names = [name for name in rows if rows[name].module == len(doubt.opened.modules) - 1]
    assert names == ["Orchard.by_magic", "Orchard.unfinished", "Orchard.by_unfinished", "Orchard.map_id"]
    lines = DOUBT.splitlines()
    for name in names:
        assert lines[rows[name].line - 1].startswith(("theorem", "/--"))
    assert rows["Orchard.map_id"].docstring.strip() == "No doubt of it."
    assert rows["Orchard.sum_append"].line > rows["Orchard.sum_nil"].line > 1


@pytest.mark.parametrize(("name", "axiom"), [("by_magic", "Orchard.magic"), ("unfinished", "sorryAx"), ("by_unfinished", "sorryAx")])
def test_a_theorem_with_a_custom_axiom_is_not_a_target_and_proves_nothing(doubt, name, axiom):
    (number,) = doubt.find(f"Orchard.{name}")
    with pytest.raises(EngineRefused, match=f"rests on {axiom}"):
        doubt.target(number)
    statement = doubt.theorems(number, 1)[0].statement
    refused = doubt.check(f"theorem t {statement} := Orchard.{name} {'n' if name == 'by_magic' else 'a b'}").refused
    assert (refused.stage, refused.message) == ("axioms", axiom)
    (sound,) = doubt.find("Orchard.map_id")
    assert doubt.target(sound).reads_back


def test_an_environment_before_a_module_of_three_files(doubt):
    """The embedded Lean has one file for `.olean`, `.olean.server` and `.olean.private`."""
    gym = Gym(doubt)
    (number,) = doubt.find("Orchard.map_id")
    assert all(isinstance(gym.step(gym.start(gym.theorem(number, [])), f"exact {name}"), outcome) for name, outcome in (
        ("List.map_id xs", Proved), ("Orchard.map_id xs", Refused)))


def files_of(orchard: Path, module: str) -> OpenedFiles:
    source = lake.workspace_at(orchard).source_of(module)
    return OpenedFiles(library_of_source(str(orchard), module, str(source)))


def test_proofs_of_a_module_are_recorded_from_its_source(orchard):
    """A failed proof is not recorded."""
    files = files_of(orchard, "Orchard.Doubt")
    try:
        found = {name: files.record(f"Orchard.{name}", "Orchard.Doubt") for name in ("by_magic", "unfinished", "by_unfinished", "map_id")}
    finally:
        files.close()
    proof, steps = found.pop("map_id")
    assert found == {"by_magic": Missing("proof: axioms"), "unfinished": Missing("not written"), "by_unfinished": Missing("proof: axioms")}
    assert proof.tactics == ["exact List.map_id xs"] and proof.premises == ["List.map_id"] and proof.line == "written"
    assert [row.state_before for row in steps] == ["xs : List Nat\n⊢ List.map (fun x ↦ x) xs = xs"], "with the options of the lakefile"


def test_a_source_that_was_changed_after_compilation_gives_no_proofs(orchard, tmp_path):
    """The new text is not valid Lean."""
    folder = copied(orchard, tmp_path)
    (folder / "Orchard" / "Doubt.lean").write_text("import Orchard.Nowhere\n", encoding="utf-8")
    with pytest.raises(EngineRefused, match="Nowhere"):
        files_of(folder, "Orchard.Doubt")


@pytest.mark.slow
def test_proofs_of_a_workspace_are_harvested(orchard, tmp_path):
    """Module by module. Each theorem is proved or rejected with a reason."""
    out = tmp_path / "out"
    said = summary(program("harvest", str(out), "--library", "Orchard", "--library", "Orchard.Doubt", "--workspace", str(orchard),
                           "--targets", "all", "--no-known", "--portfolio", "none", "--json"))
    assert (said["theorems"], said["proved"], said["leaks"]) == (54, 51, 0)
    assert said["rejects"] == {"not written": 1, "proof: axioms": 2}
    proofs = {row["theorem"]: row for row in table(out, "proofs")}
    assert proofs["Orchard.Basket.pick_comm"]["tactics"] == ["rw [pick_pick, pick_pick, Nat.add_comm]"]
    assert proofs["Orchard.Basket.pick_comm"]["premises"] == ["Orchard.Basket.pick_pick", "Nat.add_comm"]
    assert {row["module"] for row in proofs.values()} == {"Orchard.Basic", "Orchard.Order", "Orchard.Sum", "Orchard.Doubt"}
    assert all(row["form"] == "written" and row["state_before"] for row in table(out, "steps"))
    folder = copied(orchard, tmp_path)
    (folder / "Orchard" / "Doubt.lean").write_text("import Orchard.Nowhere\n", encoding="utf-8")
    said = summary(program("harvest", str(tmp_path / "none"), "--library", "Orchard.Doubt", "--workspace", str(folder), "--targets", "all",
                           "--no-known", "--portfolio", "none", "--json"))
    assert said["proved"] == 0 and said["rejects"] == {"source not read": 4}
    assert "Nowhere" in table(tmp_path / "none", "rejects")[0]["message"]


def test_the_engine_is_built_once_for_a_toolchain(orchard):
    lean = lake.workspace_at(orchard)
    executable = lake.engine_for(lean)
    before = executable.stat().st_mtime_ns
    assert lake.engine_for(lean) == executable and executable.stat().st_mtime_ns == before


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda folder: (folder / "lakefile.toml").unlink(), "not a lake project"),
    (lambda folder: (folder / "lean-toolchain").unlink(), "no lean-toolchain"),
    (lambda folder: (folder / "lean-toolchain").write_text("leanprover/lean4:v4.9.0\n", encoding="utf-8"), r"this is 4\.9\."),
    (lambda folder: (folder / "lean-toolchain").write_text("leanprover/lean4:v4.99.0\n", encoding="utf-8"), r"this is 4\.99")])
def test_an_invalid_workspace_is_rejected_with_the_reason(orchard, tmp_path, spoil, said):
    folder = copied(orchard, tmp_path)
    spoil(folder)
    with pytest.raises(NoWorkspace, match=said):
        lake.workspace_at(folder)


def test_a_lean_of_another_version_than_it_says_is_refused(orchard, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{toolchain.put_on_path(tmp_path / 'bin', version='4.40.1')}:{os.environ['PATH']}")
    with pytest.raises(NoWorkspace, match=r"this is 4\.40"):
        lake.workspace_at(copied(orchard, tmp_path))


def test_without_elan_the_error_says_how_to_install_it(orchard, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoWorkspace, match="install elan"):
        lake.workspace_at(copied(orchard, tmp_path))


def test_errors_of_lake_are_reported(orchard, tmp_path, monkeypatch):
    script = tmp_path / "bin" / "lake"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho 'error: lakefile.toml:3: unexpected token' >&2\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    with pytest.raises(NativeError, match=r"lake env lean --version.*ended with exit status 1: error: lakefile.toml:3"):
        lake.workspace_at(copied(orchard, tmp_path))


def test_a_library_that_is_not_built_is_an_error(orchard, tmp_path):
    folder = copied(orchard, tmp_path)
    shutil.rmtree(folder / ".lake")
    done = alchemy("synthesize", str(tmp_path / "out"), "--library", "Orchard", "--workspace", str(folder))
    assert done.returncode == 2 and "lake build" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_both_launchers_give_the_same_corpus(corpus, orchard, tmp_path):
    out, _ = corpus
    summary(synthesize(tmp_path / "out", "--targets", "60", "--workers", "1", "--workspace", str(orchard), run=program))
    assert same(out, tmp_path / "out")


@pytest.mark.slow
def test_the_whole_pipeline_on_a_workspace(orchard, tmp_path):
    """Variants of its theorems by lemmas of the workspace and of Lean, their steps, and verification of their texts."""
    out = tmp_path / "out"
    said = summary(program("synthesize", str(out), "--library", "Orchard", "--workspace", str(orchard), "--targets", "all", "--json"))
    assert said["targets"] == 50 and said["variants"] > 200 and said["valid"] == said["checked"]
    rows = table(out, "variants")
    assert {row["library"] for row in rows} == {"Orchard"} and any(row["lemma"].startswith("Orchard.") for row in rows)
    steps = summary(program("steps", str(out), "--json"))
    assert steps["with_steps"] >= 0.99 * said["variants"]
    assert summary(program("verify", str(out), "--sample", "50", "--json"))["valid"] == 50


@pytest.mark.slow
def test_a_leandojo_benchmark_is_proved_in_the_sources_of_a_workspace(orchard, tmp_path):
    """Each theorem in the environment before it. A theorem that this version of the library does not have is not run."""
    data = tmp_path / "data"
    lines = (orchard / "Orchard" / "Sum.lean").read_text(encoding="utf-8").splitlines()
    names = ["sum_nil", "sum_append", "size_le_sum_cons"]
    line_of = {name: next(i for i, line in enumerate(lines, 1) if f"theorem {name} " in line) for name in names}
    rows = [{"url": "u", "commit": "c", "file_path": "Orchard/Sum.lean", "full_name": f"Orchard.{name}", "start": [line, 1],
             "end": [line, 9], "traced_tactics": []} for name, line in (*line_of.items(), ("no_more", 99))]
    for split in ("random", "novel_premises"):
        (data / split).mkdir(parents=True)
        for part in ("train", "val", "test"):
            (data / split / f"{part}.json").write_text(json.dumps(rows if part == "test" else []), encoding="utf-8")
    (data / "corpus.jsonl").write_text("", encoding="utf-8")
    (data / "metadata.json").write_text(json.dumps({"library": ["Orchard"]}), encoding="utf-8")
    prover = tmp_path / "prover.py"
    prover.write_text("import json, sys\nfor line in sys.stdin:\n    asked = json.loads(line)\n"
                      "    tactics = ['rfl', 'exact Basket.le_trans (size_le h) k', 'rw [sum_append]', 'exact Orchard.sum_append as bs']\n"
                      "    found = [[{'tactic': t, 'log_prob': -1.0} for t in tactics] for _ in asked['states']]\n"
                      "    print(json.dumps({'id': asked['id'], 'candidates': found}), flush=True)\n", encoding="utf-8")
    said = summary(program("eval", "--benchmark", "leandojo", "--data", str(data), "--model", f"{sys.executable} {prover}", "--workspace",
                           str(orchard), "--out", str(tmp_path / "out"), "--workers", "1", "--json"))
    assert (said["theorems"], said["attempted"]) == (4, 3)
    results = {row["name"]: row for row in table(tmp_path / "out", "results")}
    assert results["Orchard.sum_nil"]["ending"] == "proved", "by rfl"
    assert results["Orchard.sum_append"]["ending"] == "stuck", "a theorem is not available in its own proof"
    automation = summary(program("eval", "--benchmark", "leandojo", "--data", str(data), "--model", "automation", "--workspace",
                                 str(orchard), "--out", str(tmp_path / "automation"), "--workers", "1", "--json"))
    assert automation["attempted"] == 3 and automation["proved"] >= 1


def test_a_workspace_with_mathlib_is_made_step_by_step(on_path, tmp_path, monkeypatch):
    """Lake fetches, downloads the cache and builds, in this order. If a step fails, the next run resumes there."""
    called, script = tmp_path / "called", tmp_path / "bin" / "lake"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\necho \"$@\" >> {called}\n[ \"$1\" != exe ] || cat {tmp_path}/cache\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    folder = tmp_path / "workspace"
    with pytest.raises(NativeError, match="No such file"):
        lake.make_workspace(folder, "v4.28.0")
    (tmp_path / "cache").touch()
    lake.make_workspace(folder, "v4.28.0")
    assert called.read_text(encoding="utf-8").splitlines() == ["update", "exe cache get", "update", "exe cache get", "build"]
    assert (folder / "lean-toolchain").read_text(encoding="utf-8") == "leanprover/lean4:v4.28.0\n"
    assert 'rev = "v4.28.0"' in (folder / "lakefile.toml").read_text(encoding="utf-8")
    with pytest.raises(NoWorkspace, match="something else"):
        lake.make_workspace(folder, "v4.29.0")
    for revision, said in (("master", "not a tag"), ("v4.9.0", "this is 4.9")):
        with pytest.raises(NoWorkspace, match=said):
            lake.make_workspace(tmp_path / "other", revision)
