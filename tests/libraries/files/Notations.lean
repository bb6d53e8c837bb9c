/-! What a file brings along for itself: notation, variables, local instances and simp lemmas, open
namespaces, classes. -/

universe u

/-- A set with a product that has a unit on the left. -/
class LeftUnital (M : Type u) where
  mul : M → M → M
  unit : M
  unit_mul (a : M) : mul unit a = a

local infixl:70 " ⋆ " => LeftUnital.mul
local notation "𝟙" => LeftUnital.unit

section
variable {M : Type u} [LeftUnital M]

theorem LeftUnital.unit_unit (a : M) : (𝟙 : M) ⋆ (𝟙 ⋆ a) = a := by
  rw [unit_mul, unit_mul]

attribute [local simp] LeftUnital.unit_mul

theorem LeftUnital.three (a : M) : (𝟙 : M) ⋆ (𝟙 ⋆ (𝟙 ⋆ a)) = a := by
  simp

variable (M) in
theorem LeftUnital.exists_unit : ∃ e : M, ∀ a : M, e ⋆ a = a := by
  refine ⟨𝟙, ?_⟩
  intro a
  simp

end

/-- Twice. -/
def Nat.double (n : Nat) : Nat := n + n

open Nat in
theorem double_pos {n : Nat} (h : 0 < n) : 0 < double n := by
  unfold double
  exact Nat.add_pos_left h n

open Nat (double)

theorem double_succ (n : Nat) : double (n + 1) = double n + 2 := by
  simp only [double]
  omega

private theorem hidden (n : Nat) : double n = 2 * n := by
  unfold double
  omega

theorem double_double (n : Nat) : double (double n) = 4 * n := by
  rw [hidden, hidden]
  omega

instance : LeftUnital Nat where
  mul a b := a + b
  unit := 0
  unit_mul := Nat.zero_add

theorem unit_nat : (𝟙 : Nat) = 0 := rfl

theorem fold_unit : ∀ n : Nat, (𝟙 : Nat) ⋆ n = n
  | 0 => rfl
  | n + 1 => by rw [LeftUnital.unit_mul]

section
variable {M : Type u} [LeftUnital M] [Inhabited M] {a b : M} (h : a = b)

theorem unit_of_variables (c : M) : 𝟙 ⋆ c = c := LeftUnital.unit_mul c

theorem with_a_tactic_inside (i : Nat) :
    ∀ j, (hj : j < 1) → [a, b][j]'(by exact Nat.lt_succ_of_lt hj) = a := by
  intro j hj
  cases j with
  | zero => rfl
  | succ j => exact absurd hj (by omega)

theorem default_of_variables : ∃ _ : M, True := ⟨default, trivial⟩

include h in
theorem with_a_hypothesis : b = a := by
  exact h.symm

end
