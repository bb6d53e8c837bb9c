import Alchemy.Attempts.Draft

/-!
# Kinds of mutation

A kind is a value: a name and an attempt. To add one, write a file beside `Rewrite.lean`, add its
value to `kinds` (`Attempt.lean`), and add its patterns and sites on the Python side
(`mutation/kinds.py`).
-/

open Lean Meta

namespace Alchemy

/-- Where a target is changed. -/
inductive Site where
  | conclusion
  | hypothesis (b : Binder)

/-- How an attempt ends, unless Lean throws an error. -/
inductive Outcome where
  | draft (d : Draft)
  /-- The result can't be used: `metavariables`, `unchanged`, `no such occurrence`, `unnamed
  argument`. -/
  | useless (reason : String)

/-- A kind of mutation. -/
structure Kind where
  name : String
  /-- Tries a lemma, here called `rule`. An error means that Lean refuses. The last argument is the
  occurrence: which instance of the pattern (`rw`, where 0 and 1 are the first), or which antecedent
  (`apply`), from 1. -/
  attempt : Target → Site → (rule : ConstantInfo) → (backward : Bool) → Nat → MetaM Outcome

end Alchemy
