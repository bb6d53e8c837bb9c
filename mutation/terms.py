"""Statements as terms: the canonical form that the engine writes (`engine/Alchemy/Statement.lean`), read.

A term is a nested tuple whose first element says what it is:

    ("#", i)                      variable, counted from the inside
    ("c", name, level, …)         constant; a level is a string such as "u0" or "max u0 + 0"
    ("@", head, argument, …)      application
    ("λ", type, body)  ("Π", type, body)  ("let", type, value, body)
    ("Sort", level)  (".", index, structure, term)  ("n", value)  ("s", text)
"""

import hashlib
import sys
from collections.abc import Iterator

import msgspec

Term = tuple

# Functions over terms and patterns recurse once a node; the engine bounds the depth of a statement, not Python's default.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 100_000))


class Statement(msgspec.Struct, frozen=True):
    """A closed statement. binders: the types of the variables that something depends on, outermost first,
    each in the scope of those before it. hypotheses, conclusion: in the scope of all of them."""

    binders: tuple[Term, ...]
    hypotheses: tuple[Term, ...]
    conclusion: Term


def statement_key(canonical: str) -> str:
    """32 hexadecimal digits, equal for statements that differ in names, binder kinds, metadata, names of
    universes or the order of independent hypotheses only."""
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def parse(canonical: str) -> Statement:
    """The statement that a canonical form writes. Raises ValueError where it is none."""
    tokens = iter(canonical.split("\t"))
    binders, hypotheses = [], []
    try:
        token = next(tokens)
        while token in ("∀", "→"):
            (binders if token == "∀" else hypotheses).append(_term(next(tokens), tokens))
            token = next(tokens)
        conclusion = _term(token, tokens)
    except StopIteration:
        raise ValueError("the statement ends too early") from None
    if next(tokens, None) is not None:
        raise ValueError("the statement goes on after its end")
    return Statement(tuple(binders), tuple(hypotheses), conclusion)


def _term(token: str, tokens: Iterator[str]) -> Term:
    head = token[0]
    if head == "#":
        return ("#", int(token[1:]))
    if head == "c" and token == "c":
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
    raise ValueError(f"no term begins with {token!r}")


def _level(tokens: Iterator[str]) -> str:
    token = next(tokens)
    if token == "+":
        return f"+ {_level(tokens)}"
    if token in ("max", "imax"):
        return f"{token} {_level(tokens)} {_level(tokens)}"
    return token


# --- what rules ask of a statement ----------------------------------------------------------------


def lift(term: Term, by: int, above: int = 0) -> Term:
    """The term in a scope with `by` more variables; those below `above` are its own."""
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


def is_constant(term: Term, name: str) -> bool:
    return term[0] == "c" and term[1] == name


def arguments(term: Term, name: str, n: int) -> tuple[Term, ...] | None:
    """The arguments of the constant `name` applied to `n` of them."""
    if term[0] == "@" and len(term) == n + 2 and is_constant(term[1], name):
        return term[2:]
    return None


def sides(term: Term) -> tuple[Term, Term] | None:
    """The two sides of `a = b`, `p ↔ q` or `a ≍ b`."""
    if found := arguments(term, "Eq", 3):
        return found[1], found[2]
    if found := arguments(term, "Iff", 2):
        return found
    if found := arguments(term, "HEq", 4):
        return found[1], found[3]
    return None


def premises(statement: Statement) -> list[Term]:
    """All types that the conclusion may assume, in its own scope: of binders and of hypotheses."""
    n = len(statement.binders)
    return [lift(t, n - i) for i, t in enumerate(statement.binders)] + list(statement.hypotheses)


def constants(term: Term) -> Iterator[str]:
    """The names of the constants in a term, with repetition."""
    match term:
        case ("c", name, *_):
            yield name
        case ("@" | "λ" | "Π" | "let", *parts):
            for part in parts:
                yield from constants(part)
        case (".", _, _, t):
            yield from constants(t)


def unoriented(term: Term) -> Term:
    """The term with what a reader takes for the same written in one way: `b = a` for `a = b` (likewise ↔),
    `¬a = b` for `a ≠ b`, `b < a` for `a > b`, `b ≤ a` for `a ≥ b`."""
    if term[0] == "@":
        term = ("@", *map(unoriented, term[1:]))
        if found := arguments(term, "Ne", 3):
            return ("@", ("c", "Not"), unoriented(("@", ("c", "Eq", *term[1][2:]), *found)))
        for greater, less in (("GT.gt", "LT.lt"), ("GE.ge", "LE.le")):
            if found := arguments(term, greater, 4):
                return ("@", ("c", less, *term[1][2:]), found[0], found[1], found[3], found[2])
        if found := arguments(term, "Eq", 3):
            return ("@", term[1], found[0], *sorted(found[1:], key=repr))
        if found := arguments(term, "Iff", 2):
            return ("@", term[1], *sorted(found, key=repr))
        return term
    if term[0] in ("λ", "Π", "let"):
        return (term[0], *map(unoriented, term[1:]))
    if term[0] == ".":
        return (*term[:3], unoriented(term[3]))
    return term


def unoriented_key(statement: Statement) -> str:
    """Equal for statements that are the same up to the symmetry of = and ↔ and the ways to write ≠, > and ≥."""
    parts = (tuple(map(unoriented, statement.binders)), sorted(map(repr, map(unoriented, statement.hypotheses))),
             unoriented(statement.conclusion))
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
