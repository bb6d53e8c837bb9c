"""Trivial arithmetic: comparisons that hold or fail for all values of their variables, and operations that do nothing."""

from collections import Counter

from lean_alchemy.mutation.terms import Term, arguments, is_constant, mentions, subterms

_COMPARISONS = {"Eq": 3, "Ne": 3, "LE.le": 4, "LT.lt": 4, "GE.ge": 4, "GT.gt": 4}


def literal(term: Term) -> int | None:
    """The value of a numeral; else None."""
    if term[0] == "n":
        return term[1]
    args = arguments(term, "OfNat.ofNat", 3)
    return args[1][1] if args and args[1][0] == "n" else None


def integer(term: Term) -> int | None:
    """The value of a numeral or of `-n`; else None."""
    if args := arguments(term, "Neg.neg", 3):
        value = literal(args[-1])
        return None if value is None else -value
    return literal(term)


def _sum(term: Term, atoms: Counter[Term]) -> int:
    """The constant part of a sum, such as 2 of `m + 2`. Its other summands are counted in atoms."""
    if (value := literal(term)) is not None:
        return value
    if args := arguments(term, "HAdd.hAdd", 6):
        return _sum(args[4], atoms) + _sum(args[5], atoms)
    if args := arguments(term, "Nat.succ", 1):
        return _sum(args[0], atoms) + 1
    atoms[term] += 1
    return 0


def _is_positive(term: Term) -> bool:
    """Is it a power of a positive numeral? Only this form is recognised."""
    args = arguments(term, "HPow.hPow", 6)
    return args is not None and (literal(args[4]) or 0) > 0


def is_decided(proposition: Term) -> bool:
    """Is it a comparison of sums in Nat or Int that holds, or fails, for all values of its variables: `m + n + 1 = m`,
    `n ≤ n + 1`, `0 < 2 ^ n`, `2 = 0`?"""
    if proposition[0] != "@":
        return False
    name, args = proposition[1][1], proposition[2:]  # where the head is no constant, its second part is no name
    if _COMPARISONS.get(name) != len(args) or not any(is_constant(args[0], number) for number in ("Nat", "Int")):
        return False
    left, right = Counter[Term](), Counter[Term]()
    difference = _sum(args[-1], right) - _sum(args[-2], left)
    left, right = left - right, right - left
    if not left and not right:
        return True
    if (left and right) or not is_constant(args[0], "Nat"):
        return False
    if left:  # mirror the comparison, so that only the right side has summands left
        difference = -difference
    # One side is the other plus `difference` plus naturals: surely more (strict), or at least as much (weak).
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
"""For each operation the numerals that any reader simplifies away, on its left and on its right."""

_COMPUTED = ("HAdd.hAdd", "HSub.hSub", "HMul.hMul", "HDiv.hDiv", "HMod.hMod")
"""Of two numerals these make one: `63 + 1`. Powers are kept: `2 ^ 64` says more than its value."""

_OF_ITSELF = {
    "HSub.hSub": 6, "HDiv.hDiv": 6, "HMod.hMod": 6, "HAnd.hAnd": 6, "HOr.hOr": 6, "HXor.hXor": 6, "Min.min": 4, "Max.max": 4,
    "Nat.gcd": 2, "Int.gcd": 2, "Nat.lcm": 2, "Int.lcm": 2}
"""Operations that simplify when both arguments are equal: `a - a`, `max a a`."""

_SHIFTED = ("HAdd.hAdd", "HSub.hSub")
"""A numeral added inside is combined with theirs: `n + 2 - 1`."""

_EMPTY = ("List.nil", "Array.empty")
_BOOLEAN = ("Bool.true", "Bool.false")
_PROPOSITIONS = ("True", "False")


def is_idle(term: Term) -> bool:
    """Is it an operation that any reader would simplify: `a + 0`, `0 - a`, `n - -a`, `a - a`, `n + 1 + 1`, `l ++ []`,
    `b && true`, `!true`, `¬a ≠ b`, `p = False`, `↑1`, `if h : p then a else b` that does not use `h`?"""
    if term[0] != "@":
        return False
    name, args = term[1][1], term[2:]  # where the head is no constant, its second part is no name
    if _OF_ITSELF.get(name) == len(args) and args[-1] == args[-2]:
        return True
    if (name == "HSub.hSub" and arguments(args[-1], "Neg.neg", 3)) or (name == "HAdd.hAdd" and _is_negative(args[-1])):
        return True
    if name in _COMPUTED and len(args) == 6 and _adds_up(name, *args[-2:]):
        return True
    if neutral := _NEUTRAL.get((name, len(args))):
        left, right = neutral
        return integer(args[-2]) in left or integer(args[-1]) in right
    match name, len(args):
        case "HAppend.hAppend", 6:
            return any(_head(side) in _EMPTY for side in args[-2:])
        case "and" | "or" | "xor" | "Bool.and" | "Bool.or" | "Bool.xor", 2:
            return any(_head(side) in _BOOLEAN for side in args)
        case "not" | "Bool.not", 1:
            return _head(args[0]) in _BOOLEAN
        case "Not", 1:
            return _head(args[0]) in ("Not", "Ne")
        case "Eq", 3:
            return _head(args[-1]) in _PROPOSITIONS
        case "Iff", 2:
            return any(_head(side) in _PROPOSITIONS for side in args)
        case "dite", 5:
            return all(branch[0] == "λ" and not mentions(branch[2], 0) for branch in args[-2:])
        case "Neg.neg", 3:
            return arguments(args[-1], "Neg.neg", 3) is not None
        case "Nat.succ", 1:
            return literal(args[0]) is not None
        case "Int.toNat", 1:
            return arguments(args[0], "Nat.cast", 3) is not None
        case "Nat.cast" | "Int.cast" | "NatCast.natCast" | "IntCast.intCast", 3:
            return literal(args[-1]) is not None
    return False


def _adds_up(name: str, left: Term, right: Term) -> bool:
    """Can two numerals be combined: `63 + 1`, `n + 1 + 1`, `n + 2 - 1`?"""
    if literal(right) is None:
        return False
    inside = arguments(left, "HAdd.hAdd", 6)
    return literal(left) is not None or (name in _SHIFTED and inside is not None and literal(inside[-1]) is not None)


def _is_negative(term: Term) -> bool:
    value = integer(term)
    return value is not None and value < 0


def idle_parts(proposition: Term) -> int:
    """The number of operations in it that do nothing, plus the number of variable-free comparisons inside it (`2 = 0 ∨ p`)."""
    return sum(
        is_idle(part) or (part is not proposition and is_decided(part) and not any(p[0] == "#" for p in subterms(part)))
        for part in subterms(proposition))


LARGE = 100_000


def has_large_numeral(term: Term) -> bool:
    """Does it contain a numeral whose digits a reader would have to count: `18446744073709551616` for `2 ^ 64`?"""
    return any((value := literal(part)) is not None and value > LARGE for part in subterms(term))


def _head(term: Term) -> str | None:
    head = term[1] if term[0] == "@" else term
    return head[1] if head[0] == "c" else None
