import Alchemy.Portable

/-!
# Statements in canonical form

Two statements are the same when they differ only in the names and kinds of binders, in metadata,
in the names of universe parameters, or in the order of independent hypotheses. `canonical` writes
a closed type so that equal texts mean the same statement; its digest is the *statement key*.

The text is a sequence of tokens, separated by tabs, in prefix order:

| token | what follows it | meaning |
|---|---|---|
| `∀` | type, body | a binder that something depends on; the body counts it as variable 0 |
| `→` | type, rest | a hypothesis on which nothing depends; it is no variable of the rest. They are sorted |
| `#i` | | variable `i`, counted from the inside |
| `c name l₁ … lₙ` | | a constant with `n` levels: `c`, the name, the number of levels and the levels |
| `@n` | head, n arguments | an application |
| `λ`, `Π`, `let` | | binders inside the statement: type, (value,) body |
| `Sort` | level | |
| `.i name` | term | projection `i` of the structure |
| `n:5`, `s:"a"` | | literals |

Levels: `0`, `+` level, `max` a b, `imax` a b, `u0`, `u1`, … in order of occurrence.
-/

open Lean

namespace Alchemy

/-- The tokens so far and the universe parameters met so far, the last one first. -/
structure Ink where
  tokens : List String := []
  levels : List Name := []
  /-- Terms are trees here although Lean shares their parts: what is left before we give up. -/
  fuel : Nat := 50000

def Ink.put (ink : Ink) (token : String) : Ink :=
  { ink with tokens := token :: ink.tokens, fuel := ink.fuel - 1 }

/-- Joined at the end: a text that grows inside a structure is copied with each token. -/
def Ink.text (ink : Ink) : String :=
  match rev ink.tokens with
  | [] => ""
  | t :: ts => ts.foldl (fun s t => s ++ "\t" ++ t) t

/-- The place of a universe parameter, counted from the first one met. -/
def placeOf (n : Name) : List Name → Option Nat
  | [] => none
  | m :: ms => if m == n then some (count ms) else placeOf n ms

def inkLevel (l : Level) (ink : Ink) : Ink :=
  match l with
  | .zero => ink.put "0"
  | .succ l => inkLevel l (ink.put "+")
  | .max a b => inkLevel b (inkLevel a (ink.put "max"))
  | .imax a b => inkLevel b (inkLevel a (ink.put "imax"))
  | .param n =>
    match placeOf n ink.levels with
    | some i => ink.put ("u" ++ toString i)
    | none => { ink with levels := n :: ink.levels }.put ("u" ++ toString (count ink.levels))
  | .mvar _ => ink.put "?"

def inkLevels : List Level → Ink → Ink
  | [], ink => ink
  | l :: ls, ink => inkLevels ls (inkLevel l ink)

mutual
partial def inkTerm (e : Expr) (ink : Ink) : Ink :=
  if ink.fuel == 0 then ink else
  match e with
  | .bvar i => ink.put ("#" ++ toString i)
  | .const n ls => inkLevels ls (((ink.put "c").put (nameText n)).put (toString (count ls)))
  | .app .. =>
    let as := argsOf e
    inkTerms as (inkTerm (headOf e) (ink.put ("@" ++ toString (count as))))
  | .lam _ t b _ => inkTerm b (inkTerm t (ink.put "λ"))
  | .forallE _ t b _ => inkTerm b (inkTerm t (ink.put "Π"))
  | .letE _ t v b _ => inkTerm b (inkTerm v (inkTerm t (ink.put "let")))
  | .sort l => inkLevel l (ink.put "Sort")
  | .lit (.natVal n) => ink.put ("n:" ++ toString n)
  | .lit (.strVal s) => ink.put ("s:" ++ (Json.str s).compress)
  | .mdata _ e => inkTerm e ink
  | .proj n i e => inkTerm e ((ink.put ("." ++ toString i)).put (nameText n))
  | .fvar _ | .mvar _ => ink.put "?"
partial def inkTerms (es : List Expr) (ink : Ink) : Ink :=
  match es with
  | [] => ink
  | e :: es => inkTerms es (inkTerm e ink)
end

/-- The leading binders apart: the ones that something depends on stay in order (their types are
written at once), the others are lowered out of the way and kept with the number of dependent
binders before them. -/
structure Split where
  ink : Ink
  depth : Nat := 0
  /-- (binders before it, type) -/
  free : List (Nat × Expr) := []

partial def splitBinders (e : Expr) (s : Split) : Split × Expr :=
  match e with
  | .forallE _ t b _ =>
    if b.hasLooseBVar 0 then splitBinders b { s with ink := inkTerm t (s.ink.put "∀"), depth := s.depth + 1 }
    else splitBinders (b.lowerLooseBVars 1 1) { s with free := (s.depth, t) :: s.free }
  | .mdata _ e => splitBinders e s
  | e => (s, e)

/-- A hypothesis and its text, in which universes that the binders and the conclusion lack are numbered afresh. -/
abbrev Hypothesis := String × Expr

/-- The whole statement, with the hypotheses in this order. -/
def inkAll (ink : Ink) (conclusion : Expr) : List Hypothesis → Ink
  | [] => inkTerm conclusion ink
  | (_, t) :: hs => inkAll (inkTerm t (ink.put "→")) conclusion hs

def isSorted : List Hypothesis → Bool
  | a :: b :: hs => atMost a.1 b.1 && isSorted (b :: hs)
  | _ => true

def leastText : List Ink → Ink → Ink
  | [], best => best
  | ink :: inks, best => leastText inks (if ink.text < best.text then ink else best)

/-- More orders of hypotheses than this are not compared. -/
def maxTied : Nat := 5

/-- `none` if the statement is too large to write as a tree. -/
def canonical (type : Expr) : Option String :=
  let (s, conclusion) := splitBinders (plain type) { ink := {} }
  -- The universes of the binders and the conclusion are numbered before the hypotheses are sorted.
  let levels := (inkTerm conclusion { s.ink with tokens := [] }).levels
  let hypotheses := sortL (fun a b => atMost a.1 b.1) (mapL (fun (d, t) =>
    let t := t.liftLooseBVars 0 (s.depth - d)
    ((inkTerm t { levels, fuel := s.ink.fuel }).text, t)) s.free)
  let start := { s.ink with levels }
  let ink := inkAll start conclusion hypotheses
  -- Hypotheses that differ in universes of their own have the same text: of their orders, the least statement.
  let ink := if count ink.levels == count levels || count hypotheses > maxTied then ink
    else leastText (mapL (inkAll start conclusion) (keep isSorted (permutations hypotheses))) ink
  if ink.fuel == 0 then none else some ink.text

end Alchemy
