"""For which types there can be an instance: what follows from what is stated, and nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.search.classes import NUMBER, Classes, FromTarget, TargetInstances, needs_of

LIBRARY = [
    ["Semiring", "c:Nat"],
    ["Field", "c:Rat"],
    ["Ring", [["Field", 0]]],
    ["Semiring", [["Ring", 0]]],
    ["Ordered", [["Ring", 0], ["LE", 0]]],
    ["Inhabited", [["Ordered", 0]]],
    ["Nonempty", []],
    ["ToString", "*"],
    ["Module", [["Ring", 0]], [["Inhabited", 0]]],
]


def has(class_name: str, beginning: str, own: list = (), place: int = 0) -> bool:
    return (class_name, place) in Classes(LIBRARY).of(beginning, TargetInstances(own))


@pytest.mark.parametrize(("class_name", "beginning", "own", "expected"), [
    pytest.param("Semiring", "c:Nat", [], True, id="stated"),
    pytest.param("Ring", "c:Nat", [], False, id="of another type"),
    pytest.param("Semiring", "c:Rat", [], True, id="in two steps"),
    pytest.param("Ring", "v:a", [], False, id="a variable of which nothing is known"),
    pytest.param("Semiring", "v:a", [["Ring", "v:a"]], True, id="an instance of the target"),
    pytest.param("Semiring", "v:a", [["Ring", "v:b"]], False, id="an instance for another variable"),
    pytest.param("Semiring", "v:a", [["Ring", "*"]], True, id="an instance for who knows what"),
    pytest.param("Inhabited", "c:Rat", [], False, id="one of two that are needed"),
    pytest.param("Inhabited", "c:Rat", [["LE", "c:Rat"]], True, id="the other one from the target"),
    pytest.param("Nonempty", "v:a", [], True, id="for every type"),
    pytest.param("ToString", "P", [], True, id="its argument says nothing"),
])
def test_what_follows_has_an_instance(class_name, beginning, own, expected):
    assert has(class_name, beginning, own) is expected


def test_places_of_a_class_are_told_apart():
    assert has("Module", "c:Rat") and not has("Module", "c:Rat", place=1)
    assert has("Module", "c:Rat", [["LE", "c:Rat"]], place=1)


def test_what_a_key_needs_is_read():
    assert needs_of("") == ()
    assert needs_of("Ring 0 ?1\t«a class» 2 ?10\t# ?3 ?4") == (
        (("?1",), ("Ring", 0)), (("?10",), ("«a class»", 2)), (("?3", "?4"), NUMBER))


@pytest.mark.parametrize(("met", "rings", "numbers"), [
    pytest.param("*", True, True, id="unknown"),
    pytest.param([["c:Nat/0"]], False, False, id="a type without"),
    pytest.param([["c:Alias/0"], ["c:Rat/0"]], True, False, id="one of its forms"),
    pytest.param([["J:Sigma.0/1", "*"]], True, False, id="a form that says nothing"),
    pytest.param([["n:5"]], True, True, id="a numeral"),
    pytest.param([["off:1/1", [["v:a"]]]], True, True, id="a successor"),
    pytest.param([["v:a"]], False, False, id="a variable"),
])
def test_what_a_variable_met_may_have_what_is_needed(met, rings, numbers):
    holds = FromTarget(Classes(LIBRARY), [])
    for _ in range(2):
        assert holds(("Ring", 0), met) is rings and holds(NUMBER, met) is numbers


def test_the_instances_of_a_target_count():
    """Each of its sites has all of them."""
    site = Site(site=0, name="conclusion", rw=[], apply=[], instances=[["Field", "c:Nat"]])
    for sites in ([site], [site, site]):
        assert FromTarget(Classes(LIBRARY), sites)(("Ring", 0), [["c:Nat/0"]])
    bare = msgspec.structs.replace(site, instances=[])
    assert not FromTarget(Classes(LIBRARY), [bare])(("Ring", 0), [["c:Nat/0"]])


names = st.sampled_from("ABCDE")
needed = st.lists(st.tuples(names, st.just(0)).map(list), max_size=2)
rows = st.lists(st.tuples(names, st.sampled_from(["c:x", "c:y", "*"]) | needed).map(list))


def follows(library: list, beginning: str, own: list) -> set[str]:
    """As a textbook has it: what is stated, and what follows, until nothing new does."""
    found = {name for name, argument in [*library, *own] if argument in (beginning, "*")}
    while more := {name for name, argument in library
                   if isinstance(argument, list) and all(needed in found for needed, _ in argument)} - found:
        found |= more
    return found


@given(rows, st.sampled_from(["c:x", "c:y", "v:a"]), st.lists(st.tuples(names, st.sampled_from(["v:a", "c:x", "*"])).map(list)))
def test_the_conclusion_is_the_least_that_is_closed(library, beginning, own):
    assert {name for name, _ in Classes(library).of(beginning, TargetInstances(own))} == follows(library, beginning, own)
