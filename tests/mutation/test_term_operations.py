"""What is asked of terms: their parts, their size, and what a reader takes for the same."""

import pytest

from lean_alchemy.mutation import terms
from lean_alchemy.mutation.terms import Statement

NAT, A, B, C, D = ("c", "Nat"), ("#", 0), ("#", 1), ("#", 2), ("#", 3)
INST = ("c", "instAddNat")


def call(name, *arguments):
    return ("@", ("c", name), *arguments)


# --- variables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("term", "above", "lifted"), [
    pytest.param(A, 0, C, id="a free variable"),
    pytest.param(B, 2, B, id="one that is bound inside"),
    pytest.param(C, 2, ("#", 4), id="the first that is free"),
    pytest.param(NAT, 0, NAT, id="a constant"),
    pytest.param(("n", 5), 0, ("n", 5), id="a literal"),
    pytest.param(("Sort", "u0"), 0, ("Sort", "u0"), id="a sort"),
    pytest.param(call("f", A, B), 1, call("f", A, D), id="an application"),
    pytest.param(("λ", A, call("f", A, B)), 0, ("λ", C, call("f", A, D)), id="under λ"),
    pytest.param(("Π", A, ("Π", B, C)), 0, ("Π", C, ("Π", D, ("#", 4))), id="under two Π"),
    pytest.param(("λ", NAT, ("Π", NAT, call("f", A, B, C))), 0, ("λ", NAT, ("Π", NAT, call("f", A, B, ("#", 4)))), id="two are bound"),
    pytest.param(("let", NAT, A, ("let", NAT, B, call("f", A, B, C))), 0,
                 ("let", NAT, C, ("let", NAT, D, call("f", A, B, ("#", 4)))), id="two are bound by let"),
    pytest.param(("let", A, A, call("f", A, B)), 0, ("let", C, C, call("f", A, D)), id="under let"),
    pytest.param(("let", B, B, B), 1, ("let", D, D, B), id="a let's variable is bound in its body alone"),
    pytest.param((".", 1, "Prod", A), 0, (".", 1, "Prod", C), id="a field"),
    pytest.param((".", 1, "Prod", A), 1, (".", 1, "Prod", A), id="a field of what is bound"),
])
def test_a_term_moves_under_two_more_binders(term, above, lifted):
    assert terms.lift(term, 2, above) == lifted


def test_all_variables_are_free_where_nothing_else_is_said():
    assert terms.lift(call("f", A, B), 1) == call("f", B, C)


@pytest.mark.parametrize(("term", "mentioned"), [
    pytest.param(A, {0}, id="a variable"),
    pytest.param(NAT, set(), id="a constant"),
    pytest.param(("n", 1), set(), id="a literal"),
    pytest.param(call("f", A, C), {0, 2}, id="an application"),
    pytest.param(("@", B, NAT), {1}, id="a function that is a variable"),
    pytest.param(("λ", C, A), {2}, id="a type, and what is bound"),
    pytest.param(("Π", NAT, D), {2}, id="under a binder"),
    pytest.param(("Π", NAT, ("λ", NAT, call("f", A, B, D))), {1}, id="under two binders"),
    pytest.param(("let", NAT, NAT, ("let", NAT, NAT, call("f", A, B, D))), {1}, id="under two lets"),
    pytest.param(("let", A, B, D), {0, 1, 2}, id="the three parts of a let"),
    pytest.param(("let", NAT, NAT, A), set(), id="what a let binds"),
    pytest.param((".", 2, "Prod", A), {0}, id="a field"),
])
def test_the_variables_that_a_term_mentions(term, mentioned):
    assert {i for i in range(4) if terms.mentions(term, i)} == mentioned


def test_premises_stand_in_the_scope_of_the_conclusion():
    """∀ (α : Type) (a : α) (s : Set α), p a → q a s."""
    statement = Statement((("Sort", "+ 0"), A, call("Set", B)), (call("p", B),), call("q", B, A))
    assert terms.premises(statement) == [("Sort", "+ 0"), C, call("Set", C), call("p", B)]
    assert statement.parts == (("Sort", "+ 0"), C, call("Set", C), call("p", B), call("q", B, A))


# --- parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("term", "is_nat"), [
    (NAT, True), (("c", "List", "u0"), False), (("c", "Nat", "u0"), True), (("s", "Nat"), False), (("Sort", "Nat"), False),
    (call("Nat", A), False)])
def test_a_constant_is_known_by_its_name(term, is_nat):
    assert terms.is_constant(term, "Nat") is is_nat


@pytest.mark.parametrize(("term", "arguments"), [
    pytest.param(call("f", A, B), (A, B), id="as many"),
    pytest.param(call("f", A), None, id="one less"),
    pytest.param(call("f", A, B, C), None, id="one more"),
    pytest.param(call("g", A, B), None, id="of another function"),
    pytest.param(("@", A, A, B), None, id="of a variable"),
    pytest.param(("c", "f"), None, id="a constant"),
    pytest.param(("λ", ("c", "f"), A, B), None, id="no application"),
])
def test_the_two_arguments_of_a_function(term, arguments):
    assert terms.arguments(term, "f", 2) == arguments


@pytest.mark.parametrize(("term", "sides"), [
    pytest.param(call("Eq", NAT, A, B), (A, B), id="a = b"),
    pytest.param(call("Iff", A, B), (A, B), id="p ↔ q"),
    pytest.param(call("HEq", NAT, A, C, B), (A, B), id="a ≍ b"),
    pytest.param(call("Eq", NAT, A), None, id="one side is missing"),
    pytest.param(call("Iff", A), None, id="a half of an equivalence"),
    pytest.param(call("Ne", NAT, A, B), None, id="a ≠ b"),
    pytest.param(call("And", A, B), None, id="p ∧ q"),
    pytest.param(NAT, None, id="no relation"),
])
def test_the_sides_of_an_equation(term, sides):
    assert terms.sides(term) == sides


def test_a_term_comes_before_its_subterms_and_as_often_as_it_stands():
    inner = (".", 0, "Prod", B)
    whole = call("f", ("λ", NAT, A), inner, A, ("let", NAT, ("n", 1), B), ("s", "x"))
    assert terms.subterms(whole) == [
        whole, ("c", "f"), ("λ", NAT, A), NAT, A, inner, B, A, ("let", NAT, ("n", 1), B), NAT, ("n", 1), B, ("s", "x")]
    assert terms.subterms(("Π", A, B)) == [("Π", A, B), A, B] and terms.subterms(("Sort", "0")) == [("Sort", "0")]
    assert terms.constants(whole) == ["f", "Nat", "Nat"]


@pytest.mark.parametrize(("name", "expected"), [
    ("instAddNat", True), ("Nat.instAdd", True), ("A.B.instC", True), ("inst", True),
    ("Nat.add", False), ("install.Nat", False), ("Nat.isInst", False), ("A.inst.B", False), ("HAdd.hAdd", False)])
def test_an_instance_is_known_by_its_last_name(name, expected):
    assert terms.is_instance(name) is expected


@pytest.mark.parametrize(("term", "expected"), [
    (A, 1), (NAT, 1), (("n", 10), 1), (("s", "long"), 1), (("Sort", "u0"), 1),
    pytest.param(call("f", A, ("n", 3)), 3, id="a function of two"),
    pytest.param(call("HAdd.hAdd", NAT, NAT, NAT, INST, A, B), 6, id="without an instance"),
    pytest.param(call("Add.add", NAT, call("instAdd", NAT, A), A, B), 4, id="without an instance that is computed"),
    pytest.param(("@", INST, A), 2, id="an instance as a function"),
    pytest.param(("λ", NAT, call("f", A)), 4, id="a fun"),
    pytest.param(("Π", NAT, A), 3, id="a function type"),
    pytest.param(("let", NAT, ("n", 1), A), 4, id="a let"),
    pytest.param((".", 0, "Prod", call("f", A)), 3, id="a field"),
])
def test_the_size_counts_what_a_reader_sees(term, expected):
    assert terms.size(term) == expected


def test_the_size_and_the_constants_of_a_statement():
    """∀ (n : Nat), p n → n + n = n."""
    added = call("HAdd.hAdd", NAT, NAT, NAT, INST, A, A)
    statement = Statement((NAT,), (call("p", A),), call("Eq", NAT, added, A))
    assert statement.size == 1 + 2 + 9
    assert statement.constants == {"Nat", "p", "Eq", "HAdd.hAdd", "instAddNat"}
    assert statement.visible_constants == {"Nat", "p", "Eq", "HAdd.hAdd"}


def test_statements_are_values():
    one, other = Statement((NAT,), (), A), Statement((NAT,), (), A)
    assert len({one, other}) == 1
    with pytest.raises(AttributeError):
        one.conclusion = B


# --- what a reader takes for the same -------------------------------------------------------------

H = INST
COMMUTATIVE = [
    ("Eq", [NAT]), ("Iff", []), ("And", []), ("Or", []), ("HAdd.hAdd", [NAT, NAT, NAT, H]), ("HMul.hMul", [NAT, NAT, NAT, H]),
    ("HAnd.hAnd", [NAT, NAT, NAT, H]), ("HOr.hOr", [NAT, NAT, NAT, H]), ("HXor.hXor", [NAT, NAT, NAT, H]), ("Min.min", [NAT, H]),
    ("Max.max", [NAT, H]), ("Nat.gcd", []), ("Nat.lcm", []), ("Int.gcd", []), ("Int.lcm", []), ("Bool.and", []), ("Bool.or", []),
    ("and", []), ("or", [])]
"""Functions, and what stands before their two arguments."""


@pytest.mark.parametrize(("name", "before"), COMMUTATIVE, ids=[name for name, _ in COMMUTATIVE])
def test_the_order_of_two_arguments_says_nothing(name, before):
    x, y = call("x"), call("y")
    one, other = call(name, *before, x, y), call(name, *before, y, x)
    assert terms.unoriented(one) == terms.unoriented(other) == one
    partial = call(name, *before, y)
    assert terms.unoriented(partial) == partial, "a function that waits for an argument"
    applied = call(name, *before, x, y, x)
    assert terms.unoriented(applied) == applied, "a sum of functions, applied to an argument"


def test_heterogeneous_sides_are_exchanged_with_their_types():
    one, other = call("HEq", NAT, B, ("c", "Int"), A), call("HEq", ("c", "Int"), A, NAT, B)
    assert terms.unoriented(one) == terms.unoriented(other) == other
    partial = call("HEq", NAT, B, ("c", "Int"))
    assert terms.unoriented(partial) == partial


@pytest.mark.parametrize(("written", "read"), [
    pytest.param(("@", ("c", "Ne", "u0"), NAT, B, A), call("Not", ("@", ("c", "Eq", "u0"), NAT, A, B)), id="a ≠ b"),
    pytest.param(("@", ("c", "GT.gt", "u0"), NAT, H, A, B), ("@", ("c", "LT.lt", "u0"), NAT, H, B, A), id="a > b"),
    pytest.param(("@", ("c", "GE.ge", "u0"), NAT, H, A, B), ("@", ("c", "LE.le", "u0"), NAT, H, B, A), id="a ≥ b"),
    pytest.param(call("Not", call("Or", B, A)), call("Not", call("Or", A, B)), id="inside an application"),
    pytest.param(("λ", NAT, call("Or", B, A)), ("λ", NAT, call("Or", A, B)), id="inside a fun"),
    pytest.param(("Π", call("Or", B, A), NAT), ("Π", call("Or", A, B), NAT), id="inside a function type"),
    pytest.param(("let", NAT, call("Or", B, A), A), ("let", NAT, call("Or", A, B), A), id="inside a let"),
    pytest.param((".", 1, "Prod", call("Or", B, A)), (".", 1, "Prod", call("Or", A, B)), id="inside a field"),
    pytest.param(("@", A, call("Or", B, A)), ("@", A, call("Or", A, B)), id="an argument of a variable"),
    pytest.param(call("Or", call("Or", C, B), A), call("Or", A, call("Or", B, C)), id="twice"),
])
def test_what_a_reader_takes_for_the_same(written, read):
    assert terms.unoriented(written) == read == terms.unoriented(read)


@pytest.mark.parametrize("term", [
    pytest.param(call("LT.lt", NAT, H, B, A), id="b < a"),
    pytest.param(call("LE.le", NAT, H, B, A), id="b ≤ a"),
    pytest.param(call("HSub.hSub", NAT, NAT, NAT, H, B, A), id="b - a"),
    pytest.param(call("Set.insert", NAT, B, A), id="a function of three arguments"),
    pytest.param(call("Nat.rec", NAT, B, A), id="another one"),
    pytest.param(call("Ne", NAT, B), id="≠ without a side"),
    pytest.param(call("Ne", NAT, B, A, C), id="≠ with an argument more"),
    pytest.param(call("GT.gt", NAT, H, B), id="> without a side"),
    pytest.param(call("GE.ge", NAT, H, B, A, C), id="≥ with an argument more"),
    pytest.param(("@", C, B, A), id="a variable's arguments"),
    pytest.param(("@", (".", 0, "Prod", C), B, A), id="a field's arguments"),
    A, NAT, ("n", 2), ("s", "b"), ("Sort", "0"),
])
def test_everything_else_stays(term):
    assert terms.unoriented(term) == term


def statement(*hypotheses, conclusion=A, binder=NAT):
    return Statement((binder,), hypotheses, conclusion)


@pytest.mark.parametrize(("one", "other", "same"), [
    pytest.param(statement(A, B), statement(B, A), True, id="hypotheses in another order"),
    pytest.param(statement(call("Or", A, B)), statement(call("Or", B, A)), True, id="a hypothesis turned around"),
    pytest.param(statement(conclusion=call("Or", A, B)), statement(conclusion=call("Or", B, A)), True, id="the conclusion turned around"),
    pytest.param(statement(binder=call("Or", A, B)), statement(binder=call("Or", B, A)), True, id="a binder turned around"),
    pytest.param(statement(A), statement(B), False, id="another hypothesis"),
    pytest.param(statement(A), statement(A, A), False, id="a hypothesis twice"),
    pytest.param(statement(conclusion=A), statement(conclusion=B), False, id="another conclusion"),
    pytest.param(statement(binder=NAT), statement(binder=("c", "Int")), False, id="another type"),
])
def test_near_keys_tell_statements_apart_as_a_reader_does(one, other, same):
    assert (terms.near_key(one) == terms.near_key(other)) is same


def test_keys_are_32_hexadecimal_digits():
    keys = {terms.statement_key("#0"), terms.statement_key("#1"), terms.near_key(statement()), terms.near_key(statement(A))}
    assert len(keys) == 4 and all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)
