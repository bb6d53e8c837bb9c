import Alchemy.Serving.JudgingRequests
import Alchemy.Serving.MutationRequests
import Alchemy.Serving.RecordedProofRequests
import Alchemy.Serving.RefutationRequests

/-!
# The engine

The engine reads requests as JSON lines on standard input and writes one reply for each on standard
output; its first line is `ready`. It holds one library, one prepared target with the variants found
on it, and proof states. What is worth keeping is not decided here. The other side is
`lean_workspace/protocol.py`.

    → {"id": 1, "request": "find", "names": ["Nat.add_comm"]}
    ← {"id": 1, "ok": {"numbers": [12]}}
    ← {"id": 1, "error": "no library is open"}

Each request with its fields, and what its reply holds:

* `open`: `modules`, `files`, `proofs` (are those in the files recorded?), `module` (that the file
  is the source of, or null), `options` (`[name, value]`). Reply: `modules`, `count`, `problems`.
* `theorems`, `keys`: `from`, `count`. Reply: `rows`.
* `declarations`: `module` (its number). Reply: `imports`; `rows`, `[name, kind, signature]` of what
  it declares beside theorems.
* `instances`. Reply: `rows`, `[class, argument, …]` of each instance of the library
  (`Classes.lean`).
* `find`: `names`. Reply: `numbers`, null for a name that is no theorem.
* `sites`: `theorem`. Reply: `sites` with their `forms`, `instances` of its own.
* `target`: `theorem`, `steps` (the candidates that lead from it to the target), `style`. Reply:
  what `sites` replies; `binders`, `reads_back`; `micros` for what `sites` replies alone.
* `try`: `theorem`, `candidates` (`[site, kind, rule, backward, occurrence]`). Reply: `results`,
  `[draft, term, conditions, introduces]` or a reason; `micros` for the attempts alone.
* `explain`: `theorem`, `candidate` (as in `try`). Reply: `outcome`, which is `draft` or the reason;
  `message`, Lean's error message or null; `trace`, lines (`Trace.lean`).
* `profile`: as `try`. Reply: `rows`, `[outcome, total, instances, typing, closing]`, in
  nanoseconds.
* `write`: `theorem`, `drafts` (`[draft, name, audited]`), `style` (`explicitly`, `matchers`).
  Reply: `results`, a written variant or `{stage, message}`.
* `check`: `text`, `parts` (is it judged by its parts where these are enough?). Reply: `name`,
  `term`, `level_params`, `axioms`, or `refused`.
* `grade`: `signature` (what stands between `theorem` and `:=`), `target`, `tactics` (of the
  portfolio). Reply: `closed_by`, the first that proves it, or null.
* `kernel`: `statement`, `proof` (theorems). Reply: `refused`, what the kernel says of the second as
  a proof of the first, or null.
* `places`: `theorem`. Reply: `places`, `[kind, site, occurrence]` of the changes without a lemma.
* `refute`: `theorem`, `changes` (`[kind, site, rule or null, occurrence, name]`). Reply: `results`,
  a refuted statement or `{stage, message}`.
* `words`: `theorem`. Reply: `statement` that reads back as it, or null; `levels`, `module`,
  `mentions` (the theorems of its module in it).
* `negate`: `statement`, `levels`. Reply: `statement` of the negation, or `refused`.
* `start`: `statement`, `levels`, `theorem` (that it must be, or null), `without`, `before`
  (`module`, `available`, or null), `opens` (namespaces). Reply: `state`, `goals`, or `refused`.
* `step`: `state`, `tactic`, `heartbeats`. Reply: `state`, `goals` and `apart`, or `closed`, or
  `theorem` and `axioms`, or `refused`; with them `premises` that the tactic names, `said`
  (messages) and `micros`.
* `focus`: `state`, `goal` (its place). Reply: `state` with this goal alone.
* `hints`: `state`, `premises` (how many), `heartbeats`. Reply: `held`
  (`[name, isProof, inductive type]`), `conclusion`, `definitions`, `premises`.
* `proofs`: `from`, `count`. Reply: `rows`, the proofs of the user's files as they were written,
  with their steps.
* `begin`: `proof` (its number). Reply: as for `start`.
* `release`: `states`. Reply: nothing.
-/

open Lean

namespace Alchemy

/-- A request by its name, and what answers it. -/
structure Request where
  name : String
  answer : Json → Answer Json

/-- All requests. -/
def requests : List Request := [
  { name := "open", answer := handleOpen },
  { name := "theorems", answer := fun j => pageOf j fun l _ e => do return [← theoremRow l e] },
  { name := "keys", answer := fun j => pageOf j keyRows },
  { name := "declarations", answer := handleDeclarations },
  { name := "instances", answer := handleInstances },
  { name := "sites", answer := handleSites },
  { name := "target", answer := handleTarget },
  { name := "try", answer := handleTry },
  { name := "explain", answer := handleExplain },
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

/-- The first line of output: versions, and the kinds and requests that this engine knows. -/
def readyLine : Json := Json.mkObj [("ready", Json.mkObj [
  ("engine", .str engineVersion), ("toolchain", .str Lean.versionString),
  ("kinds", jsonStrings (L.map (·.name) kinds)),
  ("requests", jsonStrings (L.map (·.name) requests))])]

/-- The reply to one line of input. Nothing is thrown: an error is a reply. -/
def answerLine (session : IO.Ref Session) (line : String) : IO Json := do
  let failed (id : Json) (message : String) := Json.mkObj [("id", id), ("error", .str message)]
  match Json.parse line with
  | .error e => return failed .null e
  | .ok j =>
    let id := (j.getObjVal? "id").toOption.getD .null
    match field j "request" asString with
    | .error e => return failed id e
    | .ok name =>
      let some r := L.find? (·.name == name) requests
        | return failed id ("unknown request `" ++ name ++ "`")
      try
        match ← r.answer j session with
        | .ok reply => return Json.mkObj [("id", id), ("ok", reply)]
        | .error e => return failed id e
      catch e => return failed id (toString e)

/-- Answers until the input ends, so that no engine outlives its worker. -/
partial def loop (session : IO.Ref Session) (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  if line == "" then return
  output.putStrLn (← answerLine session line).compress
  output.flush
  loop session input output

/-- Runs the engine. The argument is the root of the Lean installation. -/
def serve (args : List String) : IO Unit := do
  initSearchPath (match args with | root :: _ => root | [] => ".")
  let output ← IO.getStdout
  discard <| IO.setStdout (← IO.getStderr)  -- what a source prints is no reply
  output.putStrLn readyLine.compress
  output.flush
  loop (← IO.mkRef {}) (← IO.getStdin) output
  IO.Process.forceExit 0

end Alchemy
