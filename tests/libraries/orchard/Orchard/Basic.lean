module

@[expose] public section

/-! Baskets of fruit: the first of three modules. -/

namespace Orchard

/-- Apples and pears. -/
structure Basket where
  apples : Nat
  pears : Nat

namespace Basket

/-- All fruit. -/
def size (b : Basket) : Nat := b.apples + b.pears

/-- Two baskets in one. -/
def add (a b : Basket) : Basket := ⟨a.apples + b.apples, a.pears + b.pears⟩

/-- A basket with more apples. -/
def pick (b : Basket) (n : Nat) : Basket := ⟨b.apples + n, b.pears⟩

/-- No fruit. -/
def empty : Basket := ⟨0, 0⟩

/-- What size means. -/
theorem size_eq (b : Basket) : b.size = b.apples + b.pears := rfl

@[simp] theorem size_empty : empty.size = 0 := rfl

@[simp] theorem apples_empty : empty.apples = 0 := rfl

@[simp] theorem pears_empty : empty.pears = 0 := rfl

theorem apples_add (a b : Basket) : (a.add b).apples = a.apples + b.apples := rfl

theorem pears_add (a b : Basket) : (a.add b).pears = a.pears + b.pears := rfl

theorem apples_pick (b : Basket) (n : Nat) : (b.pick n).apples = b.apples + n := rfl

theorem pears_pick (b : Basket) (n : Nat) : (b.pick n).pears = b.pears := rfl

theorem size_pick (b : Basket) (n : Nat) : (b.pick n).size = b.size + n := by
  simp only [size, pick]; omega

theorem size_add (a b : Basket) : (a.add b).size = a.size + b.size := by
  simp only [size, add]; omega

theorem pick_zero (b : Basket) : b.pick 0 = b := rfl

theorem pick_pick (b : Basket) (m n : Nat) : (b.pick m).pick n = b.pick (m + n) := by
  simp only [pick, Nat.add_assoc]

theorem pick_comm (b : Basket) (m n : Nat) : (b.pick m).pick n = (b.pick n).pick m := by
  rw [pick_pick, pick_pick, Nat.add_comm]

theorem add_empty (b : Basket) : b.add empty = b := rfl

theorem empty_add (b : Basket) : empty.add b = b := by
  simp [add, empty]

theorem add_comm (a b : Basket) : a.add b = b.add a := by
  simp only [add, Nat.add_comm]

theorem add_assoc (a b c : Basket) : (a.add b).add c = a.add (b.add c) := by
  simp only [add, Nat.add_assoc]

theorem pick_add (a b : Basket) (n : Nat) : (a.pick n).add b = (a.add b).pick n := by
  simp only [add, pick, Nat.add_right_comm]

end Basket
end Orchard
