import Alchemy.Files.Library
import Alchemy.Gym.AllowedTactics

/-!
# Proofs as they were written

A file of the user is elaborated command by command with Lean's info trees switched on, which hold what each tactic met and left
(`Lean.Elab.TacticInfo`), and what each name in it means (`Lean.Elab.TermInfo`). Of these a proof's *steps* are made, as they would be
played one after the other: a tactic acts on the first goal, so that dots, `case` and the alternatives of `induction` need not be nested.

| written | played |
|---|---|
| `· tacs`, `(tacs)` | `tacs` |
| `case succ n ih => tacs`, `next h => tacs` | `case' succ n ih => skip`, `tacs` |
| `induction n with \| zero => tacs \| succ n ih => tacs'` | `induction n with \| zero => ?_ \| succ n ih => ?_`, `tacs`, `tacs'` |

What asks for all goals (`all_goals`, `any_goals`, rotations) would see more of them: a block with such a tactic is one step. Nested
tactics of other forms (`have : p := by …`, `tac <;> tac`, `first`, `calc`) are part of theirs.
-/

open Lean Meta Elab

namespace Alchemy

/-- Where something stands in a file: bytes. -/
structure Span where
  start : Nat
  stop : Nat
deriving BEq

/-- Of syntax that a person wrote. -/
def spanOf (stx : Syntax) : Option Span :=
  match stx.getPos? true, stx.getTailPos? true with
  | some a, some b => some { start := a.byteIdx, stop := b.byteIdx }
  | _, _ => none

def Span.holds (outer inner : Span) : Bool := outer.start ≤ inner.start && inner.stop ≤ outer.stop

/-- A tactic to play. -/
structure Piece where
  /-- As it is played. -/
  text : String
  /-- The tactic as it is written. -/
  span : Span
  /-- The blocks that are played after it, and not with it: the first tactic of each. -/
  blocks : List Span := []
  /-- The parts of the file that are not its own. -/
  inner : List Span := []

/-! ## From syntax to pieces -/

/-- `a`, `b` of `a; b; c`, without what separates them. -/
def evenOnes : List Syntax → List Syntax
  | [] => []
  | [x] => [x]
  | x :: _ :: rest => x :: evenOnes rest

/-- The tactics of a sequence. -/
def tacticsOf (seq : Syntax) : List Syntax :=
  let seq := if seq.isOfKind ``Parser.Tactic.tacticSeq then seq[0] else seq
  let list := if seq.isOfKind ``Parser.Tactic.tacticSeqBracketed then seq[1] else seq[0]
  evenOnes list.getArgs.toList

/-- Do these ask for all goals, or for their order? -/
def asksForAll (stx : Syntax) : Bool :=
  anyL (fun k => stx.isOfKind k) [
    ``Parser.Tactic.allGoals, ``Parser.Tactic.anyGoals, ``Parser.Tactic.rotateLeft, ``Parser.Tactic.rotateRight,
    `Lean.Parser.Tactic.tacticStop_, `Lean.Parser.Tactic.done]

/-- A text in the columns of its first line: what stands `n` columns in begins at column 0. -/
def dedent (n : Nat) (text : String) : String :=
  match text.splitOn "\n" with
  | [] => ""
  | line :: lines => joinWith "\n" (line :: mapL (fun l => dropSpaces n l) lines)
where
  dropSpaces : Nat → String → String
    | 0, s => s
    | n + 1, s => if s.startsWith " " then dropSpaces n (s.drop 1).toString else s

structure Page where
  text : String
  map : FileMap

def Page.between (p : Page) (a b : Nat) : String := String.Pos.Raw.extract p.text ⟨a⟩ ⟨b⟩

def Page.column (p : Page) (at_ : Nat) : Nat := (p.map.toPosition ⟨at_⟩).column

/-- The text of a tactic with some of its parts replaced. -/
def Page.rewritten (p : Page) (s : Span) (parts : List (Span × String)) : String :=
  dedent (p.column s.start) (go s.start parts)
where
  go (at_ : Nat) : List (Span × String) → String
    | [] => p.between at_ s.stop
    | (part, new) :: rest => p.between at_ part.start ++ new ++ go part.stop rest

mutual
/-- The pieces of a sequence, and its own first tactic. -/
partial def piecesOf (p : Page) (seq : Syntax) : List Piece := concat (mapL (piecesOfTactic p) (tacticsOf seq))

partial def piecesOfTactic (p : Page) (stx : Syntax) : List Piece :=
  match spanOf stx with
  | none => []
  | some span =>
    let whole : List Piece := [{ text := p.rewritten span [], span }]
    let block (seq : Syntax) (head : Option String) : List Piece :=
      let tactics := tacticsOf seq
      match spanOf seq, firstSpan tactics, anyL asksForAll tactics with
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
      block stx[3] (some ("case' _ " ++ (match spanOf stx[1] with | some s => p.between s.start s.stop ++ " " | none => "") ++ "=> skip"))
    else if stx.isOfKind ``Parser.Tactic.induction || stx.isOfKind ``Parser.Tactic.cases then
      let alts := stx[stx.getNumArgs - 1][0]
      if alts.isOfKind ``Parser.Tactic.inductionAlts && alts[1].getNumArgs == 0 then alternatives p span whole alts[2].getArgs.toList
      else whole
    else whole

/-- The pieces of `induction` and `cases` with alternatives. -/
partial def alternatives (p : Page) (span : Span) (whole : List Piece) (alts : List Syntax) : List Piece :=
  let sequences := keep (fun s => s.isOfKind ``Parser.Tactic.tacticSeq) (mapL (fun alt => alt[1][1]) alts)
  let spans := chooseL spanOf sequences
  let firsts := chooseL (fun s => firstSpan (tacticsOf s)) sequences
  if sequences matches [] then whole
  else if !(count spans == count sequences && count firsts == count sequences) || anyL (fun s => anyL asksForAll (tacticsOf s)) sequences then whole
  else { text := p.rewritten span (mapL (fun s => (s, "?_")) spans), span, blocks := firsts, inner := spans } ::
    concat (mapL (piecesOf p) sequences)

partial def firstSpan : List Syntax → Option Span
  | t :: _ => if t.isOfKind ``cdot || t.isOfKind ``Parser.Tactic.paren then firstSpan (tacticsOf t[1]) else spanOf t
  | [] => none
end

/-! ## What the info trees hold -/

/-- What a tactic met and left. -/
structure Met where
  span : Span
  info : TacticInfo

/-- What a name means. -/
structure Meant where
  span : Span
  name : Name

structure Gathered where
  met : List Met := []
  meant : List Meant := []

mutual
/-- What is in a tree, the last first: what surrounds something comes before it. -/
partial def gather (t : InfoTree) (g : Gathered) : Gathered :=
  match t with
  | .context _ t => gather t g
  | .node (.ofTacticInfo i) children => gatherAll (elements children) <| match spanOf i.stx with
    | some span => { g with met := { span, info := i } :: g.met }
    | none => g
  | .node (.ofTermInfo i) children => gatherAll (elements children) <| match i.expr, spanOf i.stx with
    | .const n _, some span => { g with meant := { span, name := n } :: g.meant }
    | _, _ => g
  | .node _ children => gatherAll (elements children) g
  | .hole _ => g
partial def gatherAll : List InfoTree → Gathered → Gathered
  | [], g => g
  | t :: ts, g => gatherAll ts (gather t g)
end

/-- The first that is found at a place: of a tactic and what its macro became, the tactic. -/
def metAt (s : Span) : List Met → Option TacticInfo
  | [] => none
  | m :: ms => if m.span == s then some m.info else metAt s ms

/-- The premises named in a piece, in order of occurrence. -/
def premisesIn (env : Environment) (p : Piece) : List Meant → List Name → List Name
  | [], found => rev found
  | m :: ms, found =>
    let isOwn := p.span.holds m.span && !anyL (fun s => s.holds m.span) p.inner
    premisesIn env p ms (if isOwn && isPremise env m.name && !anyL (· == m.name) found then m.name :: found else found)

/-! ## A proof -/

structure WrittenStep where
  tactic : String
  /-- Goals, as Lean prints them. -/
  before : List String
  after : List String
  premises : List Name

structure WrittenProof where
  name : Name
  type : Expr
  module : Nat
  line : Nat
  /-- What stands between the name and `:=`, and what comes after it. -/
  statement : String
  proof : String
  /-- None where the proof is a term. -/
  steps : List WrittenStep
  /-- Before its command, in the namespace that its name opens. -/
  place : Place

/-- A place's names: what is open, and in which namespace. -/
def scopeOf (s : Command.State) : Command.Scope :=
  match s.scopes with
  | scope :: _ => scope
  | [] => { header := "" }

/-- Goals as they are printed at a place. -/
def printedAt (env : Environment) (scope : Command.Scope) (mctx : MetavarContext) (goals : List MVarId) : IO (List String) := do
  let context ← commandCore { env, scopes := [scope] } textBudget
  let state : Core.State := { env, ngen := { namePrefix := `_written } }  -- other names than those of the goals' variables
  match ← (((goalTexts goals).run' {} { mctx }).toIO context state).toIO' with
  | .ok (texts, _) => return texts
  | .error _ => return mapL (fun _ => "⊢ …") goals

/-- The steps of pieces; `none` where one has left no trace. -/
def stepsOf (env : Environment) (scope : Command.Scope) (g : Gathered) : List Piece → IO (Option (List WrittenStep))
  | [] => return some []
  | p :: ps => do
    let some info := metAt p.span g.met | return none
    let before ← printedAt env scope info.mctxBefore info.goalsBefore
    let left ← printedAt env scope info.mctxAfter info.goalsAfter
    let opened ← openedBy p.blocks
    let some rest ← stepsOf env scope g ps | return none
    return some ({ tactic := p.text, before, after := append opened left, premises := mapL privateToUserName (premisesIn env p g.meant []) } :: rest)
where
  openedBy : List Span → IO (List String)
    | [] => return []
    | s :: ss => do
      let texts ← match metAt s g.met with
        | some info => printedAt env scope info.mctxBefore info.goalsBefore
        | none => pure []
      return append texts (← openedBy ss)

/-- The parts of a theorem's command: its name as it is written, signature and proof. -/
def theoremIn (stx : Syntax) : Option (Name × Syntax × Syntax) :=
  if stx.isOfKind ``Parser.Command.declaration && stx[1].isOfKind ``Parser.Command.theorem || stx.isOfKind `lemma then
    some (stx[1][1][0].getId, stx[1][2], stx[1][3])
  else none

/-- The command inside of `open Nat in variable (M) in …`, and what stands before it. -/
partial def unwrapped (stx : Syntax) : Syntax × List Syntax :=
  if stx.isOfKind ``Parser.Command.in then
    let (command, outer) := unwrapped stx[2]
    (command, stx[0] :: outer)
  else (stx, [])

/-- A name as it is written, in full. -/
def fullName (scope : Command.Scope) (n : Name) : Name :=
  if (`_root_).isPrefixOf n then n.replacePrefix `_root_ .anonymous else scope.currNamespace ++ n

/-- The place of a theorem of this name: `theorem A.b` is elaborated in the namespace `A`. -/
def placeOfTheorem (s : Command.State) (id : Name) : Place :=
  match s.scopes with
  | scope :: outer => { env := s.env, scopes := { scope with currNamespace := (fullName scope id).getPrefix } :: outer }
  | [] => s.env

/-- How many variables a tactic met. -/
def enteredBy (info : TacticInfo) : Option Nat :=
  match info.goalsBefore with
  | g :: _ => match info.mctxBefore.findDecl? g with
    | some d => some (count (keep (fun f => match d.lctx.find? f with | some d => !d.isImplementationDetail | none => false) d.lctx.getFVarIds.toList))
    | none => none
  | [] => none

/-- The proof that a command gives, if it is a theorem that holds. -/
def writtenProof (page : Page) (module : Nat) (before : Command.State) (stx : Syntax) (after : Command.State) : IO (Option WrittenProof) := do
  let some (id, signature, value) := theoremIn stx | return none
  let place := placeOfTheorem before id
  let scope := match place.scopes with
    | scope :: _ => scope
    | [] => scopeOf before
  let name := fullName (scopeOf before) id
  let some (.thmInfo v) := after.env.find? name | return none
  if v.type.hasSorry || v.value.hasSorry then return none
  let some at_ := spanOf stx[1] | return none
  let textOf (stx : Syntax) : String := match spanOf stx with
    | some s => dedent (page.column at_.start) (page.between s.start s.stop)
    | none => ""
  let gathered := gatherAll (elements after.infoState.trees) {}
  let gathered := { met := rev gathered.met, meant := rev gathered.meant : Gathered }
  let isSimple := value.isOfKind ``Parser.Command.declValSimple
  let pieces := if isSimple && (value[1].isOfKind ``Parser.Term.byTactic || value[1].isOfKind ``Parser.Term.byTactic') then piecesOf page value[1][1] else []
  return some {
    name, type := v.type, module, line := (page.map.toPosition ⟨at_.start⟩).line, place,
    statement := page.between (stopOf stx[1][1][0]) (stopOf signature), proof := textOf (if isSimple then value[1] else value),
    steps := (← stepsOf after.env scope gathered pieces).getD [] }
where
  stopOf (stx : Syntax) : Nat := match spanOf stx with
    | some s => s.stop
    | none => 0

end Alchemy
