import Alchemy.Portable.JsonFields
import Alchemy.Portable.Terms

/-!
# Classes: for which types can there be an instance?

A lemma about every `[Field α]` has a pattern that fits numbers of any type, and it fails on `Nat`,
where no instance is found. That is the most expensive way to fail: Lean searches all that might
lead to an instance. Which types can have one can be read off the library's instances once, from the
heads of the types that they are about. This file writes three tables, and
`mutation/search/classes.py` draws the conclusions.

* The **instances of the library**: a class, and the head of each argument, `["Ring", "c:Int"]`.
  Where the argument is a variable of the instance, its place says which other instances are needed:
  `["Semiring", [["Ring", 0]]]` says that a `Ring` is a `Semiring`.
* The **instances of a target**: those among its own variables, written in the same way.
* What the pattern of a lemma **needs**: `["Field", 0, "?k"]`, an instance for the type that the
  variable `?k` meets.

All conditions are necessary ones, and `*` stands where nothing is known. They describe what
`Lean.Meta.synthInstance?` finds.
-/

open Lean Meta

namespace Alchemy

/-- The head of a term as a token; `none` where it is a metavariable, a lambda or the like. -/
def headToken? (e : Expr) : Option String :=
  match headOf e with
  | .const c _ => some ("c:" ++ nameText c)
  | .fvar f => some ("v:" ++ nameText f.name)
  | .forallE .. => some "P"
  | .sort _ => some "S"
  | _ => none

/-- A class with its arguments: `Membership α (List α)`. An output parameter, which does not decide
which instance is found, is `none`. -/
structure ClassApplied where
  name : Name
  arguments : List (Option Expr)

/-- The class that `type` applies; `none` where its head is no class. `DecidableEq α` counts as one,
as it is always written so. -/
def classApplied? (type : Expr) : MetaM (Option ClassApplied) := do
  if (headOf type).isConstOf ``DecidableEq then
    return some { name := ``DecidableEq, arguments := L.map some (argsOf type) }
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
    | a :: as, i =>
      (if outputs.contains i then none else some a) :: decisive outputs as (i + 1)

/-- The indices of `x` among the arguments of a class, from `i` on. -/
def placesIn (x : Expr) : List (Option Expr) → (i : Nat) → List Nat
  | [], _ => []
  | some a :: as, i => if a == x then i :: placesIn x as (i + 1) else placesIn x as (i + 1)
  | none :: as, i => placesIn x as (i + 1)

/-- The classes whose instances Lean looks for when a lemma with these variables is used. They are
the types of the arguments in `[ ]`, whose metavariables are synthetic. -/
def classesAsked (variables : List Expr) : MetaM (List ClassApplied) :=
  L.filterMapM (fun m => do
    match ← instantiateMVars m with
    | .mvar m =>
      unless (← m.getDecl).kind matches .synthetic do return none
      classApplied? (← instantiateMVars (← m.getType))
    | _ => return none) variables

/-- The row `[class, argument, …]`; `argument` says what stands for an argument. -/
def classRow (c : ClassApplied) (argument : Expr → MetaM Json) : MetaM Json := do
  let arguments ← L.filterMapM (fun a => do
    match a with
    | some a => return some (← argument (← whnfR a))
    | none => return some (.str "*")) c.arguments
  return jsonList (.str (nameText c.name) :: arguments)

/-- `DecidableEq α` for the class `Decidable (a = b)` with `a b : α`. -/
def equality? (c : ClassApplied) : Option ClassApplied :=
  match c.arguments with
  | [some (.app (.app (.app (.const ``Eq _) α) _) _)] =>
    if c.name == ``Decidable then some { name := ``DecidableEq, arguments := [some α] } else none
  | _ => none

/-- The variables of an instance and its conclusion. `DecidablePred p` is opened to
`Decidable (p a)`. -/
def openedInstance (type : Expr) : MetaM (List Expr × Expr) := do
  let (ms, _, conclusion) ← forallMetaTelescope type
  if (headOf conclusion).isConstOf ``DecidableEq then return (ms.toList, conclusion)
  let (more, _, conclusion) ←
    M.withTransparency .reducible (do return ← forallMetaTelescopeReducing conclusion)
  return (L.append ms.toList more.toList, conclusion)

/-- The row where nothing is known: the class, for every type in every place. -/
def unknownRow (name : Name) : Json :=
  jsonList (.str (nameText name) :: L.map (fun _ => .str "*") (L.range' 1 12))

/-- The rows of an instance with this type; a `Decidable (a = b)` has a second one, of
`DecidableEq`. -/
def instanceRow (type : Expr) : MetaM (List Json) := do
  let (ms, conclusion) ← openedInstance type
  let some c ← classApplied? conclusion | return []
  -- whoever looks for the instance gives the arguments of the class
  let asked ← classesAsked (L.filter (fun m => !(argsOf conclusion).contains m) ms)
  let needs (x : Expr) := jsonList <| L.flatMap (fun (a : ClassApplied) =>
    L.map (fun i => jsonList [.str (nameText a.name), jsonNat i]) (placesIn x a.arguments 0)) asked
  let row (c : ClassApplied) : MetaM (Option Json) := do
    return some (← classRow c fun a => do
      if a.isMVar then return needs a
      return match headToken? a with
        | some s => .str s
        | none => .str "*")
  L.filterMapM row (c :: match equality? c with
    | some equality => [equality]
    | none => [])

/-- The head constant of the conclusion of a type: of `∀ n, NeZero (n + 1)`, `NeZero`. -/
def conclusionHead : Expr → Option Name
  | .forallE _ _ b _ => conclusionHead b
  | e => match headOf e with
    | .const c _ => some c
    | _ => none

/-- The rows of all global instances among these names. -/
def instanceRows (names : List Name) : MetaM (List Json) := do
  let env ← getEnv
  let rows ← L.filterMapM (fun n => do
    unless isInstanceCore env n do return none
    let some info := env.find? n | return none
    try return some (← instanceRow info.type)
    catch _ => return (conclusionHead info.type).map fun c => [unknownRow c]) names
  return L.flatten rows

/-- Does unification assign the metavariable `m` when it meets `e`? It does where `m` is an
argument. Where it stands only in the instance of a parent class, as in `Ring.toSemiring ?i`, it is
assigned if the other side is built in the same way, and then it is one of the target's own
instances. -/
partial def isAssignedBy (m : Expr) (e : Expr) : MetaM Bool := do
  unless e.hasExprMVar do return false
  match e with
  | .app f a =>
    if a == m then return !(← isParent e)
    return (← isAssignedBy m f) || (← isAssignedBy m a)
  | .lam _ t b _ | .forallE _ t b _ => return (← isAssignedBy m t) || (← isAssignedBy m b)
  | .mdata _ b | .proj _ _ b => isAssignedBy m b
  | _ => return false
where
  isParent (e : Expr) : MetaM Bool := do
    let .const c _ := headOf e | return false
    let some info := (← getEnv).getProjectionFnInfo? c | return false
    return info.fromClass && L.length (argsOf e) == info.numParams + 1
      && (← isClass? (← inferType e)).isSome

/-- The instances that a match of the terms `matched` needs: `(class, index, variable)` for each
variable that stands there for a type. -/
def needsOf (variables matched : List Expr) : MetaM (List (Name × Nat × MVarId)) := do
  let unassigned ← L.filterMapM (fun m => do
    let m ← instantiateMVars m
    unless m.isMVar do return none
    for e in matched do
      if ← isAssignedBy m e then return none
    return some m) variables
  let rows ← L.filterMapM
    (fun (c : ClassApplied) => do return some (← needs c.name c.arguments 0))
    (← classesAsked unassigned)
  return L.flatten rows
where
  needs (name : Name) : List (Option Expr) → Nat → MetaM (List (Name × Nat × MVarId))
    | some (.mvar x) :: as, i => do
      let rest ← needs name as (i + 1)
      let isOfType := (← whnfR (← instantiateMVars (← x.getType))).isSort
      return if isOfType then (name, i, x) :: rest else rest
    | _ :: as, i => needs name as (i + 1)
    | [], _ => return []

end Alchemy
