import Alchemy.Serving.MutationRequests
import Alchemy.Judging.Grade
import Alchemy.FalseStatements.Refute
import Alchemy.Attempts.Profile
import Alchemy.Serving.RecordedProofRequests

/-!
# The engine

JSON lines on standard input, one reply for each on standard output; a `ready` line first. The
engine holds one library, one prepared target with the variants tried on it, and states of proofs. It decides nothing
about what is worth keeping.

| request | fields | reply |
|---|---|---|
| `open` | `modules`, `files`; `proofs`: are those in files recorded?; `module` that the file is the source of, or null; `options`: `[name, value]` | `modules`, `count`, `problems` |
| `theorems`, `keys` | `from`, `count` | `rows` |
| `declarations` | `module`: its number | `imports`; `rows`: `[name, kind, signature]` of what it declares beside theorems |
| `instances` | | `rows`: `[class, argument …]` of each instance of the library (`Classes.lean`) |
| `target` | `theorem`, `steps`: candidates that lead from it to the target meant; `style` | `binders`, `sites` with their forms, `instances` of its own, `reads_back`; `micros` of the forms alone |
| `try` | `theorem`, `candidates`: `[site, kind, rule, backward, occurrence]` | `results`: `[draft, term, conditions, introduces]` or a reason; `micros` of the attempts alone |
| `profile` | as `try` | `rows`: `[outcome, total, instances, typing, closing]`, in nanoseconds |
| `write` | `theorem`, `drafts`: `[draft, name, audited]`; `style`: `explicitly`, `matchers` (`Wording.lean`) | `results`: a written variant, or `{stage, message}` |
| `check` | `text`; `parts`: is it judged by its parts where these say enough? | `name`, `term`, `axioms`, or `refused` |
| `grade` | `signature`: what stands between `theorem` and `:=`; `target`; `tactics`, of the portfolio | `closed_by`: the first that proves it, or null |
| `kernel` | `statement`, `proof`: theorems | `refused`: what the kernel says of the second as a proof of the first |
| `places` | `theorem` | `places`: `[kind, site, occurrence]` of the changes that need no lemma |
| `refute` | `theorem`, `changes`: `[kind, site, rule or null, occurrence, name]` | `results`: a refuted statement, or `{stage, message}` |
| `find` | `names` | `numbers`, null for a name that is no theorem |
| `words` | `theorem` | `statement` that reads back as it, or null; `levels`; `module`; `mentions`: theorems of its module in it |
| `negate` | `statement`, `levels` | `statement` of the negation, or `refused` |
| `start` | `statement`, `levels`; `theorem` that it must be, or null; `without`; `before`: `module`, `available`, or null; `opens`: namespaces | `state`, `goals`, or `refused` |
| `step` | `state`, `tactic`, `heartbeats` | `state` and `goals`, or `theorem` and `axioms`, or `refused`; `premises` that the tactic names; `said`: messages |
| `hints` | `state`, `premises`: how many, `heartbeats` | `held`: `[name, isProof, inductive type]`; `conclusion`, `definitions`, `premises` |
| `proofs` | `from`, `count` | `rows`: the proofs of the user's files, as they were written, with their steps |
| `begin` | `proof`: its number | as `start` |
| `release` | `states` | |
-/

open Lean Meta

namespace Alchemy

def problemJson (p : Problem) : Json :=
  Json.mkObj [("file", .str p.file), ("line", jsonNat p.line), ("message", .str p.message)]

/-- `["pp.unicode.fun", true]`; an option that need not be known (`weak.…`) has no such mark then. -/
def optionsIn : List Json → Options → Option Options
  | [], o => some o
  | j :: js, o => match asList j with
    | some [name, value] => match asString name, value with
      | some name, .bool b => optionsIn js (o.setBool (plainName name) b)
      | some name, .str s => optionsIn js (o.setString (plainName name) s)
      | some name, value => match asNat value with
        | some n => optionsIn js (o.setNat (plainName name) n)
        | none => none
      | none, _ => none
    | _ => none
where
  plainName (s : String) : Name := (nameOf s).replacePrefix `weak .anonymous

def readingOf (j : Json) : Except String FileOptions :=
  match field j "proofs" asBool, field j "module" asNameOrNull, field j "options" (fun j => match asList j with | some js => optionsIn js {} | none => none) with
  | .ok proofs, .ok module, .ok options => .ok { proofs, module, options }
  | .error e, _, _ | _, .error e, _ | _, _, .error e => .error e
where
  asNameOrNull : Json → Option (Option Name)
    | .null => some none
    | .str s => some (some (nameOf s))
    | _ => none

def handleOpen (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "modules" strings, field j "files" strings, readingOf j with
  | .ok modules, .ok files, .ok reading =>
    try
      let (library, proofs) ← openLibrary (mapL nameOf modules) files reading
      session.set { library := some library, proofs := proofs.toArray }
      return .ok <| Json.mkObj [
        ("modules", append (mapL nameText library.modules) library.files |> jsonStrings),
        ("count", jsonNat library.theorems.size), ("problems", jsonList (mapL problemJson library.problems))]
    catch e => return .error (toString e)
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

def handleDeclarations (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "module" asNat with
  | .error e => return .error e
  | .ok i =>
    let some m := nth? l.env.header.moduleData.toList i | return .error "no such module"
    return .ok <| Json.mkObj [("imports", jsonNames (mapL (fun (i : Import) => i.module) m.imports.toList)),
      ("rows", jsonList (← declarationRows l.env m.constants.toList))]

def handleInstances (session : IO.Ref Session) (_ : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match ← runMeta l.env instancesBudget (instanceRows l.names) with
  | .ok rows => return .ok (Json.mkObj [("rows", jsonList rows)])
  | .error e => return .error e

def handleCheck (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "text" asString, field j "parts" asBool with
  | .error e, _ | _, .error e => return .error e
  | .ok text, .ok parts =>
    let memory ← (match (← session.get).memory with
      | some memory => pure memory
      | none => IO.mkRef {})
    match ← if parts then checkInMemory memory l.env text none else checkText l.env text none with
    | .error r => return .ok (Json.mkObj [("refused", refusalJson r)])
    | .ok p => return .ok <| Json.mkObj [("name", .str (nameText p.name)), ("term", jsonOpt .str (canonical p.type)),
        ("level_params", jsonNames p.levels), ("axioms", jsonStrings p.axioms)]

def automations (j : Json) : Option (List Automation) :=
  match asList j with
  | some js => readAll (fun j => match asString j with | some n => automationOf n portfolio | none => none) js
  | none => none

/-- Which automation proves a statement alone? -/
def handleGrade (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "signature" asString, field j "target" asString, field j "tactics" automations with
  | .ok signature, .ok target, .ok tactics =>
    unless l.env.contains (nameOf target) do return .error ("there is no theorem " ++ target)
    match ← stateOpen l.env signature with
    | .error e => return .error e
    | .ok s => match ← firstClosing s (nameOf target) tactics with
      | .ok closedBy => return .ok (Json.mkObj [("closed_by", jsonOpt .str closedBy)])
      | .error e => return .error e
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

/-- The kernel judges one theorem as the proof of another. Only a theorem that states the same is one. -/
def handleKernel (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "statement" asNat, field j "proof" asNat with
  | .ok statement, .ok proof =>
    match l.theorems[statement]?, l.theorems[proof]? with
    | some s, some p =>
      let value := Expr.const p.info.name (levelsOf s.info)
      match ← runMeta l.env textBudget (kernelCheck `alchemy_judged s.info.levelParams s.info.type value) with
      | .ok refused => return .ok (Json.mkObj [("refused", jsonOpt .str refused)])
      | .error e => return .error e
    | _, _ => return .error "no such theorem"
  | .error e, _ | _, .error e => return .error e

def findName (name : Name) : List Entry → Nat → Option Nat
  | [], _ => none
  | e :: es, i => if e.info.name == name then some i else findName name es (i + 1)

def findText (name : String) : List Entry → Nat → Option Nat
  | [], _ => none
  | e :: es, i => if nameText e.info.name == name then some i else findText name es (i + 1)

/-- Names are compared, which is quick; their texts only where that finds none. -/
def findTheorem (name : String) (entries : List Entry) : Option Nat :=
  match findName (nameOf name) entries 0 with
  | some i => some i
  | none => findText name entries 0

def handleFind (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "names" strings with
  | .ok names =>
    let entries := l.theorems.toList
    return .ok (Json.mkObj [("numbers", jsonList (mapL (fun n => jsonOpt jsonNat (findTheorem n entries)) names))])
  | .error e => return .error e

/-! ## False statements -/

def handlePlaces (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j with
  | .error e => return .error e
  | .ok (_, t) =>
    let places := (← t.run attemptBudget (placesOf t)).getD []
    return .ok (Json.mkObj [("places", jsonList (mapL (fun (kind, site, i) => jsonList [.str kind, jsonNat site, jsonNat i]) places))])

structure Change where
  kind : String
  site : Nat
  rule : Option Nat
  occurrence : Nat
  name : String

def changeOf (j : Json) : Option Change :=
  match asList j with
  | some [kind, site, rule, occurrence, name] =>
    match asString kind, asNat site, asNat occurrence, asString name with
    | some kind, some site, some occurrence, some name => some { kind, site, rule := asNat rule, occurrence, name }
    | _, _, _, _ => none
  | _ => none

/-- How a change is made; `none` where the library has no such kind, site or theorem. -/
def makingOf (l : Library) (t : Prepared) (c : Change) : Option Making :=
  let rule := match c.rule with | some i => l.theorems[i]? | none => none
  match find c.kind changeKinds, siteOf t c.site with
  | some kind, some (site, _) => some (kind.make t site (match rule with | some r => some r.info | none => none) c.occurrence)
  | _, _ => none
where
  find (name : String) : List ChangeKind → Option ChangeKind
    | [] => none
    | k :: ks => if k.name == name then some k else find name ks

def refutedJson (r : Refuted) (micros : Nat) : Json :=
  Json.mkObj [("term", .str r.term), ("negation", .str r.negation), ("statement", .str r.statement),
    ("counterexample", .str r.counterexample), ("proof", .str r.proof), ("theorem", .str r.text),
    ("print_options", jsonStrings r.printOptions), ("axioms", jsonStrings r.axioms), ("micros", jsonNat micros)]

def handleRefute (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "changes" (fun j => match asList j with | some js => readAll changeOf js | none => none) with
  | .ok (l, t), .ok changes =>
    let mut results : List Json := []
    for c in changes do
      let some make := makingOf l t c | return .error "no such change"
      let start ← IO.monoNanosNow
      let refuted ← refute t (nameOf c.name) make
      let micros := ((← IO.monoNanosNow) - start) / 1000
      results := (match refuted with
        | .error r => refusalJson r
        | .ok r => refutedJson r micros) :: results
    return .ok (Json.mkObj [("results", jsonList (rev results))])
  | .error e, _ | _, .error e => return .error e

/-! ## The loop -/

structure Request where
  name : String
  answer : IO.Ref Session → Json → IO Reply

def requests : List Request := [
  { name := "open", answer := handleOpen },
  { name := "theorems", answer := fun s j => page s j fun l _ e => do return [← theoremRow l e] },
  { name := "keys", answer := fun s j => page s j keyRows },
  { name := "declarations", answer := handleDeclarations },
  { name := "instances", answer := handleInstances },
  { name := "target", answer := handleTarget },
  { name := "try", answer := handleTry },
  { name := "profile", answer := handleProfile },
  { name := "write", answer := handleWrite },
  { name := "check", answer := handleCheck },
  { name := "grade", answer := handleGrade },
  { name := "kernel", answer := handleKernel },
  { name := "places", answer := handlePlaces },
  { name := "refute", answer := handleRefute },
  { name := "find", answer := handleFind },
  { name := "words", answer := handleWords },
  { name := "negate", answer := handleNegate },
  { name := "start", answer := handleStart },
  { name := "step", answer := handleStep },
  { name := "proofs", answer := handleProofs },
  { name := "begin", answer := handleBegin },
  { name := "hints", answer := handleHints },
  { name := "focus", answer := handleFocus },
  { name := "release", answer := handleRelease }]

def readyLine : Json := Json.mkObj [("ready", Json.mkObj [
  ("engine", .str engineVersion), ("toolchain", .str Lean.versionString),
  ("kinds", jsonStrings (mapL (·.name) kinds)), ("requests", jsonStrings (mapL (·.name) requests))])]

def requestOf (name : String) : List Request → Option Request
  | [] => none
  | r :: rs => if r.name == name then some r else requestOf name rs

def answer (session : IO.Ref Session) (line : String) : IO Json := do
  let failed (id : Json) (message : String) := Json.mkObj [("id", id), ("error", .str message)]
  match Json.parse line with
  | .error e => return failed .null e
  | .ok j =>
    let id := (j.getObjVal? "id").toOption.getD .null
    match field j "request" asString with
    | .error e => return failed id e
    | .ok name =>
      let some r := requestOf name requests | return failed id ("unknown request `" ++ name ++ "`")
      try
        match ← r.answer session j with
        | .ok reply => return Json.mkObj [("id", id), ("ok", reply)]
        | .error e => return failed id e
      catch e => return failed id (toString e)

/-- Answers until the input ends, so that no engine outlives its worker. -/
partial def loop (session : IO.Ref Session) (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  if line == "" then return
  output.putStrLn (← answer session line).compress
  output.flush
  loop session input output

/-- The argument is the root of the Lean installation. -/
def serve (args : List String) : IO Unit := do
  initSearchPath (match args with | root :: _ => root | [] => ".")
  let output ← IO.getStdout
  discard <| IO.setStdout (← IO.getStderr)  -- what a source prints is no reply
  output.putStrLn readyLine.compress
  output.flush
  loop (← IO.mkRef {}) (← IO.getStdin) output
  IO.Process.forceExit 0

end Alchemy
