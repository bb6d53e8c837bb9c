"""The check of texts: it must reject invalid ones."""

import pytest

STATEMENT = "theorem v (a b : Nat) : a + b = b + a"


def test_a_proof_is_accepted_and_its_axioms_are_listed(engine):
    verdict = engine.workspace.check(f"{STATEMENT} := by\n  rw [Nat.add_comm]")
    assert verdict.refused is None and verdict.name == "v" and verdict.axioms == []
    verdict = engine.workspace.check("theorem v (p : Prop) : p ∨ ¬p := by\n  exact Classical.byCases Or.inl Or.inr")
    assert verdict.refused is None
    verdict = engine.workspace.check("theorem v (p q : Prop) (h : p ↔ q) : p = q := propext h")
    assert verdict.axioms == ["propext"]


@pytest.mark.parametrize(("proof", "stage"), [
    pytest.param("by\n  rw [Nat.mul_comm]", "proof", id="a wrong script"),
    pytest.param("by\n  intros", "proof", id="a bare intros"),
    pytest.param("by\n  sorry", "sorry", id="sorry"),
    pytest.param("by\n  have : a + b = b + a := sorry\n  exact this", "sorry", id="a hidden sorry"),
    pytest.param("Nat.mul_comm a b", "proof", id="a right proof of another statement"),
    pytest.param("by\n  exact lcProof", "proof", id="lcProof, which only the kernel refuses"),
    pytest.param("by\n  exact unsafeCast ()", "proof", id="unsafeCast, which only the kernel refuses"),
    pytest.param("by\n  exact undefined", "proof", id="an unknown name"),
    pytest.param("by\n  (", "parse", id="an open bracket"),
    pytest.param("by\n  omega\ntheorem w : True := trivial", "parse", id="a second theorem"),
])
def test_an_invalid_text_is_rejected(engine, proof, stage):
    assert engine.refused(f"{STATEMENT} := {proof}") == stage


@pytest.mark.parametrize(("text", "stage"), [
    ("theorem v : 2 ^ 10 = 1024 := by\n  native_decide", "axioms"),
    ("theorem v : 2 ^ 10 = 1024 := by\n  decide +native", "axioms"),
    ("axiom v : 1 = 2", "form"),
    ("def v : Nat := 3", "form"),
    ("#eval 1", "form"),
    ("open Nat in\ntheorem v (a b : Nat) : a + b = b + a := Nat.add_comm a b", "form"),
    ("theorem Nat.add_comm (a b : Nat) : a + b = b + a := by omega", "form"),
    ("theorem v (a b : Nat : a + b = b + a := by omega", "parse"),
    ("theorem v (a b : Nat) : a + c = b + a := by omega", "statement"),
    ("theorem v : unknown_thing := by trivial", "statement"),
    ("", "parse"),
])
def test_a_text_without_a_proved_theorem_is_rejected(engine, text, stage):
    assert engine.refused(text) == stage


@pytest.mark.parametrize("proof", [
    "by\n  have h : 1 = 2 := by\n    set_option debug.skipKernelTC true in\n    decide +kernel\n  omega",
    "by\n  have h : 1 = 2 := by\n    set_option debug.skipKernelTC true in\n    exact of_decide_eq_true (Eq.refl true)\n  omega",
])
def test_a_text_cannot_disable_the_kernel(engine, proof):
    assert engine.refused(f"theorem v : False := {proof}") in {"kernel", "proof", "statement"}


def test_auxiliary_lemmas_of_a_proof_are_accepted(engine):
    """`omega`, `decide +kernel` and `simp` add auxiliary lemmas."""
    assert engine.refused("theorem v (a b : Nat) (h : a < b) : a + 1 ≤ b ∧ 3 * 4 = 12 := by\n  exact ⟨by omega, by decide +kernel⟩") is None
    assert engine.refused("theorem v (xs : List Nat) : (xs ++ []).length = xs.length := by\n  simp") is None
    assert engine.refused("theorem v (n : Nat) (h : n < 3) : n = 0 ∨ n = 1 ∨ n = 2 := by\n  match n with\n"
                          "  | 0 => simp\n  | 1 => simp\n  | 2 => simp\n  | n + 3 => omega") is None


def test_the_kernel_rejects_a_wrong_proof_term(engine):
    add, mul = engine.number("Nat.add_comm"), engine.number("Nat.mul_comm")
    assert engine.workspace.kernel(statement=add, proof=add) is None
    assert "type mismatch" in engine.workspace.kernel(statement=add, proof=mul)


def test_a_text_without_errors_may_have_another_statement(engine):
    """`(0 : Int)` and `0` are printed alike; their keys differ."""
    from lean_alchemy.mutation.terms import statement_key

    def key(text):
        return statement_key(engine.workspace.check(text).term)

    nat = key("theorem v (n : Nat) : n + 0 = n := by simp")
    assert key("theorem w (m : Nat) : m + 0 = m := by simp") == nat
    assert key("theorem w {m : Nat} : m + 0 = m := by simp") == nat
    assert key("theorem w (n : Int) : n + 0 = n := by simp") != nat
    assert key("theorem w (n : Nat) : n = n + 0 := by simp") != nat


def test_the_key_ignores_the_order_of_independent_hypotheses_and_names_of_universes(engine):
    from lean_alchemy.mutation.terms import statement_key

    def key(text):
        verdict = engine.workspace.check(text)
        assert verdict.refused is None, verdict.refused
        return statement_key(verdict.term)

    one = key("theorem v.{u} {α : Type u} (a b : Nat) (x : α) (h : a < b) (k : b < 3) (e : x = x) : a < 3 := by omega")
    two = key("theorem w.{v} {β : Type v} (c d : Nat) (y : β) (e : y = y) (k : d < 3) (h : c < d) : c < 3 := by omega")
    assert one == two
    both = "(m : ∀ (α : Type u) (β : Type v), α → β → True) : 1 = 1 := rfl"
    least = "∀ α : Type {}, Nonempty (Option α)"
    assert key(f"theorem v.{{u, v}} (h : {least.format('u')}) (k : {least.format('v')}) {both}") == key(
        f"theorem v.{{u, v}} (h : {least.format('v')}) (k : {least.format('u')}) {both}")
    assert one != key("theorem w.{v} {β : Type v} (c d : Nat) (y : β) (e : y = y) (k : d < 3) (h : d < c) : c < 3 ∨ True := by simp")
