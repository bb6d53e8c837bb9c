"""What numbers alone decide, beside what trying them says."""

import functools
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_alchemy.mutation.policy.arithmetic import idle_parts, is_decided, is_idle

NAT, INST = ("c", "Nat"), ("c", "inst")
VARIABLES = [("#", i) for i in range(3)]
COMPARISONS = {
    "Eq": lambda a, b: a == b, "Ne": lambda a, b: a != b, "LE.le": lambda a, b: a <= b, "LT.lt": lambda a, b: a < b,
    "GE.ge": lambda a, b: a >= b, "GT.gt": lambda a, b: a > b}


def numeral(n):
    return ("@", ("c", "OfNat.ofNat", "0"), NAT, ("n", n), INST)


def negated(n):
    return ("@", ("c", "Neg.neg", "0"), ("c", "Int"), INST, numeral(n))


def operation(name, a, b):
    return ("@", ("c", name, "0"), NAT, NAT, NAT, INST, a, b)


def comparison(name, a, b):
    return ("@", ("c", name), NAT, a, b) if name in ("Eq", "Ne") else ("@", ("c", name), NAT, INST, a, b)


sums = st.recursive(
    st.sampled_from(VARIABLES) | st.integers(0, 3).map(numeral),
    lambda part: st.builds(lambda a, b: operation("HAdd.hAdd", a, b), part, part)
    | part.map(lambda a: ("@", ("c", "Nat.succ"), a))
    | st.builds(lambda n, x: operation("HPow.hPow", numeral(n), x), st.integers(0, 3), st.sampled_from(VARIABLES)), max_leaves=5)


def value(term, numbers):
    match term:
        case ("#", i):
            return numbers[i]
        case ("@", ("c", "OfNat.ofNat", _), _, ("n", n), _):
            return n
        case ("@", ("c", "Nat.succ"), a):
            return value(a, numbers) + 1
        case ("@", ("c", "HPow.hPow", _), _, _, _, _, a, b):
            return value(a, numbers) ** value(b, numbers)
        case ("@", _, _, _, _, _, a, b):
            return value(a, numbers) + value(b, numbers)


@given(st.sampled_from(sorted(COMPARISONS)), sums, sums)
def test_what_is_decided_no_numbers_change(name, a, b):
    verdicts = {COMPARISONS[name](value(a, n), value(b, n)) for n in itertools.product((0, 1, 2, 16), repeat=len(VARIABLES))}
    assert not is_decided(comparison(name, a, b)) or len(verdicts) == 1


def plus(*parts):
    first, *rest = parts
    return functools.reduce(lambda a, b: operation("HAdd.hAdd", a, b), rest, first)


def choice(branch):
    return ("@", ("c", "dite", "1"), NAT, ("c", "p"), INST, branch, ("λ", ("c", "p"), numeral(0)))


X, Y = VARIABLES[:2]


@pytest.mark.parametrize(("name", "a", "b", "expected"), [
    ("Eq", plus(X, Y, numeral(1)), X, True), ("Eq", plus(X, Y), X, False), ("Eq", numeral(2), numeral(0), True),
    ("LE.le", X, plus(X, Y), True), ("LT.lt", X, plus(X, Y), False), ("LT.lt", X, plus(numeral(1), X), True),
    ("LT.lt", numeral(0), operation("HPow.hPow", numeral(2), X), True), ("LT.lt", numeral(1), operation("HPow.hPow", numeral(2), X), False),
    ("LT.lt", plus(X, numeral(1)), X, True), ("LE.le", plus(X, Y), X, False), ("GE.ge", plus(X, Y), X, True),
    ("GT.gt", X, plus(X, Y), True), ("LT.lt", X, numeral(0), True), ("LT.lt", numeral(0), X, False), ("Ne", X, plus(X, numeral(2)), True),
])
def test_which_comparisons_are_decided(name, a, b, expected):
    assert is_decided(comparison(name, a, b)) == expected


@pytest.mark.parametrize(("term", "expected"), [
    (operation("HAdd.hAdd", X, numeral(0)), True), (operation("HAdd.hAdd", numeral(0), X), True),
    (operation("HMul.hMul", numeral(1), X), True), (operation("HSub.hSub", X, numeral(0)), True),
    (operation("HSub.hSub", numeral(0), X), True), (operation("HSub.hSub", X, negated(1)), True),
    (operation("HDiv.hDiv", X, negated(1)), True), (operation("HSub.hSub", numeral(3), X), False),
    (("@", ("c", "Nat.succ"), numeral(0)), True), (("@", ("c", "Nat.succ"), X), False),
    (("@", ("c", "Nat.gcd"), X, numeral(0)), True), (("@", ("c", "Nat.gcd"), X, Y), False),
    (operation("HAdd.hAdd", X, numeral(1)), False),
    (operation("HMul.hMul", X, numeral(2)), False), (operation("HPow.hPow", X, numeral(1)), True),
    (operation("HAppend.hAppend", X, ("@", ("c", "List.nil", "u"), NAT)), True), (operation("HAppend.hAppend", X, Y), False),
    (operation("HAdd.hAdd", numeral(63), numeral(1)), True), (plus(X, numeral(1), numeral(1)), True), (plus(X, numeral(1), Y), False),
    (operation("HSub.hSub", plus(X, numeral(2)), numeral(1)), True), (operation("HPow.hPow", numeral(2), numeral(64)), False),
    (operation("HMul.hMul", plus(X, numeral(2)), numeral(2)), False),
    (operation("HSub.hSub", X, ("@", ("c", "Neg.neg", "0"), NAT, INST, Y)), True),
    (("@", ("c", "Neg.neg", "0"), NAT, INST, ("@", ("c", "Neg.neg", "0"), NAT, INST, Y)), True),
    (("@", ("c", "Not"), ("@", ("c", "Ne", "1"), NAT, X, Y)), True), (("@", ("c", "Not"), comparison("LT.lt", X, Y)), False),
    (("@", ("c", "Eq", "1"), ("Sort", "0"), comparison("LT.lt", X, Y), ("c", "False")), True), (comparison("Eq", X, Y), False),
    (("@", ("c", "Iff"), ("c", "True"), comparison("LT.lt", X, Y)), True),
    (operation("HSub.hSub", X, X), True), (operation("HMod.hMod", X, X), True), (operation("HAdd.hAdd", X, X), False),
    (("@", ("c", "Nat.gcd"), X, X), True), (("@", ("c", "Max.max"), NAT, INST, X, X), True),
    (("@", ("c", "Bool.not"), ("c", "Bool.true")), True), (("@", ("c", "Bool.not"), X), False),
    (("@", ("c", "and"), X, ("c", "Bool.true")), True), (("@", ("c", "and"), X, Y), False),
    (choice(("λ", ("c", "p"), ("#", 1))), True), (choice(("λ", ("c", "p"), ("@", ("c", "f"), ("#", 0)))), False),
    (choice(("c", "f")), False),
    (("@", ("c", "Nat.cast", "0"), ("c", "Int"), INST, numeral(1)), True), (("@", ("c", "Nat.cast", "0"), ("c", "Int"), INST, X), False),
])
def test_an_operation_that_does_nothing_is_idle(term, expected):
    assert is_idle(term) == expected


def test_a_comparison_of_closed_numbers_inside_a_proposition_is_an_idle_part():
    closed = comparison("Eq", numeral(2), numeral(0))
    assert idle_parts(("@", ("c", "Or"), closed, comparison("LT.lt", X, Y))) == 1
    assert idle_parts(closed) == 0
    assert idle_parts(("@", ("c", "Or"), comparison("LT.lt", X, Y), comparison("LT.lt", Y, X))) == 0
