"""Grades: the cheapest automation of the portfolio that proves a variant, or none."""

import re

import pytest

from lean_alchemy.lean_workspace import engine_source, workspace
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.protocol import PORTFOLIO, AskGrade
from lean_alchemy.lean_workspace.workspace import Difficulty, Workspace

GRADED = [
    ("rfl", "Nat.add_comm", "v (n : Nat) : n + 0 = n"),
    ("assumption", "Nat.add_comm", "v (a b : Nat) (h : a < b) : a < b"),
    ("simp", "Nat.add_comm", "v.{u} {α : Type u} (xs : List α) : (xs ++ []).length = xs.length"),
    ("omega", "Nat.add_comm", "v (a b c : Nat) (h : a < b) (k : b < c) : a + 2 ≤ c"),
    ("grind", "Nat.add_comm", "v (a b : Nat) (f : Nat → Nat) (h : a = b) (k : f b = 3) : f a = 3"),
    # A hypothesis of the target in other words, and the hypotheses in another order.
    ("exact target", "Nat.div_eq_iff_eq_mul_right", "v {a b c : Nat} (H' : b ∣ a) (H : Nat.lt 0 b) : a / b = c ↔ a = b * c"),
    # Differ from their target by simp lemmas: in the conclusion, in a hypothesis.
    ("simpa using target", "Nat.lt_iff_lt_of_mul_eq_mul",
     "v {a b d c e : Nat} (ha : a ≠ 0) (hbd : a = b * d) (hce : a = c * e) : c.blt b = true ↔ d < e"),
    ("simpa using target", "List.replicate_count_eq_of_count_eq_length",
     "v.{u} {α : Type u} [BEq α] [LawfulBEq α] {a : α} {l : List α} (h : List.count a l = l.attach.length) : "
     "List.replicate (List.count a l) a = l"),
    (None, "Int.sub_fdiv_of_dvd", "v (a : Int) {b c : Int} (hcb : c ∣ b) : a.fdiv c - b.fdiv c ≤ (a - b).fdiv c"),
    (None, "Nat.add_comm", "v (a b : Nat) : a + b = b"),
    (None, "Nat.add_comm", "v : False"),
]


@pytest.mark.parametrize(("closed_by", "target", "signature"), GRADED)
def test_the_cheapest_automation_is_the_grade(engine, closed_by, target, signature):
    assert engine.workspace.grade(signature, target) == Difficulty(closed_by, [])


def test_a_statement_with_auxiliary_definitions_can_be_graded(engine):
    assert engine.workspace.grade("v (n : Nat) : (match n with | 0 => 0 | k + 1 => k + 1) = n", "Nat.add_comm").closed_by


@pytest.mark.parametrize(("target", "statement"), [
    ("«odd names».«a b»", "(m : Nat) : m + 1 = 1 + m"),
    ("end", "(«from» : Nat) : «from» + 0 = «from»"),
    ("Small.dependent", "{xs : Array Nat} (i : Nat) (h : i < xs.size) (e : xs[i] = 0) : xs[i] + 0 = 0"),
    ("Small.lt_three", "{Small : Nat} {b : Nat} (h : Small < b) (k : b < 3) : Small + 1 < 3"),
])
def test_a_target_of_any_name_is_found(engine, target, statement):
    request = AskGrade(signature=f"v {statement}", target=target, tactics=["exact target"])
    assert engine.workspace.ask(request).closed_by == "exact target"


def test_the_verdict_is_the_one_on_the_whole_text(engine):
    for _, target, signature in GRADED:
        for name, tactic in (("rfl", "rfl"), ("simp", "simp"), ("omega", "omega"), ("grind", "grind"),
                             ("exact target", f"apply {target} <;> assumption")):
            closed = engine.workspace.ask(AskGrade(signature=signature, target=target, tactics=[name])).closed_by == name
            assert closed == (engine.refused(f"theorem {signature} := by\n  intros\n  {tactic}") is None), (signature, name)


@pytest.mark.parametrize(("signature", "target"), [
    ("v (a : Nat) : a = b", "Nat.add_comm"),
    ("v (a : Nat : a = a", "Nat.add_comm"),
    ("Nat.add_comm (a : Nat) : a = a", "Nat.add_comm"),
    ("v (a : Nat) : a = a", "Nat.no_such_theorem"),
])
def test_a_statement_that_lean_can_not_elaborate_has_no_grade(engine, signature, target):
    with pytest.raises(EngineRefused):
        engine.workspace.grade(signature, target)


@pytest.mark.slow
def test_a_tactic_that_kills_the_engine_is_unknown_and_the_others_count(lean, tmp_path, monkeypatch):
    """A user's file can redefine a tactic; here `omega` sleeps for ten minutes."""
    mine = tmp_path / "Sleepy.lean"
    mine.write_text("prelude\nimport Init.Grind\nmacro_rules | `(tactic| omega) => `(tactic| sleep 600000)\n")
    monkeypatch.setattr(workspace, "BATCH_DEADLINE_S", 3.0)
    monkeypatch.setattr(workspace, "ALONE_S", 5.0)
    with Workspace(install.launch, Library((), (str(mine),))) as sleepy:
        signature = "v (a b : Nat) (f : Nat → Nat) (h : a = b) (k : f b = 3) : f a = 3"
        assert sleepy.grade(signature, "Nat.add_comm") == Difficulty("grind", ["omega"])
        assert sleepy.deaths == 2


def test_python_and_lean_have_the_same_portfolio():
    source = (engine_source.ENGINE / "Alchemy" / "Judging" / "Grade.lean").read_text(encoding="utf-8")
    assert tuple(re.findall(r'\{ name := "(.+?)"', source)) == PORTFOLIO
