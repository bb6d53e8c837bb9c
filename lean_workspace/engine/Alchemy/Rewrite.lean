import Alchemy.Kind
import Lean.Meta.Tactic.Rewrite

/-!
# `rw`: a term is replaced by an equal one

`Lean.MVarId.rewrite` is the definition: the first instance of the pattern decides, all its
occurrences are replaced, and no side goal may remain.
-/

open Lean Meta

namespace Alchemy

/-- `e` rewritten with `rule`, and a proof that both are equal. -/
def rewriteTerm (t : Prepared) (e : Expr) (rule : ConstantInfo) (backward : Bool) : MetaM (Except String (Expr × Expr)) := do
  let r ← t.goal.rewrite e (← mkConstWithFreshMVarLevels rule.name) backward
  let new ← instantiateMVars r.eNew
  if new == e then return .error "unchanged"
  if new.hasExprMVar then return .error "metavariables"
  unless r.mvarIds matches [] do return .error "side goals"
  return .ok (new.headBeta, r.eqProof)

def ruleWithArrow (t : Prepared) (rule : ConstantInfo) (backward : Bool) : String :=
  (if backward then "← " else "") ++ t.source rule.name

/-- `a + b = c` and `Nat.add_comm` give `b + a = c`, proved by
`have h := target a b; rw [Nat.add_comm] at h; exact h`. -/
def rewriteConclusion (t : Prepared) (rule : ConstantInfo) (backward : Bool) : MetaM Outcome := do
  match ← rewriteTerm t t.conclusion rule backward with
  | .error reason => return .useless reason
  | .ok (new, eq) =>
    let (names, arguments) := leading t t.usedNames (plain new)
    let h := t.source (freshName (append names t.usedNames) `h)
    let script (explicitly : Bool) :=
      ["have " ++ h ++ " := " ++ t.applied explicitly none none,
       "rw [" ++ ruleWithArrow t rule backward ++ "] at " ++ h,
       "exact " ++ h ++ spread arguments]
    return .draft { binders := t.own, conclusion := new, leading := names, proof := ← mkEqMP eq t.proof,
                    script := script false, explicitScript := script true }

/-- `h : 0 < b` and `Nat.pos_iff_ne_zero` give `h : b ≠ 0`, proved by
`exact target a (by rw [Nat.pos_iff_ne_zero]; exact h)`. -/
def rewriteHypothesis (t : Prepared) (b : Binder) (rule : ConstantInfo) (backward : Bool) : MetaM Outcome := do
  match ← rewriteTerm t b.type rule backward with
  | .error reason => return .useless reason
  | .ok (new, eq) =>
    let h ← mkFreshExprMVar new .synthetic b.name
    let hole := "(by rw [" ++ ruleWithArrow t rule backward ++ "]; exact " ++ t.source b.name ++ ")"
    let script (explicitly : Bool) := ["exact " ++ t.applied explicitly (some t.conclusion) (some (b.fvar, hole))]
    return .draft { binders := replaceBinder t.own b.fvar [(h, b.name)], conclusion := t.conclusion,
                    proof := t.proofWith b.fvar (← mkEqMPR eq h), script := script false, explicitScript := script true }

def rewriteKind : Kind where
  name := "rw"
  attempt t site rule backward _ := match site with
    | .conclusion => rewriteConclusion t rule backward
    | .hypothesis b => rewriteHypothesis t b rule backward

end Alchemy
