import Alchemy.Attempts.Apply
import Alchemy.Attempts.Rewrite
import Alchemy.Files.Library
import Alchemy.Printing.CanonicalForm

/-!
# One attempt: a lemma of the library, used on a target

A *candidate* says what to try: a site, a kind of mutation and a lemma, with its direction and
occurrence. The index proposes candidates; an attempt finds out.
-/

open Lean Meta

namespace Alchemy

/-- All kinds of mutation. -/
def kinds : List Kind := [rewriteKind, applyKind]

/-- What to try. -/
structure Candidate where
  /-- 0 for the conclusion, `n` for binder number `n`. -/
  site : Nat
  kind : String
  /-- The number of the lemma in the library. -/
  rule : Nat
  backward : Bool
  occurrence : Nat

/-- A site by its number, with the proposition that stands there. -/
def siteOf (t : Target) (i : Nat) : Option (Site × Expr) :=
  if i == 0 then some (.conclusion, t.conclusion)
  else match L.get? t.binders (i - 1) with
    | some b => if b.isSite then some (.hypothesis b, b.type) else none
    | none => none

/-- A candidate whose kind, site and lemma are found. -/
structure FoundCandidate where
  kind : Kind
  site : Site
  /-- The proposition at the site. -/
  proposition : Expr
  rule : ConstantInfo

/-- The kind, site and lemma that a candidate means, or which of them there is not. -/
def Candidate.find (c : Candidate) (l : Library) (t : Target) : Except String FoundCandidate :=
  match L.find? (·.name == c.kind) kinds, siteOf t c.site, l.theorems[c.rule]? with
  | some kind, some (site, proposition), some rule =>
    .ok { kind, site, proposition, rule := rule.info }
  | none, _, _ => .error "unknown kind"
  | _, none, _ => .error "no such site"
  | _, _, none => .error "no such theorem"

/-- Tries a candidate: a variant, or the reason why its result can't be used. -/
def FoundCandidate.attempt (f : FoundCandidate) (t : Target) (c : Candidate) :
    MetaM (Except String Variant) := do
  match ← f.kind.attempt t f.site f.rule c.backward c.occurrence with
  | .useless reason => return .error reason
  | .draft d => match ← d.close t f.rule with
    | some v => return .ok v
    | none => return .error "metavariables"

/-- One attempt: a variant with its statement in canonical form, or why there is none. -/
def attempt (l : Library) (t : Target) (carried : IO.Ref Carried) (c : Candidate) :
    IO (Except String (Variant × String)) := do
  match c.find l t with
  | .error reason => return .error reason
  | .ok f =>
    match ← t.runCarrying carried attemptBudget (f.attempt t c) with
    | none => return .error "refused"
    | some (.error reason) => return .error reason
    | some (.ok v) => match canonical v.type with
      | some term => return .ok (v, term)
      | none => return .error "too large"

end Alchemy
