import Alchemy.Attempts.Attempt
import Alchemy.Search.LemmaKeys

/-!
# Where the time of an attempt goes

Unification, instance search and type checking happen inside one call of Lean's. Their times are
found by doing a part of the work again:

* **total**: the attempt with empty caches, with its variant closed and written in canonical form,
  as `try` does it;
* **instances**: the time that is saved when the attempt is made again with the results of instance
  search kept, and nothing else (0 where the difference is below the noise);
* **typing**: what Lean type checks before it accepts a draft, checked again alone with empty
  caches. For `rw` it is the motive, also where the attempt failed; for `apply` the term;
* **closing**: binding the variables of the draft, and the canonical form.

What is left is unification, together with opening the lemma and writing the script. Each time is
the least of three runs. The parts are small and the clock is coarse: read means, not single rows.
`try` itself keeps its caches from one attempt to the next, so its attempts take less time than
these.
-/

open Lean Meta

namespace Alchemy

/-- How an attempt ended, and nanoseconds. -/
structure Cost where
  /-- `draft`, a reason, or Lean's message. -/
  outcome : String
  total : Nat
  instances : Nat
  typing : Nat
  closing : Nat

/-- Writes the canonical form. It is not inlined, so that it is evaluated while the clock runs. -/
@[noinline] def writeForm (v : Variant) : IO Bool := return (canonical v.type).isSome

/-- The draft of an attempt, or the reason why there is none, and when it was made and closed. -/
structure Made where
  draft : Except String Draft
  drafted : Nat
  closed : Nat

def makeDraft (t : Target) (rule : ConstantInfo) (x : MetaM Outcome) : MetaM Made := do
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

/-! ## Timing -/

/-- Nanoseconds to make a draft, and to close it. -/
structure DraftTimes where
  drafting : Nat
  closing : Nat

/-- One run of an attempt that begins with these caches. -/
def timeOnce (t : Target) (x : MetaM Made) (caches : Carried) : IO DraftTimes := do
  let carried ← IO.mkRef caches
  let start ← IO.monoNanosNow
  match ← t.runCarrying carried attemptBudget x with
  | some made => return { drafting := made.drafted - start, closing := made.closed - made.drafted }
  | none => return { drafting := (← IO.monoNanosNow) - start, closing := 0 }

/-- Each part where it was fastest in three runs: the machine does other things as well. -/
def leastTimes (t : Target) (x : MetaM Made) (caches : Carried) : IO DraftTimes := do
  let mut best ← timeOnce t x caches
  for _ in [(), ()] do
    let again ← timeOnce t x caches
    best := {
      drafting := min best.drafting again.drafting, closing := min best.closing again.closing }
  return best

/-- The motive with which `rw` would replace the first instance of the lemma's pattern. -/
def motiveOf (e : Expr) (rule : ConstantInfo) (backward : Bool) : MetaM (Option Expr) := do
  let some (l, r, _) ← sidesOf rule | return none
  let p := if backward then r else l
  if (headOf p).isMVar then return none
  let candidates := L.reverse (subterms e [])
  let s :: _ ← M.withTransparency .instances (instancesOf p candidates) | return none
  return some (.lam `_a (← inferType s) (abstractTerm e s 0) .default)

/-- The argument for the binder `f` in a proof that applies the target. -/
def argumentFor (t : Target) (f : FVarId) (proof : Expr) : Option Expr :=
  go t.binders (argsOf proof)
where
  go : List Binder → List Expr → Option Expr
    | b :: bs, a :: as => if b.fvar == f then some a else go bs as
    | _, _ => none

/-- Nanoseconds for type checking alone. -/
def typingTime (t : Target) (c : Candidate) (f : FoundCandidate) (draft : Except String Draft) :
    IO Nat := do
  let term : MetaM (Option Expr) := do
    if c.kind == "rw" then motiveOf f.proposition f.rule c.backward
    else match draft, f.site with
      | .ok d, .hypothesis b => return argumentFor t b.fvar d.proof
      | .ok d, .conclusion => return some d.proof
      | .error _, _ => return none
  let some (some term) ← t.run attemptBudget term | return 0
  let x : MetaM Made := do
    discard (isTypeCorrect term)
    let now ← IO.monoNanosNow
    return { draft, drafted := now, closed := now }
  return (← leastTimes t x t.nothingCarried).drafting

/-- The cost of one attempt; `none` where there is no such kind, site or lemma. -/
def costOf (l : Library) (t : Target) (c : Candidate) : IO (Option Cost) := do
  let .ok f := c.find l t | return none
  let x := makeDraft t f.rule (f.kind.attempt t f.site f.rule c.backward c.occurrence)
  -- once before the clock runs: what the processor keeps is there for each of the runs compared
  let warm ← IO.mkRef t.nothingCarried
  let some made ← t.runCarrying warm attemptBudget x
    | return some { outcome := "budget", total := 0, instances := 0, typing := 0, closing := 0 }
  let found := (← warm.get).cache.synthInstance
  let cold ← leastTimes t x t.nothingCarried
  let kept ← leastTimes t x
    { t.nothingCarried with cache := { t.state.cache with synthInstance := found } }
  return some {
    outcome := match made.draft with
      | .ok _ => "draft"
      | .error reason => reason
    total := cold.drafting + cold.closing, closing := cold.closing
    instances := cold.drafting - kept.drafting
    typing := ← typingTime t c f made.draft }

end Alchemy
