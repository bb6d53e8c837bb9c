import Alchemy.Files.Library
import Alchemy.Portable.Versions
import Lean.Meta.Tactic.Grind.Extension

/-!
# The environment before a theorem

Where a proof of a theorem is looked for, the theorem must not be there, and nothing that was proved
with its help. In an imported library the order of a module's theorems is not known. So all theorems
of the module are taken out, except for those that are named as available: they were proved before,
without the help of the ones to come. What is left of the module, its definitions, instances and
notations, is written to a file of its own, and that file is imported in the module's place, after
what the module imports.

With a definition stay the theorems that it mentions, and those that Lean makes with it (`f.eq_1`,
`C.injEq`).
-/

open Lean Meta

namespace Alchemy

/-- The environment that is asked for. -/
structure Before where
  module : Name
  /-- Theorems of the module that may be used. -/
  available : List Name
  deriving BEq

/-! ## The theorems that stay -/

/-- Is `s` the last part of a name that Lean gives to a theorem it makes with a declaration? `eq_1`
is. -/
def isGeneratedPart (s : String) : Bool :=
  ["injEq", "inj", "sizeOf_spec", "eq_def", "eq_unfold", "induct", "induct_unfolding", "fun_cases",
    "fun_cases_unfolding", "mutual_induct", "congr_simp", "splitter", "hinj"].contains s
    || L.any ["eq_", "match_", "hcongr_", "_"] (fun p => s.startsWith p) && hasDigit s.toList
where
  hasDigit (cs : List Char) : Bool := L.any cs Char.isDigit

/-- Was the theorem made with a declaration that is no theorem? -/
def comesWith (env : Environment) (n : Name) : Bool :=
  match n with
  | .str p s => isGeneratedPart s && match env.find? p with
    | some info => !isTheorem env info
    | none => false
  | _ => false

/-- Adds the theorems among `todo`, of those that `isOwn` says, and all that their statements
mention. -/
partial def mentioned (env : Environment) (isOwn : Name → Bool) (todo : List Name)
    (found : NameSet) : NameSet :=
  match todo with
  | [] => found
  | n :: ns =>
    if found.contains n || !isOwn n then mentioned env isOwn ns found else
    match env.find? n with
    | some info =>
      if isTheorem env info then
        let inStatement := info.type.getUsedConstants.toList
        mentioned env isOwn ns (mentioned env isOwn inStatement (found.insert n))
      else mentioned env isOwn ns found
    | none => mentioned env isOwn ns found

/-- The constants that a declaration mentions. -/
def mentionedBy (info : ConstantInfo) : List Name :=
  let inValue := match info.value? (allowOpaque := true) with
    | some v => v.getUsedConstants.toList
    | none => []
  L.reverseAux inValue info.type.getUsedConstants.toList

/-- The theorems of a module that stay. -/
def theoremsKept (env : Environment) (m : ModuleData) (available : List Name) : NameSet :=
  Id.run do
    let own := m.constNames.toList.foldl (fun s n => NameSet.insert s n) ({} : NameSet)
    let mut roots : List Name := available
    for info in m.constants.toList do
      if !isTheorem env info then roots := L.reverseAux (mentionedBy info) roots
      else if comesWith env info.name then roots := info.name :: roots
    return mentioned env (fun n => own.contains n) roots {}

/-! ## The theorems that Lean's tactics look up -/

/-- Is the declaration kept that an entry of `simp` is about? -/
def simpIsKept (isKept : Name → Bool) : SimpEntry → Bool
  | .thm t => match t.origin with
    | .decl n _ _ => isKept n
    | _ => false
  | .toUnfold n => isKept n
  | .toUnfoldThms n ns => isKept n && !L.any ns.toList (fun n => !isKept n)

/-- The same of an entry of `grind`. -/
def grindIsKept (isKept : Name → Bool) : Grind.Entry → Bool
  | .ext n | .funCC n | .cases n _ => isKept n
  | .ematch t => originIsKept t.origin
  | .inj t => originIsKept t.origin
where
  originIsKept : Grind.Origin → Bool
    | .decl n => isKept n
    | _ => false

/-- Does `p` hold of the value of an entry? -/
def holdsOf (p : α → Bool) : ScopedEnvExtension.Entry α → Bool
  | .global a => p a
  | .scoped _ a => p a

/-- Extensions that are dropped as a whole: their entries name theorems that a tactic then looks
for. -/
def dropped : List Name := [
  `Lean.Meta.congrExtension, `Lean.Meta.Rfl.reflExt, `Lean.Meta.Symm.symmExt,
  `Lean.Meta.Monotonicity.monotoneExt, `specMap, `sineQueNon, `internalSpecMap,
  `Lean.Meta.Sym.Simp.symSimpExtension, `Lean.Meta.Grind.liaExt, `Lean.Meta.Grind.homoExt,
  `Lean.Meta.Grind.homoPredExt,
  -- sets of simp theorems in 4.28, elsewhere or of another type since
  `Lean.bool_to_prop, `Std.Internal.treeTacExt,
  .str (.str (.num `_private.Lean.Meta.MethodSpecs 0) "Lean") "methodSpecsSimpExtension",
  `Lean.Elab.Tactic.BVDecide.Frontend.intToBitVecExt,
  `Lean.Elab.Tactic.BVDecide.Frontend.bvNormalizeExt,
  `Lean.Elab.Tactic.BVDecide.Frontend.symIntToBitVecExt,
  `Lean.Elab.Tactic.BVDecide.Frontend.metaIntToBitVecExt,
  `Lean.Meta.Tactic.BVDecide.intToBitVecExt, `Lean.Meta.Tactic.BVDecide.bvNormalizeExt,
  `Lean.Meta.Tactic.BVDecide.symIntToBitVecExt, `Lean.Meta.Tactic.BVDecide.metaIntToBitVecExt]

/-- Sets of simp theorems. -/
def simpSets : List Name := [
  ``simpExtension, `Lean.Meta.Grind.normExt, `Lean.Meta.NormCast.pushCastExt,
  `Lean.Meta.NormCast.normCastExt.up, `Lean.Meta.NormCast.normCastExt.down,
  `Lean.Meta.NormCast.normCastExt.squash, `Lean.Elab.Tactic.Omega.bitvec_to_nat, `bool_to_prop,
  `treeTacExt,
  `Lean.Elab.Tactic.Do.SpecAttr.mvcgenSimpExt, `Lean.Elab.WF.wfPreprocessSimpExtension,
  `Lean.methodSpecsSimpExtension]

unsafe def keptEntriesUnsafe (isKept : Name → Bool) (extension : Name)
    (es : Array EnvExtensionEntry) : Array EnvExtensionEntry :=
  let sift (α : Type) (p : α → Bool) : Array EnvExtensionEntry :=
    let entries := (unsafeCast es.toList : List (ScopedEnvExtension.Entry α))
    unsafeCast (L.filter (holdsOf p) entries).toArray
  if simpSets.contains extension then sift SimpEntry (simpIsKept isKept)
  else if extension == ``instanceExtension then
    sift InstanceEntry fun e => match e.globalName? with | some n => isKept n | none => false
  else if extension == ``Ext.extExtension then sift Ext.ExtTheorem fun t => isKept t.declName
  else if extension == `Lean.Meta.Grind.grindExt then sift Grind.Entry (grindIsKept isKept)
  else if dropped.contains extension then #[]
  else es

/-- The entries of an extension that are about declarations that stay. -/
@[implemented_by keptEntriesUnsafe] opaque keptEntries (isKept : Name → Bool) (extension : Name)
  (es : Array EnvExtensionEntry) : Array EnvExtensionEntry

/-- A module without the theorems that do not stay. -/
def without (env : Environment) (m : ModuleData) (available : List Name) : ModuleData := Id.run do
  let kept := theoremsKept env m available
  let isGone (info : ConstantInfo) : Bool := isTheorem env info && !kept.contains info.name
  let mut gone : NameSet := {}
  let mut constants : Array ConstantInfo := #[]
  let mut names : Array Name := #[]
  for info in m.constants.toList do
    if isGone info then gone := gone.insert info.name
    else
      constants := constants.push info
      names := names.push info.name
  let mut entries : Array (Name × Array EnvExtensionEntry) := #[]
  for (n, es) in m.entries.toList do
    entries := entries.push (n, keptEntries (fun n => !gone.contains n) n es)
  -- one file holds all of it
  return { m with isModule := false, constNames := names, constants, entries }

/-! ## Opening -/

/-- Modules that Lean's tactics need to work at all, by the beginnings of their names. They are
imported, too, if they stand before the module. -/
def supportPrefixes : List String := [
  "Init.Grind", "Init.Omega", "Init.PropLemmas", "Init.Ext", "Init.ByCases", "Init.Classical",
  "Init.SimpLemmas", "Init.Core", "Init.RCases"]

/-- The number of a module. -/
def moduleNumber (modules : List Name) (n : Name) : Option Nat := go modules 0
where
  go : List Name → Nat → Option Nat
    | [], _ => none
    | m :: ms, i => if m == n then some i else go ms (i + 1)

/-- The modules that stand before `module` in the library's order, in which a module stands after
what it imports. -/
def standingBefore (module : Name) : List Name → List Name
  | [] => []
  | n :: ns => if n == module then [] else n :: standingBefore module ns

/-- What an environment before `module` imports: what the module imports, and what tactics need. All
of it stands before the module, so no two theorems can be proved with each other's help. -/
def importsBefore (env : Environment) (m : ModuleData) (module : Name) : List Import :=
  let isSupport (n : Name) : Bool :=
    L.any supportPrefixes (fun (p : String) => (nameText n).startsWith p)
  let support := L.filter isSupport (standingBefore module env.header.moduleNames.toList)
  L.append (L.map (fun (i : Import) => { module := i.module }) m.imports.toList)
    (L.map (fun n => { module := n }) support)

/-- A file to be imported in the module's place. Stands in for `NameMap.insert`, which has no code:
a set-up as Lake writes it is read. -/
def inPlaceOf (module : Name) (file : String) : Except String (NameMap ImportArtifacts) :=
  let setup (files : Json) : Except String ModuleSetup := fromJson? <| Json.mkObj [
    ("name", .str "X"), ("isModule", .bool false), ("plugins", .arr #[]), ("dynlibs", .arr #[]),
    ("options", .mkObj []), ("importArts", .mkObj [(nameText module, .arr #[files])])]
  -- a list of files; since 4.31 a list of such lists
  match setup (.str file), setup (.arr #[.str file]) with
  | .ok s, _ | _, .ok s => .ok s.importArts
  | .error e, _ => .error e

/-- The environment before the theorems of a module, with those that are available. What is left of
the module is written to `file`. -/
def openBefore (env : Environment) (b : Before) (file : String) :
    IO (Except String Environment) := do
  let some i := moduleNumber env.header.moduleNames.toList b.module
    | return .error ("there is no module " ++ nameText b.module)
  let some m := L.get? env.header.moduleData.toList i | return .error "the module has no data"
  saveModuleData file b.module (without env m b.available)
  match inPlaceOf b.module file with
  | .error e => return .error e
  | .ok arts =>
    let imports := L.append (importsBefore env m b.module) [{ module := b.module }]
    allowImport
    return .ok (← importModules imports.toArray {} (loadExts := true) (arts := arts))

end Alchemy
