import Alchemy.Portable.Names

/-!
# JSON: writing replies and reading the fields of requests

`Json` is written with `jsonList`, `jsonNat` and the like. A field is read with a *reader*, a
function `Json → Option α` such as `asNat`, which is `none` where the value is of another type:
`field j "count" asNat` is the number, or an error that names the field.
-/

open Lean

namespace Alchemy

/-! ## Writing -/

/-- A JSON array. -/
def jsonList (xs : List Json) : Json := .arr xs.toArray

/-- An array of strings. -/
def jsonStrings (xs : List String) : Json := jsonList (L.map .str xs)

/-- An array of names as text: `["Nat.add_comm"]`. -/
def jsonNames (xs : List Name) : Json := jsonList (L.map (fun n => .str (nameText n)) xs)

/-- A natural number. -/
def jsonNat (n : Nat) : Json := .num (JsonNumber.fromNat n)

/-- What `f` makes of the value; `null` for `none`. -/
def jsonOpt (f : α → Json) : Option α → Json
  | some a => f a
  | none => .null

/-! ## Reading -/

/-- A natural number. -/
def asNat : Json → Option Nat
  | .num n => if n.exponent == 0 && n.mantissa ≥ 0 then some n.mantissa.toNat else none
  | _ => none

/-- `true` or `false`. -/
def asBool : Json → Option Bool
  | .bool b => some b
  | _ => none

/-- A string. -/
def asString : Json → Option String
  | .str s => some s
  | _ => none

/-- A name, sent as a string. -/
def asName (j : Json) : Option Name := (asString j).map nameOf

/-- The elements of an array. -/
def asList : Json → Option (List Json)
  | .arr a => some a.toList
  | _ => none

/-- A list whose elements `read` reads. -/
def asListOf (read : Json → Option α) (j : Json) : Option (List α) :=
  match asList j with
  | some js => go js
  | none => none
where
  go : List Json → Option (List α)
    | [] => some []
    | j :: js => match read j, go js with
      | some a, some as => some (a :: as)
      | _, _ => none

/-- A list of strings. -/
def asStrings (j : Json) : Option (List String) := asListOf asString j

/-- A list of names. -/
def asNames (j : Json) : Option (List Name) := asListOf asName j

/-- `null`, which is `some none`, or what `read` reads. -/
def asNullOr (read : Json → Option α) : Json → Option (Option α)
  | .null => some none
  | j => (read j).map some

/-- A field of a request, or an error that names the field. -/
def field (j : Json) (name : String) (read : Json → Option α) : Except String α :=
  match j.getObjVal? name with
  | .ok v => match read v with
    | some a => .ok a
    | none => .error ("field `" ++ name ++ "` has another type")
  | .error _ => .error ("field `" ++ name ++ "` is missing")

end Alchemy
