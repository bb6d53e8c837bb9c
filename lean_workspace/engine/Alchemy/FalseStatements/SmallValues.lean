import Alchemy.Portable.Versions
import Alchemy.Search.NormalForms
import Lean.Elab.Term

/-!
# Small values

What the variables of a statement may stand for in a counterexample, as a person writes it: numbers,
lists of them, the constructors of any inductive type on small values, simple functions. Values are
texts, which are elaborated against the type. So the proof that is made of them reads back as what
was evaluated.
-/

open Lean Meta Elab

namespace Alchemy

/-- A value as Lean reads it, and the term that it is read as. -/
structure SmallValue where
  text : String
  term : Expr

/-- The term that `text` stands for as a `type`; `none` where it can't be elaborated. -/
def elaborated? (text : String) (type : Expr) : MetaM (Option Expr) := do
  match Parser.runParserCategory (← getEnv) `term text with
  | .error _ => return none
  | .ok stx =>
    let x : TermElabM Expr := do
      let e ← Term.elabTermEnsuringType stx type
      Term.synthesizeSyntheticMVarsNoPostponing
      instantiateMVars e
    try
      let e ← x { errToSorry := false } (← IO.mkRef ({} : Term.State))
      return if e.hasMVar || e.hasSorry then none else some e
    catch _ => return none

/-! ## Texts -/

/-- The text as one argument: `(-1)` for `-1`. -/
def atom (text : String) : String :=
  if isBracketed text || !L.any text.toList (fun c => c == ' ' || c == '-') then text
  else "(" ++ text ++ ")"
where
  isBracketed (s : String) : Bool :=
    L.any ["[", "#", "(", "⟨", "\"", "'"] (fun bracket => s.startsWith bracket)

/-- `fun x => body`; for a body `fun y => b` it is `fun x y => b`. -/
def funText (x body : String) : String :=
  match body.startsWith "fun " with
  | true => "fun " ++ x ++ " " ++ (body.drop 4).toString
  | false => "fun " ++ x ++ " => " ++ body

/-- `(x, y)` for each `x` and `y`. -/
def pairTexts (xs ys : List String) : List String :=
  L.flatMap (fun x => L.map (fun y => "(" ++ x ++ ", " ++ y ++ ")") ys) xs

/-- The constructor applied to each value: `some 0`, `some 1`. -/
def constructorTexts (constructor : String) (xs : List String) : List String :=
  L.map (fun x => constructor ++ " " ++ atom x) xs

/-- `n` elements, `x` and `y` in turn. -/
def alternating (n : Nat) (x y : String) : List String :=
  match n with
  | 0 => []
  | n + 1 => x :: alternating n y x

/-- Short lists: `[]`, `[0]`, `[1]`, `[0, 1]`, … -/
def listTexts (opening : String) (elements : List String) : List String :=
  let close (xs : List String) : String := opening ++ ", ".intercalate xs ++ "]"
  match elements with
  | [] => [close []]
  | [x] => [close [], close [x], close [x, x]]
  | x :: y :: _ =>
    [close [], close [x], close [y], close [x, y], close [y, x], close [x, x], close [x, y, x]]

/-- Longer vectors are not written out. -/
def maxVector : Nat := 4

/-- Vectors of `n` elements: `#v[0, 0]`, `#v[0, 1]`, … -/
def vectorTexts (n : Nat) (elements : List String) : List String :=
  let write (x y : String) : String := "#v[" ++ ", ".intercalate (alternating n x y) ++ "]"
  if n > maxVector then [] else
  match n, elements with
  | 0, _ => [write "" ""]
  | _, [] => []
  | _, [x] => [write x x]
  | _, x :: y :: _ => [write x x, write x y, write y x]

/-! ## Values of a type -/

/-- Small values of a type, the simplest first; empty where none are known. -/
partial def textsOf (type : Expr) (depth : Nat := 3) : MetaM (List String) := do
  if depth == 0 then return []
  let type ← whnfR type
  match type, headOf type, argsOf type with
  | .forallE _ a b _, _, _ => if b.hasLooseBVars then pure [] else functions a b
  | _, .const c _, as =>
    match c, as with
    | ``Nat, [] => return ["0", "1", "2", "3", "4"]
    | ``Int, [] => return ["0", "1", "-1", "2", "-2"]
    | ``Rat, [] => return ["0", "1", "-1", "2", "1 / 2"]
    | ``Bool, [] => return ["false", "true"]
    | ``Char, [] => return ["'a'", "'b'"]
    | ``String, [] => return ["\"\"", "\"a\"", "\"b\"", "\"ab\""]
    | ``Unit, [] | ``PUnit, [] => return ["()"]
    | ``Fin, [n] => return numerals (← numeral? n)
    | ``BitVec, [w] =>
      let some w ← numeral? w | return []
      return L.map (fun s => s ++ "#" ++ toString w) ["0", "1", "2", "-1"]
    | ``List, [a] => return listTexts "[" (← elements a)
    | ``Array, [a] => return listTexts "#[" (← elements a)
    | ``Vector, [a, n] =>
      let some n ← numeral? n | return []
      return vectorTexts n (← elements a)
    | ``Option, [a] => return "none" :: constructorTexts "some" (L.take 2 (← elements a))
    | ``Prod, [a, b] => return pairTexts (L.take 2 (← elements a)) (L.take 2 (← elements b))
    | ``UInt8, [] | ``UInt16, [] | ``UInt32, [] | ``UInt64, [] => return ["0", "1", "2", "-1"]
    | ``Int8, [] | ``Int16, [] | ``Int32, [] | ``Int64, [] => return ["0", "1", "-1", "2"]
    | _, _ => constructed c
  | _, _, _ => return []
where
  elements (a : Expr) : MetaM (List String) := textsOf a (depth - 1)
  numerals : Option Nat → List String
    | some n => L.map toString (L.take n [0, 1, 2, 3])
    | none => []
  /-- Each constructor on small values: `.inl 0`, `.lt`; `⟨0, by decide⟩` for a structure. -/
  constructed (c : Name) : MetaM (List String) := do
    let some (.inductInfo v) := (← getEnv).find? c | return []
    if v.numIndices != 0 then return []
    let isStructure := isLikeStructure (← getEnv) c
    let mut found : List String := []
    for constructor in v.ctors do
      let f := mkAppN (.const constructor (headOf type).constLevels!) (argsOf type).toArray
      let (ms, kinds, _) ← forallMetaTelescope (← inferType f)
      let written := L.map (fun xs => match isStructure, constructor with
        | true, _ => "⟨" ++ ", ".intercalate xs ++ "⟩"
        | false, .str _ s => " ".intercalate (("." ++ s) :: L.map atom xs)
        | false, _ => "") (← fields ms.toList kinds.toList)
      found := L.append found (L.take 4 written)
    return L.take 6 found
  /-- The fields of a constructor, with two values for each: a list for each combination. -/
  fields : List Expr → List BinderInfo → MetaM (List (List String))
    | m :: ms, kind :: kinds => do
      let t ← instantiateMVars (← inferType m)
      let rest ← fields ms kinds
      if kind.isInstImplicit then return rest
      let isProof ← isProp t
      let values ← if isProof then pure ["by decide"]
        else if t.hasExprMVar || !kind.isExplicit then pure []
        else elements t
      return L.flatMap (fun x => L.map (fun xs => x :: xs) rest) (L.take 2 values)
    | _, _ => return [[]]
  /-- Constant functions, the identity, a projection, and a test for each of two values. -/
  functions (a b : Expr) : MetaM (List String) := do
    let constant := L.map (funText "_") (L.take 2 (← elements b))
    let same := if a == b then ["fun x => x"] else []
    let projection := match b with
      | .forallE _ _ c _ => if a == c then ["fun x _ => x"] else []
      | _ => []
    let step := if a.isConstOf ``Nat && b.isConstOf ``Nat then ["fun x => x + 1"] else []
    let arguments ← elements a
    let test := if b.isConstOf ``Bool then
        L.map (fun x => "fun x => x == " ++ x) (L.take 2 arguments)
      else []
    return L.append same (L.append constant (L.append projection (L.append step test)))

/-- What a type, a proposition or a predicate may stand for: `Nat` and `Bool`, `True` and `False`, …
It is empty for data. -/
partial def choicesOf (type : Expr) : MetaM (List String) := do
  match ← whnfR type with
  | .sort .zero => return ["True", "False"]
  | .sort _ => return ["Nat", "Bool"]
  | .forallE _ a b _ =>
    if a.isSort then return (if b.isSort then ["Option"] else [])
    let rest ← choicesOf b
    let equal := match b with
      | .sort .zero => if a.isConstOf ``Nat then ["fun x => x = 0"] else []
      | .forallE _ c (.sort .zero) _ => if a == c then ["fun x y => x = y"] else []
      | _ => []
    return L.append equal (L.map (funText "_") rest)
  | _ => return []

end Alchemy
