import Alchemy.Files.NamedPremises
import Alchemy.Gym.AllowedTactics
import Alchemy.Judging.TheoremParts

/-!
# Proof states: tactics played step by step

A *start* is a statement in an environment. A *state* is what tactics have made of it: the goals,
and the tactics that led there. A step makes a new state and leaves the old one as it is, whatever
happens. When no goal is left, the proof is written out, elaborated afresh as a whole command and
checked by the kernel (`checkText`). Only then is the statement proved.

A state keeps no caches: a step depends on the state and its heartbeats alone, so the same tactics
played in another engine end in the same state.
-/

open Lean Meta

namespace Alchemy

/-- The name of what is proved. -/
def goalName : Name := `alchemy_goal

/-- A statement to prove. -/
structure Start where
  /-- Where the proof is read. -/
  base : ReadingPlace
  levels : List Name
  /-- What stands between `theorem` and `:=`. -/
  signature : String
  type : Expr
  /-- Theorems that the proof may not use. -/
  without : List Name

/-- A state: the goals, and all that is needed to run a tactic on them. -/
structure GymState where
  start : Start
  goals : List MVarId
  mctx : MetavarContext
  /-- The environment with what tactics added. -/
  env : Environment
  ngen : NameGenerator
  /-- The tactics so far, the last one first. -/
  script : List String
  /-- Is it some goals of a state, to be closed apart from the others? Then it gives no proof. -/
  isPart : Bool := false

/-! ## The start -/

/-- How many variables a binder has: `(a b : Nat)` has 2. -/
def variablesOf (stx : Syntax) : Nat :=
  let isOne := stx.isOfKind ``Parser.Term.instBinder || stx.getKind == identKind
    || stx.isOfKind ``Parser.Term.hole
  if isOne then 1 else stx[1].getNumArgs

/-- The signature of a statement: `alchemy_goal.{u} (a : α) : a = a`. -/
def signatureText (levels : List Name) (statement : String) : String :=
  nameText goalName ++ levelText levels ++ " " ++ statement

/-- Reads a signature as an axiom: the start, how many variables stand before the colon, and the
environment with what the statement added. -/
def readStart (base : ReadingPlace) (signature : String) :
    IO (Except String (Start × Nat × Environment)) := do
  match ← readAxiom base ("axiom " ++ signature) with
  | .error e => return .error e
  | .ok (stx, v, env) =>
    let binders := stx[1][2][0].getArgs.toList.foldl (fun n b => n + variablesOf b) 0
    -- the axiom is left out, unless the statement needs what was added with it
    let isNew (c : Name) : Bool := !base.env.contains c
    let env := if L.any v.type.getUsedConstants.toList isNew then env else base.env
    return .ok
      ({ base, levels := v.levelParams, signature, type := v.type, without := [] }, binders, env)

/-- The negation of a statement: `(n : Nat) : n < 5` becomes `: ¬ (∀ (n : Nat), n < 5)`. -/
def negationOf (base : Environment) (levels : List Name) (statement : String) :
    Except String String :=
  let text := "axiom " ++ signatureText levels statement
  match Parser.runParserCategory base `command text "<statement>" with
  | .error e => .error e
  | .ok stx =>
    let binders := sourceOf text stx[1][2][0]
    let type := sourceOf text stx[1][2][1][1]
    if type.isEmpty then .error "this is not one statement"
    else if binders.isEmpty then .ok (": ¬ (" ++ type ++ ")")
    else .ok (": ¬ (∀ " ++ binders ++ ", " ++ type ++ ")")

/-- The first state, with so many variables introduced, and its goals as text. -/
def firstState (start : Start) (binders : Nat) (env : Environment) :
    IO (Except String (GymState × List String)) := do
  let opening : MetaM (MVarId × List String) := do
    let (_, goal) ← (← mkFreshExprMVar start.type).mvarId!.introNP binders
    return (goal, ← goalTexts [goal])
  let context ← commandCore { start.base with env } textBudget
  match ← ((opening.run commandContext {}).toIO context { env }).toIO' with
  | .error e => return .error (toString e)
  | .ok (((goal, texts), m), c) =>
    let state := {
      start, goals := [goal], mctx := m.mctx, env := c.env, ngen := c.ngen, script := [] }
    return .ok (state, texts)

/-- The names of the hypotheses of a context. -/
def localNames (lctx : LocalContext) : List Name := L.map name lctx.getFVarIds.toList
where
  name (f : FVarId) : Name := match lctx.find? f with
    | some d => d.userName
    | none => .anonymous

/-! ## What a step gives -/

/-- What is reported of a step beside its result. -/
structure StepNotes where
  /-- The premises that the tactic names. -/
  premises : List Name
  /-- Lean's messages that are no errors, such as "Try this: …" of `simp?`. -/
  said : List String

/-- The goals that a tactic left. -/
structure GoalsLeft where
  goals : List MVarId
  /-- The goals as Lean prints them. -/
  texts : List String
  /-- Can each be closed without regard to the others? -/
  apart : Bool
  said : List String

/-- The result of a step. -/
inductive Step where
  | refused (r : TacticRefusal)
  | goals (state : GymState) (left : GoalsLeft) (notes : StepNotes)
  /-- No goal is left of a part of a state. -/
  | closed (notes : StepNotes)
  | proved (text : String) (axioms : List String) (notes : StepNotes)

/-- The premises that a tactic names; a hypothesis of the first goal is none. -/
def GymState.premisesOf (s : GymState) (stx : Syntax) : List Name :=
  match s.goals with
  | g :: _ => match s.mctx.findDecl? g with
    | some d => premisesNamed s.env stx (localNames d.lctx)
    | none => []
  | [] => []

/-- The messages that are information. -/
def informationIn : List Message → BaseIO (List String)
  | [] => return []
  | m :: ms => do
    let rest ← informationIn ms
    if m.severity matches .information then return (← m.data.toString) :: rest else return rest

/-! ## Goals that are apart -/

/-- Does an expression hold no metavariable? -/
def isWhole (e : Expr) : MetaM Bool := return !(← instantiateMVars e).hasMVar

/-- Do the hypotheses hold no metavariables? -/
def areWhole (lctx : LocalContext) : List FVarId → MetaM Bool
  | [] => return true
  | f :: fs => match lctx.find? f with
    | some d => do
      unless ← isWhole d.type do return false
      unless ← isWhole (d.value?.getD d.type) do return false
      areWhole lctx fs
    | none => areWhole lctx fs

/-- Do none of the goals hold a metavariable? Then closing one changes no other. -/
def areApart : List MVarId → MetaM Bool
  | [] => return true
  | g :: gs => do
    let d ← g.getDecl
    unless ← isWhole d.type do return false
    unless ← areWhole d.lctx d.lctx.getFVarIds.toList do return false
    areApart gs

/-! ## A step -/

/-- Runs a tactic on all goals. Stands in for `Lean.Elab.runTactic`, which sees one. -/
def runOn (goals : List MVarId) (stx : Syntax) (levels : List Name) : MetaM (List MVarId) := do
  match goals with
  | [] => throwError "no goals"
  | first :: _ =>
    let tactic : Elab.Tactic.TacticM Unit := do
      fun _ state => state.set { goals }
      Elab.Tactic.evalTactic stx
      Elab.Tactic.pruneSolvedGoals
    let run : Elab.Term.TermElabM (List MVarId) := do
      let left ← Elab.Tactic.run first tactic
      Elab.Term.synthesizeSyntheticMVarsNoPostponing
      return left
    let state ← IO.mkRef ({ levelNames := levels } : Elab.Term.State)
    run { declName? := some goalName } state

/-- Was a goal closed by a `sorry`? -/
def sorryIn : List MVarId → MetaM Bool
  | [] => return false
  | g :: gs => do
    if (← instantiateMVars (.mvar g)).hasSorry then return true else sorryIn gs

/-- The goals after a tactic that logged no error and closed no goal by `sorry`. -/
def stepped (s : GymState) (stx : Syntax) : MetaM (Except TacticRefusal GoalsLeft) := do
  let left ← runOn s.goals stx s.start.levels
  if let some e ← firstError (← getThe Core.State).messages.toList then
    return .error { stage := "error", message := e }
  if ← sorryIn s.goals then
    return .error { stage := "sorry", message := "the tactic leaves a sorry" }
  return .ok {
    goals := left, texts := ← goalTexts left, apart := ← areApart left
    said := ← informationIn (← getThe Core.State).messages.toList }

/-! ## A finished proof -/

/-- The constants of the library that a proof uses. What the text of the proof added is followed. -/
partial def constantsBehind (base env : Environment) (todo : List Name) (seen : NameSet) :
    NameSet :=
  match todo with
  | [] => seen
  | n :: ns =>
    if seen.contains n then constantsBehind base env ns seen else
    let seen := seen.insert n
    if base.contains n then constantsBehind base env ns seen else
    match env.find? n with
    | some info =>
      let used := match info.value? (allowOpaque := true) with
        | some v => L.append v.getUsedConstants.toList info.type.getUsedConstants.toList
        | none => info.type.getUsedConstants.toList
      constantsBehind base env used (constantsBehind base env ns seen)
    | none => constantsBehind base env ns seen

/-- The tactics as one proof. The lines of one tactic keep their distance to its first line. -/
def scriptText (script : List String) : String :=
  "by\n  " ++ "\n  ".intercalate (L.flatMap (fun t => t.splitOn "\n") (L.reverse script))

/-- Judges the proof as a text of its own. -/
def finish (start : Start) (script : List String) (notes : StepNotes) : IO Step := do
  let text := "theorem " ++ start.signature ++ " := " ++ scriptText script
  match ← checkText start.base text (some (start.type, start.levels)) with
  | .error r => return .refused { stage := "proof: " ++ r.stage, message := r.message }
  | .ok p =>
    let used := constantsBehind start.base.env p.env p.value.getUsedConstants.toList {}
    match L.find? (fun n => used.any (isOf n)) start.without with
    | some n => return .refused { stage := "leak", message := "the proof uses " ++ nameText n }
    | none => return .proved text p.axioms notes
where
  /-- `T._simp_1`, which Lean made of `T`, counts as `T`. -/
  isOf (n used : Name) : Bool := used == n || n.isPrefixOf used && used.isInternalDetail

/-- Runs a tactic from a state, with a budget in thousands of heartbeats. -/
def stepFrom (s : GymState) (tactic : String) (thousands : Nat) : IO Step := do
  match readTactic s.env tactic with
  | .error e => return .refused e
  | .ok stx =>
    let caught : MetaM (Except TacticRefusal GoalsLeft) := do
      try stepped s stx
      catch e => return .error { stage := "error", message := ← e.toMessageData.toString }
    let core : Core.State := { env := s.env, ngen := s.ngen, infoState := { enabled := false } }
    let context ← commandCore { s.start.base with env := s.env } thousands
    match ← ((caught.run commandContext { mctx := s.mctx }).toIO context core).toIO' with
    | .error e => return .refused { stage := "budget", message := toString e }
    | .ok ((.error e, _), _) => return .refused e
    | .ok ((.ok left, m), c) =>
      let script := tactic :: s.script
      let notes := { premises := s.premisesOf stx, said := left.said }
      match left.goals, s.isPart with
      | [], false => finish s.start script notes
      | [], true => return .closed notes
      | goals, _ =>
        let state := { s with goals, mctx := m.mctx, env := c.env, ngen := c.ngen, script }
        return .goals state left notes

/-- The state with one of its goals alone. -/
def GymState.focused (s : GymState) (goal : Nat) : Option GymState :=
  match L.get? s.goals goal with
  | some g => some { s with goals := [g], isPart := true }
  | none => none

end Alchemy
