import Alchemy.Portable.Names
import Alchemy.Portable.Versions

/-!
# The kernel's verdict

`kernelCheck` asks about one proof term. `replay` asks about a theorem that a text added to the
environment, and about every lemma that was added with it.
-/

open Lean Meta

namespace Alchemy

/-- Adds a theorem to the environment. What the kernel says where it refuses the proof; `none` where
it accepts. -/
def kernelCheck (name : Name) (levels : List Name) (type value : Expr) :
    MetaM (Option String) := do
  try
    addDecl (.thmDecl { name, levelParams := levels, type, value })
    return none
  catch e => return some (← e.toMessageData.toString)

/-- The constant as a declaration; `none` for what a proof has no reason to add, such as an axiom.
-/
def declarationOf : ConstantInfo → Option Declaration
  | .thmInfo v => some (.thmDecl v)
  | .defnInfo v => some (.defnDecl v)
  | .opaqueInfo v => some (.opaqueDecl v)
  | _ => none

/-- Has the kernel check `n` in the environment that was there before a text. What the text added
and `n` uses is checked first. A text can switch the kernel off for what it adds itself
(`debug.skipKernelTC`). -/
partial def replay (elaborated : Environment) (n : Name) (env : Kernel.Environment) :
    Except String Kernel.Environment :=
  if (env.find? n).isSome then .ok env else
  match elaborated.find? n with
  | none => .error ("unknown constant " ++ nameText n)
  | some c =>
    let used := L.append c.type.getUsedConstants.toList (match c.value? (allowOpaque := true) with
      | some v => v.getUsedConstants.toList
      | none => [])
    match replayAll used env, declarationOf c with
    | .error e, _ => .error e
    | _, none => .error ("the text adds " ++ nameText n)
    | .ok env, some d => match env.addDecl kernelOptions d with
      | .ok env => .ok env
      | .error _ => .error ("the kernel refuses " ++ nameText n)
where
  replayAll : List Name → Kernel.Environment → Except String Kernel.Environment
    | [], env => .ok env
    | m :: ms, env => match replay elaborated m env with
      | .ok env => replayAll ms env
      | .error e => .error e

end Alchemy
