import Alchemy.Portable

/-!
# Where a text must say more

A text that Lean printed may read back as another term, or not at all: a cast is read somewhere else, a numeral of
another type, an implicit argument that unification finds otherwise. Then the first subterm that differs is marked, and
printed with its type, without notation or explicitly, it alone, until the text reads back. The delaborator takes options by
position (`Lean.PrettyPrinter.Delaborator.OptionsPerPos`); positions are those of `Lean.SubExpr.Pos`: child `i` of
`p` is `4 * p + i`, the function of an application its child 0, the argument its child 1.
-/

open Lean

namespace Alchemy

/-- How two terms differ at a node, which says what writing more there can mend. -/
inductive Head where
  /-- `fun`, `∀`, `let`: the type of the variable may be written -/
  | binder
  /-- a constructor or an access with a proof, whose notation hides what must be said -/
  | application
  /-- a `match`; if not as it is, it reads back as the function that Lean made of it -/
  | matcher
  /-- implicit arguments that a type does not tell -/
  | implicit
  /-- universes -/
  | levels
  | term

/-- A node of a term; `fn` is the position of its head. -/
structure Node where
  position : Nat
  fn : Nat
  head : Head

/-- Does the type of an application tell its implicit arguments? So it is for casts, numerals and the functions of a class. -/
def isToldByType (env : Environment) (n : Name) : Bool :=
  anyL (· == n) [``Nat.cast, ``Int.cast] || (match env.getProjectionFnInfo? n with
    | some i => i.fromClass
    | none => false)

/-- A node `e` whose head or explicit arguments differ from those of `other`, or, with `implicit`, whose other arguments do.
What could not be elaborated is `sorry`: there a type says nothing, unless it is a cast or a numeral. -/
def nodeOf (env : Environment) (e other : Expr) (position : Nat) (implicit : Bool) : Node :=
  { position, fn := position * 4 ^ count (argsOf e), head }
where
  head : Head := match headOf e with
    | .const n _ =>
      if n == ``GetElem.getElem || isConstructor env n then .application
      else if Meta.isMatcherCore env n then .matcher
      else if isToldByType env n then .term
      else if implicit then .implicit
      else if (headOf other).isConstOf ``sorryAx then .application
      else .term
    | _ => .term

/-- The binder kinds of a constant, as far as its type shows them. -/
def headKinds (env : Environment) (fn : Expr) : List BinderInfo :=
  match fn with
  | .const n _ => match env.find? n with
    | some info => mapL (·.kind) (signatureOf info.type).1
    | none => []
  | _ => []

/-- Is the argument that these kinds begin with explicit? So are those beyond the kinds. -/
def isNextExplicit : List BinderInfo → Bool
  | k :: _ => k.isExplicit
  | [] => true

/-- The position of argument `i` of an application of `n` arguments at `p`. -/
def argumentAt (p n i : Nat) : Nat := down p (n - 1 - i) * 4 + 1
where
  down (p : Nat) : Nat → Nat
    | 0 => p
    | k + 1 => down (p * 4) k

/-- The same leaf, universes aside. -/
def agree (a b : Expr) : Bool :=
  match a, b with
  | .const m _, .const n _ => m == n
  | .sort _, .sort _ => true
  | a, b => a == b

/-- Are the universes the same, too? -/
def agreeLevels (a b : Expr) : Bool :=
  match a, b with
  | .const _ ls, .const _ ks => ls == ks
  | .sort l, .sort k => l == k
  | _, _ => true

mutual
/-- The path to the first subterm of `a` that differs from `b`, innermost node first; `[]` where none does. What
a reader sees goes first: an explicit argument before the implicit ones, which follow from it. Universes count if `levels`:
what elaboration left open is settled by the proof, most often. -/
partial def differ (env : Environment) (levels : Bool) (a b : Expr) (p : Nat) (above : List Node) : List Node :=
  if a == b then [] else
  match a, b with
  | .mdata _ a, b => differ env levels a b p above
  | a, .mdata _ b => differ env levels a b p above
  | .forallE _ t c _, .forallE _ t' c' _ =>
    let above := { position := p, fn := p, head := .binder } :: above
    match differ env levels t t' (4 * p) above with
    | [] => differ env levels c c' (4 * p + 1) above
    | found => found
  | .lam _ t c _, .lam _ t' c' _ =>
    let binder := { position := p, fn := p, head := .binder }
    match differ env levels t t' (4 * p) above with
    | [] => differ env levels c c' (4 * p + 1) (binder :: above)
    | found => binder :: found  -- the type is not printed at all unless the binder says so
  | .letE _ t v c _, .letE _ t' v' c' _ =>
    let above := { position := p, fn := p, head := .binder } :: above
    match differ env levels t t' (4 * p) above with
    | [] => match differ env levels v v' (4 * p + 1) above with
      | [] => differ env levels c c' (4 * p + 2) above
      | found => found
    | found => found
  | .app .., .app .. =>
    let as := argsOf a
    let bs := argsOf b
    let here := nodeOf env a b p false :: above
    if !agree (headOf a) (headOf b) || count as != count bs then here else
    let kinds := headKinds env (headOf a)
    match differAt env levels as bs kinds true p (count as) 0 here with
    | [] => match differAt env levels as bs kinds false p (count as) 0 here with
      | [] => if levels && !agreeLevels (headOf a) (headOf b) then { nodeOf env a b p false with head := .levels } :: above else []
      | _ => nodeOf env a b p true :: above
    | found => found
  | a, b =>
    if !agree a b then nodeOf env a b p false :: above
    else if levels && !agreeLevels a b then { nodeOf env a b p false with head := .levels } :: above
    else []
/-- The first difference among the arguments that are explicit, or among the others. -/
partial def differAt (env : Environment) (levels : Bool) (as bs : List Expr) (kinds : List BinderInfo) (explicit : Bool) (p n i : Nat)
    (above : List Node) : List Node :=
  match as, bs with
  | a :: as, b :: bs =>
    match if isNextExplicit kinds == explicit then differ env levels a b (argumentAt p n i) above else [] with
    | [] => differAt env levels as bs (dropL kinds 1) explicit p n (i + 1) above
    | found => found
  | _, _ => []
end

/-- How a mark writes its node, each rung more than the one before. -/
inductive Rung where
  /-- in parentheses: a `do` block at the end of a statement would go on into the proof -/
  | enclosed
  /-- with its type: `(↑n : Int)`; a binder with the type of its variable -/
  | typed
  /-- as a function of its arguments, without notation: `getElem xs i h`, `UInt8.ofBitVec x` -/
  | plain
  | explicit
  /-- `List.nil.{u}` -/
  | universes
  | everything

/-- What to try at a node, in order. A type says nothing about a proof or the fields of a structure. -/
def rungsOf : Head → List Rung
  | .binder => [.typed]
  | .term => [.typed, .plain, .explicit, .everything]
  | .application | .matcher => [.plain, .explicit, .everything]
  | .implicit => [.explicit, .everything]
  | .levels => [.universes, .everything]

structure Mark where
  node : Node
  rung : Rung

def markAt (p : Nat) : List Mark → Option Rung
  | [] => none
  | m :: ms => if m.node.position == p then some m.rung else markAt p ms

/-- The order of the rungs. -/
def Rung.place : Rung → Nat
  | .enclosed => 0
  | .typed => 1
  | .plain => 2
  | .explicit => 3
  | .universes => 4
  | .everything => 5

/-- The first rung that says more than `r`. -/
def nextRung (r : Option Rung) : List Rung → Option Rung
  | [] => none
  | x :: xs => match r with
    | none => some x
    | some r => if r.place < x.place then some x else nextRung (some r) xs

/-- One rung more at the innermost node of the path that has one left; `none` where none has. -/
def strengthen (marks : List Mark) : List Node → Option (List Mark)
  | [] => none
  | n :: ns =>
    match nextRung (markAt n.position marks) (rungsOf n.head) with
    | some rung => some ({ node := n, rung } :: keep (fun m => m.node.position != n.position) marks)
    | none => strengthen marks ns

/-! ## Walking through a term -/

mutual
/-- The applications and constants in `e`, which stands at `p`, with their positions, the last one first. -/
partial def nodesIn (e : Expr) (p : Nat) (acc : List (Expr × Nat)) : List (Expr × Nat) :=
  match e with
  | .forallE _ t b _ | .lam _ t b _ => nodesIn b (4 * p + 1) (nodesIn t (4 * p) acc)
  | .letE _ t v b _ => nodesIn b (4 * p + 2) (nodesIn v (4 * p + 1) (nodesIn t (4 * p) acc))
  | .mdata _ e => nodesIn e p acc
  | .app .. | .const .. => let as := argsOf e; nodesInAll as p (count as) 0 ((e, p) :: acc)
  | _ => acc
partial def nodesInAll (as : List Expr) (p n i : Nat) (acc : List (Expr × Nat)) : List (Expr × Nat) :=
  match as with
  | [] => acc
  | a :: as => nodesInAll as p n (i + 1) (nodesIn a (argumentAt p n i) acc)
end

/-! ## Marks for a text that does not parse -/

def enclosed (position : Nat) : Mark := { node := { position, fn := position, head := .term }, rung := .enclosed }

/-- Adds a mark to those of the same constant. -/
def addMark (n : Name) (m : Mark) : List (Name × List Mark) → List (Name × List Mark)
  | [] => [(n, [m])]
  | (k, ms) :: rest => if k == n then (k, m :: ms) :: rest else (k, ms) :: addMark n m rest

/-- For each constant the marks that write it without notation. -/
def marksByHead (env : Environment) (e : Expr) (p : Nat) : List (List Mark) :=
  mapL (·.2) <| (rev (nodesIn e p [])).foldl (init := []) fun acc (e, p) => match headOf e with
    | .const n _ => addMark n { node := nodeOf env e e p false, rung := .plain } acc
    | _ => acc

end Alchemy
