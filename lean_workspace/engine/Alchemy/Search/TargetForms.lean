import Alchemy.Search.Kabstract
import Alchemy.Search.Patterns
import Alchemy.Portable.JsonFields
import Alchemy.Portable.Versions

/-!
# Forms: all that a subterm of a target may be taken for

A pattern of a lemma (`Patterns.lean`) is one normal form. A target, in turn, is written in *all*
the forms that unification may take it for: `a < b` also as `a + 1 ≤ b`, `5` also as `?n + 1`. A
lemma is a candidate where its pattern matches one of them.

A form is a JSON list: a token (`Tokens.lean`), then what stands for each argument. That is

* `"*"` for an instance or a proof, and `"**"` for a term of which nothing is known: it fits every
  pattern;
* the list of the argument's forms;
* the number of such a list in the table of the target. A subterm stands in many others, and its
  forms are made only once.

    ["c:LT.lt/4", [["c:Nat/0"]], "*", [["v:_uniq.1"]], [["v:_uniq.2"]]]
-/

open Lean Meta

namespace Alchemy

/-! ## The table -/

/-- A search tree: the number of a list of forms by term and by the way of reading it. -/
inductive FormNumbers where
  | empty
  | node (key : Expr) (way number : Nat) (left right : FormNumbers)

/-- The number of the forms of `key`, read in this way. -/
def FormNumbers.find (key : Expr) (way : Nat) : FormNumbers → Option Nat
  | .empty => none
  | .node k w number left right =>
    if key.hash == k.hash && way == w && key == k then some number
    else if isBefore key way k w then left.find key way else right.find key way
where
  isBefore (a : Expr) (v : Nat) (b : Expr) (w : Nat) : Bool :=
    a.hash < b.hash || (a.hash == b.hash && v < w)

/-- Adds the number of the forms of `key`, read in this way. -/
def FormNumbers.insert (key : Expr) (way number : Nat) : FormNumbers → FormNumbers
  | .empty => .node key way number .empty .empty
  | .node k w p left right =>
    if FormNumbers.find.isBefore key way k w then
      .node k w p (left.insert key way number) right
    else .node k w p left (right.insert key way number)

/-- The lists of forms of a target, by number. -/
structure FormTable where
  numbers : FormNumbers := .empty
  forms : Array Json := #[]

/-! ## Ways of reading -/

/-- How deep terms are read. 99 of 100 patterns of Init and Std are not deeper; what lies below fits
everything. The forms of what a quotient or an iterator unfolds to grow with each level, and under
binders none is made only once. -/
def formDepth : Nat := 12

/-- How a term is read. -/
structure Reading where
  table : IO.Ref FormTable
  transparency : TransparencyMode
  bound : List FVarId := []
  /-- The number of levels, from here, that are unfolded at default transparency. -/
  deep : Nat := 0
  fuel : Nat := formDepth

/-- Under one more binder. -/
def Reading.under (r : Reading) (f : FVarId) : Reading := { r with bound := f :: r.bound }

/-- For an argument of a term that is read so. -/
def Reading.below (r : Reading) : Reading := { r with fuel := r.fuel - 1 }

/-- A number for all that decides how a closed term is read, apart from its depth. -/
def Reading.way (r : Reading) : Nat :=
  3 * r.deep + (match r.transparency with
    | .reducible => 0
    | .instances => 1
    | _ => 2)

/-- `e`, and the other way to write it where it is a negation: unification takes `¬p` for
`p → False`, and `p → False` for `¬p`, at any transparency. -/
def negations (e : Expr) : List Expr :=
  match e with
  | .app (.const ``Not _) p => [e, .forallE `h p (.const ``False []) .default]
  | .forallE _ p (.const ``False _) _ => [e, mkNot p]
  | e => [e]

/-- The terms that unification may take `e` for at this transparency. Where it unfolds definitions
at all, as for `apply`, the field of a constructor is one of them. -/
partial def readings (t : TransparencyMode) (e : Expr) : MetaM (List Expr) := do
  let es ← M.withTransparency t (unfoldings e)
  let here := L.flatMap negations es
  if t matches .reducible then return here
  match ← fieldOf? ((L.getLast? es).getD e) with
  | some field => return L.append here (← readings t field)
  | none => return here

/-- `Fin.val x` as the projection `x.1`. Unification meets the projection even where it knows what
`x` is made of. -/
def asProjection? (env : Environment) (e : Expr) : Option Expr :=
  match headOf e with
  | .const c _ => match env.getProjectionFnInfo? c, argsOf e with
    | some info, as =>
      if info.fromClass || L.length as != info.numParams + 1 then none else
      match env.find? info.ctorName, L.get? as info.numParams with
      | some (.ctorInfo v), some x => some (.proj v.induct info.i x)
      | _, _ => none
    | none, _ => none
  | _ => none

/-- Implications and negations are no level of unfolding: their parts are propositions of their own.
-/
def isNoLevel (e : Expr) : Bool := e.isForall || (headOf e).isConstOf ``Not

/-- For the parts of `e`. -/
def Reading.inside (r : Reading) (e : Expr) : Reading :=
  { r with deep := if isNoLevel e then r.deep else r.deep - 1 }

/-- Is the head `if`, `dite` or `decide`? -/
def isChoiceTerm (e : Expr) : Bool :=
  match headOf e with
  | .const c _ => isChoice c
  | _ => false

/-- The value of a closed natural number at default transparency: 16 for
`(16 : UInt16).toBitVec.toNat`. -/
def value? (e : Expr) : MetaM (Option Nat) := do
  if e.hasFVar then return none
  let .const ``Nat _ ← whnfD (← inferType e) | return none
  match ← M.observing? (do return ← whnfD e) with
  | some (.lit (.natVal n)) => return some n
  | some _ => return none
  | none => return none

/-! ## Forms -/

mutual
/-- What stands for an argument: the number of its list of forms, under a binder the list itself. -/
partial def formsOf (r : Reading) (e : Expr) : MetaM Json := do
  if r.fuel == 0 then return .str "**"
  unless r.bound matches [] do return jsonList (← formList r e)
  match (← r.table.get).numbers.find e r.way with
  | some number => return jsonNat number
  | none =>
    let forms := jsonList (← formList r e)
    let table ← r.table.get
    let number := table.forms.size
    r.table.set {
      numbers := table.numbers.insert e r.way number, forms := table.forms.push forms }
    return jsonNat number
/-- All forms of a term. -/
partial def formList (r : Reading) (e : Expr) : MetaM (List Json) := do
  let mut out : List Json := []
  if r.deep != 0 then
    if let some n ← value? e then out := numeralForms n out
  for e in ← readings (if r.deep == 0 then r.transparency else .default) e do
    if let some n ← numeral? e then out := numeralForms n out
    if let some (t, k) := offset? e then out := ← offsetForms r t k out
    if !(r.transparency matches .reducible) && isChoiceTerm e then
      out := jsonStrings [choiceToken] :: out
    if let some j ← formOf (r.inside e) e then out := j :: out
    if !(r.transparency matches .reducible) then
      if let some field := asProjection? (← getEnv) e then
        if let some j ← formOf (r.inside e) field then out := j :: out
  match ← etaForm r e with
  | some j => return j :: out
  | none => return out
/-- The form of a term as it stands. -/
partial def formOf (r : Reading) (e : Expr) : MetaM (Option Json) := do
  let fn := headOf e
  let as := argsOf e
  let applied (token : String) : MetaM (Option Json) := do
    let js ← argForms r.below as (← modesOf fn (L.length as))
    return some (jsonList (.str token :: js))
  match fn with
  | .const c _ => applied (constToken c (L.length as))
  | .fvar f =>
    match placeOfVar f r.bound 0 with
    | some i => applied (boundToken r.bound i (L.length as))
    | none => return some (jsonStrings ["v:" ++ nameText f.name])
  | .lam _ t b _ =>
    let j ← M.withBinder t b fun f b => formsOf (r.below.under f) b
    return some (jsonList [.str "L/1", j])
  | .forallE _ t b _ =>
    let j ← formsOf r.below t
    let k ← M.withBinder t b fun f b => formsOf (r.below.under f) b
    return some (jsonList [.str "P/2", j, k])
  | .proj s i x => return some (jsonList [.str (projectionToken s i), ← formsOf r.below x])
  | .sort _ => return some (jsonStrings ["S"])
  | .lit (.strVal s) => return some (jsonStrings ["s:" ++ toString s.length])
  | _ => return none
partial def argForms (r : Reading) (as : List Expr) (modes : List Mode) : MetaM (List Json) := do
  match as with
  | [] => return []
  | a :: as =>
    let j ← (match modes with
      | .anything :: _ => return .str "*"
      | .typeOnly :: _ => do
        if ← isType a then formsOf { r with transparency := .default, deep := 0 } a
        else return .str "*"
      | _ => formsOf r a)
    return j :: (← argForms r as (L.drop 1 modes))
/-- Adds the forms of `t + k`: for `n + 2` also `(n + 1) + 1`, which `?m + 1` fits. -/
partial def offsetForms (r : Reading) (t : Expr) (k : Nat) (acc : List Json) :
    MetaM (List Json) := do
  let mut out := jsonStrings ["off"] :: acc
  for i in L.range' 1 (Nat.min k maxOffset) do
    let below := if k == i then t else mkNatAdd t (mkNatLit (k - i))
    out := jsonList [.str (offsetToken i), ← formsOf r.below below] :: out
  return out
/-- The form by eta: every function may be taken for a `fun`, every term of a structure for an
application of its constructor. -/
partial def etaForm (r : Reading) (e : Expr) : MetaM (Option Json) := do
  let t ← try whnfD (← inferType e) catch _ => return none
  match t with
  | .forallE _ t b _ =>
    if e.isLambda || b.isSort then return none
    let j ← M.withBinder t (.app e (.bvar 0)) fun f b => formsOf (r.below.under f) b
    return some (jsonList [.str "L/1", j])
  | t =>
    let env ← getEnv
    if let .const c _ := headOf e then
      if isConstructor env c then return none
    let .const s _ := headOf t | return none
    unless isLikeStructure env s do return none
    let some c := constructorOf? env s | return none
    let n := c.numParams + c.numFields
    return some (jsonList (.str (constToken c.name n) :: unknowns n))
partial def unknowns : Nat → List Json
  | 0 => []
  | n + 1 => .str "**" :: unknowns n
/-- Adds the forms of a numeral: `5` may be taken for `?m + 1` and for `?m + 2`. -/
partial def numeralForms (n : Nat) (acc : List Json) : List Json :=
  let acc := numeral n :: acc
  if n == 0 then acc
  else jsonStrings ["off"] :: below (L.range' 1 (Nat.min n maxOffset)) acc
where
  numeral (n : Nat) : Json := jsonStrings ["n:" ++ toString n]
  below : List Nat → List Json → List Json
    | [], acc => acc
    | i :: is, acc =>
      jsonList [.str (offsetToken i), jsonList [numeral (n - i)]] :: below is acc
end

/-! ## The forms of a site -/

/-- For `rw`: `[root, forms]` of each subterm of `e` that has a motive. -/
def rewriteForms (table : IO.Ref FormTable) (e : Expr) : MetaM (List Json) :=
  let r : Reading := { table, transparency := .reducible }
  L.filterMapM (fun s => do
    try
      unless ← hasMotive e s do return none
      let forms ← L.filterMapM (formOf r) (← readings .reducible s)
      return some (jsonList [.str (rootToken s), jsonList forms])
    catch _ => return none) (L.reverse (subterms e []))

/-- How deep the forms for `apply` unfold definitions at default transparency: the proposition and
its arguments. Lemmas hardly ever mention what lies deeper. -/
def unfoldedDepth : Nat := 2

/-- For `apply`: the forms of `e`, and those of what it unfolds to at default transparency. -/
def applyForms (table : IO.Ref FormTable) (e : Expr) : MetaM (List Json) := do
  let r : Reading := { table, transparency := .instances, deep := unfoldedDepth }
  let mut out : List Json := []
  for e in ← readings .default e do
    for e in ← readings .instances e do
      if let some j ← formOf (r.inside e) e then out := j :: out
  return out

end Alchemy
