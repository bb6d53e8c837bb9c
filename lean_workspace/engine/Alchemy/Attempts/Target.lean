import Alchemy.Portable
import Alchemy.Printing.CanonicalForm
import Alchemy.Printing.RestoredNotation
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

/-- A variant from which a chain goes on: the constant that stands for it while the next step is tried, its proof, and
the lines that state and prove it inside the next one's proof. -/
structure Parent where
  name : Name
  levels : List Name
  value : Expr
  lines : List String

structure Prepared where
  /-- The library: texts are read in it. -/
  library : Environment
  /-- The library, and the variants before this one as constants. -/
  env : Environment
  parents : List Parent := []
  info : ConstantInfo
  context : Meta.Context
  state : Meta.State
  core : Core.State
  goal : MVarId
  conclusion : Expr
  binders : List Binder

/-- The names of the leading binders of a closed type. A `let` or `have` in front belongs to the conclusion. -/
def binderNames : Expr → List Name
  | .forallE n _ b _ => n :: binderNames b
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

/-- The name of data that Lean made inaccessible. -/
def accessible (n : Name) : Name := match n.eraseMacroScopes with
  | .anonymous => `x
  | n => n

/-- Names for the binders in order: the target's own where they are accessible, else `h` for a
hypothesis and `x` for data. -/
def nameBinders (lctx : LocalContext) (conclusion : Expr) : List FVarId → List Name → List Name → MetaM (List Binder)
  | [], _, _ => return []
  | f :: fs, originals, used => do
    let some d := lctx.find? f | nameBinders lctx conclusion fs (dropL originals 1) used
    let original := match originals with | n :: _ => n | [] => .anonymous
    let isAccessible := !original.hasMacroScopes && !original.isAnonymous
    let isProof ← isProp d.type
    let name :=
      if d.binderInfo.isInstImplicit then original
      else freshName used (if isAccessible then original else if isProof then `h else accessible original)
    let isSite := isProof && !d.binderInfo.isInstImplicit && !isMentioned lctx f fs conclusion
    let rest ← nameBinders lctx conclusion fs (dropL originals 1) (name :: used)
    return { fvar := f, name, kind := d.binderInfo, type := d.type, isSite,
             argument := if isAccessible then some original else none } :: rest

/-- Thousands of heartbeats for an attempt; 2,000 are about half a second. -/
def attemptBudget : Nat := 2000

/-- Introduces the binders of a theorem. `parents`: the chain that it ends, if it is a variant. -/
def prepare (library env : Environment) (info : ConstantInfo) (parents : List Parent := []) : IO (Except String Prepared) := do
  let type := plain info.type
  let intro : MetaM (MVarId × Expr × LocalContext × LocalInstances × List Binder) := do
    let (fs, goal) ← (← mkFreshExprMVar type).mvarId!.introN (count (binderNames type))
    let d ← goal.getDecl
    let conclusion ← instantiateMVars d.type
    let inside (c : Meta.Context) : Meta.Context := { c with lctx := d.lctx, localInstances := d.localInstances }
    let binders ← withReader inside (nameBinders d.lctx conclusion fs.toList (binderNames info.type) (mapL (·.name) parents))
    -- arguments in scripts are printed with these names
    let lctx := binders.foldl (fun lctx b => lctx.setUserName b.fvar b.name) d.lctx
    return (goal, conclusion, lctx, d.localInstances, binders)
  match ← ((intro.run {} {}).toIO (coreContext 20000) { env }).toIO' with
  | .error e => return .error (toString e)
  | .ok (((goal, conclusion, lctx, localInstances, binders), state), core) =>
    return .ok { library, env, parents, info, context := { lctx, localInstances }, state, core, goal, conclusion, binders }

/-- Runs an attempt from the prepared state, with a budget of its own. An error is caught inside:
`toIO` would render its message, which costs more than most attempts. -/
def Prepared.run (t : Prepared) (thousands : Nat) (x : MetaM α) : IO (Option α) := do
  let caught : MetaM (Option α) := do
    try return some (← withBudget thousands x) catch _ => return none
  match ← ((caught.run t.context t.state).toIO (coreContext thousands) t.core).toIO' with
  | .ok ((a, _), _) => return a
  | .error _ => return none

/-- What attempts on one target hand on: the caches of Lean, and the names it has given, so that a variable of one
attempt is never taken for another's. They begin empty with each target: a verdict depends on the target and on the
order of its candidates, which is fixed, and on nothing before. -/
structure Carried where
  cache : Meta.Cache
  core : Core.Cache
  ngen : NameGenerator

def Prepared.nothingCarried (t : Prepared) : Carried :=
  { cache := t.state.cache, core := t.core.cache, ngen := t.core.ngen }

/-- `run` with the caches of the attempts before. -/
def Prepared.runCarrying (t : Prepared) (carried : IO.Ref Carried) (thousands : Nat) (x : MetaM α) : IO (Option α) := do
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

def Prepared.usedNames (t : Prepared) : List Name := append (mapL (·.name) t.parents) (mapL (·.name) t.binders)

/-- A term in which each variant of the chain is replaced by its proof. -/
def Prepared.withoutParents (t : Prepared) (e : Expr) : Expr :=
  t.parents.foldl (fun e p => e.replace fun
    | .const n ls => if n == p.name then some (p.value.instantiateLevelParams p.levels ls) else none
    | _ => none) e

/-- What comes first in the proof of a variant of this target. -/
def Prepared.opening (t : Prepared) : List String := concat (mapL (·.lines) t.parents)

/-- The target applied to its own binders. -/
def Prepared.proof (t : Prepared) : Expr :=
  mkAppN (constantOf t.info) (mapL (fun b => .fvar b.fvar) t.binders).toArray

/-- A name as source text. -/
def Prepared.source (t : Prepared) (n : Name) : String := nameSource t.env n

/-! ## The target as a person applies it -/

def spread : List String → String
  | [] => ""
  | s :: ss => " " ++ s ++ spread ss

/-- The implicit arguments that do not follow from `types`, the last one first: the variables of a type
follow from a term of it, so only the ends of the chains must be named. -/
def undetermined : List Binder → List Expr → List Binder
  | [], _ => []
  | b :: bs, types =>
    if b.kind.isInstImplicit || b.kind.isExplicit || anyL (·.containsFVar b.fvar) types then undetermined bs types
    else b :: undetermined bs (b.type :: types)

/-- More named arguments than this are harder to read than `@target` with all of them. -/
def maxNamed : Nat := 2

/-- `target a b h`: explicit arguments alone where the others follow from them or from the expected
type; a few named ones where they do not, else `@target` with all. `replaced` is a binder and what stands
in its place; its type says nothing while it is being elaborated. -/
def Prepared.applied (t : Prepared) (explicitly : Bool) (expected : Option Expr) (replaced : Option (FVarId × String)) : String :=
  let isReplaced (b : Binder) := match replaced with | some (f, _) => f == b.fvar | none => false
  let argument (b : Binder) := match replaced with
    | some (f, s) => if f == b.fvar then s else t.source b.name
    | none => t.source b.name
  let types := mapL (·.type) (keep (fun b => b.kind.isExplicit && !isReplaced b) t.binders)
  let types := match expected with | some e => e :: types | none => types
  let named := rev (undetermined (rev (keep (fun b => !isReplaced b) t.binders)) types)
  let named := append named (keep (fun b => isReplaced b && !b.kind.isExplicit) t.binders)
  let target := t.source t.info.name
  if explicitly || count named > maxNamed || anyL (·.argument.isNone) named then
    "@" ++ target ++ spread (mapL (fun b => if b.kind.isInstImplicit then "_" else argument b) t.binders)
  else
    target ++ spread (mapL (fun b => "(" ++ t.source (b.argument.getD .anonymous) ++ " := " ++ argument b ++ ")") named)
      ++ spread (mapL argument (keep (·.kind.isExplicit) t.binders))

/-! ## Drafts and variants -/

/-- A new statement over the target's variables. -/
structure Draft where
  /-- Variables and metavariables (new hypotheses), with their names, in order. -/
  binders : List (Expr × Name)
  conclusion : Expr
  /-- Names for the binders with which the conclusion begins. -/
  leading : List Name := []
  proof : Expr
  /-- The lines of a tactic proof. The second form gives each argument of the target. -/
  script : List String
  explicitScript : List String
  /-- How many hypotheses are new because the rule asks for them (`rw`). -/
  conditions : Nat := 0

/-- A statement and its proof. -/
structure Variant where
  levels : List Name
  type : Expr
  value : Expr
  names : List Name
  script : List String
  explicitScript : List String
  conditions : Nat := 0
  /-- Does it speak of variables that only the rule has? -/
  introduces : Bool := false

/-- A conclusion may itself begin with binders (`∀ a, a ∉ l`). Printed as a signature they stand before the
colon, so a proof has them in its context: their names, distinct from `used`, and the arguments that a
proof of the conclusion is given. An arrow has no name and stays. -/
def leading (t : Prepared) (used : List Name) : Expr → List Name × List String
  | .forallE n _ b i =>
    if n.hasMacroScopes then ([], []) else
    let name := freshName used n
    let (names, arguments) := leading t (name :: used) b
    (name :: names, if i.isExplicit then t.source name :: arguments else arguments)
  | _ => ([], [])

/-- The target's own binders. -/
def Prepared.own (t : Prepared) : List (Expr × Name) := mapL (fun b => (.fvar b.fvar, b.name)) t.binders

/-- Those that are data, and no proofs. -/
def dataOf : List Expr → MetaM (List Expr) := choose fun m => do return if ← isProp (← inferType m) then none else some m

/-- The metavariables that the hypotheses among the binders speak of. -/
def spokenOfByHypotheses (xs : List Expr) : MetaM (List MVarId) := do
  let mut out : List MVarId := []
  for x in xs do
    let type ← instantiateMVars (← inferType x)
    if type.hasExprMVar && (← isProp type) then out := revOn (← getMVars type).toList out
  return out

def hideBinders (e : Expr) (hidden : List Bool) : Expr :=
  match e, hidden with
  | .forallE n t b i, h :: hs => .forallE n t (hideBinders b hs) (if h then .implicit else i)
  | e, _ => e

/-- `u_k`, as Lean would call it: the first that is not in use, from `k`. -/
partial def freshUniverse (used : List Name) (k : Nat) : Name :=
  let name := .mkSimple ("u_" ++ toString k)
  if anyL (· == name) used then freshUniverse used (k + 1) else name

/-- Universes that only the rule speaks of become parameters: their names. -/
def nameUniverses (used : List Name) : List LMVarId → MetaM (List Name)
  | [] => return []
  | m :: ms => do
    let name := freshUniverse used 1
    let _ ← isLevelDefEq (.mvar m) (.param name)
    let names ← nameUniverses (name :: used) ms
    return name :: names

/-- Binds the variables of a draft that `rule` gave; `none` where something stays free: a metavariable, or a new
hypothesis that speaks of a later variable. -/
def Draft.close (d : Draft) (t : Prepared) (rule : ConstantInfo) : MetaM (Option Variant) := do
  let xs := (mapL (·.1) d.binders).toArray
  let type ← instantiateMVars (← mkForallFVars xs d.conclusion (binderInfoForMVars := .default))
  let universes ← nameUniverses t.info.levelParams (collectLevelMVars {} type).result.toList
  let type ← instantiateMVars type
  let value := t.withoutParents (← instantiateMVars (← mkLambdaFVars xs d.proof (binderInfoForMVars := .default)))
  if type.hasFVar || type.hasMVar || value.hasFVar || value.hasMVar then return none
  if anyL (fun p => anyL (· == p.name) type.getUsedConstants.toList) t.parents then return none
  let names := append (mapL (·.2) d.binders) d.leading
  -- `(·.isMVar)` has no code in the embedded Lean: what is handed on is Lean's own function, and that has none as a value
  let new ← dataOf (keep (fun x => if x.isMVar then true else false) (mapL (·.1) d.binders))
  -- a variable that a hypothesis determines is written implicit, and so is a type
  let determined ← spokenOfByHypotheses (mapL (·.1) d.binders)
  let types ← choose (fun x => do return if ← isType x then some x else none) new
  let hidden := mapL (fun (x, _) => anyL (· == x) types || anyL (· == x) new && anyL (fun m => x == .mvar m) determined) d.binders
  let spokenOf := append t.info.type.getUsedConstants.toList rule.type.getUsedConstants.toList
  let type := tidy (fun n => anyL (· == n) spokenOf) (plain type)
  let type := hideBinders (renameBinders type names) hidden
  let kept := (collectLevelParams (collectLevelParams {} type) value).params.toList
  return some {
    levels := keep (fun n => anyL (· == n) kept) (append t.info.levelParams universes)
    type, value := renameBinders value names, names, script := append t.opening d.script,
    explicitScript := append t.opening d.explicitScript,
    conditions := d.conditions, introduces := !(new matches []) }

end Alchemy
