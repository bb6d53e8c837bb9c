import Shelf.Basic

/-! The second of two files: it imports the first. -/

namespace Shelf.Box

theorem add_comm (a b : Box) : a + b = b + a := by
  apply ext'
  rw [apples_add, apples_add, Nat.add_comm]

theorem add_assoc (a b c : Box) : a + b + c = a + (b + c) := by
  apply ext'
  simp only [apples_add]
  exact Nat.add_assoc ..

theorem apples_le (a b : Box) : a.apples ≤ (a + b).apples := by
  have h := apples_add a b
  omega

end Shelf.Box
