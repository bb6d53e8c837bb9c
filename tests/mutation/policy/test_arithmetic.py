"""What numbers alone decide, beside what trying them says."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lean_terms import INST, INT, NAT, X, Y, Z, call, comparison, less, negated, numeral, operation, plus, power

from lean_alchemy.mutation.policy.arithmetic import has_large_numeral, idle_parts, is_decided

VARIABLES = [X, Y, Z]
COMPARISONS = {
    "Eq": lambda a, b: a == b, "Ne": lambda a, b: a != b, "LE.le": lambda a, b: a <= b, "LT.lt": lambda a, b: a < b,
    "GE.ge": lambda a, b: a >= b, "GT.gt": lambda a, b: a > b}

sums = st.recursive(
    st.sampled_from(VARIABLES) | st.integers(0, 3).map(numeral),
    lambda part: st.builds(plus, part, part)
    | part.map(lambda a: call("Nat.succ", a))
    | st.builds(lambda n, x: power(numeral(n), x), st.integers(0, 3), st.sampled_from(VARIABLES)), max_leaves=5)


def value(term, numbers):
    match term:
        case ("#", i):
            return numbers[i]
        case ("@", ("c", "OfNat.ofNat"), _, ("n", n), _):
            return n
        case ("@", ("c", "Nat.succ"), a):
            return value(a, numbers) + 1
        case ("@", ("c", "HPow.hPow"), _, _, _, _, a, b):
            return value(a, numbers) ** value(b, numbers)
        case ("@", _, _, _, _, _, a, b):
            return value(a, numbers) + value(b, numbers)


@given(st.sampled_from(sorted(COMPARISONS)), sums, sums)
def test_what_is_decided_no_numbers_change(name, a, b):
    verdicts = {COMPARISONS[name](value(a, n), value(b, n)) for n in itertools.product((0, 1, 2, 16), repeat=len(VARIABLES))}
    assert not is_decided(comparison(name, a, b)) or len(verdicts) == 1


@pytest.mark.parametrize("more", [(Y,), (Y, power(numeral(3), Z)), (Y, power(numeral(2), Z), power(numeral(2), Z))],
                         ids=["y", "y + 3 ^ z", "y + 2 ^ z + 2 ^ z"])
@pytest.mark.parametrize("name", COMPARISONS)
def test_if_one_side_has_only_more_summands_it_is_decided_where_numbers_agree(name, more):
    """`x + n` beside `x + m + y` in Nat, for small n and m, in both orders."""
    for n, m in itertools.product(range(4), repeat=2):
        for sides in itertools.permutations((plus(X, numeral(n)), plus(X, numeral(m), *more))):
            verdicts = {COMPARISONS[name](*(value(side, (7, y, z)) for side in sides)) for y, z in itertools.product(range(6), repeat=2)}
            assert is_decided(comparison(name, *sides)) == (len(verdicts) == 1), (n, m, sides)


@pytest.mark.parametrize(("name", "a", "b", "expected"), [
    ("Eq", plus(X, Y, numeral(1)), X, True), ("Eq", plus(X, Y), X, False), ("Eq", numeral(2), numeral(0), True),
    ("LE.le", X, plus(X, Y), True), ("LT.lt", X, plus(X, Y), False), ("LT.lt", X, plus(numeral(1), X), True),
    ("LT.lt", numeral(0), power(numeral(2), X), True), ("LT.lt", numeral(1), power(numeral(2), X), False),
    ("LT.lt", numeral(0), power(numeral(1), X), True), ("LT.lt", numeral(0), power(numeral(0), X), False),
    ("LT.lt", numeral(0), power(X, numeral(2)), False), ("LT.lt", numeral(0), power(X, Y), False),
    ("LT.lt", numeral(0), operation("HMul.hMul", numeral(2), X), False),
    ("LT.lt", plus(X, numeral(1)), X, True), ("LE.le", plus(X, Y), X, False), ("GE.ge", plus(X, Y), X, True),
    ("GT.gt", X, plus(X, Y), True), ("LT.lt", X, numeral(0), True), ("LT.lt", numeral(0), X, False), ("Ne", X, plus(X, numeral(2)), True),
    ("Eq", plus(X, Y), plus(Y, X), True), ("Eq", plus(X, X), X, False), ("LE.le", X, plus(X, X), True),
    ("Eq", X, plus(Y, numeral(1)), False), ("Ne", X, Y, False), ("LE.le", X, plus(Y, numeral(1)), False),
    ("LT.lt", X, plus(Y, numeral(9)), False), ("GE.ge", plus(X, numeral(9)), Y, False),
])
def test_which_comparisons_are_decided(name, a, b, expected):
    assert is_decided(comparison(name, a, b)) == expected


@pytest.mark.parametrize(("total", "summands"), [
    (5, plus(X, numeral(2), numeral(3))), (5, plus(numeral(2), X, numeral(3))), (4, call("Nat.succ", plus(X, numeral(3)))),
    (5, call("Nat.succ", call("Nat.succ", plus(numeral(3), X)))), (3, plus(X, ("n", 3))), (0, X),
])
def test_numerals_of_a_sum_add_up(total, summands):
    """`x + 2 + 3 < x + y + 6` holds for all y, and `x + 2 + 3 < x + y + 5` not for all."""
    assert is_decided(less(summands, plus(X, Y, numeral(total + 1)))) and not is_decided(less(summands, plus(X, Y, numeral(total))))
    assert is_decided(comparison("GT.gt", plus(X, Y, numeral(total + 1)), summands))
    assert not is_decided(comparison("GT.gt", plus(X, Y, numeral(total)), summands))


ALPHA = call("Fin", numeral(3))


@pytest.mark.parametrize(("words", "proposition", "expected"), [
    ("x < x + 1 in Int", less(X, plus(X, numeral(1, INT)), INT), True),
    ("x = x + 1 in Int", comparison("Eq", X, plus(X, numeral(1, INT)), INT), True),
    ("x ≤ x + y in Int", comparison("LE.le", X, plus(X, Y), INT), False),
    ("0 < 2 ^ x in Int", less(numeral(0, INT), power(numeral(2, INT), X), INT), False),
    ("x < x + 1 in Fin 3, where 2 + 1 is 0", less(X, plus(X, numeral(1, ALPHA)), ALPHA), False),
    ("2 = 0 in Fin 2", comparison("Eq", numeral(2, ALPHA), numeral(0, ALPHA), ALPHA), False),
    ("x ∣ x", comparison("Dvd.dvd", X, X), False),
    ("HEq 2 0", call("HEq", NAT, numeral(2), NAT, numeral(0)), False),
    ("(2 = ·)", call("Eq", NAT, numeral(2)), False),
    ("(2 < ·)", call("LT.lt", NAT, INST, numeral(2)), False),
    ("a variable", X, False), ("a predicate that is a variable", ("@", X, numeral(2), numeral(0)), False),
    ("a function applied to numbers", ("@", ("λ", NAT, ("λ", NAT, less(X, Y))), numeral(2), numeral(0)), False),
    ("the field of a pair, applied to numbers", ("@", (".", 0, "Prod", X), numeral(2), numeral(0)), False),
    ("∀ x, x = x", ("Π", NAT, comparison("Eq", X, X)), False), ("True", call("True"), False),
])
def test_only_comparisons_of_naturals_and_integers_are_decided(words, proposition, expected):
    assert is_decided(proposition) == expected, words


@pytest.mark.parametrize(("words", "proposition", "expected"), [
    ("2 = 0 ∨ x < y", call("Or", comparison("Eq", numeral(2), numeral(0)), less(X, Y)), 1),
    ("x < y ∨ 2 = 0", call("Or", less(X, Y), comparison("Eq", numeral(2), numeral(0))), 1),
    ("2 = 0 ∨ 1 < 2", call("Or", comparison("Eq", numeral(2), numeral(0)), less(numeral(1), numeral(2))), 2),
    ("2 = 0", comparison("Eq", numeral(2), numeral(0)), 0),
    ("x < y ∨ y < x", call("Or", less(X, Y), less(Y, X)), 0),
    ("x + 1 = x ∨ x < y, where a variable is compared", call("Or", comparison("Eq", plus(X, numeral(1)), X), less(X, Y)), 0),
    ("x + 0 < y", less(plus(X, numeral(0)), Y), 1),
    ("x + 0 < y * 1", less(plus(X, numeral(0)), operation("HMul.hMul", Y, numeral(1))), 2),
    ("f (x + 0 + y)", call("f", plus(X, numeral(0), Y)), 1),
])
def test_idle_parts_are_counted(words, proposition, expected):
    assert idle_parts(proposition) == expected, words


@pytest.mark.parametrize(("words", "term", "expected"), [
    ("100000", numeral(100_000), False), ("100001", numeral(100_001), True),
    ("2 ^ 64", power(numeral(2), numeral(64)), False), ("x % 18446744073709551616", operation("HMod.hMod", X, numeral(2 ** 64)), True),
    ("-18446744073709551616", negated(numeral(2 ** 64)), True), ("inside a function", ("λ", NAT, plus(X, numeral(2 ** 64))), True),
    ("no numeral at all", call("f", ("s", "18446744073709551616"), ("λ", NAT, X), ("Sort", "0"), call("OfNat.ofNat", NAT, X, INST)), False),
])
def test_a_numeral_whose_digits_a_reader_would_count(words, term, expected):
    assert has_large_numeral(term) == expected, words
