import Lean.Elab.Command

/-!
# Versions: of the engine, and what differs between those of Lean
-/

open Lean

namespace Alchemy

/-- The engine and its Python side must have the same (`ENGINE_VERSION` in `protocol.py`). Raise it
with every change of a request, a reply or a verdict. -/
def engineVersion : String := "15"

/-- Is it an inductive type with one constructor, without indices and not recursive? It is Lean's
`isStructureLike`, which is called `isNonRecStructure` from 4.30 on. -/
def isLikeStructure (env : Environment) (n : Name) : Bool :=
  match env.find? n with
  | some (.inductInfo v) =>
    !v.isRec && v.numIndices == 0 && (match v.ctors with | [_] => true | _ => false)
  | _ => false

unsafe def allowImportUnsafe : IO Unit := do
  if System.Platform.numBits == 64 then enableInitializersExecution

/-- Allows the next import to run the `initialize` of the library's own modules (the attributes,
options and extensions of Mathlib). Lean must be told so before each import; from 4.30 on it
insists. The embedded Lean, which has 32 bits, holds Lean's own library alone, which is initialized
already. -/
@[implemented_by allowImportUnsafe] opaque allowImport : IO Unit

/-- The options that the kernel is given. Since 4.33 its recursion has a limit and an option for it;
the elaborator's value would be too small for some proofs that the elaborator makes. -/
def kernelOptions : Options := ({} : Options).setNat `maxRecDepth 10000

end Alchemy
