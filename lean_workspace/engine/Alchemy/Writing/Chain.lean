import Alchemy.Attempts.Attempt
import Alchemy.Writing.WriteVariant

/-!
# Chains: a variant as the next target

A chain is a theorem and candidates, each for the variant that the one before it gives. The variant
stands in the environment as a constant, `step₁`, while the next candidate is tried. In the proofs
of what comes of it, it is a `have` in front:

    have step₁ {a b : Nat} (h : a < b) : a ≤ b := by
      exact …
-/

open Lean Meta

namespace Alchemy

/-- The environment with the variant as a constant. -/
def withConstant (name : Name) (v : Variant) : MetaM Environment := do
  addDecl (.thmDecl { name, levelParams := v.levels, type := v.type, value := v.value })
  getEnv

/-- The variant that a candidate gives, as a target. -/
def goOn (l : Library) (t : Target) (c : Candidate) : IO (Except String Target) := do
  match ← attempt l t (← IO.mkRef t.nothingCarried) c with
  | .error reason => return .error reason
  | .ok (v, _) =>
    let name := .mkSimple ("step" ++ subscript (L.length t.parents + 1))
    let clock ← IO.mkRef {}
    let style : Style := {}
    let writing := writeOne t (← IO.mkRef {}) style v (.mkSimple "variant") clock
    match ← t.run style.budget writing with
    | some (.ok w) =>
      -- the lines of the parents before it stand in front of it already
      let lines := w.lines (L.drop (L.length t.opening) w.script) name
      let parent : Parent := { name, levels := v.levels, value := v.value, lines }
      let some env ← t.run textBudget (withConstant name v) | return .error "kernel"
      match env.find? name with
      | some info => prepare t.library env info (L.append t.parents [parent])
      | none => return .error "kernel"
    | some (.error r) => return .error r.stage
    | none => return .error "budget"

/-- The target at the end of a chain. -/
def goAll (l : Library) (t : Target) : List Candidate → IO (Except String Target)
  | [] => return .ok t
  | c :: cs => do
    match ← goOn l t c with
    | .ok t => goAll l t cs
    | .error e => return .error e

end Alchemy
