"""Statements as terms, parsed from the canonical form that the engine writes (`engine/Alchemy/Printing/CanonicalForm.lean`).

A term is a nested tuple whose first element is its kind:

    ("#", i)                      variable, a de Bruijn index
    ("c", name, level, …)         constant; a level is a string such as "u0" or "max u0 + 0"
    ("@", head, argument, …)      application
    ("λ", type, body)  ("Π", type, body)  ("let", type, value, body)
    ("Sort", level)  (".", index, structure, term)  ("n", value)  ("s", text)
"""

import hashlib
import sys
from collections.abc import Iterator
from functools import cached_property

import msgspec

Term = tuple

# Functions over terms and patterns recurse at each node. The engine bounds the depth of statements; Python's default is less.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 100_000))


class Statement(msgspec.Struct, frozen=True, dict=True):
    """A closed statement. binders: the types of the variables that something depends on, outermost first,
    each in the scope of those before it. hypotheses, conclusion: in the scope of all binders."""

    binders: tuple[Term, ...]
    hypotheses: tuple[Term, ...]
    conclusion: Term

    @cached_property
    def parts(self) -> tuple[Term, ...]:
        """The types of binders and hypotheses, then the conclusion, all in the conclusion's scope."""
        return (*premises(self), self.conclusion)

    @cached_property
    def size(self) -> int:
        """The number of constants, variables and literals in all parts, without instances."""
        return sum(map(size, self.parts))

    @cached_property
    def constants(self) -> frozenset[str]:
        """The names of all constants in it."""
        return frozenset(name for part in self.parts for name in constants(part))

    @cached_property
    def visible_constants(self) -> frozenset[str]:
        """The constants that a reader sees: all but instances."""
        return frozenset(name for name in self.constants if not is_instance(name))


def statement_key(canonical: str) -> str:
    """32 hexadecimal digits, equal for statements that differ only in names, binder kinds, metadata, universe
    names or the order of independent hypotheses."""
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def parse(canonical: str) -> Statement:
    """The statement of a canonical form. Raises ValueError if the form is malformed."""
    tokens = iter(canonical.split("\t"))
    binders, hypotheses = [], []
    try:
        token = next(tokens)
        while token in ("∀", "→"):
            (binders if token == "∀" else hypotheses).append(_term(next(tokens), tokens))
            token = next(tokens)
        conclusion = _term(token, tokens)
    except StopIteration:
        raise ValueError("malformed canonical form: it ends too early") from None
    if next(tokens, None) is not None:
        raise ValueError("malformed canonical form: there are tokens after its end")
    return Statement(tuple(binders), tuple(hypotheses), conclusion)


def _term(token: str, tokens: Iterator[str]) -> Term:
    head = token[:1]
    if head == "#":
        return ("#", int(token[1:]))
    if token == "c":
        name = next(tokens)
        return ("c", name, *[_level(tokens) for _ in range(int(next(tokens)))])
    if head == "@":
        n = int(token[1:])
        return ("@", *[_term(next(tokens), tokens) for _ in range(n + 1)])
    if token in ("λ", "Π"):
        return (token, _term(next(tokens), tokens), _term(next(tokens), tokens))
    if token == "let":
        return ("let", *[_term(next(tokens), tokens) for _ in range(3)])
    if token == "Sort":
        return ("Sort", _level(tokens))
    if head == ".":
        return (".", int(token[1:]), next(tokens), _term(next(tokens), tokens))
    if token.startswith("n:"):
        return ("n", int(token[2:]))
    if token.startswith("s:"):
        return ("s", msgspec.json.decode(token[2:]))
    raise ValueError(f"malformed canonical form: no term begins with {token!r}")


def _level(tokens: Iterator[str]) -> str:
    token = next(tokens)
    if token == "+":
        return f"+ {_level(tokens)}"
    if token in ("max", "imax"):
        return f"{token} {_level(tokens)} {_level(tokens)}"
    return token


# --- operations on terms --------------------------------------------------------------------------


def lift(term: Term, by: int, above: int = 0) -> Term:
    """The term moved under `by` more binders. Variables below `above` are bound inside it and stay."""
    match term:
        case ("#", i):
            return ("#", i + by) if i >= above else term
        case ("λ" | "Π" as binder, t, b):
            return (binder, lift(t, by, above), lift(b, by, above + 1))
        case ("let", t, v, b):
            return ("let", lift(t, by, above), lift(v, by, above), lift(b, by, above + 1))
        case ("@", *parts):
            return ("@", *(lift(part, by, above) for part in parts))
        case (".", i, structure, t):
            return (".", i, structure, lift(t, by, above))
    return term


def mentions(term: Term, i: int) -> bool:
    """Does the variable `i` of its scope occur in it?"""
    match term:
        case ("#", j):
            return j == i
        case ("λ" | "Π", t, b):
            return mentions(t, i) or mentions(b, i + 1)
        case ("let", t, v, b):
            return mentions(t, i) or mentions(v, i) or mentions(b, i + 1)
        case ("@", *parts):
            return any(mentions(part, i) for part in parts)
        case (".", _, _, inner):
            return mentions(inner, i)
    return False


def is_constant(term: Term, name: str) -> bool:
    return term[0] == "c" and term[1] == name


def arguments(term: Term, name: str, n: int) -> tuple[Term, ...] | None:
    """The arguments, where the term is the constant `name` applied to exactly `n`; else None."""
    if term[0] == "@" and len(term) == n + 2 and is_constant(term[1], name):
        return term[2:]
    return None


def sides(term: Term) -> tuple[Term, Term] | None:
    """The two sides of `a = b`, `p ↔ q` or `a ≍ b`; else None."""
    if args := arguments(term, "Eq", 3):
        return args[1], args[2]
    if args := arguments(term, "Iff", 2):
        return args[0], args[1]
    if args := arguments(term, "HEq", 4):
        return args[1], args[3]
    return None


def premises(statement: Statement) -> list[Term]:
    """The types of all binders and hypotheses, in the conclusion's scope."""
    n = len(statement.binders)
    return [lift(t, n - i) for i, t in enumerate(statement.binders)] + list(statement.hypotheses)


_COMPOUND = frozenset({"@", "λ", "Π", "let"})


def subterms(term: Term) -> list[Term]:
    """The term and all its subterms, with repetition, each before its own subterms."""
    found, todo = [], [term]
    while todo:  # called a dozen times per variant: nested generators would be slow
        part = todo.pop()
        found.append(part)
        if part[0] in _COMPOUND:
            todo.extend(part[:0:-1])
        elif part[0] == ".":
            todo.append(part[3])
    return found


def constants(term: Term) -> list[str]:
    """The names of the constants in a term, with repetition."""
    return [part[1] for part in subterms(term) if part[0] == "c"]


_COMMUTATIVE = {"Eq": 3, "HEq": 4, "Iff": 2, "And": 2, "Or": 2, "HAdd.hAdd": 6, "HMul.hMul": 6, "HAnd.hAnd": 6, "HOr.hOr": 6,
                "HXor.hXor": 6, "Min.min": 4, "Max.max": 4, "Nat.gcd": 2, "Nat.lcm": 2, "Int.gcd": 2, "Int.lcm": 2,
                "Bool.and": 2, "Bool.or": 2, "and": 2, "or": 2}
"""Functions whose last two arguments a reader freely exchanges, and how many arguments they take."""


_GREATER = {"GT.gt": "LT.lt", "GE.ge": "LE.le"}


def _sorted_pair(name: str, args: tuple[Term, ...]) -> tuple[Term, ...]:
    if name == "HEq":
        (a, x), (b, y) = sorted((args[:2], args[2:]), key=repr)
        return a, x, b, y
    return *args[:-2], *sorted(args[-2:], key=repr)


def unoriented(term: Term) -> Term:
    """A normal form, equal for terms that a reader takes for the same: one order for `a = b` and `b = a` (likewise ↔ and
    commutative operations), `¬a = b` for `a ≠ b`, `b < a` for `a > b`, `b ≤ a` for `a ≥ b`."""
    if term[0] == "@":
        term = ("@", *map(unoriented, term[1:]))
        if term[1][0] != "c":
            return term
        name, args = term[1][1], term[2:]
        if name == "Ne" and len(args) == 3:
            return ("@", ("c", "Not"), unoriented(("@", ("c", "Eq", *term[1][2:]), *args)))
        if name in _GREATER and len(args) == 4:
            return ("@", ("c", _GREATER[name], *term[1][2:]), args[0], args[1], args[3], args[2])
        if _COMMUTATIVE.get(name) == len(args):
            return ("@", term[1], *_sorted_pair(name, args))
        return term
    if term[0] in ("λ", "Π", "let"):
        return (term[0], *map(unoriented, term[1:]))
    if term[0] == ".":
        return (*term[:3], unoriented(term[3]))
    return term


def near_key(statement: Statement) -> str:
    """32 hexadecimal digits, equal for statements that a reader takes for the same: up to the symmetry of = and ↔, the
    ways to write ≠, > and ≥, and the order of the arguments of commutative operations."""
    parts = (tuple(map(unoriented, statement.binders)), sorted(map(repr, map(unoriented, statement.hypotheses))),
             unoriented(statement.conclusion))
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def size(term: Term) -> int:
    """The number of constants, variables and literals, without instances."""
    match term:
        case ("@", head, *parts):
            return size(head) + sum(size(part) for part in parts if not _is_hidden(part))
        case ("λ" | "Π" | "let", *parts):
            return 1 + sum(map(size, parts))
        case (".", _, _, inner):
            return 1 + size(inner)
    return 1


def _is_hidden(term: Term) -> bool:
    head = term[1] if term[0] == "@" else term
    return head[0] == "c" and is_instance(head[1])


def is_instance(name: str) -> bool:
    """Is it an instance, judging by its name?"""
    return name.rsplit(".", 1)[-1].startswith("inst")
