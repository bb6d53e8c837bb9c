import Alchemy.Attempts.Attempt

/-!
# One attempt, explained

An attempt is made with the option `trace.Alchemy.attempt` set. It begins with empty caches, as the
first attempt on its target does, and has the budget of any attempt.
-/

open Lean Meta

namespace Alchemy

/-- How an attempt ended, and why. -/
structure Explanation where
  /-- `draft`, or the reason that `try` gives: `refused`, `unchanged`, `metavariables`, … -/
  outcome : String
  /-- Lean's error message, where Lean refused. -/
  message : Option String := none
  /-- The lines of the trace. -/
  trace : List String := []

/-- Logs what is tried. -/
def logCandidate (f : FoundCandidate) (c : Candidate) : MetaM Unit := do
  let direction := if c.backward then "backward" else "forward"
  let place := match f.site with
    | .conclusion => "the conclusion"
    | .hypothesis b => "the hypothesis " ++ nameText b.name
  let occurrence := if c.occurrence == 0 then "" else ", occurrence " ++ toString c.occurrence
  let rule := f.kind.name ++ " " ++ nameText f.rule.name
  logTrace m!"{rule}, {direction}{occurrence}, at {place}: {f.proposition}"

/-- Makes an attempt and tells how it ended. -/
def explain (l : Library) (t : Target) (c : Candidate) : IO Explanation := do
  match c.find l t with
  | .error reason => return { outcome := reason }
  | .ok f =>
    let x : MetaM (Except String Variant) := do
      logCandidate f c
      let result ← withBudget attemptBudget (f.attempt t c)
      if let .ok v := result then logTrace m!"new statement: {v.type}"
      return result
    let state ← IO.mkRef t.state
    let core ← IO.mkRef t.core
    let options := ({} : Options).setBool `trace.Alchemy.attempt true
    let result ← (x t.context state (coreContext attemptBudget options) core).toBaseIO
    let trace ← traceLines (← core.get).messages.toList
    match result with
    | .error e =>
      return { outcome := "refused", message := some (← e.toMessageData.toString), trace }
    | .ok (.error reason) => return { outcome := reason, trace }
    | .ok (.ok v) =>
      return { outcome := if (canonical v.type).isSome then "draft" else "too large", trace }

end Alchemy
