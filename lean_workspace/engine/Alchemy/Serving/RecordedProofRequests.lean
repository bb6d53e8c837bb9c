import Alchemy.Serving.GymRequests

/-!
# Requests about recorded proofs: `proofs`, `begin`

A proof that a user's file holds is played where it stands there: before its own command, in its
namespace, with what is open.
-/

open Lean Meta

namespace Alchemy

def writtenStepJson (s : WrittenStep) : Json :=
  Json.mkObj [
    ("tactic", .str s.tactic), ("before", jsonStrings s.before), ("after", jsonStrings s.after),
    ("premises", jsonNames s.premises)]

def writtenProofJson (p : WrittenProof) : Json :=
  Json.mkObj [
    ("theorem", .str (nameText p.name)), ("module", jsonNat p.module), ("line", jsonNat p.line),
    ("statement", .str p.statement), ("proof", .str p.proof),
    ("steps", jsonList (L.map writtenStepJson p.steps))]

/-- `proofs`: a page of the recorded proofs. -/
def handleProofs (j : Json) : Answer Json := do
  let start ← field j "from" asNat
  let n ← field j "count" asNat
  let proofs := L.take n (L.drop start (← getSession).proofs.toList)
  return Json.mkObj [("rows", jsonList (L.map writtenProofJson proofs))]

/-- The first state of a recorded proof. Its theorem is read as a theorem whose proof is left open;
an axiom would take other variables of the section. -/
def startOf (p : WrittenProof) : IO (Except String (GymState × List String)) := do
  let signature := "_root_." ++ nameText goalName ++ p.statement
  let text := "theorem " ++ signature ++ " := by sorry"
  match Parser.runParserCategory p.place.env `command text "<text>" with
  | .error e => return .error e
  | .ok stx =>
    let some s ← afterCommand p.place stx text (infos := true)
      | return .error "the elaborator gave up"
    if let some e ← firstError s.messages.toList then return .error e
    let some (.thmInfo v) := s.env.find? goalName | return .error "no statement came of it"
    unless ← isSameStatement p.place.env v.type (plain p.type) do
      return .error "the statement is another one"
    -- it is found by its place: the statement may hold tactics, too
    let sorrySpan : Span := {
      start := text.utf8ByteSize - "sorry".utf8ByteSize, stop := text.utf8ByteSize }
    let gathered := gatherAll (L.ofPersistentArray s.infoState.trees) {}
    match tacticAt sorrySpan (L.reverse gathered.tactics) with
    | none => return .error "no goal came of it"
    | some info =>
      let start := {
        base := p.place, levels := v.levelParams, signature, type := v.type, without := [] }
      firstState start ((enteredBy info).getD 0) p.place.env

/-- `begin`: the first state of a recorded proof. -/
def handleBegin (j : Json) : Answer Json := do
  let i ← field j "proof" asNat
  let some p := (← getSession).proofs[i]? | throw "no such proof"
  match ← startOf p with
  | .error e => return Json.mkObj [("refused", .str e)]
  | .ok (s, goals) =>
    let number ← keepState s
    return Json.mkObj [("state", jsonNat number), ("goals", jsonStrings goals)]

end Alchemy
