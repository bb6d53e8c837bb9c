import Alchemy.Writing.Chain
import Alchemy.Attempts.Explain
import Alchemy.Attempts.Profile
import Alchemy.Search.TargetForms
import Alchemy.Serving.LibraryRequests

/-!
# Requests that make variants: `sites`, `target`, `try`, `explain`, `profile`, `write`

A target is prepared once, all its candidates are tried on it, and the variants that are worth
keeping are written. A variant becomes the next target by the candidates that led to it.
-/

open Lean Meta

namespace Alchemy

/-! ## Reading -/

/-- `[site, kind, rule, backward, occurrence]` -/
def asCandidate (j : Json) : Option Candidate :=
  match asList j with
  | some [site, kind, rule, .bool backward, occurrence] =>
    match asNat site, asString kind, asNat rule, asNat occurrence with
    | some site, some kind, some rule, some occurrence =>
      some { site, kind, rule, backward, occurrence }
    | _, _, _, _ => none
  | _ => none

/-- A list of candidates. -/
def asCandidates (j : Json) : Option (List Candidate) := asListOf asCandidate j

/-- `{"explicitly": true, "matchers": false}` -/
def asStyle (j : Json) : Option Style :=
  match field j "explicitly" asBool, field j "matchers" asBool with
  | .ok explicitly, .ok matchers => some { explicitly, matchers }
  | _, _ => none

/-! ## `sites` and `target` -/

/-- The forms of a site. -/
def siteForms (t : Target) (table : IO.Ref FormTable) (i : Nat) (name : String) (e : Expr) :
    IO Json := do
  let forms (x : MetaM (List Json)) : IO Json := do
    return jsonList ((← t.run keyBudget x).getD [])
  return Json.mkObj [
    ("site", jsonNat i), ("name", .str name), ("rw", ← forms (rewriteForms table e)),
    ("apply", ← forms (applyForms table e))]

/-- The forms of all sites of a target. -/
def sitesOf (t : Target) (table : IO.Ref FormTable) : IO (List Json) := do
  let mut out := [← siteForms t table 0 "conclusion" t.conclusion]
  let mut i := 0
  for b in t.binders do
    i := i + 1
    if b.isSite then out := (← siteForms t table i (nameText b.name) b.type) :: out
  return L.reverse out

/-- The rows of the instances among the target's variables. -/
def ownInstances (t : Target) : IO (List Json) := do
  let mut rows : List Json := []
  for i in t.context.localInstances.toList do
    let row : MetaM (List Json) := do instanceRow (← inferType i.fvar)
    rows := L.append ((← t.run keyBudget row).getD [unknownRow i.className]) rows
  return rows

/-- The queries of a target to the index. -/
def queriesOf (t : Target) : IO (List (String × Json)) := do
  let table ← IO.mkRef {}
  let sites ← sitesOf t table
  return [
    ("forms", .arr (← table.get).forms), ("sites", jsonList sites),
    ("instances", jsonList (← ownInstances t))]

/-- A theorem of the library, prepared. One that rests on a forbidden axiom is no target. -/
def preparedTheorem (l : Library) (index : Nat) : Answer Target := do
  let some e := l.theorems[index]? | throw "no such theorem"
  match forbidden (← axiomsBehind l.env [constantOf e.info]) with
  | [] => orThrow (prepare l.env l.env e.info)
  | axioms => throw ("it rests on " ++ ", ".intercalate (L.map nameText axioms))

/-- `sites`: the queries of a theorem to the index. The prepared target stays. -/
def handleSites (j : Json) : Answer Json := do
  let t ← preparedTheorem (← openedLibrary) (← field j "theorem" asNat)
  return Json.mkObj (← queriesOf t)

/-- `target`: prepares a theorem, or what a chain leads to. -/
def handleTarget (j : Json) : Answer Json := do
  let l ← openedLibrary
  let index ← field j "theorem" asNat
  let steps ← field j "steps" asCandidates
  let style ← field j "style" asStyle
  let t ← orThrow (goAll l (← preparedTheorem l index) steps)
  let memory ← IO.mkRef {}
  let readsBack ← if steps matches [] then
      (do return (← t.run style.budget (readsBack t memory style)).getD false)
    else pure true
  let carried ← IO.mkRef t.nothingCarried
  modifySession fun s => { s with
    index, target := some t, carried := some carried, memory := some memory, drafts := #[] }
  let start ← IO.monoNanosNow
  let queries ← queriesOf t
  let micros ← microsSince start
  let binders := L.map (fun b => jsonStrings [nameText b.name, kindText b.kind]) t.binders
  return Json.mkObj <| L.append queries [
    ("binders", jsonList binders), ("reads_back", .bool readsBack), ("micros", jsonNat micros)]

/-! ## `try`, `explain` and `profile` -/

/-- `try`: makes attempts. A draft gets a number, by which it can be written. -/
def handleTry (j : Json) : Answer Json := do
  let (l, t) ← preparedTarget j
  let candidates ← field j "candidates" asCandidates
  let some carried := (← getSession).carried | throw "no target is prepared"
  let mut results : List Json := []
  let start ← IO.monoNanosNow
  for c in candidates do
    match ← attempt l t carried c with
    | .error reason => results := .str reason :: results
    | .ok (v, term) =>
      let n := (← getSession).drafts.size
      modifySession fun s => { s with drafts := s.drafts.push v }
      let result := [jsonNat n, .str term, jsonNat v.conditions, .bool v.introduces]
      results := jsonList result :: results
  let micros ← microsSince start
  return Json.mkObj [("results", jsonList (L.reverse results)), ("micros", jsonNat micros)]

/-- `explain`: one attempt, with its trace. -/
def handleExplain (j : Json) : Answer Json := do
  let (l, t) ← preparedTarget j
  let candidate ← field j "candidate" asCandidate
  let explained ← explain l t candidate
  return Json.mkObj [
    ("outcome", .str explained.outcome), ("message", jsonOpt .str explained.message),
    ("trace", jsonStrings explained.trace)]

def costJson (c : Cost) : Json :=
  let times := [c.total, c.instances, c.typing, c.closing]
  jsonList (.str c.outcome :: L.map (fun ns => jsonNat ns) times)

/-- `profile`: where the time of attempts goes. -/
def handleProfile (j : Json) : Answer Json := do
  let (l, t) ← preparedTarget j
  let candidates ← field j "candidates" asCandidates
  let mut rows : List Json := []
  for c in candidates do
    let some cost ← costOf l t c | throw "no such candidate"
    rows := costJson cost :: rows
  return Json.mkObj [("rows", jsonList (L.reverse rows))]

/-! ## `write` -/

/-- A draft that is to be written. -/
structure Order where
  /-- Its number. -/
  draft : Nat
  name : String
  /-- Does the whole command judge its text as well? -/
  audited : Bool

/-- `[draft, name, audited]` -/
def asOrder (j : Json) : Option Order :=
  match asList j with
  | some [draft, name, audited] => match asNat draft, asString name, asBool audited with
    | some draft, some name, some audited => some { draft, name, audited }
    | _, _, _ => none
  | _ => none

def writtenJson (w : WrittenVariant) (s : Spent) : Json :=
  Json.mkObj [
    ("statement", .str w.statement), ("proof", .str w.proof), ("theorem", .str w.text),
    ("print_options", jsonStrings (L.append w.level.names (markNames w.marks))),
    ("axioms", jsonStrings w.axioms),
    ("micros", jsonList (L.map jsonNat [s.kernel, s.print, s.elaborate])),
    ("term", jsonOpt .str (canonical w.type))]

/-- Has the whole command judge a text that was accepted by its parts. If it does not agree, the
engine is wrong, and the text is refused at the stage `audit`. -/
def audit (t : Target) (v : Variant) (w : WrittenVariant) : IO (Except Refusal WrittenVariant) := do
  match ← checkText t.library w.text (some (v.type, v.levels)) with
  | .ok _ => return .ok w
  | .error r => return .error { stage := "audit", message := r.stage ++ ": " ++ r.message }

/-- `write`: drafts as text, judged. -/
def handleWrite (j : Json) : Answer Json := do
  let (_, t) ← preparedTarget j
  let orders ← field j "drafts" (asListOf asOrder)
  let style ← field j "style" asStyle
  let s ← getSession
  let some memory := s.memory | throw "no target is prepared"
  let mut results : List Json := []
  for order in orders do
    let some v := s.drafts[order.draft]? | throw "no such draft"
    let clock ← IO.mkRef {}
    let writing := writeOne t memory style v (nameOf order.name) clock
    let written ← match ← t.run style.budget writing with
      | none =>
        pure (.error { stage := "budget", message := "the check did not end in its budget" })
      | some (.ok w) => if order.audited then audit t v w else pure (.ok w)
      | some refused => pure refused
    let spent ← clock.get
    results := (match written with
      | .error r => refusalJson r
      | .ok w => writtenJson w spent) :: results
  return Json.mkObj [("results", jsonList (L.reverse results))]

end Alchemy
