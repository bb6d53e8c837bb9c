import Alchemy.Portable.Lists

/-!
# Running `MetaM`

Functions of Lean that are specialised to the monad they are used in (`withLocalDecl`,
`observing?`, `withLCtx`) have no code in the embedded Lean. Those of the namespace `M` stand in for
them in `MetaM`; each says which function of Lean's it is and where it differs. `withReader`,
`try … catch` and `tryCatchRuntimeEx` have code and are used as they are.

Work is limited by *heartbeats*, Lean's count of small allocations, and never by a clock: the same
budget ends at the same place on every machine. Budgets are given in thousands of heartbeats, as in
`set_option maxHeartbeats`.
-/

open Lean Meta

namespace Alchemy.M

/-- What `x` returns; `none`, and the state as it was before, where it throws. Lean's `observing?`
lets two errors pass that are caught here, too: too deep a recursion, and no heartbeats left. -/
def observing? (x : MetaM α) : MetaM (Option α) := fun c s cc cs => do
  let before ← s.get
  let coreBefore ← cs.get
  match ← (x c s cc cs).toBaseIO with
  | .ok a => return some a
  | .error _ =>
    s.set before
    cs.set coreBefore
    return none

/-- Runs `x` at another transparency. Unlike Lean's `withTransparency` it sets the rest of the
configuration to Lean's default, which it is in all runs of the engine: so the configuration and its
key are constants, and are not computed each time. -/
def withTransparency (m : TransparencyMode) (x : MetaM α) : MetaM α :=
  fun c => x { c with keyedConfig := Config.toConfigWithKey { transparency := m } }

/-- Sets the options to `o`. Lean's `withOptions` would take the limit of recursion from them, too.
-/
def settingOptions (o : Options) (x : CoreM α) : CoreM α := fun c s => x { c with options := o } s

/-- Enters a binder of type `t`: `k` gets its variable, and the body with the variable in it. Stands
in for `withLocalDecl`. -/
def withBinder (t body : Expr) (k : FVarId → Expr → MetaM α) (name : Name := `x) : MetaM α := do
  let f ← mkFreshFVarId
  let run : MetaM α := k f (body.instantiate1 (.fvar f))
  fun c => run { c with lctx := c.lctx.mkLocalDecl f name t }

/-- The context in which the goal `d` is to be proved. `withReader (M.contextOf d) x` stands in for
`withLCtx d.lctx d.localInstances x`. -/
def contextOf (d : MetavarDecl) (c : Meta.Context) : Meta.Context :=
  { c with lctx := d.lctx, localInstances := d.localInstances }

end Alchemy.M

namespace Alchemy

/-- Runs `x` with a budget of its own, which begins now. -/
def withBudget (thousands : Nat) (x : MetaM α) : MetaM α := do
  let now ← IO.getNumHeartbeats
  fun mc ms c s => x mc ms { c with initHeartbeats := now, maxHeartbeats := thousands * 1000 } s

/-- The context in which the engine runs `CoreM`. -/
def coreContext (thousands : Nat) (o : Options := {}) : Core.Context :=
  { fileName := "<alchemy>", fileMap := default, maxHeartbeats := thousands * 1000, options := o }

/-- Runs `x` in `env`; an error comes back as its text. -/
def runIn (env : Environment) (thousands : Nat) (x : MetaM α) : IO (Except String α) := do
  match ← ((x.run' {} {}).toIO (coreContext thousands) { env }).toIO' with
  | .ok (a, _) => return .ok a
  | .error e => return .error (toString e)

/-- The goals as Lean prints them: `"n : Nat\n⊢ n + 0 = n"`. -/
def goalTexts : List MVarId → MetaM (List String)
  | [] => return []
  | g :: gs => do
    let text := (← ppGoal g).pretty
    return text :: (← goalTexts gs)

/-- Options that are switched on, and others that are switched off. -/
def switches (on off : List Name) : Options :=
  off.foldl (fun o n => o.setBool n false) (on.foldl (fun o n => o.setBool n true) {})

end Alchemy
