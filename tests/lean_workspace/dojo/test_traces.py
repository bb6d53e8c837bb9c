"""LeanDojo: the functions that we call, and reading its traces."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import dojo_lean
import pytest
from dojo_fixtures import BASIC, needs_dojo, theorems_of

from lean_alchemy.lean_workspace.dojo import process as dojo_process
from lean_alchemy.lean_workspace.dojo import traces as dojo_traces
from lean_alchemy.lean_workspace.dojo.gym import DojoFailed, DojoGym, DojoUnsupported
from lean_alchemy.pipelines.benchmarks.leandojo import Benchmark

pytestmark = needs_dojo


def in_child(code: str) -> str:
    """The output of a script in the child process that imports lean_dojo."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8",
                          env=dojo_process.environment(), cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the contract ---------------------------------------------------------------------------------------------------------------


def test_the_package_has_the_signatures_that_we_call():
    said = json.loads(in_child("""
import dataclasses, inspect, json, lean_dojo
from lean_dojo.constants import CACHE_DIR, DISABLE_REMOTE_CACHE, NUM_PROCS, TACTIC_MEMORY_LIMIT, TMP_DIR
from lean_dojo.data_extraction import ast, lean, trace
from lean_dojo.interaction import dojo
from lean_dojo.utils import working_directory
names = lambda f: list(inspect.signature(f).parameters)
fields = lambda c: [f.name for f in dataclasses.fields(c)]
print(json.dumps({
    "Dojo": names(lean_dojo.Dojo), "run_tac": names(lean_dojo.Dojo.run_tac), "check_proof": names(lean_dojo.check_proof),
    "get_traced_repo_path": names(dojo.get_traced_repo_path), "_trace": names(trace._trace),
    "from_traced_file": names(lean_dojo.TracedFile.from_traced_file), "from_xml": names(lean_dojo.TracedFile.from_xml),
    "get_traced_theorems": names(lean_dojo.TracedFile.get_traced_theorems), "LeanGitRepo": names(lean_dojo.LeanGitRepo),
    "Theorem": fields(lean_dojo.Theorem), "TracedRepo": fields(lean_dojo.TracedRepo), "TacticState": fields(lean_dojo.TacticState),
    "ProofFinished": fields(lean_dojo.ProofFinished), "LeanError": fields(lean_dojo.LeanError), "Pos": fields(lean_dojo.Pos),
    "lemmas": [c.__name__ for c in (ast.CommandTheoremNode, ast.LemmaNode, ast.MathlibTacticLemmaNode)],
    "working_directory": names(working_directory), "constants": [str(CACHE_DIR), str(TMP_DIR), DISABLE_REMOTE_CACHE, NUM_PROCS,
    TACTIC_MEMORY_LIMIT], "token": lean.GITHUB_ACCESS_TOKEN}))"""))
    place = dojo_process.dojo_home()
    assert said == {
        "Dojo": ["entry", "timeout", "additional_imports", "build_deps"], "run_tac": ["self", "state", "tactic"],
        "check_proof": ["thm", "proof"], "get_traced_repo_path": ["repo", "build_deps"], "_trace": ["repo", "build_deps"],
        "from_traced_file": ["root_dir", "json_path", "repo"], "from_xml": ["root_dir", "path", "repo"], "get_traced_theorems": ["self"],
        "LeanGitRepo": ["url", "commit"], "Theorem": ["repo", "file_path", "full_name"],
        "TracedRepo": ["repo", "dependencies", "root_dir", "traced_files", "traced_files_graph"],
        "TacticState": ["pp", "id", "message", "goals"], "ProofFinished": ["tactic_state_id", "message"], "LeanError": ["error"],
        "Pos": ["line_nb", "column_nb"], "lemmas": ["CommandTheoremNode", "LemmaNode", "MathlibTacticLemmaNode"],
        "working_directory": ["path"], "constants": [f"{place}/traced", f"{place}/tmp", True, 1, "8g"], "token": ""}


def test_the_child_process_gets_no_token_and_no_ray_address(monkeypatch):
    """With a token it calls GitHub during the import."""
    monkeypatch.setenv("GITHUB_ACCESS_TOKEN", "a-token")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert in_child("import os, lean_dojo; print(os.environ['GITHUB_ACCESS_TOKEN'], 'RAY_ADDRESS' in os.environ)").strip() == "False"


def test_the_accepted_versions_of_lean_are_known():
    lean = "leanprover/lean4:"
    asked = [f"{lean}v4.3.0-rc1", f"{lean}v4.3.0-rc2", f"{lean}v4.18.0", f"{lean}v4.30.0", f"{lean}nightly-2025-01-01", "mine"]
    package = dojo_traces.check_versions(asked)
    assert package.accepted == asked[1:4] and int(package.version.split(".")[0]) == 4


@pytest.mark.parametrize(("toolchain", "plays", "traces"), [
    ("leanprover/lean4:v4.9.0", True, False), ("leanprover/lean4:v4.18.0", True, False), ("leanprover/lean4:v4.19.0-rc2", False, False),
    ("leanprover/lean4:v4.20.0", False, True), ("leanprover/lean4:4.27.0", False, True), ("leanprover/lean4:v4.28.0", False, False),
    ("leanprover/lean4:nightly-2025-03-01", False, False), ("lean-toolchain-of-mine", False, False)])
def test_an_unsupported_version_is_refused_with_both_versions(toolchain, plays, traces):
    for works, require, limit in ((plays, dojo_traces.require_playable, "4.19"), (traces, dojo_traces.require_traceable, "4.20")):
        if works:
            require(toolchain)
        else:
            with pytest.raises(DojoUnsupported, match=limit) as refused:
                require(toolchain)
            assert toolchain in str(refused.value)


def test_an_unsupported_project_is_refused_before_anything_starts(traced, tmp_path, on_path):
    folder = Path(shutil.copytree(traced, tmp_path / "newer"))
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.21.0\n", encoding="utf-8")
    with pytest.raises(DojoUnsupported, match=r"Lean before 4\.19, and this is leanprover/lean4:v4\.21\.0.*lean_workspace\.gym\.Gym"):
        DojoGym(folder)
    assert not dojo_lean.called(on_path)


def test_without_the_package_the_error_says_how_to_install_it(traced, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DojoUnsupported, match=r"pip install 'lean-alchemy\[dojo\]'"):
        DojoGym(traced)
    with pytest.raises(DojoUnsupported, match=r"pip install 'lean-alchemy\[dojo\]'"):
        dojo_traces.check_versions([])


# --- reading --------------------------------------------------------------------------------------------------------------------


def test_a_theorem_is_read_with_its_written_proof(traced):
    theorems = {theorem.full_name: theorem for theorem in theorems_of(traced, BASIC)}
    swap, both = theorems["Pears.swap"], theorems["Pears.both"]
    assert swap.text.splitlines() == (traced / "Pears/Basic.lean").read_text(encoding="utf-8").splitlines()[8:12]  # with its comment
    assert (swap.statement, swap.level_params) == ("{α : Sort u} (a b c : Nat) : a + b + c = a + c + b", ["u"])
    assert (swap.file, swap.start, swap.end) == ("Pears/Basic.lean", (9, 1), (12, 23))
    assert [tactic.tactic for tactic in swap.tactics] == ["rw [Nat.add_assoc, Nat.add_comm b]", "rw [← Nat.add_assoc]"]
    assert swap.tactics[0].premises == ["Nat.add_assoc", "Nat.add_comm"] and swap.tactics[0].state_after == swap.tactics[1].state_before
    assert both.text.startswith("lemma both (h : 1 = 1) : ") and [t.tactic for t in both.tactics] == ["constructor", "exact h", "exact h"]
    assert theorems["Pears.hidden"].is_private and not theorems["Pears.both"].is_private
    assert not theorems["Pears.by_term"].is_tactic_proof and theorems["Pears.by_term"].proof == "rfl"


def test_the_xml_and_json_traces_agree(traced, tmp_path):
    folder = Path(shutil.copytree(traced, tmp_path / "pears"))
    in_child(f"""
from pathlib import Path
from lean_dojo import TracedFile
root = Path({str(folder)!r})
file = TracedFile.from_traced_file(root, Path({BASIC!r}), None)
(root / {BASIC.replace('.ast.json', '.trace.xml')!r}).write_text(file.to_xml())""")
    from_json = theorems_of(folder, BASIC)
    (folder / BASIC).unlink()
    assert BASIC.replace(".ast.json", ".trace.xml") in [file.trace for file in dojo_traces.files_in(folder)]
    assert theorems_of(folder, BASIC.replace(".ast.json", ".trace.xml")) == from_json and len(from_json) == 8


def test_a_benchmark_written_by_leandojo_is_read(traced, tmp_path):
    """The rows that LeanDojo's notebook for Benchmark 4 takes from a traced file. The theorem of the macro has no name there."""
    in_child(f"""
import json
from pathlib import Path
from lean_dojo import TracedFile, TracedRepo
root, out = Path({str(traced)!r}), Path({str(tmp_path)!r})
file = TracedFile.from_traced_file(root, Path({BASIC!r}), None)
file.traced_repo = TracedRepo(None, {{}}, root, [file], None)
rows = [dict(url="u", commit="c", file_path=str(t.theorem.file_path), full_name=t.theorem.full_name, start=list(t.start), end=list(t.end),
             traced_tactics=[dict(tactic=x.tactic, annotated_tactic=x.get_annotated_tactic(), state_before=x.state_before,
                                  state_after=x.state_after) for x in t.get_traced_tactics()]) for t in file.get_traced_theorems()]
assert None in [row["full_name"] for row in rows]
for split in ("random", "novel_premises"):
    (out / split).mkdir()
    for part in ("train", "val", "test"):
        (out / split / f"{{part}}.json").write_text(json.dumps(rows))
line = dict(path=str(file.path), imports=[], premises=file.get_premise_definitions())
(out / "corpus.jsonl").write_text(json.dumps(line) + "\\n")""")
    benchmark = Benchmark(tmp_path)
    theorems = {theorem.full_name: theorem for theorem in benchmark.part("novel_premises", "test")}
    assert len(theorems) == 7 and theorems["Pears.swap"].premises == {"Nat.add_assoc", "Nat.add_comm"}
    marked, references = theorems["Pears.swap"].traced_tactics[0].annotated_tactic
    assert marked == "rw [<a>Nat.add_assoc</a>, <a>Nat.add_comm</a> b]" and references[0].def_pos == (7, 9)
    (file,) = benchmark.corpus()
    assert [premise.full_name for premise in file.premises] == [theorem for theorem in theorems]
    assert file.premises[1].code == "theorem swap.{u} {α : Sort u} (a b c : Nat) : a + b + c = a + c + b"


def test_an_unreadable_file_does_not_affect_others(traced, tmp_path):
    folder = Path(shutil.copytree(traced, tmp_path / "pears"))
    (folder / ".lake/build/ir/Pears.ast.json").write_text("{", encoding="utf-8")
    reader = dojo_traces.TraceReader(folder)
    with pytest.raises(DojoFailed, match="JSONDecodeError"):
        list(reader.theorems(".lake/build/ir/Pears.ast.json"))
    assert len(list(reader.theorems(BASIC))) == 8
    reader._child._process.kill()
    reader._child._process.wait()
    assert len(list(reader.theorems(BASIC))) == 8
    reader.close()
