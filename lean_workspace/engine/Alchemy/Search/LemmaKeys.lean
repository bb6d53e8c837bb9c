import Alchemy.Search.Classes
import Alchemy.Search.Patterns

/-!
# Keys: where a lemma may be used

A *key* is one way to use a lemma, with the pattern that a target must match. A rewriting lemma has
two: `Nat.add_comm : n + m = m + n` can be used forward at `_ + _` and backward at `_ + _`. For
`apply`, `Nat.le_of_lt : n < m → n ≤ m` has a backward key, `_ ≤ _`, for hypotheses to be replaced
by `n < m`, and a forward key, `_ < _`, for conclusions. Beside the pattern a key tells what a match
leaves open: a lemma whose match leaves data open would put a metavariable into the new statement.
-/

open Lean Meta

namespace Alchemy

/-! ## Variables of a lemma -/

/-- Adds the metavariables of `e`, each as often as it stands there. -/
partial def occurrences (e : Expr) (acc : List MVarId) : List MVarId :=
  if !e.hasExprMVar then acc else
  match e with
  | .mvar m => m :: acc
  | .app f a => occurrences a (occurrences f acc)
  | .lam _ t b _ | .forallE _ t b _ => occurrences b (occurrences t acc)
  | .letE _ t v b _ => occurrences b (occurrences v (occurrences t acc))
  | .mdata _ e | .proj _ _ e => occurrences e acc
  | _ => acc

/-- The metavariables of `e`, each as often as it stands there or in the type of another one. -/
def occurrencesWithTypes (e : Expr) : MetaM (List MVarId) := do
  let mut all := occurrences e []
  for m in (← getMVars e).toList do
    all := occurrences (← instantiateMVars (← m.getType)) all
  return all

/-- The tokens of those variables that occur more often than the tokens show. -/
def hiddenVariables (tokens : List String) : List MVarId → List String
  | [] => []
  | m :: ms =>
    let v := variableToken m
    let rest := hiddenVariables tokens ms
    let shown := L.length (L.filter (· == v) tokens)
    if shown < L.length (L.filter (· == m) (m :: ms)) then v :: rest else rest

/-- The variables that stand more than once in `e`, the types of its variables included. -/
def repeatedVariables (e : Expr) : MetaM (List MVarId) := do
  return repeated (← occurrencesWithTypes e)
where
  repeated : List MVarId → List MVarId
    | [] => []
    | m :: ms => if ms.contains m then m :: repeated ms else repeated ms

/-- Adds the metavariables in `todo`, and those in their types. -/
partial def withTypeVariables (todo : List MVarId) (acc : List MVarId) : MetaM (List MVarId) := do
  match todo with
  | [] => return acc
  | m :: ms =>
    if acc.contains m then withTypeVariables ms acc
    else
      let inType := (← getMVars (← instantiateMVars (← m.getType))).toList
      withTypeVariables (L.reverseAux inType ms) (m :: acc)

/-- The variables that a match of `e` determines. An instance of a class with output parameters
determines the variables of its type. -/
def determinedBy (ms : List Expr) (e : Expr) : MetaM (List MVarId) := do
  let mut known ← withTypeVariables (← getMVars e).toList []
  for m in ms do
    let .mvar m ← instantiateMVars m | continue
    let t ← instantiateMVars (← m.getType)
    let some c ← isClass? t | continue
    if hasOutParams (← getEnv) c then known ← withTypeVariables (← getMVars t).toList known
  return known

/-- What a match leaves open. -/
structure LeftOpen where
  /-- Does it leave data open? The new statement would hold a metavariable. -/
  data : Bool := false
  /-- How many propositions: side conditions of `rw`, antecedents of `apply`. -/
  props : Nat := 0

/-- What stays open when `e` is matched. The variable `used`, an antecedent that the target proves,
is not counted. -/
def leftOpenAfter (ms : List Expr) (e : Expr) (used : Option MVarId := none) : MetaM LeftOpen := do
  let known ← determinedBy ms e
  let mut o : LeftOpen := {}
  for m in ms do
    let .mvar m ← instantiateMVars m | continue
    if known.contains m || some m == used then continue
    let t ← m.getType
    if (← isClass? t).isSome then continue
    if ← isProp t then o := { o with props := o.props + 1 } else o := { o with data := true }
  return o

/-- How many variables of `e` stand for data, and not for types, instances or proofs. -/
def dataVariables (e : Expr) : MetaM Nat := do
  let data ← L.filterMapM (fun (m : MVarId) => do
    let t ← instantiateMVars (← m.getType)
    let sort ← whnfR t
    if sort.isSort || (← isClass? t).isSome || (← isProp t) then return none else return some m)
    (← getMVars e).toList
  return L.length data

/-! ## Keys -/

/-- One way to use a lemma, and one pattern for it. -/
structure Key where
  /-- `rw` or `apply`. -/
  kind : String
  /-- `forward` or `backward`. -/
  direction : String
  /-- Which antecedent, from 1; 0 where there is no choice. -/
  occurrence : Nat := 0
  isOpen : LeftOpen
  /-- How many variables of the pattern stand for data. -/
  variables : Nat
  /-- `apply` forward: does the rest of the lemma mention the proof of this antecedent, as `xs[i]`
  and `Fin.cast h` do? -/
  isDependent : Bool := false
  /-- The instances that a match needs: class, index of the argument, variable that stands there. -/
  needs : List (Name × Nat × MVarId) := []
  /-- Of each of these lists of variables one must meet a number (`Spellings.lean`). -/
  numbers : List (List String) := []
  tokens : List String

/-- A key for each spelling of its pattern. `k` has the tokens of `e`, the last one first. -/
def Key.spelledOut (k : Key) (e : Expr) : MetaM (List Key) := do
  let elsewhere := hiddenVariables k.tokens (← occurrencesWithTypes e)
  let spellings := spelled (L.reverse k.tokens) elsewhere
  return L.map (fun s => { k with tokens := s.tokens, numbers := s.numbers }) spellings

/-- The instances that a match of `e` needs, apart from those that stand in `e` or in the types of
its variables. -/
def needsAfter (ms : List Expr) (e : Expr) : MetaM (List (Name × Nat × MVarId)) := do
  let types ← L.filterMapM (fun m => do return some (← instantiateMVars (← MVarId.getType m)))
    (← withTypeVariables (← getMVars e).toList [])
  needsOf ms (e :: types)

/-- The two sides of an equation, an iff or a proposition (`p` is `p = True`), with the variables of
the lemma. -/
def sidesOf (info : ConstantInfo) : MetaM (Option (Expr × Expr × List Expr)) := do
  let c ← mkConstWithFreshMVarLevels info.name
  let (ms, _, t) ← forallMetaTelescopeReducing (← instantiateMVars (← inferType c))
  let ms := ms.toList
  match t.iff? with
  | some (l, r) => return some (l, r, ms)
  | none => match t.heq? with
    | some (a, l, b, r) =>
      unless ← isDefEq a b do return none
      return some (← instantiateMVars l, ← instantiateMVars r, ms)
    | none => match ← matchEq? t with
      | some (_, l, r) => return some (l, r, ms)
      | none => return none

/-- The keys of `rw`: the left-hand side forward, the right-hand side backward. A side that is a
bare variable has none. -/
def rewriteKeys (info : ConstantInfo) : MetaM (List Key) := do
  let some (l, r, ms) ← sidesOf info | return []
  let keysOf (e : Expr) (direction : String) : MetaM (Option (List Key)) := do
    if (headOf e).isMVar then return none
    let around : PatternContext := { again := ← repeatedVariables e }
    let tokens ← M.withTransparency .reducible (pattern true around e [rootToken e])
    let key : Key := {
      kind := "rw", direction, isOpen := ← leftOpenAfter ms e, variables := ← dataVariables e
      needs := ← needsAfter ms e, tokens }
    return some (← key.spelledOut e)
  let keys ← L.filterMapM (fun (e, direction) => keysOf e direction)
    [(l, "forward"), (r, "backward")]
  return L.flatten keys

/-- Does the type of a variable of `ms`, or the conclusion `q`, mention `m`? -/
def isMentionedIn (m : MVarId) (ms : List Expr) (q : Expr) : MetaM Bool := do
  let mentions (e : Expr) : MetaM Bool := do
    return (← getMVars (← instantiateMVars e)).toList.contains m
  if ← mentions q then return true
  for x in ms do
    if ← mentions (← inferType x) then return true
  return false

/-- Does an equation of Booleans stand in the pattern? The tokens come with the last one first. -/
def hasBooleanEquation : List String → Bool
  | t :: eq :: ts => (t == "c:Bool/0" && eq == "c:Eq/3") || hasBooleanEquation (eq :: ts)
  | _ => false

/-- The keys of `apply`: backward the conclusion, forward each antecedent that is no bare variable.
A conclusion such as `motive n` has none: unification assigns an applied variable only where its
arguments are distinct local variables (`Lean.Meta.processAssignment`, without its approximations),
and those of a lemma are not. -/
def applyKeys (info : ConstantInfo) : MetaM (List Key) := do
  let c ← mkConstWithFreshMVarLevels info.name
  let (ms, _, q) ← forallMetaTelescope (← inferType c)
  let ms := ms.toList
  let keysOf (e : Expr) (direction : String) (occurrence : Nat) (used : Option MVarId) :
      MetaM (List Key) := do
    let around : PatternContext := { again := ← repeatedVariables e, isUnfolding := true }
    let tokens ← if (headOf e).isMVar then pure ["*"]
      else M.withTransparency .instances (pattern false around e [])
    let key : Key := {
      kind := "apply", direction, occurrence, isOpen := ← leftOpenAfter ms e used
      variables := ← dataVariables e, needs := ← needsAfter ms e, tokens }
    -- Membership in a map is an equation of Booleans: unification unfolds its function through
    -- all the maps that wrap another.
    unless hasBooleanEquation tokens do return (← key.spelledOut e)
    let unwrapping := { around with isUnwrapping := true }
    let deeper ← M.withTransparency .instances (pattern false unwrapping e [])
    let keys ← key.spelledOut e
    if deeper == tokens then return keys
    return L.append keys (← Key.spelledOut { key with tokens := deeper } e)
  let mut keys : List Key := []
  unless (headOf q).isMVar && !q.isMVar do keys := ← keysOf q "backward" 0 none
  let mut occurrence := 0
  for m in ms do
    let t ← instantiateMVars (← inferType m)
    if (← isProp t) && (← isClass? t).isNone then
      occurrence := occurrence + 1
      unless (headOf t).isMVar do
        let isDependent ← isMentionedIn m.mvarId! ms q
        let found ← keysOf t "forward" occurrence (some m.mvarId!)
        keys := L.append (L.map ({ · with isDependent }) found) keys
  return L.reverse keys

end Alchemy
