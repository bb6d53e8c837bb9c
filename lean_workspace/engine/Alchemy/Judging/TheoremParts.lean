import Alchemy.Judging.JudgeText

/-!
# The parts of a theorem's syntax

`JudgeByParts.lean` elaborates a theorem part by part: its binders, its type, the `have`s that its
proof begins with, and the rest of the proof.

    theorem v {a b : Nat} (h : a < b) : a ≤ b := by
      have h₁ : a + 1 ≤ b := h
      exact Nat.le_of_succ_le h₁

has the binders `{a b : Nat}` and `(h : a < b)`, the type `a ≤ b`, one opening and the proof
`by exact …`. Each part comes with its source text, by which a part that was read before is
recognised.
-/

open Lean Meta

namespace Alchemy

/-- The parts of one theorem. -/
structure TheoremParts where
  name : Name
  levels : List Name
  /-- The source and the syntax of each binder. -/
  binders : List (String × Syntax)
  type : Syntax
  /-- The `have`s with a type that the proof begins with. -/
  openings : List (String × Syntax)
  /-- The proof after them. -/
  proof : Syntax
  /-- The whole proof. -/
  whole : Syntax

/-- Is nothing written there? -/
def isEmpty (stx : Syntax) : Bool := stx.getPos?.isNone

/-- The part of a text that a syntax tree was parsed from. -/
def sourceOf (text : String) (stx : Syntax) : String :=
  match stx.getPos?, stx.getTailPos? with
  | some start, some stop => String.Pos.Raw.extract text start stop
  | _, _ => ""

/-- Is this tactic a `have` with a type? -/
def isOpening (stx : Syntax) : Bool :=
  stx.isOfKind `Lean.Parser.Tactic.tacticHave__ && stx[2][0].isOfKind ``Parser.Term.letIdDecl
    && !isEmpty stx[2][0][2]

/-- The `have`s that a proof begins with, and the rest of it, which is not empty. -/
def openingsOf (proof : Syntax) : List Syntax × Syntax :=
  let tactics := proof[1][0]
  let isTactics := proof.isOfKind ``Parser.Term.byTactic
    && tactics.isOfKind ``Parser.Tactic.tacticSeq1Indented
  if !isTactics then ([], proof) else
  let (openings, rest) := split tactics[0].getArgs.toList
  if rest matches [] then ([], proof) else
  let rest := tactics.setArg 0 (.node .none nullKind rest.toArray)
  (openings, proof.setArg 1 (proof[1].setArg 0 rest))
where
  /-- Tactics come with the separators between them. -/
  split : List Syntax → List Syntax × List Syntax
    | tactic :: separator :: rest =>
      if isOpening tactic then
        let (openings, left) := split rest
        (tactic :: openings, left)
      else ([], tactic :: separator :: rest)
    | rest => ([], rest)

/-- The parts of a theorem; `none` where the command is not one theorem with a type and a proof, and
nothing else. -/
def partsOf (text : String) (stx : Syntax) : Option TheoremParts :=
  match theoremName? stx with
  | none => none
  | some name =>
    let (signature, value) := (stx[1][2], stx[1][3])
    let isPlain := isEmpty stx[0] && value.isOfKind ``Parser.Command.declValSimple
      && isEmpty value[2] && isEmpty value[3]
    if !isPlain then none else
    let whole := term value[1]
    let (openings, proof) := openingsOf whole
    some {
      name, levels := levelsIn stx[1][1][1].getArgs.toList, type := signature[1][1]
      openings := withSource openings, proof, whole
      binders := withSource signature[0].getArgs.toList }
where
  /-- The names in `.{u, v}`. -/
  levelsIn : List Syntax → List Name
    | [_, names, _] => identifiers names.getArgs.toList
    | _ => []
  identifiers : List Syntax → List Name
    | [] => []
    | .ident _ _ n _ :: rest => n :: identifiers rest
    | _ :: rest => identifiers rest
  /-- `by` after `:=` has a kind of its own. -/
  term (stx : Syntax) : Syntax :=
    if stx.isOfKind ``Parser.Term.byTactic' then
      .node .none ``Parser.Term.byTactic stx.getArgs
    else stx
  withSource (stxs : List Syntax) : List (String × Syntax) :=
    L.map (fun stx => (sourceOf text stx, stx)) stxs

end Alchemy
