import Alchemy.Printing.Marks

/-!
# Marks that the target's own text needs

The variants of a target differ from it in one place, so what had to be marked in its text has to be
marked in theirs. The marked terms of a target are remembered. Where one mark does not make the text
of a variant read back, all terms in it that differ and that are marked in the target are marked at
once: one more text instead of one for each mark.

Nothing is remembered of variants. How one is written must not depend on the others, because a fresh
engine has not seen them.
-/

open Lean

namespace Alchemy

/-- A term that had to be marked in the text of the target. Bound variables are named by their
binders. -/
structure MarkedTerm where
  term : Expr
  rung : Rung

/-- The node of `e` at `p`; binders have their own kind. -/
def nodeAt (env : Environment) (e other : Expr) (p : Nat) : TermNode :=
  if e.isBinding then { position := p, fn := p, kind := .binder } else nodeOf env e other p false

/-- The body under a binder, with a free variable of the binder's name. -/
def underBinder (n : Name) (b : Expr) : Expr := b.instantiate1 (.fvar ⟨n⟩)

mutual
/-- Adds the terms at the positions of the marks. -/
partial def markedTerms (marks : List Mark) (e : Expr) (p : Nat) (acc : List MarkedTerm) :
    List MarkedTerm :=
  let acc := match markAt p marks with
    | some rung => { term := e, rung } :: acc
    | none => acc
  match e with
  | .forallE n t b _ | .lam n t b _ =>
    markedTerms marks (underBinder n b) (4 * p + 1) (markedTerms marks t (4 * p) acc)
  | .letE n t v b _ =>
    markedTerms marks (underBinder n b) (4 * p + 2)
      (markedTerms marks v (4 * p + 1) (markedTerms marks t (4 * p) acc))
  | .mdata _ e => markedTerms marks e p acc
  | .app .. =>
    let as := argsOf e
    markedTermsIn marks as p (L.length as) 0 acc
  | _ => acc
partial def markedTermsIn (marks : List Mark) (as : List Expr) (p n i : Nat)
    (acc : List MarkedTerm) : List MarkedTerm :=
  match as with
  | [] => acc
  | a :: as => markedTermsIn marks as p n (i + 1) (markedTerms marks a (argumentAt p n i) acc)
end

/-- The rung that `e` has in the text of the target. -/
def rungOf? (e : Expr) : List MarkedTerm → Option Rung
  | [] => none
  | m :: ms => if m.term == e then some m.rung else rungOf? e ms

mutual
/-- Adds marks for the terms in `e` that are marked in the target and differ from what was read,
`other`, as far as it is known. Nothing inside such a term is marked: the one mark may do. -/
partial def marksAsInTarget (env : Environment) (target : List MarkedTerm) (e : Expr)
    (other : Option Expr) (p : Nat) (acc : List Mark) : List Mark :=
  match rungOf? e target with
  | some rung =>
    if isSame other then acc else { node := nodeAt env e (other.getD e) p, rung } :: acc
  | none => match e, other with
  | .mdata _ e, other | e, some (.mdata _ other) => marksAsInTarget env target e other p acc
  | .forallE n t b _, some (.forallE _ t' b' _) | .lam n t b _, some (.lam _ t' b' _) =>
    marksAsInTarget env target (underBinder n b) (some (underBinder n b')) (4 * p + 1)
      (marksAsInTarget env target t (some t') (4 * p) acc)
  | .forallE n t b _, _ | .lam n t b _, _ =>
    marksAsInTarget env target (underBinder n b) none (4 * p + 1)
      (marksAsInTarget env target t none (4 * p) acc)
  | .letE n t v b _, _ =>
    marksAsInTarget env target (underBinder n b) none (4 * p + 2)
      (marksAsInTarget env target v none (4 * p + 1)
        (marksAsInTarget env target t none (4 * p) acc))
  | .app .., other =>
    let as := argsOf e
    let bs := match other with
      | some o => argsOf o
      | none => []
    let others := if L.length bs == L.length as then L.map some bs else L.map (fun _ => none) as
    marksAsInTargetIn env target as others p (L.length as) 0 acc
  | _, _ => acc
where
  isSame : Option Expr → Bool
    | some o => e == o || (firstDifference env false e o p [] matches [])
    | none => false
partial def marksAsInTargetIn (env : Environment) (target : List MarkedTerm) (as : List Expr)
    (bs : List (Option Expr)) (p n i : Nat) (acc : List Mark) : List Mark :=
  match as, bs with
  | a :: as, b :: bs =>
    marksAsInTargetIn env target as bs p n (i + 1)
      (marksAsInTarget env target a b (argumentAt p n i) acc)
  | _, _ => acc
end

end Alchemy
