"""Why the index does not find a lemma: the first token of its pattern that the term lacks."""

from unittest.mock import patch

import pytest

from lean_alchemy.mutation.search.explain import stops_at, why_not_applied, why_not_rewritten

X, Y = [["v:x"]], [["v:y"]]


def succ(argument):
    return ["c:succ/1", argument]


def add(left, right):
    return ["c:add/2", left, right]


@pytest.mark.parametrize(("pattern", "forms", "place"), [
    pytest.param("c:add/2 ?0 ?1", [add(X, Y)], 3, id="it fits"),
    pytest.param("c:mul/2 ?0 ?1", [add(X, Y)], 0, id="another function"),
    pytest.param("c:add/2 v:y ?1", [add(X, Y)], 1, id="another first argument"),
    pytest.param("c:add/2 ?0 v:x", [add(X, Y)], 2, id="another second argument"),
    pytest.param("c:add/2 * v:y", [add(X, Y)], 3, id="a wildcard without a name"),
    pytest.param("c:add/2 ?0 ?0", [add(X, Y)], 3, id="a variable that meets two things is no matter here"),
    pytest.param("c:add/2 ?0 n:1", [add([succ(X)], Y)], 2, id="a variable takes a whole argument"),
    pytest.param("c:add/2 c:succ/1 v:x v:y", [add([succ(X)], Y)], 4, id="what stands below is walked"),
    pytest.param("c:add/2 c:succ/1 v:y v:y", [add([succ(X)], Y)], 2, id="another argument below"),
    pytest.param("c:add/2 c:succ/1 v:x v:x", [add([succ(X)], Y)], 3, id="another argument after it"),
    pytest.param("c:add/2 c:succ/1 v:x v:y", [add("**", Y)], 4, id="what is unknown fits"),
    pytest.param("c:add/2 c:succ/1 v:x v:x", [add("**", Y)], 3, id="what is unknown takes as much as it needs"),
    pytest.param("c:add/2 c:add/2 v:x c:succ/1 v:x v:x", [add("**", Y)], 5, id="with arguments of its own"),
    pytest.param("c:add/2 c:add/2 ?0 * v:y", [add("**", Y)], 5, id="and variables among them"),
    pytest.param("c:add/2 c:succ/1 v:x v:y", [add("*", Y)], 1, id="what fits wildcards alone"),
    pytest.param("c:add/2 ?0 v:y", [add("*", Y)], 3, id="and does fit them"),
    pytest.param("c:add/2 v:x v:x", [add(X, Y), add(Y, X)], 2, id="the form that gets farthest"),
    pytest.param("c:add/2 v:x v:x", [add(Y, X), add(X, Y)], 2, id="whichever comes first"),
    pytest.param("c:add/2 v:x v:x", [add([*Y, *X], X)], 3, id="one form of an argument"),
    pytest.param("c:add/2 c:succ/1 v:x v:y", [add([succ(Y), succ(X)], Y)], 4, id="one form of several below"),
    pytest.param("c:succ/1 ?0", [], 0, id="no form"),
])
def test_the_first_token_that_no_form_has(pattern, forms, place):
    assert stops_at(pattern.split(), forms) == place


def grown(depth: int, leaf: str) -> list:
    """The same successor twice over, in each of its arguments: two to the `depth` walks."""
    forms = [[leaf]]
    for _ in range(depth):
        forms = [succ(forms), succ(forms)]
    return forms


def test_what_was_walked_is_not_walked_again():
    """Two to the sixtieth walks end below the first argument of one form; the other form gets farther."""
    pattern = ["c:add/2", *["c:succ/1"] * 60, "v:y", "v:x"]
    for forms in ([add(grown(60, "v:y"), Y), add(grown(60, "v:x"), Y)], [add(grown(60, "v:x"), Y), add(grown(60, "v:y"), Y)]):
        with patch("lean_alchemy.mutation.search.explain.WALK_STEPS", 1000):
            assert stops_at(pattern, forms) == 62


@pytest.mark.parametrize(("steps", "place"), [(0, 0), (1, 0), (2, 1), (4, 3), (5, 4), (50, 4)])
def test_a_walk_ends_after_its_steps_with_what_it_found(steps, place):
    with patch("lean_alchemy.mutation.search.explain.WALK_STEPS", steps):
        assert stops_at(["c:succ/1"] * 3 + ["v:x"], grown(3, "v:x")[:1]) == place


SUM = [add(X, Y)]


@pytest.mark.parametrize(("pattern", "needs", "why"), [
    ("c:Nat.mul/2 ?0 ?1", "", "no form has Nat.mul where the pattern has it (token 1 of 3)"),
    ("c:add/2 ?0 n:1", "", "no form has n:1 where the pattern has it (token 3 of 3)"),
    ("c:add/2 c:«a/b»/1 ?0 ?0", "", "no form has «a/b» where the pattern has it (token 2 of 4)"),
    ("c:add/2 ?0 ?0", "", "a variable occurs twice in the pattern, and the terms it meets have no form in common"),
    ("c:add/2 ?0 ?1", "Ring 0 ?0\t# ?1", "a variable occurs twice in the pattern, and the terms it meets have no form in common, "
     "or what it needs is missing: Ring 0 ?0, # ?1"),
])
def test_why_a_lemma_is_not_applied(pattern, needs, why):
    assert why_not_applied(pattern.split(), needs, SUM) == why
    rooted = ["R:c:add/2", *pattern.split()]
    assert why_not_rewritten(rooted, needs, [("R:c:add/2", SUM)]) == why, "the root is not counted"


def test_a_site_without_forms_is_told():
    assert why_not_applied(["c:add/2", "?0", "?1"], "", []) == "the site has no forms: the budget for them ran out"


def test_a_term_without_the_root_is_told():
    terms = [("R:c:add/2", SUM)]
    assert why_not_rewritten(["R:c:Nat.mul/2", "c:add/2", "?0", "?1"], "", terms) == (
        "no subterm that has a motive has the root Nat.mul")
    assert why_not_rewritten(["R:c:Nat.mul/2", "?0"], "", []) == "no subterm that has a motive has the root Nat.mul"


def test_of_the_terms_with_the_root_the_one_that_fits_best_counts():
    """A term with another root does not, well as it may fit."""
    pattern = ["R:c:add/2", "c:add/2", "v:x", "n:1"]
    terms = [("R:c:add/2", [["c:mul/2", X, Y]]), ("R:c:add/2", SUM), ("R:c:add/2", [add(Y, X)]), ("R:c:mul/2", [add(X, [["n:1"]])])]
    for order in (terms, terms[::-1]):
        assert why_not_rewritten(pattern, "", order) == "no form has n:1 where the pattern has it (token 3 of 3)"
