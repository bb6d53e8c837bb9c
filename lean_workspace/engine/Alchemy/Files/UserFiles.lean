import Alchemy.Files.RecordedProofs
import Lean.Elab.Import

/-!
# Files of the user

Each is elaborated on top of the imported modules and of the files before it, command by command, as Lean's own front end does
(`Lean.Elab.Frontend`). What a file says for itself alone (`open`, variables, local notation and attributes at its top) ends with it. A
command that fails adds what Lean adds then; a theorem without a proof is no theorem, and what went wrong is said with its line.
-/

open Lean Meta Elab

namespace Alchemy

/-- A file that is being read. -/
structure FileReader where
  input : Parser.InputContext
  parser : Parser.ModuleParserState
  state : Command.State

/-- Elaborates a command: the state after it, whose messages and info trees are the command's own. -/
def elaborated (input : Parser.InputContext) (stx : Syntax) (state : Command.State) : IO Command.State := do
  let context : Command.Context := { fileName := input.fileName, fileMap := input.fileMap, snap? := none, cancelTk? := none }
  match ← (((Command.elabCommandTopLevel stx) context).run state).toIO' with
  | .ok (_, state) => return state
  | .error e => throw (IO.userError (input.fileName ++ ": " ++ (← e.toMessageData.toString)))

/-- Elaborates a command that no file holds. -/
def commanded (input : Parser.InputContext) (text : String) (state : Command.State) : IO Command.State :=
  match Parser.runParserCategory state.env `command text with
  | .ok stx => elaborated input stx state
  | .error e => throw (IO.userError e)

/-- Reads and elaborates one command; what the parser said of it comes along. -/
def FileReader.next (r : FileReader) : IO (Syntax × List Message × FileReader) := do
  let scope := scopeOf r.state
  let context : Parser.ParserModuleContext :=
    { env := r.state.env, options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls }
  let (stx, parser, messages) := Parser.parseCommand r.input context r.parser {}
  return (stx, messages.toList, { r with parser, state := ← elaborated r.input stx r.state })

/-- Closes what a file left open, and with it what it said for itself alone. -/
partial def closeScopes (input : Parser.InputContext) (state : Command.State) : IO Command.State :=
  match state.scopes with
  | scope :: _ :: _ => do
    let closed ← commanded input (if scope.header.isEmpty then "end" else "end " ++ scope.header) state
    if count closed.scopes < count state.scopes then closeScopes input closed else return state
  | _ => return state

/-- What a file gives. -/
structure FileRead where
  env : Environment
  own : ModuleData
  entries : List Entry
  proofs : List WrittenProof
  problems : List Problem

/-- (name as it stands after `theorem`, line) of a declaration. -/
def declared (map : FileMap) (stx : Syntax) : Option (Name × Nat) :=
  let stx := (unwrapped stx).1
  if stx.isOfKind ``Parser.Command.declaration then
    match stx[1].getPos? with  -- after the docstring and the attributes
    | some p => some (stx[1][1][0].getId, (map.toPosition p).line)
    | none => none
  else none

def lineOf (n : Name) : List (Name × Nat) → Nat
  | [] => 0
  | (suffix, line) :: rest => if !suffix.isAnonymous && suffix.isSuffixOf n then line else lineOf n rest

/-- A text as the parser wants it. -/
def inputNamed (name text : String) : Parser.InputContext :=
  { inputString := text, fileName := name, fileMap := text.toFileMap, endPos := text.rawEndPos, endPos_valid := by simp }

def inputOf (file : String) : IO Parser.InputContext := do return inputNamed file (← IO.FS.readFile file)

def problemsOf (file : String) : List Message → BaseIO (List Problem)
  | [] => return []
  | m :: ms => do
    let rest ← problemsOf file ms
    if m.severity matches .error then return { file, line := m.pos.line, message := ← m.data.toString } :: rest else return rest

/-- What is gathered from a file's commands, the last one first. -/
structure Harvested where
  places : List (Name × Nat) := []
  proofs : List WrittenProof := []
  problems : List Problem := []

/-- The state in which the command inside of `open Nat in …` is elaborated. -/
partial def inside (input : Parser.InputContext) (state : Command.State) : List Syntax → IO Command.State
  | [] => return state
  | outer :: rest => do inside input (← elaborated input outer state) rest

/-- How files are read. -/
structure FileOptions where
  /-- Are the proofs in them recorded? That takes long, and memory. -/
  proofs : Bool := false
  /-- The module that the file is the source of; none for files that are modules of nothing. -/
  module : Option Name := none
  /-- As on the command line of Lean. -/
  options : Options := {}

/-- All commands of a file, and the state after them. -/
partial def readCommands (reading : FileOptions) (page : Page) (module : Nat) (r : FileReader) (h : Harvested) : IO (Command.State × Harvested) := do
  let (stx, said, next) ← r.next
  let places := match declared page.map stx with
    | some place => place :: h.places
    | none => h.places
  let problems ← problemsOf r.input.fileName (append said next.state.messages.toList)
  let (command, outer) := unwrapped stx
  let proofs ← if reading.proofs && (theoremIn command).isSome then do
      match ← writtenProof page module (← inside r.input r.state outer) command next.state with
      | some proof => pure (proof :: h.proofs)
      | none => pure h.proofs
    else pure h.proofs
  let h := { places, proofs, problems := revOn problems h.problems }
  if Parser.isTerminalCommand stx then return (next.state, h)
  readCommands reading page module { next with state := { next.state with messages := {}, infoState := { enabled := reading.proofs } } } h

/-- Elaborates a file on top of `env`. Its private names are its own. -/
def openFile (reading : FileOptions) (env : Environment) (module : Nat) (file : String) : IO FileRead := do
  let env := env.setMainModule (reading.module.getD (.mkSimple ("file" ++ toString module)))
  let input ← inputOf file
  let (_, parser, messages) ← Parser.parseHeader input
  let before ← mkModuleData env .private
  let page : Page := { text := input.inputString, map := input.fileMap }
  -- definitions need no code: not all of Lean's own functions have some here
  let start := { Command.mkState env {} reading.options with infoState := { enabled := reading.proofs } }
  let start ← commanded input "noncomputable section" start
  let (state, h) ← readCommands reading page module { input, parser, state := start } {}
  let env := (← closeScopes input state).env
  let old := before.constNames.toList.foldl (fun s n => NameSet.insert s n) {}
  let places := rev h.places
  let mut entries : List Entry := []
  let own ← mkModuleData env .private
  for info in own.constants.toList do
    if !old.contains info.name && isPublicTheorem env info && !((info.value? (allowOpaque := true)).getD info.type).hasSorry then
      entries := { info, module, line := lineOf info.name places } :: entries
  let problems := append (← problemsOf file messages.toList) (rev h.problems)
  return { env, own, entries := inOrder entries, proofs := rev h.proofs, problems }

/-- The modules that the header of a file imports. -/
def headerOf (file : String) : IO (List Import) := do
  let (header, _, _) ← Parser.parseHeader (← inputOf file)
  return (headerToImports header).toList

/-- The environment with namespaces open: `Nat Real`, `scoped BigOperators`, one `open` a line. -/
def placeWith (env : Environment) (opens : String) : IO (Except String Place) := do
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

/-- A file, what it imports of the other files, and of Lean's modules. -/
structure Header where
  file : String
  needs : List String
  imports : List Import

/-- The file that a module's name means: `Shelf.Basic` is one whose path ends in `Shelf/Basic.lean`. -/
def fileOf (module : Name) (files : List String) : Option String :=
  let tail := joinWith "/" (mapL (fun (c : Name) => nameText c) module.components) ++ ".lean"
  first? (fun file => if file == tail || file.endsWith ("/" ++ tail) then some file else none) files

def headersOf (all : List String) : List String → IO (List Header)
  | [] => return []
  | file :: files => do
    let imports ← headerOf file
    let isOwn (i : Import) : Bool := (fileOf i.module all).isSome
    let needs := chooseL (fun (i : Import) => fileOf i.module all) imports
    return { file, needs, imports := keep (fun i => !isOwn i) imports } :: (← headersOf all files)

/-- The files in an order in which each stands after those that it imports; `none` where they import each other. -/
partial def ordered (left : List Header) (done : List String) : Option (List String) :=
  if left matches [] then some (rev done) else
  let isReady (h : Header) : Bool := !anyL (fun n => !anyL (· == n) done) h.needs
  match keep isReady left with
  | [] => none
  | h :: _ => ordered (keep (fun other => other.file != h.file) left) (h.file :: done)

/-- Opens modules and files of the user. Raises where a module is not there. -/
def openLibrary (modules : List Name) (files : List String) (reading : FileOptions) : IO (Library × List WrittenProof) := do
  rest.set {}
  let headers ← headersOf (if reading.module.isSome then [] else files) files  -- a module imports what was compiled
  let some files := ordered headers [] | throw (IO.userError ("these files import each other: " ++ joinWith ", " files))
  let imports := append (mapL (fun m => { module := m }) modules) (concat (mapL (·.imports) headers))
  -- it is never freed: Lean need not count who holds its parts
  allowImport
  let mut env ← importModules imports.toArray {} (leakEnv := true) (loadExts := true)
  let mut extra : List Entry := []
  let mut own : List ModuleData := []
  let mut problems : List Problem := []
  let mut proofs : List WrittenProof := []
  let mut module := count env.header.moduleNames.toList
  for file in files do
    let opened ← openFile reading env module file
    env := opened.env
    own := [opened.own]  -- of the last file: it holds what the files before it added
    extra := append extra opened.entries
    problems := append problems opened.problems
    proofs := append proofs opened.proofs
    module := module + 1
  return ({ collect env extra own with problems, files }, proofs)

end Alchemy
