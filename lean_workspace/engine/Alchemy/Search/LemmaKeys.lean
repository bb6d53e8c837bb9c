import Alchemy.Search.NormalForms
import Alchemy.Search.Classes

/-!
# Keys: what the index compares

`rw` and `apply` succeed by unification, which knows more than equal syntax: reducible
definitions, numerals, instances. A *pattern* is one side of a lemma, normalised and flattened to
tokens; the *forms* of a target are all the terms that each of its subterms may be taken for. A
lemma is a candidate exactly when its pattern matches a form, so a pattern must be no finer than
unification, and the forms no coarser than needed. Source of the choice of keys: `Lean.Meta.DiscrTree`
and `Lean.Meta.LazyDiscrTree`, whose monadic code the embedded Lean does not carry.

Tokens: `*` anything; `?k` anything, the same at each `?k`; `c:N/n` constant `N` on `n` arguments;
`b:i/n` a bound variable; `L/1` a lambda; `P/2` a function type; `S` a sort; `n:5` a numeral; `off`
`?n + k`, `off:1/1` if it also says what is below; `J:S.i/1` a field; `if` a choice by an instance (`apply`); `s:4` a
string of that length; `v:x` a variable of the target; `R:…` the root, as `kabstract`
sees it: the unreduced head and its number of arguments.
-/

open Lean Meta

namespace Alchemy

/-! ## Patterns of a lemma -/

/-- What a part of a pattern stands in. -/
structure Around where
  bound : List FVarId := []
  /-- Variables that stand more than once in the pattern. -/
  again : List MVarId := []
  /-- Does unification unfold definitions (`apply`)? -/
  isUnfolding : Bool := false
  /-- Are Boolean functions that only hand on to another one written as that one? -/
  isUnwrapping : Bool := false

def Around.under (c : Around) (f : FVarId) : Around := { c with bound := f :: c.bound }

/-- A projection whose structure is made at default transparency: the field. -/
def field? (e : Expr) : MetaM (Option Expr) := do
  unless e.isProj do return none
  match ← attempted (atTransparency .default (do return ← whnfCore e)) with
  | some e => return if e.isProj then none else some e
  | none => return none

def projectionToken (s : Name) (i : Nat) : String := "J:" ++ nameText s ++ "." ++ toString i ++ "/1"

/-- Does the field of `?x` fit every term? So it does where it is the only one (`Lean.Meta.isDefEqSingleton`), or where
`?x` becomes known elsewhere. -/
def isOpenField (env : Environment) (s : Name) (x : Expr) (again : List MVarId) : Bool :=
  (headOf x).isMVar && (anyL (fun m => headOf x == .mvar m) again || match constructorOf? env s with
    | some c => c.numFields == 1
    | none => true)

/-- A variable of the pattern, or a field of one. -/
partial def isFieldOfVariable (env : Environment) (e : Expr) : Bool :=
  match e with
  | .mvar _ => true
  | .proj _ _ x => isFieldOfVariable env x
  | .mdata _ x => isFieldOfVariable env x
  | .app _ x => match headOf e with
    | .const c _ => (env.getProjectionFnInfo? c).isSome && isFieldOfVariable env x
    | _ => false
  | _ => false

/-- The function that `e` hands on to, at the end of all that only hand on: `(m : HashMap.Raw α β).contains a` becomes
`m.inner.contains a`, and so on. -/
partial def unwrapped? (e : Expr) (fuel : Nat := 6) : MetaM (Option Expr) := do
  if fuel == 0 then return none
  let unfold : MetaM (Option Expr) := atTransparency .default do
    match ← unfoldDefinition? e with
    | some e' => return some (← whnfCore e')
    | none => return none
  let some (some e') ← attempted unfold | return none
  let .const c _ := headOf e' | return none
  if isChoice c || isConstructor (← getEnv) c then return none
  unless ← handsOn (argsOf e') (← modesOf (headOf e') (count (argsOf e'))) do return none
  match ← unwrapped? e' (fuel - 1) with
  | some e'' => return some e''
  | none => return some e'
where
  handsOn : List Expr → List Mode → MetaM Bool
    | a :: as, .key :: modes => do
      if isFieldOfVariable (← getEnv) a then handsOn as modes else return false
    | _ :: as, modes => handsOn as (dropL modes 1)
    | [], _ => return true

/-- The sides of an equation of Booleans, unwrapped. -/
def unwrapSides : List Expr → MetaM (List Expr)
  | [t, a, b] => do
    unless t.isConstOf ``Bool do return [t, a, b]
    return [t, (← unwrapped? a).getD a, (← unwrapped? b).getD b]
  | as => return as

mutual
/-- The tokens of a pattern before `acc`, the last one first. At the root the head stays as it is. -/
partial def pattern (root : Bool) (around : Around) (e : Expr) (acc : List String) : MetaM (List String) := do
  let e := lastOf (← unfoldings e) e
  if around.isUnfolding then
    if let some field ← field? e then return ← pattern root around field acc
  if !root then
    if let some n ← numeral? e then return ("n:" ++ toString n) :: acc
    if let some (t, k) := offset? e then
      return ← if k ≤ maxOffset then pattern false around t (offsetToken k :: acc) else return "off" :: acc
  let fn := headOf e
  let as := argsOf e
  match fn with
  | .mvar m => return (if e.isMVar then variableToken m else "*") :: acc
  | .const c _ =>
    if !root && (isOpenCast c e || isOpenIdentity (← getEnv) c as) then return "*" :: acc
    let numbers ← if root then pure [] else openRecursion c as around.again
    let acc := if numbers matches [] then acc else openToken numbers :: acc
    if around.isUnfolding && isChoice c then return choiceToken :: acc
    let as ← if around.isUnwrapping && c == ``Eq then unwrapSides as else pure as
    let acc ← patterns around as (← modesOf fn (count as)) (constToken c (count as) :: acc)
    return if numbers matches [] then acc else closeToken :: acc
  | .fvar f =>
    match placeOfVar f around.bound 0 with
    | some i => patterns around as (← modesOf fn (count as)) (boundToken around.bound i (count as) :: acc)
    | none => return "*" :: acc
  | .lam _ t b _ =>
    if isFlex b then return "*" :: acc
    enterBinder t b fun f b => pattern false (around.under f) b ("L/1" :: acc)
  | .forallE _ t b _ =>
    let acc ← pattern false around t ("P/2" :: acc)
    enterBinder t b fun f b => pattern false (around.under f) b acc
  | .proj s i x =>
    if isOpenField (← getEnv) s x around.again then return "*" :: acc
    patterns around (x :: as) [.key] (projectionToken s i :: acc)
  | .sort _ => return "S" :: acc
  | .lit (.strVal s) => return ("s:" ++ toString s.length) :: acc
  | _ => return "*" :: acc
partial def patterns (around : Around) (as : List Expr) (modes : List Mode) (acc : List String) : MetaM (List String) := do
  match as with
  | [] => return acc
  | a :: as =>
    let acc ← (match modes with
      | .anything :: _ => return "*" :: acc
      | .typeOnly :: _ => do
        if ← isType a then atTransparency .default (pattern false around a acc) else return "*" :: acc
      | _ => pattern false around a acc)
    patterns around as (dropL modes 1) acc
end

/-- The metavariables of `e`, each as often as it stands there. -/
partial def occurring (e : Expr) (acc : List MVarId) : List MVarId :=
  if !e.hasExprMVar then acc else
  match e with
  | .mvar m => m :: acc
  | .app f a => occurring a (occurring f acc)
  | .lam _ t b _ | .forallE _ t b _ => occurring b (occurring t acc)
  | .letE _ t v b _ => occurring b (occurring v (occurring t acc))
  | .mdata _ e | .proj _ _ e => occurring e acc
  | _ => acc

/-- The variables of `e`, each as often as it stands there or in the type of another one. -/
def standing (e : Expr) : MetaM (List MVarId) := do
  let mut all := occurring e []
  for m in (← getMVars e).toList do
    all := occurring (← instantiateMVars (← m.getType)) all
  return all

/-- Those that stand more often than the tokens of the pattern show. -/
def hidden (tokens : List String) : List MVarId → List String
  | [] => []
  | m :: ms =>
    let v := variableToken m
    let rest := hidden tokens ms
    if count (keep (· == v) tokens) < count (keep (· == m) (m :: ms)) then v :: rest else rest

/-- The variables that stand more than once in `e`, or in the type of another one as well. -/
def standingAgain (e : Expr) : MetaM (List MVarId) := do return twice (← standing e)
where
  twice : List MVarId → List MVarId
    | [] => []
    | m :: ms => if anyL (· == m) ms then m :: twice ms else twice ms

/-- The metavariables in `todo` and in their types. -/
partial def reach (todo : List MVarId) (acc : List MVarId) : MetaM (List MVarId) := do
  match todo with
  | [] => return acc
  | m :: ms =>
    if anyL (· == m) acc then reach ms acc
    else reach (revOn (← getMVars (← instantiateMVars (← m.getType))).toList ms) (m :: acc)

/-- The variables that a match of `e` determines. An instance with output parameters determines
the variables of its type. -/
def determinedBy (ms : List Expr) (e : Expr) : MetaM (List MVarId) := do
  let mut known ← reach (← getMVars e).toList []
  for m in ms do
    let .mvar m ← instantiateMVars m | continue
    let t ← instantiateMVars (← m.getType)
    let some c ← isClass? t | continue
    if hasOutParams (← getEnv) c then known ← reach (← getMVars t).toList known
  return known

/-- What a match leaves open. -/
structure Open where
  /-- data that nothing determines: the new statement would hold a metavariable -/
  data : Bool := false
  /-- propositions: side conditions, or the antecedents of a lemma -/
  props : Nat := 0

/-- What stays open when `e` is matched; `used` is not counted. -/
def openAfter (ms : List Expr) (e : Expr) (used : Option MVarId := none) : MetaM Open := do
  let known ← determinedBy ms e
  let mut o : Open := {}
  for m in ms do
    let .mvar m ← instantiateMVars m | continue
    if anyL (· == m) known || some m == used then continue
    let t ← m.getType
    if (← isClass? t).isSome then continue
    if ← isProp t then o := { o with props := o.props + 1 } else o := { o with data := true }
  return o

/-- How many metavariables of `e` stand for data. -/
def dataVariables (e : Expr) : MetaM Nat := do
  let data ← choose (fun (m : MVarId) => do
    let t ← instantiateMVars (← m.getType)
    let sort ← whnfR t
    if sort.isSort || (← isClass? t).isSome || (← isProp t) then return none else return some m) (← getMVars e).toList
  return count data

/-- One pattern of a lemma. -/
structure Key where
  kind : String
  /-- `forward` or `backward` -/
  direction : String
  /-- which antecedent, from 1; 0 where there is no choice -/
  occurrence : Nat := 0
  isOpen : Open
  /-- how many variables of the pattern stand for data: no types, instances or proofs -/
  variables : Nat
  /-- `apply` forward: does the rest of the lemma speak of the proof of this antecedent (`xs[i]`, `Fin.cast h`)? -/
  isDependent : Bool := false
  /-- which instances a match needs: class, place of the argument, variable -/
  needs : List (Name × Nat × MVarId) := []
  /-- variables of which one must meet a number -/
  numbers : List (List String) := []
  tokens : List String

/-- A key for each way to read its pattern `e`, given the last token first. -/
def Key.spelled (k : Key) (e : Expr) : MetaM (List Key) := do
  let elsewhere := hidden k.tokens (← standing e)
  return mapL (fun s => { k with tokens := s.tokens, numbers := s.numbers }) (Alchemy.spelled (rev k.tokens) elsewhere)

/-- What a match of `e` needs: the instances that neither `e` nor the types of its variables give. -/
def needsAfter (ms : List Expr) (e : Expr) : MetaM (List (Name × Nat × MVarId)) := do
  let types ← choose (fun m => do return some (← instantiateMVars (← MVarId.getType m))) (← reach (← getMVars e).toList [])
  needsOf ms (e :: types)

/-- The two sides of an equation, of an iff or of a proposition (`p` is `p = True`), with the variables. -/
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

def rewriteKeys (info : ConstantInfo) : MetaM (List Key) := do
  let some (l, r, ms) ← sidesOf info | return []
  let keysOf (e : Expr) (direction : String) : MetaM (Option (List Key)) := do
    if (headOf e).isMVar then return none
    let around : Around := { again := ← standingAgain e }
    let tokens ← atTransparency .reducible (pattern true around e [rootToken e])
    let key : Key := { kind := "rw", direction, isOpen := ← openAfter ms e, variables := ← dataVariables e, needs := ← needsAfter ms e, tokens }
    return some (← key.spelled e)
  return concat (← choose (fun (e, direction) => keysOf e direction) [(l, "forward"), (r, "backward")])

/-- Does the type of a variable of `ms` or the conclusion `q` mention `m`? -/
def isSpokenOf (m : MVarId) (ms : List Expr) (q : Expr) : MetaM Bool := do
  let mentions (e : Expr) : MetaM Bool := do return anyL (· == m) (← getMVars (← instantiateMVars e)).toList
  if ← mentions q then return true
  for x in ms do
    if ← mentions (← inferType x) then return true
  return false

/-- In the tokens of a pattern, the last one first. -/
def hasBooleanEquation : List String → Bool
  | t :: eq :: ts => (t == "c:Bool/0" && eq == "c:Eq/3") || hasBooleanEquation (eq :: ts)
  | _ => false

/-- Keys of `apply`: backward on the conclusion, forward on each antecedent that is no bare variable. A conclusion such as
`motive n` has none: unification assigns a variable that is applied only where its arguments are distinct local variables
(`Lean.Meta.processAssignment`, without its approximations), and those of a rule are not. -/
def applyKeys (info : ConstantInfo) : MetaM (List Key) := do
  let c ← mkConstWithFreshMVarLevels info.name
  let (ms, _, q) ← forallMetaTelescope (← inferType c)
  let ms := ms.toList
  let keysOf (e : Expr) (direction : String) (occurrence : Nat) (used : Option MVarId) : MetaM (List Key) := do
    let around : Around := { again := ← standingAgain e, isUnfolding := true }
    let tokens ← if (headOf e).isMVar then pure ["*"] else atTransparency .instances (pattern false around e [])
    let key : Key := { kind := "apply", direction, occurrence, isOpen := ← openAfter ms e used, variables := ← dataVariables e,
                       needs := ← needsAfter ms e, tokens }
    -- Membership in a map is an equation of Booleans, whose function unification follows through all the maps that wrap another.
    unless hasBooleanEquation tokens do return (← key.spelled e)
    let deeper ← atTransparency .instances (pattern false { around with isUnwrapping := true } e [])
    let keys ← key.spelled e
    if deeper == tokens then return keys
    return append keys (← Key.spelled { key with tokens := deeper } e)
  let mut keys : List Key := []
  unless (headOf q).isMVar && !q.isMVar do keys := ← keysOf q "backward" 0 none
  let mut occurrence := 0
  for m in ms do
    let t ← instantiateMVars (← inferType m)
    if (← isProp t) && (← isClass? t).isNone then
      occurrence := occurrence + 1
      unless (headOf t).isMVar do
        let isDependent ← isSpokenOf m.mvarId! ms q
        keys := append (mapL ({ · with isDependent }) (← keysOf t "forward" occurrence (some m.mvarId!))) keys
  return rev keys

end Alchemy
