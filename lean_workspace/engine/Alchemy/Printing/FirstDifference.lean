import Alchemy.Portable.Terms

/-!
# The first place where two terms differ

A text that Lean printed may read back as another term: a cast is read at another place, a numeral
has another type, unification finds another implicit argument. `firstDifference` compares the term
that was printed with the one that was read, and returns the path to the first subterm that differs.
What `Marks.lean` then prints there in more detail is that subterm alone.

Positions are those of `Lean.SubExpr.Pos`: child `i` of `p` is `4 * p + i`. The function of an
application is its child 0, the argument its child 1; the type of a binder is child 0, its body
child 1. In `f a b` at 1, `b` stands at 5, `f` at 16 and `a` at 17.
-/

open Lean

namespace Alchemy

/-- What a difference is at, which decides what may mend it. -/
inductive NodeKind where
  /-- `fun`, `∀`, `let`: the type of the variable may be written. -/
  | binder
  /-- A constructor, or an access with a proof: its notation hides what must be written. -/
  | application
  /-- A `match`. Where its notation does not read back, the function that Lean made of it does. -/
  | matcher
  /-- An application whose implicit arguments do not follow from a type. -/
  | implicit
  /-- A constant whose universes differ. -/
  | levels
  | term

/-- A subterm by its position; `fn` is the position of its head. -/
structure TermNode where
  position : Nat
  fn : Nat
  kind : NodeKind

/-- Do the implicit arguments of `n` follow from the type of its application? They do for casts,
numerals and the functions of a class. -/
def followFromType (env : Environment) (n : Name) : Bool :=
  [``Nat.cast, ``Int.cast].contains n || (match env.getProjectionFnInfo? n with
    | some i => i.fromClass
    | none => false)

/-- The node of `e`, which stands at `position` and differs from `other` in its head or its explicit
arguments; with `implicit` in the others. Where `other` is `sorry`, because it could not be
elaborated, writing the type helps only a cast or a numeral. -/
def nodeOf (env : Environment) (e other : Expr) (position : Nat) (implicit : Bool) : TermNode :=
  { position, fn := position * 4 ^ L.length (argsOf e), kind }
where
  kind : NodeKind := match headOf e with
    | .const n _ =>
      if n == ``GetElem.getElem || isConstructor env n then .application
      else if Meta.isMatcherCore env n then .matcher
      else if followFromType env n then .term
      else if implicit then .implicit
      else if (headOf other).isConstOf ``sorryAx then .application
      else .term
    | _ => .term

/-- The binder kinds of a constant's parameters. -/
def headKinds (env : Environment) (fn : Expr) : List BinderInfo :=
  match fn with
  | .const n _ => match env.find? n with
    | some info => L.map (·.kind) (signatureOf info.type).1
    | none => []
  | _ => []

/-- Is the next argument explicit? Arguments beyond the known kinds are. -/
def isNextExplicit : List BinderInfo → Bool
  | k :: _ => k.isExplicit
  | [] => true

/-- The position of argument `i` of an application of `n` arguments at `p`. -/
def argumentAt (p n i : Nat) : Nat := down p (n - 1 - i) * 4 + 1
where
  down (p : Nat) : Nat → Nat
    | 0 => p
    | k + 1 => down (p * 4) k

/-- Is it the same leaf, universes aside? -/
def isSameLeaf (a b : Expr) : Bool :=
  match a, b with
  | .const m _, .const n _ => m == n
  | .sort _, .sort _ => true
  | a, b => a == b

/-- Are the universes of two equal leaves the same? -/
def haveSameLevels (a b : Expr) : Bool :=
  match a, b with
  | .const _ ls, .const _ ks => ls == ks
  | .sort l, .sort k => l == k
  | _, _ => true

mutual
/-- The path to the first subterm of `a` that differs from `b`, the innermost node first and `above`
at its end; `[]` where none differs. Explicit arguments are compared before implicit ones, which
follow from them. Universes are compared only if `levels` says so: most often the proof settles what
elaboration of the statement left open. -/
partial def firstDifference (env : Environment) (levels : Bool) (a b : Expr) (p : Nat)
    (above : List TermNode) : List TermNode :=
  if a == b then [] else
  match a, b with
  | .mdata _ a, b => firstDifference env levels a b p above
  | a, .mdata _ b => firstDifference env levels a b p above
  | .forallE _ t c _, .forallE _ t' c' _ =>
    let above := { position := p, fn := p, kind := .binder } :: above
    match firstDifference env levels t t' (4 * p) above with
    | [] => firstDifference env levels c c' (4 * p + 1) above
    | found => found
  | .lam _ t c _, .lam _ t' c' _ =>
    let binder := { position := p, fn := p, kind := .binder }
    match firstDifference env levels t t' (4 * p) above with
    | [] => firstDifference env levels c c' (4 * p + 1) (binder :: above)
    | found => binder :: found  -- Lean prints the type only where the binder is marked
  | .letE _ t v c _, .letE _ t' v' c' _ =>
    let above := { position := p, fn := p, kind := .binder } :: above
    match firstDifference env levels t t' (4 * p) above with
    | [] => match firstDifference env levels v v' (4 * p + 1) above with
      | [] => firstDifference env levels c c' (4 * p + 2) above
      | found => found
    | found => found
  | .app .., .app .. =>
    let as := argsOf a
    let bs := argsOf b
    let here := nodeOf env a b p false :: above
    if !isSameLeaf (headOf a) (headOf b) || L.length as != L.length bs then here else
    let kinds := headKinds env (headOf a)
    match firstDifferenceIn env levels as bs kinds true p (L.length as) 0 here with
    | [] => match firstDifferenceIn env levels as bs kinds false p (L.length as) 0 here with
      | [] =>
        if levels && !haveSameLevels (headOf a) (headOf b) then
          { nodeOf env a b p false with kind := .levels } :: above
        else []
      | _ => nodeOf env a b p true :: above
    | found => found
  | a, b =>
    if !isSameLeaf a b then nodeOf env a b p false :: above
    else if levels && !haveSameLevels a b then
      { nodeOf env a b p false with kind := .levels } :: above
    else []
/-- The first difference among the arguments that are explicit, or among the others; `i` is the
index of the first one, of `n`. -/
partial def firstDifferenceIn (env : Environment) (levels : Bool) (as bs : List Expr)
    (kinds : List BinderInfo) (explicit : Bool) (p n i : Nat) (above : List TermNode) :
    List TermNode :=
  match as, bs with
  | a :: as, b :: bs =>
    match if isNextExplicit kinds == explicit then
        firstDifference env levels a b (argumentAt p n i) above else [] with
    | [] => firstDifferenceIn env levels as bs (L.drop 1 kinds) explicit p n (i + 1) above
    | found => found
  | _, _ => []
end

end Alchemy
