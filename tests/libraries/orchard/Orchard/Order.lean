module

public import Orchard.Basic

@[expose] public section

/-! Which basket holds more: the second of three modules. -/

namespace Orchard.Basket

/-- At most as much of each. -/
def Le (a b : Basket) : Prop := a.apples ≤ b.apples ∧ a.pears ≤ b.pears

theorem le_refl (a : Basket) : a.Le a := ⟨Nat.le_refl _, Nat.le_refl _⟩

theorem le_trans {a b c : Basket} (h : a.Le b) (k : b.Le c) : a.Le c :=
  ⟨Nat.le_trans h.1 k.1, Nat.le_trans h.2 k.2⟩

theorem empty_le (a : Basket) : empty.Le a := ⟨Nat.zero_le _, Nat.zero_le _⟩

theorem le_pick (a : Basket) (n : Nat) : a.Le (a.pick n) := ⟨Nat.le_add_right _ _, Nat.le_refl _⟩

theorem le_add_right (a b : Basket) : a.Le (a.add b) := ⟨Nat.le_add_right _ _, Nat.le_add_right _ _⟩

theorem le_add_left (a b : Basket) : a.Le (b.add a) := ⟨Nat.le_add_left _ _, Nat.le_add_left _ _⟩

theorem size_le {a b : Basket} (h : a.Le b) : a.size ≤ b.size := Nat.add_le_add h.1 h.2

theorem apples_le {a b : Basket} (h : a.Le b) : a.apples ≤ b.apples := h.1

theorem pears_le {a b : Basket} (h : a.Le b) : a.pears ≤ b.pears := h.2

theorem add_le_add {a b c d : Basket} (h : a.Le b) (k : c.Le d) : (a.add c).Le (b.add d) :=
  ⟨Nat.add_le_add h.1 k.1, Nat.add_le_add h.2 k.2⟩

theorem pick_le_pick {a b : Basket} {m n : Nat} (h : a.Le b) (k : m ≤ n) :
    (a.pick m).Le (b.pick n) :=
  ⟨Nat.add_le_add h.1 k, h.2⟩

theorem apples_le_size (a : Basket) : a.apples ≤ a.size := Nat.le_add_right _ _

theorem pears_le_size (a : Basket) : a.pears ≤ a.size := Nat.le_add_left _ _

theorem size_pos {a : Basket} (h : 0 < a.apples) : 0 < a.size :=
  Nat.lt_of_lt_of_le h (apples_le_size a)

theorem size_pos_of_pears {a : Basket} (h : 0 < a.pears) : 0 < a.size :=
  Nat.lt_of_lt_of_le h (pears_le_size a)

theorem size_pick_pos (a : Basket) {n : Nat} (h : 0 < n) : 0 < (a.pick n).size := by
  rw [size_pick]; omega

theorem size_lt_size_pick (a : Basket) {n : Nat} (h : 0 < n) : a.size < (a.pick n).size := by
  rw [size_pick]; omega

end Orchard.Basket
