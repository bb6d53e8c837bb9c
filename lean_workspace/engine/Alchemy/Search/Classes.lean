import Alchemy.Portable

/-!
# Classes: for which types can there be an instance?

A lemma about every `[Field α]` has a pattern that fits numbers of any type, and fails where no instance is found: the
dearest way to fail, as all that might lead to one is searched. Which types can't have one is seen from the heads
of the types in the instances of the library, once. This file tells three things; `mutation/classes.py` draws the conclusion.

* The **instances** of the library: a class, and what each argument begins with: `["Ring", "c:Int"]`. Where it is a
  variable of the instance, which instances of it are needed: `["Semiring", [["Ring", 0]]]` says that a `Ring` is
  a `Semiring`.
* The **instances of a target**: its own variables, in the same way.
* What the pattern of a lemma **needs**: `["Field", 0, "?k"]`, an instance for the type that the variable `?k` meets.

Only necessary conditions are stated: `*` where nothing is known. Source of what is found: `Lean.Meta.synthInstance?`.
-/

open Lean Meta

namespace Alchemy

/-- What a term begins with; `none` where that says nothing. -/
def beginning? (e : Expr) : Option String :=
  match headOf e with
  | .const c _ => some ("c:" ++ nameText c)
  | .fvar f => some ("v:" ++ nameText f.name)
  | .forallE .. => some "P"
  | .sort _ => some "S"
  | _ => none

/-- A class and the arguments that decide which instance is found: no output parameters (`none`). -/
structure ClassApplied where
  name : Name
  arguments : List (Option Expr)

/-- The class that `type` applies; `none` where it is no class. `DecidableEq α` counts as one, as it is always written so. -/
def classApplied? (type : Expr) : MetaM (Option ClassApplied) := do
  if (headOf type).isConstOf ``DecidableEq then return some { name := ``DecidableEq, arguments := mapL some (argsOf type) }
  let some name ← isClass? type | return none
  let e ← whnfR type
  unless (headOf e).isConstOf name do return none  -- `∀ a, BEq (β a)`
  let outputs := match getOutParamPositions? (← getEnv) name with
    | some places => places.toList
    | none => []
  return some { name, arguments := decisive outputs (argsOf e) 0 }
where
  decisive (outputs : List Nat) : List Expr → Nat → List (Option Expr)
    | [], _ => []
    | a :: as, i => (if anyL (· == i) outputs then none else some a) :: decisive outputs as (i + 1)

/-- The places of `x` among the arguments of a class. -/
def placesIn (x : Expr) : List (Option Expr) → Nat → List Nat
  | [], _ => []
  | some a :: as, i => if a == x then i :: placesIn x as (i + 1) else placesIn x as (i + 1)
  | none :: as, i => placesIn x as (i + 1)

/-- The instances that Lean looks for when a rule with these variables is used: those in `[ ]`, whose metavariables are synthetic. -/
def classesAsked (variables : List Expr) : MetaM (List ClassApplied) :=
  choose (fun m => do
    match ← instantiateMVars m with
    | .mvar m =>
      unless (← m.getDecl).kind matches .synthetic do return none
      classApplied? (← instantiateMVars (← m.getType))
    | _ => return none) variables

/-- `[class, argument …]`, where `argument` says what stands at a place. -/
def classRow (c : ClassApplied) (argument : Expr → MetaM Json) : MetaM Json := do
  let arguments ← choose (fun a => do
    match a with
    | some a => return some (← argument (← whnfR a))
    | none => return some (.str "*")) c.arguments
  return jsonList (.str (nameText c.name) :: arguments)

/-- `Decidable (a = b)` is `DecidableEq` for their type, if for all of them. -/
def equality? (c : ClassApplied) : Option ClassApplied :=
  match c.arguments with
  | [some (.app (.app (.app (.const ``Eq _) α) _) _)] => if c.name == ``Decidable then some { name := ``DecidableEq, arguments := [some α] } else none
  | _ => none

/-- The variables of an instance and what it concludes; `DecidablePred p` is one for every `p a`. -/
def opened (type : Expr) : MetaM (List Expr × Expr) := do
  let (ms, _, conclusion) ← forallMetaTelescope type
  if (headOf conclusion).isConstOf ``DecidableEq then return (ms.toList, conclusion)
  let (more, _, conclusion) ← atTransparency .reducible (do return ← forallMetaTelescopeReducing conclusion)
  return (append ms.toList more.toList, conclusion)

/-- Where nothing can be told: for every type, in every place. -/
def unknownRow (name : Name) : Json := jsonList (.str (nameText name) :: mapL (fun _ => .str "*") (upTo 12))

/-- An instance of the library, or of a target: what its type concludes. -/
def instanceRow (type : Expr) : MetaM (List Json) := do
  let (ms, conclusion) ← opened type
  let some c ← classApplied? conclusion | return []
  -- an argument of the class is given by whoever looks for it
  let asked ← classesAsked (keep (fun m => !anyL (· == m) (argsOf conclusion)) ms)
  let needs (x : Expr) := jsonList (concat (mapL (fun (a : ClassApplied) =>
    mapL (fun i => jsonList [.str (nameText a.name), jsonNat i]) (placesIn x a.arguments 0)) asked))
  let row (c : ClassApplied) : MetaM (Option Json) := do
    return some (← classRow c fun a => do
      if a.isMVar then return needs a
      return match beginning? a with
        | some s => .str s
        | none => .str "*")
  choose row (c :: match equality? c with
    | some equality => [equality]
    | none => [])

/-- The constant that the conclusion of a type begins with. -/
def conclusionHead : Expr → Option Name
  | .forallE _ _ b _ => conclusionHead b
  | e => match headOf e with
    | .const c _ => some c
    | _ => none

/-- All global instances among these names. -/
def instanceRows (names : List Name) : MetaM (List Json) := do
  let env ← getEnv
  let rows ← choose (fun n => do
    unless isInstanceCore env n do return none
    let some info := env.find? n | return none
    try return some (← instanceRow info.type) catch _ => return (conclusionHead info.type).map fun c => [unknownRow c]) names
  return concat rows

/-- Is the metavariable an argument anywhere in `e`, so that unification assigns it? What makes an instance of a parent class of
it (`Ring.toSemiring ?i`) assigns it where the other side is made so as well, and there it is one of the target's. -/
partial def isGiven (m : Expr) (e : Expr) : MetaM Bool := do
  unless e.hasExprMVar do return false
  match e with
  | .app f a =>
    if a == m then return !(← isParent e)
    return (← isGiven m f) || (← isGiven m a)
  | .lam _ t b _ | .forallE _ t b _ => return (← isGiven m t) || (← isGiven m b)
  | .mdata _ b | .proj _ _ b => isGiven m b
  | _ => return false
where
  isParent (e : Expr) : MetaM Bool := do
    let .const c _ := headOf e | return false
    let some info := (← getEnv).getProjectionFnInfo? c | return false
    return info.fromClass && count (argsOf e) == info.numParams + 1 && (← isClass? (← inferType e)).isSome

/-- What a pattern that says these terms needs: `(class, place, variable)`, for variables that are types. -/
def needsOf (variables said : List Expr) : MetaM (List (Name × Nat × MVarId)) := do
  let open_ ← choose (fun m => do
    let m ← instantiateMVars m
    unless m.isMVar do return none
    for e in said do
      if ← isGiven m e then return none
    return some m) variables
  let rows ← choose (fun (c : ClassApplied) => do return some (← needs c.name c.arguments 0)) (← classesAsked open_)
  return concat rows
where
  needs (name : Name) : List (Option Expr) → Nat → MetaM (List (Name × Nat × MVarId))
    | some (.mvar x) :: as, i => do
      let rest ← needs name as (i + 1)
      return if (← whnfR (← instantiateMVars (← x.getType))).isSort then (name, i, x) :: rest else rest
    | _ :: as, i => needs name as (i + 1)
    | [], _ => return []

end Alchemy
