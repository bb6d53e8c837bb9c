import Alchemy.Portable.Monads
import Alchemy.Portable.Names
import Alchemy.Portable.Terms
import Lean.Meta.Tactic.Intro

/-!
# Targets

A *target*, the theorem that is mutated, is prepared once: its binders are introduced and get names
that a person could have written, and the state of `MetaM` is kept. Every attempt starts from that
state.

A variant can be a target, too, so that several steps are made in a row. The variants before it, its
*parents*, stand in the environment as constants, and in its proofs as `have`s in front.
-/

open Lean Meta

namespace Alchemy

/-- A binder of a target: `(h : a < b)`. -/
structure Binder where
  fvar : FVarId
  /-- The name in a variant: accessible, and different from the others. Instances keep the name that
  Lean gave them. -/
  name : Name
  /-- The name by which the target can be given this argument, `target (n := x)`; `none` where it is
  inaccessible. -/
  argument : Option Name
  kind : BinderInfo
  type : Expr
  /-- Is it a hypothesis that nothing else mentions? Then it may be replaced. -/
  isSite : Bool

/-- A variant from which a chain goes on. -/
structure Parent where
  /-- The constant that stands for it while the next step is tried. -/
  name : Name
  levels : List Name
  /-- Its proof. -/
  value : Expr
  /-- The lines that state and prove it inside the proof of the next one. -/
  lines : List String

/-- A theorem whose binders are introduced, and the state in which attempts start. -/
structure Target where
  /-- The environment of the library, in which texts are read. -/
  library : Environment
  /-- The same with the parents as constants. -/
  env : Environment
  parents : List Parent := []
  info : ConstantInfo
  context : Meta.Context
  state : Meta.State
  core : Core.State
  goal : MVarId
  conclusion : Expr
  binders : List Binder

/-! ## Preparing -/

/-- Is `f` mentioned in the types of `later` variables or in the conclusion? -/
def isMentioned (lctx : LocalContext) (f : FVarId) (later : List FVarId) (conclusion : Expr) :
    Bool :=
  conclusion.containsFVar f || L.any later (fun g => match lctx.find? g with
    | some d => d.type.containsFVar f
    | none => false)

/-- An accessible name for data: `a` for `a✝`, and `x` where Lean gave none. -/
def accessible (n : Name) : Name := match n.eraseMacroScopes with
  | .anonymous => `x
  | n => n

/-- The binders with their names: the target's own where they are accessible, else `h` for a
hypothesis and `x` for data. Names in `used` are not given again. -/
def nameBinders (lctx : LocalContext) (conclusion : Expr) :
    List FVarId → (originals used : List Name) → MetaM (List Binder)
  | [], _, _ => return []
  | f :: fs, originals, used => do
    let some d := lctx.find? f | nameBinders lctx conclusion fs (L.drop 1 originals) used
    let original := match originals with | n :: _ => n | [] => .anonymous
    let isAccessible := !original.hasMacroScopes && !original.isAnonymous
    let isProof ← isProp d.type
    let name :=
      if d.binderInfo.isInstImplicit then original
      else freshName used
        (if isAccessible then original else if isProof then `h else accessible original)
    let isSite := isProof && !d.binderInfo.isInstImplicit && !isMentioned lctx f fs conclusion
    let rest ← nameBinders lctx conclusion fs (L.drop 1 originals) (name :: used)
    return {
      fvar := f, name, kind := d.binderInfo, type := d.type, isSite
      argument := if isAccessible then some original else none } :: rest

/-- Thousands of heartbeats for an attempt; 2,000 are about half a second. -/
def attemptBudget : Nat := 2000

/-- Prepares a theorem. `parents` is the chain that it ends, if it is a variant. -/
def prepare (library env : Environment) (info : ConstantInfo) (parents : List Parent := []) :
    IO (Except String Target) := do
  let type := plain info.type
  let intro : MetaM (MVarId × Expr × LocalContext × LocalInstances × List Binder) := do
    let goal := (← mkFreshExprMVar type).mvarId!
    let (fs, goal) ← goal.introN (L.length (binderNames type))
    let d ← goal.getDecl
    let conclusion ← instantiateMVars d.type
    let binders ← withReader (M.contextOf d) <|
      nameBinders d.lctx conclusion fs.toList (binderNames info.type) (L.map (·.name) parents)
    -- arguments in scripts are printed with these names
    let lctx := binders.foldl (fun lctx b => lctx.setUserName b.fvar b.name) d.lctx
    return (goal, conclusion, lctx, d.localInstances, binders)
  match ← ((intro.run {} {}).toIO (coreContext 20000) { env }).toIO' with
  | .error e => return .error (toString e)
  | .ok (((goal, conclusion, lctx, localInstances, binders), state), core) =>
    return .ok {
      library, env, parents, info, context := { lctx, localInstances }, state, core, goal
      conclusion, binders }

/-! ## Running attempts -/

/-- Runs `x` from the prepared state, with a budget of its own; `none` for any error. Errors are
caught inside: `toIO` would render their messages, which takes longer than most attempts. -/
def Target.run (t : Target) (thousands : Nat) (x : MetaM α) : IO (Option α) := do
  let caught : MetaM (Option α) := do
    try return some (← withBudget thousands x) catch _ => return none
  match ← ((caught.run t.context t.state).toIO (coreContext thousands) t.core).toIO' with
  | .ok ((a, _), _) => return a
  | .error _ => return none

/-- What one attempt on a target leaves for the next: Lean's caches, and the names that it has
given, so that a variable of one attempt is never taken for one of another. It is empty at the
beginning of each target, so that a verdict depends on the target and on the order of its
candidates, which is fixed, and on nothing before. -/
structure Carried where
  cache : Meta.Cache
  core : Core.Cache
  ngen : NameGenerator

/-- For the first attempt on a target. -/
def Target.nothingCarried (t : Target) : Carried :=
  { cache := t.state.cache, core := t.core.cache, ngen := t.core.ngen }

/-- `run` with what the attempts before have left. -/
def Target.runCarrying (t : Target) (carried : IO.Ref Carried) (thousands : Nat) (x : MetaM α) :
    IO (Option α) := do
  let k ← carried.get
  let caught : MetaM (Option α) := do
    try return some (← withBudget thousands x) catch _ => return none
  let state := { t.state with cache := k.cache }
  let core := { t.core with cache := k.core, ngen := k.ngen }
  match ← ((caught.run t.context state).toIO (coreContext thousands) core).toIO' with
  | .ok ((a, state), core) =>
    carried.set { cache := state.cache, core := core.cache, ngen := core.ngen }
    return a
  | .error _ => return none

/-! ## Its names and terms -/

/-- The names of its parents and binders, which new binders can't have. -/
def Target.usedNames (t : Target) : List Name :=
  L.append (L.map (·.name) t.parents) (L.map (·.name) t.binders)

/-- A name as source text. -/
def Target.source (t : Target) (n : Name) : String := nameSource t.env n

/-- Its own binders with their names. -/
def Target.own (t : Target) : List (Expr × Name) :=
  L.map (fun b => (.fvar b.fvar, b.name)) t.binders

/-- The target applied to its own binders: `Nat.le_of_lt h`. -/
def Target.proof (t : Target) : Expr :=
  mkAppN (constantOf t.info) (L.map (fun b => .fvar b.fvar) t.binders).toArray

/-- The target applied to its binders, with `h` in the place of the hypothesis `f`. -/
def Target.proofWith (t : Target) (f : FVarId) (h : Expr) : Expr :=
  let arguments := L.map (fun b => if b.fvar == f then h else .fvar b.fvar) t.binders
  mkAppN (constantOf t.info) arguments.toArray

/-- A term in which each parent is replaced by its proof. -/
def Target.withoutParents (t : Target) (e : Expr) : Expr :=
  t.parents.foldl (fun e p => e.replace fun
    | .const n ls => if n == p.name then some (p.value.instantiateLevelParams p.levels ls) else none
    | _ => none) e

/-- The first lines in the proof of each of its variants: the `have`s of its parents. -/
def Target.opening (t : Target) : List String := L.flatMap (·.lines) t.parents

end Alchemy
