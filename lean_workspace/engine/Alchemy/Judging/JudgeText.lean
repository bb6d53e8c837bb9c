import Alchemy.Judging.Axioms
import Alchemy.Judging.Kernel
import Alchemy.Portable.Monads
import Alchemy.Portable.Terms

/-!
# The verdict on a text

The kernel judges a proof term. A text is judged by the elaborator, and there "no error" is no
verdict: a text may hold a `sorry`, use an axiom, or prove another statement. So the text is
elaborated as a whole command in the environment of the library, and what it adds is looked at as a
term:

1. it is one theorem, and its name is not taken;
2. it states what it should, compared as terms;
3. there is no error, and no `sorry` in the proof;
4. only standard axioms are behind it;
5. the kernel accepts it and all that was added with it (`replay`).
-/

open Lean Meta

namespace Alchemy

/-- Thousands of heartbeats for the elaboration of a text: about four seconds. -/
def textBudget : Nat := 20000

/-! ## Where a text is read, and what comes of it -/

/-- Where a text is read. -/
structure ReadingPlace where
  env : Environment
  /-- The open scopes of a user's file, the innermost first; empty where nothing is open. -/
  scopes : List Elab.Command.Scope := []

instance : Coe Environment ReadingPlace := ⟨fun env => { env }⟩

/-- Why a text does not prove what it should. -/
structure Refusal where
  /-- `parse`, `form`, `statement`, `proof`, `sorry`, `axioms`, `kernel` or `budget`; of a variant
  also `print`, `match` and `audit`. -/
  stage : String
  message : String
  /-- What the text states instead, where that is known. -/
  read : Option Expr := none
  /-- Where in the text the error is: line, from 1, and column, from 0. -/
  place : Option Position := none

/-- A theorem that a text proves. -/
structure Proved where
  name : Name
  levels : List Name
  type : Expr
  axioms : List String
  /-- The proof. -/
  value : Expr
  /-- The environment with what the text added. -/
  env : Environment

/-! ## Running the elaborator -/

/-- The options of a text that is no part of a user's file. -/
def textOptions : Options :=
  (switches [] [`autoImplicit, `relaxedAutoImplicit]).setNat `maxHeartbeats textBudget

/-- The context in which the elaborator of a command elaborates a term. `quasiPatternApprox`, which
`mkMetaContext` sets, is off by then. -/
def commandContext : Meta.Context := {
  keyedConfig := Config.toConfigWithKey { foApprox := true, ctxApprox := true } }

/-- The context of `CoreM` at a place, with a budget that begins now. It has no options unless a
user's file sets some: none of ours matters to a term, and where there are any, Lean looks for a
trace class among them at each step. -/
def commandCore (p : ReadingPlace) (thousands : Nat) : BaseIO Core.Context := do
  let context := { coreContext thousands with
    maxRecDepth := defaultMaxRecDepth, initHeartbeats := ← IO.getNumHeartbeats
    quotContext := p.env.mainModule }
  return match p.scopes with
    | scope :: _ => { context with
        options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls
        maxRecDepth := maxRecDepth.get scope.opts }
    | [] => context

/-- The text of the first error, and its place. -/
def firstErrorAt : List Message → BaseIO (Option (String × Position))
  | [] => return none
  | m :: ms => do
    if m.severity matches .error then return some (← m.data.toString, m.pos) else firstErrorAt ms

/-- The text of the first error. -/
def firstError (messages : List Message) : BaseIO (Option String) := do
  match ← firstErrorAt messages with
  | some (text, _) => return some text
  | none => return none

/-- Is there an error among the messages? -/
def hasError (messages : List Message) : Bool :=
  L.any messages fun m => m.severity matches .error

/-- The state after the command `stx`, whose text is `text`, was elaborated at a place; `none` where
the elaborator gave up. At a place in a user's file the file's own options hold. The info trees are
kept if `infos` says so. -/
def afterCommand (p : ReadingPlace) (stx : Syntax) (text : String) (infos : Bool := false) :
    IO (Option Elab.Command.State) := do
  let context : Elab.Command.Context := {
    fileName := "<text>", fileMap := text.toFileMap, snap? := none, cancelTk? := none }
  let options := match p.scopes with
    | scope :: _ => scope.opts
    | [] => textOptions
  let state := { Elab.Command.mkState p.env {} options with infoState := { enabled := infos } }
  let state := if p.scopes matches [] then state else { state with scopes := p.scopes }
  match ← ((Elab.Command.elabCommand stx context).run state).toIO' with
  | .ok (_, s) => return some s
  | .error _ => return none

/-! ## Theorems -/

/-- The name that a command declares, if it is one theorem and nothing else. -/
def theoremName? (stx : Syntax) : Option Name :=
  if stx.isOfKind ``Parser.Command.declaration && stx[1].isOfKind ``Parser.Command.theorem then
    some (stx[1][1][0].getId.replacePrefix `_root_ .anonymous)
  else none

/-- Reads a text as one axiom: its syntax, the axiom, and the environment that holds it. -/
def readAxiom (base : ReadingPlace) (text : String) :
    IO (Except String (Syntax × AxiomVal × Environment)) := do
  match Parser.runParserCategory base.env `command text "<text>" with
  | .error e => return .error e
  | .ok stx =>
    match ← afterCommand base stx text with
    | none => return .error "the elaborator gave up"
    | some s =>
      if let some e ← firstError s.messages.toList then return .error e
      match s.env.find? (stx[1][1][0].getId.replacePrefix `_root_ .anonymous) with
      | some (.axiomInfo v) =>
        return if v.type.hasSorry then .error "the statement is not complete"
          else .ok (stx, v, s.env)
      | _ => return .error "no statement came of it"

/-- Is it the same statement to a reader? Only reducible definitions are unfolded. Levels may be
written in another way (`max u v` and `max v u`), and any proof may stand for another of the same
inside a statement. -/
def isSameStatement (env : Environment) (a b : Expr) : IO Bool := do
  if a == b then return true
  let same : MetaM Bool := do
    try M.withTransparency .reducible (isDefEq (plain a) b) catch _ => return false
  match ← runIn env textBudget same with
  | .ok same => return same
  | .error _ => return false

/-- Elaborates the command `stx`, whose text is `text`, and judges it as one theorem. `expected` is
the type, and the levels, that it must have. -/
def checkCommand (p : ReadingPlace) (stx : Syntax) (text : String)
    (expected : Option (Expr × List Name)) : IO (Except Refusal Proved) := do
  let noAt (stage message : String) (place : Option Position) : IO (Except Refusal Proved) :=
    return .error { stage, message, place }
  let no (stage message : String) : IO (Except Refusal Proved) := noAt stage message none
  let some name := theoremName? stx | no "form" "not one theorem"
  let env := p.env
  if env.contains name then return ← no "form" ("the name " ++ nameText name ++ " is taken")
  match ← afterCommand p stx text with
  | none => no "statement" "the elaborator gave up"
  | some s =>
    let error ← firstErrorAt s.messages.toList
    let orElse (message : String) : IO (Except Refusal Proved) := match error with
      | some (e, place) => noAt "statement" e (some place)
      | none => no "statement" message
    match s.env.find? name with
    | some (.thmInfo v) =>
      let isExpected ← match expected with
        | some (type, levels) =>
          pure (v.levelParams == levels && !v.type.hasSorry) <&&> isSameStatement env v.type type
        | none => pure !v.type.hasSorry
      if !isExpected then return ← orElse "the text states something else"
      if let some (e, place) := error then return ← noAt "proof" e (some place)
      if v.value.hasSorry then return ← no "sorry" "the proof is not complete"
      let axioms ← axiomsBehind s.env [v.type, v.value]
      unless forbidden axioms matches [] do
        return ← no "axioms" (", ".intercalate (L.map nameText axioms))
      if let .error e := replay s.env name env.toKernelEnv then return ← no "kernel" e
      return .ok {
        name, levels := v.levelParams, type := v.type, axioms := L.map nameText axioms
        value := v.value, env := s.env }
    | _ => orElse "no theorem came of it"

/-- Parses `text` as a command, which `judge` gets. -/
def parsed (env : Environment) (text : String) (judge : Syntax → IO (Except Refusal Proved)) :
    IO (Except Refusal Proved) := do
  match Parser.runParserCategory env `command text "<text>" with
  | .error e => return .error { stage := "parse", message := e }
  | .ok stx => judge stx

/-- The verdict on a text, elaborated as a whole command. -/
def checkText (p : ReadingPlace) (text : String) (expected : Option (Expr × List Name)) :
    IO (Except Refusal Proved) :=
  parsed p.env text fun stx => checkCommand p stx text expected

/-! ## The text of a theorem -/

/-- A tactic proof of these lines, from `by` on. -/
def proofText (lines : List String) : String := "by\n  " ++ "\n  ".intercalate lines

/-- `theorem NAME.{u} STATEMENT := PROOF` -/
def theoremText (name : Name) (params : List Name) (statement proof : String) : String :=
  "theorem " ++ nameText name ++ levelText params ++ " " ++ statement ++ " := " ++ proof

end Alchemy
