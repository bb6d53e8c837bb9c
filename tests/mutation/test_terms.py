"""Statements as terms, and the keys that say when two of them are the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_alchemy.mutation import terms

NAT, A, B, C = ("c", "Nat"), ("#", 0), ("#", 1), ("#", 2)
EQ = "@3\tc\tEq\t1\t+\t0\tc\tNat\t0"
ADD_COMM = f"∀\tc\tNat\t0\t∀\tc\tNat\t0\t{EQ}\t@2\tc\tf\t0\t#1\t#0\t@2\tc\tf\t0\t#0\t#1"


def test_a_statement_is_read():
    statement = terms.parse(ADD_COMM)
    assert statement.binders == (("c", "Nat"), ("c", "Nat")) and statement.hypotheses == ()
    left, right = terms.sides(statement.conclusion)
    assert left == ("@", ("c", "f"), ("#", 1), ("#", 0)) and right == ("@", ("c", "f"), ("#", 0), ("#", 1))


@pytest.mark.parametrize(("text", "term"), [
    ("#12", ("#", 12)),
    ("c\tNat\t0", NAT),
    ("c\tList.map\t3\tu0\tmax\tu0\t+\t0\timax\tu0\tu1", ("c", "List.map", "u0", "max u0 + 0", "imax u0 u1")),
    ("@2\tc\tf\t0\t#1\t#0", ("@", ("c", "f"), ("#", 1), ("#", 0))),
    ("@1\tc\tf\t0\t@1\tc\tg\t0\t#0", ("@", ("c", "f"), ("@", ("c", "g"), ("#", 0)))),
    ("λ\tc\tNat\t0\t#0", ("λ", NAT, ("#", 0))),
    ("Π\tc\tNat\t0\t#1", ("Π", NAT, ("#", 1))),
    ("let\tc\tNat\t0\tn:15\t#0", ("let", NAT, ("n", 15), ("#", 0))),
    ("Sort\t+\tu0", ("Sort", "+ u0")),
    (".12\tProd\t#3", (".", 12, "Prod", ("#", 3))),
    ("n:170", ("n", 170)),
    ('s:"a\\tb"', ("s", "a\tb")),
])
def test_a_term_of_each_kind_is_read(text, term):
    assert terms.parse(text) == terms.Statement((), (), term)


def test_binders_and_hypotheses_are_told_apart():
    statement = terms.parse("∀\tc\tNat\t0\t→\tc\tp\t0\t∀\tSort\t0\t→\tc\tq\t0\t#0")
    assert statement == terms.Statement((NAT, ("Sort", "0")), (("c", "p"), ("c", "q")), ("#", 0))


@pytest.mark.parametrize(("text", "reason"), [
    ("", "no term begins with ''"), ("∀", "it ends too early"), ("@3\tc\tEq", "it ends too early"), ("c\tNat\t1", "it ends too early"),
    ("#0\t#0", "there are tokens after its end"), ("#0\t", "there are tokens after its end"), ("x", "no term begins with 'x'"),
    ("const\tNat\t0", "no term begins with 'const'"), ("!0", "no term begins with '!0'"),
    ("-1\tProd\t#0", "no term begins with '-1'"), ("N:1", "no term begins with 'N:1'"), ("c\tNat\tmany", "many"), ("#x", "x")])
def test_what_is_no_statement_is_refused(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        terms.parse(text)


levels = st.recursive(st.sampled_from(["0", "u0", "u1"]), lambda inner: st.one_of(
    inner.map(lambda a: f"+\t{a}"), st.tuples(inner, inner).map(lambda p: f"max\t{p[0]}\t{p[1]}")), max_leaves=3)


def written(term: terms.Term) -> str:
    """The tokens of a term: what the engine would write."""
    match term:
        case ("#", i):
            return f"#{i}"
        case ("c", name, *ls):
            return "\t".join(["c", name, str(len(ls)), *(level.replace(" ", "\t") for level in ls)])
        case ("@", *parts):
            return "\t".join([f"@{len(parts) - 1}", *map(written, parts)])
        case ("λ" | "Π" | "let" as head, *parts):
            return "\t".join([head, *map(written, parts)])
        case ("n", i):
            return f"n:{i}"
    raise AssertionError(term)


names = st.sampled_from(["Nat", "Nat.add", "List.map", "Foo.«a b»"])
term_strategy = st.recursive(
    st.one_of(st.integers(0, 3).map(lambda i: ("#", i)), names.map(lambda n: ("c", n)), st.integers(0, 9).map(lambda i: ("n", i)),
              st.tuples(names, st.sampled_from(["0", "u0", "+ u1"])).map(lambda p: ("c", p[0], p[1]))),
    lambda inner: st.one_of(
        st.tuples(names, st.lists(inner, min_size=1, max_size=3)).map(lambda p: ("@", ("c", p[0]), *p[1])),
        st.tuples(st.sampled_from(["λ", "Π"]), inner, inner)),
    max_leaves=12)


@given(term_strategy)
def test_a_term_is_what_was_written(term):
    assert terms.parse(written(term)).conclusion == term


@given(term_strategy, st.integers(0, 3), st.integers(0, 3))
def test_lifting_twice_is_lifting_by_the_sum(term, a, b):
    assert terms.lift(terms.lift(term, a), b) == terms.lift(term, a + b)
    assert terms.lift(term, 0) == term


@given(term_strategy)
def test_unorienting_is_done_once(term):
    assert terms.unoriented(terms.unoriented(term)) == terms.unoriented(term)


def eq(a, b):
    return ("@", ("c", "Eq", "+ 0"), ("c", "Nat"), a, b)


@given(term_strategy, term_strategy)
def test_an_equation_read_backward_restates(a, b):
    def key(conclusion):
        return terms.near_key(terms.Statement((), (), conclusion))

    assert key(eq(a, b)) == key(eq(b, a))
    assert key(("@", ("c", "Ne", "+ 0"), ("c", "Nat"), a, b)) == key(("@", ("c", "Not"), eq(b, a)))
    less = ("@", ("c", "LT.lt", "0"), ("c", "Nat"), ("c", "inst"), a, b)
    assert key(("@", ("c", "GT.gt", "0"), ("c", "Nat"), ("c", "inst"), b, a)) == key(less)
