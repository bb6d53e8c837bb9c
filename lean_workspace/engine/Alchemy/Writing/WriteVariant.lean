import Alchemy.Attempts.TargetApplied
import Alchemy.Attempts.Draft
import Alchemy.Judging.JudgeByParts
import Alchemy.Writing.ReadableStatement

/-!
# A variant as text

The kernel judges a variant before it is printed. Then it is printed, and its text is judged: parsed
and elaborated afresh, it must give a theorem with the variant's statement.
-/

open Lean Meta

namespace Alchemy

/-- A variant as it stands in the corpus. -/
structure WrittenVariant where
  statement : String
  proof : String
  text : String
  level : PrintLevel
  marks : List Mark
  axioms : List String
  script : List String
  /-- The statement as it is read, which to a reader is the variant's. -/
  type : Expr

/-- The lines that state and prove it inside the proof of what goes on from it. -/
def WrittenVariant.lines (w : WrittenVariant) (script : List String) (name : Name) : List String :=
  ("have " ++ nameText name ++ " " ++ w.statement ++ " := by") :: L.map (fun l => "  " ++ l) script

/-! ## The clock -/

/-- Microseconds that the parts of writing took. -/
structure Spent where
  kernel : Nat := 0
  print : Nat := 0
  elaborate : Nat := 0

/-- Runs `x`, and adds the microseconds that it took. -/
def timed (clock : IO.Ref Spent) (add : Nat → Spent → Spent) (x : MetaM α) : MetaM α := do
  let start ← IO.monoNanosNow
  let a ← x
  let now ← IO.monoNanosNow
  clock.modify (add ((now - start) / 1000))
  return a

/-! ## Printing and reading -/

/-- Names instances that a person does not name: Lean would print `inst✝` where they are arguments.
-/
def nameInstances (e : Expr) (used : List Name) : Expr :=
  match e with
  | .forallE n t b i =>
    if i.isInstImplicit && n.hasMacroScopes then
      let name := freshName used `inst
      .forallE name t (nameInstances b (name :: used)) i
    else .forallE n t (nameInstances b (n :: used)) i
  | e => e

/-- The statement of a variant that stands in the environment, printed. -/
def statementText (env : Environment) (v : Variant) (name : Name) (l : PrintLevel)
    (marks : List Mark) : MetaM (Option String) := do
  let text? ← try signature name v.levels l marks catch _ => pure none
  let some text := text? | return none
  unless text.any (· == '✝') do return some text
  let present ← getEnv
  setEnv env
  let refused ← kernelCheck name v.levels (nameInstances v.type v.names) v.value
  let again ← if refused.isNone then
      (try signature name v.levels l marks catch _ => pure none)
    else pure none
  setEnv present
  return again

/-- A variant while it is being written. -/
structure Writing where
  /-- The environment of the library, in which texts are read. -/
  env : Environment
  variant : Variant
  name : Name
  clock : IO.Ref Spent
  memory : IO.Ref Memory
  style : Style

/-- The statement, printed at a level with marks; the time counts as printing. -/
def Writing.print (w : Writing) (l : PrintLevel) (marks : List Mark) : MetaM (Option String) :=
  timed w.clock (fun n s => { s with print := s.print + n })
    (statementText w.env w.variant w.name l marks)

/-- The verdict on a whole text; the time counts as elaboration. -/
def Writing.read (w : Writing) (text : String) : MetaM (Except Refusal Proved) :=
  timed w.clock (fun n s => { s with elaborate := s.elaborate + n })
    (checkInMemory w.memory w.env text (some (w.variant.type, w.variant.levels)) : IO _)

/-- Judges the whole text. Where the statement reads back and the proof fails, the script with all
arguments is tried. -/
def Writing.judge (w : Writing) (statement : String) (level : PrintLevel) (marks : List Mark) :
    MetaM (Except Refusal WrittenVariant) := do
  match ← go w.variant.script with
  | .error r =>
    if r.stage == "proof" && w.variant.explicitScript != w.variant.script then
      go w.variant.explicitScript
    else return .error r
  | written => return written
where
  go (script : List String) : MetaM (Except Refusal WrittenVariant) := do
    let proof := proofText script
    let text := theoremText w.name w.variant.levels statement proof
    match ← w.read text with
    | .ok p =>
      return .ok {
        statement, proof, text, level, marks, axioms := p.axioms, script, type := p.type }
    | .error r => return .error r

/-- The statement of a text as it is read. -/
def Writing.readBack (w : Writing) (statement : String) : MetaM (Option Expr) :=
  let text := theoremText w.name w.variant.levels statement (proofText ["sorry"])
  timed w.clock (fun n s => { s with elaborate := s.elaborate + n })
    (readStatement w.memory w.env text : IO _)

/-- Prints the variant until the text reads back as the very statement of the term and proves it. -/
def Writing.write (w : Writing) : MetaM (Except Refusal WrittenVariant) := do
  let wording : Wording WrittenVariant := {
    env := w.env, params := w.variant.levels, type := w.variant.type
    print := fun l marks => w.print l marks
    read := fun s => w.readBack s
    judge := fun s l marks => w.judge s l marks
    markedInTarget := (← w.memory.get).markedInTarget
    style := w.style }
  wording.write

/-- Has the kernel check a variant, and writes it if the kernel accepts it. -/
def writeOne (t : Target) (memory : IO.Ref Memory) (style : Style) (v : Variant) (name : Name)
    (clock : IO.Ref Spent) : MetaM (Except Refusal WrittenVariant) := do
  let refused ← timed clock (fun n s => { s with kernel := s.kernel + n })
    (kernelCheck name v.levels v.type v.value)
  if let some message := refused then return .error { stage := "kernel", message }
  Writing.write { env := t.library, variant := v, name, clock, memory, style }

/-! ## The target's own text -/

/-- A target in words that read back as itself, if there are any. A `match` may be written as a
function. -/
def ownWords (t : Target) (memory : IO.Ref Memory) (style : Style) :
    MetaM (Option WrittenVariant) := do
  let script (all : Bool) := ["exact " ++ t.applied all (some t.conclusion) none]
  let v : Variant := {
    levels := t.info.levelParams, type := renameBinders (plain t.info.type) t.usedNames
    value := constantOf t.info, names := t.usedNames
    script := script false, explicitScript := script true }
  let name := `alchemy_target
  if (← kernelCheck name v.levels v.type v.value).isSome then return none
  let clock ← IO.mkRef {}
  let style := { style with matchers := true }
  match ← Writing.write { env := t.library, variant := v, name, clock, memory, style } with
  | .error _ => return none
  | .ok w => return some w

/-- Does a target read back as itself? The terms that have to be marked for it are remembered.
Whether it holds a `match` does not matter: its variants may not. -/
def readsBack (t : Target) (memory : IO.Ref Memory) (style : Style) : MetaM Bool := do
  match ← ownWords t memory style with
  | none => return false
  | some w =>
    let type := renameBinders (plain t.info.type) t.usedNames
    memory.modify fun m => { m with markedInTarget := markedTerms w.marks type typePosition [] }
    return true

end Alchemy
