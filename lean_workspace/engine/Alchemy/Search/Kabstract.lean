import Alchemy.Search.Tokens

/-!
# What `rw` looks at: the subterms that `kabstract` compares

`rw` replaces the instances of a pattern that `Lean.Meta.kabstract` finds: it compares the head and
the number of arguments of each subterm with the pattern's (`rootToken`), and unifies where they
agree. `kabstract` itself has no code in the embedded Lean. These functions do what it does on terms
that are equal, and list the subterms that it would compare.
-/

open Lean Meta

namespace Alchemy

/-- Adds the subterms that `kabstract` compares, each once: no free variables, and nothing that
mentions a variable bound inside `e`. -/
partial def subterms (e : Expr) (acc : List Expr) : List Expr :=
  let acc := if e.hasLooseBVars || skip e || acc.contains e then acc else e :: acc
  match e with
  | .app f a => subterms a (subterms f acc)
  | .lam _ t b _ => subterms b (subterms t acc)
  | .forallE _ t b _ => subterms b (subterms t acc)
  | .letE _ t v b _ => subterms b (subterms v (subterms t acc))
  | .mdata _ e => subterms e acc
  | .proj _ _ e => subterms e acc
  | _ => acc
where
  skip : Expr → Bool
    | .mdata .. | .fvar _ => true
    | _ => false

/-- `e` with the bound variable `i` for each `s` in it. -/
partial def abstractTerm (e s : Expr) (i : Nat) : Expr :=
  if e == s then .bvar i
  else match e with
    | .app f a => .app (abstractTerm f s i) (abstractTerm a s i)
    | .lam n t b k => .lam n (abstractTerm t s i) (abstractTerm b s (i + 1)) k
    | .forallE n t b k => .forallE n (abstractTerm t s i) (abstractTerm b s (i + 1)) k
    | .mdata d b => .mdata d (abstractTerm b s i)
    | .proj n j b => .proj n j (abstractTerm b s i)
    | _ => e

/-- Would `rw` be type correct if it replaced `s` in `e`? The motive `fun x => e = e[x/s]` is the
same for every lemma, so it is checked once for each subterm. -/
def hasMotive (e s : Expr) : MetaM Bool := do
  try
    let eq ← mkEq e e
    isTypeCorrect (.lam `_a (← inferType s) (.app eq.appFn! (abstractTerm e s 0)) .default)
  catch _ => return false

/-- The subterms that unify with the pattern `p`, in the order in which `kabstract` meets them. The
metavariables of `p` are as before. -/
def instancesOf (p : Expr) : List Expr → MetaM (List Expr)
  | [] => return []
  | s :: ss => do
    let mctx ← getMCtx
    let fits ← if rootToken s == rootToken p then (try isDefEq s p catch _ => pure false)
      else pure false
    setMCtx mctx
    let rest ← instancesOf p ss
    return if fits then s :: rest else rest

end Alchemy
