import Alchemy.Target
import Lean.PrettyPrinter

/-!
# Statements as text

`PrettyPrinter.ppSignature` writes a constant as a person would: the binders that are named stand
before the colon. What Lean prints is not always what it reads back, so there are levels, from what
reads best to what says everything.
-/

open Lean Meta

namespace Alchemy

/-- A way of printing: the options that differ from Lean's default. -/
structure Level where
  on : List Name := []
  off : List Name := []

/-- Tried in this order until the text reads back. -/
def levels : List Level :=
  [{},
   { on := [`pp.coercions.types, `pp.numericTypes, `pp.funBinderTypes, `pp.piBinderTypes, `pp.structureInstanceTypes] },
   { on := [`pp.explicit, `pp.universes, `pp.funBinderTypes, `pp.piBinderTypes, `pp.letVarTypes]
     off := [`pp.structureInstances, `pp.fieldNotation, `pp.notation, `pp.coercions] }]

/-- Proofs inside statements are always written: `⋯` does not read back. -/
def Level.options (l : Level) : Options := switches (`pp.proofs :: l.on) (`pp.fullNames :: l.off)

/-- As the table of variants names it: `pp.explicit`, `-pp.notation`. -/
def Level.names (l : Level) : List String := append (mapL nameText l.on) (mapL (fun n => "-" ++ nameText n) l.off)

/-- `.{u, v}` -/
def levelText : List Name → String
  | [] => ""
  | params => ".{" ++ joinWith ", " (mapL nameText params) ++ "}"

def afterPrefix? (p s : String) : Option String := if s.startsWith p then some (s.drop p.length).toString else none

/-- What stands after the name of a constant of the environment: `{a b : Nat} (h : b < a) : ¬a = b`. -/
def signature (name : Name) (params : List Name) (l : Level) : MetaM (Option String) := do
  let printed : CoreM FormatWithInfos := (PrettyPrinter.ppSignature name).run' {} {}
  let text := (← withPrinting l.options printed).fmt.pretty 1000000
  let source := nameSource (← getEnv) name
  match afterPrefix? (source ++ levelText params ++ " ") text with
  | some s => return some s
  | none => return afterPrefix? (source ++ " ") text

end Alchemy
