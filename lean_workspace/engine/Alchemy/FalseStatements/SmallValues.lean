import Alchemy.Search.LemmaKeys
import Lean.Elab.Term

/-!
# Small values

What the variables of a statement may stand for, as a person writes it: numbers, lists of them, the constructors of any
inductive type on small values, simple functions. They are texts, elaborated against the type, so that the proof that
is made of them reads back as what was evaluated.
-/

open Lean Meta Elab

namespace Alchemy

/-- A value as Lean reads it, and what it reads. -/
structure Value where
  text : String
  term : Expr

/-- The term that `text` means as a `type`; `none` where it means none. -/
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

/-- The text as one argument: `-1` as `(-1)`. -/
def atom (text : String) : String :=
  if isBracketed text || !anyL (fun c => c == ' ' || c == '-') text.toList then text else "(" ++ text ++ ")"
where
  isBracketed (s : String) : Bool := anyL (fun bracket => s.startsWith bracket) ["[", "#", "(", "⟨", "\"", "'"]

/-- `fun _ => fun x => x` as `fun _ x => x`. -/
def funText (x body : String) : String :=
  match body.startsWith "fun " with
  | true => "fun " ++ x ++ " " ++ (body.drop 4).toString
  | false => "fun " ++ x ++ " => " ++ body

def pairTexts (xs ys : List String) : List String :=
  concat (mapL (fun x => mapL (fun y => "(" ++ x ++ ", " ++ y ++ ")") ys) xs)

/-- The constructor on each value: `some 0`. -/
def under (constructor : String) (xs : List String) : List String := mapL (fun x => constructor ++ " " ++ atom x) xs

/-- Lists of `n` elements: all the same, then of two kinds. -/
def repeated (n : Nat) (x y : String) : List String :=
  match n with
  | 0 => []
  | n + 1 => x :: repeated n y x

def listTexts (opening : String) (elements : List String) : List String :=
  let close (xs : List String) : String := opening ++ joinWith ", " xs ++ "]"
  match elements with
  | [] => [close []]
  | [x] => [close [], close [x], close [x, x]]
  | x :: y :: _ => [close [], close [x], close [y], close [x, y], close [y, x], close [x, x], close [x, y, x]]

/-- Longer vectors are not written out. -/
def maxVector : Nat := 4

def vectorTexts (n : Nat) (elements : List String) : List String :=
  let write (x y : String) : String := "#v[" ++ joinWith ", " (repeated n x y) ++ "]"
  if n > maxVector then [] else
  match n, elements with
  | 0, _ => [write "" ""]
  | _, [] => []
  | _, [x] => [write x x]
  | _, x :: y :: _ => [write x x, write x y, write y x]

/-- Small values of a type, the simplest first; empty where nothing is known of it. -/
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
      return mapL (fun s => s ++ "#" ++ toString w) ["0", "1", "2", "-1"]
    | ``List, [a] => return listTexts "[" (← elements a)
    | ``Array, [a] => return listTexts "#[" (← elements a)
    | ``Vector, [a, n] =>
      let some n ← numeral? n | return []
      return vectorTexts n (← elements a)
    | ``Option, [a] => return "none" :: under "some" (takeL (← elements a) 2)
    | ``Prod, [a, b] => return pairTexts (takeL (← elements a) 2) (takeL (← elements b) 2)
    | ``UInt8, [] | ``UInt16, [] | ``UInt32, [] | ``UInt64, [] => return ["0", "1", "2", "-1"]
    | ``Int8, [] | ``Int16, [] | ``Int32, [] | ``Int64, [] => return ["0", "1", "-1", "2"]
    | _, _ => constructed c
  | _, _, _ => return []
where
  elements (a : Expr) : MetaM (List String) := textsOf a (depth - 1)
  numerals : Option Nat → List String
    | some n => mapL toString (takeL [0, 1, 2, 3] n)
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
      let written := mapL (fun xs => match isStructure, constructor with
        | true, _ => "⟨" ++ joinWith ", " xs ++ "⟩"
        | false, .str _ s => joinWith " " (("." ++ s) :: mapL atom xs)
        | false, _ => "") (← fields ms.toList kinds.toList)
      found := append found (takeL written 4)
    return takeL found 6
  /-- The fields of a constructor, two values of each; a list for each combination. -/
  fields : List Expr → List BinderInfo → MetaM (List (List String))
    | m :: ms, kind :: kinds => do
      let t ← instantiateMVars (← inferType m)
      let rest ← fields ms kinds
      if kind.isInstImplicit then return rest
      let isProof ← isProp t
      let values ← if isProof then pure ["by decide"] else if t.hasExprMVar || !kind.isExplicit then pure [] else elements t
      return concat (mapL (fun x => mapL (fun xs => x :: xs) rest) (takeL values 2))
    | _, _ => return [[]]
  /-- Constant functions, the identity, a projection, and a test for each of two values. -/
  functions (a b : Expr) : MetaM (List String) := do
    let constant := mapL (funText "_") (takeL (← elements b) 2)
    let same := if a == b then ["fun x => x"] else []
    let projection := match b with
      | .forallE _ _ c _ => if a == c then ["fun x _ => x"] else []
      | _ => []
    let step := if a.isConstOf ``Nat && b.isConstOf ``Nat then ["fun x => x + 1"] else []
    let arguments ← elements a
    let test := if b.isConstOf ``Bool then mapL (fun x => "fun x => x == " ++ x) (takeL arguments 2) else []
    return append same (append constant (append projection (append step test)))

/-- What a type, a proposition or a predicate may stand for; empty for data. -/
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
    return append equal (mapL (funText "_") rest)
  | _ => return []

end Alchemy
