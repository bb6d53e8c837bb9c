import Alchemy.Files.Library
import Alchemy.Search.LemmaKeys
import Alchemy.Printing.Signature
import Alchemy.Printing.CanonicalForm

/-!
# What the engine tells of a library

Rows of theorems and of keys, page by page, so that a reply stays small.
-/

open Lean Meta

namespace Alchemy

def kindText : BinderInfo → String
  | .default => "explicit"
  | .implicit => "implicit"
  | .strictImplicit => "strict"
  | .instImplicit => "instance"

/-- `[["n", "implicit"], …]` -/
def binderRows : Expr → List Json
  | .forallE n _ b i => jsonStrings [nameText n.eraseMacroScopes, kindText i] :: binderRows b
  | .mdata _ e => binderRows e
  | _ => []

/-- Everything about one theorem. `statement` is null where Lean cannot print it in its budget. -/
def theoremRow (l : Library) (e : Entry) : IO Json := do
  let statement ← match ← runMeta l.env 20000 (signature e.info.name e.info.levelParams {} []) with
    | .ok s => pure s
    | .error _ => pure none
  let docstring ← findDocString? l.env e.info.name
  return Json.mkObj [
    ("name", .str (nameText e.info.name)), ("module", jsonNat e.module),
    ("line", if e.line == 0 then .null else jsonNat e.line),
    ("statement", jsonOpt .str statement), ("term", jsonOpt .str (canonical e.info.type)),
    ("binders", jsonList (binderRows (plain e.info.type))),
    ("level_params", jsonNames e.info.levelParams), ("tags", jsonStrings (l.tags e.info.name)),
    ("docstring", jsonOpt .str docstring)]

/-- Made with an inductive type, and named by nobody. -/
def isMadeWithType : Name → Bool
  | .str p s => anyL (· == s) ["casesOn", "recOn", "below", "brecOn", "binductionOn", "noConfusion", "noConfusionType", "ctorIdx", "toCtorIdx",
      "ctorElim", "ctorElimType"] || isMadeWithType p
  | .num p _ => isMadeWithType p
  | .anonymous => false

/-- What a declaration that is no theorem is called; `none` for one that nobody names. One that was stripped of its body is called what
it was. -/
def sortOfDeclaration (env : Environment) (info : ConstantInfo) : Option String :=
  if isTheorem env info || info.name.isInternalDetail || isPrivateName info.name || isMadeWithType info.name || isTooDeep info.type then none
  else match info with
  | .inductInfo _ => some (if isClass env info.name then "class" else if isStructure env info.name then "structure" else "inductive")
  | .ctorInfo _ => some "constructor"
  | .recInfo _ | .quotInfo _ | .thmInfo _ => none
  | _ => some <| if isInstanceCore env info.name then "instance" else match getOriginalConstKind? env info.name with
    | some .axiom => "axiom"
    | some .opaque => "opaque"
    | _ => "def"

/-- `[name, kind, signature]` of what a module declares beside its theorems; the signature is null where Lean cannot print it in its
budget. -/
def declarationRows (env : Environment) : List ConstantInfo → IO (List Json)
  | [] => return []
  | info :: infos => do
    let rest ← declarationRows env infos
    match sortOfDeclaration env info with
    | none => return rest
    | some kind =>
      let text ← match ← runMeta env 20000 (signature info.name info.levelParams {} []) with
        | .ok s => pure s
        | .error _ => pure none
      return jsonList [.str (nameText info.name), .str kind, jsonOpt .str text] :: rest

/-- Thousands of heartbeats for the keys of a lemma or the forms of a target. -/
def keyBudget : Nat := 20000

/-- Thousands of heartbeats for the instances of a library, however large: none. -/
def instancesBudget : Nat := 0

/-- The tokens with their variables numbered in order of occurrence, and the variables so far, the last one first. -/
def numbered : List String → List String → List String × List String
  | [], seen => ([], seen)
  | t :: ts, seen =>
    if !t.startsWith "?" then let (ts, seen) := numbered ts seen; (t :: ts, seen) else
    match place t seen with
    | some i => let (ts, seen) := numbered ts seen; (("?" ++ toString i) :: ts, seen)
    | none => let (ts, all) := numbered ts (t :: seen); (("?" ++ toString (count seen)) :: ts, all)
where
  place (t : String) : List String → Option Nat
    | [] => none
    | s :: ss => if s == t then some (count ss) else place t ss

/-- `[theorem, kind, direction, occurrence, open data, open propositions, variables, dependent, needs, tokens]` for each key.
`needs`, separated by tabs: `Ring 0 ?1`, where the variable must have an instance of the class, it in this place; `# ?1 ?2`,
where one of the variables must be a number.
A variable has the same number in all of them, so that the sides of an equation can be compared. -/
def keyRows (l : Library) (index : Nat) (e : Entry) : IO (List Json) := do
  let x : MetaM (List Key) := do
    return append (← try rewriteKeys e.info catch _ => pure []) (← try applyKeys e.info catch _ => pure [])
  match ← runMeta l.env keyBudget x with
  | .error _ => return []
  | .ok keys => return rows keys []
where
  /-- Those that have a number: ` ?1`. -/
  variables (vs seen : List String) : List String :=
    concat (mapL (fun v => match numbered.place v seen with
      | some n => [" ?" ++ toString n]
      | none => []) vs)
  rows : List Key → List String → List Json
    | [], _ => []
    | k :: ks, seen =>
      let (tokens, seen) := numbered k.tokens seen
      let classes := concat (mapL (fun (c, i, m) => mapL (fun v => nameText c ++ " " ++ toString i ++ v) (variables [variableToken m] seen)) k.needs)
      let numbers := mapL (fun vs => "#" ++ joinWith "" (variables vs seen)) k.numbers
      jsonList [jsonNat index, .str k.kind, .str k.direction, jsonNat k.occurrence, .bool k.isOpen.data,
        jsonNat k.isOpen.props, jsonNat k.variables, .bool k.isDependent, .str (joinWith "\t" (append classes numbers)),
        .str (joinWith "\t" tokens)] :: rows ks seen

end Alchemy
