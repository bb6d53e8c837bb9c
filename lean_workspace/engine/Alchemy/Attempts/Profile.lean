import Alchemy.Serving.MutationRequests

/-!
# Where the time of an attempt goes

Unification, instances and typing happen inside one call of Lean's, so they are told apart by doing a thing again:

* **total**: the attempt with empty caches, and its variant closed and written in canonical form, as `try` does it;
* **instances**: what the attempt saves when it is made again with the results of instance search, and nothing else, kept
  (0 where the difference is below the noise);
* **typing**: what Lean checks before it accepts a draft, checked again alone with empty caches: for `rw` the motive, also
  that of an attempt that failed, for `apply` the term;
* **closing**: binding the variables of the draft, and the canonical form;
* what is left is unification, with the rule opened and the script written.

Each time is the least of three runs. Each part is small and the clock is coarse: read means, not single rows. `try` is not touched by any of this: it carries
caches from one attempt to the next, so that its attempts are cheaper than these.
-/

open Lean Meta

namespace Alchemy

/-- What an attempt came to, and nanoseconds. -/
structure Cost where
  /-- `draft`, a reason, or Lean's message -/
  outcome : String
  total : Nat
  instances : Nat
  typing : Nat
  closing : Nat

/-- Written by a function that is not inlined, so that it is done when the clock runs. -/
@[noinline] def writeForm (v : Variant) : IO Bool := return (canonical v.type).isSome

/-- What an attempt leaves beside its caches: its draft or the reason, and when it was made and closed. -/
structure Made where
  draft : Except String Draft
  drafted : Nat
  closed : Nat

def makeDraft (t : Prepared) (rule : ConstantInfo) (x : MetaM Outcome) : MetaM Made := do
  let outcome ← try pure (Except.ok (← x)) catch e => pure (.error e)
  let drafted ← IO.monoNanosNow
  match outcome with
  | .error e => return { draft := .error (← e.toMessageData.toString), drafted, closed := drafted }
  | .ok (.useless reason) => return { draft := .error reason, drafted, closed := drafted }
  | .ok (.draft d) =>
    match ← d.close t rule with
    | none => return { draft := .error "metavariables", drafted, closed := ← IO.monoNanosNow }
    | some v =>
      discard (writeForm v)
      return { draft := .ok d, drafted, closed := ← IO.monoNanosNow }

/-- Nanoseconds to make a draft, and to close it. -/
structure Run where
  drafting : Nat
  closing : Nat

/-- One run of an attempt that begins with these caches. -/
def runOnce (t : Prepared) (x : MetaM Made) (caches : Carried) : IO Run := do
  let carried ← IO.mkRef caches
  let start ← IO.monoNanosNow
  match ← t.runCarrying carried attemptBudget x with
  | some made => return { drafting := made.drafted - start, closing := made.closed - made.drafted }
  | none => return { drafting := (← IO.monoNanosNow) - start, closing := 0 }

/-- The parts of three runs, each where it was fastest: the machine does other things as well. -/
def least (t : Prepared) (x : MetaM Made) (caches : Carried) : IO Run := do
  let mut best ← runOnce t x caches
  for _ in [(), ()] do
    let again ← runOnce t x caches
    best := { drafting := min best.drafting again.drafting, closing := min best.closing again.closing }
  return best

/-- The motive with which `rw` would replace the first instance of the rule's pattern. -/
def motiveOf (e : Expr) (rule : ConstantInfo) (backward : Bool) : MetaM (Option Expr) := do
  let some (l, r, _) ← sidesOf rule | return none
  let p := if backward then r else l
  if (headOf p).isMVar then return none
  let s :: _ ← atTransparency .instances (instancesOf p (rev (subterms e []))) | return none
  return some (.lam `_a (← inferType s) (abstractTerm e s 0) .default)

/-- What stands at the place of the binder `f` in a term that applies the target. -/
def argumentFor (t : Prepared) (f : FVarId) (proof : Expr) : Option Expr := go t.binders (argsOf proof)
where
  go : List Binder → List Expr → Option Expr
    | b :: bs, a :: as => if b.fvar == f then some a else go bs as
    | _, _ => none

/-- Nanoseconds for typing alone. -/
def typingTime (t : Prepared) (c : Candidate) (site : Site) (e : Expr) (rule : ConstantInfo) (draft : Except String Draft) : IO Nat := do
  let term : MetaM (Option Expr) := do
    if c.kind == "rw" then motiveOf e rule c.backward
    else match draft, site with
      | .ok d, .hypothesis b => return argumentFor t b.fvar d.proof
      | .ok d, .conclusion => return some d.proof
      | .error _, _ => return none
  let some (some term) ← t.run attemptBudget term | return 0
  let x : MetaM Made := do
    discard (isTypeCorrect term)
    let now ← IO.monoNanosNow
    return { draft, drafted := now, closed := now }
  return (← least t x t.nothingCarried).drafting

/-- The cost of one attempt; `none` where the candidate names nothing. -/
def costOf (l : Library) (t : Prepared) (c : Candidate) : IO (Option Cost) := do
  let some kind := kindOf c.kind kinds | return none
  let some (site, e) := siteOf t c.site | return none
  let some rule := l.theorems[c.rule]? | return none
  let x := makeDraft t rule.info (kind.attempt t site rule.info c.backward c.occurrence)
  -- once before the clock runs: what the processor keeps is there for each of the runs that are compared
  let warm ← IO.mkRef t.nothingCarried
  let some made ← t.runCarrying warm attemptBudget x
    | return some { outcome := "budget", total := 0, instances := 0, typing := 0, closing := 0 }
  let found := (← warm.get).cache.synthInstance
  let cold ← least t x t.nothingCarried
  let kept ← least t x { t.nothingCarried with cache := { t.state.cache with synthInstance := found } }
  return some {
    outcome := match made.draft with
      | .ok _ => "draft"
      | .error reason => reason
    total := cold.drafting + cold.closing, closing := cold.closing
    instances := cold.drafting - kept.drafting
    typing := ← typingTime t c site e rule.info made.draft }

def costJson (c : Cost) : Json :=
  jsonList (.str c.outcome :: mapL (fun ns => jsonNat ns) [c.total, c.instances, c.typing, c.closing])

/-- The costs of candidates, in order. -/
def handleProfile (session : IO.Ref Session) (j : Json) : IO Reply := do
  match ← current session j, field j "candidates" candidates with
  | .ok (l, t), .ok candidates =>
    let mut rows : List Json := []
    for c in candidates do
      let some cost ← costOf l t c | return .error "no such candidate"
      rows := costJson cost :: rows
    return .ok (Json.mkObj [("rows", jsonList (rev rows))])
  | .error e, _ | _, .error e => return .error e

end Alchemy
