"""What numbers alone decide: comparisons that hold or fail whatever their variables are, and operations that do nothing."""

from collections import Counter

from lean_alchemy.mutation.terms import Term, arguments, is_constant, mentions, subterms

_COMPARISONS = {"Eq": 3, "Ne": 3, "LE.le": 4, "LT.lt": 4, "GE.ge": 4, "GT.gt": 4}


def literal(term: Term) -> int | None:
    """The value of a numeral."""
    if term[0] == "n":
        return term[1]
    found = arguments(term, "OfNat.ofNat", 3)
    return found[1][1] if found and found[1][0] == "n" else None


def integer(term: Term) -> int | None:
    """The value of a numeral, or of `-n`."""
    if found := arguments(term, "Neg.neg", 3):
        value = literal(found[-1])
        return None if value is None else -value
    return literal(term)


def _sum(term: Term, atoms: Counter[Term]) -> int:
    """The number that stands in a sum; its other summands are added to atoms."""
    if (value := literal(term)) is not None:
        return value
    if found := arguments(term, "HAdd.hAdd", 6):
        return _sum(found[4], atoms) + _sum(found[5], atoms)
    if found := arguments(term, "Nat.succ", 1):
        return _sum(found[0], atoms) + 1
    atoms[term] += 1
    return 0


def _is_positive(term: Term) -> bool:
    """Powers of positive numerals."""
    found = arguments(term, "HPow.hPow", 6)
    return found is not None and (literal(found[4]) or 0) > 0


def is_decided(proposition: Term) -> bool:
    """Does a comparison of sums of natural numbers or integers hold, or fail, whatever its variables are: `m + n + 1 = m`,
    `n ≤ n + 1`, `0 < 2 ^ n`, `2 = 0`?"""
    if proposition[0] != "@" or proposition[1][0] != "c":
        return False
    name, found = proposition[1][1], proposition[2:]
    if _COMPARISONS.get(name) != len(found) or not any(is_constant(found[0], number) for number in ("Nat", "Int")):
        return False
    left, right = Counter[Term](), Counter[Term]()
    difference = _sum(found[-1], right) - _sum(found[-2], left)
    left, right = left - right, right - left
    if not left and not right:
        return True
    if (left and right) or not is_constant(found[0], "Nat"):
        return False
    if left:  # as `right` of the mirrored comparison
        difference = -difference
    # The larger side is `difference` and some numbers more than the other: more for sure, or at least as much.
    difference += sum(n for atom, n in (left or right).items() if _is_positive(atom))
    strict = difference > 0
    weak = difference >= 0
    if name in ("Eq", "Ne"):
        return strict
    is_less_on_the_right = (name in ("LE.le", "LT.lt")) == bool(right)
    holds_when_equal = name in ("LE.le", "GE.ge")
    return weak if is_less_on_the_right == holds_when_equal else strict


_NEUTRAL: dict[tuple[str, int], tuple[frozenset[int], frozenset[int]]] = {
    ("HAdd.hAdd", 6): (frozenset({0}), frozenset({0})),
    ("HSub.hSub", 6): (frozenset({0}), frozenset({0})),
    ("HMul.hMul", 6): (frozenset({-1, 0, 1}), frozenset({-1, 0, 1})),
    ("HDiv.hDiv", 6): (frozenset({0}), frozenset({-1, 1})),
    ("HPow.hPow", 6): (frozenset({1}), frozenset({0, 1})),
    ("HShiftLeft.hShiftLeft", 6): (frozenset({0}), frozenset({0})),
    ("HShiftRight.hShiftRight", 6): (frozenset({0}), frozenset({0})),
    ("HOr.hOr", 6): (frozenset({0}), frozenset({0})),
    ("HAnd.hAnd", 6): (frozenset({0}), frozenset({0})),
    ("HXor.hXor", 6): (frozenset({0}), frozenset({0})),
    ("Nat.gcd", 2): (frozenset({0, 1}), frozenset({0, 1})),
    ("Int.gcd", 2): (frozenset({0, 1}), frozenset({0, 1})),
    ("Nat.lcm", 2): (frozenset({0, 1}), frozenset({0, 1})),
    ("Int.lcm", 2): (frozenset({0, 1}), frozenset({0, 1})),
}
"""For each operation the numbers that any reader computes away, on its left and on its right."""

_COMPUTED = ("HAdd.hAdd", "HSub.hSub", "HMul.hMul", "HDiv.hDiv", "HMod.hMod")
"""Two numbers become one by them: `63 + 1`. Powers stay: `2 ^ 64` says more than its value."""

_OF_ITSELF = {
    "HSub.hSub": 6, "HDiv.hDiv": 6, "HMod.hMod": 6, "HAnd.hAnd": 6, "HOr.hOr": 6, "HXor.hXor": 6, "Min.min": 4, "Max.max": 4,
    "Nat.gcd": 2, "Int.gcd": 2, "Nat.lcm": 2, "Int.lcm": 2}
"""`a - a`, `max a a`: what any reader computes where both arguments are the same."""

_SHIFTED = ("HAdd.hAdd", "HSub.hSub")
"""A number added before is computed together with theirs: `n + 2 - 1`."""

_EMPTY = ("List.nil", "Array.empty")
_BOOLEAN = ("Bool.true", "Bool.false")
_PROPOSITIONS = ("True", "False")


def is_idle(term: Term) -> bool:
    """Is it an operation that no reader would leave standing: `a + 0`, `0 - a`, `n - -a`, `a - a`, `n + 1 + 1`, `l ++ []`,
    `b && true`, `!true`, `¬a ≠ b`, `p = False`, `↑1`, `if h : p then a else b` where nobody speaks of `h`?"""
    if term[0] != "@" or term[1][0] != "c":
        return False
    name, found = term[1][1], term[2:]
    if _OF_ITSELF.get(name) == len(found) and found[-1] == found[-2]:
        return True
    if (name == "HSub.hSub" and arguments(found[-1], "Neg.neg", 3)) or (name == "HAdd.hAdd" and _is_negative(found[-1])):
        return True
    if name in _COMPUTED and len(found) == 6 and _adds_up(name, *found[-2:]):
        return True
    if neutral := _NEUTRAL.get((name, len(found))):
        left, right = neutral
        return integer(found[-2]) in left or integer(found[-1]) in right
    match name, len(found):
        case "HAppend.hAppend", 6:
            return any(_head(side) in _EMPTY for side in found[-2:])
        case "and" | "or" | "xor" | "Bool.and" | "Bool.or" | "Bool.xor", 2:
            return any(_head(side) in _BOOLEAN for side in found)
        case "not" | "Bool.not", 1:
            return _head(found[0]) in _BOOLEAN
        case "Not", 1:
            return _head(found[0]) in ("Not", "Ne")
        case "Eq", 3:
            return _head(found[-1]) in _PROPOSITIONS
        case "Iff", 2:
            return any(_head(side) in _PROPOSITIONS for side in found)
        case "dite", 5:
            return all(branch[0] == "λ" and not mentions(branch[2], 0) for branch in found[-2:])
        case "Neg.neg", 3:
            return arguments(found[-1], "Neg.neg", 3) is not None
        case "Nat.succ", 1:
            return literal(found[0]) is not None
        case "Int.toNat", 1:
            return arguments(found[0], "Nat.cast", 3) is not None
        case "Nat.cast" | "Int.cast" | "NatCast.natCast" | "IntCast.intCast", 3:
            return literal(found[-1]) is not None
    return False


def _adds_up(name: str, left: Term, right: Term) -> bool:
    """`63 + 1`, `n + 1 + 1`, `n + 2 - 1`."""
    if literal(right) is None:
        return False
    inside = arguments(left, "HAdd.hAdd", 6)
    return literal(left) is not None or (name in _SHIFTED and inside is not None and literal(inside[-1]) is not None)


def _is_negative(term: Term) -> bool:
    value = integer(term)
    return value is not None and value < 0


def idle_parts(proposition: Term) -> int:
    """How many operations in it do nothing, and how many comparisons of numbers alone stand inside it (`2 = 0 ∨ p`)."""
    return sum(
        is_idle(part) or (part is not proposition and is_decided(part) and not any(p[0] == "#" for p in subterms(part)))
        for part in subterms(proposition))


LARGE = 100_000


def has_large_numeral(term: Term) -> bool:
    """Does a numeral stand in it that a reader would have to count: `18446744073709551616` for `2 ^ 64`?"""
    return any((value := literal(part)) is not None and value > LARGE for part in subterms(term))


def _head(term: Term) -> str | None:
    head = term[1] if term[0] == "@" else term
    return head[1] if head[0] == "c" else None
