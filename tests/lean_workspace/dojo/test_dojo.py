"""LeanDojo: what of it we call, reading what it traced, `alchemy trace`, and its Dojo behind our gym's interface.

lean_dojo is the real one; what stands in for Lean and lake is `dojo_lean.py`, and what Lean leaves is `dojo_format.py`. Our own Ray runs
all the while.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import dojo_format
import dojo_lean
import msgspec
import psutil
import pytest
from commands import program, table
from made import manifest, put
from places import LIBRARIES

from lean_alchemy.lean_workspace.dojo import process as dojo_process
from lean_alchemy.lean_workspace.dojo import traces as dojo_traces
from lean_alchemy.lean_workspace.dojo.gym import DojoFailed, DojoGym, DojoStatement, DojoUnsupported, forbidden
from lean_alchemy.lean_workspace.dojo.messages import UNKNOWN, Theorem
from lean_alchemy.lean_workspace.gym import Advanced, NotOpened, Proved, Refused, proves
from lean_alchemy.lean_workspace.workspace import Lost
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
from lean_alchemy.pipelines.commands.main import main
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Proof
from lean_alchemy.pipelines.proofs.trace import trace
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError
from lean_alchemy.pipelines.runtime.pool import Crew
from lean_alchemy.training.prompt import prompt
from lean_alchemy.training.recipe import Data
from lean_alchemy.training.sources import Sources

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="lean-dojo asks for Python below 3.13")



@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory):
    """A home of its own, and our Ray."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALCHEMY_HOME", str(tmp_path_factory.mktemp("home")))
        with pool.cluster(1):
            yield


def repository(folder: Path, toolchain: str) -> Path:
    shutil.copytree(LIBRARIES / "pears", folder)
    (folder / "lean-toolchain").write_text(f"leanprover/lean4:{toolchain}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def traced(tmp_path_factory) -> Path:
    """A folder as LeanDojo leaves it, with Lean 4.18."""
    folder = repository(tmp_path_factory.mktemp("traced") / "pears", "v4.18.0")
    (folder / "Lean4Repl.lean").touch()
    dojo_format.put_traces(folder)
    return folder


@pytest.fixture
def on_path(tmp_path, monkeypatch) -> Path:
    folder = dojo_lean.put_on_path(tmp_path / "bin", "4.20.0")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def in_child(code: str) -> str:
    """What a Python says that has lean_dojo to itself."""
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


def test_a_token_does_not_reach_it_nor_does_our_ray(monkeypatch):
    """With a token it asks GitHub while it is imported."""
    monkeypatch.setenv("GITHUB_ACCESS_TOKEN", "a-token")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert in_child("import os, lean_dojo; print(os.environ['GITHUB_ACCESS_TOKEN'], 'RAY_ADDRESS' in os.environ)").strip() == "False"


def test_it_says_which_versions_of_lean_it_accepts():
    lean = "leanprover/lean4:"
    asked = [f"{lean}v4.3.0-rc1", f"{lean}v4.3.0-rc2", f"{lean}v4.18.0", f"{lean}v4.30.0", f"{lean}nightly-2025-01-01", "mine"]
    package = dojo_traces.check_versions(asked)
    assert package.accepted == asked[1:4] and int(package.version.split(".")[0]) == 4


@pytest.mark.parametrize(("toolchain", "plays", "traces"), [
    ("leanprover/lean4:v4.9.0", True, False), ("leanprover/lean4:v4.18.0", True, False), ("leanprover/lean4:v4.19.0-rc2", False, False),
    ("leanprover/lean4:v4.20.0", False, True), ("leanprover/lean4:4.27.0", False, True), ("leanprover/lean4:v4.28.0", False, False),
    ("leanprover/lean4:nightly-2025-03-01", False, False), ("lean-toolchain-of-mine", False, False)])
def test_a_version_that_does_not_work_is_refused_with_both_versions(toolchain, plays, traces):
    for works, require, limit in ((plays, dojo_traces.require_playable, "4.19"), (traces, dojo_traces.require_traceable, "4.20")):
        if works:
            require(toolchain)
        else:
            with pytest.raises(DojoUnsupported, match=limit) as refused:
                require(toolchain)
            assert toolchain in str(refused.value)


def test_the_default_gym_is_named_before_anything_starts(traced, tmp_path, on_path):
    folder = Path(shutil.copytree(traced, tmp_path / "newer"))
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.21.0\n", encoding="utf-8")
    with pytest.raises(DojoUnsupported, match=r"Lean before 4\.19, and this is leanprover/lean4:v4\.21\.0.*lean_workspace\.gym\.Gym"):
        DojoGym(folder)
    assert not dojo_lean.called(on_path)


def test_without_the_package_it_says_how_to_get_it(traced, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DojoUnsupported, match=r"pip install 'lean-alchemy\[dojo\]'"):
        DojoGym(traced)
    with pytest.raises(DojoUnsupported, match=r"pip install 'lean-alchemy\[dojo\]'"):
        dojo_traces.check_versions([])


# --- reading --------------------------------------------------------------------------------------------------------------------


def theorems_of(folder: Path, file: str) -> list[Theorem]:
    reader = dojo_traces.Reader(folder)
    try:
        return list(reader.theorems(file))
    finally:
        reader.close()


BASIC = ".lake/build/ir/Pears/Basic.ast.json"


def test_a_theorem_is_read_with_the_proof_that_was_written(traced):
    theorems = {theorem.full_name: theorem for theorem in theorems_of(traced, BASIC)}
    swap, both = theorems["Pears.swap"], theorems["Pears.both"]
    assert swap.text.splitlines() == (traced / "Pears/Basic.lean").read_text(encoding="utf-8").splitlines()[8:12]  # its comment, too
    assert (swap.statement, swap.level_params) == ("{α : Sort u} (a b c : Nat) : a + b + c = a + c + b", ["u"])
    assert (swap.file, swap.start, swap.end) == ("Pears/Basic.lean", (9, 1), (12, 23))
    assert [tactic.tactic for tactic in swap.tactics] == ["rw [Nat.add_assoc, Nat.add_comm b]", "rw [← Nat.add_assoc]"]
    assert swap.tactics[0].premises == ["Nat.add_assoc", "Nat.add_comm"] and swap.tactics[0].state_after == swap.tactics[1].state_before
    assert both.text.startswith("lemma both (h : 1 = 1) : ") and [t.tactic for t in both.tactics] == ["constructor", "exact h", "exact h"]
    assert theorems["Pears.hidden"].is_private and not theorems["Pears.both"].is_private
    assert not theorems["Pears.by_term"].is_tactic_proof and theorems["Pears.by_term"].proof == "rfl"


def test_its_xml_says_the_same_as_its_json(traced, tmp_path):
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


def test_a_benchmark_that_its_classes_write_is_read(traced, tmp_path):
    """Row by row what LeanDojo's notebook for Benchmark 4 takes from a traced file. The macro's theorem has no name there."""
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


def test_a_file_that_cannot_be_read_costs_no_other(traced, tmp_path):
    folder = Path(shutil.copytree(traced, tmp_path / "pears"))
    (folder / ".lake/build/ir/Pears.ast.json").write_text("{", encoding="utf-8")
    reader = dojo_traces.Reader(folder)
    with pytest.raises(DojoFailed, match="JSONDecodeError"):
        list(reader.theorems(".lake/build/ir/Pears.ast.json"))
    assert len(list(reader.theorems(BASIC))) == 8
    reader._child._process.kill()
    reader._child._process.wait()
    assert len(list(reader.theorems(BASIC))) == 8
    reader.close()


# --- alchemy trace --------------------------------------------------------------------------------------------------------------


def test_a_traced_folder_becomes_tables(traced, tmp_path, monkeypatch, capsys):
    """By the command, with Broken, which LeanDojo left no trace of: it is told, and the exit status says that something is missing."""
    monkeypatch.setattr("sys.argv", ["alchemy", "trace", str(tmp_path / "out"), "--traced", str(traced), "--json"])
    with pytest.raises(SystemExit) as end:
        main()
    done = capsys.readouterr()
    said = json.loads(done.out.splitlines()[-1])
    assert end.value.code == 1 and "1 of 3 files could not be read" in done.err
    assert {**said, "seconds": 0} == {"theorems": 8, "proved": 4, "steps": 7, "files": 3, "files_lost": 1, "seconds": 0,
                                      "rejects": {"no tactic proof": 1, "sorry": 1, "native": 1, "no name": 1}}
    proofs, rejects, steps = (table(tmp_path / "out", name) for name in ("proofs", "rejects", "steps"))
    assert len(proofs) + sum(row["stage"] == "traced" for row in rejects) == said["theorems"]
    assert {(row["target"], row["stage"], row["reason"]) for row in rejects} == {
        ("Pears.by_term", "traced", "no tactic proof"), ("Pears.later", "traced", "sorry"), ("Pears.trusted", "traced", "native"),
        ("", "traced", "no name"), ("Pears.Broken", "file", "not traced")}
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
    """A git repository whose HEAD is not what is asked for."""
    folder = repository(tmp_path / "origin" / "pears", "v4.20.0")
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "pears"], ["tag", "v1"],
                      ["commit", "-qm", "later", "--allow-empty"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=folder, check=True)
    return folder


def test_a_repository_is_built_and_traced_once(repo, on_path, tmp_path):
    """LeanDojo's own `_trace` over a lake that is none; it prints on stdout, which our reply must not be mixed with."""
    source = dojo_traces.cloned(str(repo), "v1")
    assert source.commit != dojo_traces.cloned(str(repo), "main").commit
    folder = dojo_traces.traced(source, workers=1)
    assert [file.module for file in dojo_traces.files_in(folder)] == ["Pears", "Pears.Basic", "Pears.Broken"]
    assert (folder / "Lean4Repl.lean").is_file() and folder.parent.name == f"gitpython-pears-{source.commit}"
    calls = dojo_lean.called(on_path)
    assert [call for call in calls if call.startswith("lake")] == [
        "lake exe cache get", "lake build", "lake env lean --threads 1 --run ExtractData.lean noDeps", "lake build Lean4Repl"]
    assert dojo_traces.traced(source, workers=1) == folder and dojo_lean.called(on_path) == calls
    tally, _ = trace(tmp_path / "out", folder, source, 1)
    assert (tally.theorems, tally.proved, tally.lost) == (8, 4, 1)
    with pytest.raises(UsageError, match="other options"):
        trace(tmp_path / "out", folder, dojo_traces.cloned(str(repo), "main"), 1)


def test_a_repository_that_does_not_build_leaves_nothing(repo, on_path):
    (repo / "does-not-build").touch()
    subprocess.run(["git", "add", "-A"], cwd=repo, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "broken"], cwd=repo, check=True)
    source = dojo_traces.cloned(str(repo), "HEAD")
    with pytest.raises(DojoFailed, match="lake build"):
        dojo_traces.traced(source, workers=1)
    place = dojo_process.dojo_home()
    assert not list((place / "tmp").iterdir()) and not (place / "traced" / f"gitpython-pears-{source.commit}").exists()


def test_what_cannot_be_traced_is_refused_with_status_2(repo, traced, tmp_path):
    (repo / "lean-toolchain").write_text("leanprover/lean4:v4.30.0\n", encoding="utf-8")
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "newer"], cwd=repo, check=True)
    done = program("trace", str(tmp_path / "out"), "--repo", str(repo))
    assert done.returncode == 2 and "from 4.28 on" in done.stderr and "Traceback" not in done.stderr
    done = program("trace", str(tmp_path / "out"), "--traced", str(repo))
    assert done.returncode == 2 and "no folder that LeanDojo traced" in done.stderr
    assert program("trace", str(tmp_path / "out"), "--repo", str(repo), "--traced", str(traced)).returncode == 2
    done = program("trace", str(tmp_path / "out"), "--repo", str(tmp_path / "none"))
    assert done.returncode == 1 and "git clone" in done.stderr and not (tmp_path / "out").exists()


def test_a_run_that_goes_on_reads_no_file_again(traced, tmp_path, monkeypatch):
    source = dojo_traces.source_of(traced)
    first, *_ = trace(tmp_path / "out", traced, source, 1)
    before = table(tmp_path / "out", "proofs")
    monkeypatch.setattr(Crew, "run", lambda self, items: pytest.fail("read again") if list(items) else iter([]))
    again, *_ = trace(tmp_path / "out", traced, source, 1)
    assert again == first and table(tmp_path / "out", "proofs") == before


def test_a_folder_without_theorems_is_no_success(traced, tmp_path):
    folder = Path(shutil.copytree(traced, tmp_path / "pears"))
    (folder / BASIC).write_text("{", encoding="utf-8")
    with pytest.raises(JobError, match="no theorem was read from the 3 files"):
        trace(tmp_path / "out", folder, dojo_traces.source_of(folder), 1)
    assert not (tmp_path / "out" / "manifest.json").exists() and not (tmp_path / "out" / "proofs").exists()


def test_its_steps_are_trained_on_as_original_theorems(traced, tmp_path):
    trace(tmp_path / "out", traced, dojo_traces.source_of(traced), 1)
    sources = Sources(Data(proofs=[str(tmp_path / "out")]))
    steps = {(text.source, text.prompt, text.completion) for text in sources.steps()}
    assert all(("original", prompt(row["state_before"]), row["tactic"]) in steps for row in table(tmp_path / "out", "steps"))
    texts = {text.completion for text in sources.theorems()}
    assert all(row["text"] in texts for row in table(tmp_path / "out", "proofs"))


def test_what_is_held_out_is_kept_out_of_traced_proofs_too(tmp_path):
    """By its name, by a premise that only held-out proofs use, and what the benchmark has once."""
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


# --- playing --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def gym(traced, on_path):
    with DojoGym(traced, deadline_s=20) as gym:
        yield gym


def test_a_proof_is_played_step_by_step(gym):
    both = gym.theorem("Pears.both", "Pears/Basic.lean")
    start = gym.start(both)
    assert start.goals == ("h : 1 = 1\n⊢ 1 = 1 ∧ 1 = 1",) and start.statement == both
    played = list(gym.play(start, ["constructor", "rfl", "rfl", "never"]))
    assert proves(played) and len(played) == 3
    assert played[0].outcome.state.goals == ("case left\nh : 1 = 1\n⊢ 1 = 1", "case right\nh : 1 = 1\n⊢ 1 = 1")
    proved = played[-1].outcome
    assert proved.theorem == "lemma both (h : 1 = 1) : 1 = 1 ∧ 1 = 1 := by\n  constructor\n  rfl\n  rfl"
    assert proved.axioms == UNKNOWN and [move.tactic for move in proved.moves] == ["constructor", "rfl", "rfl"]
    assert "lean_dojo" not in sys.modules


def test_what_lean_refuses_is_told_and_the_state_stays(gym):
    start = gym.start(gym.theorem("Pears.both", "Pears/Basic.lean"))
    refused = gym.step(start, "linarith")
    assert isinstance(refused, Refused) and refused.stage == "error" and "unknown tactic" in refused.message
    assert gym.step(start, "exact h?").stage == "sorry"
    spoken = gym.step(start, "speak")
    assert isinstance(spoken, Advanced) and spoken.messages == ("it speaks",)
    assert isinstance(gym.step(start, "constructor"), Advanced)


def test_a_tactic_that_no_proof_may_hold_never_reaches_lean(gym):
    start = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    for tactic in ("sorry", "exact sorry", "admit", "native_decide", "decide +native", "exact?", "rw?", "exact sorryAx _ _", "run_tac foo",
                   "exact Lean.ofReduceBool a b c", "set_option maxRecDepth 9 in simp"):
        assert gym.step(start, tactic).stage == "forbidden", tactic


def test_words_that_look_like_forbidden_ones_are_none():
    assert not [t for t in ("exact sorry'", "rw [admittance]", "exact h.sleepy", "apply foo", "rw [nonstop]") if forbidden(t)]


def test_a_tactic_that_is_too_long_for_a_terminal_is_refused(gym):
    start = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    assert gym.step(start, f"exact {'α' * 2000}").stage == "size"
    assert gym.step(start, f"exact {'a' * 3900}").stage == "error" and isinstance(gym.step(start, "rfl"), Proved)


def test_a_lean_that_hangs_costs_one_deadline_and_no_state(traced, on_path):
    with DojoGym(traced, deadline_s=2) as gym:
        split = gym.step(gym.start(gym.theorem("Pears.both", "Pears/Basic.lean")), "constructor").state
        began = time.monotonic()
        assert gym.step(split, "loop") == Lost("deadline") and time.monotonic() - began < 10
        assert not [process for process in running(on_path) if process.is_running()]
        assert [type(step.outcome) for step in gym.play(split, ["rfl", "rfl"])] == [Advanced, Proved]
    assert not running(on_path)


def test_a_lean_that_dies_is_tried_again_once(gym, on_path):
    start = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    assert isinstance(gym.step(start, "die once"), Proved)
    assert gym.step(start, "die") == Lost("ended")
    assert isinstance(gym.step(start, "rfl"), Proved)


def test_states_of_two_theorems_live_beside_each_other(gym):
    one = gym.start(gym.theorem("Pears.both", "Pears/Basic.lean"))
    other = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    assert isinstance(gym.step(one, "constructor"), Advanced) and isinstance(gym.step(other, "rfl"), Proved)


def test_what_is_not_there_is_told(gym):
    for name, file, said in (("Pears.none", "Pears/Basic.lean", "no theorem"), ("Pears.lost", "Pears/Broken.lean", "no traced file")):
        with pytest.raises(NotOpened, match=said):
            gym.theorem(name, file)
    with pytest.raises(NotOpened, match="LeanDojo: DojoInitError"):
        gym.start(DojoStatement("Pears/Basic.lean", "Pears.none", "theorem none :="))


def test_a_whole_proof_is_checked_by_compiling_its_file(gym):
    both = gym.theorem("Pears.both", "Pears/Basic.lean")
    assert gym.check(both, "⟨h, h⟩") and not gym.check(both, "wrong")
    with pytest.raises(DojoFailed, match="sorry"):
        gym.check(both, "by sorry")


def running(folder: Path) -> list[psutil.Process]:
    """The processes of the stand-in that are alive."""
    numbers = [int(line.split()[0]) for line in (folder / "called").read_text(encoding="utf-8").splitlines()]
    alive = [psutil.Process(number) for number in numbers if psutil.pid_exists(number)]
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
