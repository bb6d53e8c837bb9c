"""Operations that any reader would simplify, beside those that say something."""

import pytest
from lean_terms import BOOL, INST, INT, NAT, PROP, X, Y, call, comparison, equal, less, negated, numeral, operation, plus, power

from lean_alchemy.mutation.policy.arithmetic import is_idle

EMPTY_LIST, EMPTY_ARRAY = call("List.nil", NAT), call("Array.empty", NAT)
TRUE, FALSE = call("Bool.true"), call("Bool.false")
NUMERALS = range(-2, 4)


@pytest.mark.parametrize(("name", "left", "right"), [
    ("HAdd.hAdd", [0], [-2, -1, 0]),
    ("HSub.hSub", [0], [-2, -1, 0]),
    ("HMul.hMul", [-1, 0, 1], [-1, 0, 1]),
    ("HDiv.hDiv", [0], [-1, 1]),
    ("HMod.hMod", [], []),
    ("HPow.hPow", [1], [0, 1]),
    ("HShiftLeft.hShiftLeft", [0], [0]), ("HShiftRight.hShiftRight", [0], [0]),
    ("HAnd.hAnd", [0], [0]), ("HOr.hOr", [0], [0]), ("HXor.hXor", [0], [0]),
    ("Nat.gcd", [0, 1], [0, 1]), ("Int.gcd", [0, 1], [0, 1]), ("Nat.lcm", [0, 1], [0, 1]), ("Int.lcm", [0, 1], [0, 1]),
    ("GT.gt", [], []), ("LE.le", [], []), ("Eq", [], []),
])
def test_numerals_that_do_nothing_on_the_left_and_on_the_right(name, left, right):
    def with_x(a, b):
        if "." not in name or name in ("GT.gt", "LE.le"):
            return comparison(name, a, b, INT)
        return call(name, a, b) if "cd" in name or "cm" in name else operation(name, a, b, INT)

    assert [n for n in NUMERALS if is_idle(with_x(numeral(n, INT), X))] == left
    assert [n for n in NUMERALS if is_idle(with_x(X, numeral(n, INT)))] == right


@pytest.mark.parametrize("name", ["Nat.gcd", "Int.gcd", "Nat.lcm", "Int.lcm", "Min.min", "Max.max", "HSub.hSub", "HDiv.hDiv", "HMod.hMod",
                                  "HAnd.hAnd", "HOr.hOr", "HXor.hXor"])
def test_operations_of_a_term_and_itself(name):
    def applied(a, b):
        if name in ("Min.min", "Max.max"):
            return call(name, NAT, INST, a, b)
        return call(name, a, b) if name[:3] in ("Nat", "Int") else operation(name, a, b)

    assert is_idle(applied(call("f", X), call("f", X)))
    assert not is_idle(applied(call("f", X), call("f", Y)))
    assert not is_idle(applied(call("f", Y), call("f", X)))


@pytest.mark.parametrize("name", ["HAdd.hAdd", "HMul.hMul", "HPow.hPow", "HAppend.hAppend", "HShiftLeft.hShiftLeft"])
def test_a_term_may_be_doubled_squared_or_put_behind_itself(name):
    assert not is_idle(operation(name, call("f", X), call("f", X)))


@pytest.mark.parametrize(("words", "term", "expected"), [
    ("63 + 1", plus(numeral(63), numeral(1)), True),
    ("63 - 2", operation("HSub.hSub", numeral(63), numeral(2)), True),
    ("6 * 2", operation("HMul.hMul", numeral(6), numeral(2)), True),
    ("6 / 2", operation("HDiv.hDiv", numeral(6), numeral(2)), True),
    ("6 % 4", operation("HMod.hMod", numeral(6), numeral(4)), True),
    ("2 ^ 64", power(numeral(2), numeral(64)), False),
    ("1 <<< 5", operation("HShiftLeft.hShiftLeft", numeral(1), numeral(5)), False),
    ("x + 2 + 3", plus(X, numeral(2), numeral(3)), True),
    ("x + 2 - 3", operation("HSub.hSub", plus(X, numeral(2)), numeral(3)), True),
    ("(x + 2) * 3", operation("HMul.hMul", plus(X, numeral(2)), numeral(3)), False),
    ("(x + 2) % 3", operation("HMod.hMod", plus(X, numeral(2)), numeral(3)), False),
    ("2 + x + 3", plus(numeral(2), X, numeral(3)), False),
    ("x * 2 + 3", plus(operation("HMul.hMul", X, numeral(2)), numeral(3)), False),
    ("x + 2 + y", plus(X, numeral(2), Y), False),
    ("2 % x", operation("HMod.hMod", numeral(2), X), False),
    ("(· + x)", call("HAdd.hAdd", NAT, NAT, NAT, INST, X), False),
    ("(f + 2) 3, of functions", call("HAdd.hAdd", NAT, NAT, NAT, INST, X, numeral(2), numeral(3)), False),
])
def test_numerals_that_can_be_combined(words, term, expected):
    assert is_idle(term) == expected, words


@pytest.mark.parametrize(("words", "term", "expected"), [
    ("x - -y", operation("HSub.hSub", X, negated(Y), INT), True),
    ("-x - y", operation("HSub.hSub", negated(X), Y, INT), False),
    ("x + -y", operation("HAdd.hAdd", X, negated(Y), INT), False),
    ("x * -y", operation("HMul.hMul", X, negated(Y), INT), False),
    ("x ^^^ -y", operation("HXor.hXor", X, negated(Y), INT), False),
    ("- -x", negated(negated(X)), True),
    ("-x", negated(X), False),
    ("-(x - y)", negated(operation("HSub.hSub", X, Y, INT)), False),
])
def test_signs_that_cancel(words, term, expected):
    assert is_idle(term) == expected, words


@pytest.mark.parametrize(("words", "term"), [
    ("y + n, where a numeral's value is a variable", plus(Y, call("OfNat.ofNat", NAT, X, INST))),
    ("y * n, where a numeral's value is another one", operation("HMul.hMul", X, call("OfNat.ofNat", NAT, Y, INST))),
    ("x + x, where `#0` is a variable and no zero", plus(X, X)),
    ("x + Zero.zero", plus(X, call("Zero.zero", NAT, INST))),
    ("a variable", X), ("a function that is a variable", ("@", Y, numeral(0))), ("(fun x => x) 0", ("@", ("λ", NAT, X), numeral(0))),
    ("p.1 0 0", ("@", (".", 0, "Prod", X), numeral(0), numeral(0))),
    ("a literal", ("n", 0)), ("a text", ("s", "0")), ("fun x => x", ("λ", NAT, X)), ("a type", PROP), ("p.1", (".", 0, "Prod", X)),
    ("True", call("True")),
])
def test_what_is_no_operation_on_numerals_is_left_alone(words, term):
    assert not is_idle(term), words


@pytest.mark.parametrize("literal", [("n", 0), numeral(0)])
def test_a_literal_counts_like_the_numeral_around_it(literal):
    assert is_idle(plus(X, literal)) and is_idle(plus(literal, X))


@pytest.mark.parametrize(("a", "b", "expected"), [
    (X, EMPTY_LIST, True), (EMPTY_LIST, X, True), (X, EMPTY_ARRAY, True), (EMPTY_ARRAY, X, True),
    (X, Y, False), (X, call("List.cons", NAT, Y, EMPTY_LIST), False), (call("List.reverse", NAT, EMPTY_LIST), X, False),
])
def test_appending_nothing(a, b, expected):
    assert is_idle(operation("HAppend.hAppend", a, b, call("List", NAT))) == expected


@pytest.mark.parametrize("name", ["and", "or", "xor", "Bool.and", "Bool.or", "Bool.xor"])
def test_boolean_operations_with_a_constant(name):
    assert all(is_idle(call(name, *sides)) for constant in (TRUE, FALSE) for sides in ((X, constant), (constant, X)))
    assert not is_idle(call(name, X, Y))
    assert not is_idle(call(name, call("not", TRUE), call("List.isEmpty", NAT, X)))


@pytest.mark.parametrize("name", ["not", "Bool.not"])
def test_negation_of_a_constant(name):
    assert is_idle(call(name, TRUE)) and is_idle(call(name, FALSE))
    assert not is_idle(call(name, X)) and not is_idle(call(name, call("not", TRUE))) and not is_idle(call(name, call("f", TRUE)))


@pytest.mark.parametrize(("words", "term", "expected"), [
    ("¬¬p", call("Not", call("Not", X)), True),
    ("¬x ≠ y", call("Not", comparison("Ne", X, Y)), True),
    ("¬x = y", call("Not", equal(X, Y)), False),
    ("¬p", call("Not", X), False),
    ("x < y = False", equal(less(X, Y), call("False"), PROP), True),
    ("x < y = True", equal(less(X, Y), call("True"), PROP), True),
    ("(x < y) = (y < x)", equal(less(X, Y), less(Y, X), PROP), False),
    ("x = true", equal(X, TRUE, BOOL), False),
    ("x < y ↔ False", call("Iff", less(X, Y), call("False")), True),
    ("True ↔ x < y", call("Iff", call("True"), less(X, Y)), True),
    ("x < y ↔ y < x", call("Iff", less(X, Y), less(Y, X)), False),
])
def test_propositions_that_say_the_same_without_a_constant(words, term, expected):
    assert is_idle(term) == expected, words


def dependent_if(yes, no, condition=less(X, Y)):
    """`if h : x < y then yes else no`. In the branches `h` is the variable 0, and the others are one higher."""
    return call("dite", NAT, condition, INST, ("λ", condition, yes), ("λ", call("Not", condition), no))


@pytest.mark.parametrize(("words", "term", "expected"), [
    ("neither branch uses h", dependent_if(Y, call("f", Y)), True),
    ("the first branch uses h", dependent_if(call("f", X), Y), False),
    ("the second branch uses h", dependent_if(Y, call("f", X)), False),
    ("both branches use h", dependent_if(call("f", X), call("f", X)), False),
    ("the first branch is a function by its name", call("dite", NAT, less(X, Y), INST, call("f"), ("λ", NAT, Y)), False),
    ("the second branch is a function by its name", call("dite", NAT, less(X, Y), INST, ("λ", NAT, Y), call("f")), False),
    ("it is applied to an argument", ("@", *dependent_if(Y, Y)[1:], X), False),
])
def test_an_if_with_a_proof_that_no_branch_uses(words, term, expected):
    assert is_idle(term) == expected, words


@pytest.mark.parametrize(("words", "term", "expected"), [
    ("Nat.succ 3", call("Nat.succ", numeral(3)), True),
    ("Nat.succ x", call("Nat.succ", X), False),
    ("(x : Int).toNat for a natural x", call("Int.toNat", call("Nat.cast", INT, INST, X)), True),
    ("x.toNat", call("Int.toNat", X), False),
    ("(x + y : Int).toNat", call("Int.toNat", operation("HAdd.hAdd", call("Nat.cast", INT, INST, X), Y, INT)), False),
    *((f"{name} of {of}", call(name, INT, INST, term), of == "3")
      for name in ("Nat.cast", "Int.cast", "NatCast.natCast", "IntCast.intCast")
      for of, term in (("3", numeral(3)), ("x", X), ("x + 3", plus(X, numeral(3))))),
])
def test_conversions_of_what_is_a_numeral_already(words, term, expected):
    assert is_idle(term) == expected, words
