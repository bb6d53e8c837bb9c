"""Each rule beside the example that it names, and beside what it must leave alone."""

import pytest

from mutation.quality import PATTERN_RULES, STATEMENT_RULES, THEOREM_RULES, Judged, Pattern, first_objection, objection
from mutation.terms import Statement


def rule_of(name: str, *tags: str, term: str = "") -> str | None:
    rule = objection(name, tags, term)
    return rule.name if rule else None


@pytest.mark.parametrize(("name", "expected"), [
    ("Prod.mk.injEq", "generated"), ("Option.some.sizeOf_spec", "generated"), ("List.map.eq_1", "generated"),
    ("List.filter.induct", "generated"), ("ite.congr_simp", "generated"), ("List.filterMap.match_1.eq_2", "generated"),
    ("Foo.bar._proof_3", "generated"), ("instLawfulBEqNat", "generated"),
    ("Nat.Linear.Poly.denote_fuse", "automation"), ("Lean.Grind.not_and", "automation"), ("Lean.Omega.Int.ofNat_lt", "automation"),
    ("Nat.SOM.Mon.mul_denote", "automation"), ("Std.DHashMap.Internal.Raw₀.contains_insert", "automation"),
    ("DerivingHelpers.deriving_lawful_beq_helper_nd", "automation"),
    ("Nat.add_comm", None), ("List.map_map", None), ("Int.emod_emod_of_dvd", None), ("List.elim_iff", None),
    ("Nat.induction_on", None), ("Nat.le.intro", None),
    ("Array.instance_free", None), ("BitVec.toNat_injective", None), ("List.reverse_induct_on", None),
])
def test_generated_theorems_and_helpers_of_automation_are_left_out(name, expected):
    assert rule_of(name) == expected


def test_instances_deprecated_theorems_and_internal_constants_are_left_out():
    assert rule_of("Nat.foo", "instance") == "instance"
    assert rule_of("Nat.foo", "deprecated") == "deprecated"
    assert rule_of("Nat.foo", term="c\tVector.mk._proof_1\t0") == "internal constant"


@pytest.mark.parametrize(("pattern", "expected"), [
    (Pattern("apply", "backward", 0, ["?0"]), "bare variable"),
    (Pattern("rw", "backward", 2, ["R:c:Eq/3", "c:Eq/3", "?0", "?1", "?2"]), "bare relation"),
    (Pattern("rw", "backward", 2, ["R:c:Eq/3", "c:Eq/3", "c:UInt32/0", "?0", "?1"]), "wraps both sides"),
    (Pattern("rw", "forward", 2, ["R:c:Eq/3", "c:Eq/3", "c:Nat/0", "?0", "?1"]), None),
    (Pattern("rw", "backward", 0, ["R:c:OfNat.ofNat/3", "c:OfNat.ofNat/3", "c:Int/0", "n:0", "*"]), "constant"),
    (Pattern("rw", "backward", 1, ["R:c:OfNat.ofNat/3", "c:OfNat.ofNat/3", "c:Int/0", "?0", "*"]), "constant"),
    (Pattern("rw", "backward", 0, ["R:c:List.nil/1", "c:List.nil/1", "?0"]), "constant"),
    (Pattern("rw", "forward", 2, ["R:c:HAdd.hAdd/6", "c:HAdd.hAdd/6", "c:Nat/0", "c:Nat/0", "c:Nat/0", "*", "?0", "?1"]), None),
    (Pattern("apply", "backward", 2, ["c:Nat.le/2", "?0", "?1"]), None),
])
def test_patterns_that_fit_everything_are_not_indexed(pattern, expected):
    rule = next((rule for rule in PATTERN_RULES if rule.objects(pattern)), None)
    assert (rule.name if rule else None) == expected


A, B = ("c", "a"), ("c", "b")


def eq(a, b):
    return ("@", ("c", "Eq", "+ 0"), ("c", "Nat"), a, b)


@pytest.mark.parametrize(("statement", "target", "expected"), [
    (Statement((), (), eq(A, A)), eq(A, B), "tautology"),
    (Statement((), (), ("@", ("c", "Iff"), A, A)), eq(A, B), "tautology"),
    (Statement((), (eq(A, B),), eq(A, B)), eq(B, A), "tautology"),
    (Statement((), (), ("c", "True")), eq(A, B), "tautology"),
    (Statement((), (("c", "False"),), eq(A, B)), eq(A, A), "vacuous"),
    (Statement((), (), eq(A, ("c", "Foo._proof_1"))), eq(A, B), "internal constant"),
    (Statement((), (), eq(B, A)), eq(A, B), "restates its target"),
    (Statement((), (), eq(A, ("@", ("c", "f"), B))), eq(A, B), None),
])
def test_statements_that_teach_nothing_are_left_out(statement, target, expected):
    rule = first_objection(Judged(statement, Statement((), (), target)))
    assert (rule.name if rule else None) == expected


@pytest.mark.parametrize("rules", [THEOREM_RULES, PATTERN_RULES, STATEMENT_RULES])
def test_every_rule_says_why(rules):
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.reason and rule.example for rule in rules)
