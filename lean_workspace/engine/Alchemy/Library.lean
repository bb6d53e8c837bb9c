import Alchemy.Portable
import Lean.Elab.Frontend
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

/-- The theorems of the imported modules, in the order of the modules, then those of the user's files. -/
def collect (env : Environment) (extra : List Entry) (own : List ModuleData) : Library := Id.run do
  let mut theorems : Array Entry := #[]
  let mut simp : NameSet := {}
  let mut ext : NameSet := {}
  let mut module := 0
  for m in env.header.moduleData.toList do
    simp := simpNames m simp
    ext := extNames m ext
    for info in m.constants.toList do
      if isPublicTheorem env info then theorems := theorems.push { info, module }
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

/-! ## Files of the user -/

/-- (name as it stands after `theorem`, line) of each declaration. -/
def declared (map : FileMap) : List Syntax → List (Name × Nat)
  | [] => []
  | stx :: rest =>
    let later := declared map rest
    if stx.isOfKind ``Parser.Command.declaration then
      let id := stx[1][1][0]
      match stx[1].getPos? with  -- after the docstring and the attributes
      | some p => (id.getId, (map.toPosition p).line) :: later
      | none => later
    else later

def lineOf (n : Name) : List (Name × Nat) → Nat
  | [] => 0
  | (suffix, line) :: rest => if !suffix.isAnonymous && suffix.isSuffixOf n then line else lineOf n rest

/-- A file as the parser wants it. -/
def inputOf (file : String) : IO Parser.InputContext := do
  let s ← IO.FS.readFile file
  return { inputString := s, fileName := file, fileMap := s.toFileMap, endPos := s.rawEndPos, endPos_valid := by simp }

/-- Elaborates a file on top of `env`. The theorems that hold come back, and what went wrong. -/
def openFile (env : Environment) (module : Nat) (file : String) : IO (Environment × ModuleData × List Entry × List Problem) := do
  let context ← inputOf file
  let (_, state, messages) ← Parser.parseHeader context
  let before ← mkModuleData env .private
  let done ← Elab.IO.processCommands context state (Elab.Command.mkState env messages {})
  let env := done.commandState.env
  let mut problems : List Problem := []
  for m in done.commandState.messages.toList do
    if m.severity matches .error then
      problems := { file, line := m.pos.line, message := ← m.data.toString } :: problems
  let old := before.constNames.toList.foldl (fun s n => NameSet.insert s n) {}
  let places := declared context.fileMap done.commands.toList
  let mut entries : List Entry := []
  let own ← mkModuleData env .private
  for info in own.constants.toList do
    if !old.contains info.name && isPublicTheorem env info && !(info.value?.getD info.type).hasSorry then
      entries := { info, module, line := lineOf info.name places } :: entries
  let inOrder (a b : Entry) := a.line < b.line || (a.line == b.line && atMost (nameText a.info.name) (nameText b.info.name))
  return (env, own, sortL inOrder entries, rev problems)

/-- The modules that the header of a file imports. -/
def headerOf (file : String) : IO (List Import) := do
  let (header, _, _) ← Parser.parseHeader (← inputOf file)
  return (Elab.headerToImports header).toList

/-- Opens modules and files of the user. Raises where a module is not there. -/
def openLibrary (modules : List Name) (files : List String) : IO Library := do
  let mut imports : List Import := mapL (fun m => { module := m }) modules
  for file in files do
    imports := append imports (← headerOf file)
  -- it is never freed: Lean need not count who holds its parts
  let mut env ← importModules imports.toArray {} (leakEnv := true) (loadExts := true)
  let mut extra : List Entry := []
  let mut own : List ModuleData := []
  let mut problems : List Problem := []
  let mut module := count env.header.moduleNames.toList
  for file in files do
    let (env', data, entries, found) ← openFile env module file
    env := env'
    own := [data]  -- of the last file: it holds what the files before it added
    extra := append extra entries
    problems := append problems found
    module := module + 1
  return { collect env extra own with problems }

end Alchemy
