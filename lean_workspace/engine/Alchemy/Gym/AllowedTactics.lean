import Alchemy.Judging.JudgeText
import Lean.Elab.Tactic.Meta

/-!
# Tactics from outside

What a model writes may be anything. A tactic is one tactic: a text that the parser reads, whole, as such. Forms that run
programs, change Lean's limits, leave the proof open or look the proof up are refused by the kinds of what was parsed. That is
courtesy, so that a prover learns early what does not count: nothing rests on it, as a finished proof is judged from its text
(`checkText`).
-/

open Lean Meta

namespace Alchemy

/-- Why a tactic made no step. -/
structure Stumble where
  /-- `size`, `parse`, `forbidden`, `error`, `sorry`, `budget`; of a finished proof `leak`, or `proof: ` and the stage of its `Refusal` -/
  stage : String
  message : String

/-- A tactic's text is no longer than this, in bytes, … -/
def maxTactic : Nat := 20000

/-- … and its brackets are no deeper: the parser's own recursion has no limit. -/
def maxNesting : Nat := 100

/-- How deep the brackets of a text are. -/
def nesting : List Char → Nat → Nat → Nat
  | [], _, most => most
  | c :: cs, depth, most =>
    if anyL (· == c) "([{⟨".toList then nesting cs (depth + 1) (max most (depth + 1))
    else if anyL (· == c) ")]}⟩".toList then nesting cs (depth - 1) most
    else nesting cs depth most

/-- Syntax that no tactic of a proof may hold, and why. `set_option` changes
limits, and switches of the kernel. -/
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

/-- Names that no proof needs: what stands behind them is unsafe, or believed without a proof. -/
def forbiddenNames : List Name :=
  [``sorryAx, `lcProof, `lcUnreachable, ``unsafeCast, `Lean.ofReduceBool, `Lean.ofReduceNat, `Lean.trustCompiler]

def lookup (n : Name) : List (Name × String) → Option String
  | [] => none
  | (m, s) :: rest => if m == n then some s else lookup n rest

def first? (f : α → Option β) : List α → Option β
  | [] => none
  | x :: xs => match f x with
    | some y => some y
    | none => first? f xs

/-- Is `native` named in it? -/
partial def namesNative (stx : Syntax) : Bool :=
  match stx with
  | .node _ _ as => anyL namesNative as.toList
  | .ident _ _ n _ => n.eraseMacroScopes == `native
  | _ => false

/-- Why the syntax is forbidden: the first thing in it that is. -/
partial def forbidden? (stx : Syntax) : Option String :=
  match stx with
  | .node _ k as => match lookup k forbiddenKinds with
    | some why => some (nameText k ++ " " ++ why)
    | none =>
      if k == `Lean.Parser.Tactic.decide && namesNative stx then some "native evaluation trusts the compiler"
      else first? forbidden? as.toList
  | .ident _ _ n _ =>
    let n := n.eraseMacroScopes.replacePrefix `_root_ .anonymous
    if anyL (· == n) forbiddenNames then some (nameText n ++ " is no part of a proof") else none
  | _ => none

/-- Reads one tactic. -/
def readTactic (env : Environment) (text : String) : Except Stumble Syntax :=
  if text.utf8ByteSize > maxTactic then .error { stage := "size", message := "a tactic has at most " ++ toString maxTactic ++ " bytes" }
  else if nesting text.toList 0 0 > maxNesting then .error { stage := "size", message := "brackets are at most " ++ toString maxNesting ++ " deep" }
  else match Parser.runParserCategory env `tactic text "<tactic>" with
    | .error e => .error { stage := "parse", message := e }
    | .ok stx => match forbidden? stx with
      | some why => .error { stage := "forbidden", message := why }
      | none => .ok stx

/-! ## Premises -/

/-- The names in a tactic, in order of occurrence. -/
partial def identifiersIn (stx : Syntax) (acc : List Name) : List Name :=
  match stx with
  | .node _ _ as => as.toList.foldl (fun acc x => identifiersIn x acc) acc
  | .ident _ _ n _ => n.eraseMacroScopes :: acc
  | _ => acc

/-- Is the constant a premise: a theorem or a definition? -/
def isPremise (env : Environment) (n : Name) : Bool :=
  match env.find? n with
  | some (.thmInfo _) | some (.defnInfo _) | some (.opaqueInfo _) | some (.axiomInfo _) => true
  | _ => false

/-- The constant that a name means: it or a part of it, for `h.symm` is `symm` of `h`. -/
partial def constantMeant (env : Environment) : Name → Option Name
  | .anonymous => none
  | n =>
    let plain := n.replacePrefix `_root_ .anonymous
    if env.contains plain then some plain else constantMeant env n.getPrefix

def rootOf : Name → Name
  | .str .anonymous s => .mkSimple s
  | .str p _ | .num p _ => rootOf p
  | .anonymous => .anonymous

/-- The premises that a tactic names. `locals`: names of the goal's hypotheses, which come first. -/
def premisesNamed (env : Environment) (stx : Syntax) (locals : List Name) : List Name :=
  go (rev (identifiersIn stx [])) []
where
  go : List Name → List Name → List Name
    | [], found => rev found
    | n :: ns, found =>
      if anyL (· == rootOf n) locals then go ns found else
      match constantMeant env n with
      | some c => go ns (if isPremise env c && !anyL (· == c) found then c :: found else found)
      | none => go ns found

end Alchemy
