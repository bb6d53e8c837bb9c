import Alchemy.Search.NormalForms
import Alchemy.Search.Spellings

/-!
# Patterns: one side of a lemma as tokens

`rw` and `apply` succeed by unification, which sees more than equal syntax: reducible definitions,
numerals, instances. A lemma is a candidate for a subterm exactly when its pattern matches one of
the subterm's forms (`TargetForms.lean`). So a pattern must never be finer than unification, or
lemmas would be missed, and it should be no coarser than needed, or many attempts would fail.

The term is brought into normal form, node by node, and written as tokens (`Tokens.lean`). Instances
and proofs become `*`, and so does what unification may take for anything at all. The choice of keys
follows `Lean.Meta.DiscrTree` and `Lean.Meta.LazyDiscrTree`, whose monadic code the embedded Lean
does not have.
-/

open Lean Meta

namespace Alchemy

/-- What a part of a pattern stands in. -/
structure PatternContext where
  /-- The variables of the binders around it, the innermost first. -/
  bound : List FVarId := []
  /-- Variables that stand more than once in the pattern. -/
  again : List MVarId := []
  /-- Does unification unfold definitions? It does for `apply`. -/
  isUnfolding : Bool := false
  /-- Is a Boolean function that only passes its arguments on written as the one that it calls? -/
  isUnwrapping : Bool := false

/-- Under one more binder. -/
def PatternContext.under (c : PatternContext) (f : FVarId) : PatternContext :=
  { c with bound := f :: c.bound }

/-! ## Projections -/

/-- `e.1`, where `e` unfolds to a constructor at default transparency: the field. -/
def fieldOf? (e : Expr) : MetaM (Option Expr) := do
  unless e.isProj do return none
  match ← M.observing? (M.withTransparency .default (do return ← whnfCore e)) with
  | some e => return if e.isProj then none else some e
  | none => return none

/-- Does a field of `x`, which is a variable of the pattern, fit every term? It does where it is the
structure's only field (`Lean.Meta.isDefEqSingleton`), or where `x` becomes known elsewhere. -/
def isOpenField (env : Environment) (s : Name) (x : Expr) (again : List MVarId) : Bool :=
  let isOnlyField := match constructorOf? env s with
    | some c => c.numFields == 1
    | none => true
  (headOf x).isMVar && (L.any again (fun m => headOf x == .mvar m) || isOnlyField)

/-- Is it a variable of the pattern, or a field of one? -/
partial def isFieldOfVariable (env : Environment) (e : Expr) : Bool :=
  match e with
  | .mvar _ => true
  | .proj _ _ x => isFieldOfVariable env x
  | .mdata _ x => isFieldOfVariable env x
  | .app _ x => match headOf e with
    | .const c _ => (env.getProjectionFnInfo? c).isSome && isFieldOfVariable env x
    | _ => false
  | _ => false

/-! ## Functions that only call another -/

/-- The last function that `e` calls, where all of them only pass fields of their arguments on:
`(m : HashMap.Raw α β).contains a` becomes `m.inner.contains a`, and so on. -/
partial def unwrapped? (e : Expr) (fuel : Nat := 6) : MetaM (Option Expr) := do
  if fuel == 0 then return none
  let unfold : MetaM (Option Expr) := M.withTransparency .default do
    match ← unfoldDefinition? e with
    | some e' => return some (← whnfCore e')
    | none => return none
  let some (some e') ← M.observing? unfold | return none
  let .const c _ := headOf e' | return none
  if isChoice c || isConstructor (← getEnv) c then return none
  unless ← passesOn (argsOf e') (← modesOf (headOf e') (L.length (argsOf e'))) do return none
  match ← unwrapped? e' (fuel - 1) with
  | some e'' => return some e''
  | none => return some e'
where
  passesOn : List Expr → List Mode → MetaM Bool
    | a :: as, .key :: modes => do
      if isFieldOfVariable (← getEnv) a then passesOn as modes else return false
    | _ :: as, modes => passesOn as (L.drop 1 modes)
    | [], _ => return true

/-- The arguments of `=`; in an equation of Booleans both sides are unwrapped. -/
def unwrapSides : List Expr → MetaM (List Expr)
  | [t, a, b] => do
    unless t.isConstOf ``Bool do return [t, a, b]
    return [t, (← unwrapped? a).getD a, (← unwrapped? b).getD b]
  | as => return as

/-! ## The tokens -/

mutual
/-- Adds the tokens of `e` to `acc`, which holds the last token first. At the root the head stays as
it is, as `kabstract` compares it. -/
partial def pattern (root : Bool) (around : PatternContext) (e : Expr) (acc : List String) :
    MetaM (List String) := do
  let e := (L.getLast? (← unfoldings e)).getD e
  if around.isUnfolding then
    if let some field ← fieldOf? e then return ← pattern root around field acc
  if !root then
    if let some n ← numeral? e then return ("n:" ++ toString n) :: acc
    if let some (t, k) := offset? e then
      return ← if k ≤ maxOffset then pattern false around t (offsetToken k :: acc)
        else return "off" :: acc
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
    let modes ← modesOf fn (L.length as)
    let acc ← patterns around as modes (constToken c (L.length as) :: acc)
    return if numbers matches [] then acc else closeToken :: acc
  | .fvar f =>
    match placeOfVar f around.bound 0 with
    | some i =>
      let modes ← modesOf fn (L.length as)
      patterns around as modes (boundToken around.bound i (L.length as) :: acc)
    | none => return "*" :: acc
  | .lam _ t b _ =>
    if isFlex b then return "*" :: acc
    M.withBinder t b fun f b => pattern false (around.under f) b ("L/1" :: acc)
  | .forallE _ t b _ =>
    let acc ← pattern false around t ("P/2" :: acc)
    M.withBinder t b fun f b => pattern false (around.under f) b acc
  | .proj s i x =>
    if isOpenField (← getEnv) s x around.again then return "*" :: acc
    patterns around (x :: as) [.key] (projectionToken s i :: acc)
  | .sort _ => return "S" :: acc
  | .lit (.strVal s) => return ("s:" ++ toString s.length) :: acc
  | _ => return "*" :: acc
/-- Adds the tokens of arguments. -/
partial def patterns (around : PatternContext) (as : List Expr) (modes : List Mode)
    (acc : List String) : MetaM (List String) := do
  match as with
  | [] => return acc
  | a :: as =>
    let acc ← (match modes with
      | .anything :: _ => return "*" :: acc
      | .typeOnly :: _ => do
        if ← isType a then M.withTransparency .default (pattern false around a acc)
        else return "*" :: acc
      | _ => pattern false around a acc)
    patterns around as (L.drop 1 modes) acc
end

end Alchemy
