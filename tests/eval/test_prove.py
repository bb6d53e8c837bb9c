"""Evaluation: provers on problems, outcomes, scores, and the comparison of two runs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_alchemy.eval import minif2f
from lean_alchemy.eval.benchmarks import Problem, suite_of
from lean_alchemy.eval.first_states import LibraryEnvironment
from lean_alchemy.eval.prove import Budget, Ending, Examiner, Result
from lean_alchemy.eval.prover import Query, ScoredTactic, distinct, spec_of
from lean_alchemy.eval.provers.command import CommandProver
from lean_alchemy.eval.score import by_budget, compare, mcnemar, score_results
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.gym import Gym, GymStatement
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
from lean_alchemy.pipelines.runtime.manifest import UsageError

BUDGET = Budget(expansions=10, candidates=8, heartbeats=5000)


# --- one prover, one gym --------------------------------------------------------------------------------------------------------


class Scripted:
    """A prover with fixed tactics for each state, by the last line of the state."""

    def __init__(self, moves: dict[str, list[str]], expansions: int | None = None):
        self.moves, self.expansions, self.asked = moves, expansions, []

    def propose(self, queries: Sequence[Query], count: int) -> list[list[ScoredTactic]]:
        self.asked.append([query.state.text for query in queries])
        return [[ScoredTactic(tactic, -0.1 * n) for n, tactic in enumerate(self.moves.get(query.state.text.rpartition("\n")[2], []))]
                for query in queries]

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def gym(engine) -> Gym:
    return Gym(engine.workspace)


def examined(gym: Gym, moves: dict[str, list[str]], *statements: str, budget: Budget = BUDGET) -> list[Result]:
    problems = [Problem(f"p{n}", statement) for n, statement in enumerate(statements)]
    return sorted(Examiner(LibraryEnvironment(gym, {}), Scripted(moves), budget).examine(problems), key=lambda result: result.name)


def test_each_problem_has_one_outcome(gym):
    results = examined(gym, {"⊢ a + b = b + a": ["nonsense", "omega"], "⊢ p": ["skip", "have h : True := trivial"]},
                       "(a b : Nat) : a + b = b + a", "(p : Prop) : p", ": n = 1", "(a : Nat) : a = 0")
    assert [result.ending for result in results] == ["proved", "out of budget", "not opened", "stuck"]
    proved = results[0]
    assert proved.tactics == ["omega"] and proved.proof.endswith(":= by\n  omega") and (proved.tried, proved.refused) == (2, 1)
    assert 0 < proved.lean_seconds <= proved.seconds and results[1].expansions == BUDGET.expansions
    assert "n" in results[2].message


def test_a_proof_in_parts_is_written_in_blocks_and_is_valid(gym, engine):
    (result,) = examined(gym, {"⊢ p ∧ q ∧ r": ["constructor"], "⊢ q ∧ r": ["nonsense", "constructor"], "⊢ p": ["exact hp"],
                               "⊢ q": ["exact hq"], "⊢ r": ["exact hr"]}, "(p q r : Prop) (hp : p) (hq : q) (hr : r) : p ∧ q ∧ r")
    assert result.ending == "proved"
    assert result.tactics == ["constructor", "· exact hp", "· constructor\n  · exact hq\n  · exact hr"]
    assert engine.refused(result.proof) is None


def test_the_prover_is_asked_once_per_state(gym):
    prover = Scripted({"⊢ p ∧ q": ["exact And.comm.1 ?_", "apply And.comm.1"], "⊢ q ∧ p": ["exact And.comm.1 ?_"]})
    (result,) = Examiner(LibraryEnvironment(gym, {}), prover, BUDGET).examine([Problem("p", "(p q : Prop) : p ∧ q")])
    assert result.ending == "stuck" and result.expansions == 2


def test_problems_are_batched(gym):
    prover = Scripted({"⊢ a = a": ["rfl"]})
    problems = [Problem(f"p{n}", "(a : Nat) : a = a") for n in range(11)]
    results = list(Examiner(LibraryEnvironment(gym, {}), prover, BUDGET).examine(problems))
    assert [len(asked) for asked in prover.asked] == [8, 3] and {result.ending for result in results} == {"proved"}


def test_a_prover_may_have_a_budget_of_its_own(gym):
    prover = Scripted({"⊢ p": ["have h : True := trivial"]}, expansions=1)
    (result,) = Examiner(LibraryEnvironment(gym, {}), prover, BUDGET).examine([Problem("p", "(p : Prop) : p")])
    assert (result.ending, result.expansions) == ("out of budget", 1)


def test_of_equal_tactics_the_most_probable_counts():
    assert distinct([ScoredTactic("a", -2.0), ScoredTactic("b", -1.5), ScoredTactic("a", -1.0), ScoredTactic("", -0.1)]) == [
        ScoredTactic("a", -1.0), ScoredTactic("b", -1.5)]


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
    return Query(Problem("p", ": 1 = 1"), gym.start(GymStatement("(a b : Nat) : a + b = b + a")), gym)


def test_a_command_prover_gets_json(gym, tmp_path):
    prover = CommandProver(command(tmp_path, PROGRAM))
    assert prover.propose([query(gym)] * 2, 4) == [[ScoredTactic("omega", -0.5)]] * 2
    assert prover.propose([query(gym)], 4) == [[ScoredTactic("omega", -0.5)]]
    prover.close()


@pytest.mark.parametrize(("program", "said"), [
    ("", "ended"), ("print('hello', flush=True); input(); input()", "its reply is invalid"),
    (PROGRAM.replace('asked["id"]', "99"), "does not fit the request"), (PROGRAM.replace("-0.5", "0.5"), "above 0"),
    (PROGRAM.replace('for _ in asked["states"]', "for _ in [1, 2, 3]"), "does not fit the request")])
def test_a_command_that_breaks_the_protocol_ends_the_run(gym, tmp_path, program, said):
    prover = CommandProver(command(tmp_path, program))
    with pytest.raises(Trouble, match=said):
        prover.propose([query(gym)], 4)


def test_an_unknown_prover_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no prover"):
        spec_of("automaton")
    with pytest.raises(UsageError, match="holds no model"):
        spec_of(str(tmp_path))
    with pytest.raises(Trouble, match="can't start"):
        CommandProver("/no/such/program at all")
    assert spec_of("python prover.py").kind == "command" and spec_of("random").kind == "random"


# --- what it comes to -----------------------------------------------------------------------------------------------------------


def result(name: str, ending: str, expansions: int = 1) -> Result:
    return Result(name=name, module="", ending=ending, message=None, statement="", proof=None, tactics=[], axioms=[], expansions=expansions,
                  tried=3, refused=1, unparsed=0, lean_seconds=1.0, model_seconds=2.0, seconds=4.0)


ENDINGS = st.lists(st.sampled_from(get_args(Ending)), min_size=1)


@given(ENDINGS)
def test_every_problem_counts_in_the_denominator(endings):
    found = score_results([result(str(n), ending) for n, ending in enumerate(endings)], not_run=5)
    assert found.attempted == len(endings) == sum(found.endings.values()) and found.theorems == found.attempted + 5
    assert found.pass_rate == endings.count("proved") / len(endings)
    assert 0 <= found.interval.low <= found.pass_rate <= found.interval.high <= 1


def test_the_interval_is_a_bootstrap_interval():
    """Of 100 theorems with half of them proved it is about ±2 · sqrt(0.25 / 100)."""
    found = score_results([result(str(n), "proved" if n % 2 else "stuck") for n in range(100)], 0)
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


def test_a_smaller_budget_proves_less():
    results = [result("a", "proved", 1), result("b", "proved", 3), result("c", "stuck", 4), result("d", "proved", 3)]
    assert by_budget(results) == [(0, 0.0), (1, 0.25), (2, 0.25), (3, 0.75), (4, 0.75)]


# --- benchmarks -----------------------------------------------------------------------------------------------------------------


def test_a_theorem_of_core_may_use_earlier_theorems():
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


def test_listed_problems_of_minif2f_are_run(tmp_path, monkeypatch):
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


def test_a_theorem_of_leandojo_sees_the_declarations_above_it(tmp_path):
    """In its file. A theorem that this version of the library does not have is not run."""
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


def test_a_missing_benchmark_is_an_error():
    with pytest.raises(UsageError, match="needs --data"):
        suite_of("minif2f", None, "random", "val")
    with pytest.raises(UsageError, match="there is no benchmark"):
        suite_of("leandojo", Path("/no/such/folder"), "random", "test")
