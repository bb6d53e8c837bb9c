import Alchemy.Judging.JudgeText
import Lean.Elab.Tactic.Meta

/-!
# Difficulty

Which automation alone proves a variant? Each tactic of the `portfolio` is given the bare statement, `∀` included,
and a small budget; the first that closes it is the variant's grade. What `exact target` closes is the target in other
words, what `simpa using target` closes differs from it by simp lemmas, and what nothing closes asks for an idea.

A closed goal is not a verdict. As in `checkText`, a proof holds no metavariable and no `sorry`, rests on standard
axioms only, and is accepted by the kernel in the environment that was there before, together with every lemma that
the tactic added. The statement is elaborated once for all tactics, as an axiom: it is none of the standard ones, so no
proof can use it.
-/

open Lean Meta

namespace Alchemy

/-- A way of proving without an idea: its name in the table of grades, and the tactic, given the target's name. -/
structure Automation where
  name : String
  tactic : String → String

/-- From the cheapest: a statement's grade is the first that closes it.

`exact target` finds the target's arguments by unification and its hypotheses in the context, in any order; `exact @T` closed
no variant more, and fails where a hypothesis was added. `simpa using target` closes what the target closes once the
conclusion is simplified, and what has, hypotheses included, the same simp normal form as the target. -/
def portfolio : List Automation := [
  { name := "rfl", tactic := fun _ => "intros; rfl" },
  { name := "assumption", tactic := fun _ => "intros; assumption" },
  { name := "simp", tactic := fun _ => "intros; simp" },
  { name := "omega", tactic := fun _ => "intros; omega" },
  { name := "grind", tactic := fun _ => "intros; grind" },
  { name := "exact target", tactic := fun t => "intros; apply " ++ t ++ " <;> assumption" },
  { name := "simpa using target", tactic := fun t =>
      "first | (intros; simp; apply " ++ t ++ " <;> assumption) | simpa using @" ++ t }]

/-- Thousands of heartbeats for each tactic, a fifth of a second. Of what 3,000 close `grind` closes all and `simpa` 19 in 20;
with 400 `grind` closes 9 in 10. -/
def gradeBudget : Nat := 1000

/-- A statement without a proof. -/
structure Stated where
  /-- The library's environment, and the one with what the statement added (a `match` in it is a definition). -/
  base : Environment
  env : Environment
  /-- The name of the theorem to be. -/
  name : Name
  levels : List Name
  type : Expr

/-- `signature` is what stands between `theorem` and `:=`: `v.{u} {α : Type u} (a : α) : a = a`. -/
def stateOpen (base : Environment) (signature : String) : IO (Except String Stated) := do
  match ← readAxiom base ("axiom " ++ signature) with
  | .error e => return .error e
  | .ok (_, v, env) => return .ok { base, env, name := v.name.appendAfter "_graded", levels := v.levelParams, type := v.type }

/-- What the tactic proves the statement with, as the kernel accepts it, and the environment that holds it. -/
def proofBy (s : Stated) (tactic : Syntax) : MetaM (Option (Expr × Environment)) := do
  let goal ← mkFreshExprMVar s.type
  let (left, _) ← Elab.runTactic goal.mvarId! tactic { declName? := some s.name } { levelNames := s.levels }
  unless left matches [] do return none
  let value ← instantiateMVars goal
  if value.hasMVar || value.hasSorry then return none
  if (← kernelCheck s.name s.levels s.type value).isSome then return none
  return some (value, ← getEnv)

/-- Does the tactic prove the statement within its budget? It runs as in a command: unification has the command's
settings, the depth of recursion the command's limit. -/
def closes (s : Stated) (tactic : Syntax) : IO Bool := do
  let caught : MetaM (Option (Expr × Environment)) := do
    try proofBy s tactic catch _ => return none
  match ← ((caught.run commandContext {}).toIO (← commandCore s.env gradeBudget) { env := s.env }).toIO' with
  | .ok ((some (value, env), _), _) =>
    unless forbidden (← axiomsBehind env [value]) matches [] do return false
    match replay env s.name s.base.toKernelEnv with
    | .ok _ => return true
    | .error _ => return false
  | _ => return false

/-- The first of `tactics` that closes the statement; `none` if none does. -/
def firstClosing (s : Stated) (target : Name) : List Automation → IO (Except String (Option String))
  | [] => return .ok none
  | a :: rest => do
    match Parser.runParserCategory s.base `tactic ("(" ++ a.tactic ("_root_." ++ nameText target) ++ ")") "<tactic>" with
    | .error e => return .error e
    | .ok stx => if ← closes s stx then return .ok (some a.name) else firstClosing s target rest

def automationOf (name : String) : List Automation → Option Automation
  | [] => none
  | a :: rest => if a.name == name then some a else automationOf name rest

end Alchemy
