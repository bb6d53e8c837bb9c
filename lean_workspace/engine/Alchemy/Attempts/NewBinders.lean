import Alchemy.Attempts.Kind

/-!
# New variables and hypotheses of a variant

A lemma that is used may leave something open: propositions that it asks for, and data that only it
mentions. Propositions that the target has among its hypotheses are taken from there. All else
becomes new binders of the variant: `m ≤ n → m + (n - m) = n` gives a new hypothesis `h : m ≤ n`.
-/

open Lean Meta

namespace Alchemy

/-! ## Names -/

/-- New binders with their names: the lemma's own, where they are not taken. -/
def nameNews (used : List Name) : List Expr → MetaM (List (Expr × Name))
  | [] => return []
  | m :: ms => do
    let own := (← m.mvarId!.getDecl).userName
    let base ← if own.isAnonymous || own.hasMacroScopes then (do
        return if ← isProp (← inferType m) then `h else accessible own) else pure own
    let name := freshName used base
    let rest ← nameNews (name :: used) ms
    return (m, name) :: rest

/-- The name of a new binder; `none` for any other term. -/
def newName? (m : Expr) : List (Expr × Name) → Option Name
  | [] => none
  | (x, n) :: rest => if x == m then some n else newName? m rest

/-! ## What may be new -/

/-- May a statement have a new variable of this type? It may be a value, a function or a type, but
no proposition and no instance. -/
def isNewVariable (type : Expr) : MetaM Bool := do
  match ← whnfD type with
  | .sort (.succ _) => return true
  | .sort _ => return false
  | _ => return (← isClass? type).isNone

/-- Does `e` mention no metavariables but these? -/
def isClosedBut (news : List Expr) (e : Expr) : MetaM Bool := do
  let open_ := (← getMVars (← instantiateMVars e)).toList
  return !L.any open_ (fun m => !news.contains (.mvar m))

/-! ## What the target has already -/

/-- The hypothesis of the target that states `type`, other than the one that is being replaced. -/
def hypothesisFor (type : Expr) (replaced : Option FVarId) : List Binder → Option Binder :=
  L.find? fun b => b.type == type && some b.fvar != replaced

/-- Assigns the propositions among `ms` that the target has as hypotheses: those that were assigned,
with the names of the hypotheses. -/
def Target.settle (t : Target) (replaced : Option FVarId) :
    List Expr → MetaM (List (Expr × Name))
  | [] => return []
  | m :: ms => do
    let rest ← t.settle replaced ms
    if ← m.mvarId!.isAssigned then return rest
    let type ← instantiateMVars (← inferType m)
    unless ← isProp type do return rest
    match hypothesisFor type replaced t.binders with
    | none => return rest
    | some b =>
      return if ← isDefEq m (.fvar b.fvar) then (m, b.name) :: rest else rest

/-- Those that `settle` did not assign. -/
def unsettled (settled : List (Expr × Name)) (news : List Expr) : List Expr :=
  L.filter (fun m => !L.any settled (fun (n, _) => n == m)) news

/-- The binders with `news` in the place of the one at `f`. -/
def replaceBinder (binders : List (Expr × Name)) (f : FVarId) (news : List (Expr × Name)) :
    List (Expr × Name) :=
  match binders with
  | [] => []
  | (x, n) :: rest =>
    if x == .fvar f then L.append news rest else (x, n) :: replaceBinder rest f news

end Alchemy
