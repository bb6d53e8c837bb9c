import Alchemy.Portable.Names
import Alchemy.Portable.Terms

/-!
# Tokens: how the index writes terms

The index compares a lemma with a subterm of a target without asking Lean: both are written as
tokens, head first. The left-hand side of `Nat.add_comm` is the *pattern*

    R:c:HAdd.hAdd/6  c:HAdd.hAdd/6  c:Nat/0  c:Nat/0  c:Nat/0  *  ?0  ?1

A number after `/` says how many arguments follow.

| token | stands for |
|---|---|
| `*` | anything |
| `?k` | variable `k` of the lemma: anything, but the same at each `?k` |
| `c:N/n` | the constant `N` applied to `n` arguments |
| `b:i/n` | a variable bound inside the pattern; the outermost binder is 1 |
| `v:x` | a variable of the target |
| `L/1`, `P/2` | `fun`, with its body; a function type, with its two sides |
| `S` | a sort: `Prop`, `Type u` |
| `n:5`, `s:4` | the natural number 5; a string of 4 characters |
| `off:1/1` | `t + 1`, then `t`; likewise `off:2/1` |
| `off` | `t + k` for some `t` and some `k > 0` |
| `J:S.i/1` | field number `i` of the structure `S` |
| `if` | `ite`, `dite` or `decide` (in patterns of `apply`) |
| `R:…` | the root: the head of the whole term and its number of arguments |
-/

open Lean

namespace Alchemy

/-- `c:Nat.succ/1` for `Nat.succ` with one argument. -/
def constToken (c : Name) (n : Nat) : String := "c:" ++ nameText c ++ "/" ++ toString n

/-- `?_uniq.12`; `numbered` (`LibraryRows.lean`) numbers the variables of all patterns of a lemma.
-/
def variableToken (m : MVarId) : String := "?" ++ nameText m.name

/-- `b:1/0` for the variable of the outermost binder. `i` counts from the innermost, from 0. -/
def boundToken (bound : List FVarId) (i n : Nat) : String :=
  "b:" ++ toString (L.length bound - i) ++ "/" ++ toString n

/-- The index of a bound variable, counted from the innermost binder, from 0. -/
def placeOfVar (f : FVarId) : List FVarId → Nat → Option Nat
  | [], _ => none
  | g :: gs, i => if f == g then some i else placeOfVar f gs (i + 1)

/-- `J:Prod.0/1` for `p.1`. -/
def projectionToken (s : Name) (i : Nat) : String := "J:" ++ nameText s ++ "." ++ toString i ++ "/1"

/-- For `t + k` with larger `k` the token is `off`, and `t` is left out. -/
def maxOffset : Nat := 2

/-- `off:1/1` for `t + 1`. -/
def offsetToken (k : Nat) : String := "off:" ++ toString k ++ "/1"

/-- For `if`, `dite` and `decide`. -/
def choiceToken : String := "if"

/-- The token of the root, which `kabstract` compares before it unifies: the head as it stands and
the number of arguments. `R:c:HAdd.hAdd/6` for `a + b`. -/
def rootToken (e : Expr) : String :=
  "R:" ++ head (headOf e) ++ "/" ++ toString (L.length (argsOf e))
where
  head : Expr → String
    | .const n _ => "c:" ++ nameText n
    | .fvar _ => "v"
    | .mvar _ => "?"
    | .sort _ => "S"
    | .lam .. => "L"
    | .forallE .. => "P"
    | .lit (.natVal n) => "n:" ++ toString n
    | .lit (.strVal _) => "s"
    | .proj s i _ => "J:" ++ nameText s ++ "." ++ toString i
    | .letE .. => "E"
    | .mdata _ e => head e
    | .app .. | .bvar _ => "#"

end Alchemy
