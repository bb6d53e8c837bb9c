import Alchemy.Judging.JudgeText
import Alchemy.Printing.MarksOfTarget
import Alchemy.Attempts.Target

/-!
# A text judged by its parts

The texts of one target are much alike: most have the same binders. The elaborator's command is made for one text and
forgets all about it. Here the parts of a theorem, its binders, its type and its proof, are elaborated as the command elaborates
them (`Lean.Elab.MutualDef`), one text after the other: binders that were read before, with the same before them, are not
read again, and what Lean found out about their types is kept. Nothing else is remembered: what stands behind them may mean
something else among other hypotheses (`xs[i]` asks them all).

What is accepted so is the theorem that was asked for: its statement is compared as a term, its proof holds no `sorry`, no
metavariable and nothing but constants of the library, and the kernel checks it. Refused is what states something else or is left
unproved: the elaborator has said so once, and the whole command would say it again. What has no parts, or can't be read by them,
the whole command judges (`checkText`).
-/

open Lean Meta

namespace Alchemy

/-- A binder that was read: how it is written, the variables so far, the last one first, and the state after it. -/
structure Entered where
  source : String
  variables : List Expr
  context : Meta.Context
  state : Meta.State
  term : Elab.Term.State

/-- A `have` that a proof begins with, with its type and its own proof: it stands for itself, whatever stands around it. -/
structure Opening where
  source : String
  name : Name
  type : Expr
  value : Expr

/-- What reading a text leaves for the next one. It begins empty with each target. -/
structure Memory where
  levels : List Name := []
  /-- The binders of the last text, in order. -/
  entered : List Entered := []
  /-- What the last proof began with. -/
  openings : List Opening := []
  cache : Meta.Cache := {}
  core : Core.Cache := {}
  ngen : NameGenerator := {}
  /-- What had to be marked in the target's own text. -/
  lessons : List Lesson := []

/-- The parts of a theorem's syntax. -/
structure Parts where
  name : Name
  levels : List Name
  binders : List (String × Syntax)
  type : Syntax
  /-- The `have`s with a type that the proof begins with, and the rest of it. -/
  openings : List (String × Syntax)
  proof : Syntax
  whole : Syntax

/-- Is there nothing written? -/
def isEmpty (stx : Syntax) : Bool := stx.getPos?.isNone

/-- What stands in a text where the syntax does. -/
def sourceOf (text : String) (stx : Syntax) : String :=
  match stx.getPos?, stx.getTailPos? with
  | some start, some stop => String.Pos.Raw.extract text start stop
  | _, _ => ""

/-- Is this tactic a `have` with a type? -/
def isOpening (stx : Syntax) : Bool :=
  stx.isOfKind `Lean.Parser.Tactic.tacticHave__ && stx[2][0].isOfKind ``Parser.Term.letIdDecl && !isEmpty stx[2][0][2]

/-- What a proof begins with, and the rest of it, which is not empty. -/
def openingsOf (proof : Syntax) : List Syntax × Syntax :=
  let tactics := proof[1][0]
  if !(proof.isOfKind ``Parser.Term.byTactic && tactics.isOfKind ``Parser.Tactic.tacticSeq1Indented) then ([], proof) else
  let (openings, rest) := split tactics[0].getArgs.toList
  if rest matches [] then ([], proof) else
  (openings, proof.setArg 1 (proof[1].setArg 0 (tactics.setArg 0 (.node .none nullKind rest.toArray))))
where
  /-- Of tactics with what separates them. -/
  split : List Syntax → List Syntax × List Syntax
    | tactic :: separator :: rest =>
      if isOpening tactic then
        let (openings, left) := split rest
        (tactic :: openings, left)
      else ([], tactic :: separator :: rest)
    | rest => ([], rest)

/-- `none` where the text is not one theorem with a type and a proof, and nothing else. -/
def partsOf (text : String) (stx : Syntax) : Option Parts :=
  match theoremName? stx with
  | none => none
  | some name =>
    let (signature, value) := (stx[1][2], stx[1][3])
    if !(isEmpty stx[0] && value.isOfKind ``Parser.Command.declValSimple && isEmpty value[2] && isEmpty value[3]) then none else
    let whole := term value[1]
    let (openings, proof) := openingsOf whole
    some { name, levels := levelsIn stx[1][1][1].getArgs.toList, type := signature[1][1], openings := withSource openings, proof, whole,
           binders := withSource signature[0].getArgs.toList }
where
  /-- Of `.{u, v}`. -/
  levelsIn : List Syntax → List Name
    | [_, names, _] => identifiers names.getArgs.toList
    | _ => []
  identifiers : List Syntax → List Name
    | [] => []
    | .ident _ _ n _ :: rest => n :: identifiers rest
    | _ :: rest => identifiers rest
  /-- `by` after `:=` is parsed in a way of its own. -/
  term (stx : Syntax) : Syntax :=
    if stx.isOfKind ``Parser.Term.byTactic' then .node .none ``Parser.Term.byTactic stx.getArgs else stx
  withSource (stxs : List Syntax) : List (String × Syntax) := mapL (fun stx => (sourceOf text stx, stx)) stxs

/-- The binders that were read before, and those that are left to read. -/
def shared : List Entered → List (String × Syntax) → List Entered × List (String × Syntax)
  | e :: es, b :: bs =>
    if e.source == b.1 && !b.1.isEmpty then
      let (kept, left) := shared es bs
      (e :: kept, left)
    else ([], b :: bs)
  | _, bs => ([], bs)

def last? : List α → Option α
  | [] => none
  | [x] => some x
  | _ :: xs => last? xs

/-- What the parts say. -/
inductive Found where
  /-- As it is read; what can't be read is `sorry`, what stays open a metavariable. -/
  | statement (type : Expr)
  | theorem (type proof : Expr)
  /-- Another statement, as far as there is one: what can't be read is `sorry`, what stays open a metavariable. -/
  | other (type : Expr)
  /-- The statement is right, the proof is not. -/
  | unproved (message : String)
  /-- The command may see it otherwise. -/
  | unknown

/-- What is read after the binders; it gets the variables, the last one first. -/
abbrev Reader := List Expr → Elab.Term.TermElabM Found

/-- The type that a syntax tree stands for, as far as it can be known. -/
def readWhole (stx : Syntax) : Elab.Term.TermElabM Expr := do
  let e ← instantiateMVars (← Elab.Term.elabType stx)
  if e.hasMVar then try Elab.Term.synthesizeSyntheticMVarsNoPostponing catch _ => pure ()
  instantiateMVars e

/-- Enters the variables of one binder: in the context of the goal that is left when they are introduced. Stands in for
`Lean.Elab.Term.elabBinders`. What is open in its type (the exponent of `n < 2 ^ 31`) is settled here, and not when all is read: no
other binder says more about it. -/
def readBinder (stx : Syntax) : Elab.Term.TermElabM (List FVarId × MetavarDecl) := do
  let none : Syntax := .node .none nullKind #[]
  let e ← readWhole <| .node .none ``Parser.Term.forall
    #[.atom .none "∀", .node .none nullKind #[stx], none, .atom .none ",", mkIdent ``True]
  let (fs, goal) ← (← mkFreshExprMVar e).mvarId!.introNP (count (binderNames e))
  return (fs.toList, ← goal.getDecl)

/-- Reads binders, and remembers where each leaves the elaborator; not from an error on, which the next text would not show. -/
partial def readBinders (memory : IO.Ref Memory) (xs : List Expr) (k : Reader) : List (String × Syntax) → Elab.Term.TermElabM Found
  | [] => k xs
  | (source, stx) :: rest => do
    let (fs, d) ← readBinder stx
    let xs := revOn (mapL .fvar fs) xs
    let inside (c : Meta.Context) : Meta.Context := { c with lctx := d.lctx, localInstances := d.localInstances }
    unless hasError (← getThe Core.State).messages.toList do
      let entered : Entered := {
        source, variables := xs, context := inside (← readThe Meta.Context), state := { ← getThe Meta.State with cache := {} },
        term := ← getThe Elab.Term.State }
      memory.modify fun m => { m with entered := append m.entered [entered] }
    withTheReader Meta.Context inside (readBinders memory xs k rest)

/-- Runs the elaborator in `env`, after the binders that were read before. An error leaves nothing to go on from. -/
def elaborate (memory : IO.Ref Memory) (env : Environment) (p : Parts) (k : Reader) : IO (Found × MessageLog) := do
  let m ← memory.get
  let m := if m.levels == p.levels then m else { m with entered := [], openings := [], cache := {}, core := {} }
  let (kept, left) := shared m.entered p.binders
  memory.set { m with levels := p.levels, entered := kept }
  let (xs, context, state, term) := match last? kept with
    | some e => (e.variables, e.context, e.state, e.term)
    | none => ([], commandContext, {}, { levelNames := p.levels })
  let term ← IO.mkRef term
  let inMeta : MetaM Found := do
    try readBinders memory xs k left { declName? := some p.name } term catch _ => return .unknown
  let start : Core.State := { env, ngen := m.ngen, cache := m.core, infoState := { enabled := false } }
  match ← ((inMeta.run context { state with cache := m.cache }).toIO (← commandCore env textBudget) start).toIO' with
  | .ok ((found, state), core) =>
    memory.modify fun m => { m with cache := state.cache, core := core.cache, ngen := core.ngen }
    return (found, core.messages)
  | .error _ =>
    memory.modify fun m => { lessons := m.lessons }
    return (.unknown, {})

/-- Enters a hypothesis. -/
def entering (o : Opening) (k : Expr → Elab.Term.TermElabM α) : Elab.Term.TermElabM α := fun c s =>
  enterNamed o.name o.type o.type fun f _ => k (.fvar f) c s

/-- Reads a `have` where there are no variables but those of the ones before it. -/
def readOpening (source : String) (stx : Syntax) : Elab.Term.TermElabM (Option Opening) := do
  let declaration : TSyntax ``Parser.Term.letDecl := ⟨stx[2]⟩
  let e ← Elab.Term.elabTerm (← `(have $declaration:letDecl; True.intro)) none
  Elab.Term.synthesizeSyntheticMVarsNoPostponing
  match ← instantiateMVars e with
  | .letE name type value _ _ => return if type.hasMVar || value.hasMVar || value.hasSorry then none else some { source, name, type, value }
  | _ => return none

def readOpenings (before : List (Expr × Opening)) : List (String × Syntax) → Elab.Term.TermElabM (Option (List Opening))
  | [] => return some (rev (mapL (·.2) before))
  | (source, stx) :: rest => do
    let some o ← readOpening source stx | return none
    -- the ones before it by what they stand for
    let value := before.foldl (fun v (x, o) => v.replaceFVar x o.value) o.value
    let o := { o with value }
    entering o fun x => readOpenings ((x, o) :: before) rest

/-- What the proof begins with, read now or before; `none` where it can't be read alone. -/
def openings (memory : IO.Ref Memory) (env : Environment) (p : Parts) : Elab.Term.TermElabM (Option (List Opening)) := do
  let known := (← memory.get).openings
  if mapL (·.source) known == mapL (·.1) p.openings then return some known
  let messages := (← getThe Core.State).messages
  let alone (c : Meta.Context) : Meta.Context := { c with lctx := {}, localInstances := #[] }
  let found ← try withTheReader Meta.Context alone (readOpenings [] p.openings) catch _ => pure none
  let failed := hasError (← getThe Core.State).messages.toList
  modifyThe Core.State fun s => { s with messages }
  match found with
  | none => return none
  | some os =>
    if failed || anyL (fun o => anyL (fun n => !env.contains n) o.value.getUsedConstants.toList) os then return none
    memory.modify fun m => { m with openings := os }
    return some os

/-- The proof of `type` after what it begins with. -/
def readProof (memory : IO.Ref Memory) (env : Environment) (p : Parts) (type : Expr) : Elab.Term.TermElabM Expr := do
  match ← openings memory env p with
  | none => prove p.whole
  | some os => after os [] os
where
  prove (proof : Syntax) : Elab.Term.TermElabM Expr := do
    let e ← Elab.Term.elabTermEnsuringType proof (some type)
    Elab.Term.synthesizeSyntheticMVarsNoPostponing
    instantiateMVars e
  after (all : List Opening) (xs : List Expr) : List Opening → Elab.Term.TermElabM Expr
    | [] => do
      let proof ← prove p.proof
      return mkAppN (← mkLambdaFVars (rev xs).toArray proof) (mapL (·.value) all).toArray
    | o :: os => entering o fun x => after all (x :: xs) os

/-- The type after the binders, and the proof where the statement is what `isExpected` says. -/
def readTypeAndProof (memory : IO.Ref Memory) (env : Environment) (p : Parts) (isExpected : Expr → IO Bool) : Reader := fun xs => do
  let xs := (rev xs).toArray
  let type ← readWhole p.type
  let whole ← instantiateMVars (← mkForallFVars xs type)
  if hasError (← getThe Core.State).messages.toList || whole.hasMVar || whole.hasSorry then return .other (plain whole)
  unless ← isExpected whole do return .other (plain whole)
  try
    return .theorem whole (← instantiateMVars (← mkLambdaFVars xs (← readProof memory env p type)))
  catch e => return .unproved (← e.toMessageData.toString)

/-- The type after the binders. -/
def readType (p : Parts) : Reader := fun xs => do
  let type ← Elab.Term.elabType p.type
  try Elab.Term.synthesizeSyntheticMVarsNoPostponing catch _ => pure ()
  return .statement (plain (← instantiateMVars (← mkForallFVars (rev xs).toArray (← instantiateMVars type))))

/-- Judges the text of one theorem by its parts; `none` where the whole command has to. `expected`: the type and the levels that
it must have. -/
def judgeParts (memory : IO.Ref Memory) (env : Environment) (text : String) (stx : Syntax) (expected : Option (Expr × List Name)) :
    IO (Option (Except Refusal Proved)) := do
  let some p := partsOf text stx | return none
  let (isExpected, levels) : (Expr → IO Bool) × List Name := match expected with
    | some (type, levels) => (fun e => isSameStatement env e type, levels)
    | none => (fun _ => return true, p.levels)
  if env.contains p.name || p.levels != levels then return none
  match ← elaborate memory env p (readTypeAndProof memory env p isExpected) with
  | (.other type, _) => return some (.error { stage := "statement", message := "the text states something else", read := some type })
  | (.unproved message, _) => return some (.error { stage := "proof", message })
  | (.theorem type proof, messages) =>
    if let some message ← firstError messages.toList then return some (.error { stage := "proof", message })
    if proof.hasMVar || proof.hasSorry then return none
    let axioms ← axiomsBehind env [type, proof]
    unless forbidden axioms matches [] do return none
    match env.toKernelEnv.addDecl kernelOptions (.thmDecl { name := p.name, levelParams := p.levels, type, value := proof }) with
    | .error _ => return none
    | .ok _ => return some (.ok { name := p.name, levels := p.levels, type, axioms := mapL nameText axioms, value := proof, env })
  | _ => return none

/-- The verdict on a text: by its parts where these say enough, else by the whole command. -/
def checkInMemory (memory : IO.Ref Memory) (env : Environment) (text : String) (expected : Option (Expr × List Name)) : IO (Except Refusal Proved) :=
  parsed env text fun stx => do
    match ← judgeParts memory env text stx expected with
    | some verdict => return verdict
    | none => checkCommand env stx text expected

/-- What the statement of a text is read as; what can't be read is `sorry`. The proof is not looked at. -/
def readStatement (memory : IO.Ref Memory) (env : Environment) (text : String) : IO (Option Expr) := do
  match Parser.runParserCategory env `command text "<text>" with
  | .error _ => return none
  | .ok stx => match partsOf text stx with
    | none => return none
    | some p => match ← elaborate memory env p (readType p) with
      | (.statement type, _) => return some type
      | _ => return none

end Alchemy
