import Alchemy.Portable.Names
import Alchemy.Portable.Terms
import Lean.Linter.Deprecated
import Lean.Meta.Tactic.Simp
import Lean.Meta.Tactic.Ext

/-!
# The library under study

The library is an environment of its own, apart from the one that the engine is compiled in: the
modules that were asked for, and on top of them the `.lean` files of the user. Its theorems are
numbered. Every engine that opens the same library gives them the same numbers, so requests need no
names.
-/

open Lean Meta

namespace Alchemy

/-- A theorem of the library. -/
structure Entry where
  info : ConstantInfo
  /-- The number of its module. -/
  module : Nat
  /-- The line in its file, from 1; 0 where the library does not say it. -/
  line : Nat := 0

/-- An error in a user's file. -/
structure Problem where
  file : String
  line : Nat
  message : String

/-- A library that is open: its environment and its theorems, by number. -/
structure Library where
  env : Environment
  modules : List Name
  theorems : Array Entry
  /-- The names of the simp theorems, and of the ext theorems. -/
  simp : NameSet := {}
  ext : NameSet := {}
  problems : List Problem := []
  /-- The user's files, in the order in which they were read. -/
  files : List String := []
  /-- What the user's files add to the imported modules. -/
  own : List ModuleData := []

/-! ## Theorems -/

/-- Is it a theorem? In a library without proofs it may be stored as an axiom, and is known to have
been one. -/
def isTheorem (env : Environment) (info : ConstantInfo) : Bool :=
  match info with
  | .thmInfo _ => true
  | _ => wasOriginallyTheorem env info.name

/-- Is it a theorem whose name a person may write, and whose statement fits in memory? -/
def isPublicTheorem (env : Environment) (info : ConstantInfo) : Bool :=
  isTheorem env info && !info.name.isInternalDetail && !isPrivateName info.name
    && !isTooDeep info.type

/-! ## What a module stores

The state of an environment extension can't be read in the embedded Lean
(`ScopedEnvExtension.getState` has no code), so its entries are read as the module stores them. -/

/-- The entries of the extension `ext` in a module. `α` must be their type. -/
unsafe def entriesOfUnsafe (α : Type) (m : ModuleData) (ext : Name) : List α := go m.entries.toList
where
  go : List (Name × Array EnvExtensionEntry) → List α
    | [] => []
    | (n, es) :: rest => if n == ext then unsafeCast es.toList else go rest

unsafe def simpNamesUnsafe (m : ModuleData) (s : NameSet) : NameSet :=
  go (entriesOfUnsafe (ScopedEnvExtension.Entry SimpEntry) m ``simpExtension) s
where
  go : List (ScopedEnvExtension.Entry SimpEntry) → NameSet → NameSet
    | [], s => s
    | .global (.thm t) :: es, s => match t.origin with
      | .decl n _ _ => go es (s.insert n)
      | _ => go es s
    | _ :: es, s => go es s

/-- Adds the simp theorems of a module. -/
@[implemented_by simpNamesUnsafe] opaque simpNames (m : ModuleData) (s : NameSet) : NameSet

unsafe def extNamesUnsafe (m : ModuleData) (s : NameSet) : NameSet :=
  go (entriesOfUnsafe (ScopedEnvExtension.Entry Ext.ExtTheorem) m ``Ext.extExtension) s
where
  go : List (ScopedEnvExtension.Entry Ext.ExtTheorem) → NameSet → NameSet
    | [], s => s
    | .global t :: es, s => go es (s.insert t.declName)
    | _ :: es, s => go es s

/-- Adds the ext theorems of a module. -/
@[implemented_by extNamesUnsafe] opaque extNames (m : ModuleData) (s : NameSet) : NameSet

unsafe def rangesUnsafe (m : ModuleData) : Array (Name × DeclarationRanges) :=
  (entriesOfUnsafe (Name × DeclarationRanges) m ``declRangeExt).toArray

/-- Where the declarations of a module stand in its file, sorted by name (`Name.quickLt`). -/
@[implemented_by rangesUnsafe] opaque rangesIn (m : ModuleData) : Array (Name × DeclarationRanges)

/-- The line of a declaration, from 1; 0 where the library does not say it. It is searched between
the indices `low` and `high`. -/
partial def lineIn (ranges : Array (Name × DeclarationRanges)) (n : Name) (low high : Nat) : Nat :=
  if low ≥ high then 0 else
  let middle := (low + high) / 2
  match ranges[middle]? with
  | none => 0
  | some (name, r) =>
    if name == n then r.range.pos.line
    else if Name.quickLt name n then lineIn ranges n (middle + 1) high
    else lineIn ranges n low middle

/-! ## Collecting -/

/-- The theorems of a module. -/
def entriesIn (env : Environment) (module : Nat) (m : ModuleData) : List Entry :=
  let ranges := rangesIn m
  L.filterMap (fun info =>
    if isPublicTheorem env info then
      some { info, module, line := lineIn ranges info.name 0 ranges.size }
    else none) m.constants.toList

/-- The theorems in the order of their file. Where the library does not say lines, they stay as they
are. -/
def inOrder (entries : List Entry) : List Entry :=
  if L.any entries (fun e => e.line != 0) then
    L.mergeSort entries fun a b =>
      a.line < b.line || (a.line == b.line && nameText a.info.name ≤ nameText b.info.name)
  else entries

/-- A library of these modules: their theorems in the order of the modules and within them, then
those of the user's files, `extra`. -/
def collect (env : Environment) (extra : List Entry) (own : List ModuleData) : Library := Id.run do
  let mut theorems : Array Entry := #[]
  let mut simp : NameSet := {}
  let mut ext : NameSet := {}
  let mut module := 0
  for m in env.header.moduleData.toList do
    simp := simpNames m simp
    ext := extNames m ext
    for entry in inOrder (entriesIn env module m) do
      theorems := theorems.push entry
    module := module + 1
  for m in own do
    simp := simpNames m simp
    ext := extNames m ext
  for entry in extra do
    theorems := theorems.push entry
  return { env, modules := env.header.moduleNames.toList, theorems, simp, ext, own }

/-! ## Questions -/

/-- The names of all that the library declares. -/
def Library.names (l : Library) : List Name :=
  L.flatMap (fun (m : ModuleData) => m.constNames.toList)
    (L.append l.env.header.moduleData.toList l.own)

/-- The tags of a theorem that say how it is meant to be used: `simp`, `ext`, `instance`,
`protected`, `deprecated`. -/
def Library.tags (l : Library) (n : Name) : List String :=
  let tag (is : Bool) (s : String) (rest : List String) := if is then s :: rest else rest
  tag (l.simp.contains n) "simp" <| tag (l.ext.contains n) "ext" <|
    tag (isInstanceCore l.env n) "instance" <| tag (isProtected l.env n) "protected" <|
    tag (Linter.isDeprecated l.env n) "deprecated" []

/-- The number of the theorem of this name. -/
def Library.find? (l : Library) (name : String) : Option Nat :=
  let entries := l.theorems.toList
  let n := nameOf name
  -- names are compared, which is quick; their texts only where that finds none
  match indexOf? (fun e => e.info.name == n) entries 0 with
  | some i => some i
  | none => indexOf? (fun e => nameText e.info.name == name) entries 0
where
  indexOf? (p : Entry → Bool) : List Entry → Nat → Option Nat
    | [], _ => none
    | e :: es, i => if p e then some i else indexOf? p es (i + 1)

end Alchemy
