import Alchemy.Judging.JudgeText
import Lean.Elab.Tactic.Meta

/-!
# The grade of a variant: what proves it without an idea

Each tactic of the `portfolio` is given the bare statement, `∀` included, and a small budget. The
first that closes it is the variant's grade. What `exact target` closes is the target in other
words, what `simpa using target` closes differs from it by simp lemmas, and what nothing closes asks
for an idea.

A closed goal is no verdict. As in `checkText`, the proof holds no metavariable and no `sorry`,
rests on standard axioms only, and is accepted by the kernel in the environment that was there
before, together with every lemma that the tactic added. The statement is elaborated once for all
tactics, as an axiom. No proof can use that axiom, because it is not a standard one.
-/

open Lean Meta

namespace Alchemy

/-- A way of proving: its name in the table of grades, and its tactic, given the name of the target.
-/
structure Automation where
  name : String
  tactic : String → String

/-- The ways of proving, from the cheapest.

`exact target` finds the target's arguments by unification and its hypotheses in the context, in any
order. (`exact @T` closed no variant more, and fails where a hypothesis was added.)
`simpa using target` closes what the target closes once the conclusion is simplified, and what has
the same simp normal form as the target, hypotheses included. -/
def portfolio : List Automation := [
  { name := "rfl", tactic := fun _ => "intros; rfl" },
  { name := "assumption", tactic := fun _ => "intros; assumption" },
  { name := "simp", tactic := fun _ => "intros; simp" },
  { name := "omega", tactic := fun _ => "intros; omega" },
  { name := "grind", tactic := fun _ => "intros; grind" },
  { name := "exact target", tactic := fun t => "intros; apply " ++ t ++ " <;> assumption" },
  { name := "simpa using target", tactic := fun t =>
      "first | (intros; simp; apply " ++ t ++ " <;> assumption) | simpa using @" ++ t }]

/-- The automation of this name. -/
def automationOf (name : String) : Option Automation := L.find? (·.name == name) portfolio

/-- Thousands of heartbeats for each tactic, a fifth of a second. Of what a budget of 3,000 closes
it closes everything with `grind` and 19 of 20 with `simpa`; with 400, `grind` closes 9 of 10. -/
def gradeBudget : Nat := 1000

/-- A statement to be proved. -/
structure OpenStatement where
  /-- The environment of the library. -/
  base : Environment
  /-- The environment with what the statement added, such as the definition of a `match` in it. -/
  env : Environment
  /-- The name of the theorem to be. -/
  name : Name
  levels : List Name
  type : Expr

/-- Reads a signature, which is what stands between `theorem` and `:=`:
`v.{u} {α : Type u} (a : α) : a = a`. -/
def openStatement (base : Environment) (signature : String) :
    IO (Except String OpenStatement) := do
  match ← readAxiom base ("axiom " ++ signature) with
  | .error e => return .error e
  | .ok (_, v, env) =>
    return .ok {
      base, env, name := v.name.appendAfter "_graded", levels := v.levelParams, type := v.type }

/-- The proof that the tactic finds, if the kernel accepts it, and the environment that holds it. -/
def proofBy (s : OpenStatement) (tactic : Syntax) : MetaM (Option (Expr × Environment)) := do
  let goal ← mkFreshExprMVar s.type
  let (left, _) ← Elab.runTactic goal.mvarId! tactic
    { declName? := some s.name } { levelNames := s.levels }
  unless left matches [] do return none
  let value ← instantiateMVars goal
  if value.hasMVar || value.hasSorry then return none
  if (← kernelCheck s.name s.levels s.type value).isSome then return none
  return some (value, ← getEnv)

/-- Does the tactic prove the statement within its budget? It runs as in a command, with the
command's settings of unification and its limit of recursion. -/
def closes (s : OpenStatement) (tactic : Syntax) : IO Bool := do
  let caught : MetaM (Option (Expr × Environment)) := do
    try proofBy s tactic catch _ => return none
  let context ← commandCore s.env gradeBudget
  match ← ((caught.run commandContext {}).toIO context { env := s.env }).toIO' with
  | .ok ((some (value, env), _), _) =>
    unless forbidden (← axiomsBehind env [value]) matches [] do return false
    match replay env s.name s.base.toKernelEnv with
    | .ok _ => return true
    | .error _ => return false
  | _ => return false

/-- The name of the first of these automations that closes the statement; `none` if none does. -/
def firstClosing (s : OpenStatement) (target : Name) :
    List Automation → IO (Except String (Option String))
  | [] => return .ok none
  | a :: rest => do
    let text := "(" ++ a.tactic ("_root_." ++ nameText target) ++ ")"
    match Parser.runParserCategory s.base `tactic text "<tactic>" with
    | .error e => return .error e
    | .ok stx =>
      if ← closes s stx then return .ok (some a.name) else firstClosing s target rest

end Alchemy
