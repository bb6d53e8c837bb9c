import Alchemy.Rewrite
import Alchemy.Apply
import Alchemy.Library

/-!
# What the engine holds between two requests, and how requests are read

One library and one prepared target, with the variants that were tried on it.
-/

open Lean Meta

namespace Alchemy

def kinds : List Kind := [rewriteKind, applyKind]

structure Session where
  library : Option Library := none
  index : Nat := 0
  target : Option Prepared := none
  carried : Option (IO.Ref Carried) := none
  drafts : Array Variant := #[]

abbrev Reply := Except String Json

/-- A name as Python sends it: `Init.Data.List`. Modules and variants only, so parts are plain. -/
def nameOf (s : String) : Name := s.toName

def readAll (f : Json → Option α) : List Json → Option (List α)
  | [] => some []
  | j :: js => match f j, readAll f js with
    | some a, some as => some (a :: as)
    | _, _ => none

def strings (j : Json) : Option (List String) :=
  match asList j with
  | some js => readAll asString js
  | none => none

/-! ## A target and its candidates -/

def siteOf (t : Prepared) (i : Nat) : Option (Site × Expr) :=
  if i == 0 then some (.conclusion, t.conclusion)
  else match nth? t.binders (i - 1) with
    | some b => if b.isSite then some (.hypothesis b, b.type) else none
    | none => none

/-- The prepared target, if it is the one that the request means. -/
def current (session : IO.Ref Session) (j : Json) : IO (Except String (Library × Prepared)) := do
  let s ← session.get
  match field j "theorem" asNat, s.library, s.target with
  | .ok index, some l, some t => return if index == s.index then .ok (l, t) else .error "another target is prepared"
  | .error e, _, _ => return .error e
  | _, _, _ => return .error "no target is prepared"

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

end Alchemy
