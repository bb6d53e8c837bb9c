import Alchemy.Judging.JudgeByParts
import Alchemy.Gym.AllowedTactics

/-!
# The gym: proof states

A *start* is a statement in an environment. A *state* is what tactics made of it: goals, and the tactics that led there. States are
kept by number until they are released; a step makes a new state and leaves the old one as it is, whatever happens. When no goal is
left the proof is written out, elaborated afresh as a whole command and checked by the kernel (`checkText`); only then is it proved.

A state keeps no caches: a step depends on the state and its heartbeats alone, so that tactics replayed in another engine end in the
same state.
-/

open Lean Meta

namespace Alchemy

/-- The name of what is proved. -/
def goalName : Name := `alchemy_goal

/-- A statement to prove. -/
structure Start where
  /-- Proofs are read in it. -/
  base : Place
  levels : List Name
  /-- What stands between `theorem` and `:=`. -/
  signature : String
  type : Expr
  /-- What a proof may not use. -/
  without : List Name

structure GymState where
  start : Start
  goals : List MVarId
  mctx : MetavarContext
  /-- With what tactics added. -/
  env : Environment
  ngen : NameGenerator
  /-- The tactics so far, the last one first. -/
  script : List String
  /-- Some goals of a state, to be closed apart from the others: no proof of the statement. -/
  isPart : Bool := false

/-! ## The start -/

/-- How many variables a binder of a signature has. -/
def variablesOf (stx : Syntax) : Nat :=
  if stx.isOfKind ``Parser.Term.instBinder || stx.getKind == identKind || stx.isOfKind ``Parser.Term.hole then 1 else stx[1].getNumArgs

/-- What is to be proved, with its name. -/
def signatureText (levels : List Name) (statement : String) : String := nameText goalName ++ levelText levels ++ " " ++ statement

/-- Reads a signature as an axiom: its type, its levels, how many binders stand before the colon, and the environment with what it
added besides. -/
def readOpen (base : Place) (signature : String) : IO (Except String (Start × Nat × Environment)) := do
  match ← readAxiom base ("axiom " ++ signature) with
  | .error e => return .error e
  | .ok (stx, v, env) =>
    let binders := stx[1][2][0].getArgs.toList.foldl (fun n b => n + variablesOf b) 0
    -- the axiom goes, unless the statement needs what came with it
    let env := if anyL (fun c => !base.env.contains c) v.type.getUsedConstants.toList then env else base.env
    return .ok ({ base, levels := v.levelParams, signature, type := v.type, without := [] }, binders, env)

/-- The negation of a statement: `(n : Nat) : n < 5` becomes `: ¬ (∀ (n : Nat), n < 5)`. -/
def negationOf (base : Environment) (levels : List Name) (statement : String) : Except String String :=
  let text := "axiom " ++ signatureText levels statement
  match Parser.runParserCategory base `command text "<statement>" with
  | .error e => .error e
  | .ok stx =>
    let binders := sourceOf text stx[1][2][0]
    let type := sourceOf text stx[1][2][1][1]
    if type.isEmpty then .error "this is not one statement"
    else if binders.isEmpty then .ok (": ¬ (" ++ type ++ ")")
    else .ok (": ¬ (∀ " ++ binders ++ ", " ++ type ++ ")")

/-- The first state, and its goals as text. -/
def firstState (start : Start) (binders : Nat) (env : Environment) : IO (Except String (GymState × List String)) := do
  let open_ : MetaM (MVarId × List String) := do
    let (_, goal) ← (← mkFreshExprMVar start.type).mvarId!.introNP binders
    return (goal, ← goalTexts [goal])
  match ← ((open_.run commandContext {}).toIO (← commandCore { start.base with env } textBudget) { env }).toIO' with
  | .error e => return .error (toString e)
  | .ok (((goal, texts), m), c) =>
    return .ok ({ start, goals := [goal], mctx := m.mctx, env := c.env, ngen := c.ngen, script := [] }, texts)

/-- The names of the hypotheses of a context. -/
def localNames (lctx : LocalContext) : List Name := mapL name lctx.getFVarIds.toList
where
  name (f : FVarId) : Name := match lctx.find? f with
    | some d => d.userName
    | none => .anonymous

/-! ## A step -/

/-- What a step tells beside what it came to. -/
structure Told where
  /-- That the tactic names. -/
  premises : List Name
  /-- Lean's messages that are no errors (`simp?`: "Try this: …"). -/
  said : List String

/-- The goals that a tactic left. -/
structure Left where
  goals : List MVarId
  /-- As Lean prints them. -/
  texts : List String
  /-- Do they know nothing of each other? -/
  apart : Bool
  said : List String

/-- What a tactic made of a state. -/
inductive Step where
  | stumbled (s : Stumble)
  | goals (state : GymState) (left : Left) (told : Told)
  /-- No goal is left of a part. -/
  | closed (told : Told)
  | proved (text : String) (axioms : List String) (told : Told)

/-- The premises that a tactic names; the hypotheses of the first goal come before them. -/
def GymState.premisesOf (s : GymState) (stx : Syntax) : List Name :=
  match s.goals with
  | g :: _ => match s.mctx.findDecl? g with
    | some d => premisesNamed s.env stx (localNames d.lctx)
    | none => []
  | [] => []

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

/-- Does a `sorry` stand in what the goals became? -/
def sorryIn : List MVarId → MetaM Bool
  | [] => return false
  | g :: gs => do
    if (← instantiateMVars (.mvar g)).hasSorry then return true else sorryIn gs

/-- What is said for information. -/
def information : List Message → BaseIO (List String)
  | [] => return []
  | m :: ms => do
    let rest ← information ms
    if m.severity matches .information then return (← m.data.toString) :: rest else return rest

/-- Does an expression hold no metavariable? -/
def isWhole (e : Expr) : MetaM Bool := return !(← instantiateMVars e).hasMVar

/-- Do hypotheses hold no metavariables? -/
def areWhole (lctx : LocalContext) : List FVarId → MetaM Bool
  | [] => return true
  | f :: fs => match lctx.find? f with
    | some d => do
      unless ← isWhole d.type do return false
      unless ← isWhole (d.value?.getD d.type) do return false
      areWhole lctx fs
    | none => areWhole lctx fs

/-- Do goals know nothing of each other? So it is where none of them holds a metavariable: what closes one changes no other. -/
def areApart : List MVarId → MetaM Bool
  | [] => return true
  | g :: gs => do
    let d ← g.getDecl
    unless ← isWhole d.type do return false
    unless ← areWhole d.lctx d.lctx.getFVarIds.toList do return false
    areApart gs

/-- What is left of a step that went well: no error was logged, and no goal was closed by `sorry`. -/
def stepped (s : GymState) (stx : Syntax) : MetaM (Except Stumble Left) := do
  let left ← runOn s.goals stx s.start.levels
  if let some e ← firstError (← getThe Core.State).messages.toList then return .error { stage := "error", message := e }
  if ← sorryIn s.goals then return .error { stage := "sorry", message := "the tactic leaves a sorry" }
  return .ok {
    goals := left, texts := ← goalTexts left, apart := ← areApart left, said := ← information (← getThe Core.State).messages.toList }

/-- The constants of the library that a text's proof uses; what the text itself added is followed. -/
partial def constantsBehind (base env : Environment) (todo : List Name) (seen : NameSet) : NameSet :=
  match todo with
  | [] => seen
  | n :: ns =>
    if seen.contains n then constantsBehind base env ns seen else
    let seen := seen.insert n
    if base.contains n then constantsBehind base env ns seen else
    match env.find? n with
    | some info =>
      let used := match info.value? (allowOpaque := true) with
        | some v => append v.getUsedConstants.toList info.type.getUsedConstants.toList
        | none => info.type.getUsedConstants.toList
      constantsBehind base env used (constantsBehind base env ns seen)
    | none => constantsBehind base env ns seen

/-- The tactics below each other. Their other lines keep their distance to the first. -/
def scriptText (script : List String) : String :=
  "by\n  " ++ joinWith "\n  " (concat (mapL (fun t => t.splitOn "\n") (rev script)))

/-- The proof as a text of its own, judged as a whole command. -/
def finish (start : Start) (script : List String) (told : Told) : IO Step := do
  let text := "theorem " ++ start.signature ++ " := " ++ scriptText script
  match ← checkText start.base text (some (start.type, start.levels)) with
  | .error r => return .stumbled { stage := "proof: " ++ r.stage, message := r.message }
  | .ok p =>
    let used := constantsBehind start.base.env p.env p.value.getUsedConstants.toList {}
    match first? (fun n => if used.any (isOf n) then some n else none) start.without with
    | some n => return .stumbled { stage := "leak", message := "the proof uses " ++ nameText n }
    | none => return .proved text p.axioms told
where
  /-- `T._simp_1`, which Lean made of `T`, is `T`. -/
  isOf (n used : Name) : Bool := used == n || n.isPrefixOf used && used.isInternalDetail

/-- Runs a tactic from a state, with a budget in thousands of heartbeats. -/
def stepFrom (s : GymState) (tactic : String) (thousands : Nat) : IO Step := do
  match readTactic s.env tactic with
  | .error e => return .stumbled e
  | .ok stx =>
    let caught : MetaM (Except Stumble Left) := do
      try stepped s stx catch e => return .error { stage := "error", message := ← e.toMessageData.toString }
    let core : Core.State := { env := s.env, ngen := s.ngen, infoState := { enabled := false } }
    match ← ((caught.run commandContext { mctx := s.mctx }).toIO (← commandCore { s.start.base with env := s.env } thousands) core).toIO' with
    | .error e => return .stumbled { stage := "budget", message := toString e }
    | .ok ((.error e, _), _) => return .stumbled e
    | .ok ((.ok left, m), c) =>
      let script := tactic :: s.script
      let told := { premises := s.premisesOf stx, said := left.said }
      match left.goals, s.isPart with
      | [], false => finish s.start script told
      | [], true => return .closed told
      | goals, _ => return .goals { s with goals, mctx := m.mctx, env := c.env, ngen := c.ngen, script } left told

/-- The state with one of its goals alone. -/
def GymState.focused (s : GymState) (goal : Nat) : Option GymState :=
  match nth? s.goals goal with
  | some g => some { s with goals := [g], isPart := true }
  | none => none

end Alchemy
