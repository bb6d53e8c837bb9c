import Alchemy.Portable

/-!
# The axioms behind a proof

What a proof uses of a library may rest on `sorry` or on an axiom of the library's own, so its constants are followed to the end. That
takes long once (`#print axioms` does the same); what is known of a library's constants is kept as long as the engine lives. Where a
library was stripped of its proofs, what stands in their place looks like an axiom and is none: nothing can be known of it.
-/

open Lean

namespace Alchemy

/-- The axioms that stand behind Lean's mathematics; everything else is refused. -/
def standardAxioms : List Name := [``propext, ``Quot.sound, ``Classical.choice]

/-- Axioms that a proof may not use. -/
def forbidden (axioms : List Name) : List Name := keep (fun n => !anyL (· == n) standardAxioms) axioms

/-- What is known of a library's constants: which were followed, and for each axiom those that rest on it. -/
structure Rest where
  followed : NameSet := {}
  on : List (Name × NameSet) := []
deriving Inhabited

def Rest.of (r : Rest) (n : Name) : List Name := chooseL (fun (ax, ns) => if ns.contains n then some ax else none) r.on

def Rest.note (r : Rest) (n ax : Name) : Rest := { r with on := go r.on }
where
  go : List (Name × NameSet) → List (Name × NameSet)
    | [] => [(ax, NameSet.insert {} n)]
    | (other, ns) :: rest => if other == ax then (other, ns.insert n) :: rest else (other, ns) :: go rest

/-- One for the engine, which opens one library. -/
initialize rest : IO.Ref Rest ← IO.mkRef {}

/-- Is it an axiom, and no constant that was stripped of its body? -/
def isAxiom (env : Environment) (n : Name) : Bool :=
  match getOriginalConstKind? env n with
  | some .axiom | none => true
  | _ => false

/-- The constants that one stands on. The parts of an inductive type stand on the type, and it on what they mention. -/
def standsOn (env : Environment) (info : ConstantInfo) : List Name :=
  match info with
  | .ctorInfo v => [v.induct]
  | .recInfo v => v.all
  | .inductInfo v =>
    let constructors := concat (mapL (fun n => match env.find? n with | some (.inductInfo v) => v.ctors | _ => []) v.all)
    let mentioned := concat (mapL (fun n => match env.find? n with | some i => i.type.getUsedConstants.toList | none => []) constructors)
    keep (fun n => !anyL (· == n) v.all) (append v.type.getUsedConstants.toList mentioned)
  | info => append info.type.getUsedConstants.toList (match info.value? (allowOpaque := true) with
    | some v => v.getUsedConstants.toList
    | none => [])

/-- The names of both, each once. -/
def union (ns : List Name) (ms : List Name) : List Name := append ms (keep (fun n => !anyL (· == n) ms) ns)

mutual
/-- The axioms behind a constant of the library. -/
partial def axiomsOfImported (env : Environment) (n : Name) : BaseIO (List Name) := do
  let known ← rest.get
  if known.followed.contains n then return known.of n
  rest.modify fun r => { r with followed := r.followed.insert n }
  let found ← match env.find? n with
    | some (.axiomInfo _) => pure (if isAxiom env n then [n] else [])
    | some info => axiomsOfAll env (standsOn env info) []
    | none => pure []
  rest.modify fun r => found.foldl (fun r ax => r.note n ax) r
  return found
partial def axiomsOfAll (env : Environment) (ns : List Name) (found : List Name) : BaseIO (List Name) := do
  match ns with
  | [] => return found
  | n :: ns => axiomsOfAll env ns (union (← axiomsOfImported env n) found)
end

/-- Adds the axioms behind constants; of those that were added to the library, the ones in `seen` were followed before. -/
partial def axiomsOf (env : Environment) (ns : List Name) (seen : NameSet) (found : List Name) : BaseIO (NameSet × List Name) := do
  match ns with
  | [] => return (seen, found)
  | n :: ns =>
    if (env.getModuleIdxFor? n).isSome then axiomsOf env ns seen (union (← axiomsOfImported env n) found)
    else if seen.contains n then axiomsOf env ns seen found
    else
      let (seen, found) ← match env.find? n with
        | some (.axiomInfo _) => pure (seen.insert n, union [n] found)
        | some info => axiomsOf env (standsOn env info) (seen.insert n) found
        | none => pure (seen.insert n, found)
      axiomsOf env ns seen found

/-- The axioms behind terms, each once, by name. -/
def axiomsBehind (env : Environment) (es : List Expr) : BaseIO (List Name) := do
  let (_, found) ← axiomsOf env (concat (mapL (fun (e : Expr) => e.getUsedConstants.toList) es)) {} []
  return sortL (fun a b => atMost (nameText a) (nameText b)) found

end Alchemy
