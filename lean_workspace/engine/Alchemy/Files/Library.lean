import Alchemy.Portable
import Lean.Linter.Deprecated
import Lean.Meta.Tactic.Simp
import Lean.Meta.Tactic.Ext

/-!
# The library under study

An environment of its own, apart from the one that the engine is written in: the modules asked
for, and on top of them the `.lean` files of the user. Its theorems are numbered; the numbers are
the same in every engine that opens the same library, so that requests need no names.
-/

open Lean Meta

namespace Alchemy

/-- A theorem and the place of its module. -/
structure Entry where
  info : ConstantInfo
  module : Nat
  /-- Line in its file, from 1; 0 where the library does not carry it. -/
  line : Nat := 0

/-- What an error in a user's file is. -/
structure Problem where
  file : String
  line : Nat
  message : String

structure Library where
  env : Environment
  modules : List Name
  theorems : Array Entry
  simp : NameSet := {}
  ext : NameSet := {}
  problems : List Problem := []
  /-- Of the user, in the order in which they were read. -/
  files : List String := []
  /-- What the user's files add to the imported modules. -/
  own : List ModuleData := []

/-- Theorems of a library keep their kind where it was stripped of proofs. -/
def isTheorem (env : Environment) (info : ConstantInfo) : Bool :=
  match info with
  | .thmInfo _ => true
  | _ => wasOriginallyTheorem env info.name

/-- Is it a theorem with a name that a person may write, and a statement that fits in memory? -/
def isPublicTheorem (env : Environment) (info : ConstantInfo) : Bool :=
  isTheorem env info && !info.name.isInternalDetail && !isPrivateName info.name && !isTooDeep info.type

/-- The entries of the extension `ext` that a module brings, as a list of another type. -/
unsafe def entriesOfUnsafe (α : Type) (m : ModuleData) (ext : Name) : List α := go m.entries.toList
where
  go : List (Name × Array EnvExtensionEntry) → List α
    | [] => []
    | (n, es) :: rest => if n == ext then unsafeCast es.toList else go rest

/-- The simp theorems that a module brings. `ScopedEnvExtension.getState` has no code in the
embedded Lean, so the entries are read as the module stores them. -/
unsafe def simpNamesUnsafe (m : ModuleData) (s : NameSet) : NameSet :=
  go (entriesOfUnsafe (ScopedEnvExtension.Entry SimpEntry) m ``simpExtension) s
where
  go : List (ScopedEnvExtension.Entry SimpEntry) → NameSet → NameSet
    | [], s => s
    | .global (.thm t) :: es, s => match t.origin with
      | .decl n _ _ => go es (s.insert n)
      | _ => go es s
    | _ :: es, s => go es s

@[implemented_by simpNamesUnsafe] opaque simpNames (m : ModuleData) (s : NameSet) : NameSet

/-- The ext theorems that a module brings. -/
unsafe def extNamesUnsafe (m : ModuleData) (s : NameSet) : NameSet :=
  go (entriesOfUnsafe (ScopedEnvExtension.Entry Ext.ExtTheorem) m ``Ext.extExtension) s
where
  go : List (ScopedEnvExtension.Entry Ext.ExtTheorem) → NameSet → NameSet
    | [], s => s
    | .global t :: es, s => go es (s.insert t.declName)
    | _ :: es, s => go es s

@[implemented_by extNamesUnsafe] opaque extNames (m : ModuleData) (s : NameSet) : NameSet

/-- Where a module's declarations stand in its file, as the module stores it: sorted, so that Lean can search in it. -/
unsafe def rangesUnsafe (m : ModuleData) : Array (Name × DeclarationRanges) :=
  (entriesOfUnsafe (Name × DeclarationRanges) m ``declRangeExt).toArray

@[implemented_by rangesUnsafe] opaque rangesIn (m : ModuleData) : Array (Name × DeclarationRanges)

/-- The line of a declaration, from 1; 0 where the library does not carry it. Between places `low` and `high`. -/
partial def lineIn (ranges : Array (Name × DeclarationRanges)) (n : Name) (low high : Nat) : Nat :=
  if low ≥ high then 0 else
  let middle := (low + high) / 2
  match ranges[middle]? with
  | none => 0
  | some (name, r) =>
    if name == n then r.range.pos.line
    else if Name.quickLt name n then lineIn ranges n (middle + 1) high
    else lineIn ranges n low middle

/-- The theorems of a module. -/
def entriesIn (env : Environment) (module : Nat) (m : ModuleData) : List Entry :=
  let ranges := rangesIn m
  chooseL (fun info =>
    if isPublicTheorem env info then some { info, module, line := lineIn ranges info.name 0 ranges.size } else none) m.constants.toList

/-- In the order in which they stand in their file; those of a module without lines stay as they are. -/
def inOrder (entries : List Entry) : List Entry :=
  if anyL (fun e => e.line != 0) entries then
    sortL (fun a b => a.line < b.line || (a.line == b.line && atMost (nameText a.info.name) (nameText b.info.name))) entries
  else entries

/-- The theorems of the imported modules, in the order of the modules and within them, then those of the user's files. -/
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

/-- The names of all that the library declares. -/
def Library.names (l : Library) : List Name :=
  concat (mapL (fun (m : ModuleData) => m.constNames.toList) (append l.env.header.moduleData.toList l.own))

/-- The tags of a theorem that say how it is meant to be used. -/
def Library.tags (l : Library) (n : Name) : List String :=
  let tag (is : Bool) (s : String) (rest : List String) := if is then s :: rest else rest
  tag (l.simp.contains n) "simp" <| tag (l.ext.contains n) "ext" <| tag (isInstanceCore l.env n) "instance" <|
    tag (isProtected l.env n) "protected" <| tag (Linter.isDeprecated l.env n) "deprecated" []

end Alchemy
