import Alchemy.Printing.CanonicalForm
import Alchemy.Printing.Signature
import Alchemy.Search.LemmaKeys
import Alchemy.Serving.Session

/-!
# Requests about the library: `open`, `theorems`, `keys`, `declarations`, `instances`, `find`

Theorems and keys are sent page by page, so that a reply stays small.
-/

open Lean Meta

namespace Alchemy

/-! ## `open` -/

/-- An error in a file, with its line. -/
def problemJson (p : Problem) : Json :=
  Json.mkObj [("file", .str p.file), ("line", jsonNat p.line), ("message", .str p.message)]

/-- Adds options, each `["pp.unicode.fun", true]`. An option that need not be known is named
`weak.…`; here it loses that mark. -/
def optionsIn : List Json → Options → Option Options
  | [], o => some o
  | j :: js, o => match asList j with
    | some [name, value] => match asString name, value with
      | some name, .bool b => optionsIn js (o.setBool (plainName name) b)
      | some name, .str s => optionsIn js (o.setString (plainName name) s)
      | some name, value => match asNat value with
        | some n => optionsIn js (o.setNat (plainName name) n)
        | none => none
      | none, _ => none
    | _ => none
where
  plainName (s : String) : Name := (nameOf s).replacePrefix `weak .anonymous

/-- A list of options, as in `optionsIn`. -/
def asOptions (j : Json) : Option Options :=
  match asList j with
  | some js => optionsIn js {}
  | none => none

/-- `open`: opens modules and files. -/
def handleOpen (j : Json) : Answer Json := do
  let modules ← field j "modules" asNames
  let files ← field j "files" asStrings
  let proofs ← field j "proofs" asBool
  let module ← field j "module" (asNullOr asName)
  let options ← field j "options" asOptions
  match ← (openLibrary modules files { proofs, module, options }).toBaseIO with
  | .error e => throw (toString e)
  | .ok (library, proofs) =>
    modifySession fun _ => { library := some library, proofs := proofs.toArray }
    return Json.mkObj [
      ("modules", jsonStrings (L.append (L.map nameText library.modules) library.files)),
      ("count", jsonNat library.theorems.size),
      ("problems", jsonList (L.map problemJson library.problems))]

/-! ## `theorems` and `keys` -/

/-- The rows that `f` gives for the theorems of a page. -/
def pageOf (j : Json) (f : Library → Nat → Entry → IO (List Json)) : Answer Json := do
  let l ← openedLibrary
  let start ← field j "from" asNat
  let n ← field j "count" asNat
  let mut rows : List Json := []
  let mut i := start
  for e in L.take n (L.drop start l.theorems.toList) do
    rows := L.reverseAux (← f l i e) rows
    i := i + 1
  return Json.mkObj [("rows", jsonList (L.reverse rows))]

/-- `explicit`, `implicit`, `strict` or `instance`. -/
def kindText : BinderInfo → String
  | .default => "explicit"
  | .implicit => "implicit"
  | .strictImplicit => "strict"
  | .instImplicit => "instance"

/-- `[["n", "implicit"], …]` for the leading binders of a type. -/
def binderRows : Expr → List Json
  | .forallE n _ b i => jsonStrings [nameText n.eraseMacroScopes, kindText i] :: binderRows b
  | .mdata _ e => binderRows e
  | _ => []

/-- Thousands of heartbeats for printing one signature. -/
def signatureBudget : Nat := 20000

/-- The signature of a constant, null where Lean can't print it in its budget. -/
def signatureJson (env : Environment) (info : ConstantInfo) : IO Json := do
  match ← runIn env signatureBudget (signature info.name info.levelParams {} []) with
  | .ok text => return jsonOpt .str text
  | .error _ => return .null

/-- All about one theorem. -/
def theoremRow (l : Library) (e : Entry) : IO Json := do
  let statement ← signatureJson l.env e.info
  let docstring ← findDocString? l.env e.info.name
  return Json.mkObj [
    ("name", .str (nameText e.info.name)), ("module", jsonNat e.module),
    ("line", if e.line == 0 then .null else jsonNat e.line),
    ("statement", statement), ("term", jsonOpt .str (canonical e.info.type)),
    ("binders", jsonList (binderRows (plain e.info.type))),
    ("level_params", jsonNames e.info.levelParams), ("tags", jsonStrings (l.tags e.info.name)),
    ("docstring", jsonOpt .str docstring)]

/-- Thousands of heartbeats for the keys of a lemma or the forms of a target. -/
def keyBudget : Nat := 20000

/-- The tokens with their variables numbered in order of occurrence. `seen` are the variables so
far, the last one first, and are returned with the new ones. -/
def numbered : (tokens seen : List String) → List String × List String
  | [], seen => ([], seen)
  | t :: ts, seen =>
    if !t.startsWith "?" then
      let (ts, seen) := numbered ts seen
      (t :: ts, seen)
    else match variableNumber? t seen with
    | some i =>
      let (ts, seen) := numbered ts seen
      (("?" ++ toString i) :: ts, seen)
    | none =>
      let (ts, all) := numbered ts (t :: seen)
      (("?" ++ toString (L.length seen)) :: ts, all)
where
  variableNumber? (t : String) : List String → Option Nat
    | [] => none
    | s :: ss => if s == t then some (L.length ss) else variableNumber? t ss

/-- A row for each key of a theorem: its number, then the fields of the key,
`kind, direction, occurrence, open data, open propositions, variables, dependent, needs, tokens`.

`needs` and `tokens` are separated by tabs. `Ring 0 ?1` in `needs` says that there must be an
instance of the class with the variable at that index; `# ?1 ?2`, that one of the variables must
meet a number. A variable has the same number in all keys of a theorem, so that the sides of an
equation can be compared. -/
def keyRows (l : Library) (index : Nat) (e : Entry) : IO (List Json) := do
  let x : MetaM (List Key) := do
    let rewriting ← try rewriteKeys e.info catch _ => pure []
    let applying ← try applyKeys e.info catch _ => pure []
    return L.append rewriting applying
  match ← runIn l.env keyBudget x with
  | .error _ => return []
  | .ok keys => return rows keys []
where
  /-- ` ?1` for those of the variables that have a number. -/
  variables (vs seen : List String) : List String :=
    L.flatMap (fun v => match numbered.variableNumber? v seen with
      | some n => [" ?" ++ toString n]
      | none => []) vs
  rows : List Key → List String → List Json
    | [], _ => []
    | k :: ks, seen =>
      let (tokens, seen) := numbered k.tokens seen
      let classes := L.flatMap (fun (c, i, m) =>
        L.map (fun v => nameText c ++ " " ++ toString i ++ v)
          (variables [variableToken m] seen)) k.needs
      let numbers := L.map (fun vs => "#" ++ "".intercalate (variables vs seen)) k.numbers
      jsonList [
        jsonNat index, .str k.kind, .str k.direction, jsonNat k.occurrence, .bool k.isOpen.data,
        jsonNat k.isOpen.props, jsonNat k.variables, .bool k.isDependent,
        .str ("\t".intercalate (L.append classes numbers)),
        .str ("\t".intercalate tokens)] :: rows ks seen

/-! ## `declarations` -/

/-- Is it made with an inductive type, so that nobody names it? -/
def isMadeWithType : Name → Bool
  | .str p s =>
    ["casesOn", "recOn", "below", "brecOn", "binductionOn", "noConfusion", "noConfusionType",
      "ctorIdx", "toCtorIdx", "ctorElim", "ctorElimType"].contains s || isMadeWithType p
  | .num p _ => isMadeWithType p
  | .anonymous => false

/-- What a declaration that is no theorem is called: `def`, `class`, `constructor`, …; `none` for
one that nobody names. One that was stripped of its body is called what it was. -/
def sortOfDeclaration (env : Environment) (info : ConstantInfo) : Option String :=
  let isUnnamed := isTheorem env info || info.name.isInternalDetail || isPrivateName info.name
    || isMadeWithType info.name || isTooDeep info.type
  if isUnnamed then none
  else match info with
  | .inductInfo _ => some <|
    if isClass env info.name then "class"
    else if isStructure env info.name then "structure"
    else "inductive"
  | .ctorInfo _ => some "constructor"
  | .recInfo _ | .quotInfo _ | .thmInfo _ => none
  | _ => some <| if isInstanceCore env info.name then "instance"
    else match getOriginalConstKind? env info.name with
    | some .axiom => "axiom"
    | some .opaque => "opaque"
    | _ => "def"

/-- `[name, kind, signature]` of what a module declares beside its theorems. -/
def declarationRows (env : Environment) : List ConstantInfo → IO (List Json)
  | [] => return []
  | info :: infos => do
    let rest ← declarationRows env infos
    match sortOfDeclaration env info with
    | none => return rest
    | some kind =>
      let text ← signatureJson env info
      return jsonList [.str (nameText info.name), .str kind, text] :: rest

/-- `declarations`: what a module declares beside theorems. -/
def handleDeclarations (j : Json) : Answer Json := do
  let l ← openedLibrary
  let i ← field j "module" asNat
  let some m := L.get? l.env.header.moduleData.toList i | throw "no such module"
  let imports := L.map (fun (i : Import) => i.module) m.imports.toList
  let rows ← declarationRows l.env m.constants.toList
  return Json.mkObj [("imports", jsonNames imports), ("rows", jsonList rows)]

/-! ## `instances` and `find` -/

/-- Thousands of heartbeats for the instances of a library. 0 is no limit: a library may be large.
-/
def instancesBudget : Nat := 0

/-- `instances`: all instances of the library. -/
def handleInstances (_ : Json) : Answer Json := do
  let l ← openedLibrary
  let rows ← orThrow (runIn l.env instancesBudget (instanceRows l.names))
  return Json.mkObj [("rows", jsonList rows)]

/-- `find`: the numbers of theorems, by name. -/
def handleFind (j : Json) : Answer Json := do
  let l ← openedLibrary
  let names ← field j "names" asStrings
  let numbers := L.map (fun n => jsonOpt jsonNat (l.find? n)) names
  return Json.mkObj [("numbers", jsonList numbers)]

end Alchemy
