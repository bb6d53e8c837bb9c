import Std

/-! Structured proofs: bullets, cases by name, induction with alternatives, `have`, `calc`, `conv`.
One theorem does not hold. -/

namespace Structured

/-- The sum of a list. -/
def total : List Nat → Nat
  | [] => 0
  | x :: xs => x + total xs

@[simp] theorem total_nil : total [] = 0 := rfl

@[simp] theorem total_cons (x : Nat) (xs : List Nat) : total (x :: xs) = x + total xs := rfl

theorem total_append (xs ys : List Nat) : total (xs ++ ys) = total xs + total ys := by
  induction xs with
  | nil => simp
  | cons x xs ih =>
    rw [List.cons_append, total_cons, ih]
    rw [total_cons, Nat.add_assoc]

theorem total_reverse (xs : List Nat) : total xs.reverse = total xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    have h : total [x] = x := by
      simp
    rw [List.reverse_cons, total_append, ih, h]
    exact Nat.add_comm _ _

theorem pair {p q : Prop} (hp : p) (hq : q) : (p ∧ q) ∧ (q ∨ p) := by
  constructor
  · constructor
    · exact hp
    · exact hq
  · left
    exact hq

theorem by_name {p q r : Prop} (h : p ∨ q) (hp : p → r) (hq : q → r) : r := by
  cases h
  case inr k => exact hq k
  case inl k =>
    apply hp
    exact k

theorem by_next (n : Nat) : n = 0 ∨ 0 < n := by
  cases n
  next => left; rfl
  next m =>
    right
    exact Nat.succ_pos m

theorem chain (a b c : Nat) (h : a = b) (k : b = c) : a + 0 = c := by
  calc a + 0 = a := Nat.add_zero a
    _ = b := h
    _ = c := by rw [k]

/-- It does not hold. -/
theorem wrong (n : Nat) : n + 1 = n := by
  simp

theorem after_it (n : Nat) (xs : List Nat) : total (n :: xs) - n = total xs := by
  rw [total_cons]
  omega

theorem in_a_conv (a b : Nat) : a + b + 0 = b + a := by
  conv => lhs; rw [Nat.add_zero]
  rw [Nat.add_comm]

theorem all_at_once (a b : Nat) (h : a = b) : a = b ∧ b = a := by
  refine ⟨?_, ?_⟩
  all_goals first | exact h | exact h.symm

end Structured
