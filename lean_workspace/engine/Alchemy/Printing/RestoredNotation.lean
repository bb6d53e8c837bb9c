import Alchemy.Portable

/-!
# What unification unfolded, written as a reader would

Unification takes `n < m` for `n + 1 ≤ m`, and hands on `Nat.succ n`, `Nat.le` and their like. Where neither the target
nor the lemma speaks of these, the statement says it with the notation instead. Both are the same by definition, so the
proof stays as it is; the kernel checks it against the statement.
-/

open Lean

namespace Alchemy

def mkSucc (t : Expr) : Expr :=
  match t with
  | .lit (.natVal n) => mkNatLit (n + 1)
  | .app (.app (.app (.const ``OfNat.ofNat _) (.const ``Nat _)) (.lit (.natVal n))) _ => mkNatLit (n + 1)
  | t => mkNatAdd t (mkNatLit 1)

def mkLess (type inst : Name) (a b : Expr) : Expr :=
  mkApp4 (.const ``LT.lt [.zero]) (.const type []) (.const inst []) a b

/-- `t` of `t + 1`. -/
def beforeSucc? : Expr → Option Expr
  | .app (.app (.app (.app (.app (.app (.const ``HAdd.hAdd _) _) _) _) _) t) one =>
    if one.isAppOfArity ``OfNat.ofNat 3 && (one.appFn!.appArg! matches .lit (.natVal 1)) then some t else none
  | _ => none

/-- The functions behind a notation of two arguments. -/
def notation? (c : Name) (a b : Expr) : Option Expr :=
  match c with
  | ``Nat.add => some (mkNatAdd a b)
  | ``Nat.sub => some (mkNatSub a b)
  | ``Nat.mul => some (mkNatMul a b)
  | ``Nat.le => some (mkNatLE a b)
  | ``Nat.lt => some (mkLess ``Nat `instLTNat a b)
  | _ => none

/-- The term itself, once its parts are tidy. -/
def tidyHead (isSpokenOf : Name → Bool) (e : Expr) : Expr :=
  match e with
  | .app (.const ``Nat.succ _) t => if isSpokenOf ``Nat.succ then e else mkSucc t
  | .app (.app (.const c _) a) b => if isSpokenOf c then e else lessThan ((notation? c a b).getD e)
  | e => lessThan e
where
  lessThan (e : Expr) : Expr :=
    if isSpokenOf ``HAdd.hAdd then e else
    match e with
    | .app (.app (.app (.app (.const ``LE.le _) (.const type _)) _) a) b =>
      match beforeSucc? a with
      | some a => if type == ``Nat then mkLess type `instLTNat a b else if type == ``Int then mkLess type `Int.instLTInt a b else e
      | none => e
    | e => e

partial def tidy (isSpokenOf : Name → Bool) (e : Expr) : Expr :=
  match e with
  | .app f a => tidyHead isSpokenOf (.app (function f) (tidy isSpokenOf a))
  | .lam n t b i => .lam n (tidy isSpokenOf t) (tidy isSpokenOf b) i
  | .forallE n t b i => .forallE n (tidy isSpokenOf t) (tidy isSpokenOf b) i
  | .letE n t v b nondep => .letE n (tidy isSpokenOf t) (tidy isSpokenOf v) (tidy isSpokenOf b) nondep
  | .mdata d e => .mdata d (tidy isSpokenOf e)
  | .proj s i e => .proj s i (tidy isSpokenOf e)
  | e => e
where
  /-- The head of an application, which is not looked at before it has all its arguments. -/
  function : Expr → Expr
    | .app f a => .app (function f) (tidy isSpokenOf a)
    | f => if f.isConst then f else tidy isSpokenOf f

end Alchemy
