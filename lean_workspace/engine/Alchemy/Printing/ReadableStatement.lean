import Alchemy.Judging.JudgeText
import Alchemy.Printing.ForeseenMarks
import Alchemy.Printing.MarksOfTarget

/-!
# A statement put into words that read back

A way of writing is tried as it is. Where the text reads back as another statement, the first subterm that differs
is marked (`Differ.lean`), round by round. Where it does not even parse, a notation is at fault that its file alone may
use (`x#'h`), or a `do` block that goes on into the proof: the conclusion is enclosed, or the notation is not used.
-/

open Lean Meta

namespace Alchemy

/-- What a statement may be written like where nothing else reads back. -/
structure Style where
  /-- explicitly as a whole -/
  explicitly : Bool := true
  /-- a `match` as the function that Lean made of it -/
  matchers : Bool := true

/-- Thousands of heartbeats for all that is tried to find the words of a statement: a fifth of a second, which one text in a thousand does
not do with. What may be explicit as a whole may take as long as four texts. -/
def Style.budget (s : Style) : Nat := if s.explicitly then 4 * textBudget else 800

/-- A statement to be written, and what judges a text of it. -/
structure Wording (α : Type) where
  /-- Texts are read in it. -/
  env : Environment
  params : List Name
  type : Expr
  print : Level → List Mark → MetaM (Option String)
  /-- What the statement of a text is read as. -/
  read : String → MetaM (Option Expr)
  /-- The whole text that this statement makes. -/
  judge : String → Level → List Mark → MetaM (Except Refusal α)
  /-- What had to be marked in the text of the target. -/
  lessons : List Lesson
  style : Style

/-- Where the proof is at fault no other way of writing the statement helps, nor where what it must be written like is not wanted. -/
def Refusal.isFinal (r : Refusal) : Bool := r.stage == "proof" || r.stage == "match"

/-- Does the mark that was made last say more of a `match`? -/
def isOfMatcher : List Mark → Bool
  | m :: _ => (m.node.head matches .matcher)
  | [] => false

/-- More rounds than this are a sign that a statement can't be mended by position. -/
def maxRounds : Nat := 8

/-- Marks what differs, round by round, until the text is right. `last`: what was said of the text with the marks so far. -/
partial def Wording.mend (w : Wording α) (level : Level) (statement : String) (marks : List Mark) (rounds : Nat) (levels : Bool)
    (last : Refusal) : MetaM (Except Refusal α) := do
  if rounds == 0 || last.isFinal then return .error last
  let some other ← (match last.read with
    | some other => pure (some other)
    | none => w.read statement) | return .error last
  match differ w.env levels w.type other typePosition [] with
  | [] => if levels then return .error last else w.mend level statement marks rounds true last
  | path =>
    let some marks := strengthen marks path | return .error last
    if !w.style.matchers && isOfMatcher marks then return .error { stage := "match", message := "a match does not read back" }
    -- one mark does for most texts; where it does not, all that is marked in the target
    let marks := if rounds == maxRounds then marks else addMarks (taught w.env w.lessons w.type (some other) typePosition []) marks
    let some statement ← w.print level marks | return .error last
    match ← w.judge statement level marks with
    | .error r => w.mend level statement marks (rounds - 1) levels r
    | written => return written

/-- Does the text with these marks parse? -/
def Wording.parses (w : Wording α) (level : Level) (marks : List Mark) : MetaM Bool := do
  let some statement ← w.print level marks | return false
  let text := theoremText `alchemy_parsed w.params statement (proofText ["sorry"])
  return (Parser.runParserCategory w.env `command text "<text>") matches .ok _

/-- The first half of `xs`, and the second. -/
def halves (xs : List α) : List α × List α := (takeL xs (count xs / 2), dropL xs (count xs / 2))

/-- The fewest of `marks` without which the text does not parse, as far as halving finds them. -/
partial def Wording.needed (w : Wording α) (level : Level) (marks : List (List Mark)) : MetaM (List Mark) := do
  let (left, right) := halves marks
  if left matches [] then return concat marks
  if ← w.parses level (concat left) then w.needed level left
  else if ← w.parses level (concat right) then w.needed level right
  else return concat marks

/-- What makes a text parse that did not with these marks. -/
def Wording.parsing (w : Wording α) (level : Level) (marks : List Mark) : MetaM (Option (List Mark)) := do
  let marks := addMarks marks [enclosed (conclusionPosition w.type [] typePosition)]
  if ← w.parses level marks then return some marks
  let all := mapL (addMarks marks) (marksByHead w.env w.type typePosition)
  if ← w.parses level (concat all) then return some (← w.needed level all) else return none

/-- Judges the text with these marks, and mends it where it states something else. -/
def Wording.attempt (w : Wording α) (level : Level) (marks : List Mark) : MetaM (Except Refusal α) := do
  let some statement ← w.print level marks | return .error { stage := "print", message := "Lean prints no signature" }
  match ← w.judge statement level marks with
  | .error r => if r.isFinal || r.stage == "parse" then return .error r else w.mend level statement marks maxRounds false r
  | written => return written

/-- Prints the statement until the text reads back: level by level, at each first as it is, then with marks. The last
level says everything. -/
def Wording.write (w : Wording α) : MetaM (Except Refusal α) :=
  go (if w.style.explicitly then levels else takeL levels 1) { stage := "print", message := "Lean prints no signature" }
where
  go (ls : List Level) (last : Refusal) : MetaM (Except Refusal α) := do
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
