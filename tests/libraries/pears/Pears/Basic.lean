/-! Theorems with the proofs that a person writes. -/

namespace Pears

/-- A comment that belongs to it. -/
theorem add_zero (n : Nat) : n + 0 = n := by
  rfl

theorem swap.{u} {α : Sort u} (a b c : Nat) : a + b + c = a + c + b := by
  -- associativity first
  rw [Nat.add_assoc, Nat.add_comm b]
  rw [← Nat.add_assoc]

lemma both (h : 1 = 1) : 1 = 1 ∧ 1 = 1 := by
  constructor
  · exact h
  · exact h

private theorem hidden (n : Nat) : n = n := by
  rfl

theorem by_term (n : Nat) : n = n := rfl

theorem later (n : Nat) : n < n + 1 := by
  sorry

theorem trusted : 2 + 2 = 4 := by
  native_decide

macro "trivially" n:ident : command => `(theorem $n : True := by trivial)

end Pears
