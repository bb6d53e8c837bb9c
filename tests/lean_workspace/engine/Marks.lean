/-!
# Texts with marks, judged

Beside the engine, for a test of its marks (`Printing/Marks.lean`): a theorem is printed with marks
wherever the request says, and the text is judged twice, as a text of that theorem and as whatever
it states.

One line `name n₁ n₂ …` gives one JSON line. Number `n` marks node `n` (modulo the number of nodes)
with one of its rungs.
-/

open Lean Meta Alchemy

/-- The nodes of a term with their positions, as `firstDifference` names them. -/
partial def nodes (env : Environment) (e : Expr) (p : Nat) : List TermNode :=
  match e with
  | .app f a =>
    nodeOf env e e p false :: L.append (nodes env f (4 * p)) (nodes env a (4 * p + 1))
  | .forallE _ t b _ | .lam _ t b _ =>
    { position := p, fn := p, kind := .binder } ::
      L.append (nodes env t (4 * p)) (nodes env b (4 * p + 1))
  | .mdata _ e => nodes env e p
  | _ => [nodeOf env e e p false]

def markOf (all : List TermNode) (n : Nat) : Option Mark := do
  let node ← L.get? all (n % L.length all)
  let rungs := rungsOf node.kind
  let rung ← L.get? rungs (n / L.length all % L.length rungs)
  return { node, rung }

def marksOf (all : List TermNode) : List Nat → List Mark
  | [] => []
  | n :: ns => match markOf all n with
    | some m => m :: marksOf all ns
    | none => marksOf all ns

/-- The theorem as a variant of its own. -/
def asVariant (t : Target) : Variant :=
  let script := ["exact " ++ t.applied true (some t.conclusion) none]
  { levels := t.info.levelParams, type := renameBinders (plain t.info.type) t.usedNames
    value := constantOf t.info, names := t.usedNames, script, explicitScript := script }

def printedWith (t : Target) (v : Variant) (name : Name) (marks : List Mark) :
    MetaM (Option String) := do
  if (← kernelCheck name v.levels v.type v.value).isSome then return none
  statementText t.env v name {} marks

def canonicalJson (p : Except Refusal Proved) : Json :=
  match p with
  | .ok p => jsonOpt .str (canonical p.type)
  | .error _ => .null

def judged (env : Environment) (info : ConstantInfo) (numbers : List Nat) : IO Json := do
  match ← prepare env env info with
  | .error e => return .str e
  | .ok t =>
    let v := asVariant t
    let marks := marksOf (nodes env v.type typePosition) numbers
    let statement? ← t.run (4 * textBudget) (printedWith t v `v marks)
    match statement? with
    | some (some statement) =>
      let text := theoremText `v v.levels statement (proofText v.script)
      let asItself ← checkText env text (some (v.type, v.levels))
      let asAny ← checkText env text none
      return Json.mkObj [
        ("statement", .str statement), ("term", jsonOpt .str (canonical v.type)),
        ("accepted", canonicalJson asItself), ("read", canonicalJson asAny)]
    | _ => return .null

def naturals : List String → List Nat
  | [] => []
  | s :: ss => match s.toNat? with
    | some n => n :: naturals ss
    | none => naturals ss

def answerMarks (env : Environment) (line : String) : IO Json := do
  match words line.toList [] with
  | name :: numbers => match env.find? (nameOf name) with
    | some info => judged env info (naturals numbers)
    | none => return .null
  | [] => return .null
where
  words : List Char → List Char → List String
    | [], word => [String.ofList (L.reverse word)]
    | c :: cs, word =>
      if c == ' ' || c == '\n' then String.ofList (L.reverse word) :: words cs []
      else words cs (c :: word)

partial def answerAll (env : Environment) (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  if line == "" then return
  output.putStrLn (← answerMarks env line).compress
  output.flush
  answerAll env input output

def main (args : List String) : IO Unit := do
  initSearchPath (match args with | root :: _ => root | [] => ".")
  let (library, _) ← openLibrary [`Init] [] {}
  answerAll library.env (← IO.getStdin) (← IO.getStdout)
  IO.Process.forceExit 0

end
