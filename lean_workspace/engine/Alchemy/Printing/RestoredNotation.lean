import Alchemy.Portable.Terms

/-!
# Notation that unification unfolded is restored

Unification takes `n < m` for `n + 1 ≤ m`, and returns `Nat.succ n`, `Nat.le` and the like. Where
neither the target nor the lemma mentions these functions the new statement is written with the
notation instead: `Nat.le (Nat.succ n) m` becomes `n < m`. Both are the same by definition, so the
proof stays as it is; the kernel checks it against the new statement.
-/

open Lean

namespace Alchemy

/-- `t + 1`; of a numeral the next one. -/
def mkSucc (t : Expr) : Expr :=
  match t with
  | .lit (.natVal n) => mkNatLit (n + 1)
  | .app (.app (.app (.const ``OfNat.ofNat _) (.const ``Nat _)) (.lit (.natVal n))) _ =>
    mkNatLit (n + 1)
  | t => mkNatAdd t (mkNatLit 1)

/-- `a < b` in a type with this instance. -/
def mkLess (type inst : Name) (a b : Expr) : Expr :=
  mkApp4 (.const ``LT.lt [.zero]) (.const type []) (.const inst []) a b

/-- `t` for `t + 1`. -/
def predOfSucc? : Expr → Option Expr
  | .app (.app (.app (.app (.app (.app (.const ``HAdd.hAdd _) _) _) _) _) t) one =>
    if one.isAppOfArity ``OfNat.ofNat 3 && (one.appFn!.appArg! matches .lit (.natVal 1)) then some t
    else none
  | _ => none

/-- The notation for a function of two natural numbers: `a + b` for `Nat.add a b`. -/
def notation? (c : Name) (a b : Expr) : Option Expr :=
  match c with
  | ``Nat.add => some (mkNatAdd a b)
  | ``Nat.sub => some (mkNatSub a b)
  | ``Nat.mul => some (mkNatMul a b)
  | ``Nat.le => some (mkNatLE a b)
  | ``Nat.lt => some (mkLess ``Nat `instLTNat a b)
  | _ => none

/-- Restores the notation of a term whose parts have theirs. -/
def restoreHead (isMentioned : Name → Bool) (e : Expr) : Expr :=
  match e with
  | .app (.const ``Nat.succ _) t => if isMentioned ``Nat.succ then e else mkSucc t
  | .app (.app (.const c _) a) b =>
    if isMentioned c then e else lessThan ((notation? c a b).getD e)
  | e => lessThan e
where
  /-- `a < b` for `a + 1 ≤ b`. -/
  lessThan (e : Expr) : Expr :=
    if isMentioned ``HAdd.hAdd then e else
    match e with
    | .app (.app (.app (.app (.const ``LE.le _) (.const type _)) _) a) b =>
      match predOfSucc? a with
      | some a =>
        if type == ``Nat then mkLess type `instLTNat a b
        else if type == ``Int then mkLess type `Int.instLTInt a b
        else e
      | none => e
    | e => e

/-- Restores the notation in a term; functions that `isMentioned` says stay as they are. -/
partial def restoreNotation (isMentioned : Name → Bool) (e : Expr) : Expr :=
  match e with
  | .app f a => restoreHead isMentioned (.app (function f) (restoreNotation isMentioned a))
  | .lam n t b i => .lam n (restoreNotation isMentioned t) (restoreNotation isMentioned b) i
  | .forallE n t b i =>
    .forallE n (restoreNotation isMentioned t) (restoreNotation isMentioned b) i
  | .letE n t v b nondep =>
    .letE n (restoreNotation isMentioned t) (restoreNotation isMentioned v)
      (restoreNotation isMentioned b) nondep
  | .mdata d e => .mdata d (restoreNotation isMentioned e)
  | .proj s i e => .proj s i (restoreNotation isMentioned e)
  | e => e
where
  /-- The function of an application. Its head is left alone until it has all its arguments. -/
  function : Expr → Expr
    | .app f a => .app (function f) (restoreNotation isMentioned a)
    | f => if f.isConst then f else restoreNotation isMentioned f

end Alchemy
