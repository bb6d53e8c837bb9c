import Alchemy.Gym.ProofState
import Lean.LibrarySuggestions

/-!
# Hints: what a search may want to know of a goal

Which of its variables can be taken apart, which definitions stand in it, and which theorems of the environment speak of the same
(MePo: Meng and Paulson, *Lightweight relevance filtering for machine-generated resolution problems*, 2009; it is Lean's own).
-/

open Lean Meta

namespace Alchemy

/-- A variable or hypothesis of a goal, the last one first in a list. -/
structure Held where
  name : Name
  isProof : Bool
  /-- The inductive type that it is of; anonymous where it is of none. -/
  type : Name

/-- The head of a type, unfolded until it is an inductive type. -/
def inductiveOf (type : Expr) : MetaM Name := do
  match headOf (← whnf type) with
  | .const n _ => match (← getEnv).find? n with
    | some (.inductInfo _) => return n
    | _ => return .anonymous
  | _ => return .anonymous

/-- What a person can name in a context, in its order. Instances have no part in it. -/
def heldIn (lctx : LocalContext) : List FVarId → MetaM (List Held)
  | [] => return []
  | f :: fs => do
    let rest ← heldIn lctx fs
    match lctx.find? f with
    | none => return rest
    | some d =>
      if d.isImplementationDetail || d.userName.hasMacroScopes || d.binderInfo.isInstImplicit then return rest
      return { name := d.userName, isProof := ← isProp d.type, type := ← inductiveOf d.type } :: rest

/-- The definitions in a term that can be unfolded: no instances, no projections. -/
def definitionsIn (env : Environment) (e : Expr) : List Name :=
  keep isUnfolded e.getUsedConstants.toList
where
  isUnfolded (n : Name) : Bool :=
    !(env.isProjectionFn n || isInstanceCore env n || n.isInternalDetail || isPrivateName n) && match env.find? n with
    | some (.defnInfo _) => true
    | _ => false

/-- Theorems that MePo finds relevant for a goal, the best first. -/
def relevantFor (goal : MVarId) (count : Nat) : MetaM (List Name) := do
  if count == 0 then return []
  let found ← LibrarySuggestions.mepoSelector true 0.6 2.4 goal { maxSuggestions := 2 * count }
  let env ← getEnv
  let theorems := keep (fun n => !n.isInternalDetail && (match env.find? n with | some info => isTheorem env info | none => false))
    (mapL (fun (s : LibrarySuggestions.Suggestion) => s.name) found.toList)
  return takeL theorems count

structure Hints where
  held : List Held
  conclusion : Name
  definitions : List Name
  premises : List Name

/-- Of the first goal of a state. -/
def hintsOf (s : GymState) (count thousands : Nat) : IO (Except String Hints) := do
  match s.goals with
  | [] => return .error "no goals"
  | g :: _ =>
    let ask : MetaM Hints := do
      let d ← g.getDecl
      let inside (c : Meta.Context) : Meta.Context := { c with lctx := d.lctx, localInstances := d.localInstances }
      let type ← instantiateMVars d.type
      let held ← withReader inside (heldIn d.lctx d.lctx.getFVarIds.toList)
      let premises := (← attempted (relevantFor g count)).getD []
      let conclusion := match headOf type with
        | .const n _ => n
        | _ => .anonymous
      return { held, conclusion, definitions := definitionsIn s.env type, premises }
    match ← ((ask.run commandContext { mctx := s.mctx }).toIO (← commandCore { s.start.base with env := s.env } thousands) { env := s.env, ngen := s.ngen }).toIO' with
    | .ok ((h, _), _) => return .ok h
    | .error e => return .error (toString e)

end Alchemy
