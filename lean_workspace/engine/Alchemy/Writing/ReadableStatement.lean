import Alchemy.Judging.JudgeText
import Alchemy.Printing.ForeseenMarks
import Alchemy.Printing.MarksOfTarget
import Alchemy.Printing.Signature

/-!
# A statement in words that read back

A statement is printed, and the text is judged. Where it reads back as another statement, the first
subterm that differs is marked (`Marks.lean`), the statement is printed again, and so on, round by
round. Where the text does not parse, there are two known causes. A notation can be used in its own
namespace only (`x#'h`): then it is not used. Or a `do` block goes on into the proof: then the
conclusion is put in parentheses.
-/

open Lean Meta

namespace Alchemy

/-- How a statement may be written where nothing else reads back. -/
structure Style where
  /-- May the whole statement be written explicitly? -/
  explicitly : Bool := true
  /-- May a `match` be written as the function that Lean made of it? -/
  matchers : Bool := true

/-- Thousands of heartbeats for all that is tried to write a statement: a fifth of a second, which
is too little for one text in a thousand. Where it may be written explicitly, as much as for four
texts. -/
def Style.budget (s : Style) : Nat := if s.explicitly then 4 * textBudget else 800

/-- A statement to be written, and what judges its texts. -/
structure Wording (α : Type) where
  /-- Texts are read in it. -/
  env : Environment
  params : List Name
  type : Expr
  print : PrintLevel → List Mark → MetaM (Option String)
  /-- The statement of a text, as it is read. -/
  read : String → MetaM (Option Expr)
  /-- Judges the whole text that a statement makes. -/
  judge : String → PrintLevel → List Mark → MetaM (Except Refusal α)
  /-- The terms that had to be marked in the text of the target. -/
  markedInTarget : List MarkedTerm
  style : Style

/-- Can no other way of writing the statement help? Either the proof is at fault, or the statement
could only be written in a way that the style does not want. -/
def Refusal.isFinal (r : Refusal) : Bool := r.stage == "proof" || r.stage == "match"

/-- Is the newest mark at a `match`? -/
def isAtMatcher : List Mark → Bool
  | m :: _ => (m.node.kind matches .matcher)
  | [] => false

/-! ## Texts that read back as something else -/

/-- After more rounds than this a statement is not mended by marks. -/
def maxRounds : Nat := 8

/-- Marks what differs, round by round, until the text is right. `last` is the verdict on the text
with the marks so far. -/
partial def Wording.mend (w : Wording α) (level : PrintLevel) (statement : String)
    (marks : List Mark) (rounds : Nat) (levels : Bool) (last : Refusal) :
    MetaM (Except Refusal α) := do
  if rounds == 0 || last.isFinal then return .error last
  let some other ← (match last.read with
    | some other => pure (some other)
    | none => w.read statement) | return .error last
  match firstDifference w.env levels w.type other typePosition [] with
  | [] =>
    if levels then return .error last else w.mend level statement marks rounds true last
  | path =>
    let some marks := strengthen marks path | return .error last
    if !w.style.matchers && isAtMatcher marks then
      return .error { stage := "match", message := "a match does not read back" }
    -- one mark does for most texts; where it does not, all that is marked in the target is marked
    let marks := if rounds == maxRounds then marks else
      addMarks (marksAsInTarget w.env w.markedInTarget w.type (some other) typePosition []) marks
    let some statement ← w.print level marks | return .error last
    match ← w.judge statement level marks with
    | .error r => w.mend level statement marks (rounds - 1) levels r
    | written => return written

/-! ## Texts that do not parse -/

/-- Does the text with these marks parse? -/
def Wording.parses (w : Wording α) (level : PrintLevel) (marks : List Mark) : MetaM Bool := do
  let some statement ← w.print level marks | return false
  let text := theoremText `alchemy_parsed w.params statement (proofText ["sorry"])
  return (Parser.runParserCategory w.env `command text "<text>") matches .ok _

/-- The first half of `xs`, and the second. -/
def halves (xs : List α) : List α × List α :=
  (L.take (L.length xs / 2) xs, L.drop (L.length xs / 2) xs)

/-- The fewest of the marks without which the text does not parse, as far as halving finds them. -/
partial def Wording.needed (w : Wording α) (level : PrintLevel) (marks : List (List Mark)) :
    MetaM (List Mark) := do
  let (left, right) := halves marks
  if left matches [] then return L.flatten marks
  if ← w.parses level (L.flatten left) then w.needed level left
  else if ← w.parses level (L.flatten right) then w.needed level right
  else return L.flatten marks

/-- Marks with which a text parses that did not parse with these: parentheses around the conclusion,
or no notation for a constant. -/
def Wording.parsing (w : Wording α) (level : PrintLevel) (marks : List Mark) :
    MetaM (Option (List Mark)) := do
  let marks := addMarks marks [enclosed (conclusionPosition w.type [] typePosition)]
  if ← w.parses level marks then return some marks
  let all := L.map (addMarks marks) (marksByHead w.env w.type typePosition)
  if ← w.parses level (L.flatten all) then return some (← w.needed level all) else return none

/-! ## Writing -/

/-- Judges the text with these marks, and mends it where it states something else. -/
def Wording.attempt (w : Wording α) (level : PrintLevel) (marks : List Mark) :
    MetaM (Except Refusal α) := do
  let some statement ← w.print level marks
    | return .error { stage := "print", message := "Lean prints no signature" }
  match ← w.judge statement level marks with
  | .error r =>
    if r.isFinal || r.stage == "parse" then return .error r
    else w.mend level statement marks maxRounds false r
  | written => return written

/-- Prints the statement until the text reads back, level by level. The last level writes everything
explicitly. -/
def Wording.write (w : Wording α) : MetaM (Except Refusal α) :=
  go (if w.style.explicitly then printLevels else L.take 1 printLevels)
    { stage := "print", message := "Lean prints no signature" }
where
  go (ls : List PrintLevel) (last : Refusal) : MetaM (Except Refusal α) := do
    match ls with
    | [] => return .error last
    | l :: ls =>
      let marks := if l.on matches [] then foreseen w.env w.type typePosition else []
      match ← w.attempt l marks with
      | .error r =>
        if r.isFinal then return .error r
        let some marks ← (if r.stage == "parse" then w.parsing l marks else pure none) | go ls r
        match ← w.attempt l marks with
        | .error r => if r.isFinal then return .error r else go ls r
        | written => return written
      | written => return written

end Alchemy
