import Alchemy.Files.ProofPieces
import Alchemy.Files.NamedPremises
import Alchemy.Judging.JudgeText

/-!
# Proofs as they were written

A user's file is elaborated command by command with Lean's info trees switched on. They hold the
goals that each tactic met and left (`Lean.Elab.TacticInfo`), and what each name in it means
(`Lean.Elab.TermInfo`). With the pieces of the proof (`ProofPieces.lean`) that gives its *steps*: a
tactic, the goals before and after it, and the premises that it names.
-/

open Lean Meta Elab

namespace Alchemy

/-! ## What the info trees hold -/

/-- A tactic and its goals. -/
structure TacticMet where
  span : Span
  info : TacticInfo

/-- A name that is written, and the constant that it means. -/
structure NameMeant where
  span : Span
  name : Name

/-- What the info trees of a command hold. -/
structure Gathered where
  tactics : List TacticMet := []
  names : List NameMeant := []

mutual
/-- Adds what is in a tree. Each list holds the last one first, so that what is outside comes after
what is inside. -/
partial def gather (t : InfoTree) (g : Gathered) : Gathered :=
  match t with
  | .context _ t => gather t g
  | .node (.ofTacticInfo i) children =>
    gatherAll (L.ofPersistentArray children) <| match spanOf i.stx with
      | some span => { g with tactics := { span, info := i } :: g.tactics }
      | none => g
  | .node (.ofTermInfo i) children =>
    gatherAll (L.ofPersistentArray children) <| match i.expr, spanOf i.stx with
      | .const n _, some span => { g with names := { span, name := n } :: g.names }
      | _, _ => g
  | .node _ children => gatherAll (L.ofPersistentArray children) g
  | .hole _ => g
/-- Adds what is in several trees. -/
partial def gatherAll : List InfoTree → Gathered → Gathered
  | [], g => g
  | t :: ts, g => gatherAll ts (gather t g)
end

/-- The goals of the tactic at a span: the first one found, which of a macro and what it became is
the macro. -/
def tacticAt (s : Span) (tactics : List TacticMet) : Option TacticInfo :=
  (L.find? (·.span == s) tactics).map (·.info)

/-- The premises that a piece names, in order of occurrence. -/
def premisesIn (env : Environment) (p : Piece) : List NameMeant → (found : List Name) → List Name
  | [], found => L.reverse found
  | m :: ms, found =>
    let isOwn := p.span.holds m.span && !L.any p.inner (fun s => s.holds m.span)
    let isNew := isPremise env m.name && !found.contains m.name
    premisesIn env p ms (if isOwn && isNew then m.name :: found else found)

/-! ## Steps -/

/-- A tactic, and the goals before and after it, as Lean prints them. -/
structure WrittenStep where
  tactic : String
  before : List String
  after : List String
  premises : List Name

/-- The scope of a command: its namespace, and what is open. -/
def scopeOf (s : Command.State) : Command.Scope :=
  match s.scopes with
  | scope :: _ => scope
  | [] => { header := "" }

/-- Goals as they are printed in a scope. -/
def printedAt (env : Environment) (scope : Command.Scope) (mctx : MetavarContext)
    (goals : List MVarId) : IO (List String) := do
  let context ← commandCore { env, scopes := [scope] } textBudget
  -- no names that the variables of the goals have
  let state : Core.State := { env, ngen := { namePrefix := `_written } }
  match ← (((goalTexts goals).run' {} { mctx }).toIO context state).toIO' with
  | .ok (texts, _) => return texts
  | .error _ => return L.map (fun _ => "⊢ …") goals

/-- The steps of these pieces; `none` where the trees do not hold one of them. -/
def stepsOf (env : Environment) (scope : Command.Scope) (g : Gathered) :
    List Piece → IO (Option (List WrittenStep))
  | [] => return some []
  | p :: ps => do
    let some info := tacticAt p.span g.tactics | return none
    let before ← printedAt env scope info.mctxBefore info.goalsBefore
    let left ← printedAt env scope info.mctxAfter info.goalsAfter
    let opened ← openedBy p.blocks
    let some rest ← stepsOf env scope g ps | return none
    let premises := L.map privateToUserName (premisesIn env p g.names [])
    return some ({ tactic := p.text, before, after := L.append opened left, premises } :: rest)
where
  /-- The goals of the blocks that are played after the tactic. -/
  openedBy : List Span → IO (List String)
    | [] => return []
    | s :: ss => do
      let texts ← match tacticAt s g.tactics with
        | some info => printedAt env scope info.mctxBefore info.goalsBefore
        | none => pure []
      return L.append texts (← openedBy ss)

/-! ## The proof of a theorem -/

/-- A theorem of a user's file with its proof. -/
structure WrittenProof where
  name : Name
  type : Expr
  module : Nat
  line : Nat
  /-- What stands between the name and `:=`. -/
  statement : String
  /-- What comes after `:=`. -/
  proof : String
  /-- Empty where the proof is a term. -/
  steps : List WrittenStep
  /-- The place before its command, in the namespace that its name opens. -/
  place : ReadingPlace

/-- The parts of a theorem's command: its name as it is written, the signature and the proof. -/
def theoremIn (stx : Syntax) : Option (Name × Syntax × Syntax) :=
  let isTheorem := stx.isOfKind ``Parser.Command.declaration
    && stx[1].isOfKind ``Parser.Command.theorem || stx.isOfKind `lemma
  if isTheorem then some (stx[1][1][0].getId, stx[1][2], stx[1][3]) else none

/-- The command inside of `open Nat in variable (M) in …`, and the commands before `in`. -/
partial def unwrapped (stx : Syntax) : Syntax × List Syntax :=
  if stx.isOfKind ``Parser.Command.in then
    let (command, outer) := unwrapped stx[2]
    (command, stx[0] :: outer)
  else (stx, [])

/-- A name in full: `_root_.A.b` is `A.b`, and `b` in the namespace `A` is, too. -/
def fullName (scope : Command.Scope) (n : Name) : Name :=
  if (`_root_).isPrefixOf n then n.replacePrefix `_root_ .anonymous
  else scope.currNamespace ++ n

/-- The place of a theorem of this name: `theorem A.b` is elaborated in the namespace `A`. -/
def placeOfTheorem (s : Command.State) (id : Name) : ReadingPlace :=
  match s.scopes with
  | scope :: outer =>
    let scope := { scope with currNamespace := (fullName scope id).getPrefix }
    { env := s.env, scopes := scope :: outer }
  | [] => s.env

/-- How many variables are in the context of a tactic's first goal. -/
def enteredBy (info : TacticInfo) : Option Nat :=
  match info.goalsBefore with
  | g :: _ => match info.mctxBefore.findDecl? g with
    | some d =>
      let isVariable (f : FVarId) : Bool := match d.lctx.find? f with
        | some d => !d.isImplementationDetail
        | none => false
      some (L.length (L.filter isVariable d.lctx.getFVarIds.toList))
    | none => none
  | [] => none

/-- The theorem with its proof that a command gives, if it is one and it holds. -/
def writtenProof (page : Page) (module : Nat) (before : Command.State) (stx : Syntax)
    (after : Command.State) : IO (Option WrittenProof) := do
  let some (id, signature, value) := theoremIn stx | return none
  let place := placeOfTheorem before id
  let scope := match place.scopes with
    | scope :: _ => scope
    | [] => scopeOf before
  let name := fullName (scopeOf before) id
  let some (.thmInfo v) := after.env.find? name | return none
  if v.type.hasSorry || v.value.hasSorry then return none
  let some command := spanOf stx[1] | return none
  let textOf (stx : Syntax) : String := match spanOf stx with
    | some s => dedent (page.column command.start) (page.between s.start s.stop)
    | none => ""
  let gathered := gatherAll (L.ofPersistentArray after.infoState.trees) {}
  let gathered :=
    { tactics := L.reverse gathered.tactics, names := L.reverse gathered.names : Gathered }
  let isSimple := value.isOfKind ``Parser.Command.declValSimple
  let isTactics := isSimple && (value[1].isOfKind ``Parser.Term.byTactic
    || value[1].isOfKind ``Parser.Term.byTactic')
  let pieces := if isTactics then piecesOf page value[1][1] else []
  return some {
    name, type := v.type, module, line := (page.map.toPosition ⟨command.start⟩).line, place
    statement := page.between (stopOf stx[1][1][0]) (stopOf signature)
    proof := textOf (if isSimple then value[1] else value)
    steps := (← stepsOf after.env scope gathered pieces).getD [] }
where
  stopOf (stx : Syntax) : Nat := match spanOf stx with
    | some s => s.stop
    | none => 0

end Alchemy
