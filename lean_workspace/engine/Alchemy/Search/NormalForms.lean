import Alchemy.Portable.Monads
import Alchemy.Portable.Terms

/-!
# Normal forms: terms that unification takes for each other

`rw` and `apply` compare terms by unification, which sees more than equal syntax: it unfolds
definitions, and it takes `5` for `?n + 1` and `Nat.succ t` for `t + 1`. The functions here say what
else a term may be taken for. Both halves of the index use them: the patterns of lemmas
(`Patterns.lean`) and the forms of targets (`TargetForms.lean`).
-/

open Lean Meta

namespace Alchemy

/-! ## Natural numbers -/

/-- `(t, k)` for `t + k` and `Nat.succ t`, which unify with numerals. `(t + 1) + 2` is `(t, 3)`. -/
partial def offset? (e : Expr) : Option (Expr × Nat) :=
  match e with
  | .app (.const ``Nat.succ _) t => above t 1
  | .app (.app (.app (.app (.app (.app (.const ``HAdd.hAdd _) (.const ``Nat _)) _) _) _) t) k =>
    above t (literal k)
  | .app (.app (.const ``Nat.add _) t) k => above t (literal k)
  | _ => none
where
  above (t : Expr) (k : Nat) : Option (Expr × Nat) :=
    if k == 0 then none
    else match offset? t with
      | some (t, j) => some (t, j + k)
      | none => some (t, k)
  literal : Expr → Nat
    | .lit (.natVal n) => n
    | .app (.app (.app (.const ``OfNat.ofNat _) _) (.lit (.natVal n))) _ => n
    | _ => 0

/-- Heads of terms that may be a closed number: `2 ^ 8`, `Nat.succ 3`. -/
def arithmetic : List Name :=
  [``OfNat.ofNat, ``HAdd.hAdd, ``HMul.hMul, ``HPow.hPow, ``HSub.hSub, ``HDiv.hDiv, ``HMod.hMod,
   ``Nat.succ, ``Nat.zero, ``Nat.add, ``Nat.mul, ``Nat.pow, ``Nat.sub]

/-- The value of a closed natural number: `some 256` for `2 ^ 8`. -/
def numeral? (e : Expr) : MetaM (Option Nat) := do
  match e with
  | .lit (.natVal n) => return some n
  | _ =>
    let .const c _ := headOf e | return none
    unless arithmetic.contains c do return none
    if e.hasMVar || e.hasFVar then return none
    let .const ``Nat _ ← inferType e | return none
    value e
where
  value (e : Expr) : MetaM (Option Nat) := (evalNat e).run

/-! ## Unfolding -/

/-- Is it `if`, `dite` or `decide`? All three choose by an instance of `Decidable`, and unification
takes one for another. -/
def isChoice (c : Name) : Bool := [``ite, ``dite, ``Decidable.decide, `toBoolUsing].contains c

/-- What `e` unfolds to at the ambient transparency. Two heads are special. `a < b` of numbers
always becomes `a + 1 ≤ b`: below any head unification compares them so (`¬a < b` with
`¬b ≥ a + 1`), and a coarser pattern misses nothing. A choice (`isChoice`) is not unfolded: it has a
token of its own. -/
def unfolded? (e : Expr) : MetaM (Option Expr) := do
  if let .const c _ := headOf e then
    if isChoice c then return none
  match ← unfoldDefinition? e, headOf e with
  | none, .const c _ =>
    if [``Nat.lt, ``Int.lt].contains c then
      M.withTransparency .default (do return ← unfoldDefinition? e)
    else return none
  | e', _ => return e'

/-- `e` in weak head normal form, then what that unfolds to, and so on, at most `fuel` times. -/
partial def unfoldings (e : Expr) (fuel : Nat := 12) : MetaM (List Expr) := do
  let some e ← M.observing? (do return ← whnfCore e) | return [e]
  let e := e.consumeMData.eta
  if fuel == 0 then return [e]
  match ← M.observing? (do return ← unfolded? e) with
  | some (some e') => return e :: (← unfoldings e' (fuel - 1))
  | _ => return [e]

/-! ## Arguments -/

/-- What the index compares of an argument. -/
inductive Mode where
  /-- Nothing, for instances and proofs: unification finds them. -/
  | anything
  /-- The argument itself. -/
  | key
  /-- Of an implicit argument only a type, at default transparency. -/
  | typeOnly

/-- The modes of the first `n` arguments of a function. -/
def modesOf (fn : Expr) (n : Nat) : MetaM (List Mode) := do
  let info ← getFunInfoNArgs fn n
  return L.map (fun p =>
    if p.binderInfo.isInstImplicit || p.isProp then .anything
    else if p.binderInfo.isExplicit then .key else .typeOnly) info.paramInfo.toList

/-! ## Patterns that fit more than they show -/

/-- Does it fit every function? `fun x y => ?f y x` does. -/
def isFlex : Expr → Bool
  | .lam _ _ b _ => isFlex b
  | e => (headOf e).isMVar

/-- Is it a cast into an unknown type? The instance may unfold to the identity (`NatCast Nat`), so
it fits every number. -/
def isOpenCast (c : Name) (e : Expr) : Bool :=
  (c == ``NatCast.natCast || c == ``IntCast.intCast) &&
    match argsOf e with
    | t :: _ => (headOf t).isMVar
    | [] => false

/-- The variables of `again` that may make the application of `c` reduce at default transparency.
`?k + ?n` becomes `?k`, which fits every number, once unification has assigned `?n := 0` elsewhere:
these functions recurse on their last argument. Where none is returned the term stays as it is. -/
def openRecursion (c : Name) (as : List Expr) (again : List MVarId) : MetaM (List MVarId) := do
  unless [``Nat.add, ``Nat.sub, ``Nat.mul, ``Nat.pow].contains c do return []
  match L.reverse as with
  | last :: _ =>
    if !isNumber (headOf last) then return []
    return L.filter (fun m => again.contains m) (← getMVars last).toList
  | [] => return []
where
  /-- Can a term with this head become a number when its variables are known? -/
  isNumber : Expr → Bool
    | .mvar _ => true
    | .const c _ => arithmetic.contains c
    | _ => false

/-- Is `c` a definition such as `Id.run`, which only returns one of its arguments, and is that
argument a variable? At default transparency such a term fits everything. -/
def isOpenIdentity (env : Environment) (c : Name) (as : List Expr) : Bool :=
  match env.find? c with
  | some (.defnInfo i) => match returned i.value 0 with
    | some place => match L.get? as place with
      | some a => a.isMVar
      | none => false
    | none => false
  | _ => false
where
  /-- Which argument the function returns, under the `n` binders so far. -/
  returned : Expr → Nat → Option Nat
    | .lam _ _ b _, n => returned b (n + 1)
    | .bvar i, n => some (n - 1 - i)
    | _, _ => none

end Alchemy
