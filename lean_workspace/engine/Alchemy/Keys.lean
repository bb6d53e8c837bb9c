import Alchemy.Portable

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
`?n + k`; `s:4` a string of that length; `v:x` a variable of the target; `R:…` the root, as `kabstract`
sees it: the unreduced head and its number of arguments.
-/

open Lean Meta

namespace Alchemy

/-! ## Normal forms -/

/-- `n + k` and `Nat.succ n`: they unify with numerals. -/
def isOffset : Expr → Bool
  | .app (.const ``Nat.succ _) _ => true
  | .app (.app (.app (.app (.app (.app (.const ``HAdd.hAdd _) (.const ``Nat _)) _) _) _) _) k => isPositive k
  | .app (.app (.const ``Nat.add _) _) k => isPositive k
  | _ => false
where
  isPositive : Expr → Bool
    | .lit (.natVal n) => n != 0
    | .app (.app (.app (.const ``OfNat.ofNat _) _) (.lit (.natVal n))) _ => n != 0
    | _ => false

def arithmetic : List Name :=
  [``OfNat.ofNat, ``HAdd.hAdd, ``HMul.hMul, ``HPow.hPow, ``HSub.hSub, ``HDiv.hDiv, ``HMod.hMod,
   ``Nat.succ, ``Nat.zero, ``Nat.add, ``Nat.mul, ``Nat.pow, ``Nat.sub]

/-- The value of a closed natural number. -/
def numeral? (e : Expr) : MetaM (Option Nat) := do
  match e with
  | .lit (.natVal n) => return some n
  | _ =>
    let .const c _ := headOf e | return none
    unless anyL (· == c) arithmetic do return none
    if e.hasMVar || e.hasFVar then return none
    let .const ``Nat _ ← inferType e | return none
    value e
where
  value (e : Expr) : MetaM (Option Nat) := (evalNat e).run

/-- What `e` unfolds to at the ambient transparency. `a < b` of numbers always becomes `a + 1 ≤ b`: unification at default
transparency compares them so below any head (`¬a < b` and `¬b ≥ a + 1`), and a coarser pattern misses nothing. -/
def unfolded? (e : Expr) : MetaM (Option Expr) := do
  match ← unfoldDefinition? e, headOf e with
  | none, .const c _ =>
    if anyL (· == c) [``Nat.lt, ``Int.lt] then atTransparency .default (do return ← unfoldDefinition? e) else return none
  | e', _ => return e'

/-- `e` in weak normal form without unfolding, then what it unfolds to. -/
partial def unfoldings (e : Expr) (fuel : Nat := 8) : MetaM (List Expr) := do
  let e ← whnfCore e
  let e := e.consumeMData.eta
  if fuel == 0 then return [e]
  match ← unfolded? e with
  | some e' => return e :: (← unfoldings e' (fuel - 1))
  | none => return [e]

def lastOf : List Expr → Expr → Expr
  | [], e => e
  | x :: xs, _ => lastOf xs x

/-- What a key says about an argument. -/
inductive Mode where
  /-- instances and proofs: unification finds them -/
  | anything
  | key
  /-- implicit: a key where it is a type, compared at default transparency -/
  | typeOnly

def modesOf (fn : Expr) (n : Nat) : MetaM (List Mode) := do
  let info ← getFunInfoNArgs fn n
  return mapL (fun p =>
    if p.binderInfo.isInstImplicit || p.isProp then .anything
    else if p.binderInfo.isExplicit then .key else .typeOnly) info.paramInfo.toList

/-- The place of a bound variable, counted from the inside. -/
def placeOfVar (f : FVarId) : List FVarId → Nat → Option Nat
  | [], _ => none
  | g :: gs, i => if f == g then some i else placeOfVar f gs (i + 1)

/-- `fun x y => ?f y x` fits every function. -/
def isFlex : Expr → Bool
  | .lam _ _ b _ => isFlex b
  | e => (headOf e).isMVar

/-- A cast into an unknown type: its instance may unfold to the identity (`NatCast Nat`). -/
def isOpenCast (c : Name) (e : Expr) : Bool :=
  (c == ``NatCast.natCast || c == ``IntCast.intCast) &&
    match argsOf e with
    | t :: _ => (headOf t).isMVar
    | [] => false

/-- `?k + ?n` at default transparency: when unification meets `?n := 0` elsewhere, it reduces to `?k`, which fits
every number. These functions recurse on their last argument. -/
def isOpenRecursion (c : Name) (as : List Expr) : Bool :=
  anyL (· == c) [``Nat.add, ``Nat.sub, ``Nat.mul, ``Nat.pow] &&
    match rev as with
    | last :: _ => last.hasExprMVar
    | [] => false

def constToken (c : Name) (n : Nat) : String := "c:" ++ nameText c ++ "/" ++ toString n

def boundToken (bound : List FVarId) (i n : Nat) : String :=
  "b:" ++ toString (count bound - i) ++ "/" ++ toString n

/-- The root as `kabstract` compares it: the head as it stands and the number of arguments. -/
def rootToken (e : Expr) : String := "R:" ++ head (headOf e) ++ "/" ++ toString (count (argsOf e))
where
  head : Expr → String
    | .const n _ => "c:" ++ nameText n
    | .fvar _ => "v"
    | .mvar _ => "?"
    | .sort _ => "S"
    | .lam .. => "L"
    | .forallE .. => "P"
    | .lit (.natVal n) => "n:" ++ toString n
    | .lit (.strVal _) => "s"
    | .proj s i _ => "J:" ++ nameText s ++ "." ++ toString i
    | .letE .. => "E"
    | .mdata _ e => head e
    | .app .. | .bvar _ => "#"

/-! ## Patterns of a lemma -/

mutual
/-- The tokens of a pattern before `acc`, the last one first. At the root the head stays as it is. -/
partial def pattern (root : Bool) (bound : List FVarId) (e : Expr) (acc : List String) : MetaM (List String) := do
  let e := lastOf (← unfoldings e) e
  if !root then
    if let some n ← numeral? e then return ("n:" ++ toString n) :: acc
    if isOffset e then return "off" :: acc
  let fn := headOf e
  let as := argsOf e
  match fn with
  | .mvar m => return (if e.isMVar then "?" ++ nameText m.name else "*") :: acc
  | .const c _ =>
    if !root && (isOpenCast c e || isOpenRecursion c as) then return "*" :: acc
    patterns bound as (← modesOf fn (count as)) (constToken c (count as) :: acc)
  | .fvar f =>
    match placeOfVar f bound 0 with
    | some i => patterns bound as (← modesOf fn (count as)) (boundToken bound i (count as) :: acc)
    | none => return "*" :: acc
  | .lam _ t b _ =>
    if isFlex b then return "*" :: acc
    enterBinder t b fun f b => pattern false (f :: bound) b ("L/1" :: acc)
  | .forallE _ t b _ =>
    let acc ← pattern false bound t ("P/2" :: acc)
    enterBinder t b fun f b => pattern false (f :: bound) b acc
  | .sort _ => return "S" :: acc
  | .lit (.strVal s) => return ("s:" ++ toString s.length) :: acc
  | _ => return "*" :: acc
partial def patterns (bound : List FVarId) (as : List Expr) (modes : List Mode) (acc : List String) : MetaM (List String) := do
  match as with
  | [] => return acc
  | a :: as =>
    let acc ← (match modes with
      | .anything :: _ => return "*" :: acc
      | .typeOnly :: _ => do
        if ← isType a then atTransparency .default (pattern false bound a acc) else return "*" :: acc
      | _ => pattern false bound a acc)
    patterns bound as (dropL modes 1) acc
end

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
  tokens : List String

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
  let key (e : Expr) (direction : String) : MetaM (Option Key) := do
    if (headOf e).isMVar then return none
    let tokens ← atTransparency .reducible (pattern true [] e [rootToken e])
    return some { kind := "rw", direction, isOpen := ← openAfter ms e, variables := ← dataVariables e, tokens := rev tokens }
  choose (fun (e, direction) => key e direction) [(l, "forward"), (r, "backward")]

/-- Does the type of a variable of `ms` or the conclusion `q` mention `m`? -/
def isSpokenOf (m : MVarId) (ms : List Expr) (q : Expr) : MetaM Bool := do
  let mentions (e : Expr) : MetaM Bool := do return anyL (· == m) (← getMVars (← instantiateMVars e)).toList
  if ← mentions q then return true
  for x in ms do
    if ← mentions (← inferType x) then return true
  return false

/-- Keys of `apply`: backward on the conclusion, forward on each antecedent that is no bare variable. A conclusion such as
`motive n` has none: unification assigns a variable that is applied only where its arguments are distinct local variables
(`Lean.Meta.processAssignment`, without its approximations), and those of a rule are not. -/
def applyKeys (info : ConstantInfo) : MetaM (List Key) := do
  let c ← mkConstWithFreshMVarLevels info.name
  let (ms, _, q) ← forallMetaTelescope (← inferType c)
  let ms := ms.toList
  let key (e : Expr) (direction : String) (occurrence : Nat) (used : Option MVarId) : MetaM Key := do
    let tokens ← if (headOf e).isMVar then pure ["*"] else atTransparency .instances (pattern false [] e [])
    return { kind := "apply", direction, occurrence, isOpen := ← openAfter ms e used, variables := ← dataVariables e,
             tokens := rev tokens }
  let mut keys : List Key := []
  unless (headOf q).isMVar && !q.isMVar do keys := [← key q "backward" 0 none]
  let mut occurrence := 0
  for m in ms do
    let t ← instantiateMVars (← inferType m)
    if (← isProp t) && (← isClass? t).isNone then
      occurrence := occurrence + 1
      unless (headOf t).isMVar do
        let isDependent ← isSpokenOf m.mvarId! ms q
        keys := { ← key t "forward" occurrence (some m.mvarId!) with isDependent } :: keys
  return rev keys

end Alchemy
