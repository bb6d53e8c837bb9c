import Alchemy.FalseStatements.Change
import Alchemy.FalseStatements.Counterexample
import Alchemy.Printing.CanonicalForm
import Alchemy.Writing.WriteVariant

/-!
# Refuted statements

A changed statement with a counterexample becomes a theorem: its negation, as text, proved by the
counterexample. The text is parsed and elaborated afresh, and judged by the kernel like any other.
Nothing that the search found is trusted.

    theorem v : ¬∀ {a b : Nat} (h : a ≤ b), a < b := by
      intro h
      exact absurd (h (a := 0) (b := 0) (by decide)) (by decide)
-/

open Lean Meta

namespace Alchemy

/-- A false statement, and the proof that it is false. -/
structure Refuted where
  /-- The false statement in canonical form. -/
  term : String
  /-- Its negation in canonical form. -/
  negation : String
  /-- The false statement as it would stand after a name: `{a b : Nat} (h : a ≤ b) : a < b`. -/
  statement : String
  /-- `a := 0, b := 0` -/
  counterexample : String
  proof : String
  /-- The theorem that states and proves the negation. -/
  text : String
  printOptions : List String
  axioms : List String

/-! ## The proof of the negation -/

/-- The counterexample as a person reads it, without instances and proofs: `a := 0, b := 0`. -/
def counterexampleText (arguments : List Argument) : String :=
  ", ".intercalate (texts (L.filter (fun a => !a.isProof) arguments))
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
        let argument := if a.kind.isExplicit then atom s
          else "(" ++ nameSource env a.name ++ " := " ++ s ++ ")"
        " " ++ argument ++ go as

/-- The tactics that prove the negation. The last argument is the proof that the conclusion fails.
-/
def refutation (env : Environment) (arguments : List Argument) : List String :=
  let used := appliedTo env (L.take (L.length arguments - 1) arguments)
  let used := if used == "h" then used else "(" ++ used ++ ")"
  let failing := match L.reverse arguments with
    | { text := some s, .. } :: _ => s
    | _ => "by decide"
  ["intro h", "exact absurd " ++ used ++ " (" ++ failing ++ ")"]

/-! ## Writing -/

/-- A statement as text. It may be false: it stands as an axiom in an environment that is thrown
away. -/
def printedStatement (type : Expr) (l : PrintLevel) (marks : List Mark) :
    MetaM (Option String) := do
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

/-- A theorem with this statement and no proof. -/
def unproved (statement : String) : String :=
  theoremText `alchemy_stated [] statement (proofText ["sorry"])

/-- Does the text state `type`? It is judged with `sorry` for a proof. The proof is looked at last,
so a text that is refused for the `sorry` has the right statement. -/
def states (env : Environment) (statement : String) (type : Expr) : IO (Except Refusal Unit) := do
  match ← checkText env (unproved statement) (some (type, [])) with
  | .error r => return if r.stage == "sorry" then .ok () else .error r
  | .ok _ => return .error { stage := "proof", message := "a proof that is missing was accepted" }

/-- A text that states `type`, and the options and marks that it was printed with. -/
def readable (env : Environment) (type : Expr) :
    MetaM (Except Refusal (String × List String)) := do
  let memory ← IO.mkRef {}
  let wording : Wording (String × List String) := {
    env, params := [], type
    print := fun l marks => printedStatement type l marks
    read := fun s => (readStatement memory env (unproved s) : IO _)
    judge := fun s l marks => do
      match ← (states env s type : IO _) with
      | .ok _ => return .ok (s, L.append l.names (markNames marks))
      | .error r => return .error r
    markedInTarget := []
    style := {} }
  wording.write

/-- Writes the false statement, and the theorem of its negation, whose text is judged. -/
def writeRefuted (env : Environment) (type : Expr) (arguments : List Argument) (name : Name) :
    MetaM (Except Refusal Refuted) := do
  let negation := mkNot type
  let unreadable : Refusal := { stage := "print", message := "no text reads back" }
  let .ok (statement, _) ← readable env type | return .error unreadable
  let .ok (negated, printOptions) ← readable env negation | return .error unreadable
  let proof := proofText (refutation env arguments)
  let text := theoremText name [] negated proof
  match ← (checkText env text (some (negation, [])) : IO _) with
  | .error r => return .error r
  | .ok p =>
    let tooLarge : Refusal := { stage := "print", message := "too large" }
    let some term := canonical type | return .error tooLarge
    let some negation := canonical p.type | return .error tooLarge
    return .ok {
      term, negation, statement, counterexample := counterexampleText arguments, proof, text
      printOptions, axioms := p.axioms }

/-- A changed statement, refuted; or the stage and the reason why it is not. -/
def refute (t : Target) (name : Name) (make : Making) : IO (Except Refusal Refuted) := do
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
