module

public import Orchard.Order

@[expose] public section

/-! Lists of baskets: the third of three modules. -/

namespace Orchard

/-- All baskets in one. -/
def sum : List Basket → Basket
  | [] => .empty
  | b :: bs => b.add (sum bs)

theorem sum_nil : sum [] = .empty := rfl

theorem sum_cons (b : Basket) (bs : List Basket) : sum (b :: bs) = b.add (sum bs) := rfl

theorem sum_singleton (b : Basket) : sum [b] = b := rfl

theorem size_sum_cons (b : Basket) (bs : List Basket) :
    (sum (b :: bs)).size = b.size + (sum bs).size := Basket.size_add _ _

theorem apples_sum_cons (b : Basket) (bs : List Basket) :
    (sum (b :: bs)).apples = b.apples + (sum bs).apples := rfl

theorem pears_sum_cons (b : Basket) (bs : List Basket) :
    (sum (b :: bs)).pears = b.pears + (sum bs).pears := rfl

theorem sum_append (as bs : List Basket) : sum (as ++ bs) = (sum as).add (sum bs) := by
  induction as with
  | nil => exact (Basket.empty_add _).symm
  | cons a as ih => rw [List.cons_append, sum_cons, ih, sum_cons, Basket.add_assoc]

theorem size_sum_append (as bs : List Basket) :
    (sum (as ++ bs)).size = (sum as).size + (sum bs).size := by
  rw [sum_append, Basket.size_add]

theorem apples_sum_append (as bs : List Basket) :
    (sum (as ++ bs)).apples = (sum as).apples + (sum bs).apples := by
  rw [sum_append, Basket.apples_add]

theorem sum_le_append (as bs : List Basket) : (sum as).Le (sum (as ++ bs)) := by
  rw [sum_append]; exact Basket.le_add_right _ _

theorem le_sum_cons (b : Basket) (bs : List Basket) : b.Le (sum (b :: bs)) :=
  Basket.le_add_right _ _

theorem sum_le_cons (b : Basket) (bs : List Basket) : (sum bs).Le (sum (b :: bs)) :=
  Basket.le_add_left _ _

theorem size_le_sum_cons (b : Basket) (bs : List Basket) : b.size ≤ (sum (b :: bs)).size :=
  Basket.size_le (le_sum_cons b bs)

theorem empty_le_sum (bs : List Basket) : Basket.empty.Le (sum bs) := Basket.empty_le _

theorem sum_swap (a b : Basket) (bs : List Basket) : sum (a :: b :: bs) = sum (b :: a :: bs) := by
  rw [sum_cons, sum_cons, sum_cons, sum_cons, ← Basket.add_assoc, Basket.add_comm a b,
    Basket.add_assoc]

end Orchard
