"""Rules on which patterns are worth indexing. They look at one side of a lemma, whatever the target is.

A lemma may be useful in one direction only. The rules are part of the policy (`mutation/policy/rules.py`).
"""

import re
from collections.abc import Callable, Sequence

import msgspec

from lean_alchemy.mutation.search.index import arity


class Pattern(msgspec.Struct, frozen=True):
    """One side of a lemma as the index sees it. variables: how many of its variables stand for data. other: the other
    side, for `rw`; None where that is a bare variable. dependent: does the rest of the lemma mention the proof of this
    antecedent? data: does using it leave variables of the lemma undetermined?"""

    kind: str
    direction: str
    variables: int
    tokens: list[str]
    other: list[str] | None = None
    dependent: bool = False
    data: bool = False


class PatternRule(msgspec.Struct, frozen=True):
    """objects(pattern) is true for patterns that are left out of the index."""

    name: str
    reason: str
    example: str
    objects: Callable[[Pattern], bool]


_EQUATIONS = ("c:Eq/3", "c:Iff/2", "c:HEq/4", "c:Ne/3", "c:Not/1")


def _is_wild(token: str) -> bool:
    return token[0] in "?*"


def _body(kind: str, tokens: list[str]) -> list[str]:
    """The tokens without the root, which is compared first for `rw`."""
    return tokens[1:] if kind == "rw" else tokens


def _is_bare_relation(pattern: Pattern) -> bool:
    head, *rest = _body(pattern.kind, pattern.tokens)
    return head in _EQUATIONS and all(map(_is_wild, rest))


def arguments_of(tokens: Sequence[str]) -> list[list[str]]:
    """The arguments of a pattern, each as a list of tokens."""
    parts: list[list[str]] = []
    open_ = 0
    for token in tokens[1:]:
        if open_ == 0:
            parts.append([])
        parts[-1].append(token)
        open_ = (open_ - 1 if open_ else 0) + arity(token)
    return parts


def _wraps_both_sides(pattern: Pattern) -> bool:
    if pattern.other is None:
        return False
    here, there = _body("rw", pattern.tokens), _body("rw", pattern.other)
    if not all(map(_is_wild, here[-2:])):
        return False
    old, new = arguments_of(here)[-2:], arguments_of(there)[-2:]
    if len(old) < 2 or len(new) < 2 or any(len(part) > 1 for part in old):
        return False
    heads = {part[0] for part in new}
    return len(heads) == 1 and arity(next(iter(heads))) > 0 and any(
        all(set(o) <= set(n) for o, n in zip(old, order, strict=True)) for order in (new, new[::-1]))


def _is_bound_alone(tokens: Sequence[str]) -> bool:
    """Is it `∀ x, p x` or `∃ x, p x`?"""
    return all(_is_wild(t) or t in ("P/2", "L/1", "c:Exists/2") for t in tokens)


def _renames(pattern: Pattern) -> bool:
    if pattern.kind != "rw" or not pattern.data:
        return False
    if pattern.other is None or not {t for t in pattern.tokens if t[0] == "?"} & set(pattern.other):
        return True
    return _is_bound_alone(_body("rw", pattern.tokens)) and _is_bound_alone(_body("rw", pattern.other))


def _is_constant(pattern: Pattern) -> bool:
    return pattern.kind == "rw" and (pattern.variables == 0 or pattern.tokens[0] == "R:c:OfNat.ofNat/3")


_NOTATION = re.compile(
    r"^c:(HAdd\.hAdd|HSub\.hSub|HMul\.hMul|HDiv\.hDiv|HMod\.hMod|HPow\.hPow|HAnd\.hAnd|HOr\.hOr|HXor\.hXor|HShiftLeft\.hShiftLeft"
    r"|HShiftRight\.hShiftRight|HAppend\.hAppend|LT\.lt|LE\.le|Membership\.mem|Dvd\.dvd)/\d+$")


def _is_implementation(pattern: Pattern) -> bool:
    if pattern.other is None:
        return False
    here, there = _body("rw", pattern.tokens), _body("rw", pattern.other)
    old, new = ([t for t in side[1:] if t[0] == "?"][-2:] for side in (here, there))
    return bool(_NOTATION.match(here[0])) and not _NOTATION.match(there[0]) and sorted(old) == sorted(new) and all(map(_is_wild, there[1:]))


def _is_function(pattern: Pattern) -> bool:
    """`fun x => n` fits every constant function, and what replaces it says nothing about that function."""
    head, *rest = _body(pattern.kind, pattern.tokens)
    return pattern.kind == "rw" and head == "L/1" and len(rest) == 1


PATTERN_RULES = (
    PatternRule(
        name="bare variable", reason="it fits every proposition and says nothing about it",
        example="False.elim : False → C", objects=lambda pattern: _is_wild(pattern.tokens[0])),
    PatternRule(
        name="bare relation", reason="it fits every equation (iff, negation, …) and wraps its sides or turns it around",
        example="Option.some_inj : some a = some b ↔ a = b, backward", objects=_is_bare_relation),
    PatternRule(
        name="wraps both sides", reason="it fits every equation, inequality or operation of a type, and puts a function around its sides",
        example="UInt32.neg_inj : -a = -b ↔ a = b, backward; Nat.mul_div_mul_left : k * m / (k * n) = m / n, backward",
        objects=_wraps_both_sides),
    PatternRule(
        name="renames", reason="it replaces terms by new variables, and a new hypothesis says what they are",
        example="Nat.eq_add_of_sub_eq : b ≤ a → a - b = c → a = c + b, backward; forall_congr'", objects=_renames),
    PatternRule(
        name="constant", reason="it turns a constant such as `0` or `[]` into another closed term",
        example="Int.sign_zero : Int.sign 0 = 0, backward", objects=_is_constant),
    PatternRule(
        name="implementation", reason="it turns a notation into the function behind it, which a reader never writes",
        example="Int.div_def : a / b = Int.ediv a b", objects=_is_implementation),
    PatternRule(
        name="any function", reason="it fits functions that have nothing to do with it",
        example="Vector.countP_true : Vector.countP (fun _ => true) = fun _ => n, backward", objects=_is_function),
    PatternRule(
        name="proof in the statement", reason="its conclusion mentions the proof of the hypothesis that it is applied to",
        example="Fin.val_cast : (h : n = m) → ↑(Fin.cast h i) = ↑i", objects=lambda pattern: pattern.dependent),
)
