import Alchemy.Attempts.Trace
import Alchemy.Printing.RestoredNotation

/-!
# Drafts and variants

An attempt that succeeds gives a *draft*: the binders of the new statement, its conclusion, a proof
term and a tactic script, over the variables of the target. Closing a draft binds these variables.
The result is a *variant*, a closed statement with its proof, which the kernel and the elaborator
can judge.
-/

open Lean Meta

namespace Alchemy

/-- A new statement over the variables of a target. -/
structure Draft where
  /-- The variables of the target and the metavariables that are new, with their names, in order. -/
  binders : List (Expr × Name)
  conclusion : Expr
  /-- Names for the binders that the conclusion begins with. -/
  leading : List Name := []
  proof : Expr
  /-- The lines of a tactic proof. -/
  script : List String
  /-- The same with all arguments of the target given. -/
  explicitScript : List String
  /-- How many hypotheses are new because `rw` asks for them. -/
  conditions : Nat := 0

/-- A closed statement and its proof. -/
structure Variant where
  levels : List Name
  type : Expr
  value : Expr
  names : List Name
  script : List String
  explicitScript : List String
  conditions : Nat := 0
  /-- Does it mention variables that only the lemma has? -/
  introduces : Bool := false

/-- The names for the binders that a conclusion begins with, such as `∀ a, a ∉ l`, different from
`used`; and the arguments that a proof of the conclusion is given. In a printed signature these
binders stand before the colon, so that they are in the context of the proof. An arrow has no name
and stays. -/
def leading (t : Target) (used : List Name) : Expr → List Name × List String
  | .forallE n _ b i =>
    if n.hasMacroScopes then ([], []) else
    let name := freshName used n
    let (names, arguments) := leading t (name :: used) b
    (name :: names, if i.isExplicit then t.source name :: arguments else arguments)
  | _ => ([], [])

/-! ## Closing -/

/-- Those of the terms that are no proofs. -/
def dataOf : List Expr → MetaM (List Expr) :=
  L.filterMapM fun m => do return if ← isProp (← inferType m) then none else some m

/-- The metavariables that the hypotheses among `xs` mention. -/
def mentionedByHypotheses (xs : List Expr) : MetaM (List MVarId) := do
  let mut out : List MVarId := []
  for x in xs do
    let type ← instantiateMVars (← inferType x)
    if type.hasExprMVar && (← isProp type) then
      out := L.reverseAux (← getMVars type).toList out
  return out

/-- Makes the leading binders implicit for which `hidden` says so. -/
def hideBinders (e : Expr) (hidden : List Bool) : Expr :=
  match e, hidden with
  | .forallE n t b i, h :: hs => .forallE n t (hideBinders b hs) (if h then .implicit else i)
  | e, _ => e

/-- The first of `u_k`, `u_(k+1)`, … that is not in use, as Lean would name a universe. -/
partial def freshUniverse (used : List Name) (k : Nat) : Name :=
  let name := .mkSimple ("u_" ++ toString k)
  if used.contains name then freshUniverse used (k + 1) else name

/-- Makes universes that only the lemma has into parameters, and returns their names. -/
def nameUniverses (used : List Name) : List LMVarId → MetaM (List Name)
  | [] => return []
  | m :: ms => do
    let name := freshUniverse used 1
    let _ ← isLevelDefEq (.mvar m) (.param name)
    let names ← nameUniverses (name :: used) ms
    return name :: names

/-- Binds the variables of a draft that `rule` gave. `none` where something stays free: a
metavariable, or a new hypothesis that mentions a later variable. -/
def Draft.close (d : Draft) (t : Target) (rule : ConstantInfo) : MetaM (Option Variant) := do
  let variables := L.map (·.1) d.binders
  let xs := variables.toArray
  let type ← instantiateMVars
    (← mkForallFVars xs d.conclusion (binderInfoForMVars := .default))
  let universes ← nameUniverses t.info.levelParams (collectLevelMVars {} type).result.toList
  let type ← instantiateMVars type
  let value := t.withoutParents
    (← instantiateMVars (← mkLambdaFVars xs d.proof (binderInfoForMVars := .default)))
  if type.hasFVar || type.hasMVar || value.hasFVar || value.hasMVar then
    if ← isTracing then logTrace m!"the new statement is not closed: {type}"
    return none
  if L.any t.parents (fun p => type.getUsedConstants.toList.contains p.name) then return none
  let names := L.append (L.map (·.2) d.binders) d.leading
  -- `(·.isMVar)` is Lean's own function as a value, which has no code in the embedded Lean
  let new ← dataOf (L.filter (fun x => if x.isMVar then true else false) variables)
  -- a variable that a hypothesis determines is implicit, and so is a type
  let determined ← mentionedByHypotheses variables
  let types ← L.filterMapM (fun x => do return if ← isType x then some x else none) new
  let isHidden (x : Expr) : Bool :=
    types.contains x || new.contains x && L.any determined (fun m => x == .mvar m)
  let hidden := L.map (fun (x, _) => isHidden x) d.binders
  let mentioned :=
    L.append t.info.type.getUsedConstants.toList rule.type.getUsedConstants.toList
  let type := restoreNotation (fun n => mentioned.contains n) (plain type)
  let type := hideBinders (renameBinders type names) hidden
  let kept := (collectLevelParams (collectLevelParams {} type) value).params.toList
  return some {
    levels := L.filter (fun n => kept.contains n) (L.append t.info.levelParams universes)
    type, value := renameBinders value names, names, script := L.append t.opening d.script
    explicitScript := L.append t.opening d.explicitScript
    conditions := d.conditions, introduces := !(new matches []) }

end Alchemy
