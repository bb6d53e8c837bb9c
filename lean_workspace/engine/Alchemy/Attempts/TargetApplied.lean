import Alchemy.Attempts.Target

/-!
# The target applied, as source text

In the script of a variant the target is applied as a person would: `Nat.add_comm a b`, with the
explicit arguments alone where the others follow from them or from the expected type. Implicit
arguments that do not follow are given by name, `Nat.le_of_dvd (n := b) h`. Where that would be too
many, all arguments are given: `@List.map_map β γ α g f l`.
-/

open Lean Meta

namespace Alchemy

/-- Arguments with a space before each. -/
def spread : List String → String
  | [] => ""
  | s :: ss => " " ++ s ++ spread ss

/-- The implicit arguments that do not follow from `types`; the binders are given and returned with
the last one first. The variables of a type follow from a term of it, so only the ends of these
chains must be named. -/
def undetermined : List Binder → (types : List Expr) → List Binder
  | [], _ => []
  | b :: bs, types =>
    let follows := L.any types (·.containsFVar b.fvar)
    if b.kind.isInstImplicit || b.kind.isExplicit || follows then undetermined bs types
    else b :: undetermined bs (b.type :: types)

/-- With more named arguments than this, `@target` with all arguments is easier to read. -/
def maxNamed : Nat := 2

/-- The target applied to its binders, with all arguments if `explicitly` says so. `replaced` is a
binder and what is written in its place; that is elaborated last, so that nothing follows from its
type. -/
def Target.applied (t : Target) (explicitly : Bool) (expected : Option Expr)
    (replaced : Option (FVarId × String)) : String :=
  let isReplaced (b : Binder) := match replaced with
    | some (f, _) => f == b.fvar
    | none => false
  let argument (b : Binder) := match replaced with
    | some (f, s) => if f == b.fvar then s else t.source b.name
    | none => t.source b.name
  let types :=
    L.map (·.type) (L.filter (fun b => b.kind.isExplicit && !isReplaced b) t.binders)
  let types := match expected with | some e => e :: types | none => types
  let kept := L.filter (fun b => !isReplaced b) t.binders
  let named := L.reverse (undetermined (L.reverse kept) types)
  let named :=
    L.append named (L.filter (fun b => isReplaced b && !b.kind.isExplicit) t.binders)
  let target := t.source t.info.name
  if explicitly || L.length named > maxNamed || L.any named (·.argument.isNone) then
    let arguments := L.map (fun b => if b.kind.isInstImplicit then "_" else argument b) t.binders
    "@" ++ target ++ spread arguments
  else
    let namedArgument (b : Binder) : String :=
      "(" ++ t.source (b.argument.getD .anonymous) ++ " := " ++ argument b ++ ")"
    target ++ spread (L.map namedArgument named)
      ++ spread (L.map argument (L.filter (·.kind.isExplicit) t.binders))

end Alchemy
