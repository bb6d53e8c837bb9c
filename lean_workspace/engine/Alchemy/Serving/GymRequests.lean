import Alchemy.Gym.Hints
import Alchemy.Writing.WriteVariant
import Alchemy.Serving.Session

/-!
# The requests of the gym: `words`, `negate`, `start`, `step`, `focus`, `hints`, `release`
-/

open Lean Meta

namespace Alchemy

/-! ## Statements: `words` and `negate` -/

/-- The other theorems of its module that the statement of a theorem mentions. -/
def ownMentions (l : Library) (e : Entry) : List Name :=
  let isOwn (n : Name) : Bool := n != e.info.name && match l.env.getModuleIdxFor? n with
    | some i => i.toNat == e.module
    | none => false
  let inStatement := e.info.type.getUsedConstants.toList
  (mentioned l.env isOwn inStatement {}).foldl (fun ns n => n :: ns) []

/-- `words`: the statement of a theorem in words that read back as itself. -/
def handleWords (j : Json) : Answer Json := do
  let l ← openedLibrary
  let i ← field j "theorem" asNat
  let some entry := l.theorems[i]? | throw "no such theorem"
  let t ← orThrow (prepare l.env l.env entry.info)
  let style : Style := {}
  let w := (← t.run style.budget (do ownWords t (← IO.mkRef {}) style)).getD none
  return Json.mkObj [
    ("statement", jsonOpt (fun (w : WrittenVariant) => .str w.statement) w),
    ("levels", jsonNames entry.info.levelParams), ("module", jsonNat entry.module),
    ("mentions", jsonNames (ownMentions l entry))]

/-- `negate`: the negation of a statement as text. -/
def handleNegate (j : Json) : Answer Json := do
  let l ← openedLibrary
  let statement ← field j "statement" asString
  let levels ← field j "levels" asNames
  match negationOf l.env levels statement with
  | .ok text => return Json.mkObj [("statement", .str text)]
  | .error e => return Json.mkObj [("refused", .str e)]

/-! ## States -/

/-- Keeps a state, and returns its number. -/
def keepState (s : GymState) : Answer Nat := do
  let n := (← getSession).states.size
  let kept ← IO.mkRef (some s)
  modifySession fun g => { g with states := g.states.push kept }
  return n

/-- The kept state that the field `state` names. -/
def stateOf (j : Json) : Answer GymState := do
  let n ← field j "state" asNat
  let some kept := (← getSession).states[n]? | throw "no such state"
  let some s ← kept.get | throw "no such state"
  return s

def asNaturals (j : Json) : Option (List Nat) := asListOf asNat j

/-- `release`: drops states. -/
def handleRelease (j : Json) : Answer Json := do
  let numbers ← field j "states" asNaturals
  let states := (← getSession).states
  for n in numbers do
    if let some kept := states[n]? then kept.set none
  return Json.mkObj []

/-! ## `start` -/

/-- The theorem that the statement must be, by number, or null. -/
def asExpected (l : Library) (j : Json) : Option (Option ConstantInfo) :=
  match j with
  | .null => some none
  | j => match asNat j with
    | some i => match l.theorems[i]? with
      | some e => some (some e.info)
      | none => none
    | none => none

/-- The module and the theorems before which the environment stands; null for the whole library. -/
def asBefore (j : Json) : Option (Option Before) :=
  match j with
  | .null => some none
  | j => match field j "module" asString, field j "available" asNames with
    | .ok module, .ok available => some (some { module := nameOf module, available })
    | _, _ => none

/-- The environment of a start. The last one is kept. -/
def environmentFor (l : Library) : Option Before → Answer Environment
  | none => return l.env
  | some b => do
    if let some (kept, env) := (← getSession).before then
      if kept == b then return env
    let number := (← getSession).opened
    modifySession fun s => { s with before := none, opened := number + 1 }
    let file := (← IO.currentDir).toString ++ "/before" ++ toString number ++ ".olean"
    let env ← orThrow (openBefore l.env b file)
    modifySession fun s => { s with before := some (b, env) }
    return env

/-- Is the theorem absent where it is to be proved? In the whole library it may be there. -/
def isAbsent (env : Environment) (before : Option Before) (info : Option ConstantInfo) : Bool :=
  match before, info with
  | some _, some info => !env.contains info.name
  | _, _ => true

/-- `start`: the first state of a statement. -/
def handleStart (j : Json) : Answer Json := do
  let l ← openedLibrary
  let refused (why : String) : Answer Json := return Json.mkObj [("refused", .str why)]
  let statement ← field j "statement" asString
  let levels ← field j "levels" asNames
  let without ← field j "without" asNames
  let expected ← field j "theorem" (asExpected l)
  let before ← field j "before" asBefore
  let opens ← field j "opens" asString
  let env ← environmentFor l before
  unless isAbsent env before expected do
    return ← refused "what comes before the theorem mentions it"
  match ← placeWith env opens with
  | .error e => refused e
  | .ok place =>
    match ← readStart place (signatureText levels statement) with
    | .error e => refused e
    | .ok (start, binders, env) =>
      let same ← match expected with
        | some info => pure (start.levels == info.levelParams)
            <&&> isSameStatement env start.type (plain info.type)
        | none => pure true
      unless same do return ← refused "the statement is another one"
      let start := { start with without := L.append (itself before expected) without }
      match ← firstState start binders env with
      | .error e => refused e
      | .ok (s, goals) =>
        let number ← keepState s
        return Json.mkObj [("state", jsonNat number), ("goals", jsonStrings goals)]
where
  /-- In the whole library a theorem would be its own proof. -/
  itself : Option Before → Option ConstantInfo → List Name
    | none, some info => [info.name]
    | _, _ => []

/-! ## `step`, `focus` and `hints` -/

def notesJson (notes : StepNotes) : List (String × Json) :=
  [("premises", jsonNames notes.premises), ("said", jsonStrings notes.said)]

def stepJson : Step → Answer Json
  | .refused r =>
    return Json.mkObj [
      ("refused", Json.mkObj [("stage", .str r.stage), ("message", .str r.message)])]
  | .goals s left notes =>
    return Json.mkObj (
      ("state", jsonNat (← keepState s)) :: ("goals", jsonStrings left.texts)
        :: ("apart", .bool left.apart) :: notesJson notes)
  | .closed notes => return Json.mkObj (("closed", .bool true) :: notesJson notes)
  | .proved text axioms notes =>
    return Json.mkObj (
      ("theorem", .str text) :: ("axioms", jsonStrings axioms) :: notesJson notes)

/-- `step`: a tactic from a state. -/
def handleStep (j : Json) : Answer Json := do
  let s ← stateOf j
  let tactic ← field j "tactic" asString
  let thousands ← field j "heartbeats" asNat
  let start ← IO.monoNanosNow
  let step ← stepFrom s tactic thousands
  let micros ← microsSince start
  return (← stepJson step).setObjVal! "micros" (jsonNat micros)

/-- `focus`: a state with one of its goals alone. -/
def handleFocus (j : Json) : Answer Json := do
  let s ← stateOf j
  let goal ← field j "goal" asNat
  let some part := s.focused goal | throw "no such goal"
  return Json.mkObj [("state", jsonNat (← keepState part))]

def localJson (h : LocalHint) : Json :=
  jsonList [.str (nameText h.name), .bool h.isProof, .str (nameText h.type)]

/-- `hints`: what a search may want to know of the first goal. -/
def handleHints (j : Json) : Answer Json := do
  let s ← stateOf j
  let count ← field j "premises" asNat
  let thousands ← field j "heartbeats" asNat
  let h ← orThrow (hintsOf s count thousands)
  return Json.mkObj [
    ("held", jsonList (L.map localJson h.locals)), ("conclusion", .str (nameText h.conclusion)),
    ("definitions", jsonNames h.definitions), ("premises", jsonNames h.premises)]

end Alchemy
