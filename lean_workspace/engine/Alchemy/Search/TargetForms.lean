import Alchemy.Search.LemmaKeys

/-!
# Forms: all that a subterm of a target may be taken for

The other half of `Keys.lean`. A form is a JSON list: the token and the forms of each argument; an argument is a
list of forms, the number of such a list in the table of the target, or `"*"` (an instance or a proof) or `"**"`
(unknown: it fits every pattern). A subterm stands in many others: its forms are made once.
-/

open Lean Meta

namespace Alchemy

/-! ## What was made before -/

/-- The numbers of lists of forms, by term and way of reading it: a search tree. -/
inductive Places where
  | empty
  | node (key : Expr) (way place : Nat) (left right : Places)

def Places.find (key : Expr) (way : Nat) : Places → Option Nat
  | .empty => none
  | .node k w place left right =>
    if key.hash == k.hash && way == w && key == k then some place
    else if isBefore key way k w then left.find key way else right.find key way
where
  isBefore (a : Expr) (v : Nat) (b : Expr) (w : Nat) : Bool := a.hash < b.hash || (a.hash == b.hash && v < w)

def Places.insert (key : Expr) (way place : Nat) : Places → Places
  | .empty => .node key way place .empty .empty
  | .node k w p left right =>
    if Places.find.isBefore key way k w then .node k w p (left.insert key way place) right
    else .node k w p left (right.insert key way place)

/-- The table of a target: lists of forms. -/
structure Table where
  places : Places := .empty
  forms : Array Json := #[]

/-! ## Reading -/

/-- Deeper than 99 of 100 patterns of Init and Std reach; what lies below fits all that they may say of it. The forms of what a
quotient or an iterator unfolds to grow with each level, and under binders none is made only once. -/
def formDepth : Nat := 12

/-- How terms are read. -/
structure Reading where
  table : IO.Ref Table
  transparency : TransparencyMode
  bound : List FVarId := []
  /-- So many levels, from here, are unfolded at default transparency. -/
  deep : Nat := 0
  fuel : Nat := formDepth

def Reading.under (r : Reading) (f : FVarId) : Reading := { r with bound := f :: r.bound }

/-- Of an argument of a term that is read so. -/
def Reading.below (r : Reading) : Reading := { r with fuel := r.fuel - 1 }

/-- A number for all that decides how a closed term is read, its depth aside. -/
def Reading.way (r : Reading) : Nat :=
  3 * r.deep + (match r.transparency with
    | .reducible => 0
    | .instances => 1
    | _ => 2)

/-- Unification takes `¬p` for `p → False` at any transparency, and the other way round. -/
def negations (e : Expr) : List Expr :=
  match e with
  | .app (.const ``Not _) p => [e, .forallE `h p (.const ``False []) .default]
  | .forallE _ p (.const ``False _) _ => [e, mkNot p]
  | e => [e]

/-- All that unification may take `e` for. Where it unfolds definitions at all (`apply`), a field is one of them. -/
partial def readings (t : TransparencyMode) (e : Expr) : MetaM (List Expr) := do
  let es ← atTransparency t (unfoldings e)
  let here := concat (mapL negations es)
  if t matches .reducible then return here
  match ← field? (lastOf es e) with
  | some field => return append here (← readings t field)
  | none => return here

/-- `Fin.val x` as the field of `x` that it is: unification meets the field even where what `x` is made of is known. -/
def asField? (env : Environment) (e : Expr) : Option Expr :=
  match headOf e with
  | .const c _ => match env.getProjectionFnInfo? c, argsOf e with
    | some info, as =>
      if info.fromClass || count as != info.numParams + 1 then none else
      match env.find? info.ctorName, nth? as info.numParams with
      | some (.ctorInfo v), some x => some (.proj v.induct info.i x)
      | _, _ => none
    | none, _ => none
  | _ => none

/-- What an implication or a negation is made of are propositions of their own: it is no level of unfolding. -/
def isNoLevel (e : Expr) : Bool := e.isForall || (headOf e).isConstOf ``Not

/-- Of what `e` is made of. -/
def Reading.inside (r : Reading) (e : Expr) : Reading := { r with deep := if isNoLevel e then r.deep else r.deep - 1 }

def isChoiceTerm (e : Expr) : Bool :=
  match headOf e with
  | .const c _ => isChoice c
  | _ => false

/-- The natural number that a closed term is, at default transparency: `(16 : UInt16).toBitVec.toNat`. -/
def value? (e : Expr) : MetaM (Option Nat) := do
  if e.hasFVar then return none
  let .const ``Nat _ ← whnfD (← inferType e) | return none
  match ← attempted (do return ← whnfD e) with
  | some (.lit (.natVal n)) => return some n
  | some _ => return none
  | none => return none

mutual
/-- All forms of an argument. -/
partial def formsOf (r : Reading) (e : Expr) : MetaM Json := do
  if r.fuel == 0 then return .str "**"
  unless r.bound matches [] do return jsonList (← formList r e)
  match (← r.table.get).places.find e r.way with
  | some place => return jsonNat place
  | none =>
    let forms := jsonList (← formList r e)
    let table ← r.table.get
    let place := table.forms.size
    r.table.set { places := table.places.insert e r.way place, forms := table.forms.push forms }
    return jsonNat place
partial def formList (r : Reading) (e : Expr) : MetaM (List Json) := do
  let mut out : List Json := []
  if r.deep != 0 then
    if let some n ← value? e then out := numeralForms n out
  for e in ← readings (if r.deep == 0 then r.transparency else .default) e do
    if let some n ← numeral? e then out := numeralForms n out
    if let some (t, k) := offset? e then out := ← offsetForms r t k out
    if !(r.transparency matches .reducible) && isChoiceTerm e then out := jsonStrings [choiceToken] :: out
    if let some j ← formOf (r.inside e) e then out := j :: out
    if !(r.transparency matches .reducible) then
      if let some field := asField? (← getEnv) e then
        if let some j ← formOf (r.inside e) field then out := j :: out
  match ← etaForm r e with
  | some j => return j :: out
  | none => return out
/-- One form: the term as it stands. -/
partial def formOf (r : Reading) (e : Expr) : MetaM (Option Json) := do
  let fn := headOf e
  let as := argsOf e
  let applied (token : String) : MetaM (Option Json) := do
    let js ← argForms r.below as (← modesOf fn (count as))
    return some (jsonList (.str token :: js))
  match fn with
  | .const c _ => applied (constToken c (count as))
  | .fvar f =>
    match placeOfVar f r.bound 0 with
    | some i => applied (boundToken r.bound i (count as))
    | none => return some (jsonStrings ["v:" ++ nameText f.name])
  | .lam _ t b _ =>
    let j ← enterBinder t b fun f b => formsOf (r.below.under f) b
    return some (jsonList [.str "L/1", j])
  | .forallE _ t b _ =>
    let j ← formsOf r.below t
    let k ← enterBinder t b fun f b => formsOf (r.below.under f) b
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
        if ← isType a then formsOf { r with transparency := .default, deep := 0 } a else return .str "*"
      | _ => formsOf r a)
    return j :: (← argForms r as (dropL modes 1))
/-- `n + 1` may be taken for `?m + 1`. -/
partial def offsetForms (r : Reading) (t : Expr) (k : Nat) (acc : List Json) : MetaM (List Json) := do
  let mut out := jsonStrings ["off"] :: acc
  for i in upTo (Nat.min k maxOffset) do
    let below := if k == i then t else mkNatAdd t (mkNatLit (k - i))
    out := jsonList [.str (offsetToken i), ← formsOf r.below below] :: out
  return out
/-- Eta: every term of a structure may be taken for its constructor, and every function for a `fun`. -/
partial def etaForm (r : Reading) (e : Expr) : MetaM (Option Json) := do
  let t ← try whnfD (← inferType e) catch _ => return none
  match t with
  | .forallE _ t b _ =>
    if e.isLambda || b.isSort then return none
    let j ← enterBinder t (.app e (.bvar 0)) fun f b => formsOf (r.below.under f) b
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
/-- `5` may be taken for `?m + 1`, and for `?m + 2`. -/
partial def numeralForms (n : Nat) (acc : List Json) : List Json :=
  let acc := numeral n :: acc
  if n == 0 then acc else jsonStrings ["off"] :: below (upTo (Nat.min n maxOffset)) acc
where
  numeral (n : Nat) : Json := jsonStrings ["n:" ++ toString n]
  below : List Nat → List Json → List Json
    | [], acc => acc
    | i :: is, acc => jsonList [.str (offsetToken i), jsonList [numeral (n - i)]] :: below is acc
end

/-! ## Subterms -/

/-- The subterms that `kabstract` compares, each once: no variables, no metadata, nothing under a binder's variable. -/
partial def subterms (e : Expr) (acc : List Expr) : List Expr :=
  let acc := if e.hasLooseBVars || skip e || anyL (· == e) acc then acc else e :: acc
  match e with
  | .app f a => subterms a (subterms f acc)
  | .lam _ t b _ => subterms b (subterms t acc)
  | .forallE _ t b _ => subterms b (subterms t acc)
  | .letE _ t v b _ => subterms b (subterms v (subterms t acc))
  | .mdata _ e => subterms e acc
  | .proj _ _ e => subterms e acc
  | _ => acc
where
  skip : Expr → Bool
    | .mdata .. | .fvar _ => true
    | _ => false

/-- `e` with each `s` replaced by the variable `i`. Stands in for `kabstract` on equal terms. -/
partial def abstractTerm (e s : Expr) (i : Nat) : Expr :=
  if e == s then .bvar i
  else match e with
    | .app f a => .app (abstractTerm f s i) (abstractTerm a s i)
    | .lam n t b k => .lam n (abstractTerm t s i) (abstractTerm b s (i + 1)) k
    | .forallE n t b k => .forallE n (abstractTerm t s i) (abstractTerm b s (i + 1)) k
    | .mdata d b => .mdata d (abstractTerm b s i)
    | .proj n j b => .proj n j (abstractTerm b s i)
    | _ => e

/-- Would `rw` at `s` be type correct? The motive is the same for every lemma, so it is checked once. -/
def hasMotive (e s : Expr) : MetaM Bool := do
  try
    let eq ← mkEq e e
    isTypeCorrect (.lam `_a (← inferType s) (.app eq.appFn! (abstractTerm e s 0)) .default)
  catch _ => return false

/-- For `rw`: `[root, forms]` of each subterm of `e` that has a motive. -/
def rewriteForms (table : IO.Ref Table) (e : Expr) : MetaM (List Json) :=
  let r : Reading := { table, transparency := .reducible }
  choose (fun s => do
    try
      unless ← hasMotive e s do return none
      let forms ← choose (formOf r) (← readings .reducible s)
      return some (jsonList [.str (rootToken s), jsonList forms])
    catch _ => return none) (rev (subterms e []))

/-- How deep `apply` is followed where it unfolds definitions: the proposition and its arguments. Further down what it
would unfold is hardly ever what a lemma speaks of. -/
def unfoldedDepth : Nat := 2

/-- For `apply`: the forms of `e` and of what it unfolds to at default transparency. -/
def applyForms (table : IO.Ref Table) (e : Expr) : MetaM (List Json) := do
  let r : Reading := { table, transparency := .instances, deep := unfoldedDepth }
  let mut out : List Json := []
  for e in ← readings .default e do
    for e in ← readings .instances e do
      if let some j ← formOf (r.inside e) e then out := j :: out
  return out

end Alchemy
