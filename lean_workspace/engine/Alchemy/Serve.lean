import Alchemy.Session
import Alchemy.Export
import Alchemy.Forms
import Alchemy.Check
import Alchemy.Grade
import Alchemy.Refute
import Alchemy.Profile

/-!
# The engine

JSON lines on standard input, one reply for each on standard output; a `ready` line first. The
engine holds one library and one prepared target with the variants tried on it. It decides nothing
about what is worth keeping.

| request | fields | reply |
|---|---|---|
| `open` | `modules`, `files` | `modules`, `count`, `problems` |
| `theorems`, `keys` | `from`, `count` | `rows` |
| `target` | `theorem` | `binders`, `sites` with their forms, `reads_back`; `micros` of the forms alone |
| `try` | `theorem`, `candidates`: `[site, kind, rule, backward, occurrence]` | `results`: `[draft, term, conditions, introduces]` or a reason; `micros` of the attempts alone |
| `profile` | as `try` | `rows`: `[outcome, total, instances, typing, closing]`, in nanoseconds |
| `write` | `theorem`, `drafts`: `[draft, name]` | `results`: a written variant, or `{stage, message}` |
| `check` | `text` | `name`, `term`, `axioms`, or `refused` |
| `grade` | `signature`: what stands between `theorem` and `:=`; `target`; `tactics`, of the portfolio | `closed_by`: the first that proves it, or null |
| `kernel` | `statement`, `proof`: theorems | `refused`: what the kernel says of the second as a proof of the first |
| `places` | `theorem` | `places`: `[kind, site, occurrence]` of the changes that need no lemma |
| `refute` | `theorem`, `changes`: `[kind, site, rule or null, occurrence, name]` | `results`: a refuted statement, or `{stage, message}` |
| `find` | `names` | `numbers`, null for a name that is no theorem |
-/

open Lean Meta

namespace Alchemy

def problemJson (p : Problem) : Json :=
  Json.mkObj [("file", .str p.file), ("line", jsonNat p.line), ("message", .str p.message)]

def handleOpen (session : IO.Ref Session) (j : Json) : IO Reply := do
  match field j "modules" strings, field j "files" strings with
  | .ok modules, .ok files =>
    try
      let library ← openLibrary (mapL nameOf modules) files
      session.set { library := some library }
      return .ok <| Json.mkObj [
        ("modules", append (mapL nameText library.modules) files |> jsonStrings),
        ("count", jsonNat library.theorems.size), ("problems", jsonList (mapL problemJson library.problems))]
    catch e => return .error (toString e)
  | .error e, _ | _, .error e => return .error e

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

/-! ## A target and its candidates -/

def siteForms (t : Prepared) (i : Nat) (name : String) (e : Expr) : IO Json := do
  let forms (x : MetaM (List Json)) : IO Json := do return jsonList ((← t.run keyBudget x).getD [])
  return Json.mkObj [("site", jsonNat i), ("name", .str name), ("rw", ← forms (rewriteForms e)), ("apply", ← forms (applyForms e))]

def sitesOf (t : Prepared) : IO (List Json) := do
  let mut out := [← siteForms t 0 "conclusion" t.conclusion]
  let mut i := 0
  for b in t.binders do
    i := i + 1
    if b.isSite then out := (← siteForms t i (nameText b.name) b.type) :: out
  return rev out

def handleTarget (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "theorem" asNat with
  | .error e => return .error e
  | .ok index =>
    let some e := l.theorems[index]? | return .error "no such theorem"
    match ← prepare l.env e.info with
    | .error message => return .error message
    | .ok t =>
      let readsBack := (← t.run (4 * textBudget) (readsBack t)).getD false
      let carried ← IO.mkRef t.nothingCarried
      session.modify fun s => { s with index, target := some t, carried := some carried, drafts := #[] }
      let start ← IO.monoNanosNow
      let sites ← sitesOf t
      let micros := ((← IO.monoNanosNow) - start) / 1000
      return .ok <| Json.mkObj [
        ("binders", jsonList (mapL (fun b => jsonStrings [nameText b.name, kindText b.kind]) t.binders)),
        ("reads_back", .bool readsBack), ("sites", jsonList sites), ("micros", jsonNat micros)]

/-- A variant, its statement in canonical form, and whether the rule introduced variables. -/
structure Drafted where
  variant : Variant
  term : String
  introduces : Bool

/-- One attempt, or why there is no variant. -/
def attempt (l : Library) (t : Prepared) (carried : IO.Ref Carried) (c : Candidate) : IO (Except String Drafted) := do
  match kindOf c.kind kinds, siteOf t c.site, l.theorems[c.rule]? with
  | some kind, some (site, _), some rule =>
    let x : MetaM (Except String (Variant × Bool)) := do
      match ← kind.attempt t site rule.info c.backward c.occurrence with
      | .useless reason => return .error reason
      | .draft d =>
        let introduces ← introduces (keep (fun e => e matches .mvar _) (mapL (·.1) d.binders))
        match ← d.close t with
        | some v => return .ok (v, introduces)
        | none => return .error "metavariables"
    match ← t.runCarrying carried attemptBudget x with
    | none => return .error "refused"
    | some (.error reason) => return .error reason
    | some (.ok (variant, introduces)) => match canonical variant.type with
      | some term => return .ok { variant, term, introduces }
      | none => return .error "too large"
  | none, _, _ => return .error "unknown kind"
  | _, none, _ => return .error "no such site"
  | _, _, none => return .error "no such theorem"

def handleTry (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "candidates" (fun j => match asList j with | some js => readAll candidateOf js | none => none) with
  | .ok (l, t), .ok candidates =>
    let some carried := (← session.get).carried | return .error "no target is prepared"
    let mut results : List Json := []
    let start ← IO.monoNanosNow
    for c in candidates do
      match ← attempt l t carried c with
      | .error reason => results := .str reason :: results
      | .ok d =>
        let n := (← session.get).drafts.size
        session.modify fun s => { s with drafts := s.drafts.push d.variant }
        results := jsonList [jsonNat n, .str d.term, jsonNat d.variant.conditions, .bool d.introduces] :: results
    let micros := ((← IO.monoNanosNow) - start) / 1000
    return .ok (Json.mkObj [("results", jsonList (rev results)), ("micros", jsonNat micros)])
  | .error e, _ | _, .error e => return .error e

def refusalJson (r : Refusal) : Json := Json.mkObj [("stage", .str r.stage), ("message", .str r.message)]

def writtenJson (w : Written) (s : Spent) : Json :=
  Json.mkObj [("statement", .str w.statement), ("proof", .str w.proof), ("theorem", .str w.text),
    ("print_options", jsonStrings (append w.level.names (markNames w.marks))), ("axioms", jsonStrings w.axioms),
    ("micros", jsonList (mapL jsonNat [s.kernel, s.print, s.elaborate])),
    ("term", jsonOpt .str (canonical w.type))]

/-- Kernel check first; only what the kernel accepts is printed. -/
def writeOne (t : Prepared) (v : Variant) (name : Name) (clock : IO.Ref Spent) : MetaM (Except Refusal Written) := do
  let refused ← timed clock (fun n s => { s with kernel := s.kernel + n }) (kernelCheck name v.levels v.type v.value)
  if let some message := refused then return .error { stage := "kernel", message }
  Writing.write { env := t.env, variant := v, name, clock }

def pairOf (j : Json) : Option (Nat × String) :=
  match asList j with
  | some [i, n] => match asNat i, asString n with
    | some i, some n => some (i, n)
    | _, _ => none
  | _ => none

def handleWrite (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "drafts" (fun j => match asList j with | some js => readAll pairOf js | none => none) with
  | .ok (_, t), .ok drafts =>
    let s ← session.get
    let mut results : List Json := []
    for (i, name) in drafts do
      let some v := s.drafts[i]? | return .error "no such draft"
      let clock ← IO.mkRef {}
      let written ← t.run (4 * textBudget) (writeOne t v (nameOf name) clock)
      let spent ← clock.get
      results := (match written with
        | none => refusalJson { stage := "budget", message := "the check did not end in its budget" }
        | some (.error r) => refusalJson r
        | some (.ok w) => writtenJson w spent) :: results
    return .ok (Json.mkObj [("results", jsonList (rev results))])
  | .error e, _ | _, .error e => return .error e

def handleCheck (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "text" asString with
  | .error e => return .error e
  | .ok text => match ← checkText l.env text none with
    | .error r => return .ok (Json.mkObj [("refused", refusalJson r)])
    | .ok p => return .ok <| Json.mkObj [("name", .str (nameText p.name)), ("term", jsonOpt .str (canonical p.type)),
        ("level_params", jsonNames p.levels), ("axioms", jsonStrings p.axioms)]

def automations (j : Json) : Option (List Automation) :=
  match asList j with
  | some js => readAll (fun j => match asString j with | some n => automationOf n portfolio | none => none) js
  | none => none

/-- Which automation proves a statement alone? -/
def handleGrade (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "signature" asString, field j "target" asString, field j "tactics" automations with
  | .ok signature, .ok target, .ok tactics =>
    unless l.env.contains (nameOf target) do return .error ("there is no theorem " ++ target)
    match ← stateOpen l.env signature with
    | .error e => return .error e
    | .ok s => match ← firstClosing s (nameOf target) tactics with
      | .ok closedBy => return .ok (Json.mkObj [("closed_by", jsonOpt .str closedBy)])
      | .error e => return .error e
  | .error e, _, _ | _, .error e, _ | _, _, .error e => return .error e

/-- The kernel judges one theorem as the proof of another. Only a theorem that states the same is one. -/
def handleKernel (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "statement" asNat, field j "proof" asNat with
  | .ok statement, .ok proof =>
    match l.theorems[statement]?, l.theorems[proof]? with
    | some s, some p =>
      let value := Expr.const p.info.name (levelsOf s.info)
      match ← runMeta l.env textBudget (kernelCheck `alchemy_judged s.info.levelParams s.info.type value) with
      | .ok refused => return .ok (Json.mkObj [("refused", jsonOpt .str refused)])
      | .error e => return .error e
    | _, _ => return .error "no such theorem"
  | .error e, _ | _, .error e => return .error e

def findTheorem (name : String) : List Entry → Nat → Option Nat
  | [], _ => none
  | e :: es, i => if nameText e.info.name == name then some i else findTheorem name es (i + 1)

def handleFind (session : IO.Ref Session) (j : Json) : IO Reply := do
  let some l := (← session.get).library | return .error "no library is open"
  match field j "names" strings with
  | .ok names =>
    let entries := l.theorems.toList
    return .ok (Json.mkObj [("numbers", jsonList (mapL (fun n => jsonOpt jsonNat (findTheorem n entries 0)) names))])
  | .error e => return .error e

/-! ## False statements -/

def handlePlaces (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j with
  | .error e => return .error e
  | .ok (_, t) =>
    let places := (← t.run attemptBudget (placesOf t)).getD []
    return .ok (Json.mkObj [("places", jsonList (mapL (fun (kind, site, i) => jsonList [.str kind, jsonNat site, jsonNat i]) places))])

structure Change where
  kind : String
  site : Nat
  rule : Option Nat
  occurrence : Nat
  name : String

def changeOf (j : Json) : Option Change :=
  match asList j with
  | some [kind, site, rule, occurrence, name] =>
    match asString kind, asNat site, asNat occurrence, asString name with
    | some kind, some site, some occurrence, some name => some { kind, site, rule := asNat rule, occurrence, name }
    | _, _, _, _ => none
  | _ => none

/-- How a change is made; `none` where the library has no such kind, site or theorem. -/
def makingOf (l : Library) (t : Prepared) (c : Change) : Option Making :=
  let rule := match c.rule with | some i => l.theorems[i]? | none => none
  match find c.kind changeKinds, siteOf t c.site with
  | some kind, some (site, _) => some (kind.make t site (match rule with | some r => some r.info | none => none) c.occurrence)
  | _, _ => none
where
  find (name : String) : List ChangeKind → Option ChangeKind
    | [] => none
    | k :: ks => if k.name == name then some k else find name ks

def refutedJson (r : Refuted) (micros : Nat) : Json :=
  Json.mkObj [("term", .str r.term), ("negation", .str r.negation), ("statement", .str r.statement),
    ("counterexample", .str r.counterexample), ("proof", .str r.proof), ("theorem", .str r.text),
    ("print_options", jsonStrings r.printOptions), ("axioms", jsonStrings r.axioms), ("micros", jsonNat micros)]

def handleRefute (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "changes" (fun j => match asList j with | some js => readAll changeOf js | none => none) with
  | .ok (l, t), .ok changes =>
    let mut results : List Json := []
    for c in changes do
      let some make := makingOf l t c | return .error "no such change"
      let start ← IO.monoNanosNow
      let refuted ← refute t (nameOf c.name) make
      let micros := ((← IO.monoNanosNow) - start) / 1000
      results := (match refuted with
        | .error r => refusalJson r
        | .ok r => refutedJson r micros) :: results
    return .ok (Json.mkObj [("results", jsonList (rev results))])
  | .error e, _ | _, .error e => return .error e

/-! ## The loop -/

structure Request where
  name : String
  answer : IO.Ref Session → Json → IO Reply

def requests : List Request := [
  { name := "open", answer := handleOpen },
  { name := "theorems", answer := fun s j => page s j fun l _ e => do return [← theoremRow l e] },
  { name := "keys", answer := fun s j => page s j keyRows },
  { name := "target", answer := handleTarget },
  { name := "try", answer := handleTry },
  { name := "profile", answer := handleProfile },
  { name := "write", answer := handleWrite },
  { name := "check", answer := handleCheck },
  { name := "grade", answer := handleGrade },
  { name := "kernel", answer := handleKernel },
  { name := "places", answer := handlePlaces },
  { name := "refute", answer := handleRefute },
  { name := "find", answer := handleFind }]

def readyLine : Json := Json.mkObj [("ready", Json.mkObj [
  ("engine", .str engineVersion), ("toolchain", .str Lean.versionString),
  ("kinds", jsonStrings (mapL (·.name) kinds)), ("requests", jsonStrings (mapL (·.name) requests))])]

def requestOf (name : String) : List Request → Option Request
  | [] => none
  | r :: rs => if r.name == name then some r else requestOf name rs

def answer (session : IO.Ref Session) (line : String) : IO Json := do
  let failed (id : Json) (message : String) := Json.mkObj [("id", id), ("error", .str message)]
  match Json.parse line with
  | .error e => return failed .null e
  | .ok j =>
    let id := (j.getObjVal? "id").toOption.getD .null
    match field j "request" asString with
    | .error e => return failed id e
    | .ok name =>
      let some r := requestOf name requests | return failed id ("unknown request `" ++ name ++ "`")
      try
        match ← r.answer session j with
        | .ok reply => return Json.mkObj [("id", id), ("ok", reply)]
        | .error e => return failed id e
      catch e => return failed id (toString e)

/-- Answers until the input ends, so that no engine outlives its worker. -/
partial def loop (session : IO.Ref Session) (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  if line == "" then return
  output.putStrLn (← answer session line).compress
  output.flush
  loop session input output

/-- The argument is the root of the Lean installation. -/
def serve (args : List String) : IO Unit := do
  initSearchPath (match args with | root :: _ => root | [] => ".")
  let output ← IO.getStdout
  output.putStrLn readyLine.compress
  output.flush
  loop (← IO.mkRef {}) (← IO.getStdin) output
  IO.Process.forceExit 0

end Alchemy
