"""A variant's proof with the proof of its target in it."""

import pytest

from lean_alchemy.mutation.proof_forms.inlined import Original, inlined

ORIGINAL = Original("(a b : Nat) : a = b", ["intro h", "cases h with\n| zero => rfl\n| succ n =>\n  simp"])
HAVE = "have original (a b : Nat) : a = b := by\n  intro h\n  cases h with\n  | zero => rfl\n  | succ n =>\n    simp"


@pytest.mark.parametrize(("tactics", "expected"), [
    (["have h := Nat.T a b", "rw [L] at h", "exact h"], ["have h := original a b", "rw [L] at h", "exact h"]),
    (["have h := @Nat.T α", "exact Nat.T_of (Nat.T.symm a) h"], ["have h := @original α", "exact Nat.T_of (Nat.T.symm a) h"]),
    (["exact L (Nat.T a) (Nat.T b)"], ["exact L (original a) (original b)"]),
    (["have v := by\n  exact Nat.T a", "exact Nat.T"], ["have v := by\n  exact original a", "exact original"])])
def test_the_target_is_stated_first_and_named_by_that_name(tactics, expected):
    assert inlined(tactics, "Nat.T", ORIGINAL) == [HAVE, *expected]


@pytest.mark.parametrize("other", ["Other.Nat.T", "Nat.T'", "Nat.T.symm", "Nat.T_of", "Nat.T₁", "xNat.T", "Nat.T!", "NatxT"])
def test_a_longer_name_is_another_name(other):
    assert inlined([f"exact {other} a"], "Nat.T", ORIGINAL) is None


def test_a_proof_that_is_a_term_stays_as_it_is():
    assert inlined(["exact T"], "T", Original(": p", "fun h =>\n  h")) == ["have original : p := fun h =>\n  h", "exact original"]
