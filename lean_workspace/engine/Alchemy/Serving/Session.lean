import Alchemy.Files.UserFiles
import Alchemy.Attempts.Target
import Alchemy.Judging.JudgeByParts
import Alchemy.Gym.ProofState
import Alchemy.Gym.EnvironmentBefore

/-!
# What an engine remembers, and how it reads requests

One library, one prepared target with the variants tried on it, and states of the gym.
-/

open Lean Meta

namespace Alchemy

structure Session where
  library : Option Library := none
  /-- Of the user's files. -/
  proofs : Array WrittenProof := #[]
  index : Nat := 0
  target : Option Prepared := none
  carried : Option (IO.Ref Carried) := none
  memory : Option (IO.Ref Memory) := none
  drafts : Array Variant := #[]
  /-- The environment that the last start was in, where it was not the library's own; how many there were. -/
  before : Option (Before × Environment) := none
  opened : Nat := 0
  /-- States of the gym; nothing where one was released. -/
  states : Array (IO.Ref (Option GymState)) := #[]

abbrev Reply := Except String Json

/-- A name as Python sends it: `Init.Data.List`. Modules and variants only, so parts are plain. -/
def nameOf (s : String) : Name := s.toName

def readAll (f : Json → Option α) : List Json → Option (List α)
  | [] => some []
  | j :: js => match f j, readAll f js with
    | some a, some as => some (a :: as)
    | _, _ => none

def strings (j : Json) : Option (List String) :=
  match asList j with
  | some js => readAll asString js
  | none => none

/-- Calls `f` on the theorems of a page. -/
def page (session : IO.Ref Session) (j : Json) (f : Library → Nat → Entry → IO (List Json)) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "from" asNat, field j "count" asNat with
  | .ok start, .ok n =>
    let mut rows : List Json := []
    let mut i := start
    for e in takeL (dropL l.theorems.toList start) n do
      rows := revOn (← f l i e) rows
      i := i + 1
    return .ok (Json.mkObj [("rows", jsonList (rev rows))])
  | .error e, _ | _, .error e => return .error e

/-- The prepared target, if it is the one that the request means. -/
def current (session : IO.Ref Session) (j : Json) : IO (Except String (Library × Prepared)) := do
  let s ← session.get
  match field j "theorem" asNat, s.library, s.target with
  | .ok index, some l, some t => return if index == s.index then .ok (l, t) else .error "another target is prepared"
  | .error e, _, _ => return .error e
  | _, _, _ => return .error "no target is prepared"

end Alchemy
