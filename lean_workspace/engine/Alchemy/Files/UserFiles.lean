import Alchemy.Files.Library
import Alchemy.Files.RecordedProofs
import Alchemy.Portable.Versions
import Lean.Elab.Import

/-!
# Files of the user

Each file is elaborated on top of the imported modules and of the files before it, command by
command, as Lean's own front end does it (`Lean.Elab.Frontend`). What holds only in the file
(`open`, variables, local notation and attributes at its top) ends with it. A command that fails
adds what Lean adds for it. A theorem without a proof is not counted as one, and each error is
reported with its line.
-/

open Lean Meta Elab

namespace Alchemy

/-! ## Commands -/

/-- A file that is being read. -/
structure FileReader where
  input : Parser.InputContext
  parser : Parser.ModuleParserState
  state : Command.State

/-- Elaborates a command. The messages and info trees of the state that is returned are the
command's. -/
def elaborated (input : Parser.InputContext) (stx : Syntax) (state : Command.State) :
    IO Command.State := do
  let context : Command.Context := {
    fileName := input.fileName, fileMap := input.fileMap, snap? := none, cancelTk? := none }
  match ← (((Command.elabCommandTopLevel stx) context).run state).toIO' with
  | .ok (_, state) => return state
  | .error e => throw (IO.userError (input.fileName ++ ": " ++ (← e.toMessageData.toString)))

/-- Elaborates a command that stands in no file. -/
def commanded (input : Parser.InputContext) (text : String) (state : Command.State) :
    IO Command.State :=
  match Parser.runParserCategory state.env `command text with
  | .ok stx => elaborated input stx state
  | .error e => throw (IO.userError e)

/-- Reads and elaborates one command. Beside it come the messages of the parser. -/
def FileReader.next (r : FileReader) : IO (Syntax × List Message × FileReader) := do
  let scope := scopeOf r.state
  let context : Parser.ParserModuleContext := {
    env := r.state.env, options := scope.opts, currNamespace := scope.currNamespace
    openDecls := scope.openDecls }
  let (stx, parser, messages) := Parser.parseCommand r.input context r.parser {}
  return (stx, messages.toList, { r with parser, state := ← elaborated r.input stx r.state })

/-- Closes the namespaces and sections that a file left open. -/
partial def closeScopes (input : Parser.InputContext) (state : Command.State) :
    IO Command.State :=
  match state.scopes with
  | scope :: _ :: _ => do
    let text := if scope.header.isEmpty then "end" else "end " ++ scope.header
    let closed ← commanded input text state
    if L.length closed.scopes < L.length state.scopes then closeScopes input closed
    else return state
  | _ => return state

/-! ## What is gathered -/

/-- What a file gives. -/
structure FileRead where
  env : Environment
  own : ModuleData
  entries : List Entry
  proofs : List WrittenProof
  problems : List Problem

/-- The name of a declaration as it is written, and its line, which is after the docstring and the
attributes. -/
def declared (map : FileMap) (stx : Syntax) : Option (Name × Nat) :=
  let stx := (unwrapped stx).1
  if stx.isOfKind ``Parser.Command.declaration then
    match stx[1].getPos? with
    | some p => some (stx[1][1][0].getId, (map.toPosition p).line)
    | none => none
  else none

/-- The line of the declaration `n`, of which the end of the name may be written; 0 where there is
none. -/
def lineOf (n : Name) : List (Name × Nat) → Nat
  | [] => 0
  | (suffix, line) :: rest =>
    if !suffix.isAnonymous && suffix.isSuffixOf n then line else lineOf n rest

/-- A text as the parser takes it. -/
def inputNamed (name text : String) : Parser.InputContext := {
  inputString := text, fileName := name, fileMap := text.toFileMap, endPos := text.rawEndPos
  endPos_valid := by simp }

def inputOf (file : String) : IO Parser.InputContext := do
  return inputNamed file (← IO.FS.readFile file).crlfToLf

/-- The errors among the messages. -/
def problemsOf (file : String) : List Message → BaseIO (List Problem)
  | [] => return []
  | m :: ms => do
    let rest ← problemsOf file ms
    if m.severity matches .error then
      return { file, line := m.pos.line, message := ← m.data.toString } :: rest
    else return rest

/-- What is gathered from the commands of a file, the last one first. -/
structure Harvested where
  places : List (Name × Nat) := []
  proofs : List WrittenProof := []
  problems : List Problem := []

/-! ## One file -/

/-- How files are read. -/
structure FileOptions where
  /-- Are the proofs in them recorded? That takes long, and memory. -/
  proofs : Bool := false
  /-- The module that the file is the source of, if it is one. -/
  module : Option Name := none
  /-- As on the command line of Lean. -/
  options : Options := {}

/-- The state after the commands `outer`: of `open Nat in theorem …`, that in which the theorem is
elaborated. -/
partial def afterOuter (input : Parser.InputContext) (state : Command.State) :
    (outer : List Syntax) → IO Command.State
  | [] => return state
  | stx :: rest => do afterOuter input (← elaborated input stx state) rest

/-- Elaborates all commands of a file. -/
partial def readCommands (reading : FileOptions) (page : Page) (module : Nat) (r : FileReader)
    (h : Harvested) : IO (Command.State × Harvested) := do
  let (stx, said, next) ← r.next
  let places := match declared page.map stx with
    | some place => place :: h.places
    | none => h.places
  let messages := L.append said next.state.messages.toList
  let problems ← problemsOf r.input.fileName messages
  let (command, outer) := unwrapped stx
  let proofs ← if reading.proofs && (theoremIn command).isSome then do
      let before ← afterOuter r.input r.state outer
      match ← writtenProof page module before command next.state with
      | some proof => pure (proof :: h.proofs)
      | none => pure h.proofs
    else pure h.proofs
  let h := { places, proofs, problems := L.reverseAux problems h.problems }
  if Parser.isTerminalCommand stx then return (next.state, h)
  let state := { next.state with messages := {}, infoState := { enabled := reading.proofs } }
  readCommands reading page module { next with state } h

/-- Elaborates a file on top of `env`. Its private names are its own. -/
def openFile (reading : FileOptions) (env : Environment) (module : Nat) (file : String) :
    IO FileRead := do
  let env := env.setMainModule (reading.module.getD (.mkSimple ("file" ++ toString module)))
  let input ← inputOf file
  let (_, parser, messages) ← Parser.parseHeader input
  let before ← mkModuleData env .private
  let page : Page := { text := input.inputString, map := input.fileMap }
  -- definitions need no code: not all of Lean's own functions have some here
  let start := { Command.mkState env {} reading.options with
    infoState := { enabled := reading.proofs } }
  let start ← commanded input "noncomputable section" start
  let (state, h) ← readCommands reading page module { input, parser, state := start } {}
  let env := (← closeScopes input state).env
  let old := before.constNames.toList.foldl (fun s n => NameSet.insert s n) {}
  let places := L.reverse h.places
  let mut entries : List Entry := []
  let own ← mkModuleData env .private
  for info in own.constants.toList do
    let isNew := !old.contains info.name && isPublicTheorem env info
    if isNew && !((info.value? (allowOpaque := true)).getD info.type).hasSorry then
      entries := { info, module, line := lineOf info.name places } :: entries
  let problems := L.append (← problemsOf file messages.toList) (L.reverse h.problems)
  return { env, own, entries := inOrder entries, proofs := L.reverse h.proofs, problems }

/-- The modules that the header of a file imports. -/
def importsOf (file : String) : IO (List Import) := do
  let (header, _, _) ← Parser.parseHeader (← inputOf file)
  return (headerToImports header).toList

/-- The environment with namespaces open: `opens` has what one `open` takes on each line, such as
`Nat Real` or `scoped BigOperators`. -/
def placeWith (env : Environment) (opens : String) : IO (Except String ReadingPlace) := do
  if opens.isEmpty then return .ok env
  try
    let state ← openAll (opens.splitOn "\n") (Command.mkState env {} textOptions)
    match ← firstError state.messages.toList with
    | some e => return .error e
    | none => return .ok { env := state.env, scopes := state.scopes }
  catch e => return .error (toString e)
where
  openAll : List String → Command.State → IO Command.State
    | [], state => return state
    | line :: lines, state => do
      let text := "open " ++ line
      openAll lines (← commanded (inputNamed "<open>" text) text state)

/-! ## Several files -/

/-- A file, what it imports of the other files, and what of Lean's modules. -/
structure Header where
  file : String
  needs : List String
  imports : List Import

/-- The file that a module's name means: `Shelf.Basic` is one whose path ends in `Shelf/Basic.lean`.
-/
def fileOf (module : Name) (files : List String) : Option String :=
  let parts := L.map (fun (c : Name) => nameText c) module.components
  let tail := "/".intercalate parts ++ ".lean"
  L.find? (fun file => file == tail || file.endsWith ("/" ++ tail)) files

def headersOf (all : List String) : List String → IO (List Header)
  | [] => return []
  | file :: files => do
    let imports ← importsOf file
    let isOwn (i : Import) : Bool := (fileOf i.module all).isSome
    let needs := L.filterMap (fun (i : Import) => fileOf i.module all) imports
    let header := { file, needs, imports := L.filter (fun i => !isOwn i) imports }
    return header :: (← headersOf all files)

/-- The files in an order in which each stands after those that it imports; `none` where they import
each other. -/
partial def ordered (left : List Header) (done : List String) : Option (List String) :=
  if left matches [] then some (L.reverse done) else
  let isReady (h : Header) : Bool := !L.any h.needs (fun n => !done.contains n)
  match L.filter isReady left with
  | [] => none
  | h :: _ => ordered (L.filter (fun other => other.file != h.file) left) (h.file :: done)

/-- Opens modules and files of the user. Throws where one of them is not there. -/
def openLibrary (modules : List Name) (files : List String) (reading : FileOptions) :
    IO (Library × List WrittenProof) := do
  knownAxioms.set {}
  -- the source of a module imports what was compiled
  let headers ← headersOf (if reading.module.isSome then [] else files) files
  let some files := ordered headers []
    | throw (IO.userError ("these files import each other: " ++ ", ".intercalate files))
  let imports := L.append (L.map (fun m => { module := m }) modules)
    (L.flatMap (·.imports) headers)
  -- it is never freed: Lean need not count who holds its parts
  allowImport
  let mut env ← importModules imports.toArray {} (leakEnv := true) (loadExts := true)
  let mut extra : List Entry := []
  let mut own : List ModuleData := []
  let mut problems : List Problem := []
  let mut proofs : List WrittenProof := []
  let mut module := L.length env.header.moduleNames.toList
  for file in files do
    let opened ← openFile reading env module file
    env := opened.env
    own := [opened.own]  -- of the last file: it holds what the files before it added
    extra := L.append extra opened.entries
    problems := L.append problems opened.problems
    proofs := L.append proofs opened.proofs
    module := module + 1
  return ({ collect env extra own with problems, files }, proofs)

end Alchemy
