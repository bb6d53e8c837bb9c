import Alchemy.Serving.Session
import Alchemy.Printing.WriteVariant
import Alchemy.Gym.Hints

/-!
# The requests of the gym: `words`, `negate`, `start`, `step`, `focus`, `hints`, `release`
-/

open Lean Meta

namespace Alchemy

def namesIn (j : Json) : Option (List Name) :=
  match strings j with
  | some ss => some (mapL nameOf ss)
  | none => none

/-- The theorems of its own module that a statement mentions, `n` itself not among them. -/
def ownMentions (l : Library) (e : Entry) : List Name :=
  let isOwn (n : Name) : Bool := n != e.info.name && match l.env.getModuleIdxFor? n with
    | some i => i.toNat == e.module
    | none => false
  (mentioned l.env isOwn e.info.type.getUsedConstants.toList {}).foldl (fun ns n => n :: ns) []

/-- A theorem's statement in words that read back as itself, and what must stand before it. -/
def handleWords (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "theorem" asNat with
  | .error e => return .error e
  | .ok i =>
    let some entry := l.theorems[i]? | return .error "no such theorem"
    match ← prepare l.env l.env entry.info with
    | .error e => return .error e
    | .ok t =>
      let style : Style := {}
      let w := (← t.run style.budget (do ownWords t (← IO.mkRef {}) style)).getD none
      return .ok <| Json.mkObj [
        ("statement", jsonOpt (fun (w : Written) => .str w.statement) w), ("levels", jsonNames entry.info.levelParams),
        ("module", jsonNat entry.module), ("mentions", jsonNames (ownMentions l entry))]

def handleNegate (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "statement" asString, field j "levels" namesIn with
  | .ok statement, .ok levels => match negationOf l.env levels statement with
    | .ok text => return .ok (Json.mkObj [("statement", .str text)])
    | .error e => return .ok (Json.mkObj [("refused", .str e)])
  | .error e, _ | _, .error e => return .error e

/-- Keeps a state: its number. -/
def keepState (session : IO.Ref Session) (s : GymState) : IO Nat := do
  let n := (← session.get).states.size
  let kept ← IO.mkRef (some s)
  session.modify fun g => { g with states := g.states.push kept }
  return n

/-- A state that is kept. -/
def stateAt (session : IO.Ref Session) (n : Nat) : IO (Option GymState) := do
  match (← session.get).states[n]? with
  | some kept => kept.get
  | none => return none

/-- A theorem that the statement must be, by number, or null. -/
def expectedOf (l : Library) (j : Json) : Option (Option ConstantInfo) :=
  match j with
  | .null => some none
  | j => match asNat j with
    | some i => match l.theorems[i]? with
      | some e => some (some e.info)
      | none => none
    | none => none

/-- The theorems of a module before which an environment stands; null for the whole library. -/
def beforeOf (j : Json) : Option (Option Before) :=
  match j with
  | .null => some none
  | j => match field j "module" asString, field j "available" namesIn with
    | .ok module, .ok available => some (some { module := nameOf module, available })
    | _, _ => none

/-- The environment that a start is in: the last one is kept. -/
def environmentFor (session : IO.Ref Session) (l : Library) : Option Before → IO (Except String Environment)
  | none => return .ok l.env
  | some b => do
    if let some (kept, env) := (← session.get).before then
      if kept == b then return .ok env
    let number := (← session.get).opened
    session.modify fun s => { s with before := none, opened := number + 1 }
    let file := (← IO.currentDir).toString ++ "/before" ++ toString number ++ ".olean"
    match ← openBefore l.env b file with
    | .error e => return .error e
    | .ok env =>
      session.modify fun s => { s with before := some (b, env) }
      return .ok env

/-- Is the theorem absent where it is to be proved? In the whole library it is there. -/
def isAbsent (env : Environment) (before : Option Before) (info : Option ConstantInfo) : Bool :=
  match before, info with
  | some _, some info => !env.contains info.name
  | _, _ => true

def handleStart (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  let refused (why : String) : IO Reply := return .ok (Json.mkObj [("refused", .str why)])
  match field j "statement" asString, field j "levels" namesIn, field j "without" namesIn, field j "theorem" (expectedOf l), field j "before" beforeOf, field j "opens" asString with
  | .ok statement, .ok levels, .ok without, .ok expected, .ok before, .ok opens =>
    match ← environmentFor session l before with
    | .error e => return .error e
    | .ok env =>
      unless isAbsent env before expected do return ← refused "what comes before the theorem mentions it"
      let place ← match ← placeWith env opens with
        | .error e => return ← refused e
        | .ok place => pure place
      match ← readOpen place (signatureText levels statement) with
      | .error e => refused e
      | .ok (start, binders, env) =>
        let same ← match expected with
          | some info => pure (start.levels == info.levelParams) <&&> isSameStatement env start.type (plain info.type)
          | none => pure true
        unless same do return ← refused "the statement is another one"
        match ← firstState { start with without := append (itself before expected) without } binders env with
        | .error e => refused e
        | .ok (s, goals) => return .ok (Json.mkObj [("state", jsonNat (← keepState session s)), ("goals", jsonStrings goals)])
  | .error e, _, _, _, _, _ | _, .error e, _, _, _, _ | _, _, .error e, _, _, _ | _, _, _, .error e, _, _ | _, _, _, _, .error e, _
  | _, _, _, _, _, .error e => return .error e
where
  /-- In the whole library a theorem would be its own proof. -/
  itself : Option Before → Option ConstantInfo → List Name
    | none, some info => [info.name]
    | _, _ => []

def toldJson (t : Told) : List (String × Json) := [("premises", jsonNames t.premises), ("said", jsonStrings t.said)]

def stepJson (session : IO.Ref Session) : Step → IO Json
  | .stumbled r => return Json.mkObj [("refused", Json.mkObj [("stage", .str r.stage), ("message", .str r.message)])]
  | .goals s left told => return Json.mkObj (
      ("state", jsonNat (← keepState session s)) :: ("goals", jsonStrings left.texts) :: ("apart", .bool left.apart) :: toldJson told)
  | .closed told => return Json.mkObj (("closed", .bool true) :: toldJson told)
  | .proved text axioms told => return Json.mkObj (("theorem", .str text) :: ("axioms", jsonStrings axioms) :: toldJson told)

def handleStep (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "state" asNat, field j "tactic" asString, field j "heartbeats" asNat with
  | .ok state, .ok tactic, .ok thousands =>
    let some s ← stateAt session state | return .error "no such state"
    let start ← IO.monoNanosNow
    let step ← stepFrom s tactic thousands
    let micros := ((← IO.monoNanosNow) - start) / 1000
    return .ok ((← stepJson session step).setObjVal! "micros" (jsonNat micros))
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

def handleFocus (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "state" asNat, field j "goal" asNat with
  | .ok state, .ok goal =>
    let some s ← stateAt session state | return .error "no such state"
    match s.focused goal with
    | some part => return .ok (Json.mkObj [("state", jsonNat (← keepState session part))])
    | none => return .error "no such goal"
  | .error e, _ | _, .error e => return .error e

def heldJson (h : Held) : Json := jsonList [.str (nameText h.name), .bool h.isProof, .str (nameText h.type)]

def handleHints (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "state" asNat, field j "premises" asNat, field j "heartbeats" asNat with
  | .ok state, .ok count, .ok thousands =>
    let some s ← stateAt session state | return .error "no such state"
    match ← hintsOf s count thousands with
    | .error e => return .error e
    | .ok h => return .ok <| Json.mkObj [
        ("held", jsonList (mapL heldJson h.held)), ("conclusion", .str (nameText h.conclusion)),
        ("definitions", jsonNames h.definitions), ("premises", jsonNames h.premises)]
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

def naturals (j : Json) : Option (List Nat) :=
  match asList j with
  | some js => readAll asNat js
  | none => none

def handleRelease (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "states" naturals with
  | .error e => return .error e
  | .ok numbers =>
    let states := (← session.get).states
    for n in numbers do
      if let some kept := states[n]? then kept.set none
    return .ok (Json.mkObj [])

end Alchemy
