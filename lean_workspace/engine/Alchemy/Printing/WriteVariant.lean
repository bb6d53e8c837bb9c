import Alchemy.Judging.JudgeByParts
import Alchemy.Printing.ReadableStatement
import Alchemy.Attempts.Target

/-!
# A variant as text

The kernel judges a variant before it is printed; then its text is judged, parsed and elaborated afresh.
-/

open Lean Meta

namespace Alchemy

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

/-- A written variant as the first lines of a proof that goes on from it, under the name of its parent. -/
def Written.lines (w : Written) (script : List String) (name : Name) : List String :=
  ("have " ++ nameText name ++ " " ++ w.statement ++ " := by") :: mapL (fun l => "  " ++ l) script

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
  memory : IO.Ref Memory
  style : Style

def Writing.print (w : Writing) (l : Level) (marks : List Mark) : MetaM (Option String) :=
  timed w.clock (fun n s => { s with print := s.print + n }) (statementText w.env w.variant w.name l marks)

def Writing.read (w : Writing) (text : String) : MetaM (Except Refusal Proved) :=
  timed w.clock (fun n s => { s with elaborate := s.elaborate + n })
    (checkInMemory w.memory w.env text (some (w.variant.type, w.variant.levels)) : IO _)

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

/-- What the statement of a text is read as. -/
def Writing.readBack (w : Writing) (statement : String) : MetaM (Option Expr) :=
  let text := theoremText w.name w.variant.levels statement (proofText ["sorry"])
  timed w.clock (fun n s => { s with elaborate := s.elaborate + n }) (readStatement w.memory w.env text : IO _)

/-- Prints the variant until the text reads back as the very statement of the term and proves it. -/
def Writing.write (w : Writing) : MetaM (Except Refusal Written) := do
  let wording : Wording Written := {
    env := w.env, params := w.variant.levels, type := w.variant.type
    print := fun l marks => w.print l marks, read := fun s => w.readBack s, judge := fun s l marks => w.judge s l marks
    lessons := (← w.memory.get).lessons
    style := w.style }
  wording.write

/-- A target in words that read back as itself, if there are any. A `match` may be in them as it is. -/
def ownWords (t : Prepared) (memory : IO.Ref Memory) (style : Style) : MetaM (Option Written) := do
  let script (all : Bool) := ["exact " ++ t.applied all (some t.conclusion) none]
  let v : Variant := {
    levels := t.info.levelParams, type := renameBinders (plain t.info.type) t.usedNames, value := constantOf t.info
    names := t.usedNames, script := script false, explicitScript := script true }
  let name := `alchemy_target
  if (← kernelCheck name v.levels v.type v.value).isSome then return none
  let clock ← IO.mkRef {}
  match ← Writing.write { env := t.library, variant := v, name, clock, memory, style := { style with matchers := true } } with
  | .error _ => return none
  | .ok w => return some w

/-- Does a target read back as itself? What has to be marked for it is remembered. A `match` in it may be gone in its variants. -/
def readsBack (t : Prepared) (memory : IO.Ref Memory) (style : Style) : MetaM Bool := do
  match ← ownWords t memory style with
  | none => return false
  | some w =>
    memory.modify fun m => { m with lessons := lessonsOf w.marks (renameBinders (plain t.info.type) t.usedNames) typePosition [] }
    return true

end Alchemy
