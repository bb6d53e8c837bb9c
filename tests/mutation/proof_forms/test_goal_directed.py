"""A variant's proof from the goal backwards, for each shape that the engine writes."""

import pytest

from lean_alchemy.mutation.proof_forms.goal_directed import goal_directed, tactics_of


@pytest.mark.parametrize(("tactics", "expected"), [
    pytest.param(["have h := Nat.mul_pos hn hm", "rw [← Nat.gcd_mul_lcm] at h", "exact h"],
                 ["rw [Nat.gcd_mul_lcm]", "exact Nat.mul_pos hn hm"], id="rw"),
    pytest.param(["have h₁ := Nat.mul_pos hn hm", "rw [L.eq (b := b)] at h₁", "exact h₁", "all_goals assumption"],
                 ["rw [← L.eq (b := b)]", "exact Nat.mul_pos hn hm", "all_goals assumption"], id="rw with a condition"),
    pytest.param(["have h := T", "rw [L] at h ⊢", "exact h"], ["rw [← L]", "exact T"], id="rw at the goal as well"),
    pytest.param(["have h := T\n  x", "rw [L\n  y] at h", "exact h"], ["rw [← L\n  y]", "exact T\n  x"], id="rw on several lines"),
    pytest.param(["have h := T (l := l)", "exact L h₀ h"], ["refine L h₀ ?_", "exact T (l := l)"], id="apply"),
    pytest.param(["exact T (by rw [← L]; exact h) k"], ["refine T ?_ k", "rw [← L]", "exact h"], id="rw at a hypothesis"),
    pytest.param(["exact T b (by rw [L (c := c)] <;> assumption)"], ["refine T b ?_", "rw [L (c := c)] <;> assumption"],
                 id="rw at a hypothesis, with a condition"),
    pytest.param(["exact T (f x) (L h h₁) k"], ["refine T (f x) ?_ k", "exact L h h₁"], id="apply at a hypothesis"),
    pytest.param(["exact T (@L α h) k"], ["refine T ?_ k", "exact @L α h"], id="a lemma with all of its arguments"),
    pytest.param(["exact T (L) k"], ["refine T ?_ k", "exact L"], id="a lemma without arguments"),
    pytest.param(["exact T (L (f (x)) (g y)) (k)"], ["refine T ?_ (k)", "exact L (f (x)) (g y)"], id="parentheses inside parentheses"),
    pytest.param(["exact T ((f) x) (L h)"], ["refine T ((f) x) ?_", "exact L h"], id="parentheses that begin together"),
    pytest.param(["exact T (L h) (L k)"], ["refine T ?_ (L k)", "exact L h"], id="the first of two"),
    pytest.param(["have h := T", "exact L h' h₁ h"], ["refine L h' h₁ ?_", "exact T"], id="another name that begins alike"),
    pytest.param(["have h := T", "exact L xh x.h h.1 h"], ["refine L xh x.h h.1 ?_", "exact T"], id="names that end alike, and a field"),
    pytest.param(["have h := T", "exact (h)"], ["refine (?_)", "exact T"], id="the hypothesis alone"),
    pytest.param(["have v : a = b := by\n  exact T", "have h := v", "rw [L] at h", "exact h"],
                 ["have v : a = b := by\n  exact T", "rw [← L]", "exact v"], id="rw in several steps"),
    pytest.param(["have v : a = b := by\n  exact T", "have w : b = a := by\n  exact v", "have h := w", "exact L h"],
                 ["have v : a = b := by\n  exact T", "have w : b = a := by\n  exact v", "refine L ?_", "exact w"],
                 id="apply in several steps"),
    pytest.param(["have v : a = b := by\n  exact T", "exact v (L h)"], ["have v : a = b := by\n  exact T", "refine v ?_", "exact L h"],
                 id="apply at a hypothesis in several steps"),
])
def test_a_proof_from_the_goal_backwards(tactics, expected):
    assert goal_directed(tactics, "L") == expected


@pytest.mark.parametrize("tactics", [
    pytest.param(["have h := T", "exact L h h"], id="a hypothesis that stands twice"),
    pytest.param(["have h := T", "exact L k"], id="a hypothesis that stands nowhere"),
    pytest.param(["exact T (f x) k"], id="nothing of the lemma's"),
    pytest.param(["exact T (L' h) (L.symm h) (Lx) (x L)"], id="other lemmas that begin alike, and what names it later"),
    pytest.param(["exact L h"], id="no parentheses"),
    pytest.param(["have h := T", "rw [L] at k", "exact h"], id="rw at another hypothesis"),
    pytest.param(["have h := T", "rw [L] at a", "exact h"], id="rw at another one, earlier in the alphabet"),
    pytest.param(["have h := T", "rw [L] at h", "exact k"], id="another hypothesis closes it"),
    pytest.param(["have h := T", "rw [L] at h", "exact a"], id="another one does, earlier in the alphabet"),
    pytest.param(["have h := T", "rw [L] at h", "exact h", "simp"], id="a tactic more"),
    pytest.param(["have h := T", "rw [L] at h", "exact h", "all_goals assumption", "simp"], id="two tactics more"),
    pytest.param(["have h := T", "simp [L] at h", "exact h"], id="simp"),
    pytest.param(["obtain h := T", "rw [L] at h", "exact h"], id="no have"),
    pytest.param(["obtain h := T", "exact L h"], id="no have before the lemma"),
    pytest.param(["have h := T", "apply L h"], id="no exact"),
    pytest.param(["apply T (L h)"], id="no exact alone"),
    pytest.param([], id="nothing"),
])
def test_another_proof_has_no_such_form(tactics):
    assert goal_directed(tactics, "L") is None


def test_a_lemmas_name_is_taken_as_it_is_written():
    assert goal_directed(["exact T (A.b h)"], "A.b") == ["refine T ?_", "exact A.b h"]
    assert goal_directed(["exact T (Axb h)"], "A.b") is None


@pytest.mark.parametrize(("proof", "tactics"), [
    pytest.param("by\n  exact T", ["exact T"], id="one"),
    pytest.param("by\n  intro x\n  rw [a]\n  exact T", ["intro x", "rw [a]", "exact T"], id="three"),
    pytest.param("by\n  have v : a = b := by\n    rw [x]\n    exact y\n  exact v", ["have v : a = b := by\n  rw [x]\n  exact y", "exact v"],
                 id="what is indented further"),
    pytest.param("by\n  exact f\n   x\n  simp", ["exact f\n x", "simp"], id="by one column"),
    pytest.param("by\n  exact f\n    (a\n  b)\n  simp", ["exact f\n  (a\nb)", "simp"], id="a parenthesis is open"),
    pytest.param("by\n  rw [a,\n  b]\n  simp", ["rw [a,\nb]", "simp"], id="a bracket is open"),
    pytest.param("by\n  exact {x := a,\n  y}\n  simp", ["exact {x := a,\ny}", "simp"], id="a brace is open"),
    pytest.param("by\n  exact ⟨a,\n  b⟩\n  simp", ["exact ⟨a,\nb⟩", "simp"], id="an angle is open"),
    pytest.param("by\n  exact (f (a)\n  b)\n  simp", ["exact (f (a)\nb)", "simp"], id="one of two is open"),
    pytest.param("by\n  exact f ')'\n  simp", ["exact f ')'", "simp"], id="a character that is a bracket"),
    pytest.param("by\n-- a comment\n  exact T", ["exact T"], id="what stands before the first tactic"),
    pytest.param("by", [], id="none"),
])
def test_the_tactics_of_a_proof(proof, tactics):
    assert tactics_of(proof) == tactics
