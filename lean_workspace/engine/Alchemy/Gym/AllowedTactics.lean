import Alchemy.Judging.JudgeText
import Lean.Elab.Tactic.Meta

/-!
# Tactics from outside

What a language model writes may be anything. A tactic is one tactic: a text that the parser reads
as such, to its end. Forms that run programs, change Lean's limits, leave the proof open or look the
proof up are refused by the kinds of their syntax. That is a courtesy, so that a prover learns early
what does not count. Nothing depends on it, because a finished proof is judged from its text
(`checkText`).
-/

open Lean Meta

namespace Alchemy

/-- Why a tactic made no step. -/
structure TacticRefusal where
  /-- `size`, `parse`, `forbidden`, `error`, `sorry` or `budget`; of a finished proof `leak`, or
  `proof: ` and the stage of its `Refusal`. -/
  stage : String
  message : String

/-! ## Limits -/

/-- The longest text of a tactic, in bytes. -/
def maxTactic : Nat := 20000

/-- The deepest nesting of its brackets: the parser's own recursion has no limit. -/
def maxNesting : Nat := 100

/-- How deep the brackets of a text are nested: `nesting "f (g [x])".toList 0 0` is 2. -/
def nesting : List Char → (depth most : Nat) → Nat
  | [], _, most => most
  | c :: cs, depth, most =>
    if "([{⟨".toList.contains c then nesting cs (depth + 1) (max most (depth + 1))
    else if ")]}⟩".toList.contains c then nesting cs (depth - 1) most
    else nesting cs depth most

/-! ## Forbidden syntax -/

/-- Kinds of syntax that no tactic may hold, and why. `set_option` changes limits, and switches of
the kernel. -/
def forbiddenKinds : List (Name × String) := [
  (`Lean.Parser.Tactic.runTac, "runs a program"),
  (`Lean.byElab, "runs a program"),
  (`Lean.Parser.Term.unsafe, "is not checked"),
  (`Lean.Parser.Term.set_option, "changes the rules"),
  (`Lean.Parser.Tactic.set_option, "changes the rules"),
  (`Lean.Parser.Tactic.nativeDecide, "trusts the compiler"),
  (`Lean.Parser.Term.sorry, "leaves the proof open"),
  (`Lean.Parser.Tactic.tacticSorry, "leaves the proof open"),
  (`Lean.Parser.Tactic.tacticAdmit, "leaves the proof open"),
  (`Lean.Parser.Tactic.tacticStop_, "leaves the proof open"),
  (`Lean.Parser.Tactic.impossible, "leaves the proof open"),
  (`Lean.Parser.Tactic.exact?, "looks the proof up"),
  (`Lean.Parser.Tactic.apply?, "looks the proof up"),
  (`Lean.Parser.Tactic.rewrites?, "looks the proof up"),
  (`Lean.Parser.Tactic.tryTrace, "looks the proof up"),
  (`Lean.Parser.Tactic.sleep, "waits")]

/-- Names that no proof needs: they are unsafe, or believed without a proof. -/
def forbiddenNames : List Name := [
  ``sorryAx, `lcProof, `lcUnreachable, ``unsafeCast, `Lean.ofReduceBool, `Lean.ofReduceNat,
  `Lean.trustCompiler]

/-- Is `native` named in it? -/
partial def namesNative (stx : Syntax) : Bool :=
  match stx with
  | .node _ _ as => L.any as.toList namesNative
  | .ident _ _ n _ => n.eraseMacroScopes == `native
  | _ => false

/-- Why the syntax is forbidden, for the first thing in it that is; `none` if it is allowed. -/
partial def forbidden? (stx : Syntax) : Option String :=
  match stx with
  | .node _ k as => match forbiddenKinds.lookup k with
    | some why => some (nameText k ++ " " ++ why)
    | none =>
      if k == `Lean.Parser.Tactic.decide && namesNative stx then
        some "native evaluation trusts the compiler"
      else L.findSome? forbidden? as.toList
  | .ident _ _ n _ =>
    let n := n.eraseMacroScopes.replacePrefix `_root_ .anonymous
    if forbiddenNames.contains n then some (nameText n ++ " is no part of a proof") else none
  | _ => none

/-- Reads one tactic. -/
def readTactic (env : Environment) (text : String) : Except TacticRefusal Syntax :=
  let tooLarge (message : String) : Except TacticRefusal Syntax :=
    .error { stage := "size", message }
  if text.utf8ByteSize > maxTactic then
    tooLarge ("a tactic has at most " ++ toString maxTactic ++ " bytes")
  else if nesting text.toList 0 0 > maxNesting then
    tooLarge ("brackets are at most " ++ toString maxNesting ++ " deep")
  else match Parser.runParserCategory env `tactic text "<tactic>" with
    | .error e => .error { stage := "parse", message := e }
    | .ok stx => match forbidden? stx with
      | some why => .error { stage := "forbidden", message := why }
      | none => .ok stx

end Alchemy
