import Alchemy.Portable
import Alchemy.Statement
import Lean.Meta.Tactic.Intro

/-!
# Targets, drafts and variants

A *target* is prepared once: its binders are introduced, named as a person would name them, and the
state is kept; every attempt starts from that state. An attempt that succeeds gives a *draft*: the
binders of the new statement, its conclusion, a proof term and a script. Closing a draft gives a
*variant*, a statement and a proof without free variables.
-/

open Lean Meta

namespace Alchemy

structure Binder where
  fvar : FVarId
  /-- As the variant will call it: accessible and distinct. Instances keep the name that Lean gave. -/
  name : Name
  /-- As the target calls it, where a person can: `target (n := x)`. -/
  argument : Option Name
  kind : BinderInfo
  type : Expr
  /-- A hypothesis on which nothing else depends: a site. -/
  isSite : Bool

structure Prepared where
  env : Environment
  info : ConstantInfo
  context : Meta.Context
  state : Meta.State
  core : Core.State
  goal : MVarId
  conclusion : Expr
  binders : List Binder

/-- The names of the leading binders of a closed type. -/
def binderNames : Expr → List Name
  | .forallE n _ b _ => n :: binderNames b
  | .letE n _ _ b _ => n :: binderNames b
  | .mdata _ e => binderNames e
  | _ => []

/-- Names the leading binders of a closed type. -/
def renameBinders (e : Expr) (names : List Name) : Expr :=
  match e, names with
  | .forallE _ t b i, n :: ns => .forallE n t (renameBinders b ns) i
  | .lam _ t b i, n :: ns => .lam n t (renameBinders b ns) i
  | e, _ => e

/-- Does anything in `binders` or `conclusion` mention `f`? -/
def isMentioned (lctx : LocalContext) (f : FVarId) (later : List FVarId) (conclusion : Expr) : Bool :=
  conclusion.containsFVar f || anyL (fun g => match lctx.find? g with
    | some d => d.type.containsFVar f
    | none => false) later

/-- Names for the binders in order: the target's own where they are accessible, else `h` for a
hypothesis and `x` for data. -/
def nameBinders (lctx : LocalContext) (conclusion : Expr) : List FVarId → List Name → List Name → MetaM (List Binder)
  | [], _, _ => return []
  | f :: fs, originals, used => do
    let some d := lctx.find? f | nameBinders lctx conclusion fs (dropL originals 1) used
    let original := match originals with | n :: _ => n | [] => .anonymous
    let accessible := !original.hasMacroScopes && !original.isAnonymous
    let isProof ← isProp d.type
    let name :=
      if d.binderInfo.isInstImplicit then original
      else freshName used (if accessible then original else if isProof then `h else `x)
    let isSite := isProof && !d.binderInfo.isInstImplicit && !isMentioned lctx f fs conclusion
    let rest ← nameBinders lctx conclusion fs (dropL originals 1) (name :: used)
    return { fvar := f, name, kind := d.binderInfo, type := d.type, isSite,
             argument := if accessible then some original else none } :: rest

/-- Thousands of heartbeats for an attempt; 2,000 are about half a second. -/
def attemptBudget : Nat := 2000

/-- Introduces the binders of a theorem. -/
def prepare (env : Environment) (info : ConstantInfo) : IO (Except String Prepared) := do
  let type := plain info.type
  let intro : MetaM (MVarId × Expr × LocalContext × LocalInstances × List Binder) := do
    let (fs, goal) ← (← mkFreshExprMVar type).mvarId!.intros
    let d ← goal.getDecl
    let conclusion ← instantiateMVars d.type
    let inside (c : Meta.Context) : Meta.Context := { c with lctx := d.lctx, localInstances := d.localInstances }
    let binders ← withReader inside (nameBinders d.lctx conclusion fs.toList (binderNames type) [])
    return (goal, conclusion, d.lctx, d.localInstances, binders)
  match ← ((intro.run {} {}).toIO (coreContext 20000) { env }).toIO' with
  | .error e => return .error (toString e)
  | .ok (((goal, conclusion, lctx, localInstances, binders), state), core) =>
    return .ok { env, info, context := { lctx, localInstances }, state, core, goal, conclusion, binders }

/-- Runs an attempt from the prepared state, with a budget of its own. An error is caught inside:
`toIO` would render its message, which costs more than most attempts. -/
def Prepared.run (t : Prepared) (thousands : Nat) (x : MetaM α) : IO (Option α) := do
  let caught : MetaM (Option α) := do
    try return some (← withBudget thousands x) catch _ => return none
  match ← ((caught.run t.context t.state).toIO (coreContext thousands) t.core).toIO' with
  | .ok ((a, _), _) => return a
  | .error _ => return none

def Prepared.usedNames (t : Prepared) : List Name := mapL (·.name) t.binders

/-- The target applied to its own binders. -/
def Prepared.proof (t : Prepared) : Expr :=
  mkAppN (constantOf t.info) (mapL (fun b => .fvar b.fvar) t.binders).toArray

/-- The name of a variable as source text. -/
def Prepared.source (t : Prepared) (n : Name) : String := nameSource t.env n

/-! ## The target as a person applies it -/

/-- The free variables that `types` determine when they are unified. -/
def isDetermined (f : FVarId) (types : List Expr) : Bool := anyL (·.containsFVar f) types

/-- `target a b h`: explicit arguments alone where the others follow from them or from the expected
type, named ones where they do not, `@target` where a name is missing. `hole` stands for the binder
`replaced`, whose type says nothing while it is being elaborated. -/
def Prepared.applied (t : Prepared) (explicitly : Bool) (expected : Option Expr) (replaced : Option (FVarId × String)) : String :=
  let isReplaced (b : Binder) := match replaced with | some (f, _) => f == b.fvar | none => false
  let hole := match replaced with | some (_, s) => s | none => ""
  let base := mapL (·.type) (keep (fun b => b.kind.isExplicit && !isReplaced b) t.binders)
  let types := match expected with | some e => e :: base | none => base
  let implicit := keep (fun b => !b.kind.isExplicit && !b.kind.isInstImplicit &&
    (isReplaced b || !(isDetermined b.fvar types || anyL (fun c => c.kind.isExplicit && c.fvar == b.fvar) t.binders))) t.binders
  let target := nameText t.info.name
  if explicitly || anyL (fun b => b.argument.isNone) implicit then
    "@" ++ target ++ spread (mapL (fun b =>
      if isReplaced b then hole else if b.kind.isInstImplicit then "_" else t.source b.name) t.binders)
  else
    target ++ spread (mapL (fun b => "(" ++ t.source (b.argument.getD .anonymous) ++ " := " ++
        (if isReplaced b then hole else t.source b.name) ++ ")") implicit)
      ++ spread (mapL (fun b => if isReplaced b then hole else t.source b.name) (keep (·.kind.isExplicit) t.binders))
where
  spread : List String → String
    | [] => ""
    | s :: ss => " " ++ s ++ spread ss

/-! ## Drafts and variants -/

/-- A new statement over the target's variables. -/
structure Draft where
  /-- Variables and metavariables (new hypotheses), with their names, in order. -/
  binders : List (Expr × Name)
  conclusion : Expr
  proof : Expr
  /-- The lines of a tactic proof. The second form gives each argument of the target. -/
  script : List String
  explicitScript : List String

/-- A statement and its proof. -/
structure Variant where
  levels : List Name
  type : Expr
  value : Expr
  names : List Name
  script : List String
  explicitScript : List String

/-- The target's own binders. -/
def Prepared.own (t : Prepared) : List (Expr × Name) := mapL (fun b => (.fvar b.fvar, b.name)) t.binders

/-- Binds the variables of a draft; `none` where something stays free: a metavariable, or a new
hypothesis that speaks of a later variable. -/
def Draft.close (d : Draft) (t : Prepared) : MetaM (Option Variant) := do
  let xs := (mapL (·.1) d.binders).toArray
  let type ← instantiateMVars (← mkForallFVars xs d.conclusion (binderInfoForMVars := .default))
  let value ← instantiateMVars (← mkLambdaFVars xs d.proof (binderInfoForMVars := .default))
  if type.hasFVar || type.hasMVar || value.hasFVar || value.hasMVar then return none
  let names := mapL (·.2) d.binders
  let type := renameBinders type names
  let kept := (collectLevelParams (collectLevelParams {} type) value).params.toList
  return some {
    levels := keep (fun n => anyL (· == n) kept) t.info.levelParams
    type, value := renameBinders value names, names, script := d.script, explicitScript := d.explicitScript }

end Alchemy
