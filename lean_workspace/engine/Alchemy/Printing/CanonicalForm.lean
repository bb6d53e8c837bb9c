import Alchemy.Portable.Names
import Alchemy.Portable.Terms

/-!
# The canonical form of a statement

Two statements count as the same when they differ only in the names and kinds of binders, in
metadata, in the names of universe parameters, or in the order of independent hypotheses.
`canonical` writes a closed type as a text such that equal texts mean the same statement. The digest
of that text is the *statement key* of the corpus.

The text is a sequence of tokens, separated by tabs, in prefix order. `∀ n : Nat, n = n` is
`∀ c Nat 0 @3 c Eq 1 + 0 c Nat 0 #0 #0`.

| token | what follows | meaning |
|---|---|---|
| `∀` | type, body | a leading binder that the body mentions, as variable 0 |
| `→` | type, rest | a hypothesis that nothing mentions; these are sorted, and are no variables |
| `#i` | | the bound variable `i`, counted from the innermost binder |
| `c` | name, number of levels, levels | a constant |
| `@n` | head, `n` arguments | an application |
| `λ`, `Π`, `let` | type, (value,) body | a binder inside the statement |
| `Sort` | level | |
| `.i` | name, term | field number `i` of the structure |
| `n:5`, `s:"a"` | | a literal |

A level is `0`, `+` with a level, `max` or `imax` with two levels, or `u0`, `u1`, …: a parameter, by
order of occurrence.
-/

open Lean

namespace Alchemy

/-! ## Terms as tokens -/

/-- What is written so far; the last token and the last universe parameter stand first. -/
structure TokenWriter where
  tokens : List String := []
  levels : List Name := []
  /-- How many more tokens may be written. Lean shares equal parts of a term; written as a tree it
  can be much larger. -/
  fuel : Nat := 50000

/-- Writes one token. -/
def TokenWriter.put (w : TokenWriter) (token : String) : TokenWriter :=
  { w with tokens := token :: w.tokens, fuel := w.fuel - 1 }

/-- The tokens as one text. They are joined at the end: a text that grew inside the structure would
be copied with each token. -/
def TokenWriter.text (w : TokenWriter) : String :=
  match L.reverse w.tokens with
  | [] => ""
  | t :: ts => ts.foldl (fun s t => s ++ "\t" ++ t) t

/-- The number of a universe parameter: 0 for the one that occurred first. -/
def levelNumber? (n : Name) : List Name → Option Nat
  | [] => none
  | m :: ms => if m == n then some (L.length ms) else levelNumber? n ms

def writeLevel (l : Level) (w : TokenWriter) : TokenWriter :=
  match l with
  | .zero => w.put "0"
  | .succ l => writeLevel l (w.put "+")
  | .max a b => writeLevel b (writeLevel a (w.put "max"))
  | .imax a b => writeLevel b (writeLevel a (w.put "imax"))
  | .param n =>
    match levelNumber? n w.levels with
    | some i => w.put ("u" ++ toString i)
    | none =>
      { w with levels := n :: w.levels }.put ("u" ++ toString (L.length w.levels))
  | .mvar _ => w.put "?"

def writeLevels : List Level → TokenWriter → TokenWriter
  | [], w => w
  | l :: ls, w => writeLevels ls (writeLevel l w)

mutual
partial def writeTerm (e : Expr) (w : TokenWriter) : TokenWriter :=
  if w.fuel == 0 then w else
  match e with
  | .bvar i => w.put ("#" ++ toString i)
  | .const n ls =>
    writeLevels ls (((w.put "c").put (nameText n)).put (toString (L.length ls)))
  | .app .. =>
    let as := argsOf e
    writeTerms as (writeTerm (headOf e) (w.put ("@" ++ toString (L.length as))))
  | .lam _ t b _ => writeTerm b (writeTerm t (w.put "λ"))
  | .forallE _ t b _ => writeTerm b (writeTerm t (w.put "Π"))
  | .letE _ t v b _ => writeTerm b (writeTerm v (writeTerm t (w.put "let")))
  | .sort l => writeLevel l (w.put "Sort")
  | .lit (.natVal n) => w.put ("n:" ++ toString n)
  | .lit (.strVal s) => w.put ("s:" ++ (Json.str s).compress)
  | .mdata _ e => writeTerm e w
  | .proj n i e => writeTerm e ((w.put ("." ++ toString i)).put (nameText n))
  | .fvar _ | .mvar _ => w.put "?"
partial def writeTerms (es : List Expr) (w : TokenWriter) : TokenWriter :=
  match es with
  | [] => w
  | e :: es => writeTerms es (writeTerm e w)
end

/-! ## Hypotheses in a fixed order -/

/-- A statement whose leading binders are taken apart. Those that something mentions are written at
once. The others, the independent hypotheses, are kept. -/
structure SplitStatement where
  writer : TokenWriter
  /-- How many binders are written. -/
  depth : Nat := 0
  /-- The independent hypotheses, the last one first, each with the number of written binders before
  it. -/
  independent : List (Nat × Expr) := []

/-- The leading binders taken apart, and the conclusion. -/
partial def splitBinders (e : Expr) (s : SplitStatement) : SplitStatement × Expr :=
  match e with
  | .forallE _ t b _ =>
    if b.hasLooseBVar 0 then
      splitBinders b { s with writer := writeTerm t (s.writer.put "∀"), depth := s.depth + 1 }
    else
      splitBinders (b.lowerLooseBVars 1 1)
        { s with independent := (s.depth, t) :: s.independent }
  | .mdata _ e => splitBinders e s
  | e => (s, e)

/-- An independent hypothesis and its text. The universes that the binders and the conclusion do not
mention are numbered afresh in it. -/
abbrev WrittenHypothesis := String × Expr

/-- The whole statement, with the hypotheses in this order. -/
def writeStatement (w : TokenWriter) (conclusion : Expr) : List WrittenHypothesis → TokenWriter
  | [] => writeTerm conclusion w
  | (_, t) :: hs => writeStatement (writeTerm t (w.put "→")) conclusion hs

def isSorted : List WrittenHypothesis → Bool
  | a :: b :: hs => a.1 ≤ b.1 && isSorted (b :: hs)
  | _ => true

/-- The one with the least text. -/
def withLeastText : List TokenWriter → TokenWriter → TokenWriter
  | [], best => best
  | w :: ws, best => withLeastText ws (if w.text < best.text then w else best)

/-- Of more hypotheses than this not all orders are compared. -/
def maxTied : Nat := 5

/-- The canonical form of a closed type; `none` if it is too large to be written as a tree. -/
def canonical (type : Expr) : Option String :=
  let (s, conclusion) := splitBinders (plain type) { writer := {} }
  -- The universes of the binders and the conclusion are numbered before the hypotheses are sorted.
  let levels := (writeTerm conclusion { s.writer with tokens := [] }).levels
  let texts := L.map (fun (d, t) =>
    let t := t.liftLooseBVars 0 (s.depth - d)
    ((writeTerm t { levels, fuel := s.writer.fuel }).text, t)) s.independent
  let hypotheses := L.mergeSort texts fun a b => a.1 ≤ b.1
  let start := { s.writer with levels }
  let written := writeStatement start conclusion hypotheses
  -- Hypotheses that differ in universes of their own have the same text. Of their orders the one
  -- that gives the least statement is taken.
  let isTied := L.length written.levels != L.length levels && L.length hypotheses ≤ maxTied
  let written := if isTied then
      let orders := L.filter isSorted (L.permutations' hypotheses)
      withLeastText (L.map (writeStatement start conclusion) orders) written
    else written
  if written.fuel == 0 then none else some written.text

end Alchemy
