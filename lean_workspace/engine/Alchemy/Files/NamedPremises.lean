import Alchemy.Portable.Lists

/-!
# Premises that a tactic names

The *premises* of a step are the theorems and definitions that its text names. What `simp` finds by
itself is none of them.
-/

open Lean

namespace Alchemy

/-- Adds the names in a tactic, the last one first. -/
partial def identifiersIn (stx : Syntax) (acc : List Name) : List Name :=
  match stx with
  | .node _ _ as => as.toList.foldl (fun acc x => identifiersIn x acc) acc
  | .ident _ _ n _ => n.eraseMacroScopes :: acc
  | _ => acc

/-- Is the constant a premise? Theorems and definitions are. -/
def isPremise (env : Environment) (n : Name) : Bool :=
  match env.find? n with
  | some (.thmInfo _) | some (.defnInfo _) | some (.opaqueInfo _) | some (.axiomInfo _) => true
  | _ => false

/-- The constant that a name means: the name itself or the beginning of it, as `h.symm` is `symm` of
`h`. -/
partial def constantMeant (env : Environment) : Name → Option Name
  | .anonymous => none
  | n =>
    let plain := n.replacePrefix `_root_ .anonymous
    if env.contains plain then some plain else constantMeant env n.getPrefix

/-- The first part of a name: `h` of `h.symm`. -/
def firstPart : Name → Name
  | .str .anonymous s => .mkSimple s
  | .str p _ | .num p _ => firstPart p
  | .anonymous => .anonymous

/-- The premises that a tactic names, in order of occurrence. A name in `locals`, the hypotheses of
the goal, means the hypothesis. -/
def premisesNamed (env : Environment) (stx : Syntax) (locals : List Name) : List Name :=
  go (L.reverse (identifiersIn stx [])) []
where
  go : List Name → List Name → List Name
    | [], found => L.reverse found
    | n :: ns, found =>
      if locals.contains (firstPart n) then go ns found else
      match constantMeant env n with
      | some c => go ns (if isPremise env c && !found.contains c then c :: found else found)
      | none => go ns found

end Alchemy
