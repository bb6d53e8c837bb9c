import Alchemy.Judging.Axioms
import Alchemy.Printing.Signature
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

/-- Where a text is read. -/
structure Place where
  env : Environment
  /-- Of a file of the user, the innermost first; none where nothing is open. -/
  scopes : List Elab.Command.Scope := []

instance : Coe Environment Place := ⟨fun env => { env }⟩

/-- Why a text is no proof of what it should prove. -/
structure Refusal where
  /-- `parse`, `form`, `statement`, `proof`, `sorry`, `axioms`, `kernel`, `budget` -/
  stage : String
  message : String
  /-- What the text states instead, where that is known. -/
  read : Option Expr := none

/-- A theorem that a text proves. -/
structure Proved where
  name : Name
  levels : List Name
  type : Expr
  axioms : List String
  /-- The proof, and the environment with what the text added. -/
  value : Expr
  env : Environment

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
    | .ok env, some d => match env.addDecl kernelOptions d with
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

/-- The context in which a command elaborates terms, as a term in it sees it: `quasiPatternApprox`, which `mkMetaContext` sets, is
off by then. -/
def commandContext : Meta.Context := {
  keyedConfig := Config.toConfigWithKey { foApprox := true, ctxApprox := true } }

/-- With a budget that begins now. Without options where no file sets any, as none of ours speaks of a term: where there are any, Lean
looks for a trace class among them at each step. -/
def commandCore (p : Place) (thousands : Nat) : BaseIO Core.Context := do
  let context := { coreContext thousands with
    maxRecDepth := defaultMaxRecDepth, initHeartbeats := ← IO.getNumHeartbeats, quotContext := p.env.mainModule }
  return match p.scopes with
    | scope :: _ => { context with
        options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls, maxRecDepth := maxRecDepth.get scope.opts }
    | [] => context

/-- The name that a command declares, if it is one theorem and nothing else. -/
def theoremName? (stx : Syntax) : Option Name :=
  if stx.isOfKind ``Parser.Command.declaration && stx[1].isOfKind ``Parser.Command.theorem then
    some (stx[1][1][0].getId.replacePrefix `_root_ .anonymous)
  else none

/-- The first error, as `stage` and text. -/
def firstError : List Message → BaseIO (Option String)
  | [] => return none
  | m :: ms => do
    if m.severity matches .error then return some (← m.data.toString) else firstError ms

/-- Is there an error? -/
def hasError : List Message → Bool := anyL fun m => m.severity matches .error

/-- The state after a command that was elaborated at a place; `none` if the elaborator gave up. In a file its own limits hold. infos: are
the info trees kept? -/
def afterCommand (p : Place) (stx : Syntax) (text : String) (infos : Bool := false) : IO (Option Elab.Command.State) := do
  let context : Elab.Command.Context := { fileName := "<text>", fileMap := text.toFileMap, snap? := none, cancelTk? := none }
  let options := match p.scopes with
    | scope :: _ => scope.opts
    | [] => textOptions
  let state := { Elab.Command.mkState p.env {} options with infoState := { enabled := infos } }
  let state := if p.scopes matches [] then state else { state with scopes := p.scopes }
  match ← ((Elab.Command.elabCommand stx context).run state).toIO' with
  | .ok (_, s) => return some s
  | .error _ => return none

/-- Reads a text as one axiom: its syntax, the axiom, and the environment that holds it. -/
def readAxiom (base : Place) (text : String) : IO (Except String (Syntax × AxiomVal × Environment)) := do
  match Parser.runParserCategory base.env `command text "<text>" with
  | .error e => return .error e
  | .ok stx =>
    match ← afterCommand base stx text with
    | none => return .error "the elaborator gave up"
    | some s =>
      if let some e ← firstError s.messages.toList then return .error e
      match s.env.find? (stx[1][1][0].getId.replacePrefix `_root_ .anonymous) with
      | some (.axiomInfo v) => return if v.type.hasSorry then .error "the statement is not complete" else .ok (stx, v, s.env)
      | _ => return .error "no statement came of it"

/-- The same statement to a reader: only what is reducible is unfolded, levels may be written otherwise (`max u v`, `max v u`),
and of two proofs of the same, inside a statement, any may stand. -/
def isSameStatement (env : Environment) (a b : Expr) : IO Bool := do
  if a == b then return true
  let same : MetaM Bool := do
    try atTransparency .reducible (isDefEq (plain a) b) catch _ => return false
  match ← runMeta env textBudget same with
  | .ok same => return same
  | .error _ => return false

/-- Elaborates the command `stx`, whose text is `text`, at a place, as one theorem. `expected`: the type and the levels that it must
have. -/
def checkCommand (p : Place) (stx : Syntax) (text : String) (expected : Option (Expr × List Name)) : IO (Except Refusal Proved) := do
  let no (stage message : String) : IO (Except Refusal Proved) := return .error { stage, message }
  let some name := theoremName? stx | no "form" "not one theorem"
  let env := p.env
  if env.contains name then return ← no "form" ("the name " ++ nameText name ++ " is taken")
  match ← afterCommand p stx text with
  | none => no "statement" "the elaborator gave up"
  | some s =>
    let error ← firstError s.messages.toList
    match s.env.find? name with
    | some (.thmInfo v) =>
      let isExpected ← match expected with
        | some (type, levels) => pure (v.levelParams == levels && !v.type.hasSorry) <&&> isSameStatement env v.type type
        | none => pure !v.type.hasSorry
      if !isExpected then return ← no "statement" (error.getD "the text states something else")
      if let some e := error then return ← no "proof" e
      if v.value.hasSorry then return ← no "sorry" "the proof is not complete"
      let axioms ← axiomsBehind s.env [v.type, v.value]
      unless forbidden axioms matches [] do
        return ← no "axioms" (joinWith ", " (mapL nameText axioms))
      if let .error e := replay s.env name env.toKernelEnv then return ← no "kernel" e
      return .ok { name, levels := v.levelParams, type := v.type, axioms := mapL nameText axioms, value := v.value, env := s.env }
    | _ => no "statement" (error.getD "no theorem came of it")

/-- Parses `text`; `judge` gets the command that it is. -/
def parsed (env : Environment) (text : String) (judge : Syntax → IO (Except Refusal Proved)) : IO (Except Refusal Proved) := do
  match Parser.runParserCategory env `command text "<text>" with
  | .error e => return .error { stage := "parse", message := e }
  | .ok stx => judge stx

/-- The whole command's verdict on a text. -/
def checkText (p : Place) (text : String) (expected : Option (Expr × List Name)) : IO (Except Refusal Proved) :=
  parsed p.env text fun stx => checkCommand p stx text expected

/-! ## Texts -/

def proofText (lines : List String) : String := "by\n  " ++ joinWith "\n  " lines

/-- `theorem NAME.{u} STATEMENT := PROOF` -/
def theoremText (name : Name) (params : List Name) (statement proof : String) : String :=
  "theorem " ++ nameText name ++ levelText params ++ " " ++ statement ++ " := " ++ proof

end Alchemy
