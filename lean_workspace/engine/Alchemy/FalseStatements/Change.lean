import Alchemy.Attempts.Apply
import Alchemy.Search.Kabstract

/-!
# Changed statements, which need not hold

A variant follows from its target. A *changed statement* only looks like it: a lemma is used the
wrong way round, a hypothesis is left out, a numeral is replaced, two variables are exchanged. Some
of these are true all the same; `Counterexample.lean` finds out which are false. A change is a
value: a name and how it is made.

A statement about every universe is changed into one about the smallest. What fails there fails.
-/

open Lean Meta

namespace Alchemy

/-- A closed statement without universe parameters. -/
abbrev ChangedStatement := Expr

/-- How a change is made: it gives the changed statement, or the reason why there is none; an error
of Lean's counts as `refused`. -/
abbrev Making := MetaM (Except String ChangedStatement)

/-! ## Closing -/

/-- The universes of binders such as `α : Sort u`. At level 0 these would be propositions. -/
def sortLevels : Expr → List Name
  | .forallE _ (.sort (.param u)) b _ => u :: sortLevels b
  | .forallE _ _ b _ => sortLevels b
  | _ => []

/-- Sets every universe to 0, and to 1 for `α : Sort u`, so that types are of `Type`. -/
def inLeastUniverse (e : Expr) : Expr :=
  let params := (collectLevelParams {} e).params.toList
  let sorts := sortLevels e
  let level (u : Name) : Level := if sorts.contains u then .succ .zero else .zero
  e.instantiateLevelParams params (L.map level params)

/-- Binds the variables of a changed statement and names them as in a variant. -/
def closeChanged (t : Target) (binders : List (Expr × Name)) (conclusion : Expr) : Making := do
  let xs := (L.map (·.1) binders).toArray
  let type ← instantiateMVars (← mkForallFVars xs conclusion (binderInfoForMVars := .default))
  if type.hasFVar || type.hasMVar then return .error "metavariables"
  let names := L.map (·.2) binders
  let (leadingNames, _) := leading t names (plain conclusion)
  return .ok (inLeastUniverse (renameBinders (plain type) (L.append names leadingNames)))

/-! ## A lemma the wrong way round -/

/-- More antecedents than this, joined by `∧`, do not look like the target any more. -/
def maxConjuncts : Nat := 2

/-- `a < c` and `Nat.lt_of_succ_lt : a.succ < c → a < c` give `a.succ < c`. -/
def strengthenConclusion (t : Target) (rule : ConstantInfo) : Making := do
  let o ← openRule rule
  unless ← isDefEq o.conclusion t.conclusion do throwError "conclusion"
  let some news ← antecedents o | return .error "metavariables"
  let types ← L.filterMapM (fun m => do return some (← instantiateMVars (← inferType m))) news
  let _ ← checked o.term
  if L.length types > maxConjuncts then return .error "side goals"
  match joined types with
  | none => return .error "unchanged"  -- the rule proves the conclusion
  | some new =>
    if new == t.conclusion then return .error "unchanged"
    else closeChanged t t.own new.headBeta
where
  joined : List Expr → Option Expr
    | [] => none
    | [p] => some p
    | p :: ps => match joined ps with
      | some q => some (mkAnd p q)
      | none => some p

/-- `h : a < b` and `Nat.le_of_lt : a < b → a ≤ b` give `h : a ≤ b`. -/
def weakenHypothesis (t : Target) (b : Binder) (rule : ConstantInfo) (occurrence : Nat) :
    Making := do
  let o ← openRule rule
  let some antecedent ← nthAntecedent o occurrence | throwError "antecedent"
  unless ← isDefEq (← inferType antecedent) b.type do throwError "antecedent"
  unless ← isDefEq antecedent (.fvar b.fvar) do throwError "antecedent"
  let some news ← antecedents o | return .error "metavariables"
  unless news matches [] do return .error "side goals"
  let new := (← instantiateMVars o.conclusion).headBeta
  if new.hasExprMVar then return .error "metavariables"
  let _ ← checked o.term
  if new == b.type then return .error "unchanged"
  let h ← mkFreshExprMVar new .synthetic b.name
  closeChanged t (replaceBinder t.own b.fvar [(h, b.name)]) t.conclusion

/-! ## Without a lemma -/

/-- The target without a hypothesis that nothing depends on. -/
def dropHypothesis (t : Target) (b : Binder) : Making :=
  closeChanged t (replaceBinder t.own b.fvar []) t.conclusion

/-- The numeral that is one larger; `none` for a term that is no numeral. -/
def larger? : Expr → Option Expr
  | .app (.app (.app ofNat type) (.lit (.natVal n))) inst =>
    if !ofNat.isConstOf ``OfNat.ofNat then none else
    let next := Expr.lit (.natVal (n + 1))
    let inst := (abstractTerm inst (.lit (.natVal n)) 0).instantiate1 next
    some (mkApp3 ofNat type next inst)
  | _ => none

/-- `e` with numeral number `i`, from 0, one larger. Where there are fewer numerals, the second part
is `i` less their number. -/
partial def enlargeNth (e : Expr) (i : Nat) : Expr × Option Nat :=
  match larger? e with
  | some new => if i == 0 then (new, none) else (e, some (i - 1))
  | none => match e with
    | .app f a =>
      match enlargeNth f i with
      | (f, none) => (.app f a, none)
      | (_, some i) => let (a, left) := enlargeNth a i; (.app f a, left)
    | .lam n t b k => let (b, left) := enlargeNth b i; (.lam n t b k, left)
    | .forallE n t b k => match enlargeNth t i with
      | (t, none) => (.forallE n t b k, none)
      | (_, some i) => let (b, left) := enlargeNth b i; (.forallE n t b k, left)
    | .mdata d b => let (b, left) := enlargeNth b i; (.mdata d b, left)
    | _ => (e, some i)

/-- `n + 1 - 1 = n` gives `n + 2 - 1 = n`: a numeral of the conclusion, from 1, is made larger. -/
def otherNumeral (t : Target) (occurrence : Nat) : Making := do
  let (new, none) := enlargeNth t.conclusion (occurrence - 1) | throwError "no such numeral"
  unless ← isTypeCorrect new do return .error "ill-typed"
  closeChanged t t.own new

/-- The pairs of variables of the same type that stand in the conclusion. -/
def pairsOf (t : Target) : MetaM (List (Binder × Binder)) := do
  let data ← L.filterMapM (fun (b : Binder) => do
    if b.kind.isInstImplicit || !t.conclusion.containsFVar b.fvar || b.type.isSort
        || (← isProp b.type) then return none
    return some b) t.binders
  return go data
where
  go : List Binder → List (Binder × Binder)
    | [] => []
    | b :: bs =>
      let same := L.filter (fun c => c.type == b.type) bs
      L.append (L.map (fun c => (b, c)) same) (go bs)

/-- `a - b = a + -b` gives `a - b = b + -a`: a pair of variables, from 1, is exchanged on the
right-hand side; in the whole conclusion where that has no sides. -/
def exchangeVariables (t : Target) (occurrence : Nat) : Making := do
  let some (b, c) := L.get? (← pairsOf t) (occurrence - 1) | throwError "no such pair"
  let exchanged (e : Expr) : Expr :=
    (e.abstract #[.fvar b.fvar, .fvar c.fvar]).instantiateRev #[.fvar c.fvar, .fvar b.fvar]
  let new := match t.conclusion with
    | .app f r => if isRelation (headOf f) then .app f (exchanged r) else exchanged t.conclusion
    | e => exchanged e
  if new == t.conclusion then return .error "unchanged"
  unless ← isTypeCorrect new do return .error "ill-typed"
  closeChanged t t.own new
where
  isRelation (e : Expr) : Bool := e.isConstOf ``Eq || e.isConstOf ``Iff || e.isConstOf ``HEq

/-! ## The table of changes -/

/-- A kind of change: its name, and how it is made at a site, with a lemma or without, at an
occurrence. -/
structure ChangeKind where
  name : String
  make : Target → Site → Option ConstantInfo → Nat → Making

/-- All kinds of change. -/
def changeKinds : List ChangeKind := [
  { name := "apply", make := fun t site rule occurrence => match site, rule with
      | .conclusion, some rule => strengthenConclusion t rule
      | .hypothesis b, some rule => weakenHypothesis t b rule occurrence
      | _, none => throwError "no rule" },
  { name := "drop", make := fun t site _ _ => match site with
      | .hypothesis b => dropHypothesis t b
      | .conclusion => throwError "no such site" },
  { name := "numeral", make := fun t _ _ occurrence => otherNumeral t occurrence },
  { name := "exchange", make := fun t _ _ occurrence => exchangeVariables t occurrence }]

/-- More places than this are not looked at in one conclusion. -/
def maxPlaces : Nat := 8

/-- The changes of a target that need no lemma: kind, site (as in `siteOf`), and occurrence from 1,
or 0 where there is no choice. -/
def placesOf (t : Target) : MetaM (List (String × Nat × Nat)) := do
  let numerals := match enlargeNth t.conclusion maxPlaces with
    | (_, none) => maxPlaces
    | (_, some left) => maxPlaces - left
  let pairs := Nat.min maxPlaces (L.length (← pairsOf t))
  return L.append (drops t.binders 1) <|
    L.append (L.map (fun i => ("numeral", 0, i)) (L.range' 1 numerals))
      (L.map (fun i => ("exchange", 0, i)) (L.range' 1 pairs))
where
  drops : List Binder → Nat → List (String × Nat × Nat)
    | [], _ => []
    | b :: bs, i => if b.isSite then ("drop", i, 0) :: drops bs (i + 1) else drops bs (i + 1)

end Alchemy
