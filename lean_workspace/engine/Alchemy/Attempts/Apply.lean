import Alchemy.Attempts.NewBinders
import Alchemy.Attempts.TargetApplied
import Alchemy.Attempts.Trace
import Lean.Meta.Tactic.Apply

/-!
# `apply`: a hypothesis is replaced by what implies it, a conclusion by what it implies

Backward, at a hypothesis `h : P`, with a lemma `Q₁ → … → P`: the antecedents `Q₁`, … stand for `h`.
Forward, at the conclusion `P`, with a lemma `… → P → … → R`: the conclusion becomes `R`, and the
other antecedents become hypotheses. Terms are unified as the tactic does it, at default
transparency. Data that nothing determines, such as the middle of `a < b → b < c → a < c`, become
variables of the variant.
-/

open Lean Meta

namespace Alchemy

/-! ## The lemma -/

/-- A lemma with a metavariable for each of its variables. -/
structure OpenedRule where
  term : Expr
  variables : List (Expr × BinderInfo)
  conclusion : Expr

/-- The lemma with fresh metavariables: of `n < m → n ≤ m`, the conclusion `?n ≤ ?m`. -/
def openRule (rule : ConstantInfo) : MetaM OpenedRule := do
  let c ← mkConstWithFreshMVarLevels rule.name
  let (ms, kinds, q) ← forallMetaTelescope (← inferType c)
  return { term := mkAppN c ms, variables := L.zip ms.toList kinds.toList, conclusion := q }

/-- What unification left open, in order: antecedents, and data that nothing determines. Instances
are found. `none` where something else stays open. It follows `Lean.MVarId.apply`. -/
def antecedents (o : OpenedRule) : MetaM (Option (List Expr)) := do
  let mut news : List Expr := []
  for (m, kind) in o.variables do
    if ← m.mvarId!.isAssigned then continue
    let type ← instantiateMVars (← inferType m)
    if kind.isInstImplicit then
      unless ← isDefEq m (← synthInstance type) do throwError "instance"
    else if ← isProp type then news := m :: news
    else if ← isNewVariable type then news := m :: news
    else
      if ← isTracing then traceLeftOpen [m]
      return none
  if ← isTracing then traceLeftOpen (L.reverse news)
  for m in news do
    unless ← isClosedBut news (← inferType m) do return none
  return some (L.reverse news)

/-- The term with its metavariables instantiated. Unification at default transparency may leave an
ill-typed term (structure eta over another width of `BitVec`); the tactic would leave that to the
kernel. -/
def checked (term : Expr) : MetaM Expr := do
  let term ← instantiateMVars term
  unless ← isTypeCorrect term do
    if ← isTracing then logTrace m!"the term is not type correct: {term}"
    throwError "ill-typed"
  return term

/-- Antecedent number `occurrence`, from 1. The antecedents are the propositions that are no
instances. -/
def nthAntecedent (o : OpenedRule) (occurrence : Nat) : MetaM (Option Expr) := go o.variables 0
where
  go : List (Expr × BinderInfo) → Nat → MetaM (Option Expr)
    | [], i => do
      if ← isTracing then logTrace m!"the lemma has {i} antecedents"
      return none
    | (m, _) :: rest, i => do
      let type ← instantiateMVars (← inferType m)
      if (← isProp type) && (← isClass? type).isNone then
        if i + 1 == occurrence then return some m else go rest (i + 1)
      else go rest i

/-- The lemma applied, as source: `Nat.lt_of_lt_of_le h _`. `used` is the antecedent that the target
proves, and how it is written; new variables are written by their names, the rest is `_`. -/
def ruleApplied (rule : ConstantInfo) (o : OpenedRule) (used : Option (Expr × String))
    (named : List (Expr × Name)) (t : Target) : String :=
  t.source rule.name ++ go o.variables
where
  go : List (Expr × BinderInfo) → String
    | [] => ""
    | (m, kind) :: rest =>
      if !kind.isExplicit then go rest
      else match writtenArgument m with
        | some h => " " ++ h ++ go rest
        | none => match newName? m named with
          | some n => " " ++ t.source n ++ go rest
          | none => " _" ++ go rest
  writtenArgument (m : Expr) : Option String := match used with
    | some (x, h) => if m == x then some h else none
    | none => none

/-! ## At a site -/

/-- `h : a < b` and `Nat.lt_of_succ_lt : a.succ < b → a < b` give `h : a.succ < b`, proved by
`exact target (by apply Nat.lt_of_succ_lt <;> assumption)`. -/
def applyAtHypothesis (t : Target) (b : Binder) (rule : ConstantInfo) : MetaM Outcome := do
  let o ← openRule rule
  if ← isTracing then traceUnifying o.conclusion b.type
  unless ← isDefEq o.conclusion b.type do throwError "conclusion"
  let some open_ ← antecedents o | return .useless "metavariables"
  let settled ← t.settle (some b.fvar) open_
  let news := unsettled settled open_
  if let [m] := news then
    if (← instantiateMVars (← inferType m)) == b.type then
      return .useless "unchanged"  -- `n < m → n + 1 ≤ m`
  let others := L.filter (fun n => n != b.name) t.usedNames
  let named ← nameNews others news
  let proof ← checked o.term
  let hole ← if !(← dataOf news) matches [] then
      pure ("(" ++ ruleApplied rule o none (L.append settled named) t ++ ")")
    else
      let close := if open_ matches [] then ")" else " <;> assumption)"
      pure ("(by apply " ++ t.source rule.name ++ close)
  let script (explicitly : Bool) :=
    ["exact " ++ t.applied explicitly (some t.conclusion) (some (b.fvar, hole))]
  return .draft {
    binders := replaceBinder t.own b.fvar named, conclusion := t.conclusion
    proof := t.proofWith b.fvar proof, script := script false, explicitScript := script true }

/-- The conclusion `a + 1 < 3` and `Nat.le_of_lt : n < m → n ≤ m` give `a + 1 ≤ 3`, proved by
`have h := target; exact Nat.le_of_lt h`. -/
def applyAtConclusion (t : Target) (rule : ConstantInfo) (occurrence : Nat) : MetaM Outcome := do
  let o ← openRule rule
  let some antecedent ← nthAntecedent o occurrence | throwError "antecedent"
  if ← isTracing then traceUnifying (← inferType antecedent) t.conclusion
  unless ← isDefEq (← inferType antecedent) t.conclusion do throwError "antecedent"
  unless ← isDefEq antecedent t.proof do throwError "antecedent"
  let some left ← antecedents o | return .useless "metavariables"
  let settled ← t.settle none left
  let news := unsettled settled left
  let conclusion := (← instantiateMVars o.conclusion).headBeta
  unless ← isClosedBut news conclusion do return .useless "metavariables"
  if conclusion == t.conclusion then return .useless "unchanged"
  let named ← nameNews t.usedNames news
  let used := L.append (L.map (·.2) named) t.usedNames
  let (names, arguments) := leading t used (plain conclusion)
  let h := freshName (L.append names used) `h
  let rule := ruleApplied rule o (some (antecedent, t.source h)) (L.append settled named) t
  let script (explicitly : Bool) :=
    ["have " ++ t.source h ++ " := " ++ t.applied explicitly none none,
     "exact " ++ rule ++ spread arguments]
  return .draft {
    binders := L.append t.own named, conclusion, leading := names, proof := ← checked o.term
    script := script false, explicitScript := script true }

/-- The kind `apply`: backward at a hypothesis, forward at the conclusion. -/
def applyKind : Kind where
  name := "apply"
  attempt t site rule backward occurrence := match site, backward with
    | .hypothesis b, true => applyAtHypothesis t b rule
    | .conclusion, false => applyAtConclusion t rule occurrence
    | _, _ => throwError "no such site"

end Alchemy
