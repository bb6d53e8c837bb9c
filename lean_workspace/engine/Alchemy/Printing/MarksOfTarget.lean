import Alchemy.Printing.FirstDifference

/-!
# What marks teach

The variants of a target differ from it in one place, so what had to be marked in its own text has to be marked in theirs. Where
one mark does not do, all that differs and is marked in the target is marked at once; one round does what took one round a mark.
Only the target teaches: what one variant is written like must not depend on the others, of which a fresh engine has seen none.
-/

open Lean

namespace Alchemy

/-- A term that had to be marked: its variables are named by their binders. -/
structure Lesson where
  term : Expr
  rung : Rung

def nodeAt (env : Environment) (e other : Expr) (p : Nat) : Node :=
  if e.isBinding then { position := p, fn := p, head := .binder } else nodeOf env e other p false

/-- The body under a binder, its variable named. -/
def underBinder (n : Name) (b : Expr) : Expr := b.instantiate1 (.fvar ⟨n⟩)

mutual
/-- The terms at the positions of the marks. -/
partial def lessonsOf (marks : List Mark) (e : Expr) (p : Nat) (acc : List Lesson) : List Lesson :=
  let acc := match markAt p marks with
    | some rung => { term := e, rung } :: acc
    | none => acc
  match e with
  | .forallE n t b _ | .lam n t b _ => lessonsOf marks (underBinder n b) (4 * p + 1) (lessonsOf marks t (4 * p) acc)
  | .letE n t v b _ =>
    lessonsOf marks (underBinder n b) (4 * p + 2) (lessonsOf marks v (4 * p + 1) (lessonsOf marks t (4 * p) acc))
  | .mdata _ e => lessonsOf marks e p acc
  | .app .. => let as := argsOf e; lessonsOfAll marks as p (count as) 0 acc
  | _ => acc
partial def lessonsOfAll (marks : List Mark) (as : List Expr) (p n i : Nat) (acc : List Lesson) : List Lesson :=
  match as with
  | [] => acc
  | a :: as => lessonsOfAll marks as p n (i + 1) (lessonsOf marks a (argumentAt p n i) acc)
end

def lessonFor (e : Expr) : List Lesson → Option Rung
  | [] => none
  | l :: ls => if l.term == e then some l.rung else lessonFor e ls

mutual
/-- Marks for what differs in `e` from what was read, `other`, as far as it is there, and is marked in the target. Nothing inside a
term that is marked so: that may do. -/
partial def taught (env : Environment) (lessons : List Lesson) (e : Expr) (other : Option Expr) (p : Nat) (acc : List Mark) : List Mark :=
  match lessonFor e lessons with
  | some rung => if isSame other then acc else { node := nodeAt env e (other.getD e) p, rung } :: acc
  | none => match e, other with
  | .mdata _ e, other | e, some (.mdata _ other) => taught env lessons e other p acc
  | .forallE n t b _, some (.forallE _ t' b' _) | .lam n t b _, some (.lam _ t' b' _) =>
    taught env lessons (underBinder n b) (some (underBinder n b')) (4 * p + 1) (taught env lessons t (some t') (4 * p) acc)
  | .forallE n t b _, _ | .lam n t b _, _ =>
    taught env lessons (underBinder n b) none (4 * p + 1) (taught env lessons t none (4 * p) acc)
  | .letE n t v b _, _ =>
    taught env lessons (underBinder n b) none (4 * p + 2) (taught env lessons v none (4 * p + 1) (taught env lessons t none (4 * p) acc))
  | .app .., other =>
    let as := argsOf e
    let bs := match other with
      | some o => argsOf o
      | none => []
    taughtAll env lessons as (if count bs == count as then mapL some bs else mapL (fun _ => none) as) p (count as) 0 acc
  | _, _ => acc
where
  isSame : Option Expr → Bool
    | some o => e == o || (differ env false e o p [] matches [])
    | none => false
partial def taughtAll (env : Environment) (lessons : List Lesson) (as : List Expr) (bs : List (Option Expr)) (p n i : Nat)
    (acc : List Mark) : List Mark :=
  match as, bs with
  | a :: as, b :: bs => taughtAll env lessons as bs p n (i + 1) (taught env lessons a b (argumentAt p n i) acc)
  | _, _ => acc
end

/-- `marks`, and those of `more` at other positions. -/
def addMarks (more marks : List Mark) : List Mark :=
  more.foldl (fun all m => if (markAt m.node.position all).isSome then all else m :: all) marks

end Alchemy
