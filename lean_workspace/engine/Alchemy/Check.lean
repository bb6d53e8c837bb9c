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
        let matches_ := match expected with
          | some (type, levels) => v.type == type && v.levelParams == levels
          | none => !v.type.hasSorry
        if !matches_ then return ← no "statement" (error.getD "the text states something else")
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

/-! ## Variants -/

/-- A variant as it stands in the corpus. -/
structure Written where
  statement : String
  proof : String
  text : String
  level : Nat
  axioms : List String

def proofText (lines : List String) : String := "by\n  " ++ joinWith "\n  " lines

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

/-- The statement of a variant that stands in the environment, at a printing level. -/
def statementText (env : Environment) (v : Variant) (name : Name) (l : Level) : MetaM (Option String) := do
  let text? ← try signature name v.levels l catch _ => pure none
  let some text := text? | return none
  unless text.any (· == '✝') do return some text
  let present ← getEnv
  setEnv env
  let refused ← kernelCheck name v.levels (nameInstances v.type v.names) v.value
  let again ← if refused.isNone then (try signature name v.levels l catch _ => pure none) else pure none
  setEnv present
  return again

/-- Prints the variant, level by level from `start`, until the text reads back as the very
statement of the term and proves it. Where the statement reads back and the proof does not go
through, the script with all arguments is tried at the same level. -/
partial def write (env : Environment) (v : Variant) (name : Name) (start : Nat) : MetaM (Except Refusal Written) :=
  go start false { stage := "print", message := "Lean prints no signature" }
where
  go (level : Nat) (explicitly : Bool) (last : Refusal) : MetaM (Except Refusal Written) := do
    let some l := nth? levels level | return .error last
    let some statement ← statementText env v name l | go (level + 1) false last
    let proof := proofText (if explicitly then v.explicitScript else v.script)
    let text := theoremText name v.levels statement proof
    match ← (checkText env text (some (v.type, v.levels)) : IO _) with
    | .ok p => return .ok { statement, proof, text, level, axioms := p.axioms }
    | .error r =>
      if r.stage == "proof" then
        if explicitly || v.explicitScript == v.script then return .error r else go level true r
      else go (level + 1) false r

/-- The first level at which a target reads back as itself; `none`: it never does. -/
def readsBackAt (t : Prepared) : MetaM (Option Nat) := do
  let script (explicitly : Bool) := ["exact " ++ t.applied explicitly (some t.conclusion) none]
  let v : Variant := {
    levels := t.info.levelParams, type := renameBinders (plain t.info.type) t.usedNames, value := constantOf t.info
    names := t.usedNames, script := script false, explicitScript := script true }
  let name := `alchemy_target
  if (← kernelCheck name v.levels v.type v.value).isSome then return none
  match ← write t.env v name 0 with
  | .ok w => return some w.level
  | .error _ => return none

end Alchemy
