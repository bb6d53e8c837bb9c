import Alchemy.Judging.TheoremParts
import Alchemy.Printing.MarksOfTarget

/-!
# A text judged by its parts

Most texts of one target have the same binders, and the elaborator's command reads them each time
from the beginning. Here the parts of a theorem are elaborated as the command elaborates them
(`Lean.Elab.MutualDef`), one text after the other. Binders that the last text had too, with the same
binders before them, are not read again, and the caches of `MetaM` are kept. What stands after the
binders is always read: among other hypotheses it may mean something else (`xs[i]` looks for its
proof in all of them).

A text that is accepted is the theorem that was asked for: its statement is compared as a term, its
proof holds no `sorry`, no metavariable and only constants of the library, and the kernel checks it.
A text that states something else or leaves its proof open is refused: the elaborator has said so,
and the whole command would say it again. All other texts are judged by the whole command
(`checkText`).
-/

open Lean Meta

namespace Alchemy

/-! ## What is kept from one text to the next -/

/-- A binder that was read, and the state after it. -/
structure EnteredBinder where
  source : String
  /-- The variables so far, the last one first. -/
  variables : List Expr
  context : Meta.Context
  state : Meta.State
  term : Elab.Term.State

/-- A `have` that a proof begins with. Its type and proof mention no variables of the theorem, so it
can be kept for the next proof. -/
structure Opening where
  source : String
  name : Name
  type : Expr
  value : Expr

/-- What reading one text leaves for the next. It is empty at the beginning of each target. -/
structure Memory where
  levels : List Name := []
  /-- The binders of the last text. -/
  entered : List EnteredBinder := []
  /-- The openings of the last proof. -/
  openings : List Opening := []
  cache : Meta.Cache := {}
  core : Core.Cache := {}
  ngen : NameGenerator := {}
  /-- The terms that had to be marked in the target's own text. -/
  markedInTarget : List MarkedTerm := []

/-- Splits binders into those that were entered before, and those that are left to read. -/
def shared : List EnteredBinder → List (String × Syntax) →
    List EnteredBinder × List (String × Syntax)
  | e :: es, b :: bs =>
    if e.source == b.1 && !b.1.isEmpty then
      let (kept, left) := shared es bs
      (e :: kept, left)
    else ([], b :: bs)
  | _, bs => ([], bs)

/-! ## Binders -/

/-- What reading a theorem by its parts gives. -/
inductive PartsRead where
  /-- The statement alone. A part that can't be read is `sorry`, one that stays open a metavariable.
  -/
  | statement (type : Expr)
  | theorem (type proof : Expr)
  /-- Another statement than the expected one; what can't be read is `sorry`, as above. -/
  | other (type : Expr)
  /-- The statement is right, the proof is not. -/
  | unproved (message : String)
  /-- Nothing is certain: the whole command has to judge. -/
  | unknown

/-- What is read after the binders. It gets the variables, the last one first. -/
abbrev AfterBinders := List Expr → Elab.Term.TermElabM PartsRead

/-- The type that a syntax tree stands for, with nothing postponed. -/
def readWhole (stx : Syntax) : Elab.Term.TermElabM Expr := do
  let e ← instantiateMVars (← Elab.Term.elabType stx)
  if e.hasMVar then try Elab.Term.synthesizeSyntheticMVarsNoPostponing catch _ => pure ()
  instantiateMVars e

/-- Reads one binder: its variables, and the goal in whose context they stand. Stands in for
`Lean.Elab.Term.elabBinders`. What is open in the type, such as the type of the exponent in
`n < 2 ^ 31`, is settled at once: no other binder says more about it. -/
def readBinder (stx : Syntax) : Elab.Term.TermElabM (List FVarId × MetavarDecl) := do
  let none : Syntax := .node .none nullKind #[]
  let e ← readWhole <| .node .none ``Parser.Term.forall #[
    .atom .none "∀", .node .none nullKind #[stx], none, .atom .none ",", mkIdent ``True]
  let (fs, goal) ← (← mkFreshExprMVar e).mvarId!.introNP (L.length (binderNames e))
  return (fs.toList, ← goal.getDecl)

/-- Reads binders, remembers the state after each, and goes on with `k`. Nothing is remembered from
the first error on: the next text would not show it. -/
partial def readBinders (memory : IO.Ref Memory) (xs : List Expr) (k : AfterBinders) :
    List (String × Syntax) → Elab.Term.TermElabM PartsRead
  | [] => k xs
  | (source, stx) :: rest => do
    let (fs, d) ← readBinder stx
    let xs := L.reverseAux (L.map .fvar fs) xs
    unless hasError (← getThe Core.State).messages.toList do
      let entered : EnteredBinder := {
        source, variables := xs, context := M.contextOf d (← readThe Meta.Context)
        state := { ← getThe Meta.State with cache := {} }, term := ← getThe Elab.Term.State }
      memory.modify fun m => { m with entered := L.append m.entered [entered] }
    withTheReader Meta.Context (M.contextOf d) (readBinders memory xs k rest)

/-- Runs the elaborator in `env`, after the binders that were read before. After an error nothing is
kept. -/
def elaborateParts (memory : IO.Ref Memory) (env : Environment) (p : TheoremParts)
    (k : AfterBinders) : IO (PartsRead × MessageLog) := do
  let m ← memory.get
  let m := if m.levels == p.levels then m
    else { m with entered := [], openings := [], cache := {}, core := {} }
  let (kept, left) := shared m.entered p.binders
  memory.set { m with levels := p.levels, entered := kept }
  let (xs, context, state, term) := match L.getLast? kept with
    | some e => (e.variables, e.context, e.state, e.term)
    | none => ([], commandContext, {}, { levelNames := p.levels })
  let term ← IO.mkRef term
  let inMeta : MetaM PartsRead := do
    try readBinders memory xs k left { declName? := some p.name } term
    catch _ => return .unknown
  let start : Core.State := {
    env, ngen := m.ngen, cache := m.core, infoState := { enabled := false } }
  let run := inMeta.run context { state with cache := m.cache }
  match ← (run.toIO (← commandCore env textBudget) start).toIO' with
  | .ok ((found, state), core) =>
    memory.modify fun m => { m with cache := state.cache, core := core.cache, ngen := core.ngen }
    return (found, core.messages)
  | .error _ =>
    memory.modify fun m => { markedInTarget := m.markedInTarget }
    return (.unknown, {})

/-! ## The proof -/

/-- Enters an opening as a hypothesis. -/
def withOpening (o : Opening) (k : Expr → Elab.Term.TermElabM α) : Elab.Term.TermElabM α :=
  fun c s => M.withBinder (name := o.name) o.type o.type fun f _ => k (.fvar f) c s

/-- Reads a `have` in a context without variables. -/
def readOpening (source : String) (stx : Syntax) : Elab.Term.TermElabM (Option Opening) := do
  let declaration : TSyntax ``Parser.Term.letDecl := ⟨stx[2]⟩
  let e ← Elab.Term.elabTerm (← `(have $declaration:letDecl; True.intro)) none
  Elab.Term.synthesizeSyntheticMVarsNoPostponing
  match ← instantiateMVars e with
  | .letE name type value _ _ =>
    return if type.hasMVar || value.hasMVar || value.hasSorry then none
      else some { source, name, type, value }
  | _ => return none

/-- Reads `have`s, each of which may mention the ones `before` it. -/
def readOpenings (before : List (Expr × Opening)) :
    List (String × Syntax) → Elab.Term.TermElabM (Option (List Opening))
  | [] => return some (L.reverse (L.map (·.2) before))
  | (source, stx) :: rest => do
    let some o ← readOpening source stx | return none
    -- the proofs of those before it are put in their places
    let value := before.foldl (fun v (x, o) => v.replaceFVar x o.value) o.value
    let o := { o with value }
    withOpening o fun x => readOpenings ((x, o) :: before) rest

/-- The openings of a proof, read now or kept from the last proof; `none` where they can't be read
alone. -/
def openings (memory : IO.Ref Memory) (env : Environment) (p : TheoremParts) :
    Elab.Term.TermElabM (Option (List Opening)) := do
  let known := (← memory.get).openings
  if L.map (·.source) known == L.map (·.1) p.openings then return some known
  let messages := (← getThe Core.State).messages
  let alone (c : Meta.Context) : Meta.Context := { c with lctx := {}, localInstances := #[] }
  let found ← try withTheReader Meta.Context alone (readOpenings [] p.openings)
    catch _ => pure none
  let failed := hasError (← getThe Core.State).messages.toList
  modifyThe Core.State fun s => { s with messages }
  match found with
  | none => return none
  | some os =>
    let isNew (o : Opening) : Bool :=
      L.any o.value.getUsedConstants.toList (fun n => !env.contains n)
    if failed || L.any os isNew then return none
    memory.modify fun m => { m with openings := os }
    return some os

/-- The proof of `type`: what comes after the openings, applied to them. -/
def readProof (memory : IO.Ref Memory) (env : Environment) (p : TheoremParts) (type : Expr) :
    Elab.Term.TermElabM Expr := do
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
      let function ← mkLambdaFVars (L.reverse xs).toArray proof
      return mkAppN function (L.map (·.value) all).toArray
    | o :: os => withOpening o fun x => after all (x :: xs) os

/-! ## The theorem -/

/-- Reads the type, and the proof if the statement is the expected one. -/
def readTypeAndProof (memory : IO.Ref Memory) (env : Environment) (p : TheoremParts)
    (isExpected : Expr → IO Bool) : AfterBinders := fun xs => do
  let xs := (L.reverse xs).toArray
  let type ← readWhole p.type
  let whole ← instantiateMVars (← mkForallFVars xs type)
  if hasError (← getThe Core.State).messages.toList || whole.hasMVar || whole.hasSorry then
    return .other (plain whole)
  unless ← isExpected whole do return .other (plain whole)
  try
    let proof ← mkLambdaFVars xs (← readProof memory env p type)
    return .theorem whole (← instantiateMVars proof)
  catch e => return .unproved (← e.toMessageData.toString)

/-- Reads the type alone. -/
def readType (p : TheoremParts) : AfterBinders := fun xs => do
  let type ← Elab.Term.elabType p.type
  try Elab.Term.synthesizeSyntheticMVarsNoPostponing catch _ => pure ()
  let whole ← mkForallFVars (L.reverse xs).toArray (← instantiateMVars type)
  return .statement (plain (← instantiateMVars whole))

/-- Judges the text of one theorem by its parts; `none` where the whole command has to. `expected`
is the type, and the levels, that it must have. -/
def judgeParts (memory : IO.Ref Memory) (env : Environment) (text : String) (stx : Syntax)
    (expected : Option (Expr × List Name)) : IO (Option (Except Refusal Proved)) := do
  let no (stage message : String) (read : Option Expr := none) :
      IO (Option (Except Refusal Proved)) := return some (.error { stage, message, read })
  let some p := partsOf text stx | return none
  let (isExpected, levels) : (Expr → IO Bool) × List Name := match expected with
    | some (type, levels) => (fun e => isSameStatement env e type, levels)
    | none => (fun _ => return true, p.levels)
  if env.contains p.name || p.levels != levels then return none
  match ← elaborateParts memory env p (readTypeAndProof memory env p isExpected) with
  | (.other type, _) => no "statement" "the text states something else" (some type)
  | (.unproved message, _) => no "proof" message
  | (.theorem type proof, messages) =>
    if let some message ← firstError messages.toList then return ← no "proof" message
    if proof.hasMVar || proof.hasSorry then return none
    let axioms ← axiomsBehind env [type, proof]
    unless forbidden axioms matches [] do return none
    let theorem_ := .thmDecl { name := p.name, levelParams := p.levels, type, value := proof }
    match env.toKernelEnv.addDecl kernelOptions theorem_ with
    | .error _ => return none
    | .ok _ => return some <| .ok {
        name := p.name, levels := p.levels, type, axioms := L.map nameText axioms
        value := proof, env }
  | _ => return none

/-- The verdict on a text: by its parts where that is certain, else by the whole command. -/
def checkInMemory (memory : IO.Ref Memory) (env : Environment) (text : String)
    (expected : Option (Expr × List Name)) : IO (Except Refusal Proved) :=
  parsed env text fun stx => do
    match ← judgeParts memory env text stx expected with
    | some verdict => return verdict
    | none => checkCommand env stx text expected

/-- The statement of a text as it is read; a part that can't be read is `sorry`. The proof is not
looked at. -/
def readStatement (memory : IO.Ref Memory) (env : Environment) (text : String) :
    IO (Option Expr) := do
  match Parser.runParserCategory env `command text "<text>" with
  | .error _ => return none
  | .ok stx => match partsOf text stx with
    | none => return none
    | some p => match ← elaborateParts memory env p (readType p) with
      | (.statement type, _) => return some type
      | _ => return none

end Alchemy
