import Lean.Elab.Command

/-!
# What the engine needs from Lean, where Lean does not offer it everywhere

The engine runs in a native Lean and in an embedded one whose library files hold no code for
private and specialised functions. A call to most of the polymorphic functions of `List`,
`Array` and `HashMap` fails there when the engine is compiled, and so does every combinator that
is specialised to a monad (`withLocalDecl`, `forallTelescope`, `saveState`). The plain recursive
functions below stand in for them; each says for which.

This is also the one place for what differs between Lean versions.
-/

open Lean Meta

namespace Alchemy

/-- What the engine and its Python side must agree on; raised with every change of a request,
a reply or a verdict. -/
def engineVersion : String := "14"

/-! ## Lists -/

/-- `xs` reversed before `acc`. Stands in for `List.reverse` and `++`. -/
def revOn : List α → List α → List α
  | [], acc => acc
  | x :: xs, acc => revOn xs (x :: acc)

/-- Stands in for `List.reverse`. -/
def rev (xs : List α) : List α := revOn xs []

/-- Stands in for `++`. -/
def append (xs ys : List α) : List α := revOn (rev xs) ys

/-- Stands in for `List.map`. -/
def mapL (f : α → β) : List α → List β
  | [] => []
  | x :: xs => f x :: mapL f xs

/-- Stands in for `List.filterMap` in `MetaM`: the values that are there. -/
def choose (f : α → MetaM (Option β)) : List α → MetaM (List β)
  | [] => return []
  | x :: xs => do
    let y ← f x
    let ys ← choose f xs
    return match y with
      | some y => y :: ys
      | none => ys

/-- Stands in for `List.filterMap`. -/
def chooseL (f : α → Option β) : List α → List β
  | [] => []
  | x :: xs => match f x with
    | some y => y :: chooseL f xs
    | none => chooseL f xs

/-- Stands in for `List.filter`. -/
def keep (p : α → Bool) : List α → List α
  | [] => []
  | x :: xs => if p x then x :: keep p xs else keep p xs

/-- Stands in for `List.any`. -/
def anyL (p : α → Bool) : List α → Bool
  | [] => false
  | x :: xs => p x || anyL p xs

/-- Stands in for `List.length`. -/
def count : List α → Nat
  | [] => 0
  | _ :: xs => count xs + 1

/-- The element at place `i`. Stands in for `List.get?`. -/
def nth? : List α → Nat → Option α
  | [], _ => none
  | x :: _, 0 => some x
  | _ :: xs, i + 1 => nth? xs i

/-- `1, 2, …, n` -/
def upTo (n : Nat) : List Nat := rev (go n)
where
  go : Nat → List Nat
    | 0 => []
    | n + 1 => (n + 1) :: go n

/-- The elements from place `i` on. Stands in for `List.drop`. -/
def dropL : List α → Nat → List α
  | xs, 0 => xs
  | [], _ => []
  | _ :: xs, i + 1 => dropL xs i

/-- The first `n` elements. Stands in for `List.take`. -/
def takeL : List α → Nat → List α
  | _, 0 => []
  | [], _ => []
  | x :: xs, n + 1 => x :: takeL xs n

/-- Two sorted lists in one, before `acc` reversed; of equals, those of the first come first. -/
partial def mergeOn (le : α → α → Bool) (acc : List α) : List α → List α → List α
  | [], ys => revOn acc ys
  | xs, [] => revOn acc xs
  | x :: xs, y :: ys => if le x y then mergeOn le (x :: acc) xs (y :: ys) else mergeOn le (y :: acc) (x :: xs) ys

/-- Stands in for `List.mergeSort`. Equals stay in their order. -/
partial def sortL (le : α → α → Bool) : List α → List α
  | [] => []
  | [x] => [x]
  | xs =>
    let half := count xs / 2
    mergeOn le [] (sortL le (takeL xs half)) (sortL le (dropL xs half))

/-- `x` put at each place of a list. -/
def insertions (x : α) : List α → List (List α)
  | [] => [[x]]
  | y :: ys => (x :: y :: ys) :: mapL (fun zs => y :: zs) (insertions x ys)

def concat : List (List α) → List α
  | [] => []
  | xs :: xss => append xs (concat xss)

/-- The leaves of a tree, from left to right. -/
partial def leaves : PersistentArrayNode α → List α
  | .node cs => concat (mapL leaves cs.toList)
  | .leaf vs => vs.toList

/-- Stands in for `PersistentArray.toList`. -/
def elements (a : PersistentArray α) : List α := append (leaves a.root) a.tail.toList

/-- All orders of a short list. -/
def permutations : List α → List (List α)
  | [] => [[]]
  | x :: xs => concat (mapL (insertions x) (permutations xs))

/-- `joinWith ", " ["a", "b"]` is `"a, b"`. -/
def joinWith (separator : String) : List String → String
  | [] => ""
  | [s] => s
  | s :: ss => s ++ separator ++ joinWith separator ss

/-- Stands in for `≤` on strings. -/
def atMost (a b : String) : Bool := !(b < a)

/-! ## Names -/

/-- May `s` stand as a part of a name without « »? -/
def isPlainPart (s : String) : Bool :=
  match s.toList with
  | [] => false
  | c :: cs => isIdFirst c && !anyL (fun c => !isIdRest c) cs

/-- `Nat.add_comm`, ``Foo.«a b»``. Stands in for `Name.toString`. -/
def nameText : Name → String
  | .anonymous => ""
  | .str .anonymous s => part s
  | .str p s => nameText p ++ "." ++ part s
  | .num p n => nameText p ++ "." ++ toString n
where
  /-- One part, in « » where it needs them. -/
  part (s : String) : String := if isPlainPart s then s else "«" ++ s ++ "»"

/-- The name as Lean reads it back: a name of one part that is a keyword stands in « ». -/
def nameSource (env : Environment) (n : Name) : String :=
  match n with
  | .str .anonymous s =>
    match Parser.runParserCategory env `term (nameText n) with
    | .ok stx => if stx.isIdent then nameText n else "«" ++ s ++ "»"
    | .error _ => "«" ++ s ++ "»"
  | _ => nameText n

/-- `12` as `₁₂`. -/
partial def subscript (n : Nat) : String :=
  (if n ≥ 10 then subscript (n / 10) else "") ++ String.singleton (Char.ofNat (0x2080 + n % 10))

/-- `h₁₂` as `h`: the last one first. -/
def dropSubscript : List Char → List Char
  | [] => []
  | c :: cs => if 0x2080 ≤ c.toNat && c.toNat ≤ 0x2089 then dropSubscript cs else c :: cs

/-- `base`, or `base₁`, `base₂`, …: the first that is not in `used`. A subscript of its own is counted on. -/
partial def freshName (used : List Name) (base : Name) : Name :=
  if anyL (· == base) used then go 1 else base
where
  stem : String := match base with
    | .str _ s => String.ofList (rev (dropSubscript (rev s.toList)))
    | _ => "x"
  go (i : Nat) : Name :=
    let candidate := .mkSimple (stem ++ subscript i)
    if anyL (· == candidate) used then go (i + 1) else candidate

/-! ## Monads -/

/-- `x`, or `none` where it throws anything: running out of recursion or of its budget included, which `try` lets
pass. Stands in for `tryCatchRuntimeEx`. -/
def attempted (x : MetaM α) : MetaM (Option α) := fun c s cc cs => do
  let before ← s.get
  let coreBefore ← cs.get
  match ← (x c s cc cs).toBaseIO with
  | .ok a => return some a
  | .error _ =>
    s.set before
    cs.set coreBefore
    return none

/-- Stands in for `withTransparency`. -/
def atTransparency (m : TransparencyMode) (x : MetaM α) : MetaM α :=
  fun c => x { c with keyedConfig := Config.toConfigWithKey { transparency := m } }

/-- Stands in for `withOptions`. -/
def withPrinting (o : Options) (x : CoreM α) : CoreM α := fun c s => x { c with options := o } s

/-- Enters a binder `n` of type `t`: `k` gets the variable and the body. Stands in for `withLocalDecl`. -/
def enterNamed (n : Name) (t body : Expr) (k : FVarId → Expr → MetaM α) : MetaM α := do
  let f ← mkFreshFVarId
  let run : MetaM α := k f (body.instantiate1 (.fvar f))
  fun c => run { c with lctx := c.lctx.mkLocalDecl f n t }

/-- Enters a binder whose name does not matter. -/
def enterBinder (t body : Expr) (k : FVarId → Expr → MetaM α) : MetaM α := enterNamed `x t body k

/-- Runs `x` with a budget of its own, in thousands of heartbeats (Lean's unit). A budget is the
same on every machine; a clock is not. -/
def withBudget (thousands : Nat) (x : MetaM α) : MetaM α := do
  let now ← IO.getNumHeartbeats
  fun mc ms c s => x mc ms { c with initHeartbeats := now, maxHeartbeats := thousands * 1000 } s

/-- The context of every run of `CoreM`. -/
def coreContext (thousands : Nat) (o : Options := {}) : Core.Context :=
  { fileName := "<alchemy>", fileMap := default, maxHeartbeats := thousands * 1000, options := o }

/-- Runs `x` in `env`; an error comes back as its text. -/
def runMeta (env : Environment) (thousands : Nat) (x : MetaM α) : IO (Except String α) := do
  match ← ((x.run' {} {}).toIO (coreContext thousands) { env }).toIO' with
  | .ok (a, _) => return .ok a
  | .error e => return .error (toString e)

/-- The goals as Lean prints them. -/
def goalTexts : List MVarId → MetaM (List String)
  | [] => return []
  | g :: gs => do
    let text := (← ppGoal g).pretty
    return text :: (← goalTexts gs)

/-- Options from names that are switched on and off. -/
def switches (on off : List Name) : Options :=
  off.foldl (fun o n => o.setBool n false) (on.foldl (fun o n => o.setBool n true) {})

/-! ## Terms -/

/-- The head of an application, without metadata. Stands in for `Expr.getAppFn`, which stops there. -/
def headOf : Expr → Expr
  | .app f _ => headOf f
  | .mdata _ e => headOf e
  | e => e

/-- The arguments of an application, without metadata. -/
def argsOf (e : Expr) (acc : List Expr := []) : List Expr :=
  match e with
  | .app f a => argsOf f (a :: acc)
  | .mdata _ e => argsOf e acc
  | _ => acc

/-- The parameters of a constant as levels. -/
def levelsOf (info : ConstantInfo) : List Level := mapL .param info.levelParams

def isConstructor (env : Environment) (n : Name) : Bool :=
  match env.find? n with
  | some (.ctorInfo _) => true
  | _ => false

/-- The first constructor of an inductive type: of a structure, its only one. -/
def constructorOf? (env : Environment) (n : Name) : Option ConstructorVal :=
  match env.find? n with
  | some (.inductInfo v) => match v.ctors with
    | c :: _ => match env.find? c with
      | some (.ctorInfo c) => some c
      | _ => none
    | [] => none
  | _ => none

/-- A parameter of a function; its type speaks of those before it as loose variables, the last one being 0. -/
structure Parameter where
  kind : BinderInfo
  type : Expr

/-- The parameters of a function's type, as far as it shows them, and what it gives. -/
def signatureOf : Expr → List Parameter × Expr
  | .forallE _ t b i => let (ps, result) := signatureOf b; ({ kind := i, type := t } :: ps, result)
  | .mdata _ e => signatureOf e
  | e => ([], e)

/-- The constant with its own universe parameters. -/
def constantOf (info : ConstantInfo) : Expr := .const info.name (levelsOf info)

/-- Is `e` nested so deeply that recursion over it is a risk? -/
def isTooDeep (e : Expr) : Bool := e.approxDepth > 200

/-- Metadata, automatic and optional parameters erased (`autoParam p tac` becomes `p`), and bound
variables that would print as `x✝` given names that can be read back. An arrow needs no name. -/
partial def plain (e : Expr) : Expr := e.replace step
where
  /-- `replace` does not look into what it is given: erase there, too. -/
  step (e : Expr) : Option Expr :=
    match e with
    | .mdata _ b => some (plain b)
    | .app (.app (.const ``autoParam _) p) _ => some (plain p)
    | .app (.app (.const ``optParam _) p) _ => some (plain p)
    | .lam n t b i => if n.hasMacroScopes then some (.lam n.eraseMacroScopes (plain t) (plain b) i) else none
    | .forallE n t b i =>
      if n.hasMacroScopes && b.hasLooseBVar 0 && !i.isInstImplicit then some (.forallE n.eraseMacroScopes (plain t) (plain b) i)
      else none
    | _ => none

/-! ## Versions -/

/-- Is it an inductive type with one constructor, without indices and not recursive? Lean's `isStructureLike`, which is
`isNonRecStructure` from 4.30 on. -/
def isLikeStructure (env : Environment) (n : Name) : Bool :=
  match env.find? n with
  | some (.inductInfo v) => !v.isRec && v.numIndices == 0 && (match v.ctors with | [_] => true | _ => false)
  | _ => false

unsafe def allowImportUnsafe : IO Unit := do
  if System.Platform.numBits == 64 then enableInitializersExecution

/-- A library's own `initialize` (the attributes, options and extensions of Mathlib) runs where Lean is told so before each import; from
4.30 on it insists. The embedded Lean has 32 bits, and nothing but Lean's own library, which is initialized. -/
@[implemented_by allowImportUnsafe] opaque allowImport : IO Unit

/-- Of the kernel, which has had a limit to its recursion, and an option for it, since 4.33; an elaborator's would be too small for some
proofs that it makes. -/
def kernelOptions : Options := ({} : Options).setNat `maxRecDepth 10000

/-! ## JSON -/

def jsonList (xs : List Json) : Json := .arr xs.toArray
def jsonStrings (xs : List String) : Json := jsonList (mapL .str xs)
def jsonNames (xs : List Name) : Json := jsonList (mapL (fun n => .str (nameText n)) xs)
def jsonNat (n : Nat) : Json := .num (JsonNumber.fromNat n)
def jsonOpt (f : α → Json) : Option α → Json
  | some a => f a
  | none => .null

/-- A field of a request; an error that names the field where it is missing or of another type. -/
def field (j : Json) (name : String) (read : Json → Option α) : Except String α :=
  match j.getObjVal? name with
  | .ok v => match read v with
    | some a => .ok a
    | none => .error ("field `" ++ name ++ "` has another type")
  | .error _ => .error ("field `" ++ name ++ "` is missing")

def asNat : Json → Option Nat
  | .num n => if n.exponent == 0 && n.mantissa ≥ 0 then some n.mantissa.toNat else none
  | _ => none

def asBool : Json → Option Bool
  | .bool b => some b
  | _ => none

def asString : Json → Option String
  | .str s => some s
  | _ => none

def asList : Json → Option (List Json)
  | .arr a => some a.toList
  | _ => none

end Alchemy
