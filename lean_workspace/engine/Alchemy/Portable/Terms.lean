import Alchemy.Portable.Lists

/-!
# Terms

Small functions on `Expr`. Several do what one of Lean's does, but look through metadata, which
Lean's functions stop at: `headOf` is `Expr.getAppFn`, `argsOf` is `Expr.getAppArgs`.
-/

open Lean

namespace Alchemy

/-- The head of an application, without metadata: of `f a b` it is `f`. -/
def headOf : Expr → Expr
  | .app f _ => headOf f
  | .mdata _ e => headOf e
  | e => e

/-- The arguments of an application, without metadata: of `f a b` they are `[a, b]`. -/
def argsOf (e : Expr) (acc : List Expr := []) : List Expr :=
  match e with
  | .app f a => argsOf f (a :: acc)
  | .mdata _ e => argsOf e acc
  | _ => acc

/-! ## Constants -/

/-- The universe parameters of a constant as levels. -/
def levelsOf (info : ConstantInfo) : List Level := L.map .param info.levelParams

/-- The constant with its own universe parameters: `List.map.{u, v}`. -/
def constantOf (info : ConstantInfo) : Expr := .const info.name (levelsOf info)

/-- Is `n` a constructor? `Nat.succ` is one. -/
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

/-- A parameter of a function. Its type may mention the parameters before it as loose bound
variables; the one just before it is variable 0. -/
structure Parameter where
  kind : BinderInfo
  type : Expr

/-- The parameters that the type of a function shows, and its result: of
`{α : Type} → List α → Nat`, the parameters `α` and the list, and `Nat`. -/
def signatureOf : Expr → List Parameter × Expr
  | .forallE _ t b i =>
    let (ps, result) := signatureOf b
    ({ kind := i, type := t } :: ps, result)
  | .mdata _ e => signatureOf e
  | e => ([], e)

/-! ## Binders -/

/-- The names of the leading binders of a closed type: of `∀ a b, a = b`, `a` and `b`. A `let` or
`have` ends them. -/
def binderNames : Expr → List Name
  | .forallE n _ b _ => n :: binderNames b
  | .mdata _ e => binderNames e
  | _ => []

/-- Gives the leading binders of a closed type or function these names. -/
def renameBinders (e : Expr) (names : List Name) : Expr :=
  match e, names with
  | .forallE _ t b i, n :: ns => .forallE n t (renameBinders b ns) i
  | .lam _ t b i, n :: ns => .lam n t (renameBinders b ns) i
  | e, _ => e

/-- Is `e` nested so deeply that recursion over it is a risk? -/
def isTooDeep (e : Expr) : Bool := e.approxDepth > 200

/-- `e` without metadata and without automatic and optional parameters: `autoParam p tac` becomes
`p`. A bound variable that Lean would print as `x✝` is named `x`; an arrow needs no name. -/
partial def plain (e : Expr) : Expr := e.replace step
where
  /-- `replace` does not look into what `step` returns, so `step` does. -/
  step (e : Expr) : Option Expr :=
    match e with
    | .mdata _ b => some (plain b)
    | .app (.app (.const ``autoParam _) p) _ => some (plain p)
    | .app (.app (.const ``optParam _) p) _ => some (plain p)
    | .lam n t b i =>
      if n.hasMacroScopes then some (.lam n.eraseMacroScopes (plain t) (plain b) i) else none
    | .forallE n t b i =>
      if n.hasMacroScopes && b.hasLooseBVar 0 && !i.isInstImplicit then
        some (.forallE n.eraseMacroScopes (plain t) (plain b) i)
      else none
    | _ => none

end Alchemy
