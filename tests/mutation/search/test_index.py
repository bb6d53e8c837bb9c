"""The index finds a pattern exactly when one-way matching says so."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from lean_alchemy.mutation.search.index import Index, arity

SYMBOLS = ["c:zero/0", "S", "n:3", "off", "s:2", "b:0/0", "c:succ/1", "L/1", "b:1/1", "c:add/2", "c:mul/2", "P/2"]
UNKNOWN = ("*", "**")


def trees(leaves):
    """Nested tuples (symbol, argument, …) over the symbols."""
    return st.recursive(
        leaves | st.sampled_from([t for t in SYMBOLS if arity(t) == 0]).map(lambda t: (t,)),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from([t for t in SYMBOLS if arity(t) == n]), *[inner] * n) for n in (1, 2)),
        max_leaves=6)


terms = trees(st.sampled_from(["v:a", "v:b"]).map(lambda v: (v,)))
patterns = trees(st.sampled_from(["?0", "?1", "*"]).map(lambda v: (v,)))
equations = st.tuples(st.sampled_from(["c:add/2", "P/2"]), patterns, st.just(("?0",)) | patterns)
"""Two places, so that a variable may stand twice."""

forms_of_a_term = st.deferred(lambda: st.one_of(
    st.sampled_from(["v:a", "v:b", *(t for t in SYMBOLS if arity(t) == 0)]).map(lambda t: [t]),
    *[st.tuples(st.sampled_from([t for t in SYMBOLS if arity(t) == n]), *[arguments] * n).map(list) for n in (1, 2)]))
arguments = st.sampled_from(UNKNOWN) | st.lists(forms_of_a_term, min_size=1, max_size=2)
"""As the engine writes them (`engine/Alchemy/Search/TargetForms.lean`): several forms, each with arguments that have several."""



@st.composite
def forms_near(draw, pattern) -> list:
    """A term that a pattern fits, or nearly: each place as the pattern has it, unknown, or something else; one form more, or none."""
    meant: dict[str, object] = {}

    def argument(place):
        choice = draw(st.integers(0, 9))
        if choice < 2:
            return draw(arguments)
        if place[0][0] in "?*":
            met = draw(arguments) if place[0] == "*" else meant.setdefault(place[0], draw(arguments))
            return draw(st.permutations([*met, *draw(st.lists(forms_of_a_term, max_size=1))])) if isinstance(met, list) else met
        more = draw(st.lists(forms_of_a_term, max_size=1))
        return draw(st.permutations([[place[0], *map(argument, place[1:])], *more]))

    found = argument(pattern)
    return found if isinstance(found, list) else [["v:a"]]


def is_small(forms) -> bool:
    return sum(1 for _ in zip(readings(forms), range(200), strict=False)) < 200


@st.composite
def patterns_and_forms(draw) -> tuple[list, list]:
    """Some patterns, and a term that is near to one of them."""
    many = draw(st.lists(equations | patterns, min_size=1, max_size=6))
    return many, draw(forms_near(draw(st.sampled_from(many))).filter(is_small))


MANY = settings(max_examples=400)
"""Of what is drawn, much does not match."""


def tokens(tree) -> list[str]:
    return [tree[0], *(t for argument in tree[1:] for t in tokens(argument))]


def forms(tree) -> list:
    """One form: the term itself."""
    return [tree[0], *([forms(argument)] for argument in tree[1:])]


def readings(argument) -> Iterator[tuple]:
    """All terms that an argument may be taken for: one form of each place. What is unknown stays unknown."""
    if argument in UNKNOWN:
        yield (argument,)
        return
    for token, *inner in argument:
        yield from ((token, *choice) for choice in product(*(list(readings(a)) for a in inner)))


def variables(pattern) -> Iterator[str]:
    return (t for t in tokens(pattern) if t[0] == "?")


def may_be_equal(a, b) -> bool:
    """Are two terms the same, as far as they are known?"""
    if a[0] in UNKNOWN or b[0] in UNKNOWN:
        return True
    return a[0] == b[0] and all(map(may_be_equal, a[1:], b[1:]))


def matches(pattern, term, bound) -> bool:
    """One-way matching, as a textbook has it, of what is known of the term."""
    if pattern[0] == "*":
        return True
    if pattern[0][0] == "?":
        return may_be_equal(bound.setdefault(pattern[0], term), term)
    if term[0] == "**":
        return all(matches((v,), term, bound) for v in variables(pattern))
    return pattern[0] == term[0] and all(matches(p, t, bound) for p, t in zip(pattern[1:], term[1:], strict=True))


def fits(pattern, forms) -> bool:
    return any(matches(pattern, term, {}) for term in readings(forms))


@given(st.lists(patterns, min_size=1, max_size=8), terms)
def test_the_index_finds_what_matches_and_nothing_else(many, term):
    index = Index()
    for i, pattern in enumerate(many):
        index.add(tokens(pattern), i)
    found = index.matching([forms(term)]) | set(index.always)
    assert found == {i for i, pattern in enumerate(many) if matches(pattern, term, {})}


def agree(found, expected, pattern) -> bool:
    """A variable that stands more than twice is compared with its first place alone: then more is found, never less."""
    often = any(n > 2 for n in Counter(variables(pattern)).values())
    return found >= expected if often else found == expected


@MANY
@given(patterns_and_forms())
def test_a_term_of_several_forms_and_unknown_parts_matches_what_any_reading_of_it_matches(drawn):
    many, forms = drawn
    index = Index()
    for i, pattern in enumerate(many):
        index.add(tokens(pattern), i)
    found = index.matching(forms) | set(index.always)
    for i, pattern in enumerate(many):
        assert agree(i in found, fits(pattern, forms), pattern), pattern


@st.composite
def sides_and_subterms(draw) -> tuple[list, list]:
    """Patterns under roots, and subterms near to them, some more than once."""
    roots = st.sampled_from(["R:c:succ/1", "R:c:add/2"])
    many = draw(st.lists(st.tuples(roots, equations | patterns), min_size=1, max_size=4))
    root, pattern = draw(st.sampled_from(many))
    return many, [(draw(st.just(root) | roots), draw(forms_near(pattern).filter(is_small))) for _ in range(draw(st.integers(0, 3)))]


@MANY
@given(sides_and_subterms())
def test_under_roots_counts_the_terms_whose_root_and_reading_match(drawn):
    """How often a lemma fits is how many instances `rw` is tried at."""
    many, subterms = drawn
    index = Index()
    for i, (root, pattern) in enumerate(many):
        index.add([root, *tokens(pattern)], i)
    found = index.under_roots(subterms)
    for i, (root, pattern) in enumerate(many):
        assert agree(found[i], sum(root == other and fits(pattern, forms) for other, forms in subterms), pattern), pattern
    assert not index.always


@MANY
@given(patterns_and_forms())
def test_a_walk_without_memory_finds_more_and_never_less(drawn):
    """What stands past the bound of steps."""
    many, forms = drawn
    index = Index()
    for i, pattern in enumerate(many):
        index.add(tokens(pattern), i)
    with patch("lean_alchemy.mutation.search.index.WALK_STEPS", 0):
        found = index.matching(forms) | set(index.always)
    assert found >= {i for i, pattern in enumerate(many) if fits(pattern, forms)}


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
    assert index.under_roots([("R:c:succ/1", [["c:succ/1", [["v:a"]]]])]) == {"lemma": 1}
    assert index.under_roots([("R:c:twice/1", [["c:succ/1", [["v:a"]]]])]) == {}


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
    """Within the bound the two are told apart; beyond it the lemma stays a candidate, for Lean to decide."""
    index = Index()
    index.add(["c:add/2", "?0", "?0"], "lemma")

    def deep(leaf: str, depth: int) -> list:
        forms = [[leaf]]
        for _ in range(depth):
            forms = [["c:succ/1", forms], ["c:succ/1", [*forms]]]
        return forms

    assert index.matching([["c:add/2", deep("v:a", 3), deep("v:a", 3)]]) == {"lemma"}
    assert index.matching([["c:add/2", deep("v:a", 3), deep("v:b", 3)]]) == set()
    assert index.matching([["c:add/2", deep("v:a", 40), deep("v:b", 40)]]) == {"lemma"}
