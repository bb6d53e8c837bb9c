import Alchemy.Keys

/-!
# Forms: all that a subterm of a target may be taken for

The other half of `Keys.lean`. A form is a JSON list: the token and the forms of each argument; an argument is a
list of forms, or `"*"` (an instance or a proof) or `"**"` (unknown: it fits every pattern).
-/

open Lean Meta

namespace Alchemy

mutual
/-- All forms of an argument. -/
partial def formsOf (bound : List FVarId) (e : Expr) (fuel : Nat) : MetaM Json := do
  if fuel == 0 then return .str "**"
  let mut out : List Json := []
  for e in ← unfoldings e do
    if let some n ← numeral? e then
      out := jsonStrings ["n:" ++ toString n] :: out
      if n != 0 then out := jsonStrings ["off"] :: out
    if isOffset e then out := jsonStrings ["off"] :: out
    if let some j ← formOf bound e fuel then out := j :: out
  if let some j ← constructorForm e then out := j :: out
  return jsonList out
/-- One form: the term as it stands. -/
partial def formOf (bound : List FVarId) (e : Expr) (fuel : Nat) : MetaM (Option Json) := do
  let fn := headOf e
  let as := argsOf e
  let applied (token : String) : MetaM (Option Json) := do
    let js ← argForms bound as (← modesOf fn (count as)) (fuel - 1)
    return some (jsonList (.str token :: js))
  match fn with
  | .const c _ => applied (constToken c (count as))
  | .fvar f =>
    match placeOfVar f bound 0 with
    | some i => applied (boundToken bound i (count as))
    | none => return some (jsonStrings ["v:" ++ nameText f.name])
  | .lam _ t b _ =>
    let j ← enterBinder t b fun f b => formsOf (f :: bound) b (fuel - 1)
    return some (jsonList [.str "L/1", j])
  | .forallE _ t b _ =>
    let j ← formsOf bound t (fuel - 1)
    let k ← enterBinder t b fun f b => formsOf (f :: bound) b (fuel - 1)
    return some (jsonList [.str "P/2", j, k])
  | .sort _ => return some (jsonStrings ["S"])
  | .lit (.strVal s) => return some (jsonStrings ["s:" ++ toString s.length])
  | _ => return none
partial def argForms (bound : List FVarId) (as : List Expr) (modes : List Mode) (fuel : Nat) : MetaM (List Json) := do
  match as with
  | [] => return []
  | a :: as =>
    let j ← (match modes with
      | .anything :: _ => return .str "*"
      | .typeOnly :: _ => do
        if ← isType a then atTransparency .default (formsOf bound a fuel) else return .str "*"
      | _ => formsOf bound a fuel)
    return j :: (← argForms bound as (dropL modes 1) fuel)
/-- Structure eta: every term of a structure may be taken for its constructor. -/
partial def constructorForm (e : Expr) : MetaM (Option Json) := do
  let env ← getEnv
  if let .const c _ := headOf e then
    if let some (.ctorInfo i) := env.find? c then
      if isStructureLike env i.induct then return none
  let t ← try whnfD (← inferType e) catch _ => return none
  let .const s _ := headOf t | return none
  unless isStructureLike env s do return none
  let some (.inductInfo v) := env.find? s | return none
  let ctor :: _ := v.ctors | return none
  let some (.ctorInfo c) := env.find? ctor | return none
  let n := c.numParams + c.numFields
  return some (jsonList (.str (constToken ctor n) :: unknowns n))
partial def unknowns : Nat → List Json
  | 0 => []
  | n + 1 => .str "**" :: unknowns n
end

/-- Deeper than any pattern of a library reaches. -/
def formDepth : Nat := 40

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
def rewriteForms (e : Expr) : MetaM (List Json) :=
  choose (fun s => do
    try
      unless ← hasMotive e s do return none
      let forms ← atTransparency .reducible do
        choose (formOf [] · formDepth) (← unfoldings s)
      return some (jsonList [.str (rootToken s), jsonList forms])
    catch _ => return none) (rev (subterms e []))

/-- For `apply`: the forms of `e` and of what it unfolds to at default transparency. -/
def applyForms (e : Expr) : MetaM (List Json) := do
  let mut out : List Json := []
  for e in ← atTransparency .default (unfoldings e) do
    for e in ← atTransparency .instances (unfoldings e) do
      if let some j ← atTransparency .instances (formOf [] e formDepth) then out := j :: out
  return out

end Alchemy
