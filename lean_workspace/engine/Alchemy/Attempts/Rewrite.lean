import Alchemy.Attempts.RuleArguments
import Alchemy.Attempts.TargetApplied
import Alchemy.Attempts.Trace
import Lean.Meta.Tactic.Rewrite

/-!
# `rw`: a term is replaced by an equal one

`Lean.MVarId.rewrite` defines what an attempt is: the first instance of the pattern decides, and all
its occurrences are replaced. Another instance is reached as a person would reach it, by giving the
lemma its arguments. What the lemma asks for (`m ≤ n → m + (n - m) = n`) becomes hypotheses of the
variant. What only the lemma mentions (the `z` of `(x + y * z) % y = x % y`, backward) becomes
variables.
-/

open Lean Meta

namespace Alchemy

/-! ## The instance of the pattern -/

/-- A lemma applied to metavariables. -/
structure RuleInstance where
  term : Expr
  arguments : List Expr
  kinds : List BinderInfo

/-- A lemma applied to metavariables, and the side of it that is the pattern; `none` where its
conclusion is no equation and no iff. -/
def openEquation (rule : ConstantInfo) (backward : Bool) :
    MetaM (Option (RuleInstance × Expr)) := do
  let c ← mkConstWithFreshMVarLevels rule.name
  let (ms, kinds, type) ← forallMetaTelescopeReducing (← inferType c)
  let some (l, r) := (match type.iff? with
    | some sides => some sides
    | none => match type.eq? with
      | some (_, l, r) => some (l, r)
      | none => none) | return none
  let pattern ← instantiateMVars (if backward then r else l)
  return some ({ term := mkAppN c ms, arguments := ms.toList, kinds := kinds.toList }, pattern)

/-- The lemma with its variables fixed by instance number `occurrence` of its pattern in `e`, from
1. -/
def ruleAt (e : Expr) (rule : ConstantInfo) (backward : Bool) (occurrence : Nat) :
    MetaM (Option RuleInstance) := do
  let some (i, pattern) ← openEquation rule backward | return none
  let candidates := L.reverse (subterms e [])
  let instances ← M.withTransparency .instances (instancesOf pattern candidates)
  let some s := L.get? instances (occurrence - 1) | return none
  unless ← isDefEq s pattern do return none
  return some { i with term := ← instantiateMVars i.term }

/-- Logs what `rw` is about to do. -/
def traceRewriting (e : Expr) (rule : ConstantInfo) (backward : Bool) : MetaM Unit := forTrace do
  match ← openEquation rule backward with
  | some (_, pattern) => tracePattern e pattern
  | none => logTrace m!"the conclusion of {rule.name} is no equation and no iff"

/-! ## The rewritten term -/

/-- A term rewritten, and a proof that both are equal. -/
structure Rewritten where
  new : Expr
  eq : Expr
  /-- The propositions that the lemma asks for and the variables that only it has, with their names.
  -/
  news : List (Expr × Name)
  /-- How many of them are propositions. -/
  conditions : Nat
  /-- Did the target have some of the propositions among its hypotheses? -/
  isSettled : Bool
  /-- The lemma as `rw` takes it: `← Nat.add_comm a b`. -/
  source : String

/-- The goals that a rewrite leaves, if all are propositions or variables that a statement may have.
-/
def openAfterRewrite (goals : List MVarId) (new : Expr) : MetaM (Option (List Expr)) := do
  let news := L.map Expr.mvar goals
  for m in news do
    let type ← instantiateMVars (← inferType m)
    unless ((← isProp type) || (← isNewVariable type)) && (← isClosedBut news type) do
      return none
  return if ← isClosedBut news new then some news else none

/-- The arguments that `rw` is given. There are none where it finds the first instance of the
pattern and knows all by it. -/
def rewriteArguments (g : NewNames) (rule : ConstantInfo) (at? : Option RuleInstance)
    (proof : Expr) : MetaM (Option (List String)) := do
  let names := binderNames rule.type
  match at?, g.news with
  | some i, _ => givenArguments g i.arguments i.kinds names
  | none, [] => return some []
  | none, _ => match argumentsIn rule.name (L.length names) (← instantiateMVars proof) with
    | some arguments => return newArguments g arguments names
    | none => return none

/-- `e` rewritten with a lemma, or why that can't be used. `replaced` is the hypothesis that states
`e`, if it is one. -/
def rewriteTerm (t : Target) (e : Expr) (replaced : Option FVarId) (rule : ConstantInfo)
    (backward : Bool) (occurrence : Nat) : MetaM (Except String Rewritten) := do
  if ← isTracing then traceRewriting e rule backward
  let at? ← if occurrence ≤ 1 then pure none else ruleAt e rule backward occurrence
  if occurrence > 1 && at?.isNone then return .error "no such occurrence"
  let term ← match at? with
    | some i => pure i.term
    | none => mkConstWithFreshMVarLevels rule.name
  let r ← t.goal.rewrite e term backward
  let new ← instantiateMVars r.eNew
  if ← isTracing then logTrace m!"rewritten: {new}"
  if new == e then return .error "unchanged"
  if ← isTracing then traceLeftOpen (L.map Expr.mvar r.mvarIds)
  let some left ← openAfterRewrite r.mvarIds new | return .error "metavariables"
  let settled ← t.settle replaced left
  let news ← nameNews t.usedNames (unsettled settled left)
  let data ← dataOf (L.map (·.1) news)
  let asked ← mustBeGiven data
  let names : NewNames := {
    news := L.filter (fun (m, _) => asked.contains m) news, source := t.source }
  let some arguments ← rewriteArguments names rule at? r.eqProof | return .error "unnamed argument"
  let source := t.source rule.name ++ spread arguments
  return .ok {
    new := new.headBeta, eq := r.eqProof, news, conditions := L.length news - L.length data
    isSettled := !(settled matches []), source := if backward then "← " ++ source else source }

/-! ## At a site -/

/-- `a + b = c` and `Nat.add_comm` give `b + a = c`, proved by
`have h := target a b; rw [Nat.add_comm] at h; exact h`. -/
def rewriteConclusion (t : Target) (rule : ConstantInfo) (backward : Bool) (occurrence : Nat) :
    MetaM Outcome := do
  match ← rewriteTerm t t.conclusion none rule backward occurrence with
  | .error reason => return .useless reason
  | .ok r =>
    let used := L.append (L.map (·.2) r.news) t.usedNames
    let (names, arguments) := leading t used (plain r.new)
    let h := t.source (freshName (L.append names used) `h)
    let rest := if r.conditions == 0 && !r.isSettled then [] else ["all_goals assumption"]
    let script (explicitly : Bool) := L.append
      ["have " ++ h ++ " := " ++ t.applied explicitly none none,
       "rw [" ++ r.source ++ "] at " ++ h,
       "exact " ++ h ++ spread arguments] rest
    return .draft {
      binders := L.append t.own r.news, conclusion := r.new, leading := names
      proof := ← mkEqMP r.eq t.proof, script := script false, explicitScript := script true
      conditions := r.conditions }

/-- `h : 0 < b` and `Nat.pos_iff_ne_zero` give `h : b ≠ 0`, proved by
`exact target a (by rw [Nat.pos_iff_ne_zero]; exact h)`. -/
def rewriteHypothesis (t : Target) (b : Binder) (rule : ConstantInfo) (backward : Bool)
    (occurrence : Nat) : MetaM Outcome := do
  match ← rewriteTerm t b.type (some b.fvar) rule backward occurrence with
  | .error reason => return .useless reason
  | .ok r =>
    let h ← mkFreshExprMVar r.new .synthetic b.name
    let close := if r.conditions == 0 && !r.isSettled then "; exact " ++ t.source b.name
      else " <;> assumption"
    let hole := "(by rw [" ++ r.source ++ "]" ++ close ++ ")"
    let script (explicitly : Bool) :=
      ["exact " ++ t.applied explicitly (some t.conclusion) (some (b.fvar, hole))]
    return .draft {
      binders := replaceBinder t.own b.fvar (L.append r.news [(h, b.name)])
      conclusion := t.conclusion, proof := t.proofWith b.fvar (← mkEqMPR r.eq h)
      script := script false, explicitScript := script true, conditions := r.conditions }

/-- The kind `rw`: at the conclusion or at a hypothesis, in either direction. -/
def rewriteKind : Kind where
  name := "rw"
  attempt t site rule backward occurrence := match site with
    | .conclusion => rewriteConclusion t rule backward occurrence
    | .hypothesis b => rewriteHypothesis t b rule backward occurrence

end Alchemy
