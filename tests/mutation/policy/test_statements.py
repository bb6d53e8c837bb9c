"""Statements that teach nothing beside their target, and statements that do."""

import pytest
from lean_terms import NAT, X, Y, Z, at_most, call, comparison, equal, less, numeral, operation, plus, power

from lean_alchemy.mutation.policy.rules import NewStatement, first_objection
from lean_alchemy.mutation.terms import Statement, Term

A, B, F, P = call("a"), call("b"), call("f", call("b")), call("p")
TARGET = equal(A, B)
FALSE, TRUE = call("False"), call("True")
STRING = call("String")


def objection(conclusion: Term, *hypotheses: Term, target: Term = TARGET, before: tuple[Term, ...] = (), lemmas: str = "",
              binders: tuple[Term, ...] = ()) -> str | None:
    """The rule that objects to a new statement. before: the hypotheses of the target. lemmas: constants of those that were used."""
    new = NewStatement(Statement(binders, hypotheses, conclusion), Statement(binders, before, target), lemmas)
    rule = first_objection(new)
    return rule.name if rule else None


def test_a_statement_that_says_something_else_is_kept():
    assert objection(equal(A, F)) is None
    assert objection(less(X, Y), at_most(X, Z)) is None


@pytest.mark.parametrize(("words", "conclusion", "expected"), [
    ("True", TRUE, "tautology"), ("f b = f b", equal(call("f", B), call("f", B)), "tautology"), ("p ↔ p", call("Iff", P, P), "tautology"),
    ("f b ≤ f b, of strings", at_most(call("f", B), call("f", B), STRING), "tautology"),
    ("f b ≤ a", at_most(F, A, STRING), None), ("a ≤ f b", at_most(A, F, STRING), None), ("f b < f b, of strings", less(F, F, STRING), None),
    ("f b ∣ f b", comparison("Dvd.dvd", F, F), "tautology"), ("a ∣ f b", comparison("Dvd.dvd", A, F), None),
    ("s ⊆ s", comparison("HasSubset.Subset", A, A), "tautology"), ("s ⊆ t", comparison("HasSubset.Subset", A, B), None),
    ("l <+ l", call("List.Sublist", NAT, A, A), "tautology"), ("l <+ l'", call("List.Sublist", NAT, A, B), None),
    ("l ~ l", call("List.Perm", NAT, A, A), "tautology"), ("l ~ l'", call("List.Perm", NAT, B, A), None),
    ("f b = a", equal(F, A), None), ("a ↔ b", call("Iff", A, B), None), ("p", P, None),
    ("a ≤ f b + a", at_most(A, plus(F, A)), "tautology"), ("f b < a + 2 + f b", less(F, plus(A, numeral(2), F)), "tautology"),
])
def test_conclusions_that_hold_by_their_form(words, conclusion, expected):
    assert objection(conclusion) == expected, words


def test_a_conclusion_that_is_a_hypothesis_is_a_tautology():
    assert objection(less(X, Y), less(X, Y)) == "tautology"
    assert objection(less(X, Y), less(Y, X)) is None
    assert objection(P, binders=(P,), target=TARGET) == "tautology", "the type of a variable counts as well"


def test_a_comparison_that_numbers_decide_is_kept_for_a_target_of_this_kind():
    positive = less(numeral(0), power(numeral(2), X))
    assert objection(less(numeral(0), power(numeral(3), X))) == "tautology"
    assert objection(less(numeral(0), power(numeral(3), X)), target=positive) is None
    assert objection(less(numeral(0), X), target=positive) is None


def test_a_hypothesis_that_is_false_makes_a_statement_vacuous():
    assert objection(equal(A, F), FALSE) == "vacuous"
    assert objection(equal(A, F), less(X, Y), FALSE) == "vacuous"
    assert objection(equal(A, F), binders=(FALSE,)) == "vacuous"
    assert objection(equal(A, F), call("Not", X)) is None


@pytest.mark.parametrize(("words", "hypothesis", "expected"), [
    ("0 < 1", less(numeral(0), numeral(1)), True), ("p, without variables", P, True), ("Nonempty String", call("Nonempty", STRING), True),
    ("n < m", less(X, Y), False), ("m < n", less(Y, X), False), ("q n", call("q", X), False), ("m + n < m", less(plus(X, Y), X), True),
    ("m + n + 1 = m", equal(plus(X, Y, numeral(1)), X), True), ("n < m + 1", less(X, plus(Y, numeral(1))), False),
    *((f"s {symbol} {side}, of strings", comparison(name, call("f", X), other, STRING), side == "s")
      for name, symbol in (("Eq", "="), ("Ne", "≠"), ("LE.le", "≤"), ("LT.lt", "<"), ("Dvd.dvd", "∣"))
      for side, other in (("s", call("f", X)), ("t", call("f", Y)))),
    ("s = t, in another order", equal(call("f", Y), call("f", X), STRING), False),
    ("q n ↔ q n", call("Iff", call("q", X), call("q", X)), True), ("q n ↔ q m", call("Iff", call("q", X), call("q", Y)), False),
    ("q n ∨ q n", call("Or", call("q", X), call("q", X)), False),
])
def test_hypotheses_that_hold_or_fail_whatever_the_variables_are(words, hypothesis, expected):
    assert objection(equal(A, F), hypothesis) == ("idle hypothesis" if expected else None), words


def test_an_idle_hypothesis_of_the_target_may_stay():
    idle, other = less(numeral(0), numeral(1)), less(numeral(1), numeral(2))
    assert objection(equal(A, F), idle, before=(idle,)) is None
    assert objection(equal(A, F), idle, less(X, Y), before=(idle,)) is None
    assert objection(equal(A, F), idle, other, before=(idle,)) == "idle hypothesis"


@pytest.mark.parametrize(("words", "conclusion", "target", "expected"), [
    ("x < y + 0 for x < y", less(X, plus(Y, numeral(0))), less(X, Y), "idle part"),
    ("f b = a ∨ 1 = 2", call("Or", equal(A, F), equal(numeral(1), numeral(2))), TARGET, "idle part"),
    ("x + 0 < z for x + 0 < y", less(plus(X, numeral(0)), Z), less(plus(X, numeral(0)), Y), None),
    ("x + 0 < y + 0 for x + 0 < y", less(plus(X, numeral(0)), plus(Y, numeral(0))), less(plus(X, numeral(0)), Y), "idle part"),
    ("z + 0 < x for x + 0 < y * 1", less(plus(Z, numeral(0)), X), less(plus(X, numeral(0)), operation("HMul.hMul", Y, numeral(1))), None),
])
def test_operations_that_do_nothing_may_not_be_added(words, conclusion, target, expected):
    assert objection(conclusion, target=target) == expected, words


def test_an_operation_that_does_nothing_counts_in_hypotheses_too():
    assert objection(equal(A, F), less(X, plus(Y, numeral(0)))) == "idle part"
    assert objection(equal(A, F), less(X, plus(Y, numeral(0))), before=(less(plus(X, numeral(0)), Y),)) is None


def fold(name: str, *args: Term) -> Term:
    return equal(call(name, NAT, *args), B)


def size(array: Term) -> Term:
    return call("Array.size", NAT, array)


@pytest.mark.parametrize(("words", "conclusion", "expected"), [
    ("xs.any p", fold("Array.any", A, P, numeral(0), size(A)), None),
    ("xs.any p 0 ys.size", fold("Array.any", A, P, numeral(0), size(F)), "default argument"),
    ("xs.any p 1", fold("Array.any", A, P, numeral(1), size(A)), "default argument"),
    ("xs.any p 0 n", fold("Array.any", A, P, numeral(0), X), "default argument"),
    ("xs.anyM p 0 n", fold("Array.anyM", A, P, numeral(0), X), "default argument"),
    ("xs.foldr f b", fold("Array.foldr", P, B, A, size(A), numeral(0)), None),
    ("xs.foldr f b xs.size 1", fold("Array.foldr", P, B, A, size(A), numeral(1)), "default argument"),
    ("xs.foldr f b n", fold("Array.foldr", P, B, A, X, numeral(0)), "default argument"),
    ("bs.foldl f b", fold("ByteArray.foldl", P, B, A, numeral(0), call("ByteArray.size", A)), None),
    ("bs.foldl f b 0 cs.size", fold("ByteArray.foldl", P, B, A, numeral(0), call("ByteArray.size", F)), "default argument"),
    ("v.any p, of a vector, which has no bounds", fold("Vector.any", X, A, P), None),
    ("v.foldl f b, of a vector", fold("Vector.foldl", NAT, X, P, B, A), None),
    ("s.foldl f b, of a part of an array", fold("Subarray.foldl", NAT, P, B, A), None),
    ("xs.any p as a function of its bounds", fold("Array.any", A, P), None),
    ("xs.any p 5 as a function of its end", fold("Array.any", A, P, numeral(5)), "default argument"),
    ("xs.take 0 n", fold("Array.take", A, P, numeral(0), X), None), ("a function that is a variable", ("@", X, A, A, P, X, Y), None),
    ("l.any p", call("List.any", NAT, A, P), None),
])
def test_bounds_of_a_fold_are_left_at_their_defaults(words, conclusion, expected):
    assert objection(conclusion) == expected, words


def test_bounds_that_the_target_spells_out_may_stay():
    one, another, third = (fold("Array.any", A, P, numeral(n), X) for n in (1, 2, 3))
    assert objection(another, target=one) is None
    assert objection(call("And", another, third), target=one) == "default argument"
    assert objection(equal(A, F), one) == "default argument", "in a hypothesis"


def test_a_large_numeral_may_stay_but_not_come():
    large = numeral(2 ** 32)
    assert objection(equal(A, large)) == "large numeral"
    assert objection(equal(A, F), equal(X, large)) == "large numeral"
    assert objection(equal(A, large), target=equal(large, F)) is None


def test_a_hypothesis_may_not_be_repeated():
    once, other = less(X, Y), less(Y, Z)
    assert objection(equal(A, F), once, once) == "repeated hypothesis"
    assert objection(equal(A, F), once, other) is None
    assert objection(equal(A, F), once, once, before=(once, once)) is None
    assert objection(equal(A, F), once, once, other, before=(once, once)) is None
    assert objection(equal(A, F), once, once, once, before=(once, once)) == "repeated hypothesis"
    assert objection(equal(A, F), once, before=(once, once)) is None


@pytest.mark.parametrize("name", ["Foo._proof_1", "Nat.pow.match_1", "Nat.ble", "Array.extract.loop", "Nat.lt", "Array.toListImpl",
                                  "Std.HashMap.Internal.f", "Lean.Grind.f", "Nat.Linear.eval", "List.rec", "Nat.below", "UInt32.add"])
def test_constants_that_a_reader_never_writes(name):
    assert objection(equal(A, call(name, F))) == "internal constant"
    assert objection(equal(A, call(name, F)), target=equal(call(name, F), B)) is None, "the target has it already"


@pytest.mark.parametrize("name", ["Foo.gopher.looped", "Nat.log2", "Nat.recursion", "List.addAll", "Matcher.f", "Leaning.f"])
def test_constants_that_a_reader_may_write(name):
    assert objection(equal(A, call(name, F))) is None


@pytest.mark.parametrize("name", ["HEq", "cast", "Eq.mp", "Eq.mpr", "Eq.ndrec", "id", "inferInstance"])
def test_equalities_between_types_and_casts(name):
    assert objection(equal(A, call(name, F))) == "transport"
    assert objection(equal(A, call(name, F)), target=equal(call(name, F), B)) is None


@pytest.mark.parametrize(("words", "conclusion", "target", "lemmas", "expected"), [
    ("a constant of neither", equal(A, call("Nat.log2", B)), TARGET, "c\tNat.foo\t0", "unfolded"),
    ("a constant of the lemma", equal(A, call("Nat.log2", B)), TARGET, "c\tNat.log2\t0", None),
    ("a constant of the target", equal(A, call("Nat.log2", B)), equal(call("Nat.log2", A), B), "c\tNat.foo\t0", None),
    ("nobody knows the lemma", equal(A, call("Nat.log2", B)), TARGET, "", None),
    ("a numeral", equal(A, numeral(7)), TARGET, "c\tNat.foo\t0", None),
    ("an instance", equal(A, call("g", call("Nat.instAdd"))), equal(call("g", A), B), "c\tNat.foo\t0", None),
    ("a + 1 < b for a < b", less(plus(A, numeral(1)), B), less(A, B), "c\tNat.foo\t0", None),
    ("a + 1 = b for a = b", equal(plus(A, numeral(1)), B), TARGET, "c\tNat.foo\t0", "unfolded"),
    ("a + 1 < b for a = b, by a lemma on <", less(plus(A, numeral(1)), B), TARGET, "c\tLT.lt\t0", "unfolded"),
    ("a + 1 < b for a = b, by a lemma on < and +", less(plus(A, numeral(1)), B), TARGET, "c\tLT.lt\t0\tc\tHAdd.hAdd\t0", None),
])
def test_constants_that_came_from_an_unfolded_definition(words, conclusion, target, lemmas, expected):
    assert objection(conclusion, target=target, lemmas=lemmas) == expected, words


@pytest.mark.parametrize(("words", "conclusion", "target", "expected"), [
    ("b = a for a = b", equal(B, A), TARGET, True), ("b + a = a for a = a + b", equal(plus(B, A), A), equal(A, plus(A, B)), True),
    ("b < a for a < b", less(B, A), less(A, B), False), ("a = b + a for a = b", equal(A, plus(B, A)), TARGET, False),
])
def test_the_target_in_another_order(words, conclusion, target, expected):
    assert objection(conclusion, target=target) == ("restates its target" if expected else None), words


def of_size(n: int, name: str) -> Term:
    return call(name, *[X] * (n - 1))


@pytest.mark.parametrize(("before", "most"), [
    (5, 53), (23, 71), (24, 72), (25, 75), (100, 300), (133, 399), (134, 400), (200, 400), (450, 450)])
def test_the_largest_statement_for_a_target_of_a_size(before, most):
    """Three times as large, or 48 symbols more if that is larger; and 400 symbols, unless the target is larger."""
    assert objection(of_size(most, "p"), target=of_size(before, "q")) is None
    assert objection(of_size(most + 1, "p"), target=of_size(before, "q")) == "too large"


@pytest.mark.parametrize(("words", "hypothesis", "expected"), [
    ("x = y, bit vectors of 2 ^ 63 bits", equal(X, Y, call("BitVec", power(numeral(2), numeral(63)))), True),
    ("x = y below 2 ^ 63", equal(X, Y, call("Fin", power(numeral(2), numeral(63)))), True),
    ("x = y, bit vectors of 2 ^ w bits", equal(X, Y, call("BitVec", power(numeral(2), Z))), False),
    ("x = y, bit vectors of 64 bits", equal(X, Y, call("BitVec", numeral(64))), False),
    ("x = y, bit vectors of 2 * 32 bits", equal(X, Y, call("BitVec", operation("HMul.hMul", numeral(2), A))), False),
    ("x < 2 ^ 63", less(X, power(numeral(2), numeral(63))), False),
    ("x = y, lists of 2 ^ 63", equal(X, Y, call("List", power(numeral(2), numeral(63)))), False),
])
def test_types_that_evaluation_never_gets_through(words, hypothesis, expected):
    assert objection(equal(A, F), hypothesis) == ("wide type" if expected else None), words


def test_the_type_of_a_variable_may_be_too_wide():
    wide = call("BitVec", power(numeral(2), numeral(63)))
    assert objection(equal(A, F), binders=(wide,)) == "wide type"
