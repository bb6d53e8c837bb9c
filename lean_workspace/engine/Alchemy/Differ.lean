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

/-- What stands at a node, as far as printing it another way is concerned. -/
inductive Head where
  /-- `fun`, `∀`, `let`: the type of the variable may be written -/
  | binder
  /-- a constructor or an access with a proof, whose notation hides what must be said -/
  | application
  | term

/-- A node of a term. -/
structure Node where
  position : Nat
  head : Head

def nodeOf (env : Environment) (e : Expr) (position : Nat) : Node :=
  match headOf e with
  | .const n _ =>
    let hidden := n == ``GetElem.getElem || (match env.find? n with
      | some (.ctorInfo _) => true
      | _ => false)
    { position, head := if hidden then .application else .term }
  | _ => { position, head := .term }

/-- The binder kinds of a constant, as far as its type shows them. -/
def bindersOf : Expr → List BinderInfo
  | .forallE _ _ b i => i :: bindersOf b
  | .mdata _ e => bindersOf e
  | _ => []

def headKinds (env : Environment) (fn : Expr) : List BinderInfo :=
  match fn with
  | .const n _ => match env.find? n with
    | some info => bindersOf info.type
    | none => []
  | _ => []

/-- The position of argument `i` of an application of `n` arguments at `p`. -/
def argumentAt (p n i : Nat) : Nat := down p (n - 1 - i) * 4 + 1
where
  down (p : Nat) : Nat → Nat
    | 0 => p
    | k + 1 => down (p * 4) k

/-- Is it the same level, as far as `b` says? -/
def agreeLevels : List Level → List Level → Bool
  | [], [] => true
  | a :: as, b :: bs => (b.hasMVar || a == b) && agreeLevels as bs
  | _, _ => false

/-- The same leaf, as far as the universes of `b` are known. -/
def agree (a b : Expr) : Bool :=
  match a, b with
  | .const m ls, .const n ks => m == n && agreeLevels ls ks
  | .sort l, .sort k => k.hasMVar || l == k
  | a, b => a == b

mutual
/-- The path to the first subterm of `a` that differs from `b`, innermost node first; `[]` where none does. What
a reader sees goes first: an explicit argument before the implicit ones, which follow from it. -/
partial def differ (env : Environment) (a b : Expr) (p : Nat) (above : List Node) : List Node :=
  if a == b then [] else
  match a, b with
  | .mdata _ a, b => differ env a b p above
  | a, .mdata _ b => differ env a b p above
  | .forallE _ t c _, .forallE _ t' c' _ | .lam _ t c _, .lam _ t' c' _ =>
    let above := { position := p, head := .binder } :: above
    match differ env t t' (4 * p) above with
    | [] => differ env c c' (4 * p + 1) above
    | found => found
  | .letE _ t v c _, .letE _ t' v' c' _ =>
    let above := { position := p, head := .binder } :: above
    match differ env t t' (4 * p) above with
    | [] => match differ env v v' (4 * p + 1) above with
      | [] => differ env c c' (4 * p + 2) above
      | found => found
    | found => found
  | .app .., .app .. =>
    let as := argsOf a
    let bs := argsOf b
    let here := nodeOf env a p :: above
    if !agree (headOf a) (headOf b) || count as != count bs then here else
    let kinds := headKinds env (headOf a)
    match differAt env as bs kinds true p (count as) 0 here with
    | [] => match differAt env as bs kinds false p (count as) 0 here with
      | [] => []
      | _ => here
    | found => found
  | a, b => if agree a b then [] else nodeOf env a p :: above
/-- The first difference among the arguments that are explicit, or among the others. -/
partial def differAt (env : Environment) (as bs : List Expr) (kinds : List BinderInfo) (explicit : Bool) (p n i : Nat)
    (above : List Node) : List Node :=
  match as, bs with
  | a :: as, b :: bs =>
    let isExplicit := match kinds with
      | k :: _ => k.isExplicit
      | [] => true
    match if isExplicit == explicit then differ env a b (argumentAt p n i) above else [] with
    | [] => differAt env as bs (dropL kinds 1) explicit p n (i + 1) above
    | found => found
  | _, _ => []
end

/-- How a mark writes its node, each rung more than the one before. -/
inductive Rung where
  /-- with its type: `(↑n : Int)`; a binder with the type of its variable -/
  | typed
  /-- as a function of its arguments, without notation: `getElem xs i h`, `UInt8.ofBitVec x` -/
  | plain
  | explicit
  | universes
deriving BEq

/-- What to try at a node, in order. A type says nothing about a proof or the fields of a structure. -/
def rungsOf : Head → List Rung
  | .binder => [.typed]
  | .term => [.typed, .plain, .explicit, .universes]
  | .application => [.plain, .explicit, .universes]

structure Mark where
  node : Node
  rung : Rung

def markAt (p : Nat) : List Mark → Option Rung
  | [] => none
  | m :: ms => if m.node.position == p then some m.rung else markAt p ms

/-- The rung after `r`, or the first. -/
def nextRung (r : Option Rung) : List Rung → Option Rung
  | [] => none
  | x :: xs => match r with
    | none => some x
    | some r => if r == x then nextRung none xs else nextRung (some r) xs

/-- One rung more at the innermost node of the path that has one left; `none` where none has. -/
def strengthen (marks : List Mark) : List Node → Option (List Mark)
  | [] => none
  | n :: ns =>
    match nextRung (markAt n.position marks) (rungsOf n.head) with
    | some rung => some ({ node := n, rung } :: keep (fun m => m.node.position != n.position) marks)
    | none => strengthen marks ns

end Alchemy
