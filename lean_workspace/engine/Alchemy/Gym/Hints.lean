import Alchemy.Files.Library
import Alchemy.Gym.ProofState
import Lean.LibrarySuggestions

/-!
# Hints: what a proof search may want to know of a goal

Which of its variables can be taken apart by cases or induction, which definitions can be unfolded
in it, and which theorems of the environment are about the same. The theorems are found by MePo,
which is part of Lean (Meng and Paulson, *Lightweight relevance filtering for machine-generated
resolution problems*, 2009).
-/

open Lean Meta

namespace Alchemy

/-- A variable or a hypothesis of a goal. -/
structure LocalHint where
  name : Name
  isProof : Bool
  /-- The inductive type that it is of; anonymous where it is of none. -/
  type : Name

/-- The inductive type at the head of a type, once that is unfolded. -/
def inductiveOf (type : Expr) : MetaM Name := do
  match headOf (← whnf type) with
  | .const n _ => match (← getEnv).find? n with
    | some (.inductInfo _) => return n
    | _ => return .anonymous
  | _ => return .anonymous

/-- What a person can name in a context, in its order, without instances. -/
def localHints (lctx : LocalContext) : List FVarId → MetaM (List LocalHint)
  | [] => return []
  | f :: fs => do
    let rest ← localHints lctx fs
    match lctx.find? f with
    | none => return rest
    | some d =>
      if d.isImplementationDetail || d.userName.hasMacroScopes || d.binderInfo.isInstImplicit then
        return rest
      return {
        name := d.userName, isProof := ← isProp d.type, type := ← inductiveOf d.type } :: rest

/-- The definitions in a term that can be unfolded: no instances, no projections. -/
def definitionsIn (env : Environment) (e : Expr) : List Name :=
  L.filter isUnfolded e.getUsedConstants.toList
where
  isUnfolded (n : Name) : Bool :=
    let isOther :=
      env.isProjectionFn n || isInstanceCore env n || n.isInternalDetail || isPrivateName n
    !isOther && match env.find? n with
      | some (.defnInfo _) => true
      | _ => false

/-- The theorems that MePo finds most relevant for a goal, the best first. -/
def relevantFor (goal : MVarId) (count : Nat) : MetaM (List Name) := do
  if count == 0 then return []
  let found ← LibrarySuggestions.mepoSelector true 0.6 2.4 goal { maxSuggestions := 2 * count }
  let env ← getEnv
  let isTheoremName (n : Name) : Bool := !n.isInternalDetail && match env.find? n with
    | some info => isTheorem env info
    | none => false
  let names := L.map (fun (s : LibrarySuggestions.Suggestion) => s.name) found.toList
  return L.take count (L.filter isTheoremName names)

/-- What a search is told of a goal. -/
structure Hints where
  locals : List LocalHint
  /-- The head of the conclusion. -/
  conclusion : Name
  definitions : List Name
  premises : List Name

/-- The hints for the first goal of a state, with at most `count` premises. -/
def hintsOf (s : GymState) (count thousands : Nat) : IO (Except String Hints) := do
  match s.goals with
  | [] => return .error "no goals"
  | g :: _ =>
    let ask : MetaM Hints := do
      let d ← g.getDecl
      let type ← instantiateMVars d.type
      let locals ← withReader (M.contextOf d) (localHints d.lctx d.lctx.getFVarIds.toList)
      let premises := (← M.observing? (relevantFor g count)).getD []
      let conclusion := match headOf type with
        | .const n _ => n
        | _ => .anonymous
      return { locals, conclusion, definitions := definitionsIn s.env type, premises }
    let context ← commandCore { s.start.base with env := s.env } thousands
    let core : Core.State := { env := s.env, ngen := s.ngen }
    match ← ((ask.run commandContext { mctx := s.mctx }).toIO context core).toIO' with
    | .ok ((h, _), _) => return .ok h
    | .error e => return .error (toString e)

end Alchemy
