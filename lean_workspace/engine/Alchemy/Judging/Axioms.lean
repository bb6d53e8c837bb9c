import Alchemy.Portable.Names

/-!
# The axioms behind a proof

What a proof uses of a library may rest on `sorry` or on an axiom of the library's own. So its
constants are followed to the end, as `#print axioms` does. That takes long once; what is found out
about the library's constants is kept as long as the engine lives. Where a library was stripped of
its proofs, a theorem looks like an axiom and is none: nothing can be known of its proof.
-/

open Lean

namespace Alchemy

/-- The axioms of Lean's mathematics; all others are refused. -/
def standardAxioms : List Name := [``propext, ``Quot.sound, ``Classical.choice]

/-- Those of the axioms that a proof may not use. -/
def forbidden (axioms : List Name) : List Name :=
  L.filter (fun n => !standardAxioms.contains n) axioms

/-- What is known of the constants of a library. -/
structure KnownAxioms where
  /-- The constants that were followed. -/
  followed : NameSet := {}
  /-- For each axiom the constants that rest on it. -/
  restOn : List (Name × NameSet) := []
deriving Inhabited

/-- The axioms that a followed constant rests on. -/
def KnownAxioms.of (k : KnownAxioms) (n : Name) : List Name :=
  L.filterMap (fun (ax, ns) => if ns.contains n then some ax else none) k.restOn

/-- Notes that `n` rests on the axiom `ax`. -/
def KnownAxioms.note (k : KnownAxioms) (n ax : Name) : KnownAxioms :=
  { k with restOn := go k.restOn }
where
  go : List (Name × NameSet) → List (Name × NameSet)
    | [] => [(ax, NameSet.insert {} n)]
    | (other, ns) :: rest =>
      if other == ax then (other, ns.insert n) :: rest else (other, ns) :: go rest

/-- An engine opens one library at a time; opening one empties this. -/
initialize knownAxioms : IO.Ref KnownAxioms ← IO.mkRef {}

/-- Is it an axiom, and not a constant that was stripped of its body? -/
def isAxiom (env : Environment) (n : Name) : Bool :=
  match getOriginalConstKind? env n with
  | some .axiom | none => true
  | _ => false

/-- The constants that the type and the body of a constant mention. A constructor or a recursor
rests on its inductive type, and the type on what its constructors mention. -/
def constantsIn (env : Environment) (info : ConstantInfo) : List Name :=
  match info with
  | .ctorInfo v => [v.induct]
  | .recInfo v => v.all
  | .inductInfo v =>
    let constructors := L.flatMap (fun n => match env.find? n with
      | some (.inductInfo v) => v.ctors
      | _ => []) v.all
    let mentioned := L.flatMap (fun n => match env.find? n with
      | some i => i.type.getUsedConstants.toList
      | none => []) constructors
    L.filter (fun n => !v.all.contains n) (L.append v.type.getUsedConstants.toList mentioned)
  | info =>
    L.append info.type.getUsedConstants.toList (match info.value? (allowOpaque := true) with
      | some v => v.getUsedConstants.toList
      | none => [])

/-- The names in either list, each once. -/
def unionOf (ns : List Name) (ms : List Name) : List Name :=
  L.append ms (L.filter (fun n => !ms.contains n) ns)

mutual
/-- The axioms behind a constant of the library. -/
partial def axiomsOfImported (env : Environment) (n : Name) : BaseIO (List Name) := do
  let known ← knownAxioms.get
  if known.followed.contains n then return known.of n
  knownAxioms.modify fun k => { k with followed := k.followed.insert n }
  let found ← match env.find? n with
    | some (.axiomInfo _) => pure (if isAxiom env n then [n] else [])
    | some info => axiomsOfAll env (constantsIn env info) []
    | none => pure []
  knownAxioms.modify fun k => found.foldl (fun k ax => k.note n ax) k
  return found
partial def axiomsOfAll (env : Environment) (ns : List Name) (found : List Name) :
    BaseIO (List Name) := do
  match ns with
  | [] => return found
  | n :: ns => axiomsOfAll env ns (unionOf (← axiomsOfImported env n) found)
end

/-- Adds the axioms behind constants. Of the constants that were added to the library, those in
`seen` were followed already. -/
partial def axiomsOf (env : Environment) (ns : List Name) (seen : NameSet) (found : List Name) :
    BaseIO (NameSet × List Name) := do
  match ns with
  | [] => return (seen, found)
  | n :: ns =>
    if (env.getModuleIdxFor? n).isSome then
      axiomsOf env ns seen (unionOf (← axiomsOfImported env n) found)
    else if seen.contains n then axiomsOf env ns seen found
    else
      let (seen, found) ← match env.find? n with
        | some (.axiomInfo _) => pure (seen.insert n, unionOf [n] found)
        | some info => axiomsOf env (constantsIn env info) (seen.insert n) found
        | none => pure (seen.insert n, found)
      axiomsOf env ns seen found

/-- The axioms behind terms, each once, sorted by name. -/
def axiomsBehind (env : Environment) (es : List Expr) : BaseIO (List Name) := do
  let constants := L.flatMap (fun (e : Expr) => e.getUsedConstants.toList) es
  let (_, found) ← axiomsOf env constants {} []
  return L.mergeSort found fun a b => nameText a ≤ nameText b

end Alchemy
