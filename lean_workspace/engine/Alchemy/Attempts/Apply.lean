import Alchemy.Attempts.Kind
import Lean.Meta.Tactic.Apply

/-!
# `apply`: a hypothesis is replaced by what implies it, a conclusion by what it implies

Backward at a hypothesis `h : P`, with a rule `Q₁ → … → P`: `h` is replaced by the antecedents.
Forward at the conclusion `P`, with a rule `… → P → … → R`: the conclusion becomes `R`, the other
antecedents become hypotheses. Unification is the tactic's, at default transparency. Data that nothing
determines (the middle of `a < b → b < c → a < c`) become variables of the variant.
-/

open Lean Meta

namespace Alchemy

/-- A rule with a metavariable for each of its variables. -/
structure Opened where
  term : Expr
  variables : List (Expr × BinderInfo)
  conclusion : Expr

def zip : List α → List β → List (α × β)
  | a :: as, b :: bs => (a, b) :: zip as bs
  | _, _ => []

def openRule (rule : ConstantInfo) : MetaM Opened := do
  let c ← mkConstWithFreshMVarLevels rule.name
  let (ms, kinds, q) ← forallMetaTelescope (← inferType c)
  return { term := mkAppN c ms, variables := zip ms.toList kinds.toList, conclusion := q }

/-- What is left of a rule after unification, in order: data that nothing determines and open antecedents. Instances are
found; `none` where something else stays undetermined. Source: `Lean.MVarId.apply`. -/
def antecedents (o : Opened) : MetaM (Option (List Expr)) := do
  let mut news : List Expr := []
  for (m, kind) in o.variables do
    if ← m.mvarId!.isAssigned then continue
    let type ← instantiateMVars (← inferType m)
    if kind.isInstImplicit then
      unless ← isDefEq m (← synthInstance type) do throwError "instance"
    else if ← isProp type then news := m :: news
    else if ← isNewVariable type then news := m :: news
    else return none
  for m in news do
    unless ← isClosedBut news (← inferType m) do return none
  return some (rev news)

/-- Unification at default transparency can leave an ill-typed term behind (structure eta over another
width of `BitVec`); the tactic would leave that to the kernel. -/
def checked (term : Expr) : MetaM Expr := do
  let term ← instantiateMVars term
  unless ← isTypeCorrect term do throwError "ill-typed"
  return term

/-- The antecedents of a rule in order: its propositions that are no instances. -/
def nthAntecedent (o : Opened) (occurrence : Nat) : MetaM (Option Expr) := go o.variables 0
where
  go : List (Expr × BinderInfo) → Nat → MetaM (Option Expr)
    | [], _ => return none
    | (m, _) :: rest, i => do
      let type ← instantiateMVars (← inferType m)
      if (← isProp type) && (← isClass? type).isNone then
        if i + 1 == occurrence then return some m else go rest (i + 1)
      else go rest i

/-- The rule applied as a term: `h` for the antecedent used, names for what is new, `_` for the rest. -/
def ruleApplied (rule : ConstantInfo) (o : Opened) (used : Option (Expr × String)) (named : List (Expr × Name)) (t : Prepared) : String :=
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

def applyAtHypothesis (t : Prepared) (b : Binder) (rule : ConstantInfo) : MetaM Outcome := do
  let o ← openRule rule
  unless ← isDefEq o.conclusion b.type do throwError "conclusion"
  let some open_ ← antecedents o | return .useless "metavariables"
  let settled ← t.settle (some b.fvar) open_
  let news := unsettled settled open_
  if let [m] := news then
    if (← instantiateMVars (← inferType m)) == b.type then return .useless "unchanged"  -- `n < m → n + 1 ≤ m`
  let others := keep (fun n => n != b.name) t.usedNames
  let named ← nameNews others news
  let proof ← checked o.term
  let hole ← if !(← dataOf news) matches [] then pure ("(" ++ ruleApplied rule o none (append settled named) t ++ ")")
    else pure ("(by apply " ++ t.source rule.name ++ (if open_ matches [] then ")" else " <;> assumption)"))
  let script (explicitly : Bool) := ["exact " ++ t.applied explicitly (some t.conclusion) (some (b.fvar, hole))]
  return .draft { binders := replaceBinder t.own b.fvar named, conclusion := t.conclusion,
                  proof := t.proofWith b.fvar proof, script := script false, explicitScript := script true }

def applyAtConclusion (t : Prepared) (rule : ConstantInfo) (occurrence : Nat) : MetaM Outcome := do
  let o ← openRule rule
  let some antecedent ← nthAntecedent o occurrence | throwError "antecedent"
  unless ← isDefEq (← inferType antecedent) t.conclusion do throwError "antecedent"
  unless ← isDefEq antecedent t.proof do throwError "antecedent"
  let some left ← antecedents o | return .useless "metavariables"
  let settled ← t.settle none left
  let news := unsettled settled left
  let conclusion := (← instantiateMVars o.conclusion).headBeta
  unless ← isClosedBut news conclusion do return .useless "metavariables"
  if conclusion == t.conclusion then return .useless "unchanged"
  let named ← nameNews t.usedNames news
  let used := append (mapL (·.2) named) t.usedNames
  let (names, arguments) := leading t used (plain conclusion)
  let h := freshName (append names used) `h
  let script (explicitly : Bool) :=
    ["have " ++ t.source h ++ " := " ++ t.applied explicitly none none,
     "exact " ++ ruleApplied rule o (some (antecedent, t.source h)) (append settled named) t ++ spread arguments]
  return .draft { binders := append t.own named, conclusion, leading := names, proof := ← checked o.term,
                  script := script false, explicitScript := script true }

def applyKind : Kind where
  name := "apply"
  attempt t site rule backward occurrence := match site, backward with
    | .hypothesis b, true => applyAtHypothesis t b rule
    | .conclusion, false => applyAtConclusion t rule occurrence
    | _, _ => throwError "no such site"

end Alchemy
