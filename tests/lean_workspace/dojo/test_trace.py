"""`alchemy trace`: proofs of a repository that LeanDojo traced."""

import json
import shutil
import subprocess
from pathlib import Path

import dojo_lean
import msgspec
import pytest
from commands import program, table
from dojo_fixtures import BASIC, needs_dojo, repository
from made import manifest, put

from lean_alchemy.lean_workspace.dojo import process as dojo_process
from lean_alchemy.lean_workspace.dojo import traces as dojo_traces
from lean_alchemy.lean_workspace.dojo.gym import DojoFailed
from lean_alchemy.lean_workspace.dojo.messages import UNKNOWN
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
from lean_alchemy.pipelines.commands.main import main
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Proof
from lean_alchemy.pipelines.proofs.trace import trace
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError
from lean_alchemy.pipelines.runtime.pool import Crew
from lean_alchemy.training.prompt import prompt
from lean_alchemy.training.recipe import Data
from lean_alchemy.training.sources import Sources

pytestmark = needs_dojo


def test_a_traced_folder_becomes_tables(traced, tmp_path, monkeypatch, capsys):
    """With the command. LeanDojo has no trace of the module Broken: this is reported, and the exit status is 1."""
    monkeypatch.setattr("sys.argv", ["alchemy", "trace", str(tmp_path / "out"), "--traced", str(traced), "--json"])
    with pytest.raises(SystemExit) as end:
        main()
    done = capsys.readouterr()
    said = json.loads(done.out.splitlines()[-1])
    assert end.value.code == 1 and "1 of 3 files are unreadable" in done.err
    assert {**said, "seconds": 0} == {"version": 1, "theorems": 8, "proved": 4, "steps": 7, "files": 3, "files_lost": 1, "seconds": 0,
                                      "failures": 1, "rejects": {"no tactic proof": 1, "sorry": 1, "native": 1, "no name": 1}}
    proofs, rejects, steps = (table(tmp_path / "out", name) for name in ("proofs", "rejects", "steps"))
    assert len(proofs) + len(rejects) == said["theorems"]
    assert {(row["target"], row["stage"], row["reason"]) for row in rejects} == {
        ("Pears.by_term", "traced", "no tactic proof"), ("Pears.later", "traced", "sorry"), ("Pears.trusted", "traced", "native"),
        ("", "traced", "no name")}
    (failure,) = table(tmp_path / "out", "failures")
    assert (failure["stage"], failure["item"]) == ("trace", "Pears.Broken") and "left no trace of it" in failure["what"]
    assert {row["theorem"] for row in proofs} == {
        "Pears.add_zero", "Pears.swap", "Pears.both", "_private.Pears.Basic.0.Pears.hidden"}
    swap = next(row for row in proofs if row["theorem"] == "Pears.swap")
    assert swap["text"] in (traced / "Pears/Basic.lean").read_text(encoding="utf-8") and swap["axioms"] == list(UNKNOWN)
    assert (swap["line"], swap["module"], swap["premises"]) == ("traced", "Pears.Basic", ["Nat.add_assoc", "Nat.add_comm"])
    assert {(row["form"], row["variant_id"], row["theorem"] == row["target"]) for row in steps} == {("traced", None, True)}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert manifest["counts"]["proofs"] == 4 and manifest["versions"]["lean-dojo"] and manifest["toolchain"] == "leanprover/lean4:v4.18.0"


@pytest.fixture
def repo(tmp_path) -> Path:
    """A git repository whose HEAD is not the requested commit."""
    folder = repository(tmp_path / "origin" / "pears", "v4.20.0")
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "pears"], ["tag", "v1"],
                      ["commit", "-qm", "later", "--allow-empty"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=folder, check=True)
    return folder


def test_a_repository_is_built_and_traced_once(repo, on_path, tmp_path):
    """LeanDojo's own `_trace` with a fake lake. It prints on stdout, which must not be mixed with our reply."""
    source = dojo_traces.cloned(str(repo), "v1")
    assert source.commit != dojo_traces.cloned(str(repo), "main").commit
    folder = dojo_traces.traced(source, workers=1)
    assert [file.module for file in dojo_traces.files_in(folder)] == ["Pears", "Pears.Basic", "Pears.Broken"]
    assert (folder / "Lean4Repl.lean").is_file() and folder.parent.name == f"gitpython-pears-{source.commit}"
    calls = dojo_lean.called(on_path)
    assert [call for call in calls if call.startswith("lake")] == [
        "lake exe cache get", "lake build", "lake env lean --threads 1 --run ExtractData.lean noDeps", "lake build Lean4Repl"]
    assert dojo_traces.traced(source, workers=1) == folder and dojo_lean.called(on_path) == calls
    tally, *_ = trace(tmp_path / "out", folder, source, 1)
    assert (tally.theorems, tally.proved, tally.lost) == (8, 4, 1)
    with pytest.raises(UsageError, match="other options"):
        trace(tmp_path / "out", folder, dojo_traces.cloned(str(repo), "main"), 1)


def test_a_failed_build_leaves_no_files(repo, on_path):
    (repo / "does-not-build").touch()
    subprocess.run(["git", "add", "-A"], cwd=repo, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "broken"], cwd=repo, check=True)
    source = dojo_traces.cloned(str(repo), "HEAD")
    with pytest.raises(DojoFailed, match="lake build"):
        dojo_traces.traced(source, workers=1)
    place = dojo_process.dojo_home()
    assert not list((place / "tmp").iterdir()) and not (place / "traced" / f"gitpython-pears-{source.commit}").exists()


def test_an_invalid_source_is_refused_with_status_2(repo, traced, tmp_path):
    (repo / "lean-toolchain").write_text("leanprover/lean4:v4.30.0\n", encoding="utf-8")
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "newer"], cwd=repo, check=True)
    done = program("trace", str(tmp_path / "out"), "--repo", str(repo))
    assert done.returncode == 2 and "from 4.28 on" in done.stderr and "Traceback" not in done.stderr
    done = program("trace", str(tmp_path / "out"), "--traced", str(repo))
    assert done.returncode == 2 and "not a folder that LeanDojo traced" in done.stderr
    assert program("trace", str(tmp_path / "out"), "--repo", str(repo), "--traced", str(traced)).returncode == 2
    done = program("trace", str(tmp_path / "out"), "--repo", str(tmp_path / "none"))
    assert done.returncode == 1 and "git clone" in done.stderr and not (tmp_path / "out").exists()


def test_a_resumed_run_reads_no_file_again(traced, tmp_path, monkeypatch):
    source = dojo_traces.repository_of(traced)
    first, *_ = trace(tmp_path / "out", traced, source, 1)
    before = table(tmp_path / "out", "proofs")
    monkeypatch.setattr(Crew, "run", lambda self, items: pytest.fail("read again") if list(items) else iter([]))
    again, *_ = trace(tmp_path / "out", traced, source, 1)
    assert again == first and table(tmp_path / "out", "proofs") == before


def test_a_folder_without_theorems_is_an_error(traced, tmp_path):
    folder = Path(shutil.copytree(traced, tmp_path / "pears"))
    (folder / BASIC).write_text("{", encoding="utf-8")
    with pytest.raises(JobError, match="no theorem was read from the 3 files"):
        trace(tmp_path / "out", folder, dojo_traces.repository_of(folder), 1)
    assert not (tmp_path / "out" / "manifest.json").exists() and not (tmp_path / "out" / "proofs").exists()


def test_its_steps_are_trained_on_as_original_theorems(traced, tmp_path):
    trace(tmp_path / "out", traced, dojo_traces.repository_of(traced), 1)
    sources = Sources(Data(proofs=[str(tmp_path / "out")]))
    steps = {(text.source, text.prompt, text.completion) for text in sources.steps()}
    assert all(("original", prompt(row["state_before"]), row["tactic"]) in steps for row in table(tmp_path / "out", "steps"))
    texts = {text.completion for text in sources.theorems()}
    assert all(row["text"] in texts for row in table(tmp_path / "out", "proofs"))


def test_held_out_theorems_are_excluded_from_traced_proofs(tmp_path):
    """By name, by a premise that only held-out proofs use, and by statement."""
    core = Benchmark(CORE)
    held_out, known = core.part("random", "test")[0].full_name, core.part("random", "train")[0].full_name
    premise = min(core.novel_premises())
    proof = Proof(theorem="", module="M", round=1, line="traced", statement=": True", level_params=[], tactics=["trivial"], text="",
                  axioms=[], premises=[])
    put(tmp_path, [msgspec.structs.replace(proof, theorem=name, text=f"theorem {name}", premises=premises) for name, premises in (
        (held_out, []), (known, []), ("uses", [premise]), ("innocent", ["Nat.add_comm"]))], Proof, "proofs")
    manifest(tmp_path, Options(library=["a@b"], targets=None, kinds=[]), {"proofs": 4}, {})
    sources = Sources(Data(proofs=[str(tmp_path)]))
    texts = {f"theorem {name}" for name in (held_out, known, "uses", "innocent")}
    assert [text.completion for text in sources.theorems() if text.completion in texts] == ["theorem innocent"]
    assert {reason: n for reason, n in sources.kept_out.items() if reason.startswith("proof")} == {
        "proof: held out": 1, "proof: in the benchmark": 1, "proof: held-out premise": 1}
