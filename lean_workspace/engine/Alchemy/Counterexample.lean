import Alchemy.Keys
import Alchemy.Target
import Lean.Elab.Term

/-!
# Counterexamples

A closed statement `∀ x₁ … xₙ, C` fails if some arguments make its hypotheses true and `C` false. Types,
propositions and predicates are tried first, one after the other (`α := Nat`, then `Bool`); instances are found; data
get small values, the simplest first; hypotheses and `C` are decided by evaluation, as the tactic `decide` does.
A hypothesis is decided as soon as what stands before it has values, so that most assignments are never completed.

What comes back is text: the arguments as a person writes them. The proof that they refute the statement is
elaborated from it afresh.
-/

open Lean Meta Elab

namespace Alchemy

/-! ## Small values -/

/-- A value as Lean reads it, and what it reads. -/
structure Value where
  text : String
  term : Expr

/-- The term that `text` means as a `type`; `none` where it means none. -/
def elaborated? (text : String) (type : Expr) : MetaM (Option Expr) := do
  match Parser.runParserCategory (← getEnv) `term text with
  | .error _ => return none
  | .ok stx =>
    let x : TermElabM Expr := do
      let e ← Term.elabTermEnsuringType stx type
      Term.synthesizeSyntheticMVarsNoPostponing
      instantiateMVars e
    try
      let e ← x { errToSorry := false } (← IO.mkRef ({} : Term.State))
      return if e.hasMVar || e.hasSorry then none else some e
    catch _ => return none

/-- The text as one argument: `-1` as `(-1)`. -/
def atom (text : String) : String :=
  if isBracketed text || !anyL (fun c => c == ' ' || c == '-') text.toList then text else "(" ++ text ++ ")"
where
  isBracketed (s : String) : Bool := s.startsWith "[" || s.startsWith "#" || s.startsWith "(" || s.startsWith "⟨" || s.startsWith "\"" || s.startsWith "'"

/-- `fun _ => fun x => x` as `fun _ x => x`. -/
def funText (x body : String) : String :=
  match body.startsWith "fun " with
  | true => "fun " ++ x ++ " " ++ (body.drop 4).toString
  | false => "fun " ++ x ++ " => " ++ body

def pairTexts (xs ys : List String) : List String :=
  concat (mapL (fun x => mapL (fun y => "(" ++ x ++ ", " ++ y ++ ")") ys) xs)

/-- The constructor on each value: `some 0`. -/
def under (constructor : String) (xs : List String) : List String := mapL (fun x => constructor ++ " " ++ atom x) xs

/-- Lists of `n` elements: all the same, then of two kinds. -/
def repeated (n : Nat) (x y : String) : List String :=
  match n with
  | 0 => []
  | n + 1 => x :: repeated n y x

def listTexts (opening : String) (elements : List String) : List String :=
  let close (xs : List String) : String := opening ++ joinWith ", " xs ++ "]"
  match elements with
  | [] => [close []]
  | [x] => [close [], close [x], close [x, x]]
  | x :: y :: _ => [close [], close [x], close [y], close [x, y], close [y, x], close [x, x], close [x, y, x]]

/-- Longer vectors are not written out. -/
def maxVector : Nat := 4

def vectorTexts (n : Nat) (elements : List String) : List String :=
  let write (x y : String) : String := "#v[" ++ joinWith ", " (repeated n x y) ++ "]"
  if n > maxVector then [] else
  match n, elements with
  | 0, _ => [write "" ""]
  | _, [] => []
  | _, [x] => [write x x]
  | _, x :: y :: _ => [write x x, write x y, write y x]

/-- Small values of a type, the simplest first; empty where nothing is known of it. -/
partial def textsOf (type : Expr) (depth : Nat := 3) : MetaM (List String) := do
  if depth == 0 then return []
  let type ← whnfR type
  match type, headOf type, argsOf type with
  | .forallE _ a b _, _, _ => if b.hasLooseBVars then pure [] else functions a b
  | _, .const c _, as =>
    match c, as with
    | ``Nat, [] => return ["0", "1", "2", "3", "4"]
    | ``Int, [] => return ["0", "1", "-1", "2", "-2"]
    | ``Rat, [] => return ["0", "1", "-1", "2", "1 / 2"]
    | ``Bool, [] => return ["false", "true"]
    | ``Char, [] => return ["'a'", "'b'"]
    | ``String, [] => return ["\"\"", "\"a\"", "\"b\"", "\"ab\""]
    | ``Unit, [] | ``PUnit, [] => return ["()"]
    | ``Fin, [n] => return numerals (← numeral? n)
    | ``BitVec, [w] =>
      let some w ← numeral? w | return []
      return mapL (fun s => s ++ "#" ++ toString w) ["0", "1", "2", "-1"]
    | ``List, [a] => return listTexts "[" (← elements a)
    | ``Array, [a] => return listTexts "#[" (← elements a)
    | ``Vector, [a, n] =>
      let some n ← numeral? n | return []
      return vectorTexts n (← elements a)
    | ``Option, [a] => return "none" :: under "some" (takeL (← elements a) 2)
    | ``Prod, [a, b] => return pairTexts (takeL (← elements a) 2) (takeL (← elements b) 2)
    | ``UInt8, [] | ``UInt16, [] | ``UInt32, [] | ``UInt64, [] => return ["0", "1", "2", "-1"]
    | ``Int8, [] | ``Int16, [] | ``Int32, [] | ``Int64, [] => return ["0", "1", "-1", "2"]
    | _, _ => constructed c
  | _, _, _ => return []
where
  elements (a : Expr) : MetaM (List String) := textsOf a (depth - 1)
  numerals : Option Nat → List String
    | some n => mapL toString (takeL [0, 1, 2, 3] n)
    | none => []
  /-- Each constructor on small values: `.inl 0`, `.lt`; `⟨0, by decide⟩` for a structure. -/
  constructed (c : Name) : MetaM (List String) := do
    let some (.inductInfo v) := (← getEnv).find? c | return []
    if v.numIndices != 0 then return []
    let isStructure := isStructureLike (← getEnv) c
    let mut found : List String := []
    for constructor in v.ctors do
      let f := mkAppN (.const constructor (headOf type).constLevels!) (argsOf type).toArray
      let (ms, kinds, _) ← forallMetaTelescope (← inferType f)
      let written := mapL (fun xs => match isStructure, constructor with
        | true, _ => "⟨" ++ joinWith ", " xs ++ "⟩"
        | false, .str _ s => joinWith " " (("." ++ s) :: mapL atom xs)
        | false, _ => "") (← fields ms.toList kinds.toList)
      found := append found (takeL written 4)
    return takeL found 6
  /-- The fields of a constructor, two values of each; a list for each combination. -/
  fields : List Expr → List BinderInfo → MetaM (List (List String))
    | m :: ms, kind :: kinds => do
      let t ← instantiateMVars (← inferType m)
      let rest ← fields ms kinds
      if kind.isInstImplicit then return rest
      let isProof ← isProp t
      let values ← if isProof then pure ["by decide"] else if t.hasExprMVar || !kind.isExplicit then pure [] else elements t
      return concat (mapL (fun x => mapL (fun xs => x :: xs) rest) (takeL values 2))
    | _, _ => return [[]]
  /-- Constant functions, the identity, a projection, and a test for each of two values. -/
  functions (a b : Expr) : MetaM (List String) := do
    let constant := mapL (funText "_") (takeL (← elements b) 2)
    let same := if a == b then ["fun x => x"] else []
    let projection := match b with
      | .forallE _ _ c _ => if a == c then ["fun x _ => x"] else []
      | _ => []
    let step := if a.isConstOf ``Nat && b.isConstOf ``Nat then ["fun x => x + 1"] else []
    let arguments ← elements a
    let test := if b.isConstOf ``Bool then mapL (fun x => "fun x => x == " ++ x) (takeL arguments 2) else []
    return append same (append constant (append projection (append step test)))

/-- What a type, a proposition or a predicate may stand for; empty for data. -/
partial def choicesOf (type : Expr) : MetaM (List String) := do
  match ← whnfR type with
  | .sort .zero => return ["True", "False"]
  | .sort _ => return ["Nat", "Bool"]
  | .forallE _ a b _ =>
    if a.isSort then return (if b.isSort then ["Option"] else [])
    let rest ← choicesOf b
    let equal := match b with
      | .sort .zero => if a.isConstOf ``Nat then ["fun x => x = 0"] else []
      | .forallE _ c (.sort .zero) _ => if a == c then ["fun x y => x = y"] else []
      | _ => []
    return append equal (mapL (funText "_") rest)
  | _ => return []

/-! ## The telescope of a statement -/

/-- How an argument is come by. -/
inductive Source where
  /-- chosen before the search: a type, a proposition, a predicate -/
  | choice (text : String)
  | search
  | instance
  /-- an instance that depends on no data: it stands in the term already -/
  | found
  /-- a hypothesis: it must hold -/
  | proof
  /-- the conclusion: it must fail -/
  | conclusion

/-- A binder of the statement, or its conclusion. -/
structure Slot where
  source : Source
  name : Name
  kind : BinderInfo
  /-- Over the variables of the slots before it: a type, or `decide P` for a proposition `P`. -/
  term : Expr

/-- An argument of a counterexample. -/
structure Argument where
  name : Name
  kind : BinderInfo
  /-- `none` for an instance -/
  text : Option String
  isProof : Bool := false

/-- More evaluations than this are not made for one choice of types. -/
def maxTries : Nat := 200

/-- Thousands of heartbeats for one evaluation, and for a whole search: about 0.05 s and 1 s. -/
def evaluationBudget : Nat := 200
def searchBudget : Nat := 4000

structure Search where
  tries : IO.Ref Nat
  values : IO.Ref (List (Expr × List Value))
  /-- Why nothing was found, where it is not that all evaluations failed. -/
  obstacle : IO.Ref (Option String)
  start : Nat

def Search.isOver (s : Search) : MetaM Bool := do
  return (← s.tries.get) ≥ maxTries || (← IO.getNumHeartbeats) - s.start > searchBudget * 1000

def Search.valuesOf (s : Search) (type : Expr) : MetaM (List Value) := do
  if let some values := known type (← s.values.get) then return values
  let values ← choose (fun text => do
    match ← elaborated? text type with
    | some term => return some { text, term }
    | none => return none) (← textsOf type)
  s.values.modify ((type, values) :: ·)
  if values matches [] then s.obstacle.set "no values"
  return values
where
  known (type : Expr) : List (Expr × List Value) → Option (List Value)
    | [] => none
    | (t, vs) :: rest => if t == type then some vs else known type rest

/-- Stands in for `Expr.beta`. -/
def applyLambda : Expr → List Expr → Expr
  | .lam _ _ b _, v :: vs => applyLambda (b.instantiate1 v) vs
  | e, _ => e

/-- Stands in for `Core.betaReduce`. -/
partial def betaAll (e : Expr) : Expr :=
  e.replace fun e => if e.isHeadBetaTarget then some (betaAll e.headBeta) else none

/-- `x`, or `y` where `x` ends in an error, that of a spent budget included (`try` lets these pass). -/
def orElse (x y : MetaM α) : MetaM α := fun mc ms c s =>
  let x : EIO Exception α := x mc ms c s
  x.tryCatch fun _ => y mc ms c s

/-- The value of `decide P`; `none` where evaluation gets stuck or takes too long. -/
def Search.evaluate (s : Search) (decision : Expr) : MetaM (Option Bool) := do
  s.tries.modify (· + 1)
  let verdict : MetaM (Option Bool) := do
    match ← whnfD decision with
    | .const ``Bool.true _ => return some true
    | .const ``Bool.false _ => return some false
    | _ => return none
  let verdict ← orElse (withBudget evaluationBudget verdict) (return none)
  if verdict.isNone then s.obstacle.set "stuck"
  return verdict

/-- A proof of `P` from `decide P`, which was found to be true. -/
def proofOf (decision : Expr) : Expr :=
  match argsOf decision with
  | [p, inst] => mkApp3 (.const ``of_decide_eq_true []) p inst (mkApp2 (.const ``Eq.refl [.succ .zero]) (.const ``Bool []) (.const ``Bool.true []))
  | _ => decision

/-- Goes through all assignments in which the places of the values in their lists add up to `cost`. `values`: of the
slots so far, in order; `left`: how many slots are still searched. -/
partial def Search.assign (s : Search) (slots : List Slot) (values : List Expr) (arguments : List Argument) (left cost : Nat) :
    MetaM (Option (List Argument)) := do
  if ← s.isOver then return none
  let slot :: rest := slots | return none
  let argument : Argument := { name := slot.name, kind := slot.kind, text := none }
  let term := applyLambda slot.term values
  match slot.source with
  | .choice text => s.assign rest values ({ argument with text := some text } :: arguments) left cost
  | .found => s.assign rest values (argument :: arguments) left cost
  | .instance =>
    let some i ← (try pure (some (← synthInstance term)) catch _ => pure none) | return none
    s.assign rest (append values [i]) (argument :: arguments) left cost
  | .proof =>
    unless (← s.evaluate term) == some true do return none
    s.assign rest (append values [proofOf term]) ({ argument with text := some "by decide", isProof := true } :: arguments) left cost
  | .conclusion => return if (← s.evaluate term) == some false then some (rev arguments) else none
  | .search =>
    let found ← s.valuesOf term
    let mut i := 0
    for v in takeL found (cost + 1) do
      -- The last one takes what is left of the cost, so that each assignment is met once.
      if left > 1 || i == cost then
        if let some r ← s.assign rest (append values [v.term]) ({ argument with text := some v.text } :: arguments) (left - 1) (cost - i) then
          return some r
      i := i + 1
    return none

/-- No assignment costs more. -/
def maxCost : Nat := 8

def Search.assignAll (s : Search) (slots : List Slot) : MetaM (Option (List Argument)) := do
  let searched := count (keep (fun (slot : Slot) => slot.source matches .search) slots)
  s.tries.set 0
  go slots searched 0 (if searched == 0 then 1 else maxCost + 1)
where
  go (slots : List Slot) (searched cost : Nat) : Nat → MetaM (Option (List Argument))
    | 0 => return none
    | n + 1 => do
      if let some found ← s.assign slots [] [] searched cost then return some found
      go slots searched (cost + 1) n

/-- Enters a binder that instance resolution may use. -/
def enterInstance (t body : Expr) (k : FVarId → Expr → MetaM α) : MetaM α := do
  match ← isClass? t with
  | none => enterBinder t body k
  | some c => enterBinder t body fun f b => do
    let run : MetaM α := k f b
    fun ctx => run { ctx with localInstances := ctx.localInstances.push { className := c, fvar := .fvar f } }

/-- `decide P` over the variables; `none` where no instance is found. -/
def decisionOf (vars : List Expr) (p : Expr) : MetaM (Option Expr) := do
  try
    let inst ← synthInstance (mkApp (.const ``Decidable []) p)
    return some (← mkLambdaFVars vars.toArray (mkApp2 (.const ``Decidable.decide []) p inst))
  catch _ => return none

/-- Arguments that refute `type`, from its binders on; slots and variables: of those before, the last one first. -/
partial def Search.explore (s : Search) (type : Expr) (slots : List Slot) (vars : List Expr) : MetaM (Option (List Argument)) := do
  if ← s.isOver then return none
  match type.consumeMData with
  | .forallE name t b kind =>
    let over (e : Expr) : MetaM Expr := mkLambdaFVars (rev vars).toArray e
    if kind.isInstImplicit then
      if t.hasFVar then
        let slot : Slot := { source := .instance, name, kind, term := ← over t }
        return ← enterInstance t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
      let some i ← (try pure (some (← synthInstance t)) catch _ => pure none) | s.obstacle.set "no instance"; return none
      return ← s.explore (b.instantiate1 i) ({ source := .found, name, kind, term := t } :: slots) vars
    if ← isProp t then
      let some term ← decisionOf (rev vars) t | s.obstacle.set "not decidable"; return none
      return ← enterBinder t b fun f b => s.explore b ({ source := .proof, name, kind, term } :: slots) (.fvar f :: vars)
    match ← choicesOf t with
    | [] =>
      let slot : Slot := { source := .search, name, kind, term := ← over t }
      enterBinder t b fun f b => s.explore b (slot :: slots) (.fvar f :: vars)
    | texts => tryChoices name t b kind texts
  | conclusion =>
    let some term ← decisionOf (rev vars) conclusion | s.obstacle.set "not decidable"; return none
    s.assignAll (rev ({ source := .conclusion, name := .anonymous, kind := .default, term } :: slots))
where
  tryChoices (name : Name) (t b : Expr) (kind : BinderInfo) : List String → MetaM (Option (List Argument))
    | [] => return none
    | text :: texts => do
      if let some v ← elaborated? text t then
        let slot : Slot := { source := .choice text, name, kind, term := v }
        if let some found ← s.explore (betaAll (b.instantiate1 v)) (slot :: slots) vars then return some found
      tryChoices name t b kind texts

/-- Arguments that refute a closed statement, or why none were found. -/
def counterexample (type : Expr) : MetaM (Except String (List Argument)) := do
  let s : Search := { tries := ← IO.mkRef 0, values := ← IO.mkRef [], obstacle := ← IO.mkRef none, start := ← IO.getNumHeartbeats }
  match ← s.explore type [] [] with
  | some found => return .ok found
  | none => return .error ((← s.obstacle.get).getD "no counterexample")

end Alchemy
