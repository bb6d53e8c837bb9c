import Alchemy.Attempts.Kind
import Alchemy.Search.TargetForms
import Lean.Meta.Tactic.Rewrite

/-!
# `rw`: a term is replaced by an equal one

`Lean.MVarId.rewrite` is the definition: the first instance of the pattern decides, and all its occurrences are
replaced. Another instance is reached as a person would: by giving the rule its arguments. What the rule asks for
(`m ≤ n → m + (n - m) = n`) becomes hypotheses of the variant, and what only the rule speaks of (the `z` of
`(x + y * z) % y = x % y`, backward) its variables.
-/

open Lean Meta

namespace Alchemy

/-- A term rewritten, and a proof that both are equal. -/
structure Rewritten where
  new : Expr
  eq : Expr
  /-- What the rule asks for, and the variables that only the rule has, with their names. -/
  news : List (Expr × Name)
  /-- How many of them are asked for. -/
  conditions : Nat
  /-- Did the target's hypotheses meet some of what the rule asks for? -/
  isSettled : Bool
  /-- The rule as `rw` takes it: `← Nat.add_comm a b`. -/
  source : String

/-- A term as source. -/
def termText (e : Expr) : MetaM String := do
  return (← ppExpr (← instantiateMVars e)).pretty 1000000

/-- Source text that stands as one argument. -/
def argumentText (e : Expr) : MetaM String := do
  let text ← termText e
  return if text.any (fun c => c == ' ' || c == '\n') then "(" ++ text ++ ")" else text

/-- An argument by name: `(n := a)`; `none` where a person can't name it. -/
def namedArgument (name : Name) (value : String) : Option String :=
  if name.hasMacroScopes then none else some ("(" ++ nameText name ++ " := " ++ value ++ ")")

/-- What the arguments of a rule are given with: the new variables and their names as source. -/
structure Giving where
  news : List (Expr × Name)
  source : Name → String

/-- How one argument of a rule is given: `some none` where it need not be, `none` where it can't be. Explicit arguments
stand in order, `_` for one that nothing determines; implicit data are given by name. -/
def givenArgument (g : Giving) (value : Expr) (kind : BinderInfo) (name : Name) : MetaM (Option (Option String)) := do
  let new := (newName? value g.news).map g.source
  if kind.isExplicit then
    if let some n := new then return some (some n)
    return some (some (← if value.isMVar then pure "_" else argumentText value))
  if let some n := new then return (namedArgument name n).map some
  if kind.isInstImplicit || value.isMVar then return some none
  if (← isType value) || (← isProof value) then return some none
  return (namedArgument name (← termText value)).map some

/-- The arguments of a rule as source; `none` where one has no name by which it could be given. -/
def givenArguments (g : Giving) : List Expr → List BinderInfo → List Name → MetaM (Option (List String))
  | a :: as, kind :: kinds, name :: names => do
    let some rest ← givenArguments g as kinds names | return none
    let some argument ← givenArgument g (← instantiateMVars a) kind name | return none
    return some (match argument with
      | some s => s :: rest
      | none => rest)
  | _, _, _ => return some []

/-- The subterms of `e` that `kabstract` would take for an instance of the pattern `p`, each once, in its order. -/
def instancesOf (p : Expr) : List Expr → MetaM (List Expr)
  | [] => return []
  | s :: ss => do
    let mctx ← getMCtx
    let fits ← if rootToken s == rootToken p then (try isDefEq s p catch _ => pure false) else pure false
    setMCtx mctx
    let rest ← instancesOf p ss
    return if fits then s :: rest else rest

/-- A rule applied to metavariables. -/
structure Instance where
  term : Expr
  arguments : List Expr
  kinds : List BinderInfo

/-- The rule with its variables fixed by the instance number `occurrence` (from 1) of its pattern in `e`. -/
def ruleAt (e : Expr) (rule : ConstantInfo) (backward : Bool) (occurrence : Nat) : MetaM (Option Instance) := do
  let c ← mkConstWithFreshMVarLevels rule.name
  let (ms, kinds, type) ← forallMetaTelescopeReducing (← inferType c)
  let some (l, r) := (match type.iff? with
    | some sides => some sides
    | none => match type.eq? with
      | some (_, l, r) => some (l, r)
      | none => none) | return none
  let p ← instantiateMVars (if backward then r else l)
  let instances ← atTransparency .instances (instancesOf p (rev (subterms e [])))
  let some s := nth? instances (occurrence - 1) | return none
  unless ← isDefEq s p do return none
  return some { term := ← instantiateMVars (mkAppN c ms), arguments := ms.toList, kinds := kinds.toList }

/-! ## What a rewrite leaves open -/

/-- The goals that a rewrite leaves, if all are propositions or variables that a statement may introduce. -/
def openAfterRewrite (goals : List MVarId) (new : Expr) : MetaM (Option (List Expr)) := do
  let news := mapL Expr.mvar goals
  for m in news do
    let type ← instantiateMVars (← inferType m)
    unless ((← isProp type) || (← isNewVariable type)) && (← isClosedBut news type) do return none
  return if ← isClosedBut news new then some news else none

/-- The arguments of the constant `c` where `e` applies it to `n` of them. -/
partial def argumentsIn (c : Name) (n : Nat) (e : Expr) : Option (List Expr) :=
  if (headOf e).isConstOf c && count (argsOf e) == n then some (argsOf e) else
  match e with
  | .app f a => match argumentsIn c n f with
    | some as => some as
    | none => argumentsIn c n a
  | .mdata _ b | .lam _ _ b _ => argumentsIn c n b
  | _ => none

/-- The new variables of a rule that must be given: not those that follow from the type of another. -/
def mustBeGiven (data : List Expr) : MetaM (List Expr) := do
  let mut follow : List MVarId := []
  for m in data do
    follow := revOn (← getMVars (← instantiateMVars (← inferType m))).toList follow
  return keep (fun m => !anyL (fun f => m == .mvar f) follow) data

/-- The arguments of a rule that are new variables, given by name; `none` where one has none. -/
def newArguments (g : Giving) : List Expr → List Name → Option (List String)
  | a :: as, name :: names => match newArguments g as names with
    | none => none
    | some rest => match newName? a g.news with
      | none => some rest
      | some n => (namedArgument name (g.source n)).map (· :: rest)
  | _, _ => some []

/-- The arguments that `rw` is given: none where it finds the first instance of the pattern and knows all by it. -/
def rewriteArguments (g : Giving) (rule : ConstantInfo) (at? : Option Instance) (proof : Expr) : MetaM (Option (List String)) := do
  let names := binderNames rule.type
  match at?, g.news with
  | some i, _ => givenArguments g i.arguments i.kinds names
  | none, [] => return some []
  | none, _ => match argumentsIn rule.name (count names) (← instantiateMVars proof) with
    | some arguments => return newArguments g arguments names
    | none => return none

/-- `e` rewritten with `rule`. -/
def rewriteTerm (t : Prepared) (e : Expr) (replaced : Option FVarId) (rule : ConstantInfo) (backward : Bool) (occurrence : Nat) : MetaM (Except String Rewritten) := do
  let at? ← if occurrence ≤ 1 then pure none else ruleAt e rule backward occurrence
  if occurrence > 1 && at?.isNone then return .error "no such occurrence"
  let term ← match at? with
    | some i => pure i.term
    | none => mkConstWithFreshMVarLevels rule.name
  let r ← t.goal.rewrite e term backward
  let new ← instantiateMVars r.eNew
  if new == e then return .error "unchanged"
  let some left ← openAfterRewrite r.mvarIds new | return .error "metavariables"
  let settled ← t.settle replaced left
  let news ← nameNews t.usedNames (unsettled settled left)
  let data ← dataOf (mapL (·.1) news)
  let asked ← mustBeGiven data
  let giving : Giving := { news := keep (fun (m, _) => anyL (· == m) asked) news, source := t.source }
  let some arguments ← rewriteArguments giving rule at? r.eqProof | return .error "unnamed argument"
  let source := t.source rule.name ++ spread arguments
  return .ok { new := new.headBeta, eq := r.eqProof, news, conditions := count news - count data,
               isSettled := !(settled matches []), source := if backward then "← " ++ source else source }

/-- `a + b = c` and `Nat.add_comm` give `b + a = c`, proved by
`have h := target a b; rw [Nat.add_comm] at h; exact h`. -/
def rewriteConclusion (t : Prepared) (rule : ConstantInfo) (backward : Bool) (occurrence : Nat) : MetaM Outcome := do
  match ← rewriteTerm t t.conclusion none rule backward occurrence with
  | .error reason => return .useless reason
  | .ok r =>
    let used := append (mapL (·.2) r.news) t.usedNames
    let (names, arguments) := leading t used (plain r.new)
    let h := t.source (freshName (append names used) `h)
    let script (explicitly : Bool) :=
      append ["have " ++ h ++ " := " ++ t.applied explicitly none none,
       "rw [" ++ r.source ++ "] at " ++ h,
       "exact " ++ h ++ spread arguments] (if r.conditions == 0 && !r.isSettled then [] else ["all_goals assumption"])
    return .draft { binders := append t.own r.news, conclusion := r.new, leading := names, proof := ← mkEqMP r.eq t.proof,
                    script := script false, explicitScript := script true, conditions := r.conditions }

/-- `h : 0 < b` and `Nat.pos_iff_ne_zero` give `h : b ≠ 0`, proved by
`exact target a (by rw [Nat.pos_iff_ne_zero]; exact h)`. -/
def rewriteHypothesis (t : Prepared) (b : Binder) (rule : ConstantInfo) (backward : Bool) (occurrence : Nat) : MetaM Outcome := do
  match ← rewriteTerm t b.type (some b.fvar) rule backward occurrence with
  | .error reason => return .useless reason
  | .ok r =>
    let h ← mkFreshExprMVar r.new .synthetic b.name
    let hole := "(by rw [" ++ r.source ++ "]" ++
      (if r.conditions == 0 && !r.isSettled then "; exact " ++ t.source b.name else " <;> assumption") ++ ")"
    let script (explicitly : Bool) := ["exact " ++ t.applied explicitly (some t.conclusion) (some (b.fvar, hole))]
    return .draft { binders := replaceBinder t.own b.fvar (append r.news [(h, b.name)]), conclusion := t.conclusion,
                    proof := t.proofWith b.fvar (← mkEqMPR r.eq h), script := script false, explicitScript := script true,
                    conditions := r.conditions }

def rewriteKind : Kind where
  name := "rw"
  attempt t site rule backward occurrence := match site with
    | .conclusion => rewriteConclusion t rule backward occurrence
    | .hypothesis b => rewriteHypothesis t b rule backward occurrence

end Alchemy
