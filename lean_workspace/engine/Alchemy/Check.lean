import Alchemy.Render
import Lean.Elab.Command

/-!
# Verdicts

The kernel judges a proof term. The elaborator judges a text, and "no error" is not a verdict: a
text may hold a `sorry`, an axiom, or prove another statement. So the text is elaborated as a whole
command in the environment of the library, and what it adds is looked at as a term.
-/

open Lean Meta

namespace Alchemy

/-- Thousands of heartbeats for the elaboration of a text: about four seconds. -/
def textBudget : Nat := 20000

/-- Why a text is no proof of what it should prove. -/
structure Refusal where
  /-- `parse`, `form`, `statement`, `proof`, `sorry`, `axioms`, `kernel`, `budget` -/
  stage : String
  message : String

/-- A theorem that a text proves. -/
structure Proved where
  name : Name
  levels : List Name
  type : Expr
  axioms : List String

/-- The axioms that stand behind Lean's mathematics; everything else is refused. -/
def standardAxioms : List Name := [``propext, ``Quot.sound, ``Classical.choice]

/-- Adds the axioms that `e` uses. Constants of the library whose bodies were stripped look like
axioms and are none; what the text itself added is followed. -/
partial def axiomsOf (env : Environment) (e : Expr) (seen : NameSet) (found : List Name) : NameSet × List Name :=
  go e.getUsedConstants.toList seen found
where
  go : List Name → NameSet → List Name → NameSet × List Name
    | [], seen, found => (seen, found)
    | n :: ns, seen, found =>
      if seen.contains n then go ns seen found else
      let seen := seen.insert n
      match env.find? n with
      | some (.axiomInfo _) =>
        -- `getOriginalConstKind?` knows what a stripped constant was before.
        match getOriginalConstKind? env n with
        | some .axiom => go ns seen (n :: found)
        | none => go ns seen (n :: found)
        | _ => go ns seen found
      | some info =>
        if (env.getModuleIdxFor? n).isSome then go ns seen found else
        let (seen, found) := axiomsOf env info.type seen found
        match info.value? with
        | some v =>
          let (seen, found) := axiomsOf env v seen found
          go ns seen found
        | none => go ns seen found
      | none => go ns seen found

/-- The constant as a declaration; what a proof has no reason to add is none. -/
def declarationOf : ConstantInfo → Option Declaration
  | .thmInfo v => some (.thmDecl v)
  | .defnInfo v => some (.defnDecl v)
  | .opaqueInfo v => some (.opaqueDecl v)
  | _ => none

/-- The kernel judges `n`, and before it everything that the text added and `n` uses, in the environment that
was there before the text. A text can switch the kernel off for what it adds (`debug.skipKernelTC`). -/
partial def replay (elaborated : Environment) (n : Name) (env : Kernel.Environment) : Except String Kernel.Environment :=
  if (env.find? n).isSome then .ok env else
  match elaborated.find? n with
  | none => .error ("unknown constant " ++ nameText n)
  | some c =>
    let used := append c.type.getUsedConstants.toList (match c.value? (allowOpaque := true) with
      | some v => v.getUsedConstants.toList
      | none => [])
    match go used env, declarationOf c with
    | .error e, _ => .error e
    | _, none => .error ("the text adds " ++ nameText n)
    | .ok env, some d => match env.addDecl {} d with
      | .ok env => .ok env
      | .error _ => .error ("the kernel refuses " ++ nameText n)
where
  go : List Name → Kernel.Environment → Except String Kernel.Environment
    | [], env => .ok env
    | m :: ms, env => match replay elaborated m env with
      | .ok env => go ms env
      | .error e => .error e

def textOptions : Options :=
  (switches [] [`autoImplicit, `relaxedAutoImplicit]).setNat `maxHeartbeats textBudget

/-- The name that a command declares, if it is one theorem and nothing else. -/
def theoremName? (stx : Syntax) : Option Name :=
  if stx.isOfKind ``Parser.Command.declaration && stx[1].isOfKind ``Parser.Command.theorem then
    some stx[1][1][0].getId
  else none

/-- The first error, as `stage` and text. -/
def firstError : List Message → BaseIO (Option String)
  | [] => return none
  | m :: ms => do
    if m.severity matches .error then return some (← m.data.toString) else firstError ms

/-- The same statement to a reader: only what is reducible is unfolded, levels may be written otherwise (`max u v`, `max v u`),
and of two proofs of the same, inside a statement, any may stand. -/
def isSameStatement (env : Environment) (a b : Expr) : IO Bool := do
  if a == b then return true
  let same : MetaM Bool := do
    try atTransparency .reducible (isDefEq (plain a) b) catch _ => return false
  match ← runMeta env textBudget same with
  | .ok same => return same
  | .error _ => return false

/-- Elaborates `text` in `env`, as one theorem. `expected`: the type and the levels that it must have. -/
def checkText (env : Environment) (text : String) (expected : Option (Expr × List Name)) : IO (Except Refusal Proved) := do
  let no (stage message : String) : IO (Except Refusal Proved) := return .error { stage, message }
  match Parser.runParserCategory env `command text "<text>" with
  | .error e => no "parse" e
  | .ok stx =>
    let some name := theoremName? stx | no "form" "not one theorem"
    if env.contains name then return ← no "form" ("the name " ++ nameText name ++ " is taken")
    let context : Elab.Command.Context := { fileName := "<text>", fileMap := text.toFileMap, snap? := none, cancelTk? := none }
    match ← ((Elab.Command.elabCommand stx context).run (Elab.Command.mkState env {} textOptions)).toIO' with
    | .error _ => no "statement" "the elaborator gave up"
    | .ok (_, s) =>
      let error ← firstError s.messages.toList
      match s.env.find? name with
      | some (.thmInfo v) =>
        let isExpected ← match expected with
          | some (type, levels) => pure (v.levelParams == levels && !v.type.hasSorry) <&&> isSameStatement env v.type type
          | none => pure !v.type.hasSorry
        if !isExpected then return ← no "statement" (error.getD "the text states something else")
        if let some e := error then return ← no "proof" e
        if v.value.hasSorry then return ← no "sorry" "the proof is not complete"
        let (_, found) := axiomsOf s.env v.value {} []
        let (_, found) := axiomsOf s.env v.type {} found
        if anyL (fun n => !anyL (· == n) standardAxioms) found then
          return ← no "axioms" (joinWith ", " (mapL nameText found))
        if let .error e := replay s.env name env.toKernelEnv then return ← no "kernel" e
        return .ok { name, levels := v.levelParams, type := v.type, axioms := sortL atMost (mapL nameText (unique found)) }
      | _ => no "statement" (error.getD "no theorem came of it")
where
  unique : List Name → List Name
    | [] => []
    | n :: ns => if anyL (· == n) ns then unique ns else n :: unique ns

/-- Runs `x` as the elaborator of terms does, with errors that become `sorry`. -/
def runTerm (env : Environment) (levels : List Name) (x : Elab.Term.TermElabM α) : IO (Option α) := do
  let state ← IO.mkRef ({ levelNames := levels } : Elab.Term.State)
  let inMeta : MetaM α := x {} state
  match ← runMetaWith env textBudget textOptions inMeta with
  | .ok a => return some a
  | .error _ => return none

/-- `∀ binders, type` of a theorem's syntax. -/
def statementSyntax (stx : Syntax) : Syntax :=
  let signature := stx[1][2]
  let type := signature[1][1]
  if signature[0].getArgs.size == 0 then type else
  .node .none ``Parser.Term.forall #[.atom .none "∀", signature[0], .node .none nullKind #[], .atom .none ",", type]

/-- What the statement of a text is read as; what can't be read is `sorry`. The proof is not looked at. A verdict comes
from `checkText`, which elaborates the whole command. -/
def readStatement (env : Environment) (levels : List Name) (text : String) : IO (Option Expr) := do
  match Parser.runParserCategory env `command text "<text>" with
  | .error _ => return none
  | .ok stx =>
    runTerm env levels do
      let e ← Elab.Term.elabType (statementSyntax stx)
      try Elab.Term.synthesizeSyntheticMVarsNoPostponing catch _ => pure ()  -- what stays open differs
      return plain (← instantiateMVars e)

/-! ## Variants -/

/-- A variant as it stands in the corpus. -/
structure Written where
  statement : String
  proof : String
  text : String
  level : Level
  marks : List Mark
  axioms : List String
  script : List String
  /-- As it is read, which is the same as the variant's to a reader. -/
  type : Expr

/-- Microseconds that the parts of writing took. -/
structure Spent where
  kernel : Nat := 0
  print : Nat := 0
  elaborate : Nat := 0

/-- Runs `x` and adds what it took. -/
def timed (clock : IO.Ref Spent) (add : Nat → Spent → Spent) (x : MetaM α) : MetaM α := do
  let start ← IO.monoNanosNow
  let a ← x
  let now ← IO.monoNanosNow
  clock.modify (add ((now - start) / 1000))
  return a

def proofText (lines : List String) : String := "by\n  " ++ joinWith "\n  " lines

/-- A written variant as the first lines of a proof that goes on from it, under the name of its parent. -/
def Written.lines (w : Written) (script : List String) (name : Name) : List String :=
  ("have " ++ nameText name ++ " " ++ w.statement ++ " := by") :: mapL (fun l => "  " ++ l) script

/-- `theorem NAME.{u} STATEMENT := PROOF` -/
def theoremText (name : Name) (params : List Name) (statement proof : String) : String :=
  "theorem " ++ nameText name ++ levelText params ++ " " ++ statement ++ " := " ++ proof

/-- Adds a theorem to the environment: Lean's kernel checks the proof term. What it says where it refuses. -/
def kernelCheck (name : Name) (levels : List Name) (type value : Expr) : MetaM (Option String) := do
  try
    addDecl (.thmDecl { name, levelParams := levels, type, value })
    return none
  catch e => return some (← e.toMessageData.toString)

/-- Instances that a person does not name print as `inst✝` where they are arguments: give them names. -/
def nameInstances (e : Expr) (used : List Name) : Expr :=
  match e with
  | .forallE n t b i =>
    if i.isInstImplicit && n.hasMacroScopes then
      let name := freshName used `inst
      .forallE name t (nameInstances b (name :: used)) i
    else .forallE n t (nameInstances b (n :: used)) i
  | e => e

/-- The statement of a variant that stands in the environment, printed. -/
def statementText (env : Environment) (v : Variant) (name : Name) (l : Level) (marks : List Mark) : MetaM (Option String) := do
  let text? ← try signature name v.levels l marks catch _ => pure none
  let some text := text? | return none
  unless text.any (· == '✝') do return some text
  let present ← getEnv
  setEnv env
  let refused ← kernelCheck name v.levels (nameInstances v.type v.names) v.value
  let again ← if refused.isNone then (try signature name v.levels l marks catch _ => pure none) else pure none
  setEnv present
  return again

/-- A variant while it is being written. -/
structure Writing where
  /-- The library: texts are read in it. -/
  env : Environment
  variant : Variant
  name : Name
  clock : IO.Ref Spent

def Writing.print (w : Writing) (l : Level) (marks : List Mark) : MetaM (Option String) :=
  timed w.clock (fun n s => { s with print := s.print + n }) (statementText w.env w.variant w.name l marks)

def Writing.read (w : Writing) (text : String) : MetaM (Except Refusal Proved) :=
  timed w.clock (fun n s => { s with elaborate := s.elaborate + n })
    (checkText w.env text (some (w.variant.type, w.variant.levels)) : IO _)

/-- The whole text, judged. Where the statement reads back and the proof does not go through, the script with
all arguments is tried. -/
def Writing.judge (w : Writing) (statement : String) (level : Level) (marks : List Mark) : MetaM (Except Refusal Written) := do
  match ← go w.variant.script with
  | .error r => if r.stage == "proof" && w.variant.explicitScript != w.variant.script then go w.variant.explicitScript else return .error r
  | written => return written
where
  go (script : List String) : MetaM (Except Refusal Written) := do
    let proof := proofText script
    let text := theoremText w.name w.variant.levels statement proof
    match ← w.read text with
    | .ok p => return .ok { statement, proof, text, level, marks, axioms := p.axioms, script, type := p.type }
    | .error r => return .error r

/-- More rounds than this are a sign that a statement can't be mended by position. -/
def maxRounds : Nat := 30

/-- Marks what differs, round by round, until the statement reads back; then the whole text is judged. -/
partial def Writing.mend (w : Writing) (level : Level) (statement : String) (marks : List Mark) (rounds : Nat) (levels : Bool)
    (last : Refusal) : MetaM (Except Refusal Written) := do
  if rounds == 0 then return .error last
  let read := readStatement w.env w.variant.levels (theoremText w.name w.variant.levels statement "sorry")
  let some other ← timed w.clock (fun n s => { s with elaborate := s.elaborate + n }) (read : IO _) | return .error last
  match differ w.env levels w.variant.type other typePosition [] with
  | [] =>
    let judged ← if marks matches [] then pure (.error last) else w.judge statement level marks
    match judged with
    | .error r => if r.stage == "statement" && !levels then w.mend level statement marks (rounds - 1) true r else return .error r
    | written => return written
  | path =>
    let some marks := strengthen marks path | return .error last
    let some statement ← w.print level marks | return .error last
    w.mend level statement marks (rounds - 1) levels last

/-- Prints the variant until the text reads back as the very statement of the term and proves it: level by level, at
each first as it is, then with marks. The last level says everything. -/
partial def Writing.write (w : Writing) : MetaM (Except Refusal Written) :=
  go levels { stage := "print", message := "Lean prints no signature" }
where
  go (ls : List Level) (last : Refusal) : MetaM (Except Refusal Written) := do
    match ls with
    | [] => return .error last
    | l :: ls =>
      let some statement ← w.print l [] | go ls last
      match ← w.judge statement l [] with
      | .error r =>
        if r.stage == "proof" then return .error r
        match ← w.mend l statement [] maxRounds false r with
        | .error r => if r.stage == "proof" then return .error r else go ls r
        | written => return written
      | written => return written

/-- Does a target read back as itself, in some way of writing it? -/
def readsBack (t : Prepared) : MetaM Bool := do
  let script (explicitly : Bool) := ["exact " ++ t.applied explicitly (some t.conclusion) none]
  let v : Variant := {
    levels := t.info.levelParams, type := renameBinders (plain t.info.type) t.usedNames, value := constantOf t.info
    names := t.usedNames, script := script false, explicitScript := script true }
  let name := `alchemy_target
  if (← kernelCheck name v.levels v.type v.value).isSome then return false
  let clock ← IO.mkRef {}
  return (← Writing.write { env := t.library, variant := v, name, clock }) matches .ok _

end Alchemy
