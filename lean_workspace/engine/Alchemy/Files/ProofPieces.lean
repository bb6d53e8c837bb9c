import Alchemy.Portable.Lists

/-!
# The tactics of a written proof, as they would be played

A proof in a file is nested: `induction n with | zero => … | succ n ih => …`. In the gym tactics are
played one after the other, and each acts on the first goal. So nothing needs to be nested, and a
proof becomes a list of *pieces*, tactics as they are played:

* `· tacs` and `(tacs)` are played as `tacs`.
* `case succ n ih => tacs` is played as `case' succ n ih => skip`, then `tacs`; `next` likewise.
* `induction n with | zero => tacs | succ n ih => tacs'` is played as
  `induction n with | zero => ?_ | succ n ih => ?_`, then `tacs`, then `tacs'`; `cases` likewise.

Tactics that ask for all goals (`all_goals`, `any_goals`, rotations) would see more of them when
they are played, so a block with such a tactic stays one piece. So do other nested tactics
(`have : p := by …`, `tac <;> tac`, `first`, `calc`).
-/

open Lean

namespace Alchemy

/-- Where something stands in a file: bytes. -/
structure Span where
  start : Nat
  stop : Nat
deriving BEq

/-- The span of syntax that a person wrote. -/
def spanOf (stx : Syntax) : Option Span :=
  match stx.getPos? true, stx.getTailPos? true with
  | some a, some b => some { start := a.byteIdx, stop := b.byteIdx }
  | _, _ => none

/-- Does `inner` lie in it? -/
def Span.holds (outer inner : Span) : Bool :=
  outer.start ≤ inner.start && inner.stop ≤ outer.stop

/-- A tactic to play. -/
structure Piece where
  /-- The tactic as it is played. -/
  text : String
  /-- Where the tactic is written. -/
  span : Span
  /-- The first tactic of each block inside it that is played after it. -/
  blocks : List Span := []
  /-- Those blocks. -/
  inner : List Span := []

/-! ## The text of a file -/

/-- A file: its text, and the lines and columns of its positions. -/
structure Page where
  text : String
  map : FileMap

/-- The text between two positions, in bytes. -/
def Page.between (p : Page) (a b : Nat) : String := String.Pos.Raw.extract p.text ⟨a⟩ ⟨b⟩

/-- The column of a position. -/
def Page.column (p : Page) (position : Nat) : Nat := (p.map.toPosition ⟨position⟩).column

/-- A text whose first line began at column `n`, with its other lines moved to the left by as much.
-/
def dedent (n : Nat) (text : String) : String :=
  match text.splitOn "\n" with
  | [] => ""
  | line :: lines => "\n".intercalate (line :: L.map (fun l => dropSpaces n l) lines)
where
  dropSpaces : Nat → String → String
    | 0, s => s
    | n + 1, s => if s.startsWith " " then dropSpaces n (s.drop 1).toString else s

/-- The text of a tactic, dedented, with some of its parts replaced. -/
def Page.rewritten (p : Page) (s : Span) (parts : List (Span × String)) : String :=
  dedent (p.column s.start) (go s.start parts)
where
  go (position : Nat) : List (Span × String) → String
    | [] => p.between position s.stop
    | (part, new) :: rest => p.between position part.start ++ new ++ go part.stop rest

/-! ## From syntax to pieces -/

/-- `a`, `b`, `c` of `a; b; c`. -/
def withoutSeparators : List Syntax → List Syntax
  | [] => []
  | [x] => [x]
  | x :: _ :: rest => x :: withoutSeparators rest

/-- The tactics of a sequence. -/
def tacticsOf (seq : Syntax) : List Syntax :=
  let seq := if seq.isOfKind ``Parser.Tactic.tacticSeq then seq[0] else seq
  let list := if seq.isOfKind ``Parser.Tactic.tacticSeqBracketed then seq[1] else seq[0]
  withoutSeparators list.getArgs.toList

/-- Does the tactic ask for all goals, or for their order? -/
def asksForAll (stx : Syntax) : Bool :=
  L.any [
    ``Parser.Tactic.allGoals, ``Parser.Tactic.anyGoals, ``Parser.Tactic.rotateLeft,
    ``Parser.Tactic.rotateRight, `Lean.Parser.Tactic.tacticStop_, `Lean.Parser.Tactic.done]
    (fun k => stx.isOfKind k)

mutual
/-- The pieces of a sequence of tactics. -/
partial def piecesOf (p : Page) (seq : Syntax) : List Piece :=
  L.flatMap (piecesOfTactic p) (tacticsOf seq)

partial def piecesOfTactic (p : Page) (stx : Syntax) : List Piece :=
  match spanOf stx with
  | none => []
  | some span =>
    let whole : List Piece := [{ text := p.rewritten span [], span }]
    let block (seq : Syntax) (head : Option String) : List Piece :=
      let tactics := tacticsOf seq
      match spanOf seq, firstSpan tactics, L.any tactics asksForAll with
      | some inner, some first, false =>
        let pieces := piecesOf p seq
        match head with
        | none => pieces
        | some text => { text, span, blocks := [first], inner := [inner] } :: pieces
      | _, _, _ => whole
    if stx.isOfKind ``cdot then block stx[1] none
    else if stx.isOfKind ``Parser.Tactic.paren then piecesOf p stx[1]
    else if stx.isOfKind ``Parser.Tactic.case then
      match stx[1].getArgs.toList, spanOf stx[1] with
      | [_], some s => block stx[3] (some ("case' " ++ p.between s.start s.stop ++ " => skip"))
      | _, _ => whole
    else if stx.isOfKind `Lean.Parser.Tactic.«tacticNext_=>_» then
      let names := match spanOf stx[1] with
        | some s => p.between s.start s.stop ++ " "
        | none => ""
      block stx[3] (some ("case' _ " ++ names ++ "=> skip"))
    else if stx.isOfKind ``Parser.Tactic.induction || stx.isOfKind ``Parser.Tactic.cases then
      let alts := stx[stx.getNumArgs - 1][0]
      if alts.isOfKind ``Parser.Tactic.inductionAlts && alts[1].getNumArgs == 0 then
        alternatives p span whole alts[2].getArgs.toList
      else whole
    else whole

/-- The pieces of `induction` and `cases` with alternatives. -/
partial def alternatives (p : Page) (span : Span) (whole : List Piece) (alts : List Syntax) :
    List Piece :=
  let sequences := L.filter (fun s => s.isOfKind ``Parser.Tactic.tacticSeq)
    (L.map (fun alt => alt[1][1]) alts)
  let spans := L.filterMap spanOf sequences
  let firsts := L.filterMap (fun s => firstSpan (tacticsOf s)) sequences
  let areWritten :=
    L.length spans == L.length sequences && L.length firsts == L.length sequences
  if sequences matches [] then whole
  else if !areWritten || L.any sequences (fun s => L.any (tacticsOf s) asksForAll) then whole
  else
    let text := p.rewritten span (L.map (fun s => (s, "?_")) spans)
    { text, span, blocks := firsts, inner := spans } :: L.flatMap (piecesOf p) sequences

/-- The span of the first tactic, inside of dots and parentheses. -/
partial def firstSpan : List Syntax → Option Span
  | t :: _ =>
    if t.isOfKind ``cdot || t.isOfKind ``Parser.Tactic.paren then firstSpan (tacticsOf t[1])
    else spanOf t
  | [] => none
end

end Alchemy
