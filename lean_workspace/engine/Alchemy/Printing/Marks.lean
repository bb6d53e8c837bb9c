import Alchemy.Printing.FirstDifference

/-!
# Marks: places where a text says more

The delaborator takes options by position (`Lean.PrettyPrinter.Delaborator.OptionsPerPos`). A *mark*
is a position and how its subterm is to be written: with its type, without notation, with all its
arguments. Where a text does not read back, the first subterm that differs gets a mark, or a
stronger one, until it does:

    ∃ n, a = ↑n          read back with another type of n
    ∃ (n : Nat), a = ↑n  the mark `typed` at the binder
-/

open Lean

namespace Alchemy

/-- How the node of a mark is written; each says more than those before it. -/
inductive Rung where
  /-- In parentheses: a `do` block at the end of a statement would go on into the proof. -/
  | enclosed
  /-- With its type, `(↑n : Int)`; a binder with the type of its variable. -/
  | typed
  /-- As a function with its arguments, without notation: `getElem xs i h`, `UInt8.ofBitVec x`. -/
  | plain
  /-- With its implicit arguments: `@List.nil Nat`. -/
  | explicit
  /-- With its universes: `List.nil.{u}`. -/
  | universes
  /-- With both. -/
  | everything

/-- The rungs to try at a node, in order. Writing the type helps neither a proof nor the fields of a
structure. -/
def rungsOf : NodeKind → List Rung
  | .binder => [.typed]
  | .term => [.typed, .plain, .explicit, .everything]
  | .application | .matcher => [.plain, .explicit, .everything]
  | .implicit => [.explicit, .everything]
  | .levels => [.universes, .everything]

/-- A node that is written in more detail. -/
structure Mark where
  node : TermNode
  rung : Rung

/-- The rung of the mark at position `p`. -/
def markAt (p : Nat) : List Mark → Option Rung
  | [] => none
  | m :: ms => if m.node.position == p then some m.rung else markAt p ms

/-- `marks`, and those of `more` that stand at other positions. -/
def addMarks (more marks : List Mark) : List Mark :=
  more.foldl (fun all m => if (markAt m.node.position all).isSome then all else m :: all) marks

/-! ## One rung more -/

/-- The place of a rung in their order. -/
def Rung.place : Rung → Nat
  | .enclosed => 0
  | .typed => 1
  | .plain => 2
  | .explicit => 3
  | .universes => 4
  | .everything => 5

/-- The first of these rungs that says more than `r`. -/
def nextRung (r : Option Rung) : List Rung → Option Rung
  | [] => none
  | x :: xs => match r with
    | none => some x
    | some r => if r.place < x.place then some x else nextRung (some r) xs

/-- The marks with one rung more, at the innermost node of the path that has one left; `none` where
no node has. -/
def strengthen (marks : List Mark) : List TermNode → Option (List Mark)
  | [] => none
  | n :: ns =>
    match nextRung (markAt n.position marks) (rungsOf n.kind) with
    | some rung =>
      let others := L.filter (fun m => m.node.position != n.position) marks
      some ({ node := n, rung } :: others)
    | none => strengthen marks ns

/-! ## Marks for a text that does not parse -/

/-- The mark that puts a term in parentheses. -/
def enclosed (position : Nat) : Mark :=
  { node := { position, fn := position, kind := .term }, rung := .enclosed }

mutual
/-- Adds the applications and constants in `e`, which stands at `p`, with their positions, the last
one first. -/
partial def nodesIn (e : Expr) (p : Nat) (acc : List (Expr × Nat)) : List (Expr × Nat) :=
  match e with
  | .forallE _ t b _ | .lam _ t b _ => nodesIn b (4 * p + 1) (nodesIn t (4 * p) acc)
  | .letE _ t v b _ => nodesIn b (4 * p + 2) (nodesIn v (4 * p + 1) (nodesIn t (4 * p) acc))
  | .mdata _ e => nodesIn e p acc
  | .app .. | .const .. =>
    let as := argsOf e
    nodesInAll as p (L.length as) 0 ((e, p) :: acc)
  | _ => acc
partial def nodesInAll (as : List Expr) (p n i : Nat) (acc : List (Expr × Nat)) :
    List (Expr × Nat) :=
  match as with
  | [] => acc
  | a :: as => nodesInAll as p n (i + 1) (nodesIn a (argumentAt p n i) acc)
end

/-- Adds a mark to those of the constant `n`. -/
def addMark (n : Name) (m : Mark) : List (Name × List Mark) → List (Name × List Mark)
  | [] => [(n, [m])]
  | (k, ms) :: rest => if k == n then (k, m :: ms) :: rest else (k, ms) :: addMark n m rest

/-- The marks that write each constant of `e` without notation, one list for each constant. -/
def marksByHead (env : Environment) (e : Expr) (p : Nat) : List (List Mark) :=
  L.map (·.2) <| (L.reverse (nodesIn e p [])).foldl (init := []) fun acc (e, p) =>
    match headOf e with
    | .const n _ => addMark n { node := nodeOf env e e p false, rung := .plain } acc
    | _ => acc

end Alchemy
