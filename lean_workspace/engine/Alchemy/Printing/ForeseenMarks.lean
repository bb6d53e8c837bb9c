import Alchemy.Printing.Marks

/-!
# Marks that are known to be needed

A mark costs one more text that is printed and read, and a text that fails takes longer than one
that reads back. For some terms it is known beforehand that Lean does not read back what it prints;
their marks are made from the start. There are five cases: a method of a term whose type is not
known, an access `m[k]` to a map, the bound index in `∃ i, xs[i]? = some a`, a type with an argument
that nothing determines, and a notation that only its own file may use.
-/

open Lean

namespace Alchemy

/-! ## The type of a function -/

/-- Does the type of this parameter, which is number `i`, mention parameter number `v`? -/
def Parameter.mentions (p : Parameter) (i v : Nat) : Bool :=
  v < i && p.type.hasLooseBVar (i - 1 - v)

/-- Does one of the explicit parameters, the first of which is number `i`, mention number `v`? -/
def isGivenBy (v : Nat) : List Parameter → (i : Nat) → Bool
  | [], _ => false
  | p :: ps, i => (p.kind.isExplicit && p.mentions i v) || isGivenBy v ps (i + 1)

/-- Is parameter number `v` an output parameter of a class, such as `γ` in `HAdd α β γ`? -/
def isOutput (env : Environment) (v : Nat) : List Parameter → (i : Nat) → Bool
  | [], _ => false
  | p :: ps, i =>
    (v < i && p.kind.isInstImplicit && isIn p.type (i - 1 - v)) || isOutput env v ps (i + 1)
where
  isIn (type : Expr) (x : Nat) : Bool := match headOf type with
    | .const c _ => match getOutParamPositions? env c with
      | some positions =>
        L.any positions.toList (fun k => L.get? (argsOf type) k == some (.bvar x))
      | none => false
    | _ => false

/-- The parameters of a constant. -/
def parametersOf (env : Environment) (n : Name) : List Parameter :=
  match env.find? n with
  | some info => (signatureOf info.type).1
  | none => []

/-! ## Methods

`(↑n).lcm k`, `∅.size`, `(pure x).run`: to find out which function a method is, Lean must know the
type of what stands before the dot, and the text alone does not say it. -/

/-- Functions that are written `↑x`. Stands in for `getCoeFnInfo?`, which has no code in the
embedded Lean. -/
def coercions : List Name := [``Nat.cast, ``Int.cast, ``Fin.val]

mutual
/-- Does `e`, written where its type is not known, show that it is of the type `s`? A numeral is
read as a natural number then. -/
partial def showsType (env : Environment) (s : Name) (e : Expr) : Bool :=
  match e with
  | .mdata _ e => showsType env s e
  | .lam _ _ b _ => showsType env s b
  | .lit (.natVal _) => s == ``Nat
  | .lit (.strVal _) => s == ``String
  | _ => match headOf e with
    | .const n _ =>
      if coercions.contains n then false
      else if n == ``OfNat.ofNat then s == ``Nat
      else if n == ``Neg.neg && s == ``Int then  -- `-1`
        anyShowsType env ``Nat (fun _ _ => true) (parametersOf env n) (argsOf e) 0
      else match env.find? n with
        | none => true
        | some info =>
          let (parameters, result) := signatureOf info.type
          let as := argsOf e
          match headOf result with
          | .bvar k =>
            if L.length parameters != L.length as then true
            else if n == ``HPow.hPow then firstShowsType env s parameters as
            else
              let v := L.length as - 1 - k
              let isOutput := isOutput env v parameters 0
              anyShowsType env s (fun p i => isOutput || p.mentions i v) parameters as 0
          | _ => true
    | _ => true
/-- Does an explicit argument show it whose parameter is of the given sort? -/
partial def anyShowsType (env : Environment) (s : Name) (isOfSort : Parameter → Nat → Bool)
    (ps : List Parameter) (as : List Expr) (i : Nat) : Bool :=
  match ps, as with
  | p :: ps, a :: as =>
    (p.kind.isExplicit && isOfSort p i && showsType env s a)
      || anyShowsType env s isOfSort ps as (i + 1)
  | _, _ => false
/-- Does the first explicit argument show it? -/
partial def firstShowsType (env : Environment) (s : Name) (ps : List Parameter) (as : List Expr) :
    Bool :=
  match ps, as with
  | p :: ps, a :: as =>
    if p.kind.isExplicit then showsType env s a else firstShowsType env s ps as
  | _, _ => true
end

/-- What stands before the dot of a method: the first explicit argument of the type `s` that the
function is named after. -/
def objectOf (s : Name) : List Parameter → List Expr → Option Expr
  | p :: ps, a :: as =>
    if p.kind.isExplicit && (headOf p.type).isConstOf s then some a else objectOf s ps as
  | _, _ => none

/-- Would Lean print it as a method of a term that does not show its type? Of a numeral it prints no
method. -/
def isUnreadableMethod (env : Environment) (n : Name) (parameters : List Parameter)
    (as : List Expr) : Bool :=
  let s := n.getPrefix
  match s, objectOf s parameters as with
  | .anonymous, _ | _, none => false
  | _, some object => !(headOf object).isConstOf ``OfNat.ofNat && !showsType env s object

/-! ## Accesses

For `m[k]` Lean looks for a proof that `k` is in `m`. It finds one among the hypotheses, and nothing
else proves a membership, but to find that out takes longer than the rest of the text. So another
proof is written out: `m[k]'h`. -/

/-- Is it `fun m k => k ∈ m`, which an access to a map asks for? -/
def isMembership : Expr → Bool
  | .lam _ _ b _ => isMembership b
  | e => (headOf e).isConstOf ``Membership.mem

/-- Are these the arguments of an access whose proof is a membership, and no hypothesis? -/
def isProvedAccess : List Expr → Bool
  | [_, _, _, valid, _, _, _, proof] => isMembership valid && !proof.isBVar
  | _ => false

/-! ## Variables of `∃`

The type of `i` in `∃ i, xs[i]? = some a` does not follow from the text. -/

mutual
/-- Is the variable `v`, where a text of `e` first mentions it, an index? `none` where it is not
mentioned. -/
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
      | .const n _ => [``GetElem.getElem, ``GetElem?.getElem?, ``GetElem?.getElem!].contains n
      | _ => false
    match isAccess, as with
    | true, _ :: _ :: _ :: _ :: _ :: xs :: i :: _ =>
      if xs.hasLooseBVar v then isFirstAnIndex? env xs v else some (i == .bvar v)
    | _, _ => isFirstOfAll? env as (headKinds env (headOf e)) v
  | _ => some false
partial def isFirstOfAll? (env : Environment) (as : List Expr) (kinds : List BinderInfo)
    (v : Nat) : Option Bool :=
  match as with
  | [] => none
  | a :: as =>
    match if isNextExplicit kinds then isFirstAnIndex? env a v else none with
    | none => isFirstOfAll? env as (L.drop 1 kinds) v
    | found => found
end

/-- Is it `fun i => …` where the first mention of `i` is as an index? -/
def isOfIndex (env : Environment) : Expr → Bool
  | .lam _ _ b _ => isFirstAnIndex? env b 0 == some true
  | _ => false

/-! ## Types with an argument that nothing determines

`Std.Iter β` has an implicit argument `α` that only the values of the type determine. -/

/-- Does a type have an implicit argument that none of its explicit ones determines? -/
def hasUngivenArgument (env : Environment) (type : Expr) : Bool :=
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

/-- Functions whose notation can be used only where their namespace is open: `n#'h`. -/
def closedNotations : List Name := [`BitVec.ofNatLT]

mutual
/-- Adds the marks for what a text shows of `e`, which stands at `p`. -/
partial def foreseenIn (env : Environment) (e : Expr) (p : Nat) (acc : List Mark) : List Mark :=
  match e with
  | .mdata _ e => foreseenIn env e p acc
  | .forallE _ t b _ =>
    let acc := if hasUngivenArgument env t then
        { node := nodeOf env t t (4 * p) false, rung := .explicit } :: acc
      else acc
    foreseenIn env b (4 * p + 1) (foreseenIn env t (4 * p) acc)
  | .lam _ _ b _ => foreseenIn env b (4 * p + 1) acc
  | .letE _ _ v b _ => foreseenIn env b (4 * p + 2) (foreseenIn env v (4 * p + 1) acc)
  | .app .. =>
    let as := argsOf e
    match headOf e with
    | .const n _ =>
      let parameters := parametersOf env n
      let isAccess := n == ``GetElem.getElem
      let plainly := if isAccess then isProvedAccess as
        else closedNotations.contains n || isUnreadableMethod env n parameters as
      let acc := if plainly then { node := nodeOf env e e p false, rung := .plain } :: acc else acc
      let acc := match n == ``Exists, as with
        | true, [_, f] =>
          let position := argumentAt p 2 1
          if isOfIndex env f then
            { node := { position, fn := position, kind := .binder }, rung := .typed } :: acc
          else acc
        | _, _ => acc
      -- the proof of an access is not shown, unless the access is marked
      let shown := if isAccess && !plainly then L.take 7 as else as
      foreseenInAll env shown (L.map (·.kind) parameters) p (L.length as) 0 acc
    | _ => foreseenInAll env as [] p (L.length as) 0 acc
  | _ => acc
partial def foreseenInAll (env : Environment) (as : List Expr) (kinds : List BinderInfo)
    (p n i : Nat) (acc : List Mark) : List Mark :=
  match as with
  | [] => acc
  | a :: as =>
    let acc := if isNextExplicit kinds then foreseenIn env a (argumentAt p n i) acc else acc
    foreseenInAll env as (L.drop 1 kinds) p n (i + 1) acc
end

/-- The marks that a text of `e`, which stands at `p`, is known to need. -/
def foreseen (env : Environment) (e : Expr) (p : Nat) : List Mark := foreseenIn env e p []

end Alchemy
