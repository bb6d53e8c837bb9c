import Alchemy.Attempts.Target
import Alchemy.Search.Kabstract

/-!
# The trace class `Alchemy.attempt`: why an attempt ended as it did

With the option `trace.Alchemy.attempt` an attempt logs what is tried and what comes of it: the
pattern, each subterm that it is unified with, the classes for which Lean found no instance, what is
left open. The request `explain` sets the option. Without it, a look at the options, which are
empty, is all that it costs.

    pattern: ?n - ?m + ?m
    a - b + c =?= ?n - ?m + ?m: no

A line is logged as a message, as `Lean.addTraceAsMessages` does it at the end of a command.
`addTrace` itself has no code in the embedded Lean: it ends in `PersistentArray.push`.
-/

open Lean Meta

namespace Alchemy

initialize registerTraceClass `Alchemy.attempt

/-- Is `trace.Alchemy.attempt` set? -/
def isTracing : MetaM Bool := isTracingEnabledFor `Alchemy.attempt

/-- Logs one line of the trace. -/
def logTrace (line : MessageData) : MetaM Unit := do
  let line ← addMessageContextFull line
  let message : Message := {
    fileName := ← getFileName, pos := ⟨0, 0⟩, severity := .information
    data := .tagged `Alchemy.attempt line }
  modifyThe Core.State fun s => { s with messages := s.messages.add message }

/-- The lines of the trace among these messages. -/
def traceLines : List Message → BaseIO (List String)
  | [] => return []
  | m :: ms => do
    let rest ← traceLines ms
    match m.data with
    | .tagged _ line => return (← line.toString) :: rest
    | _ => return rest

/-- Runs what is done for the trace alone. The metavariables, the caches and the heartbeats of the
attempt stay as they are, and an error is dropped. -/
def forTrace (x : MetaM Unit) : MetaM Unit := do
  let heartbeats ← IO.getNumHeartbeats
  let state ← getThe Meta.State
  let core ← getThe Core.State
  tryCatchRuntimeEx x fun _ => return ()
  set state
  modifyThe Core.State fun s => { core with messages := s.messages, ngen := s.ngen }
  IO.setNumHeartbeats heartbeats

/-! ## Unification -/

/-- The header of a trace node, with the context in which it is printed. -/
def traceHeader? : MessageData → Option MessageData
  | .withContext c m => (traceHeader? m).map (.withContext c)
  | .withNamingContext c m => (traceHeader? m).map (.withNamingContext c)
  | .tagged _ m => traceHeader? m
  | .trace _ header _ => some header
  | _ => none

/-- The classes for which Lean found no instance, from the traces of `Meta.synthInstance`. The
header of a search that failed is `❌️ Field Nat`. -/
def missingInstances (traces : List TraceElem) : IO (List String) := do
  let mut missing : List String := []
  for element in traces do
    if let some header := traceHeader? element.msg then
      match (← header.toString).splitOn " " with
      | mark :: words =>
        let type := " ".intercalate words
        if mark.startsWith "❌" && !missing.contains type then missing := type :: missing
      | [] => pure ()
  return L.reverse missing

/-- Do `a` and `b` unify? That is logged, and the instances that were not found on the way. -/
def logUnifying (a b : Expr) : MetaM Bool := do
  let asked ← addMessageContextFull m!"{a} =?= {b}"
  let core ← getThe Core.State
  let unifying : MetaM Bool := fun c s cc cs =>
    let options := cc.options.setBool `trace.Meta.synthInstance true
    (isDefEq a b) c s { cc with options } cs
  let unifies ← try unifying catch _ => pure false
  let traces := L.ofPersistentArray (← getTraceState).traces
  modifyThe Core.State fun s => { s with traceState := core.traceState }
  logTrace m!"{asked}: {if unifies then "yes" else "no"}"
  unless unifies do
    for missing in ← missingInstances traces do
      logTrace m!"no instance of {missing}"
  return unifies

/-- Logs whether `a` and `b` unify. -/
def traceUnifying (a b : Expr) : MetaM Unit := forTrace do discard <| logUnifying a b

/-- Logs the pattern of a rewrite, and whether it unifies with the subterms of `e` that `rw` tries:
those with its head and number of arguments. Of the first one that does, the motive is checked. -/
def tracePattern (e pattern : Expr) : MetaM Unit := forTrace do
  logTrace m!"pattern: {pattern}"
  if (headOf pattern).isMVar then
    logTrace m!"the pattern is a variable, which fits everything"
    return
  let candidates :=
    L.filter (fun s => rootToken s == rootToken pattern) (L.reverse (subterms e []))
  if candidates matches [] then
    logTrace m!"no subterm has the head of the pattern and as many arguments"
  let mctx ← getMCtx
  let mut isFirst := true
  for s in candidates do
    setMCtx mctx
    if ← M.withTransparency .instances (logUnifying s pattern) then
      if isFirst && !(← hasMotive e s) then
        let motive := Expr.lam `x (← inferType s) (abstractTerm e s 0) .default
        logTrace m!"the motive is not type correct: {motive}"
      isFirst := false

/-- Logs terms with their types: what a rule leaves open. -/
def traceLeftOpen (terms : List Expr) : MetaM Unit := forTrace do
  for m in terms do
    logTrace m!"left open: {m} : {← instantiateMVars (← inferType m)}"

end Alchemy
