"""Terms as a parser would give them, for tests that need no Lean: `operation("HAdd.hAdd", X, numeral(1))` is `x + 1` in Nat."""

import functools

from lean_alchemy.mutation.terms import Term

NAT, INT, BOOL, PROP = ("c", "Nat"), ("c", "Int"), ("c", "Bool"), ("Sort", "0")
INST = ("c", "inst")
X, Y, Z = ("#", 0), ("#", 1), ("#", 2)


def call(name: str, *args: Term) -> Term:
    """The constant `name` applied to these arguments, or alone."""
    return ("@", ("c", name), *args) if args else ("c", name)


def numeral(n: int, of: Term = NAT) -> Term:
    """`n`; `-m` for a negative n = -m."""
    return negated(numeral(-n, of), of) if n < 0 else call("OfNat.ofNat", of, ("n", n), INST)


def negated(a: Term, of: Term = INT) -> Term:
    return call("Neg.neg", of, INST, a)


def operation(name: str, a: Term, b: Term, of: Term = NAT) -> Term:
    """A notation that may mix types, such as `a + b`."""
    return call(name, of, of, of, INST, a, b)


def plus(*parts: Term) -> Term:
    """`a + b + c`, summed from the left."""
    return functools.reduce(lambda a, b: operation("HAdd.hAdd", a, b), parts)


def power(a: Term, b: Term) -> Term:
    return operation("HPow.hPow", a, b)


def comparison(name: str, a: Term, b: Term, of: Term = NAT) -> Term:
    """`a = b`, `a ≠ b`, `a ≤ b`, `a ∣ b`, …"""
    return call(name, of, a, b) if name in ("Eq", "Ne") else call(name, of, INST, a, b)


def equal(a: Term, b: Term, of: Term = NAT) -> Term:
    return comparison("Eq", a, b, of)


def less(a: Term, b: Term, of: Term = NAT) -> Term:
    return comparison("LT.lt", a, b, of)


def at_most(a: Term, b: Term, of: Term = NAT) -> Term:
    return comparison("LE.le", a, b, of)
