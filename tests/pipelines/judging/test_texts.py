"""The verdict on a whole text: it proves the expected statement from the standard axioms, or is rejected with a reason."""

import pytest

from lean_alchemy.mutation.terms import statement_key
from lean_alchemy.pipelines.judging.texts import AXIOMS, TheoremText, objection_to_text

TEXT = "theorem v (a b : Nat) : a + b = b + a := by\n  exact Nat.add_comm a b"


@pytest.fixture(scope="module")
def key(engine) -> str:
    return statement_key(engine.workspace.check(TEXT).term)


def test_a_proof_of_the_statement_is_valid(engine, key):
    assert objection_to_text(engine.workspace, TheoremText("v", TEXT, key)) is None
    renamed = "theorem w {x y : Nat} : x + y = y + x := Nat.add_comm ..\n"
    assert objection_to_text(engine.workspace, TheoremText("w", renamed, key)) is None  # equal up to names and binders


@pytest.mark.parametrize(("text", "why"), [
    (TEXT.replace("b + a", "a + b").replace("exact Nat.add_comm a b", "rfl"), "statement: the text states something else"),
    (TEXT.replace("exact Nat.add_comm a b", "sorry"), "sorry: "),
    (TEXT.replace("exact Nat.add_comm a b", "rfl"), "proof: "),
    (TEXT.replace("exact Nat.add_comm a b", "exact lcProof"), "proof: "),
    ("theorem v : 2 ^ 10 = 1024 := by\n  native_decide", "axioms: "),
    ("theorem v : := by", "parse: "),
    ("def v := 1", "form: "),
])
def test_an_invalid_text_is_reported_with_the_reason(engine, key, text, why):
    assert (objection_to_text(engine.workspace, TheoremText("v", text, key)) or "").startswith(why)


def test_a_proof_of_something_else_is_not_valid(engine):
    assert objection_to_text(engine.workspace, TheoremText("v", TEXT, "0" * 32)) == "statement: the text states something else"


def test_the_standard_axioms_are_allowed(engine):
    text = "theorem v (p : Prop) : p ∨ ¬p := by\n  exact Classical.byCases Or.inl Or.inr"
    verdict = engine.workspace.check(text)
    assert objection_to_text(engine.workspace, TheoremText("v", text, statement_key(verdict.term))) is None
    assert {"propext", "Quot.sound", "Classical.choice"} == AXIOMS and set(verdict.axioms) <= AXIOMS
