"""How the index is asked: what a pattern needs, how far a walk goes, and when it is walked again without memory."""

from unittest.mock import patch

import pytest

from lean_alchemy.mutation.search.index import Index, arity

X, Y, ZERO = [["v:x"]], [["v:y"]], [["n:0"]]


def add(left, right):
    return ["c:add/2", left, right]


def succ(argument):
    return ["c:succ/1", argument]


def index(*patterns: str, needs=()) -> Index:
    """Patterns that are their own values."""
    made = Index()
    for pattern in patterns:
        made.add(pattern.split(), pattern, needs)
    return made


def steps(n: int):
    return patch("lean_alchemy.mutation.search.index.WALK_STEPS", n)


@pytest.mark.parametrize(("token", "expected"), [
    ("c:Nat.add/2", 2), ("if", 0), ("off", 0), ("off:1/1", 1), ("n:170", 0), ("s:4", 0), ("v:x", 0), ("*", 0), ("?12", 0), ("S", 0),
    ("b:0/2", 2), ("J:Sigma.0/1", 1), ("P/2", 2), ("c:n:x/3", 3), ("R:c:add/2", 2), ("c:f/12", 12)])
def test_how_many_arguments_follow_a_token(token, expected):
    assert arity(token) == expected


FOUND = [
    pytest.param("c:add/2 ?0 ?1", add(X, Y), True, id="two variables"),
    pytest.param("c:add/2 v:x v:y", add(X, Y), True, id="the term itself"),
    pytest.param("c:add/2 v:y ?0", add(X, Y), False, id="another first argument"),
    pytest.param("c:add/2 ?0 v:x", add(X, Y), False, id="another second argument"),
    pytest.param("c:mul/2 ?0 ?1", add(X, Y), False, id="another function"),
    pytest.param("c:add/2 c:succ/1 v:x v:y", add([succ(X)], Y), True, id="a function inside"),
    pytest.param("c:add/2 c:succ/1 v:y v:y", add([succ(X)], Y), False, id="another argument inside"),
    pytest.param("c:add/2 c:succ/1 v:x v:x", add([succ(X)], Y), False, id="another argument after it"),
    pytest.param("c:add/2 c:succ/1 * v:y", add([*X, succ(X)], Y), True, id="the second form of an argument"),
    pytest.param("c:add/2 c:succ/1 v:x v:y", add("**", Y), True, id="what is unknown fits everything"),
    pytest.param("c:add/2 c:succ/1 v:x v:x", add("**", Y), False, id="and what comes after it counts"),
    pytest.param("c:add/2 c:add/2 ?0 c:succ/1 ?1 v:y", add("**", Y), True, id="what is unknown has arguments"),
    pytest.param("c:add/2 ?0 v:y", add("**", Y), True, id="what is unknown fits a variable"),
    pytest.param("c:add/2 ?0 v:y", add("*", Y), True, id="what fits wildcards alone"),
    pytest.param("c:add/2 c:succ/1 ?0 v:y", add("*", Y), False, id="fits no function"),
    pytest.param("c:add/2 v:x v:y", add("*", Y), False, id="and no constant"),
    pytest.param("c:add/2 ?0 v:y", add([], Y), True, id="a term without forms fits a variable"),
]


@pytest.mark.parametrize(("pattern", "form", "found"), FOUND)
def test_a_walk_finds_the_same_with_memory_and_without_where_no_variable_stands_twice(pattern, form, found):
    expected = {pattern} if found else set()
    assert index(pattern).matching([form]) == expected
    assert index("c:mul/2 ?0 v:y", pattern, "c:add/2 n:7 n:7").matching([["c:other/0"], form]) == expected
    with steps(0):
        assert index(pattern).matching([form]) == expected
        assert index("c:mul/2 ?0 v:y", pattern, "c:add/2 n:7 n:7").matching([["c:other/0"], form]) == expected


@pytest.mark.parametrize(("form", "found"), [
    pytest.param(add(X, X), True, id="the same"),
    pytest.param(add(X, Y), False, id="two things"),
    pytest.param(add([*X, *Y], [*ZERO, *Y]), True, id="one form in common"),
    pytest.param(add([succ(X)], [succ(X)]), True, id="the same below"),
    pytest.param(add([succ(X)], [succ(Y)]), False, id="two things below"),
    pytest.param(add([add(X, Y)], [add(X, X)]), False, id="two things in one of two places below"),
    pytest.param(add([succ(X)], [succ("*")]), True, id="what is unknown below"),
    pytest.param(add(X, "*"), True, id="what is unknown"),
    pytest.param(add("**", X), True, id="what is unknown, first"),
    pytest.param(add([], X), True, id="no forms say nothing"),
    pytest.param(add(X, []), True, id="second as well"),
])
def test_a_variable_that_stands_twice_meets_what_may_be_equal(form, found):
    assert index("c:add/2 ?0 ?0").matching([form]) == ({"c:add/2 ?0 ?0"} if found else set())
    assert index("c:add/2 * *", "c:add/2 ?0 ?1").matching([form]) == {"c:add/2 * *", "c:add/2 ?0 ?1"}, "others need not be equal"


def test_a_variable_that_stands_thrice_is_compared_with_its_first_place():
    twice = index("c:f/3 ?0 ?0 ?0")
    assert twice.matching([["c:f/3", X, X, X]]) == {"c:f/3 ?0 ?0 ?0"}
    assert twice.matching([["c:f/3", X, X, Y]]) == twice.matching([["c:f/3", X, Y, X]]) == twice.matching([["c:f/3", Y, X, X]]) == set()


def test_two_variables_are_compared_each_with_itself():
    pattern = "c:add/2 c:add/2 ?0 ?1 c:add/2 ?1 ?0"
    assert index(pattern).matching([add([add(X, Y)], [add(Y, X)])]) == {pattern}
    assert index(pattern).matching([add([add(X, Y)], [add(X, Y)])]) == set()


@pytest.mark.parametrize(("needs", "asked"), [
    pytest.param([(("?0",), "ring")], [("ring", X)], id="the first variable"),
    pytest.param([(("?1",), "ring")], [("ring", Y)], id="the second one"),
    pytest.param([(("?0",), "ring"), (("?1",), "order")], [("ring", X), ("order", Y)], id="each its own"),
    pytest.param([(("?0", "?1"), "number")], [("number", X)], id="one of two"),
    pytest.param([(("?7", "?1"), "number")], [("number", Y)], id="one of two, of which the pattern has one"),
    pytest.param([(("?7",), "ring")], [], id="a variable that the pattern lacks"),
    pytest.param([(("?7",), "ring"), (("?1",), "order")], [("order", Y)], id="and one that it has"),
])
def test_what_a_variable_meets_is_asked_for_what_it_needs(needs, asked):
    said = []

    def holds(need, met):
        said.append((need, met))
        return True

    assert index("c:add/2 ?0 ?1", needs=needs).matching([add(X, Y)], holds) == {"c:add/2 ?0 ?1"}
    assert said == asked


@pytest.mark.parametrize(("needs", "found"), [
    ([], True), ([(("?0",), "x")], True), ([(("?1",), "x")], False), ([(("?0",), "x"), (("?1",), "x")], False),
    ([(("?0", "?1"), "x")], True), ([(("?1", "?0"), "x")], True)])
def test_all_needs_must_be_met_each_by_one_of_its_variables(needs, found):
    made = index("c:add/2 ?0 ?1", needs=needs)
    assert made.matching([add(X, Y)], lambda need, met: met == X) == ({"c:add/2 ?0 ?1"} if found else set())
    rooted = index("R:c:add/2 c:add/2 ?0 ?1", needs=needs)
    assert rooted.under_roots([("R:c:add/2", [add(X, Y)])], lambda need, met: met == X).total() == found
    assert made.matching([add(X, Y)]) == {"c:add/2 ?0 ?1"}, "nobody asks in the next query"
    assert rooted.under_roots([("R:c:add/2", [add(X, Y)])]).total() == 1


@pytest.mark.parametrize(("pattern", "variable", "form", "met"), [
    ("c:add/2 ?0 ?0", "?0", add(X, [*X, *Y]), X),
    ("c:add/2 * ?0", "?0", add(X, Y), Y),
    ("c:add/2 c:succ/1 ?0 ?1", "?1", add([succ(X)], Y), Y),
    ("c:add/2 c:succ/1 ?0 ?1", "?0", add("**", Y), "**"),
    ("c:add/2 c:succ/1 ?0 ?1", "?1", add("**", Y), Y),
    ("c:add/2 c:add/2 ?0 c:succ/1 * ?1", "?1", add("**", Y), Y),
    ("c:add/2 v:x ?1", "?1", add("**", Y), Y),
    ("c:add/2 ?0 ?1", "?1", add("**", Y), Y),
    ("c:add/2 ?0 ?1", "?0", add("*", Y), "*"),
])
def test_the_need_of_a_variable_is_asked_of_its_own_place(pattern, variable, form, met):
    said = []
    index(pattern, needs=[((variable,), "need")]).matching([form], lambda need, argument: said.append(argument))
    assert said == [met]


def test_a_lemma_that_is_added_later_is_found():
    made = index("c:add/2 v:x v:y")
    assert made.matching([add(X, Y)]) == {"c:add/2 v:x v:y"}
    made.add(["c:add/2", "v:x", "?0"], "later")
    made.add(["c:add/2", "v:x", "v:y"], "the same")
    assert made.matching([add(X, Y)]) == {"c:add/2 v:x v:y", "later", "the same"}
    with steps(0):
        assert made.matching([add(X, Y)]) == {"c:add/2 v:x v:y", "later", "the same"}
    assert made.size == 3


def test_a_bare_variable_fits_always_and_is_kept_aside():
    made = index("?0", "*", "v:x")
    assert made.always == ["?0", "*"] and made.size == 3
    assert made.matching(X) == {"v:x"} and made.matching(Y) == set()


def test_terms_are_counted_under_their_roots():
    made = index("R:c:add/2 c:add/2 v:x ?0", "R:c:add/2 c:add/2 ?0 ?1", "R:c:succ/1 c:succ/1 ?0")
    terms = [("R:c:add/2", [add(X, Y), add(X, X)]), ("R:c:add/2", [add(Y, X)]), ("R:c:succ/1", [succ(X)]), ("R:c:mul/2", [add(X, Y)])]
    counts = {"R:c:add/2 c:add/2 v:x ?0": 1, "R:c:add/2 c:add/2 ?0 ?1": 2, "R:c:succ/1 c:succ/1 ?0": 1}
    assert made.under_roots(terms) == counts
    with steps(0):
        assert made.under_roots(terms) == counts


@pytest.mark.parametrize(("bound", "found"), [(3, True), (4, False)])
def test_after_its_steps_a_walk_forgets_what_variables_met(bound, found):
    """Four steps: the index, the function, two arguments. Each term of a query has its own."""
    with steps(bound):
        plain = index("c:add/2 ?0 ?1", needs=[(("?0",), "x")])
        assert plain.matching([add(X, Y)], lambda *_: False) == ({"c:add/2 ?0 ?1"} if found else set())
        rooted = index("R:c:add/2 c:add/2 ?0 ?1", needs=[(("?0",), "x")])
        assert rooted.under_roots([("R:c:add/2", [add(X, Y)])] * 2, lambda *_: False).total() == 2 * found


@pytest.mark.parametrize(("bound", "found"), [(4, True), (5, False)])
def test_a_comparison_is_a_step(bound, found):
    with steps(bound):
        assert index("c:add/2 ?0 ?0").matching([add(X, Y)]) == ({"c:add/2 ?0 ?0"} if found else set())


def test_without_memory_a_node_is_visited_once_for_each_rest():
    """Ten forms in each of thirty arguments, and a thing that fits in the last one alone."""
    forms = [["v:y"]]
    for _ in range(30):
        forms = [succ(forms) for _ in range(10)]
    pattern = " ".join(["c:succ/1"] * 30)
    with steps(1000):
        assert index(f"{pattern} v:x", f"{pattern} v:y", f"{pattern} ?0").matching(forms) == {f"{pattern} v:y", f"{pattern} ?0"}


def test_a_form_that_stands_twice_hides_no_other_form():
    forms = [["c:succ/1", X], ["c:succ/1", X]]
    made = index("c:add/2 ?0 ?1", "c:succ/1 v:y")
    for order in ([add(X, Y), *forms], [*forms, add(X, Y)]):
        with steps(0):
            assert made.matching(order) == {"c:add/2 ?0 ?1"}
