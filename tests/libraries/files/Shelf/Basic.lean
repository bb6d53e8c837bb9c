/-! The first of two files: definitions. -/

namespace Shelf

/-- A box of apples. -/
structure Box where
  apples : Nat
deriving DecidableEq

/-- Two boxes put together. -/
def Box.add (a b : Box) : Box := ⟨a.apples + b.apples⟩

instance : Add Box := ⟨Box.add⟩

theorem Box.apples_add (a b : Box) : (a + b).apples = a.apples + b.apples := rfl

@[ext] theorem Box.ext' {a b : Box} (h : a.apples = b.apples) : a = b := by
  cases a; cases b
  simp_all

end Shelf
