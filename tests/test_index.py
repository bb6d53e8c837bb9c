"""The index finds a pattern exactly when one-way matching says so."""

from hypothesis import given
from hypothesis import strategies as st

from mutation.index import Index, arity

SYMBOLS = [("c:zero/0", 0), ("c:succ/1", 1), ("c:add/2", 2), ("c:mul/2", 2)]


def trees(leaves):
    """Nested tuples (symbol, argument, …) over the symbols."""
    return st.recursive(
        st.one_of(st.just(("c:zero/0",)), leaves),
        lambda inner: st.one_of(
            inner.map(lambda a: ("c:succ/1", a)),
            st.tuples(st.sampled_from(["c:add/2", "c:mul/2"]), inner, inner)),
        max_leaves=6)


terms = trees(st.sampled_from(["v:a", "v:b"]).map(lambda v: (v,)))
patterns = trees(st.sampled_from(["?0", "?1", "*"]).map(lambda v: (v,)))


def tokens(tree) -> list[str]:
    return [tree[0], *(t for argument in tree[1:] for t in tokens(argument))]


def forms(tree) -> list:
    """One form: the term itself."""
    return [tree[0], *([forms(argument)] for argument in tree[1:])]


def matches(pattern, term, bound) -> bool:
    """One-way matching, as a textbook has it."""
    if pattern[0] == "*":
        return True
    if pattern[0][0] == "?":
        return bound.setdefault(pattern[0], term) == term
    return pattern[0] == term[0] and all(matches(p, t, bound) for p, t in zip(pattern[1:], term[1:], strict=True))


@given(st.lists(patterns, min_size=1, max_size=8), terms)
def test_the_index_finds_what_matches_and_nothing_else(many, term):
    index = Index()
    for i, pattern in enumerate(many):
        index.add(tokens(pattern), i)
    found = index.matching([forms(term)]) | set(index.always)
    assert found == {i for i, pattern in enumerate(many) if matches(pattern, term, {})}


@given(patterns, terms)
def test_the_names_of_variables_say_nothing(pattern, term):
    renamed = [t.replace("?0", "?x").replace("?1", "?0").replace("?x", "?1") for t in tokens(pattern)]
    one, other = Index(), Index()
    one.add(tokens(pattern), "lemma")
    other.add(renamed, "lemma")
    assert one.matching([forms(term)]) == other.matching([forms(term)])


@given(patterns, terms, terms)
def test_a_term_with_two_forms_matches_what_either_matches(pattern, a, b):
    index = Index()
    index.add(tokens(pattern), "lemma")
    assert index.matching([forms(a), forms(b)]) == index.matching([forms(a)]) | index.matching([forms(b)])


def test_what_is_unknown_fits_every_pattern():
    index = Index()
    index.add(["c:add/2", "c:succ/1", "?0", "?0"], "lemma")
    assert index.matching([["c:add/2", "**", [["v:a"]]]]) == {"lemma"}
    assert index.matching([["c:add/2", "*", [["v:a"]]]]) == set()


def test_the_root_is_compared_as_it_stands():
    index = Index()
    index.add(["R:c:succ/1", "c:succ/1", "?0"], "lemma")
    assert set(index.under_roots([("R:c:succ/1", [["c:succ/1", [["v:a"]]]])])) == {"lemma"}
    assert not index.under_roots([("R:c:twice/1", [["c:succ/1", [["v:a"]]]])])


def test_arities():
    assert [arity(t) for t in ("c:Nat.add/2", "L/1", "P/2", "?3", "*", "S", "n:17", "off", "s:4", "b:0/2", "c:«a/b»/3", "c:S.x/1")] == [
        2, 1, 2, 0, 0, 0, 0, 0, 0, 2, 3, 1]


def test_a_pattern_may_be_longer_than_pythons_stack():
    index = Index()
    depth = 5000
    index.add(["c:succ/1"] * depth + ["?0"], "lemma")
    term = ["v:a"]
    for _ in range(depth):
        term = ["c:succ/1", [term]]
    assert index.matching([term]) == {"lemma"}


def test_a_term_with_very_many_forms_is_walked_in_bounded_steps():
    """Each argument twice over: a walk that remembers would take 2 to the 60th steps."""
    index = Index()
    depth = 60
    index.add(["c:succ/1"] * depth + ["c:zero/0"], "lemma")
    index.add(["c:succ/1"] * (depth - 1) + ["c:one/0"], "other")
    forms = [["c:zero/0"]]
    for _ in range(depth):
        forms = [["c:succ/1", forms], ["c:succ/1", [*forms]]]
    assert index.matching(forms) == {"lemma"}


def test_comparing_what_a_variable_met_twice_takes_bounded_steps():
    index = Index()
    index.add(["c:add/2", "?0", "?0"], "lemma")

    def deep(leaf: str) -> list:
        forms = [[leaf]]
        for _ in range(40):
            forms = [["c:succ/1", forms], ["c:succ/1", [*forms]]]
        return forms

    assert index.matching([["c:add/2", deep("v:a"), deep("v:b")]]) <= {"lemma"}
