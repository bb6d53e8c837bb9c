import Alchemy.Attempts.Target

/-!
# Kinds of mutation

A kind is a value: a name and an attempt. A new kind is a new file and a line in `kinds`
(`Serve.lean`); its patterns and sites stand on the Python side in `mutation/kinds.py`.
-/

open Lean Meta

namespace Alchemy

/-- Where: the conclusion, or a hypothesis. -/
inductive Site where
  | conclusion
  | hypothesis (b : Binder)

/-- How one attempt ends, apart from an error of Lean's. -/
inductive Outcome where
  | draft (d : Draft)
  /-- It does not count as usable: `metavariables`, `unchanged`, `no such occurrence`, `unnamed argument`. -/
  | useless (reason : String)

structure Kind where
  name : String
  /-- An error means that Lean refuses. The last argument: which instance of the pattern (`rw`, where 0 and 1 are the
  first), or which antecedent (`apply`), from 1. -/
  attempt : Prepared → Site → ConstantInfo → (backward : Bool) → Nat → MetaM Outcome

/-- Names for new hypotheses and variables: the rule's own, made distinct. -/
def nameNews (used : List Name) : List Expr → MetaM (List (Expr × Name))
  | [] => return []
  | m :: ms => do
    let own := (← m.mvarId!.getDecl).userName
    let base ← if own.isAnonymous || own.hasMacroScopes then (do
        return if ← isProp (← inferType m) then `h else accessible own) else pure own
    let name := freshName used base
    let rest ← nameNews (name :: used) ms
    return (m, name) :: rest

/-- The name of what is new. -/
def newName? (m : Expr) : List (Expr × Name) → Option Name
  | [] => none
  | (x, n) :: rest => if x == m then some n else newName? m rest

/-- Is it a variable that a statement may introduce: a value, a function or a type, and no proposition or instance? -/
def isNewVariable (type : Expr) : MetaM Bool := do
  match ← whnfD type with
  | .sort (.succ _) => return true
  | .sort _ => return false
  | _ => return (← isClass? type).isNone

/-- An antecedent or a statement may speak of the new variables, and of nothing else that is open. -/
def isClosedBut (news : List Expr) (e : Expr) : MetaM Bool := do
  return !anyL (fun open_ => !anyL (· == .mvar open_) news) (← getMVars (← instantiateMVars e)).toList

/-- The hypothesis of the target that states `type`, but not the one that is being replaced. -/
def hypothesisFor (type : Expr) (replaced : Option FVarId) : List Binder → Option Binder
  | [] => none
  | b :: bs => if b.type == type && some b.fvar != replaced then some b else hypothesisFor type replaced bs

/-- What a rule asks for and the target has among its hypotheses is taken from there: the proofs that are settled, with the
names of the hypotheses. -/
def Prepared.settle (t : Prepared) (replaced : Option FVarId) : List Expr → MetaM (List (Expr × Name))
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

/-- What the target's hypotheses do not settle. -/
def unsettled (settled : List (Expr × Name)) (news : List Expr) : List Expr :=
  keep (fun m => !anyL (fun (n, _) => n == m) settled) news

/-- The binders with the one at `f` replaced by `news`. -/
def replaceBinder (binders : List (Expr × Name)) (f : FVarId) (news : List (Expr × Name)) : List (Expr × Name) :=
  match binders with
  | [] => []
  | (x, n) :: rest => if x == .fvar f then append news rest else (x, n) :: replaceBinder rest f news

/-- The target applied to its binders, with `h` in the place of the hypothesis `f`. -/
def Prepared.proofWith (t : Prepared) (f : FVarId) (h : Expr) : Expr :=
  mkAppN (constantOf t.info) (mapL (fun b => if b.fvar == f then h else .fvar b.fvar) t.binders).toArray

end Alchemy
