import Alchemy.Attempts.Attempt
import Alchemy.FalseStatements.Refute
import Alchemy.Serving.Session

/-!
# Requests about false statements: `places`, `refute`
-/

open Lean Meta

namespace Alchemy

/-- `places`: the changes that need no lemma. -/
def handlePlaces (j : Json) : Answer Json := do
  let (_, t) ← preparedTarget j
  let places := (← t.run attemptBudget (placesOf t)).getD []
  let rows := L.map (fun (kind, site, i) => jsonList [.str kind, jsonNat site, jsonNat i]) places
  return Json.mkObj [("places", jsonList rows)]

/-- A change that is asked for. -/
structure ChangeOrder where
  kind : String
  site : Nat
  /-- The number of the lemma; `none` without one. -/
  rule : Option Nat
  occurrence : Nat
  /-- The name of the theorem to be. -/
  name : String

/-- `[kind, site, rule or null, occurrence, name]` -/
def asChangeOrder (j : Json) : Option ChangeOrder :=
  match asList j with
  | some [kind, site, rule, occurrence, name] =>
    match asString kind, asNat site, asNat occurrence, asString name with
    | some kind, some site, some occurrence, some name =>
      some { kind, site, rule := asNat rule, occurrence, name }
    | _, _, _, _ => none
  | _ => none

/-- How a change is made; `none` where there is no such kind or site. -/
def makingOf (l : Library) (t : Target) (c : ChangeOrder) : Option Making :=
  let rule := match c.rule with
    | some i => l.theorems[i]?
    | none => none
  match L.find? (·.name == c.kind) changeKinds, siteOf t c.site with
  | some kind, some (site, _) =>
    let rule := match rule with
      | some r => some r.info
      | none => none
    some (kind.make t site rule c.occurrence)
  | _, _ => none

def refutedJson (r : Refuted) (micros : Nat) : Json :=
  Json.mkObj [
    ("term", .str r.term), ("negation", .str r.negation), ("statement", .str r.statement),
    ("counterexample", .str r.counterexample), ("proof", .str r.proof), ("theorem", .str r.text),
    ("print_options", jsonStrings r.printOptions), ("axioms", jsonStrings r.axioms),
    ("micros", jsonNat micros)]

/-- `refute`: makes changed statements and looks for counterexamples. -/
def handleRefute (j : Json) : Answer Json := do
  let (l, t) ← preparedTarget j
  let changes ← field j "changes" (asListOf asChangeOrder)
  let mut results : List Json := []
  for c in changes do
    let some make := makingOf l t c | throw "no such change"
    let start ← IO.monoNanosNow
    let refuted ← refute t (nameOf c.name) make
    let micros ← microsSince start
    results := (match refuted with
      | .error r => refusalJson r
      | .ok r => refutedJson r micros) :: results
  return Json.mkObj [("results", jsonList (L.reverse results))]

end Alchemy
