"""The reason for the outcome of an attempt: Lean's message, and the trace."""

from collections.abc import Callable

import pytest

from lean_alchemy.lean_workspace.attempt_protocol import Explained
from lean_alchemy.lean_workspace.protocol import Candidate
from lean_alchemy.lean_workspace.workspace import Draft, PreparedTarget, Useless


@pytest.fixture
def prepared(engine) -> Callable[..., tuple[PreparedTarget, Candidate]]:
    """A target and an attempt on it."""
    def prepare(target: str, kind: str, lemma: str, at: str = "conclusion", backward: bool = False, occurrence: int = 0):
        prepared = engine.workspace.target(engine.number(target))
        site = next(s.site for s in prepared.sites if s.name == at)
        return prepared, Candidate(site, kind, engine.number(lemma), backward, occurrence)
    return prepare


@pytest.fixture
def explained(prepared) -> Callable[..., Explained]:
    def explain(*names: str, **where) -> Explained:
        target, candidate = prepared(*names, **where)
        return target.explain(candidate)
    return explain


def test_a_success_shows_the_unification_and_the_new_statement(explained):
    assert explained("Nat.mul_pos", "rw", "Nat.mul_comm") == Explained(outcome="draft", message=None, trace=[
        "rw Nat.mul_comm, forward, at the conclusion: 0 < n * m",
        "pattern: ?n * ?m",
        "n * m =?= ?n * ?m: yes",
        "rewritten: 0 < m * n",
        "new statement: ∀ {n m : Nat}, 0 < n → 0 < m → 0 < m * n"])


def test_side_goals_of_a_lemma_are_shown(explained):
    why = explained("Small.lt_three", "apply", "Nat.lt_of_lt_of_le", at="h", backward=True)
    assert why.outcome == "draft"
    assert why.trace[:3] == [
        "apply Nat.lt_of_lt_of_le, backward, at the hypothesis h: a < b", "?n < ?k =?= a < b: yes", "left open: ?m : Nat"]


def test_a_pattern_that_is_not_found_is_shown(explained):
    why = explained("Nat.mul_pos", "rw", "Nat.add_comm")
    assert why.outcome == "refused"
    assert "Did not find an occurrence of the pattern\n  ?n + ?m" in why.message
    assert why.trace[1:] == ["pattern: ?n + ?m", "no subterm has the head of the pattern and as many arguments"]


def test_a_missing_instance_after_unification_is_in_leans_message(explained):
    why = explained("BEq.trans", "rw", "beq_iff_eq", at="h")
    assert why.outcome == "refused" and why.message.startswith("failed to synthesize\n  LawfulBEq α")
    assert why.trace[-1] == "(a == b) = true =?= (?a == ?b) = true: yes"


def test_a_missing_instance_during_unification_is_in_the_trace(explained):
    why = explained("Nat.add_sub_cancel", "rw", "Lean.Grind.Ring.sub_eq_add_neg")
    assert why.outcome == "refused"
    assert why.trace[1:] == ["pattern: ?a - ?b", "n + m - m =?= ?a - ?b: no", "no instance of Lean.Grind.Ring Nat"]


def test_a_motive_that_is_not_type_correct_is_shown(explained):
    why = explained("List.getElem_append_left", "rw", "List.append_eq", backward=True)
    assert why.outcome == "refused" and "motive is not type correct" in why.message
    assert why.trace[-2:] == ["as ++ bs =?= ?as ++ ?bs: yes", "the motive is not type correct: fun x => x[i] = as[i]"]


def test_an_unchanged_term_is_shown(explained):
    why = explained("Nat.pow_two", "rw", "Nat.mul_comm")
    assert (why.outcome, why.message) == ("unchanged", None)
    assert why.trace[-2:] == ["a * a =?= ?n * ?m: yes", "rewritten: a ^ 2 = a * a"]


@pytest.mark.parametrize(("names", "where", "reason"), [
    (("Nat.add_comm", "rw", "Nat.add_comm"), {"occurrence": 3}, "no such occurrence"),
    (("Nat.mul_pos", "apply", "Nat.le_of_lt"), {"occurrence": 2}, "refused"),
    (("Nat.mul_pos", "apply", "Nat.le_of_eq"), {"occurrence": 1}, "refused"),
    (("Nat.le_total", "rw", "Nat.not_lt"), {"backward": True, "occurrence": 2}, "draft")])
def test_explanations_agree_with_attempts_and_do_not_change_them(prepared, names, where, reason):
    target, candidate = prepared(*names, **where)
    assert target.explain(candidate).outcome == reason
    ((_, outcome),) = target.attempt([candidate])
    assert isinstance(outcome, Draft) if reason == "draft" else outcome == Useless(reason)
    assert target.explain(candidate).outcome == reason
