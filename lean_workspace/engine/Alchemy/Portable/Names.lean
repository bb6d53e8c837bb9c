import Alchemy.Portable.Lists

/-!
# Names as text

`toString` and interpolation of a `Name` have no code in the embedded Lean, so `nameText` stands in
for them. The rest makes names that a reader can write: `h₁` where `h` is taken, `«if»` where a
name is a keyword.
-/

open Lean

namespace Alchemy

/-- May `s` stand as a part of a name without « »? `"add_comm"` may, `"a b"` may not. -/
def isPlainPart (s : String) : Bool :=
  match s.toList with
  | [] => false
  | c :: cs => isIdFirst c && !L.any cs (fun c => !isIdRest c)

/-- The name as text: `Nat.add_comm`, ``Foo.«a b»``. Stands in for `Name.toString`. -/
def nameText : Name → String
  | .anonymous => ""
  | .str .anonymous s => part s
  | .str p s => nameText p ++ "." ++ part s
  | .num p n => nameText p ++ "." ++ toString n
where
  /-- One part, in « » where it needs them. -/
  part (s : String) : String := if isPlainPart s then s else "«" ++ s ++ "»"

/-- The name as Lean reads it back: a name of one part that is a keyword stands in « ». -/
def nameSource (env : Environment) (n : Name) : String :=
  match n with
  | .str .anonymous s =>
    match Parser.runParserCategory env `term (nameText n) with
    | .ok stx => if stx.isIdent then nameText n else "«" ++ s ++ "»"
    | .error _ => "«" ++ s ++ "»"
  | _ => nameText n

/-- A name that was sent as text: `Init.Data.List`. Its parts are plain. -/
def nameOf (s : String) : Name := s.toName

/-- `.{u, v}`; empty for no parameters. -/
def levelText : List Name → String
  | [] => ""
  | params => ".{" ++ ", ".intercalate (L.map nameText params) ++ "}"

/-- A number in subscript digits: `12` as `₁₂`. -/
partial def subscript (n : Nat) : String :=
  (if n ≥ 10 then subscript (n / 10) else "") ++ String.singleton (Char.ofNat (0x2080 + n % 10))

/-- Drops a subscript. The characters are given and returned from the end: of `h₁₂`, `₂`, `₁`, `h`
becomes `h`. -/
def dropSubscript : List Char → List Char
  | [] => []
  | c :: cs => if 0x2080 ≤ c.toNat && c.toNat ≤ 0x2089 then dropSubscript cs else c :: cs

/-- `base` where it is not in `used`, else the first of `base₁`, `base₂`, … that is not. A subscript
that `base` ends in is replaced: `h₁` and `h₂` give `h₃`, not `h₁₁`. -/
partial def freshName (used : List Name) (base : Name) : Name :=
  if used.contains base then go 1 else base
where
  stem : String := match base with
    | .str _ s => String.ofList (L.reverse (dropSubscript (L.reverse s.toList)))
    | _ => "x"
  go (i : Nat) : Name :=
    let candidate := .mkSimple (stem ++ subscript i)
    if used.contains candidate then go (i + 1) else candidate

end Alchemy
