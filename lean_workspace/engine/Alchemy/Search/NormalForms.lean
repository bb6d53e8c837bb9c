import Alchemy.Portable

/-!
# Normal forms: what unification takes a term for

Both halves of the index rest on these: the patterns of lemmas (`Keys.lean`) and the forms of targets (`Forms.lean`).
-/

open Lean Meta

namespace Alchemy

/-- `t + k` and `Nat.succ t`, which unify with numerals: `(t, k)`. All of `(t + 1) + 2` is `(t, 3)`. -/
partial def offset? (e : Expr) : Option (Expr × Nat) :=
  match e with
  | .app (.const ``Nat.succ _) t => above t 1
  | .app (.app (.app (.app (.app (.app (.const ``HAdd.hAdd _) (.const ``Nat _)) _) _) _) t) k => above t (literal k)
  | .app (.app (.const ``Nat.add _) t) k => above t (literal k)
  | _ => none
where
  above (t : Expr) (k : Nat) : Option (Expr × Nat) :=
    if k == 0 then none
    else match offset? t with
      | some (t, j) => some (t, j + k)
      | none => some (t, k)
  literal : Expr → Nat
    | .lit (.natVal n) => n
    | .app (.app (.app (.const ``OfNat.ofNat _) _) (.lit (.natVal n))) _ => n
    | _ => 0

/-- Offsets up to this one have tokens that say what is below them. -/
def maxOffset : Nat := 2

/-- `off:1/1` for `t + 1`. -/
def offsetToken (k : Nat) : String := "off:" ++ toString k ++ "/1"

def arithmetic : List Name :=
  [``OfNat.ofNat, ``HAdd.hAdd, ``HMul.hMul, ``HPow.hPow, ``HSub.hSub, ``HDiv.hDiv, ``HMod.hMod,
   ``Nat.succ, ``Nat.zero, ``Nat.add, ``Nat.mul, ``Nat.pow, ``Nat.sub]

/-- The value of a closed natural number. -/
def numeral? (e : Expr) : MetaM (Option Nat) := do
  match e with
  | .lit (.natVal n) => return some n
  | _ =>
    let .const c _ := headOf e | return none
    unless anyL (· == c) arithmetic do return none
    if e.hasMVar || e.hasFVar then return none
    let .const ``Nat _ ← inferType e | return none
    value e
where
  value (e : Expr) : MetaM (Option Nat) := (evalNat e).run

/-- `if`, `dite` and `decide` are all a choice by an instance of `Decidable`, and unification finds that out. -/
def isChoice (c : Name) : Bool := anyL (· == c) [``ite, ``dite, ``Decidable.decide, `toBoolUsing]

def choiceToken : String := "if"

/-- What `e` unfolds to at the ambient transparency. `a < b` of numbers always becomes `a + 1 ≤ b`: unification at default
transparency compares them so below any head (`¬a < b` and `¬b ≥ a + 1`), and a coarser pattern misses nothing. A choice
stays as it is: its token says all. -/
def unfolded? (e : Expr) : MetaM (Option Expr) := do
  if let .const c _ := headOf e then
    if isChoice c then return none
  match ← unfoldDefinition? e, headOf e with
  | none, .const c _ =>
    if anyL (· == c) [``Nat.lt, ``Int.lt] then atTransparency .default (do return ← unfoldDefinition? e) else return none
  | e', _ => return e'

/-- `e` in weak normal form without unfolding, then what it unfolds to. -/
partial def unfoldings (e : Expr) (fuel : Nat := 12) : MetaM (List Expr) := do
  let some e ← attempted (do return ← whnfCore e) | return [e]
  let e := e.consumeMData.eta
  if fuel == 0 then return [e]
  match ← attempted (do return ← unfolded? e) with
  | some (some e') => return e :: (← unfoldings e' (fuel - 1))
  | _ => return [e]

def lastOf : List Expr → Expr → Expr
  | [], e => e
  | x :: xs, _ => lastOf xs x

/-- What a key says about an argument. -/
inductive Mode where
  /-- instances and proofs: unification finds them -/
  | anything
  | key
  /-- implicit: a key where it is a type, compared at default transparency -/
  | typeOnly

def modesOf (fn : Expr) (n : Nat) : MetaM (List Mode) := do
  let info ← getFunInfoNArgs fn n
  return mapL (fun p =>
    if p.binderInfo.isInstImplicit || p.isProp then .anything
    else if p.binderInfo.isExplicit then .key else .typeOnly) info.paramInfo.toList

/-- The place of a bound variable, counted from the inside. -/
def placeOfVar (f : FVarId) : List FVarId → Nat → Option Nat
  | [], _ => none
  | g :: gs, i => if f == g then some i else placeOfVar f gs (i + 1)

/-- `fun x y => ?f y x` fits every function. -/
def isFlex : Expr → Bool
  | .lam _ _ b _ => isFlex b
  | e => (headOf e).isMVar

/-- A cast into an unknown type: its instance may unfold to the identity (`NatCast Nat`). -/
def isOpenCast (c : Name) (e : Expr) : Bool :=
  (c == ``NatCast.natCast || c == ``IntCast.intCast) &&
    match argsOf e with
    | t :: _ => (headOf t).isMVar
    | [] => false

/-- `?k + ?n` at default transparency: when unification meets `?n := 0` elsewhere, it reduces to `?k`, which fits
every number. These functions recurse on their last argument. The variables by which that may become a number, out of `again`:
those that stand elsewhere, too. None: it stays as it is. -/
def openRecursion (c : Name) (as : List Expr) (again : List MVarId) : MetaM (List MVarId) := do
  unless anyL (· == c) [``Nat.add, ``Nat.sub, ``Nat.mul, ``Nat.pow] do return []
  match rev as with
  | last :: _ =>
    if !isNumber (headOf last) then return []
    return keep (fun m => anyL (· == m) again) (← getMVars last).toList
  | [] => return []
where
  /-- Can what begins with it become a number when its variables are known? -/
  isNumber : Expr → Bool
    | .mvar _ => true
    | .const c _ => anyL (· == c) arithmetic
    | _ => false

/-- Is `e` a definition such as `Id.run`, that only hands on one of its arguments, and which it does not know yet? At
default transparency it fits everything. -/
def isOpenIdentity (env : Environment) (c : Name) (as : List Expr) : Bool :=
  match env.find? c with
  | some (.defnInfo i) => match handedOn i.value 0 with
    | some place => match nth? as place with
      | some a => a.isMVar
      | none => false
    | none => false
  | _ => false
where
  handedOn : Expr → Nat → Option Nat
    | .lam _ _ b _, n => handedOn b (n + 1)
    | .bvar i, n => some (n - 1 - i)
    | _, _ => none

def constToken (c : Name) (n : Nat) : String := "c:" ++ nameText c ++ "/" ++ toString n

def variableToken (m : MVarId) : String := "?" ++ nameText m.name

def boundToken (bound : List FVarId) (i n : Nat) : String :=
  "b:" ++ toString (count bound - i) ++ "/" ++ toString n

/-- The root as `kabstract` compares it: the head as it stands and the number of arguments. -/
def rootToken (e : Expr) : String := "R:" ++ head (headOf e) ++ "/" ++ toString (count (argsOf e))
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

/-! ## What a pattern says only as long as a variable is no number

While a pattern is made, such a part stands between `(?k` and `)`. It is then spelled out in both ways: as it stands, and as
anything, where one of its variables must have met a number elsewhere. -/

def openToken (numbers : List MVarId) : String := "(" ++ joinWith " " (mapL variableToken numbers)

def closeToken : String := ")"

/-- One way to read a pattern: tokens, and of each list of variables one must meet a number. -/
structure Spelling where
  tokens : List String
  numbers : List (List String) := []

def Spelling.before (s : Spelling) (rest : Spelling) : Spelling :=
  { tokens := append s.tokens rest.tokens, numbers := append s.numbers rest.numbers }

/-- What stands before the token that closes, and what after it. -/
def untilClosed : List String → Nat → List String × List String
  | [], _ => ([], [])
  | t :: ts, depth =>
    if t == closeToken && depth == 0 then ([], ts) else
    let (inside, rest) := untilClosed ts (if t == closeToken then depth - 1 else if t.startsWith "(" then depth + 1 else depth)
    (t :: inside, rest)

/-- The parts of a text between its spaces. -/
def words (s : String) : List String := go s.toList []
where
  go : List Char → List Char → List String
    | [], word => [String.ofList (rev word)]
    | c :: cs, word => if c == ' ' then String.ofList (rev word) :: go cs [] else go cs (c :: word)

partial def spellings : List String → List Spelling
  | [] => [{ tokens := [] }]
  | t :: ts =>
    if !t.startsWith "(" then mapL (fun s => { s with tokens := t :: s.tokens }) (spellings ts) else
    let (inside, rest) := untilClosed ts 0
    let here := { tokens := ["*"], numbers := [words (t.drop 1).toString] } :: spellings inside
    let after := spellings rest
    concat (mapL (fun (s : Spelling) => mapL s.before after) here)

/-- More spellings than this are one that says less. -/
def maxSpellings : Nat := 4

/-- All parts in doubt are anything. -/
partial def coarse : List String → List String
  | [] => []
  | t :: ts => if t.startsWith "(" then "*" :: coarse (untilClosed ts 0).2 else t :: coarse ts

/-- The ways to read a pattern (in order). What is asked of variables that stand `elsewhere`, where the tokens do not show it, can't be
asked; where all of them stand in what is left open alone, nothing can make them known. -/
def spelled (tokens : List String) (elsewhere : List String) : List Spelling :=
  if !anyL (fun t => t.startsWith "(") tokens then [{ tokens }] else
  let all := spellings tokens
  if count all > maxSpellings then [{ tokens := coarse tokens }] else
  concat (mapL askable all)
where
  askable (s : Spelling) : List Spelling :=
    let shown (v : String) := anyL (· == v) s.tokens
    let asked := keep (fun vs => !anyL (fun v => !shown v && anyL (· == v) elsewhere) vs) s.numbers
    if anyL (fun vs => !anyL shown vs) asked then [] else [{ s with numbers := asked }]

end Alchemy
