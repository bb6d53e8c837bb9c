import Alchemy.Search.Tokens

/-!
# Spellings: patterns with parts that count only while a variable is no number

In the pattern of `?k + ?n = …` for `apply`, the part `?k + ?n` reduces to `?k` once unification has
assigned `?n := 0` elsewhere; then it fits every number (`openRecursion`). While the pattern is
made, such a part stands between the tokens `(?n` and `)`. Afterwards the pattern is spelled out in
both ways: with the part as it stands, and with `*` in its place, together with the condition that
`?n` must have met a number.
-/

open Lean

namespace Alchemy

/-- Opens a part that counts as long as none of these variables is a number: `"(?_uniq.1 ?_uniq.2"`.
-/
def openToken (numbers : List MVarId) : String :=
  "(" ++ " ".intercalate (L.map variableToken numbers)

/-- Closes the part that the last `openToken` opened. -/
def closeToken : String := ")"

/-- One way to read a pattern. -/
structure Spelling where
  tokens : List String
  /-- Of each of these lists of variables at least one must meet a number. -/
  numbers : List (List String) := []

/-- One spelling after the other. -/
def Spelling.append (s : Spelling) (rest : Spelling) : Spelling :=
  { tokens := L.append s.tokens rest.tokens, numbers := L.append s.numbers rest.numbers }

/-- The tokens before the one that closes, and those after it; `depth` parts are open. -/
def untilClosed : List String → Nat → List String × List String
  | [], _ => ([], [])
  | t :: ts, depth =>
    if t == closeToken && depth == 0 then ([], ts) else
    let (inside, rest) := untilClosed ts <|
      if t == closeToken then depth - 1 else if t.startsWith "(" then depth + 1 else depth
    (t :: inside, rest)

/-- The parts of a text between its spaces: `"a b"` gives `["a", "b"]`. -/
def spaceSeparated (s : String) : List String := go s.toList []
where
  go : List Char → List Char → List String
    | [], word => [String.ofList (L.reverse word)]
    | c :: cs, word =>
      if c == ' ' then String.ofList (L.reverse word) :: go cs [] else go cs (c :: word)

/-- All spellings of a pattern: of `n` parts in doubt that stand side by side, `2 ^ n`. -/
partial def allSpellings : List String → List Spelling
  | [] => [{ tokens := [] }]
  | t :: ts =>
    if !t.startsWith "(" then
      L.map (fun s => { s with tokens := t :: s.tokens }) (allSpellings ts)
    else
      let (inside, rest) := untilClosed ts 0
      let anything : Spelling :=
        { tokens := ["*"], numbers := [spaceSeparated (t.drop 1).toString] }
      let here := anything :: allSpellings inside
      let after := allSpellings rest
      L.flatMap (fun (s : Spelling) => L.map s.append after) here

/-- A pattern with more spellings than this is kept as one that says less. -/
def maxSpellings : Nat := 4

/-- The tokens with `*` for each part in doubt. -/
partial def coarse : List String → List String
  | [] => []
  | t :: ts => if t.startsWith "(" then "*" :: coarse (untilClosed ts 0).2 else t :: coarse ts

/-- The ways to read a pattern. A condition is dropped where one of its variables stands
`elsewhere`, that is, at a place that the tokens do not show: then nobody can tell what it has met.
A spelling is dropped where its condition can't come true, because none of the variables stands
outside of the part that was left out. -/
def spelled (tokens : List String) (elsewhere : List String) : List Spelling :=
  if !L.any tokens (fun t => t.startsWith "(") then [{ tokens }] else
  let all := allSpellings tokens
  if L.length all > maxSpellings then [{ tokens := coarse tokens }] else
  L.flatMap possible all
where
  possible (s : Spelling) : List Spelling :=
    let shown (v : String) := s.tokens.contains v
    let asked :=
      L.filter (fun vs => !L.any vs (fun v => !shown v && elsewhere.contains v)) s.numbers
    if L.any asked (fun vs => !L.any vs shown) then [] else [{ s with numbers := asked }]

end Alchemy
