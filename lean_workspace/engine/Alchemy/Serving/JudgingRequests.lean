import Alchemy.Judging.Grade
import Alchemy.Printing.CanonicalForm
import Alchemy.Serving.Session

/-!
# Requests that judge: `check`, `grade`, `kernel`
-/

open Lean Meta

namespace Alchemy

/-- `check`: the verdict on a text. -/
def handleCheck (j : Json) : Answer Json := do
  let l ← openedLibrary
  let text ← field j "text" asString
  let parts ← field j "parts" asBool
  let memory ← (match (← getSession).memory with
    | some memory => pure memory
    | none => IO.mkRef {})
  match ← if parts then checkInMemory memory l.env text none else checkText l.env text none with
  | .error r => return Json.mkObj [("refused", refusalJson r)]
  | .ok p =>
    return Json.mkObj [
      ("name", .str (nameText p.name)), ("term", jsonOpt .str (canonical p.type)),
      ("level_params", jsonNames p.levels), ("axioms", jsonStrings p.axioms)]

/-- The automation of this name. -/
def asAutomation (j : Json) : Option Automation :=
  match asString j with
  | some name => automationOf name
  | none => none

/-- `grade`: which automation proves a statement alone? -/
def handleGrade (j : Json) : Answer Json := do
  let l ← openedLibrary
  let signature ← field j "signature" asString
  let target ← field j "target" asString
  let tactics ← field j "tactics" (asListOf asAutomation)
  unless l.env.contains (nameOf target) do throw ("there is no theorem " ++ target)
  let s ← orThrow (openStatement l.env signature)
  let closedBy ← orThrow (firstClosing s (nameOf target) tactics)
  return Json.mkObj [("closed_by", jsonOpt .str closedBy)]

/-- The kernel judges one theorem as the proof of another. Only a theorem that states the same is
one. -/
def handleKernel (j : Json) : Answer Json := do
  let l ← openedLibrary
  let statement ← field j "statement" asNat
  let proof ← field j "proof" asNat
  let some s := l.theorems[statement]? | throw "no such theorem"
  let some p := l.theorems[proof]? | throw "no such theorem"
  let value := Expr.const p.info.name (levelsOf s.info)
  let check := kernelCheck `alchemy_judged s.info.levelParams s.info.type value
  let refused ← orThrow (runIn l.env textBudget check)
  return Json.mkObj [("refused", jsonOpt .str refused)]

end Alchemy
