/-! A user's file: theorems that the tests mutate, and what a file may bring along. -/

universe u v

/-- A definition of the user's. -/
def Small.twice (n : Nat) : Nat := n + n

theorem Small.twice_eq (n : Nat) : Small.twice n = 2 * n := by
  unfold Small.twice; omega

@[simp] theorem Small.twice_zero : Small.twice 0 = 0 := rfl

/-- Two hypotheses. -/
theorem Small.lt_three {a b : Nat} (h : a < b) (k : b < 3) : a + 1 < 3 := by omega

/-- Hypotheses without names. -/
theorem Small.unnamed : ∀ {a b : Nat}, a < b → b < 3 → a + 1 < 3 := by omega

/-- The second hypothesis depends on the first. -/
theorem Small.dependent {xs : Array Nat} (i : Nat) (h : i < xs.size) (e : xs[i] = 0) :
    xs[i] + 0 = 0 := by simp [e]

theorem Small.universes {α : Type u} {β : Type v} (f : α → β) (xs : List α) :
    (xs.map f).length = xs.length := by simp

theorem Small.instances {α : Type u} [BEq α] [LawfulBEq α] (a b : α) (h : (a == b) = true) :
    a = b := eq_of_beq h

theorem Small.numeral (n : Nat) (h : n + 2 = 5) : n = 3 := by omega

/-- Its conclusion is a variable. -/
theorem Small.bare {p : Prop} (h : 2 < 1) : p := absurd h (by decide)

namespace «odd names»
theorem «a b» (n : Nat) : n + 1 = 1 + n := by omega
end «odd names»

theorem «end» («from» : Nat) : «from» + 0 = «from» := rfl

section
variable (n : Nat)
theorem Small.in_section (h : 0 < n) : n ≠ 0 := by omega
end

theorem Small.subtraction (a b : Nat) (h : a + (b - a) = 3) : 3 = a + (b - a) := h.symm

/-- Nothing but `.{u + 1}` says in which universe the unit lives. -/
theorem Small.unit (n : Nat) (h : n + 2 = 5) : Nonempty (PUnit.{u + 1} × Fin n) :=
  ⟨⟨.unit, ⟨0, by omega⟩⟩⟩

/-- A structure around a list, whose functions hand on to it. -/
structure Small.Box where
  inner : List Nat

def Small.Box.has (b : Small.Box) (n : Nat) : Bool := b.inner.contains n

theorem Small.Box.has_head (b : Small.Box) (n : Nat) (h : b.inner.head? = some n) :
    b.has n = true := by
  unfold Small.Box.has; cases hb : b.inner <;> simp_all

theorem Small.contained {l : List Nat} {n : Nat} (h : l.contains n = true) : l ≠ [] := by
  intro e; simp [e] at h

/-! Theorems of Lean's in other names: their keys are the same. -/

theorem Small.Again.Nat.lt_of_lt_of_le {i j l : Nat} : i < j → j ≤ l → i < l :=
  _root_.Nat.lt_of_lt_of_le

theorem Small.Again.Nat.div_lt_one_iff {d n : Nat} (positive : 0 < d) : n / d < 1 ↔ n < d :=
  _root_.Nat.div_lt_one_iff positive

theorem Small.Again.List.map_map.{w, v', u'} {A : Type v'} {B : Type u'} {C : Type w} {q : A → B}
    {p : C → A} {zs : List C} :
    (zs.map p).map q = zs.map (q ∘ p) := _root_.List.map_map

theorem Small.Again.beq_eq_false_iff_ne.{w} {T : Type w} [BEq T] [LawfulBEq T] {s t : T} :
    (s == t) = false ↔ s ≠ t := _root_.beq_eq_false_iff_ne

theorem Small.Again.List.mem_iff_getElem.{w} {T : Type w} {z : T} {zs : List T} :
    z ∈ zs ↔ ∃ (k : Nat) (isBelow : k < zs.length), zs[k]'isBelow = z := _root_.List.mem_iff_getElem

/-! What a file may hide. -/

macro "small_sorry" : tactic => `(tactic| sorry)
macro "small_lie" : term => `(lcProof)

axiom Small.believed (p : Prop) : p
