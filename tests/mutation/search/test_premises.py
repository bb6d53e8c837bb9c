"""Which theorems may help to prove one of a small library that is made up."""

import pytest

from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.kinds import APPLY, REWRITE
from lean_alchemy.mutation.policy.generality import Generality
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.mutation.search.premises import NamedTheorem, Premises


def premises(*theorems: str, keys=(), shares=(), admitted=None) -> Premises:
    """theorems: `module name`."""
    named = [NamedTheorem(name, int(module)) for module, name in (theorem.split() for theorem in theorems)]
    admitted = set(range(len(named))) if admitted is None else admitted
    index = Lemmas(keys, [REWRITE, APPLY], admitted, rules=(), classes=Classes([]))
    return Premises(named, admitted, index, Generality(dict(shares), 10_000))


@pytest.mark.parametrize(("name", "namespace", "short"), [
    ("List.map_id", "List", "map_id"), ("Std.DTreeMap.Raw.get", "Std.DTreeMap.Raw", "get"), ("rfl", "", "rfl")])
def test_a_name_has_a_namespace_and_a_last_part(name, namespace, short):
    theorem = NamedTheorem(name, 1)
    assert (theorem.namespace, theorem.short_name) == (namespace, short)


def test_namesakes_say_the_same_of_another_type():
    found = premises("1 List.map_id", "1 List.map_map", "2 Array.map_id", "2 Vector.map_id_fun", "2 map_id", admitted=set())
    assert found.namesakes(2, {"map_id"}) == ["map_id", "List.map_id"]


def test_the_namesake_of_the_most_similar_namespace_comes_first():
    """Names are compared from their ends: `DTreeMap.Raw` is nearer to `TreeMap.Raw` than to `DTreeMap`."""
    found = premises("9 Std.TreeMap.Raw.get", "2 Std.DTreeMap.get", "1 DTreeMap.Raw.get", "1 Raw.get", "3 Std.DHashMap.Raw.get",
                     "1 X.TreeMap.Raw.get")
    assert found.namesakes(0, ()) == [
        "X.TreeMap.Raw.get", "Std.DHashMap.Raw.get", "DTreeMap.Raw.get", "Raw.get", "Std.DTreeMap.get"]


def test_parts_that_agree_after_one_that_does_not_are_no_matter():
    found = premises("9 A.B.C.get", "2 A.B.X.get", "1 Z.C.get")
    assert found.namesakes(0, ()) == ["Z.C.get", "A.B.X.get"]


def test_of_equally_similar_ones_the_nearest_module_comes_first_then_the_earlier_theorem():
    found = premises("9 T.f", "3 A.f", "5 B.f", "5 C.f", "4 D.f")
    assert found.namesakes(0, ()) == ["B.f", "C.f", "D.f", "A.f"]


def test_a_proof_uses_what_stands_before_it():
    """Theorems of modules before its own, and those of its own that it is told of; never itself."""
    found = premises("5 T.f", "4 A.f", "5 B.f", "5 C.f", "6 D.f")
    assert found.namesakes(0, {"T.f", "B.f", "D.f"}) == ["B.f", "A.f"]


def test_injections_belong_to_the_type():
    found = premises("5 BitVec.add_comm", "1 BitVec.toNat_inj", "2 Fin.val_inj", "1 BitVec.toInt_inj", "6 BitVec.late_inj",
                     "1 BitVec.toFin_inj", "1 BitVec.toNat_injective", "1 BitVec.Sub.x_inj", "1 BitVec.inj",
                     admitted={0, 1, 2, 3, 4, 6, 7, 8})
    assert found.injections(0, ()) == ["BitVec.toNat_inj", "BitVec.toInt_inj"]
    assert found.injections(1, {"BitVec.toNat_inj", "BitVec.toInt_inj"}) == ["BitVec.toInt_inj"]


def test_principles_of_a_namespace_and_of_those_around_it_come_from_the_nearest():
    found = premises("1 Quot.ind", "1 A.ind", "2 A.B.inductionOn", "2 A.B.C.ind", "3 A.B.C.find", "5 A.B.C.f", "1 ind", "5 A.B.D.ind",
                     "5 f", admitted=set())
    assert found.principles(5, {"A.B.D.ind"}) == ["A.B.C.ind", "A.B.inductionOn", "A.ind"]
    assert found.principles(2, ()) == ["A.ind"] and found.principles(8, ()) == ["ind"]


# --- theorems that the index finds ----------------------------------------------------------------

X, Y = [["v:x"]], [["v:y"]]
SITES = [Site(site=0, name="conclusion", rw=[("R:c:add/2", [["c:add/2", X, Y]])], apply=[["c:lt/2", X, Y]])]


def rewriting(number: int, direction: str) -> Key:
    return Key(number, "rw", direction, 0, False, 0, 2, False, "", "R:c:add/2\tc:add/2\t?0\t?1")


def applying(number: int) -> Key:
    return Key(number, "apply", "backward", 0, False, 0, 2, False, "", "c:lt/2\t?0\t?1")


def test_the_least_general_comes_first_then_the_nearest_module_then_the_earlier():
    keys = [key for n in range(1, 5) for key in (rewriting(n, "forward"), applying(n))]
    shares = {(1, "rw", "forward"): 0.5, (2, "rw", "forward"): 0.1, (3, "rw", "forward"): 0.1, (4, "rw", "forward"): 0.1,
              (1, "apply", "backward"): 0.2, (2, "apply", "backward"): 0.3, (3, "apply", "backward"): 0.2, (4, "apply", "backward"): 0.2,
              (1, "apply", "forward"): 0.9, (4, "rw", "backward"): 0.9}
    found = premises("9 T", "5 A", "3 B", "4 C", "4 D", keys=keys, shares=shares)
    assert found.fitting(0, SITES, ()) == (["C", "D", "B", "A"], ["A", "C", "D", "B"])


def test_an_equation_used_backward_has_an_arrow_and_is_as_general_as_it_is_backward():
    keys = [rewriting(1, "forward"), rewriting(1, "backward"), rewriting(2, "backward")]
    shares = {(1, "rw", "forward"): 0.1, (1, "rw", "backward"): 0.3, (2, "rw", "backward"): 0.2, (2, "rw", "forward"): 0.9}
    assert premises("9 T", "1 A", "1 B", keys=keys, shares=shares).fitting(0, SITES, ()) == (["A", "← B", "← A"], [])


def test_what_fits_and_stands_later_is_left_out():
    keys = [key for n in range(5) for key in (rewriting(n, "backward"), applying(n))]
    found = premises("5 T", "4 A", "5 B", "5 C", "6 D", keys=keys)
    assert found.fitting(0, SITES, {"T", "C", "D"}) == (["← C", "← A"], ["C", "A"])
    only = premises("5 T", "4 A", "5 B", "5 C", "6 D", keys=keys, admitted={3})
    assert only.fitting(0, SITES, {"C"}) == (["← C"], ["C"])
