import Alchemy.Attempts.NewBinders

/-!
# The arguments of a lemma, as source text

In most scripts `rw [lemma]` finds the arguments of the lemma by itself. They are written where
another instance of the pattern than the first is meant, and where the variant has variables that
only the lemma mentions:

    rw [Nat.add_comm m k] at h
    rw [← Nat.add_mul_mod_self_left (z := z)] at h
-/

open Lean Meta

namespace Alchemy

/-- A term as source. -/
def termText (e : Expr) : MetaM String := do
  return (← ppExpr (← instantiateMVars e)).pretty 1000000

/-- A term as source that stands as one argument: `(a + b)`. -/
def argumentText (e : Expr) : MetaM String := do
  let text ← termText e
  return if text.any (fun c => c == ' ' || c == '\n') then "(" ++ text ++ ")" else text

/-- An argument by name, `(n := a)`; `none` where a person can't write the name. -/
def namedArgument (name : Name) (value : String) : Option String :=
  if name.hasMacroScopes then none else some ("(" ++ nameText name ++ " := " ++ value ++ ")")

/-- How new variables are written. -/
structure NewNames where
  news : List (Expr × Name)
  /-- A name as source. -/
  source : Name → String

/-- How one argument is written: `some none` where it need not be, `none` where it can't be.
Explicit arguments are written in order, with `_` for one that nothing determines; implicit data by
name. -/
def givenArgument (g : NewNames) (value : Expr) (kind : BinderInfo) (name : Name) :
    MetaM (Option (Option String)) := do
  let new := (newName? value g.news).map g.source
  if kind.isExplicit then
    if let some n := new then return some (some n)
    return some (some (← if value.isMVar then pure "_" else argumentText value))
  if let some n := new then return (namedArgument name n).map some
  if kind.isInstImplicit || value.isMVar then return some none
  if (← isType value) || (← isProof value) then return some none
  return (namedArgument name (← termText value)).map some

/-- The arguments as source; `none` where one has no name by which it could be given. -/
def givenArguments (g : NewNames) :
    List Expr → List BinderInfo → List Name → MetaM (Option (List String))
  | a :: as, kind :: kinds, name :: names => do
    let some rest ← givenArguments g as kinds names | return none
    let some argument ← givenArgument g (← instantiateMVars a) kind name | return none
    return some (match argument with
      | some s => s :: rest
      | none => rest)
  | _, _, _ => return some []

/-- The new variables that must be written: those that do not follow from the type of another one.
-/
def mustBeGiven (data : List Expr) : MetaM (List Expr) := do
  let mut follow : List MVarId := []
  for m in data do
    let inType := (← getMVars (← instantiateMVars (← inferType m))).toList
    follow := L.reverseAux inType follow
  return L.filter (fun m => !L.any follow (fun f => m == .mvar f)) data

/-- Those arguments that are new variables, by name; `none` where one has no name. -/
def newArguments (g : NewNames) : List Expr → List Name → Option (List String)
  | a :: as, name :: names => match newArguments g as names with
    | none => none
    | some rest => match newName? a g.news with
      | none => some rest
      | some n => (namedArgument name (g.source n)).map (· :: rest)
  | _, _ => some []

/-- The arguments of the constant `c` where `e` applies it to `n` of them. -/
partial def argumentsIn (c : Name) (n : Nat) (e : Expr) : Option (List Expr) :=
  if (headOf e).isConstOf c && L.length (argsOf e) == n then some (argsOf e) else
  match e with
  | .app f a => match argumentsIn c n f with
    | some as => some as
    | none => argumentsIn c n a
  | .mdata _ b | .lam _ _ b _ => argumentsIn c n b
  | _ => none

end Alchemy
