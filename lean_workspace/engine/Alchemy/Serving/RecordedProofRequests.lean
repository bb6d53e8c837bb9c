import Alchemy.Serving.GymRequests

/-!
# The requests about written proofs: `proofs`, `begin`

A proof that a file holds is played where it stands there: before its own command, in its namespace, with what is open.
-/

open Lean Meta

namespace Alchemy

def writtenStepJson (s : WrittenStep) : Json := Json.mkObj [
  ("tactic", .str s.tactic), ("before", jsonStrings s.before), ("after", jsonStrings s.after), ("premises", jsonNames s.premises)]

def writtenProofJson (p : WrittenProof) : Json := Json.mkObj [
  ("theorem", .str (nameText p.name)), ("module", jsonNat p.module), ("line", jsonNat p.line), ("statement", .str p.statement),
  ("proof", .str p.proof), ("steps", jsonList (mapL writtenStepJson p.steps))]

def handleProofs (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "from" asNat, field j "count" asNat with
  | .ok start, .ok n =>
    let proofs := (← session.get).proofs.toList
    return .ok (Json.mkObj [("rows", jsonList (mapL writtenProofJson (takeL (dropL proofs start) n)))])
  | .error e, _ | _, .error e => return .error e

/-- The first state of a written proof's theorem. It is read as a theorem, whose proof is left open: of the variables of a section an axiom
takes others. -/
def startOf (p : WrittenProof) : IO (Except String (GymState × List String)) := do
  let signature := "_root_." ++ nameText goalName ++ p.statement
  let text := "theorem " ++ signature ++ " := by sorry"
  match Parser.runParserCategory p.place.env `command text "<text>" with
  | .error e => return .error e
  | .ok stx =>
    let some s ← afterCommand p.place stx text (infos := true) | return .error "the elaborator gave up"
    if let some e ← firstError s.messages.toList then return .error e
    let some (.thmInfo v) := s.env.find? goalName | return .error "no statement came of it"
    unless ← isSameStatement p.place.env v.type (plain p.type) do return .error "the statement is another one"
    -- a statement may hold tactics, too
    let open_ : Span := { start := text.utf8ByteSize - "sorry".utf8ByteSize, stop := text.utf8ByteSize }
    match metAt open_ (rev (gatherAll (elements s.infoState.trees) {}).met) with
    | none => return .error "no goal came of it"
    | some info =>
      let start := { base := p.place, levels := v.levelParams, signature, type := v.type, without := [] }
      firstState start ((enteredBy info).getD 0) p.place.env

def handleBegin (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "proof" asNat with
  | .error e => return .error e
  | .ok i =>
    let some p := (← session.get).proofs[i]? | return .error "no such proof"
    match ← startOf p with
    | .error e => return .ok (Json.mkObj [("refused", .str e)])
    | .ok (s, goals) => return .ok (Json.mkObj [("state", jsonNat (← keepState session s)), ("goals", jsonStrings goals)])

end Alchemy
