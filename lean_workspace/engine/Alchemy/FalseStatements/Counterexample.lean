import Alchemy.FalseStatements.SmallValues
import Alchemy.Portable.Monads

/-!
# Counterexamples

A closed statement `∀ x₁ … xₙ, C` fails if some arguments make its hypotheses true and `C` false.
Types, propositions and predicates are tried first, one after the other (`α := Nat`, then `Bool`).
Instances are found. Data get small values, the simplest first. Hypotheses and `C` are decided by
evaluation, as the tactic `decide` does it, and by `simp` where evaluation gets stuck (arrays) or
there is nothing to evaluate. A hypothesis is decided as soon as all that stands before it has
values, so most assignments are never completed.

The result is text: the arguments as a person writes them. The proof that they refute the statement
is elaborated from it afresh.
-/

open Lean Meta

namespace Alchemy

/-! ## The telescope of a statement -/

/-- How an argument is found. -/
inductive ArgumentSource where
  /-- A type, a proposition or a predicate, chosen before the search. -/
  | choice (text : String)
  /-- Data: small values are tried. -/
  | search
  | instance
  /-- An instance that depends on no data; it stands in the term already. -/
  | found
  /-- A hypothesis: it must hold. -/
  | proof
  /-- The conclusion: it must fail. -/
  | conclusion

/-- A binder of the statement, or its conclusion. -/
structure Slot where
  source : ArgumentSource
  name : Name
  kind : BinderInfo
  /-- A type or a proposition, as a function of the slots before it. -/
  term : Expr
  /-- `decide P` for a proposition `P`, where it is decidable. -/
  decision : Option Expr := none

/-- An argument of a counterexample. -/
structure Argument where
  name : Name
  kind : BinderInfo
  /-- `none` for an instance. -/
  text : Option String
  isProof : Bool := false

/-! ## The search -/

/-- More evaluations than this are not made for one choice of types. -/
def maxTries : Nat := 200

/-- Thousands of heartbeats for one evaluation: about 0.05 s. -/
def evaluationBudget : Nat := 200

/-- Thousands of heartbeats for a whole search: about 1 s. -/
def searchBudget : Nat := 4000

/-- A search for a counterexample. -/
structure ValueSearch where
  tries : IO.Ref Nat
  /-- The values of each type that was met. -/
  values : IO.Ref (List (Expr × List SmallValue))
  /-- Why nothing was found, if it is not that all evaluations failed. -/
  obstacle : IO.Ref (Option String)
  /-- Heartbeats at the beginning. -/
  start : Nat

/-- Is the budget of the whole search spent? -/
def ValueSearch.isSpent (s : ValueSearch) : MetaM Bool := do
  if (← IO.getNumHeartbeats) - s.start ≤ searchBudget * 1000 then return false
  s.obstacle.set "budget"
  return true

def ValueSearch.isOver (s : ValueSearch) : MetaM Bool := do
  return (← s.tries.get) ≥ maxTries || (← s.isSpent)

/-- The small values of a type, elaborated once. -/
def ValueSearch.valuesOf (s : ValueSearch) (type : Expr) : MetaM (List SmallValue) := do
  if let some values := known type (← s.values.get) then return values
  let values ← L.filterMapM (fun text => do
    match ← elaborated? text type with
    | some term => return some { text, term }
    | none => return none) (← textsOf type)
  s.values.modify ((type, values) :: ·)
  if values matches [] then s.obstacle.set "no values"
  return values
where
  known (type : Expr) : List (Expr × List SmallValue) → Option (List SmallValue)
    | [] => none
    | (t, vs) :: rest => if t == type then some vs else known type rest

/-! ## Deciding a proposition -/

/-- Stands in for `Expr.beta`. -/
def applyLambda : Expr → List Expr → Expr
  | .lam _ _ b _, v :: vs => applyLambda (b.instantiate1 v) vs
  | e, _ => e

/-- Stands in for `Core.betaReduce`. -/
partial def betaAll (e : Expr) : Expr :=
  e.replace fun e => if e.isHeadBetaTarget then some (betaAll e.headBeta) else none

/-- A proof of a proposition, or of its negation, and the tactic that found it. -/
structure Shown where
  proof : Expr
  tactic : String

/-- The value of `decide P`, with a proof for `true`; `none` where evaluation gets stuck. -/
def decided (decision : Expr) : MetaM (Option (Bool × Expr)) := do
  let [p, inst] := argsOf decision | return none
  let refl := mkApp2 (.const ``Eq.refl [.succ .zero]) (.const ``Bool []) (.const ``Bool.true [])
  match ← whnfD decision with
  | .const ``Bool.true _ => return some (true, mkApp3 (.const ``of_decide_eq_true []) p inst refl)
  | .const ``Bool.false _ => return some (false, p)
  | _ => return none

/-- A run of `simp` that shows nothing counts as so many evaluations. -/
def simpTries : Nat := 10

/-- `x` with the budget of one evaluation; `none` where it ends in an error, that of a spent budget
included. -/
def evaluating (x : MetaM (Option α)) : MetaM (Option α) :=
  tryCatchRuntimeEx (withBudget evaluationBudget x) fun _ => return none

/-- Shows that the proposition of a slot is as `wanted`, true or false, if it is. What evaluation
leaves open is left to `simp`. -/
def ValueSearch.shows? (s : ValueSearch) (slot : Slot) (values : List Expr) (wanted : Bool) :
    MetaM (Option Shown) := do
  s.tries.modify (· + 1)
  if let some d := slot.decision then
    if let some (holds, proof) ← evaluating (decided (applyLambda d values)) then
      return if holds == wanted then some { proof, tactic := "by decide" } else none
  let p := betaAll (applyLambda slot.term values)
  match ← evaluating (elaborated? "by simp" (if wanted then p else mkNot p)) with
  | some proof => return some { proof, tactic := "by simp" }
  | none =>
    s.tries.modify (· + simpTries)
    s.obstacle.set "not evaluated"
    return none

/-! ## Assigning values -/

/-- Goes through all assignments of values whose *cost* is as given: the sum of the indices of the
values in their lists. It returns the arguments, the proof that the conclusion fails last. `values`
are those of the slots so far, in order; `left` slots are still to be searched. -/
partial def ValueSearch.assign (s : ValueSearch) (slots : List Slot) (values : List Expr)
    (arguments : List Argument) (left cost : Nat) : MetaM (Option (List Argument)) := do
  if ← s.isOver then return none
  let slot :: rest := slots | return none
  let argument : Argument := { name := slot.name, kind := slot.kind, text := none }
  let term := applyLambda slot.term values
  match slot.source with
  | .choice text =>
    s.assign rest values ({ argument with text := some text } :: arguments) left cost
  | .found => s.assign rest values (argument :: arguments) left cost
  | .instance =>
    let some i ← (try pure (some (← synthInstance term)) catch _ => pure none) | return none
    s.assign rest (L.append values [i]) (argument :: arguments) left cost
  | .proof =>
    let some shown ← s.shows? slot values true | return none
    let argument := { argument with text := some shown.tactic, isProof := true }
    s.assign rest (L.append values [shown.proof]) (argument :: arguments) left cost
  | .conclusion =>
    let some shown ← s.shows? slot values false | return none
    let argument := { argument with text := some shown.tactic, isProof := true }
    return some (L.reverse (argument :: arguments))
  | .search =>
    let found ← s.valuesOf term
    let mut i := 0
    for v in L.take (cost + 1) found do
      -- the last slot takes what is left of the cost, so that each assignment is met once
      if left > 1 || i == cost then
        let arguments := { argument with text := some v.text } :: arguments
        let found? ← s.assign rest (L.append values [v.term]) arguments (left - 1) (cost - i)
        if let some r := found? then return some r
      i := i + 1
    return none

/-- Assignments with a higher cost are not tried. -/
def maxCost : Nat := 8

/-- The first assignment that refutes the statement, by cost. -/
def ValueSearch.assignAll (s : ValueSearch) (slots : List Slot) :
    MetaM (Option (List Argument)) := do
  let searched := L.length (L.filter (fun (slot : Slot) => slot.source matches .search) slots)
  s.tries.set 0
  go slots searched 0 (if searched == 0 then 1 else maxCost + 1)
where
  go (slots : List Slot) (searched cost : Nat) : Nat → MetaM (Option (List Argument))
    | 0 => return none
    | n + 1 => do
      if let some found ← s.assign slots [] [] searched cost then return some found
      go slots searched (cost + 1) n

/-! ## Exploring a statement -/

/-- Enters a binder; an instance can be used by instance search. -/
def withInstanceBinder (t body : Expr) (k : FVarId → Expr → MetaM α) : MetaM α := do
  match ← isClass? t with
  | none => M.withBinder t body k
  | some c => M.withBinder t body fun f b => do
    let run : MetaM α := k f b
    fun ctx =>
      run { ctx with localInstances := ctx.localInstances.push { className := c, fvar := .fvar f } }

/-- `decide P` as a function of the variables; `none` where `P` has no instance of `Decidable`. -/
def decisionOf (vars : List Expr) (p : Expr) : MetaM (Option Expr) := do
  try
    let inst ← synthInstance (mkApp (.const ``Decidable []) p)
    return some (← mkLambdaFVars vars.toArray (mkApp2 (.const ``Decidable.decide []) p inst))
  catch _ => return none

/-- Arguments that refute `type`, which is the rest of a statement. `slots` and `vars` are those
before it, the last one first. -/
partial def ValueSearch.explore (s : ValueSearch) (type : Expr) (slots : List Slot)
    (vars : List Expr) : MetaM (Option (List Argument)) := do
  match type.consumeMData with
  | .forallE name t b kind =>
    let over (e : Expr) : MetaM Expr := mkLambdaFVars (L.reverse vars).toArray e
    if kind.isInstImplicit then
      if t.hasFVar then
        let slot : Slot := { source := .instance, name, kind, term := ← over t }
        return ← withInstanceBinder t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
      let some i ← (try pure (some (← synthInstance t)) catch _ => pure none)
        | s.obstacle.set "no instance"; return none
      let slot : Slot := { source := .found, name, kind, term := t }
      return ← s.explore (b.instantiate1 i) (slot :: slots) vars
    if ← isProp t then
      let slot : Slot := {
        source := .proof, name, kind, term := ← over t
        decision := ← decisionOf (L.reverse vars) t }
      return ← M.withBinder t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
    match ← choicesOf t with
    | [] =>
      let slot : Slot := { source := .search, name, kind, term := ← over t }
      M.withBinder t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
    | texts => tryChoices name t b kind texts
  | conclusion =>
    let slot : Slot := {
      source := .conclusion, name := .anonymous, kind := .default
      term := ← mkLambdaFVars (L.reverse vars).toArray conclusion
      decision := ← decisionOf (L.reverse vars) conclusion }
    s.assignAll (L.reverse (slot :: slots))
where
  tryChoices (name : Name) (t b : Expr) (kind : BinderInfo) :
      List String → MetaM (Option (List Argument))
    | [] => return none
    | text :: texts => do
      if ← s.isSpent then return none
      if let some v ← elaborated? text t then
        let slot : Slot := { source := .choice text, name, kind, term := v }
        let rest := betaAll (b.instantiate1 v)
        if let some found ← s.explore rest (slot :: slots) vars then return some found
      tryChoices name t b kind texts

/-- Arguments that refute a closed statement, the proof that its conclusion fails last; or why none
were found. -/
def counterexample (type : Expr) : MetaM (Except String (List Argument)) := do
  let s : ValueSearch := {
    tries := ← IO.mkRef 0, values := ← IO.mkRef [], obstacle := ← IO.mkRef none
    start := ← IO.getNumHeartbeats }
  match ← s.explore type [] [] with
  | some found => return .ok found
  | none => return .error ((← s.obstacle.get).getD "no counterexample")

end Alchemy
