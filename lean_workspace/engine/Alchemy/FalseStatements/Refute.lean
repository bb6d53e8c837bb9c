import Alchemy.FalseStatements.Change
import Alchemy.FalseStatements.Counterexample
import Alchemy.Printing.WriteVariant

/-!
# Refuted statements

A changed statement with a counterexample becomes a theorem: its negation, as text, proved by the counterexample.
The text is parsed and elaborated afresh and judged by the kernel like any other; nothing of the search is trusted.
-/

open Lean Meta

namespace Alchemy

/-- A false statement, and the proof that it is. -/
structure Refuted where
  /-- The false statement and its negation in canonical form. -/
  term : String
  negation : String
  /-- The false statement, as it would stand after a name: `{a b : Nat} (h : a ≤ b) : a < b`. -/
  statement : String
  /-- `a := 0, b := 0` -/
  counterexample : String
  proof : String
  /-- The theorem that states and proves the negation. -/
  text : String
  printOptions : List String
  axioms : List String

/-- The counterexample as a person reads it: without instances and proofs. -/
def counterexampleText (arguments : List Argument) : String :=
  joinWith ", " (texts (keep (fun a => !a.isProof) arguments))
where
  texts : List Argument → List String
    | [] => []
    | a :: as => match a.text with
      | some s => (nameText a.name.eraseMacroScopes ++ " := " ++ s) :: texts as
      | none => texts as

/-- `h (a := 0) (b := 0) (by decide)` -/
def appliedTo (env : Environment) (arguments : List Argument) : String := "h" ++ go arguments
where
  go : List Argument → String
    | [] => ""
    | a :: as => match a.text with
      | none => go as
      | some s =>
        let argument := if a.kind.isExplicit then atom s else "(" ++ nameSource env a.name ++ " := " ++ s ++ ")"
        " " ++ argument ++ go as

/-- `exact absurd (h 0 1) (by decide)`: the last argument is the proof that the conclusion fails. -/
def refutation (env : Environment) (arguments : List Argument) : List String :=
  let used := appliedTo env (takeL arguments (count arguments - 1))
  let used := if used == "h" then used else "(" ++ used ++ ")"
  let failing := match rev arguments with
    | { text := some s, .. } :: _ => s
    | _ => "by decide"
  ["intro h", "exact absurd " ++ used ++ " (" ++ failing ++ ")"]

/-- A statement of any type as text. It may be false: it stands as an axiom in an environment that is thrown away. -/
def printed (type : Expr) (l : Level) (marks : List Mark) : MetaM (Option String) := do
  let present ← getEnv
  let name := `alchemy_printed
  let print (type : Expr) : MetaM (Option String) := do
    try
      addDecl (.axiomDecl { name, levelParams := [], type, isUnsafe := false })
      signature name [] l marks
    catch _ => return none
  let text ← print type
  setEnv present
  unless (text.getD "").any (· == '✝') do return text
  let again ← print (nameInstances type [])
  setEnv present
  return again

/-- A theorem of which nothing is claimed yet. -/
def unproved (statement : String) : String := theoremText `alchemy_stated [] statement (proofText ["sorry"])

/-- Does the text state `type`? A proof is asked for last, so a text that lacks nothing but the proof does. -/
def states (env : Environment) (statement : String) (type : Expr) : IO (Except Refusal Unit) := do
  match ← checkText env (unproved statement) (some (type, [])) with
  | .error r => return if r.stage == "sorry" then .ok () else .error r
  | .ok _ => return .error { stage := "proof", message := "a proof that is missing was accepted" }

/-- A text that states `type`, and the options and marks it was printed with. -/
def readable (env : Environment) (type : Expr) : MetaM (Except Refusal (String × List String)) := do
  let memory ← IO.mkRef {}
  let wording : Wording (String × List String) := {
    env, params := [], type
    print := fun l marks => printed type l marks
    read := fun s => (readStatement memory env (unproved s) : IO _)
    judge := fun s l marks => do
      match ← (states env s type : IO _) with
      | .ok _ => return .ok (s, append l.names (markNames marks))
      | .error r => return .error r
    lessons := []
    style := {} }
  wording.write

/-- Writes the false statement and the theorem of its negation; the text of the theorem is judged. -/
def writeRefuted (env : Environment) (type : Expr) (arguments : List Argument) (name : Name) : MetaM (Except Refusal Refuted) := do
  let negation := mkNot type
  let unreadable : Refusal := { stage := "print", message := "no text reads back" }
  let .ok (statement, _) ← readable env type | return .error unreadable
  let .ok (negated, printOptions) ← readable env negation | return .error unreadable
  let proof := proofText (refutation env arguments)
  let text := theoremText name [] negated proof
  match ← (checkText env text (some (negation, [])) : IO _) with
  | .error r => return .error r
  | .ok p =>
    let some term := canonical type | return .error { stage := "print", message := "too large" }
    let some negation := canonical p.type | return .error { stage := "print", message := "too large" }
    return .ok { term, negation, statement, counterexample := counterexampleText arguments, proof, text, printOptions, axioms := p.axioms }

/-- A changed statement, refuted, or why it is not: `(stage, reason)`. -/
def refute (t : Prepared) (name : Name) (make : Making) : IO (Except Refusal Refuted) := do
  let no (stage message : String) : IO (Except Refusal Refuted) := return .error { stage, message }
  match ← t.run attemptBudget make with
  | none => no "change" "refused"
  | some (.error reason) => no "change" reason
  | some (.ok type) =>
    match ← t.run (2 * searchBudget) (counterexample type) with
    | none => no "search" "budget"
    | some (.error reason) => no "search" reason
    | some (.ok arguments) =>
      match ← t.run (4 * textBudget) (writeRefuted t.env type arguments name) with
      | none => no "budget" "the check did not end in its budget"
      | some r => return r

end Alchemy
