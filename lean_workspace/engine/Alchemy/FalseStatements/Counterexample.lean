import Alchemy.FalseStatements.SmallValues

/-!
# Counterexamples

A closed statement `∀ x₁ … xₙ, C` fails if some arguments make its hypotheses true and `C` false. Types,
propositions and predicates are tried first, one after the other (`α := Nat`, then `Bool`); instances are found; data
get small values, the simplest first; hypotheses and `C` are decided by evaluation, as the tactic `decide` does, and by
`simp` where evaluation gets stuck (arrays) or there is nothing to evaluate. A hypothesis is decided as soon as what
stands before it has values, so that most assignments are never completed.

What comes back is text: the arguments as a person writes them. The proof that they refute the statement is
elaborated from it afresh.
-/

open Lean Meta

namespace Alchemy

/-! ## The telescope of a statement -/

/-- How an argument is come by. -/
inductive Source where
  /-- chosen before the search: a type, a proposition, a predicate -/
  | choice (text : String)
  | search
  | instance
  /-- an instance that depends on no data: it stands in the term already -/
  | found
  /-- a hypothesis: it must hold -/
  | proof
  /-- the conclusion: it must fail -/
  | conclusion

/-- A binder of the statement, or its conclusion. -/
structure Slot where
  source : Source
  name : Name
  kind : BinderInfo
  /-- Over the variables of the slots before it: a type, or a proposition. -/
  term : Expr
  /-- `decide P` for a proposition `P`, where it is decidable. -/
  decision : Option Expr := none

/-- An argument of a counterexample. -/
structure Argument where
  name : Name
  kind : BinderInfo
  /-- `none` for an instance -/
  text : Option String
  isProof : Bool := false

/-- More evaluations than this are not made for one choice of types. -/
def maxTries : Nat := 200

/-- Thousands of heartbeats for one evaluation, and for a whole search: about 0.05 s and 1 s. -/
def evaluationBudget : Nat := 200
def searchBudget : Nat := 4000

structure Search where
  tries : IO.Ref Nat
  values : IO.Ref (List (Expr × List Value))
  /-- Why nothing was found, where it is not that all evaluations failed. -/
  obstacle : IO.Ref (Option String)
  start : Nat

/-- Is the budget of the whole search spent? -/
def Search.isSpent (s : Search) : MetaM Bool := do
  if (← IO.getNumHeartbeats) - s.start ≤ searchBudget * 1000 then return false
  s.obstacle.set "budget"
  return true

def Search.isOver (s : Search) : MetaM Bool := do
  return (← s.tries.get) ≥ maxTries || (← s.isSpent)

def Search.valuesOf (s : Search) (type : Expr) : MetaM (List Value) := do
  if let some values := known type (← s.values.get) then return values
  let values ← choose (fun text => do
    match ← elaborated? text type with
    | some term => return some { text, term }
    | none => return none) (← textsOf type)
  s.values.modify ((type, values) :: ·)
  if values matches [] then s.obstacle.set "no values"
  return values
where
  known (type : Expr) : List (Expr × List Value) → Option (List Value)
    | [] => none
    | (t, vs) :: rest => if t == type then some vs else known type rest

/-- Stands in for `Expr.beta`. -/
def applyLambda : Expr → List Expr → Expr
  | .lam _ _ b _, v :: vs => applyLambda (b.instantiate1 v) vs
  | e, _ => e

/-- Stands in for `Core.betaReduce`. -/
partial def betaAll (e : Expr) : Expr :=
  e.replace fun e => if e.isHeadBetaTarget then some (betaAll e.headBeta) else none

/-- `x`, or `y` where `x` ends in an error, that of a spent budget included (`try` lets these pass). -/
def orElse (x y : MetaM α) : MetaM α := fun mc ms c s =>
  let x : EIO Exception α := x mc ms c s
  x.tryCatch fun _ => y mc ms c s

/-- A proposition that holds, or the negation of one that fails: a proof of it, and the tactic that found it. -/
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

/-- Is the proposition of a slot as `wanted`, true or false? What evaluation leaves open is left to `simp`. -/
def Search.shows? (s : Search) (slot : Slot) (values : List Expr) (wanted : Bool) : MetaM (Option Shown) := do
  s.tries.modify (· + 1)
  if let some d := slot.decision then
    if let some (holds, proof) ← orElse (withBudget evaluationBudget (decided (applyLambda d values))) (return none) then
      return if holds == wanted then some { proof, tactic := "by decide" } else none
  let p := betaAll (applyLambda slot.term values)
  match ← orElse (withBudget evaluationBudget (elaborated? "by simp" (if wanted then p else mkNot p))) (return none) with
  | some proof => return some { proof, tactic := "by simp" }
  | none =>
    s.tries.modify (· + simpTries)
    s.obstacle.set "not evaluated"
    return none

/-- The arguments, and last the proof that the conclusion fails. Goes through all assignments in which the places of the
values in their lists add up to `cost`. `values`: of the slots so far, in order; `left`: how many slots are still searched. -/
partial def Search.assign (s : Search) (slots : List Slot) (values : List Expr) (arguments : List Argument) (left cost : Nat) :
    MetaM (Option (List Argument)) := do
  if ← s.isOver then return none
  let slot :: rest := slots | return none
  let argument : Argument := { name := slot.name, kind := slot.kind, text := none }
  let term := applyLambda slot.term values
  match slot.source with
  | .choice text => s.assign rest values ({ argument with text := some text } :: arguments) left cost
  | .found => s.assign rest values (argument :: arguments) left cost
  | .instance =>
    let some i ← (try pure (some (← synthInstance term)) catch _ => pure none) | return none
    s.assign rest (append values [i]) (argument :: arguments) left cost
  | .proof =>
    let some shown ← s.shows? slot values true | return none
    s.assign rest (append values [shown.proof]) ({ argument with text := some shown.tactic, isProof := true } :: arguments) left cost
  | .conclusion =>
    let some shown ← s.shows? slot values false | return none
    return some (rev ({ argument with text := some shown.tactic, isProof := true } :: arguments))
  | .search =>
    let found ← s.valuesOf term
    let mut i := 0
    for v in takeL found (cost + 1) do
      -- The last one takes what is left of the cost, so that each assignment is met once.
      if left > 1 || i == cost then
        let arguments := { argument with text := some v.text } :: arguments
        if let some r ← s.assign rest (append values [v.term]) arguments (left - 1) (cost - i) then return some r
      i := i + 1
    return none

/-- No assignment costs more. -/
def maxCost : Nat := 8

def Search.assignAll (s : Search) (slots : List Slot) : MetaM (Option (List Argument)) := do
  let searched := count (keep (fun (slot : Slot) => slot.source matches .search) slots)
  s.tries.set 0
  go slots searched 0 (if searched == 0 then 1 else maxCost + 1)
where
  go (slots : List Slot) (searched cost : Nat) : Nat → MetaM (Option (List Argument))
    | 0 => return none
    | n + 1 => do
      if let some found ← s.assign slots [] [] searched cost then return some found
      go slots searched (cost + 1) n

/-- Enters a binder that instance resolution may use. -/
def enterInstance (t body : Expr) (k : FVarId → Expr → MetaM α) : MetaM α := do
  match ← isClass? t with
  | none => enterBinder t body k
  | some c => enterBinder t body fun f b => do
    let run : MetaM α := k f b
    fun ctx => run { ctx with localInstances := ctx.localInstances.push { className := c, fvar := .fvar f } }

/-- `decide P` over the variables; `none` where no instance is found. -/
def decisionOf (vars : List Expr) (p : Expr) : MetaM (Option Expr) := do
  try
    let inst ← synthInstance (mkApp (.const ``Decidable []) p)
    return some (← mkLambdaFVars vars.toArray (mkApp2 (.const ``Decidable.decide []) p inst))
  catch _ => return none

/-- Arguments that refute `type`, from its binders on; slots and variables: of those before, the last one first. -/
partial def Search.explore (s : Search) (type : Expr) (slots : List Slot) (vars : List Expr) : MetaM (Option (List Argument)) := do
  match type.consumeMData with
  | .forallE name t b kind =>
    let over (e : Expr) : MetaM Expr := mkLambdaFVars (rev vars).toArray e
    if kind.isInstImplicit then
      if t.hasFVar then
        let slot : Slot := { source := .instance, name, kind, term := ← over t }
        return ← enterInstance t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
      let some i ← (try pure (some (← synthInstance t)) catch _ => pure none) | s.obstacle.set "no instance"; return none
      return ← s.explore (b.instantiate1 i) ({ source := .found, name, kind, term := t } :: slots) vars
    if ← isProp t then
      let slot : Slot := { source := .proof, name, kind, term := ← over t, decision := ← decisionOf (rev vars) t }
      return ← enterBinder t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
    match ← choicesOf t with
    | [] =>
      let slot : Slot := { source := .search, name, kind, term := ← over t }
      enterBinder t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
    | texts => tryChoices name t b kind texts
  | conclusion =>
    let slot : Slot := { source := .conclusion, name := .anonymous, kind := .default,
                         term := ← mkLambdaFVars (rev vars).toArray conclusion, decision := ← decisionOf (rev vars) conclusion }
    s.assignAll (rev (slot :: slots))
where
  tryChoices (name : Name) (t b : Expr) (kind : BinderInfo) : List String → MetaM (Option (List Argument))
    | [] => return none
    | text :: texts => do
      if ← s.isSpent then return none
      if let some v ← elaborated? text t then
        let slot : Slot := { source := .choice text, name, kind, term := v }
        if let some found ← s.explore (betaAll (b.instantiate1 v)) (slot :: slots) vars then return some found
      tryChoices name t b kind texts

/-- Arguments that refute a closed statement, the proof that its conclusion fails last; or why none were found. -/
def counterexample (type : Expr) : MetaM (Except String (List Argument)) := do
  let s : Search := { tries := ← IO.mkRef 0, values := ← IO.mkRef [], obstacle := ← IO.mkRef none,
                      start := ← IO.getNumHeartbeats }
  match ← s.explore type [] [] with
  | some found => return .ok found
  | none => return .error ((← s.obstacle.get).getD "no counterexample")

end Alchemy
