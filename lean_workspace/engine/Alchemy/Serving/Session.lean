import Alchemy.Attempts.Draft
import Alchemy.Attempts.Target
import Alchemy.Files.UserFiles
import Alchemy.Gym.EnvironmentBefore
import Alchemy.Gym.ProofState
import Alchemy.Judging.JudgeByParts
import Alchemy.Portable.JsonFields

/-!
# What an engine holds, and how requests are answered

An engine holds one library, one prepared target with the variants found on it, and states of the
gym. A request is answered in the monad `Answer`, which knows the session. Fields are read with
`← field j "count" asNat`, and `throw` ends the request with an error message:

    def handleFind (j : Json) : Answer Json := do
      let l ← openedLibrary
      let names ← field j "names" asStrings
      return …
-/

open Lean Meta

namespace Alchemy

/-- What an engine holds between two requests. -/
structure Session where
  library : Option Library := none
  /-- The proofs in the user's files. -/
  proofs : Array WrittenProof := #[]
  /-- The number of the prepared target. -/
  index : Nat := 0
  target : Option Target := none
  carried : Option (IO.Ref Carried) := none
  memory : Option (IO.Ref Memory) := none
  /-- The variants that were found on the target, by number. -/
  drafts : Array Variant := #[]
  /-- The environment of the last start, where it was not the library's own. -/
  before : Option (Before × Environment) := none
  /-- How many such environments there were. -/
  opened : Nat := 0
  /-- The states of the gym, by number; `none` where one was released. -/
  states : Array (IO.Ref (Option GymState)) := #[]

/-- Answers a request; `throw` gives the message of an error. -/
abbrev Answer := ReaderT (IO.Ref Session) (ExceptT String IO)

/-- The session as it is now. -/
def getSession : Answer Session := do (← read).get

/-- Changes the session. -/
def modifySession (f : Session → Session) : Answer Unit := do (← read).modify f

/-- The result of `x`; an error of it is that of the request. -/
def orThrow (x : IO (Except String α)) : Answer α := do
  match ← x with
  | .ok a => return a
  | .error e => throw e

/-- The open library. -/
def openedLibrary : Answer Library := do
  let some l := (← getSession).library | throw "no library is open"
  return l

/-- The library and the prepared target, if it is the one that the request means. -/
def preparedTarget (j : Json) : Answer (Library × Target) := do
  let s ← getSession
  let index ← field j "theorem" asNat
  let some l := s.library | throw "no target is prepared"
  let some t := s.target | throw "no target is prepared"
  unless index == s.index do throw "another target is prepared"
  return (l, t)

/-- Microseconds since a time of `IO.monoNanosNow`. -/
def microsSince (start : Nat) : BaseIO Nat := do return ((← IO.monoNanosNow) - start) / 1000

/-- A refusal, as all replies have it. -/
def refusalJson (r : Refusal) : Json :=
  Json.mkObj [
    ("stage", .str r.stage), ("message", .str r.message),
    ("place", jsonOpt (fun p => jsonList [jsonNat p.line, jsonNat p.column]) r.place)]

end Alchemy
