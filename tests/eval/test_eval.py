"""Evaluation: provers on problems, how these end, what that comes to, and two runs side by side."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import golden
import pytest
from commands import alchemy, summary, table
from hypothesis import given
from hypothesis import strategies as st
from made import manifest, put, step, variant

from lean_alchemy.eval import minif2f
from lean_alchemy.eval.benchmarks import Problem, suite_of
from lean_alchemy.eval.first_states import LibraryEnvironment
from lean_alchemy.eval.prove import PROVE, Budget, Ending, Examiner, Result
from lean_alchemy.eval.prover import Candidate, Query, distinct, spec_of
from lean_alchemy.eval.provers.command import Command
from lean_alchemy.eval.score import by_budget, compare, mcnemar, score
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.gym import Gym, Statement
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Step, Variant
from lean_alchemy.pipelines.runtime.manifest import UsageError

BUDGET = Budget(expansions=10, candidates=8, heartbeats=5000)


# --- one prover, one gym --------------------------------------------------------------------------------------------------------


class Scripted:
    """Proposes what it is told for a state, by its last line."""

    def __init__(self, moves: dict[str, list[str]], expansions: int | None = None):
        self.moves, self.expansions, self.asked = moves, expansions, []

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        self.asked.append([query.state.text for query in queries])
        return [[Candidate(tactic, -0.1 * n) for n, tactic in enumerate(self.moves.get(query.state.text.rpartition("\n")[2], []))]
                for query in queries]

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def gym(engine) -> Gym:
    return Gym(engine.workspace)


def examined(gym: Gym, moves: dict[str, list[str]], *statements: str, budget: Budget = BUDGET) -> list[Result]:
    problems = [Problem(f"p{n}", statement) for n, statement in enumerate(statements)]
    return sorted(Examiner(LibraryEnvironment(gym, {}), Scripted(moves), budget).examine(problems), key=lambda result: result.name)


def test_each_problem_ends_in_one_way(gym):
    results = examined(gym, {"⊢ a + b = b + a": ["nonsense", "omega"], "⊢ p": ["skip", "have h : True := trivial"]},
                       "(a b : Nat) : a + b = b + a", "(p : Prop) : p", ": n = 1", "(a : Nat) : a = 0")
    assert [result.ending for result in results] == ["proved", "out of budget", "not opened", "stuck"]
    proved = results[0]
    assert proved.tactics == ["omega"] and proved.proof.endswith(":= by\n  omega") and (proved.tried, proved.refused) == (2, 1)
    assert 0 < proved.lean_seconds <= proved.seconds and results[1].expansions == BUDGET.expansions
    assert "n" in results[2].message


def test_a_proof_in_parts_is_written_in_blocks_and_holds(gym, engine):
    (result,) = examined(gym, {"⊢ p ∧ q ∧ r": ["constructor"], "⊢ q ∧ r": ["nonsense", "constructor"], "⊢ p": ["exact hp"],
                               "⊢ q": ["exact hq"], "⊢ r": ["exact hr"]}, "(p q r : Prop) (hp : p) (hq : q) (hr : r) : p ∧ q ∧ r")
    assert result.ending == "proved"
    assert result.tactics == ["constructor", "· exact hp", "· constructor\n  · exact hq\n  · exact hr"]
    assert engine.refused(result.proof) is None


def test_a_state_that_comes_again_is_asked_about_once(gym):
    prover = Scripted({"⊢ p ∧ q": ["exact And.comm.1 ?_", "apply And.comm.1"], "⊢ q ∧ p": ["exact And.comm.1 ?_"]})
    (result,) = Examiner(LibraryEnvironment(gym, {}), prover, BUDGET).examine([Problem("p", "(p q : Prop) : p ∧ q")])
    assert result.ending == "stuck" and result.expansions == 2


def test_many_problems_are_asked_about_in_one_go(gym):
    prover = Scripted({"⊢ a = a": ["rfl"]})
    problems = [Problem(f"p{n}", "(a : Nat) : a = a") for n in range(11)]
    results = list(Examiner(LibraryEnvironment(gym, {}), prover, BUDGET).examine(problems))
    assert [len(asked) for asked in prover.asked] == [8, 3] and {result.ending for result in results} == {"proved"}


def test_a_prover_may_have_a_budget_of_its_own(gym):
    prover = Scripted({"⊢ p": ["have h : True := trivial"]}, expansions=1)
    (result,) = Examiner(LibraryEnvironment(gym, {}), prover, BUDGET).examine([Problem("p", "(p : Prop) : p")])
    assert (result.ending, result.expansions) == ("out of budget", 1)


def test_of_equal_tactics_the_best_counts():
    assert distinct([Candidate("a", -2.0), Candidate("b", -1.5), Candidate("a", -1.0), Candidate("", -0.1)]) == [
        Candidate("a", -1.0), Candidate("b", -1.5)]


# --- a program as a prover ------------------------------------------------------------------------------------------------------

PROGRAM = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"id": asked["id"], "candidates": [[{"tactic": "omega", "log_prob": -0.5}] for _ in asked["states"]]}), flush=True)
"""


def command(tmp_path: Path, program: str) -> str:
    (tmp_path / "prover.py").write_text(program, encoding="utf-8")
    return f"{sys.executable} {tmp_path / 'prover.py'}"


def query(gym: Gym) -> Query:
    return Query(Problem("p", ": 1 = 1"), gym.start(Statement("(a b : Nat) : a + b = b + a")), gym)


def test_a_program_is_asked_in_json(gym, tmp_path):
    prover = Command(command(tmp_path, PROGRAM))
    assert prover.propose([query(gym)] * 2, 4) == [[Candidate("omega", -0.5)]] * 2
    assert prover.propose([query(gym)], 4) == [[Candidate("omega", -0.5)]]
    prover.close()


@pytest.mark.parametrize(("program", "said"), [
    ("", "ended"), ("print('hello', flush=True); input(); input()", "its reply is invalid"),
    (PROGRAM.replace('asked["id"]', "99"), "does not fit the request"), (PROGRAM.replace("-0.5", "0.5"), "above 0"),
    (PROGRAM.replace('for _ in asked["states"]', "for _ in [1, 2, 3]"), "does not fit the request")])
def test_a_program_that_breaks_the_rules_ends_the_run_with_a_reason(gym, tmp_path, program, said):
    prover = Command(command(tmp_path, program))
    with pytest.raises(Trouble, match=said):
        prover.propose([query(gym)], 4)


def test_a_prover_that_is_none_is_named(tmp_path):
    with pytest.raises(UsageError, match="no prover"):
        spec_of("automaton")
    with pytest.raises(UsageError, match="holds no model"):
        spec_of(str(tmp_path))
    with pytest.raises(Trouble, match="can't start"):
        Command("/no/such/program at all")
    assert spec_of("python prover.py").kind == "command" and spec_of("random").kind == "random"


# --- what it comes to -----------------------------------------------------------------------------------------------------------


def result(name: str, ending: str, expansions: int = 1) -> Result:
    return Result(name=name, module="", ending=ending, message=None, statement="", proof=None, tactics=[], axioms=[], expansions=expansions,
                  tried=3, refused=1, unparsed=0, lean_seconds=1.0, model_seconds=2.0, seconds=4.0)


ENDINGS = st.lists(st.sampled_from(get_args(Ending)), min_size=1)


@given(ENDINGS)
def test_nothing_leaves_the_denominator(endings):
    found = score([result(str(n), ending) for n, ending in enumerate(endings)], not_run=5)
    assert found.attempted == len(endings) == sum(found.endings.values()) and found.theorems == found.attempted + 5
    assert found.pass_rate == endings.count("proved") / len(endings)
    assert 0 <= found.interval.low <= found.pass_rate <= found.interval.high <= 1


def test_the_interval_is_that_of_the_bootstrap():
    """Of 100 theorems with half of them proved it is about ±2 · sqrt(0.25 / 100)."""
    found = score([result(str(n), "proved" if n % 2 else "stuck") for n in range(100)], 0)
    assert found.interval.low == pytest.approx(0.4, abs=0.015) and found.interval.high == pytest.approx(0.6, abs=0.015)
    assert found.search_share == pytest.approx(0.25)


def test_mcnemars_test_is_exact():
    assert mcnemar(0, 0) == 1.0 and mcnemar(5, 5) == 1.0
    assert mcnemar(0, 10) == pytest.approx(2 / 1024)
    assert mcnemar(2, 8) == mcnemar(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 1024)


def test_two_runs_are_paired_by_theorem():
    one = [result(name, ending) for name, ending in zip("abcd", ("proved", "proved", "stuck", "stuck"), strict=True)]
    two = [result(name, ending) for name, ending in zip("dcba", ("stuck", "proved", "proved", "proved"), strict=True)]
    found = compare(one, two)
    assert (found.both, found.only_first, found.only_second, found.neither) == (2, 0, 1, 1) and found.difference == 0.25
    assert found.interval.low <= 0.25 <= found.interval.high
    with pytest.raises(ValueError, match="only one"):
        compare(one, two[:3])


def test_a_smaller_budget_would_have_proved_less():
    results = [result("a", "proved", 1), result("b", "proved", 3), result("c", "stuck", 4), result("d", "proved", 3)]
    assert by_budget(results) == [(0, 0.0), (1, 0.25), (2, 0.25), (3, 0.75), (4, 0.75)]


# --- benchmarks -----------------------------------------------------------------------------------------------------------------


def test_a_theorem_of_core_may_use_what_was_proved_before_it():
    suite = suite_of("core", None, "novel_premises", "test")
    rounds = {t.full_name: t.round for t in Benchmark(CORE).theorems()}
    assert len(suite.problems) == 500 and suite.library == ["Init", "Std"]
    for problem in suite.problems:
        assert all(rounds[name] < rounds[problem.name] for name in problem.available) and problem.name not in problem.available
    smaller, larger = ({p.name for p in suite.sample(n, 0).problems} for n in (50, 100))
    assert len(smaller) == 50 and smaller < larger


ROWS = [
    {"name": "in_both", "split": "valid", "lean":
        "import Mathlib\nopen Nat Topology\nopen scoped Big\n\nopen Real in\ntheorem in_both (x : ℕ) (h : 0 < x) :\n  x ≠ 0 := by sorry"},
    {"name": "of_reals", "split": "valid", "lean": "theorem of_reals (x : ℝ) : x = x := by sorry"},
    {"name": "elsewhere", "split": "test", "lean": "theorem elsewhere : (1 : ℤ) = 1 := by\n  sorry"}]


def test_problems_of_minif2f_are_run_where_they_are_listed(tmp_path, monkeypatch):
    (tmp_path / "list.yaml").write_text("same: {in_both: '', elsewhere: ''}\nchanged: {}\n", encoding="utf-8")
    monkeypatch.setattr(minif2f, "LISTED", tmp_path / "list.yaml")
    (tmp_path / "f.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    read = minif2f.read(tmp_path / "f.jsonl", "val")
    assert read.statements == {"in_both": minif2f.ProblemText("(x : Nat) (h : 0 < x) :\n  x ≠ 0")}
    assert read.not_run == {"of_reals": "needs real numbers"}
    assert [stated.text for stated in minif2f.read(tmp_path / "f.jsonl", "test").statements.values()] == [": (1 : Int) = 1"]
    whole = minif2f.read(tmp_path / "f.jsonl", "val", with_mathlib=True)
    assert whole.not_run == {}
    assert whole.statements["in_both"] == minif2f.ProblemText("(x : ℕ) (h : 0 < x) :\n  x ≠ 0", "Nat Topology\nscoped Big")
    suite = suite_of("minif2f", tmp_path / "f.jsonl", "random", "val", with_mathlib=True)
    assert suite.library == ["Mathlib"] and [p.opens for p in suite.problems] == ["Nat Topology\nscoped Big", ""]
    for row in ROWS:
        place = tmp_path / "checkout" / row["split"].title()
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{row['name']}.lean").write_text(row["lean"], encoding="utf-8")
    assert minif2f.read(tmp_path / "checkout", "val").statements == read.statements
    (tmp_path / "bad.jsonl").write_text('{"name": 1}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="line 1"):
        minif2f.read(tmp_path / "bad.jsonl", "val")


def test_a_theorem_of_leandojos_stands_after_what_is_above_it(tmp_path):
    """In its file; one that the library does not have, as that is another version, is not run."""
    def theorem(name: str, line: int) -> dict:
        return {"url": "u", "commit": "c", "file_path": "Mathlib/A.lean", "full_name": name, "start": [line, 1], "end": [line, 9],
                "traced_tactics": []}

    for split in ("random", "novel_premises"):
        (tmp_path / split).mkdir()
        for part in ("train", "val", "test"):
            rows = [theorem("A.two", 5), theorem("A.gone", 9)] if part == "test" else []
            (tmp_path / split / f"{part}.json").write_text(json.dumps(rows), encoding="utf-8")
    premises = [{"full_name": name, "code": "", "start": [line, 1], "end": [line, 9], "kind": "commanddeclaration"}
                for name, line in (("A.one", 2), ("A.two", 5), ("A.three", 7))]
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"path": "Mathlib/A.lean", "imports": [], "premises": premises}), encoding="utf-8")
    (tmp_path / "metadata.json").write_text("{}", encoding="utf-8")
    suite = suite_of("leandojo", tmp_path, "random", "test")
    assert [(p.name, p.available) for p in suite.problems] == [("A.two", ("A.one",)), ("A.gone", ("A.one", "A.three", "A.two"))]
    there = suite.within({"A.one", "A.two"})
    assert [p.name for p in there.problems] == ["A.two"] and there.not_run == {"A.gone": "the library has no theorem of this name"}


def test_benchmarks_that_are_not_there_are_named():
    with pytest.raises(UsageError, match="needs --data"):
        suite_of("minif2f", None, "random", "val")
    with pytest.raises(UsageError, match="there is no benchmark"):
        suite_of("leandojo", Path("/no/such/folder"), "random", "test")


# --- whole commands -------------------------------------------------------------------------------------------------------------

LIBRARY = "Init.Data.Nat.Lemmas"  # above `omega`
EASY = ["Nat.sub_lt_add_one", "Nat.one_le_of_lt", "Nat.add_add_add_comm", "Nat.le_sub_iff_add_le'", "Nat.le_add_one_iff",
        "Nat.lt_add_one_iff", "Nat.add_mul_div_left", "Nat.mul_self_le_mul_self", "Nat.sub_one_sub_lt", "Nat.div_le_div_left",
        "No.such_theorem"]


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory) -> Path:
    """Some theorems of a small library, all of them in every part."""
    folder = tmp_path_factory.mktemp("eval") / "benchmark"
    rows = [{"url": "u", "commit": "c", "file_path": "src/Init/Data/Nat/Lemmas.lean", "full_name": name, "start": [1, 1], "end": [1, 2],
             "traced_tactics": [], "round": 1} for name in EASY]
    for split in ("random", "novel_premises"):
        (folder / split).mkdir(parents=True)
        for part in ("train", "val", "test"):
            (folder / split / f"{part}.json").write_text(json.dumps(rows if part == "test" else []), encoding="utf-8")
    (folder / "metadata.json").write_text(json.dumps({"name": "easy", "version": 1, "library": [LIBRARY]}), encoding="utf-8")
    (folder / "corpus.jsonl").write_text("", encoding="utf-8")
    return folder


def evaluate(benchmark: Path, out: Path, model: str, *more: str):
    return alchemy("eval", "--benchmark", "core", "--data", str(benchmark), "--model", model, "--out", str(out), "--workers", "1", "--json",
                   *more)


@pytest.fixture(scope="module")
def automated(lean, benchmark) -> tuple[Path, dict]:
    out = benchmark.parent / "automation"
    return out, summary(evaluate(benchmark, out, "automation"))


def test_an_evaluation_leaves_a_table_and_a_picture(automated, engine):
    out, said = automated
    rows = {row["name"]: row for row in table(out, "results")}
    assert set(rows) == set(EASY[:-1]) and (said["theorems"], said["attempted"]) == (len(EASY), len(EASY) - 1)
    assert said["proved"] == sum(row["ending"] == "proved" for row in rows.values()) >= 4
    not_run = json.loads((out / "evaluation.json").read_bytes())["not_run"]
    assert not_run == {"No.such_theorem": "the library has no theorem of this name"}
    for row in rows.values():
        if row["ending"] == "proved":
            assert engine.refused(row["proof"]) is None and row["proof"].startswith("theorem alchemy_goal")
    assert (out / "budget.png").read_bytes().startswith(b"\x89PNG") and said["interval"][0] <= said["pass_rate"] <= said["interval"][1]


def test_the_results_of_eval_are_those_of_its_version(automated):
    """Ten searches."""
    golden.check(PROVE, table(automated[0], "results", "lean_seconds", "model_seconds", "seconds"))


def test_an_evaluation_goes_on_and_is_not_mixed_with_another(automated, benchmark):
    out, said = automated
    again = summary(evaluate(benchmark, out, "automation"))
    assert {k: v for k, v in again.items()} == said
    other = evaluate(benchmark, out, "random")
    assert other.returncode == 2 and "prover" in other.stderr and "Traceback" not in other.stderr


@pytest.mark.slow
def test_tactics_at_random_are_a_prover(benchmark, tmp_path):
    drawn = summary(evaluate(benchmark, tmp_path / "random", "random", "--expansions", "2", "--candidates", "3"))
    assert drawn["theorems"] == len(EASY) and drawn["expansions"] <= 2 * len(EASY) and drawn["tried"] > drawn["refused"] > 0


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "--benchmark"), (("--benchmark", "core"), "--model"), (("--benchmark", "gsm8k", "--model", "random"), "is not one of"),
    (("--benchmark", "core", "--model", "random", "--part", "train"), "is not one of"),
    (("--benchmark", "core", "--model", "nobody"), "no prover"),
    (("--benchmark", "leandojo", "--model", "random"), "--data"),
    (("--benchmark", "leandojo", "--model", "random", "--data", str(CORE)), "--workspace")])
def test_a_wrong_call_is_named(arguments, said, tmp_path):
    done = alchemy("eval", *arguments, *(("--out", str(tmp_path / "out")) if arguments else ()))
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


# --- a model, from its training to its proofs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def omega(lean, benchmark, tmp_path_factory) -> Path:
    """A model that was shown nothing but `omega`, and its folder."""
    pytest.importorskip("trl")
    corpus, out = tmp_path_factory.mktemp("omega") / "corpus", tmp_path_factory.mktemp("omega") / "run"
    rows = [variant(n, f"Nat.t{n}", theorem=f"theorem variant_{n:016x} (a b : Nat) (h : a < b) : a + {n} < b + {n} := by\n  omega")
            for n in range(400)]
    put(corpus, rows, Variant, "variants")
    put(corpus, [step(row, "proof", tactic="omega", state_before=f"a b : Nat\nh : a < b\n⊢ a + {n} < b + {n}")
                 for n, row in enumerate(rows)], Step, "steps")
    manifest(corpus, Options(library=["Init"], targets=400, kinds=["rw"]), {"variants": len(rows)}, {})
    settings = ["base.decoder={vocabulary: 400, hidden: 32, layers: 2, heads: 2, feed_forward: 64, context: 256}",
                f"data={{benchmark: {benchmark}, corpora: [{corpus}]}}",
                *(f"{phase}={{updates: {updates}, rows: 4, block: 128, learning_rate: 1e-2, weights: {{original: 0}}}}"
                  for phase, updates in (("pretrain", 10), ("finetune", 60))), "precision=fp32", "evaluation_examples=20"]
    said = summary(alchemy("train", "tiny", "--out", str(out), *(f"--set={setting}" for setting in settings), "--json"))
    phase = said["phases"]["finetune"]
    assert phase["loss"]["rw"] < 0.1 < phase["before"]["rw"]
    return out


def test_a_model_proves_what_it_was_taught_to(omega, automated, benchmark, tmp_path):
    """The whole way: texts, pretraining, finetuning, search, proofs that hold, and a comparison. What it knows is one word."""
    said = summary(evaluate(benchmark, tmp_path / "out", str(omega), "--expansions", "4", "--candidates", "4"))
    proofs = {row["name"]: row["tactics"] for row in table(tmp_path / "out", "results") if row["ending"] == "proved"}
    assert said["proved"] == len(proofs) >= 3 and {tactics[-1] for tactics in proofs.values()} == {"omega"}
    assert said["model_seconds"] > 0 and said["prover"] == omega.name
    other, its = automated
    found = summary(alchemy("eval", "compare", str(other), str(tmp_path / "out"), "--plot", str(tmp_path / "both.png"), "--json"))
    assert (found["both"] + found["only_first"], found["both"] + found["only_second"]) == (its["proved"], said["proved"])
    assert (tmp_path / "both.png").is_file() and alchemy("eval", "compare", str(other), str(tmp_path)).returncode == 2


def test_a_candidates_log_probability_is_that_of_its_tokens(omega):
    """Whatever it is padded with, and whatever it is asked beside."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lean_alchemy.eval.provers.model import Model
    from lean_alchemy.training.prompt import completion_ids, prompt, prompt_ids

    states = ["a b : Nat\nh : a < b\n⊢ a + 3 < b + 3", "⊢ p"]
    prover = Model(omega / "model")
    found = prover.tactics(states, 3)
    alone = [prover.tactics([state], 3)[0] for state in states]
    tokenizer, model = AutoTokenizer.from_pretrained(omega / "model"), AutoModelForCausalLM.from_pretrained(omega / "model")
    for state, candidates, again in zip(states, found, alone, strict=True):
        assert [c.tactic for c in candidates] == [c.tactic for c in again]
        assert candidates[0].tactic == "omega" and len({c.tactic for c in candidates}) == len(candidates)
        assert [c.log_prob for c in candidates] == pytest.approx([c.log_prob for c in again], abs=1e-3)
        before, after = prompt_ids(tokenizer, [prompt(state)], [1000])[0], completion_ids(tokenizer, ["omega"])[0]
        with torch.no_grad():
            logits = torch.log_softmax(model(torch.tensor([before + after])).logits[0], -1)
        says = sum(float(logits[len(before) - 1 + i, token]) for i, token in enumerate(after))
        assert candidates[0].log_prob == pytest.approx(says, abs=1e-3)
    assert [c.tactic for c in prover.tactics(states, 1)[0]] == ["omega"]
