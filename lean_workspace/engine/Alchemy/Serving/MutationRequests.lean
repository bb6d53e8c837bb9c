import Alchemy.Serving.Session
import Alchemy.Serving.LibraryRows
import Alchemy.Search.TargetForms
import Alchemy.Attempts.Rewrite
import Alchemy.Attempts.Apply
import Alchemy.Printing.WriteVariant

/-!
# The requests that make variants: `target`, `try`, `write`

A target is prepared once, all its candidates are tried on it, and what is worth it is written. A variant becomes the
next target by the steps that led to it.
-/

open Lean Meta

namespace Alchemy

def kinds : List Kind := [rewriteKind, applyKind]

/-! ## Sites -/

def siteOf (t : Prepared) (i : Nat) : Option (Site × Expr) :=
  if i == 0 then some (.conclusion, t.conclusion)
  else match nth? t.binders (i - 1) with
    | some b => if b.isSite then some (.hypothesis b, b.type) else none
    | none => none

def siteForms (t : Prepared) (table : IO.Ref Table) (i : Nat) (name : String) (e : Expr) : IO Json := do
  let forms (x : MetaM (List Json)) : IO Json := do return jsonList ((← t.run keyBudget x).getD [])
  return Json.mkObj [("site", jsonNat i), ("name", .str name), ("rw", ← forms (rewriteForms table e)),
    ("apply", ← forms (applyForms table e))]

def sitesOf (t : Prepared) (table : IO.Ref Table) : IO (List Json) := do
  let mut out := [← siteForms t table 0 "conclusion" t.conclusion]
  let mut i := 0
  for b in t.binders do
    i := i + 1
    if b.isSite then out := (← siteForms t table i (nameText b.name) b.type) :: out
  return rev out

/-- The instances among the target's variables. -/
def ownInstances (t : Prepared) : IO (List Json) := do
  let mut rows : List Json := []
  for i in t.context.localInstances.toList do
    let row : MetaM (List Json) := do instanceRow (← inferType i.fvar)
    rows := append ((← t.run keyBudget row).getD [unknownRow i.className]) rows
  return rows

/-! ## Attempts -/

structure Candidate where
  site : Nat
  kind : String
  rule : Nat
  backward : Bool
  occurrence : Nat

def candidateOf (j : Json) : Option Candidate :=
  match asList j with
  | some [site, kind, rule, .bool backward, occurrence] =>
    match asNat site, asString kind, asNat rule, asNat occurrence with
    | some site, some kind, some rule, some occurrence => some { site, kind, rule, backward, occurrence }
    | _, _, _, _ => none
  | _ => none

def kindOf (name : String) : List Kind → Option Kind
  | [] => none
  | k :: ks => if k.name == name then some k else kindOf name ks

/-- One attempt: a variant with its statement in canonical form, or why there is none. -/
def attempt (l : Library) (t : Prepared) (carried : IO.Ref Carried) (c : Candidate) : IO (Except String (Variant × String)) := do
  match kindOf c.kind kinds, siteOf t c.site, l.theorems[c.rule]? with
  | some kind, some (site, _), some rule =>
    let x : MetaM (Except String Variant) := do
      match ← kind.attempt t site rule.info c.backward c.occurrence with
      | .useless reason => return .error reason
      | .draft d => match ← d.close t rule.info with
        | some v => return .ok v
        | none => return .error "metavariables"
    match ← t.runCarrying carried attemptBudget x with
    | none => return .error "refused"
    | some (.error reason) => return .error reason
    | some (.ok v) => match canonical v.type with
      | some term => return .ok (v, term)
      | none => return .error "too large"
  | none, _, _ => return .error "unknown kind"
  | _, none, _ => return .error "no such site"
  | _, _, none => return .error "no such theorem"

/-- Kernel check first; only what the kernel accepts is printed. -/
def writeOne (t : Prepared) (memory : IO.Ref Memory) (style : Style) (v : Variant) (name : Name) (clock : IO.Ref Spent) : MetaM (Except Refusal Written) := do
  let refused ← timed clock (fun n s => { s with kernel := s.kernel + n }) (kernelCheck name v.levels v.type v.value)
  if let some message := refused then return .error { stage := "kernel", message }
  Writing.write { env := t.library, variant := v, name, clock, memory, style }

/-! ## A target, or a variant as the next target -/

/-- The environment with the variant as a constant. -/
def withConstant (name : Name) (v : Variant) : MetaM Environment := do
  addDecl (.thmDecl { name, levelParams := v.levels, type := v.type, value := v.value })
  getEnv

/-- The variant that a candidate gives, as a target of its own. The text of what it goes on from comes first in its proofs. -/
def goOn (l : Library) (t : Prepared) (c : Candidate) : IO (Except String Prepared) := do
  match ← attempt l t (← IO.mkRef t.nothingCarried) c with
  | .error reason => return .error reason
  | .ok (v, _) =>
    let name := .mkSimple ("step" ++ subscript (count t.parents + 1))
    let clock ← IO.mkRef {}
    let style : Style := {}
    match ← t.run style.budget (writeOne t (← IO.mkRef {}) style v (.mkSimple "variant") clock) with
    | some (.ok w) =>
      let lines := w.lines (dropL w.script (count t.opening)) name  -- what the chain opens with stands before it
      let parent : Parent := { name, levels := v.levels, value := v.value, lines }
      let some env ← t.run textBudget (withConstant name v) | return .error "kernel"
      match env.find? name with
      | some info => prepare t.library env info (append t.parents [parent])
      | none => return .error "kernel"
    | some (.error r) => return .error r.stage
    | none => return .error "budget"

def goAll (l : Library) (t : Prepared) : List Candidate → IO (Except String Prepared)
  | [] => return .ok t
  | c :: cs => do
    match ← goOn l t c with
    | .ok t => goAll l t cs
    | .error e => return .error e

def candidates (j : Json) : Option (List Candidate) :=
  match asList j with
  | some js => readAll candidateOf js
  | none => none

def styleOf (j : Json) : Option Style :=
  match field j "explicitly" asBool, field j "matchers" asBool with
  | .ok explicitly, .ok matchers => some { explicitly, matchers }
  | _, _ => none

def handleTarget (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "theorem" asNat, field j "steps" candidates, field j "style" styleOf with
  | .ok index, .ok steps, .ok style =>
    let some e := l.theorems[index]? | return .error "no such theorem"
    match forbidden (← axiomsBehind l.env [constantOf e.info]) with
    | [] => pure ()
    | axioms => return .error ("it rests on " ++ joinWith ", " (mapL nameText axioms))
    match ← prepare l.env l.env e.info with
    | .error message => return .error message
    | .ok t => match ← goAll l t steps with
      | .error message => return .error message
      | .ok t =>
        let memory ← IO.mkRef {}
        let readsBack ← if steps matches [] then (do return (← t.run style.budget (readsBack t memory style)).getD false) else pure true
        let carried ← IO.mkRef t.nothingCarried
        session.modify fun s => { s with index, target := some t, carried := some carried, memory := some memory, drafts := #[] }
        let start ← IO.monoNanosNow
        let table ← IO.mkRef {}
        let sites ← sitesOf t table
        let micros := ((← IO.monoNanosNow) - start) / 1000
        return .ok <| Json.mkObj [
          ("binders", jsonList (mapL (fun b => jsonStrings [nameText b.name, kindText b.kind]) t.binders)),
          ("reads_back", .bool readsBack), ("forms", .arr (← table.get).forms), ("sites", jsonList sites),
          ("instances", jsonList (← ownInstances t)), ("micros", jsonNat micros)]
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

def handleTry (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "candidates" candidates with
  | .ok (l, t), .ok candidates =>
    let some carried := (← session.get).carried | return .error "no target is prepared"
    let mut results : List Json := []
    let start ← IO.monoNanosNow
    for c in candidates do
      match ← attempt l t carried c with
      | .error reason => results := .str reason :: results
      | .ok (v, term) =>
        let n := (← session.get).drafts.size
        session.modify fun s => { s with drafts := s.drafts.push v }
        results := jsonList [jsonNat n, .str term, jsonNat v.conditions, .bool v.introduces] :: results
    let micros := ((← IO.monoNanosNow) - start) / 1000
    return .ok (Json.mkObj [("results", jsonList (rev results)), ("micros", jsonNat micros)])
  | .error e, _ | _, .error e => return .error e

/-! ## Writing -/

def refusalJson (r : Refusal) : Json := Json.mkObj [("stage", .str r.stage), ("message", .str r.message)]

def writtenJson (w : Written) (s : Spent) : Json :=
  Json.mkObj [("statement", .str w.statement), ("proof", .str w.proof), ("theorem", .str w.text),
    ("print_options", jsonStrings (append w.level.names (markNames w.marks))), ("axioms", jsonStrings w.axioms),
    ("micros", jsonList (mapL jsonNat [s.kernel, s.print, s.elaborate])),
    ("term", jsonOpt .str (canonical w.type))]

/-- A draft that is to be written: its number, its name, and whether the whole command judges its text as well. -/
structure Order where
  draft : Nat
  name : String
  audited : Bool

def orderOf (j : Json) : Option Order :=
  match asList j with
  | some [draft, name, audited] => match asNat draft, asString name, asBool audited with
    | some draft, some name, some audited => some { draft, name, audited }
    | _, _, _ => none
  | _ => none

/-- What the whole command says of a text that was accepted by its parts: nothing else, or the engine is wrong. -/
def audit (t : Prepared) (v : Variant) (w : Written) : IO (Except Refusal Written) := do
  match ← checkText t.library w.text (some (v.type, v.levels)) with
  | .ok _ => return .ok w
  | .error r => return .error { stage := "audit", message := r.stage ++ ": " ++ r.message }

def handleWrite (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "drafts" (fun j => match asList j with | some js => readAll orderOf js | none => none),
      field j "style" styleOf with
  | .ok (_, t), .ok drafts, .ok style =>
    let s ← session.get
    let some memory := s.memory | return .error "no target is prepared"
    let mut results : List Json := []
    for order in drafts do
      let some v := s.drafts[order.draft]? | return .error "no such draft"
      let clock ← IO.mkRef {}
      let written ← match ← t.run style.budget (writeOne t memory style v (nameOf order.name) clock) with
        | none => pure (.error { stage := "budget", message := "the check did not end in its budget" })
        | some (.ok w) => if order.audited then audit t v w else pure (.ok w)
        | some refused => pure refused
      let spent ← clock.get
      results := (match written with
        | .error r => refusalJson r
        | .ok w => writtenJson w spent) :: results
    return .ok (Json.mkObj [("results", jsonList (rev results))])
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

end Alchemy
