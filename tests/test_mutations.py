"""Each kind at each site, with the statement that a reader expects."""

import pytest

from lean_workspace.protocol import Refusal, Written
from lean_workspace.workspace import Useless


@pytest.mark.parametrize(("target", "kind", "lemma", "where", "statement", "proof"), [
    pytest.param(
        "Nat.mul_pos", "rw", "Nat.pos_iff_ne_zero", {},
        "{n m : Nat} (hn : 0 < n) (hm : 0 < m) : n * m ≠ 0",
        ["have h := Nat.mul_pos hn hm", "rw [Nat.pos_iff_ne_zero] at h", "exact h"],
        id="rw at the conclusion"),
    pytest.param(
        "Small.unnamed", "rw", "Nat.not_le", {"backward": True},
        "{a b : Nat} (h : a < b) (h₁ : b < 3) : ¬3 ≤ a + 1",
        ["have h₂ := Small.unnamed h h₁", "rw [← Nat.not_le] at h₂", "exact h₂"],
        id="rw backward at the conclusion, hypotheses without names"),
    pytest.param(
        "Small.numeral", "rw", "Nat.add_comm", {"at": "h"},
        "(n : Nat) (h : 2 + n = 5) : n = 3",
        ["exact Small.numeral n (by rw [Nat.add_comm]; exact h)"],
        id="rw at a hypothesis, numerals"),
    pytest.param(
        "Small.lt_three", "rw", "Nat.succ_le_iff", {"at": "h", "backward": True},
        "{a b : Nat} (h : a.succ ≤ b) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by rw [← Nat.succ_le_iff]; exact h) k"],
        id="rw backward at a hypothesis"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.lt_of_succ_lt", {"at": "h", "backward": True},
        "{a b : Nat} (h : a.succ < b) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by apply Nat.lt_of_succ_lt <;> assumption) k"],
        id="apply at a hypothesis"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.lt_of_le_of_ne", {"at": "k", "backward": True},
        "{a b : Nat} (h : a < b) (h₁ : b ≤ 3) (h₂ : ¬b = 3) : a + 1 < 3",
        ["exact Small.lt_three h (by apply Nat.lt_of_le_of_ne <;> assumption)"],
        id="apply at a hypothesis, two antecedents"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.le_of_lt", {"occurrence": 1},
        "{a b : Nat} (h : a < b) (k : b < 3) : a + 1 ≤ 3",
        ["have h₁ := Small.lt_three h k", "exact Nat.le_of_lt h₁"],
        id="apply forward at the conclusion"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.add_lt_add", {"occurrence": 2},
        None, None,
        id="apply forward leaves data undetermined"),
    pytest.param(
        "Small.dependent", "rw", "Nat.add_comm", {},
        "{xs : Array Nat} (i : Nat) (h : i < xs.size) (e : xs[i] = 0) : 0 + xs[i] = 0",
        ["have h₁ := Small.dependent i h e", "rw [Nat.add_comm] at h₁", "exact h₁"],
        id="hypotheses that depend on each other"),
    pytest.param(
        "Small.universes", "rw", "List.length_eq_countP_add_countP", {},
        None, None,
        id="a lemma with data of its own is of no use"),
    pytest.param(
        "List.map_map", "rw", "List.map_eq_foldr", {},
        "{β : Type u_1} {γ : Type u_2} {α : Type u_3} {g : β → γ} {f : α → β} {l : List α} : "
        "List.foldr (fun a bs => g a :: bs) [] (List.map f l) = List.map (g ∘ f) l",
        ["have h := @List.map_map β γ α g f l", "rw [List.map_eq_foldr] at h", "exact h"],
        id="universe levels and implicit arguments"),
    pytest.param(
        "Small.instances", "rw", "beq_eq_false_iff_ne", {"at": "h"},
        None, None,
        id="refused where nothing fits"),
    pytest.param(
        "Small.instances", "rw", "Bool.not_eq_false'", {"at": "h", "backward": True},
        "{α : Type u} [BEq α] [LawfulBEq α] (a b : α) (h : (!a == b) = false) : a = b",
        ["exact Small.instances a b (by rw [← Bool.not_eq_false']; exact h)"],
        id="instances"),
    pytest.param(
        "Nat.succ_eq_add_one", "rw", "«odd names».«a b»", {},
        "(n : Nat) : n.succ = 1 + n",
        ["have h := Nat.succ_eq_add_one n", "rw [«odd names».«a b»] at h", "exact h"],
        id="a lemma whose name needs « »"),
    pytest.param(
        "end", "rw", "Nat.add_comm", {},
        "(«from» : Nat) : 0 + «from» = «from»",
        ["have h := «end» «from»", "rw [Nat.add_comm] at h", "exact h"],
        id="a target and a variable whose names are keywords"),
    pytest.param(
        "Small.lt_three", "apply", "Small.bare", {"at": "h", "backward": True},
        "{a b : Nat} (h : 2 < 1) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by apply Small.bare <;> assumption) k"],
        id="a lemma whose conclusion is a variable"),
    pytest.param(
        "Vector.mapIdx_eq_mapFinIdx", "rw", "Vector.mapIdx_eq_iff", {},
        "{α : Type u_1} {n : Nat} {β : Type u_2} {xs : Vector α n} {f : Nat → α → β} (i : Nat) (h : i < n) : "
        "f i xs[i] = (xs.mapFinIdx fun i a x => f i a)[i]",
        ["have h₁ := Vector.mapIdx_eq_mapFinIdx (xs := xs) (f := f)", "rw [Vector.mapIdx_eq_iff] at h₁", "exact h₁ i h"],
        id="a conclusion that begins with binders"),
])
def test_a_mutation(engine, target, kind, lemma, where, statement, proof):
    made = engine.mutate(target, kind, lemma, **where)
    if statement is None:
        assert isinstance(made, Useless), made
        return
    assert isinstance(made, Written), made
    assert made.statement == statement
    assert made.proof == "by\n  " + "\n  ".join(proof)
    assert made.theorem.endswith(f" {made.statement} := {made.proof}")
    assert engine.refused(made.theorem) is None


def test_instances_stay_unnamed_and_universes_stand_after_the_name(engine):
    made = engine.mutate("Small.instances", "apply", "Eq.symm", occurrence=1)
    assert made.theorem.startswith("theorem v.{u} {α : Type u} [BEq α] [LawfulBEq α] (a b : α) (h : (a == b) = true) :")


def test_an_attempt_that_lean_refuses_says_so(engine):
    assert engine.mutate("Small.lt_three", "rw", "List.map_map") == Useless("refused")


def test_a_rewrite_with_side_goals_is_counted_apart(engine):
    """`Nat.add_sub_cancel' : m ≤ n → m + (n - m) = n` leaves `m ≤ n`."""
    assert engine.mutate("Small.subtraction", "rw", "Nat.add_sub_cancel'") == Useless("side goals")


def test_what_rfl_closes_is_no_theorem(engine):
    made = engine.mutate("Small.universes", "rw", "List.length_map")
    assert isinstance(made, Refusal) and made.stage == "proof"


def test_the_verdict_does_not_depend_on_what_came_before(engine):
    """The same candidate first, alone, and after a hundred others."""
    prepared = engine.workspace.target(engine.number("Nat.mul_pos"))
    from lean_workspace.protocol import Candidate

    one = Candidate(0, "rw", engine.number("Nat.mul_comm"), False, 0)
    others = [Candidate(0, "rw", n, b, 0) for n in range(1000, 1050) for b in (False, True)]
    ((_, alone),) = prepared.attempt([one])
    after = dict(prepared.attempt([*others, one]))[one]
    assert alone.term == after.term
    ((_, first),) = prepared.write([(alone, "v")])
    ((_, second),) = prepared.write([(after, "v")])
    assert (first.theorem, first.print_options, first.axioms) == (second.theorem, second.print_options, second.axioms)
