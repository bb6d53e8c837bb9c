import Alchemy.Portable.Monads
import Alchemy.Portable.Names
import Alchemy.Printing.Marks
import Lean.PrettyPrinter
import Lean.PrettyPrinter.Delaborator.Builtins

/-!
# Statements as text

A statement is printed as `PrettyPrinter.ppSignature` prints a constant:
`{a b : Nat} (h : b < a) : ¬a = b`, with the named binders before the colon. What Lean prints is not
always what it reads back. So there are two print levels, one that reads best and one that writes
everything out, and marks, which say more at one position (`Marks.lean`).
-/

open Lean Meta

namespace Alchemy

/-! ## Options -/

/-- A way of printing a whole statement: the options that differ from Lean's default. -/
structure PrintLevel where
  on : List Name := []
  off : List Name := []

/-- The levels in the order in which they are tried. The second one writes everything explicitly,
and is the last resort. -/
def printLevels : List PrintLevel :=
  [{},
   { on := [`pp.explicit, `pp.universes, `pp.funBinderTypes, `pp.piBinderTypes, `pp.letVarTypes]
     off := [`pp.fieldNotation, `pp.notation, `pp.coercions] }]

/-- The options of a level. Some are set at every level: `⋯` for a proof, `{ x := 1 }` without its
type and a bare `5` for a raw literal do not read back. -/
def PrintLevel.options (l : PrintLevel) : Options :=
  switches (`pp.proofs :: `pp.natLit :: l.on) (`pp.fullNames :: `pp.structureInstances :: l.off)

/-- The options as the table of variants names them: `pp.explicit`, `-pp.notation`. -/
def PrintLevel.names (l : PrintLevel) : List String :=
  L.append (L.map nameText l.on) (L.map (fun n => "-" ++ nameText n) l.off)

/-- The options of a mark. -/
def Mark.options (m : Mark) : List (Name × Bool) :=
  match m.node.kind, m.rung with
  | _, .enclosed => []
  | .binder, _ => [(`pp.funBinderTypes, true), (`pp.piBinderTypes, true), (`pp.letVarTypes, true)]
  | _, .typed => [(`pp.analysis.needsType, true)]
  | _, .plain => plainly
  | _, .universes => [(`pp.universes, true)]
  | _, .explicit => (`pp.explicit, true) :: plainly
  | _, .everything => (`pp.explicit, true) :: (`pp.universes, true) :: plainly
where
  plainly : List (Name × Bool) :=
    [(`pp.notation, false), (`pp.coercions, false), (`pp.fieldNotation, false),
     (`pp.anonymousConstructorNotation, false)]

open PrettyPrinter.Delaborator in
/-- The options of all marks as the delaborator takes them. -/
def optionsAt (marks : List Mark) : OptionsPerPos :=
  marks.foldl (fun o m => m.options.foldl (fun o (n, v) =>
    -- a constant reads `pp.universes` at its own position
    (o.insertAt m.node.position n (.ofBool v)).insertAt m.node.fn n (.ofBool v)) o) {}

/-- The marks as the table of variants names them: `pp.analysis.needsType@21`, option and position.
-/
def markNames (marks : List Mark) : List String := L.map name marks
where
  name (m : Mark) : String := (match m.options with
    | (n, on) :: _ => (if on then "" else "-") ++ nameText n
    | [] => "parentheses") ++ "@" ++ toString m.node.position

/-! ## The parts of a signature -/

/-- The type of a constant stands at this position of its signature. -/
def typePosition : Nat := 5

/-- The marks at or below position `p`, as marks of a term that stands alone, whose root is
position 1. -/
partial def marksBelow (p : Nat) : List Mark → List Mark
  | [] => []
  | m :: ms => match relative m.node.position, relative m.node.fn with
    | some position, some fn =>
      { m with node := { m.node with position, fn } } :: marksBelow p ms
    | _, _ => marksBelow p ms
where
  relative (q : Nat) : Option Nat :=
    if q == p then some 1
    else if q < p then none
    else match relative (q / 4) with
      | some r => some (r * 4 + q % 4)
      | none => none

/-- Does a signature print this binder, whose body is `b`, before the colon? -/
def isBeforeColon (n : Name) (b : Expr) (i : BinderInfo) (used : List Name) : Bool :=
  (i.isInstImplicit && n.hasMacroScopes) || b.hasLooseBVar 0
    || !(n.hasMacroScopes || used.contains n)

/-- Enters the binders that a signature prints before the colon; `k` gets the rest and its position.
-/
partial def afterBinders (e : Expr) (used : List Name) (p : Nat) (k : Expr → Nat → MetaM α) :
    MetaM α :=
  match e with
  | .forallE n t b i =>
    if isBeforeColon n b i used then
      M.withBinder (name := n) t b fun _ b => afterBinders b (n :: used) (p * 4 + 1) k
    else k e p
  | e => k e p

/-- The position of what a signature prints after the colon. -/
def conclusionPosition (e : Expr) (used : List Name) (p : Nat) : Nat :=
  match e with
  | .forallE n _ b i =>
    if isBeforeColon n b i used then conclusionPosition b (n :: used) (p * 4 + 1) else p
  | _ => p

/-! ## Printing -/

def inParentheses (stx : Syntax) : MetaM Syntax := do
  let stx : TSyntax `term := ⟨stx⟩
  return (← `(($stx))).raw

/-- What stands after the colon, with its marks. `delabConstWithSignature` does not pass options by
position on to it. -/
def conclusionSyntax (type : Expr) (marks : List Mark) : MetaM Syntax :=
  afterBinders type [] typePosition fun e p => do
    let stx ← PrettyPrinter.delab e (optionsAt (marksBelow p marks))
    if (markAt p marks) matches some .enclosed then inParentheses stx else return stx

mutual
/-- Replaces `getElem xs i h`, which is what Lean prints without notation, by `xs[i]'h`. -/
partial def withAccesses (stx : Syntax) : MetaM Syntax :=
  match stx with
  | .node info kind args => do
    let args ← withAccessesAll args.toList
    match args with
    | [.ident _ _ n _, .node _ _ arguments] =>
      let isAccess :=
        kind == ``Parser.Term.app && (n == `getElem || n == ``GetElem.getElem)
      match isAccess, arguments.toList with
      | true, [xs, i, h] =>
        -- in `f x[i]` the notation would take `f x` for what stands before it
        let xs ← if xs.isIdent || xs.isOfKind ``Parser.Term.proj || xs.isOfKind ``Parser.Term.paren
          then pure xs else inParentheses xs
        let (xs, i, h) : TSyntax `term × TSyntax `term × TSyntax `term := (⟨xs⟩, ⟨i⟩, ⟨h⟩)
        return (← `($xs[$i]'$h)).raw
      | _, _ => return .node info kind args.toArray
    | _ => return .node info kind args.toArray
  | stx => return stx
partial def withAccessesAll : List Syntax → MetaM (List Syntax)
  | [] => return []
  | s :: ss => return (← withAccesses s) :: (← withAccessesAll ss)
end

open PrettyPrinter.Delaborator in
/-- The syntax of a constant's signature. Stands in for `PrettyPrinter.ppSignature`, which takes no
options by position, and for `PrettyPrinter.delabCore`, which has no code in the embedded Lean. -/
def signatureSyntax (name : Name) (params : List Name) (marks : List Mark) : MetaM Syntax := do
  let e := Expr.const name (L.map .param params)
  let context : PrettyPrinter.Delaborator.Context := {
    optionsPerPos := optionsAt marks, currNamespace := .anonymous, openDecls := []
    subExpr := SubExpr.mkRoot e }
  let state ← IO.mkRef ({} : PrettyPrinter.Delaborator.State)
  let stx ← delabConstWithSignature (universes := true) context state
  if marks matches [] then return stx
  let conclusion ← conclusionSyntax (← inferType e) marks
  let signature := stx.raw[1]
  withAccesses (stx.raw.setArg 1 (signature.setArg 1 (signature[1].setArg 1 conclusion)))

/-- A constant with its signature. The options are set for the delaborator alone: where there are
any, the formatter looks for a trace class among them at each token. -/
def printSignature (name : Name) (params : List Name) (o : Options) (marks : List Mark) :
    MetaM String := do
  let delaborated : CoreM Syntax := (signatureSyntax name params marks).run' {} {}
  let stx ← M.settingOptions o delaborated
  return (← PrettyPrinter.ppCategory `term stx).pretty 1000000

/-- The rest of `s` after the prefix `p`. -/
def afterPrefix? (p s : String) : Option String :=
  if s.startsWith p then some (s.drop p.length).toString else none

/-- What stands after the name of a constant of the environment: `{a b : Nat} (h : b < a) : ¬a = b`.
-/
def signature (name : Name) (params : List Name) (l : PrintLevel) (marks : List Mark) :
    MetaM (Option String) := do
  let text ← printSignature name params l.options marks
  let source := nameSource (← getEnv) name
  match afterPrefix? (source ++ levelText params ++ " ") text with
  | some s => return some s
  | none => return afterPrefix? (source ++ " ") text

end Alchemy
