import Alchemy.Printing.FirstDifference

/-!
# What Lean writes and does not read

A mark costs a text that is printed and read once more, a failure that costs more than a success. Some marks can be told from the
term: they are made from the start.
-/

open Lean

namespace Alchemy

/-! ## The type of a function -/

/-- Does the type of parameter number `i` speak of parameter number `v`? -/
def Parameter.speaksOf (p : Parameter) (i v : Nat) : Bool := v < i && p.type.hasLooseBVar (i - 1 - v)

/-- Does one of the explicit parameters, the first of which is number `i`, speak of number `v`? -/
def isGivenBy (v : Nat) : List Parameter → Nat → Bool
  | [], _ => false
  | p :: ps, i => (p.kind.isExplicit && p.speaksOf i v) || isGivenBy v ps (i + 1)

/-- Is parameter number `v` what the instance of a class gives (`γ` in `HAdd α β γ`)? -/
def isOutput (env : Environment) (v : Nat) : List Parameter → Nat → Bool
  | [], _ => false
  | p :: ps, i => (v < i && p.kind.isInstImplicit && isIn p.type (i - 1 - v)) || isOutput env v ps (i + 1)
where
  isIn (type : Expr) (x : Nat) : Bool := match headOf type with
    | .const c _ => match getOutParamPositions? env c with
      | some positions => anyL (fun k => nth? (argsOf type) k == some (.bvar x)) positions.toList
      | none => false
    | _ => false

def parametersOf (env : Environment) (n : Name) : List Parameter :=
  match env.find? n with
  | some info => (signatureOf info.type).1
  | none => []

/-! ## Methods

`(↑n).lcm k`, `∅.size`, `(pure x).run`: before Lean finds out which function a method is it must know the type of what stands before
the dot, and that does not tell it. -/

/-- Functions that are written `↑x`. Stands in for `getCoeFnInfo?`, which the embedded Lean has no code for. -/
def coercions : List Name := [``Nat.cast, ``Int.cast, ``Fin.val]

mutual
/-- Does `e`, written where nothing is known of its type, say that it is of the type `s`? A numeral is a natural number. -/
partial def tellsType (env : Environment) (s : Name) (e : Expr) : Bool :=
  match e with
  | .mdata _ e => tellsType env s e
  | .lam _ _ b _ => tellsType env s b
  | .lit (.natVal _) => s == ``Nat
  | .lit (.strVal _) => s == ``String
  | _ => match headOf e with
    | .const n _ =>
      if anyL (· == n) coercions then false
      else if n == ``OfNat.ofNat then s == ``Nat
      else if n == ``Neg.neg && s == ``Int then anyTells env ``Nat (fun _ _ => true) (parametersOf env n) (argsOf e) 0  -- `-1`
      else match env.find? n with
        | none => true
        | some info =>
          let (parameters, result) := signatureOf info.type
          let as := argsOf e
          match headOf result with
          | .bvar k =>
            if count parameters != count as then true
            else if n == ``HPow.hPow then tellsFirst env s parameters as
            else
              let v := count as - 1 - k
              let isOutput := isOutput env v parameters 0
              anyTells env s (fun p i => isOutput || p.speaksOf i v) parameters as 0
          | _ => true
    | _ => true
/-- Does an explicit argument tell it whose parameter is of the sort? -/
partial def anyTells (env : Environment) (s : Name) (isOfSort : Parameter → Nat → Bool) (ps : List Parameter) (as : List Expr) (i : Nat) : Bool :=
  match ps, as with
  | p :: ps, a :: as => (p.kind.isExplicit && isOfSort p i && tellsType env s a) || anyTells env s isOfSort ps as (i + 1)
  | _, _ => false
/-- Does the first explicit argument tell it? -/
partial def tellsFirst (env : Environment) (s : Name) (ps : List Parameter) (as : List Expr) : Bool :=
  match ps, as with
  | p :: ps, a :: as => if p.kind.isExplicit then tellsType env s a else tellsFirst env s ps as
  | _, _ => true
end

/-- What stands before the dot of a method: the first explicit argument of the type that the function is named after. -/
def objectOf (s : Name) : List Parameter → List Expr → Option Expr
  | p :: ps, a :: as => if p.kind.isExplicit && (headOf p.type).isConstOf s then some a else objectOf s ps as
  | _, _ => none

/-- Of a numeral Lean writes no method. -/
def isMethodOfUntold (env : Environment) (n : Name) (parameters : List Parameter) (as : List Expr) : Bool :=
  let s := n.getPrefix
  match s, objectOf s parameters as with
  | .anonymous, _ | _, none => false
  | _, some object => !(headOf object).isConstOf ``OfNat.ofNat && !tellsType env s object

/-! ## Accesses

`m[k]` asks Lean to find a proof that `k` is in `m`. Where that is a hypothesis it finds it; nothing else proves a membership, and
finding that out takes longer than all the rest of a text. So such a proof is written: `m[k]'h`. -/

/-- Is this what an access to a map asks for, `fun m k => k ∈ m`? -/
def isMembership : Expr → Bool
  | .lam _ _ b _ => isMembership b
  | e => (headOf e).isConstOf ``Membership.mem

/-- Is this an access whose proof is a membership and no hypothesis? -/
def isProvedAccess : List Expr → Bool
  | [_, _, _, valid, _, _, _, proof] => isMembership valid && !proof.isBVar
  | _ => false

/-! ## Variables of `∃`

The type of `i` in `∃ i, xs[i]? = some a` follows from nothing. -/

mutual
/-- Is the first thing that a text of `e` says of the variable `v` that it is an index? `none` where it says nothing. -/
partial def isFirstAnIndex? (env : Environment) (e : Expr) (v : Nat) : Option Bool :=
  if !e.hasLooseBVar v then none else
  match e with
  | .mdata _ e => isFirstAnIndex? env e v
  | .forallE _ t b _ => match isFirstAnIndex? env t v with
    | none => isFirstAnIndex? env b (v + 1)
    | found => found
  | .lam _ _ b _ => isFirstAnIndex? env b (v + 1)
  | .app .. =>
    let as := argsOf e
    let isAccess := match headOf e with
      | .const n _ => anyL (· == n) [``GetElem.getElem, ``GetElem?.getElem?, ``GetElem?.getElem!]
      | _ => false
    match isAccess, as with
    | true, _ :: _ :: _ :: _ :: _ :: xs :: i :: _ => if xs.hasLooseBVar v then isFirstAnIndex? env xs v else some (i == .bvar v)
    | _, _ => isFirstOfAll? env as (headKinds env (headOf e)) v
  | _ => some false
partial def isFirstOfAll? (env : Environment) (as : List Expr) (kinds : List BinderInfo) (v : Nat) : Option Bool :=
  match as with
  | [] => none
  | a :: as =>
    match if isNextExplicit kinds then isFirstAnIndex? env a v else none with
    | none => isFirstOfAll? env as (dropL kinds 1) v
    | found => found
end

def isOfIndex (env : Environment) : Expr → Bool
  | .lam _ _ b _ => isFirstAnIndex? env b 0 == some true
  | _ => false

/-! ## Types with an argument that nothing gives

`Std.Iter β` has one more, `α`, that only the values of the type know. -/

def isUngiven (env : Environment) (type : Expr) : Bool :=
  match headOf type with
  | .const n _ => match env.find? n with
    | some info =>
      let (parameters, result) := signatureOf info.type
      result.isSort && !result.isProp && !isClass env n && go parameters parameters 0
    | none => false
  | _ => false
where
  go (all : List Parameter) : List Parameter → Nat → Bool
    | [], _ => false
    | p :: ps, i => (p.kind.isImplicit && !isGivenBy i all 0) || go all ps (i + 1)

/-! ## The marks -/

/-- Functions with a notation that only files which open their namespace may use: `n#'h`. -/
def closedNotations : List Name := [`BitVec.ofNatLT]

mutual
/-- Adds the marks for what a text shows of `e`, which stands at `p`. -/
partial def foreseenIn (env : Environment) (e : Expr) (p : Nat) (acc : List Mark) : List Mark :=
  match e with
  | .mdata _ e => foreseenIn env e p acc
  | .forallE _ t b _ =>
    let acc := if isUngiven env t then { node := nodeOf env t t (4 * p) false, rung := .explicit } :: acc else acc
    foreseenIn env b (4 * p + 1) (foreseenIn env t (4 * p) acc)
  | .lam _ _ b _ => foreseenIn env b (4 * p + 1) acc
  | .letE _ _ v b _ => foreseenIn env b (4 * p + 2) (foreseenIn env v (4 * p + 1) acc)
  | .app .. =>
    let as := argsOf e
    match headOf e with
    | .const n _ =>
      let parameters := parametersOf env n
      let isAccess := n == ``GetElem.getElem
      let plainly := if isAccess then isProvedAccess as else anyL (· == n) closedNotations || isMethodOfUntold env n parameters as
      let acc := if plainly then { node := nodeOf env e e p false, rung := .plain } :: acc else acc
      let acc := match n == ``Exists, as with
        | true, [_, f] =>
          let position := argumentAt p 2 1
          if isOfIndex env f then { node := { position, fn := position, head := .binder }, rung := .typed } :: acc else acc
        | _, _ => acc
      -- the proof of an access is not shown, unless it is marked
      foreseenInAll env (if isAccess && !plainly then takeL as 7 else as) (mapL (·.kind) parameters) p (count as) 0 acc
    | _ => foreseenInAll env as [] p (count as) 0 acc
  | _ => acc
partial def foreseenInAll (env : Environment) (as : List Expr) (kinds : List BinderInfo) (p n i : Nat) (acc : List Mark) : List Mark :=
  match as with
  | [] => acc
  | a :: as =>
    foreseenInAll env as (dropL kinds 1) p n (i + 1) (if isNextExplicit kinds then foreseenIn env a (argumentAt p n i) acc else acc)
end

/-- The marks that a text of `e`, which stands at `p`, can't do without. -/
def foreseen (env : Environment) (e : Expr) (p : Nat) : List Mark := foreseenIn env e p []

end Alchemy
