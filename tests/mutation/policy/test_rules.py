"""Each rule beside the example that it names, and beside what it must leave alone."""

import functools

import pytest
from places import ROOT

from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, Pattern
from lean_alchemy.mutation.policy.rules import (
    PARTS,
    STATEMENT_RULES,
    TEXT_RULES,
    THEOREM_RULES,
    NewStatement,
    PrintedStatement,
    first_objection,
    objection,
)
from lean_alchemy.mutation.terms import Statement


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
    ("Int.Nonneg.num_cert", "automation"),
    ("Nat.add_comm", None), ("List.map_map", None), ("Int.emod_emod_of_dvd", None), ("List.elim_iff", None),
    ("Nat.induction_on", None), ("Nat.le.intro", None),
    ("Array.instance_free", None), ("BitVec.toNat_injective", None), ("List.reverse_induct_on", None),
])
def test_generated_theorems_and_helpers_of_automation_are_left_out(name, expected):
    assert rule_of(name) == expected


def test_instances_deprecated_theorems_and_internal_constants_are_left_out():
    assert rule_of("Membership.foo", term="c\tStd.Legacy.Range\t0") == "deprecated"
    assert rule_of("Nat.foo", "instance") == "instance"
    assert rule_of("Nat.foo", "deprecated") == "deprecated"
    assert rule_of("Nat.foo", term="c\tVector.mk._proof_1\t0") == "internal constant"


EQ = ["R:c:Eq/3", "c:Eq/3", "c:UInt32/0", "?0", "?1"]
NEGATED = ["R:c:Eq/3", "c:Eq/3", "c:UInt32/0", "c:Neg.neg/3", "c:UInt32/0", "*", "?0", "c:Neg.neg/3", "c:UInt32/0", "*", "?1"]
LT = ["R:c:LT.lt/4", "c:LT.lt/4", "c:Nat/0", "*", "?0", "?1"]
DIVIDED = ["R:c:LT.lt/4", "c:LT.lt/4", "c:Nat/0", "*", *("c:HDiv.hDiv/6", "c:Nat/0", "c:Nat/0", "c:Nat/0", "*", "?2", "?1"),
           *("c:HDiv.hDiv/6", "c:Nat/0", "c:Nat/0", "c:Nat/0", "*", "?2", "?0")]
AND = ["R:c:HAnd.hAnd/6", "c:HAnd.hAnd/6", "*", "*", "*", "*", "?0", "?1"]
DIV = ["R:c:HDiv.hDiv/6", "c:HDiv.hDiv/6", "c:Int/0", "c:Int/0", "c:Int/0", "*", "?0", "?1"]


@pytest.mark.parametrize(("pattern", "expected"), [
    (Pattern("apply", "backward", 0, ["?0"]), "bare variable"),
    (Pattern("rw", "backward", 2, ["R:c:Eq/3", "c:Eq/3", "?0", "?1", "?2"]), "bare relation"),
    (Pattern("rw", "backward", 2, EQ, NEGATED), "wraps both sides"),
    (Pattern("rw", "forward", 2, NEGATED, EQ), None),
    (Pattern("rw", "backward", 2, LT, DIVIDED), "wraps both sides"),
    (Pattern("rw", "backward", 2, LT, data=True), "renames"),
    (Pattern("rw", "backward", 2, LT, ["R:c:LT.lt/4", "c:LT.lt/4", "c:Nat/0", "*", "?2", "?3"], data=True), "renames"),
    (Pattern("rw", "forward", 2, ["R:c:List.length/2", "c:List.length/2", "?0", "?1"], ["R:c:List.length/2", "c:List.length/2", "?0", "?2"],
             data=True), None),
    (Pattern("rw", "backward", 2, AND, ["R:c:BitVec.and/3", "c:BitVec.and/3", "*", "?0", "?1"]), "implementation"),
    (Pattern("rw", "backward", 2, AND, ["R:c:Min.min/4", "c:Min.min/4", "*", "c:f/1", "?0", "?1"]), None),
    (Pattern("rw", "forward", 2, LT, ["R:c:LE.le/4", "c:LE.le/4", "c:Nat/0", "*", "off", "?1"]), None),
    (Pattern("rw", "forward", 2, ["R:c:Eq/3", "c:Eq/3", "c:Nat/0", "?0", "?1"]), None),
    (Pattern("rw", "backward", 0, ["R:c:OfNat.ofNat/3", "c:OfNat.ofNat/3", "c:Int/0", "n:0", "*"]), "constant"),
    (Pattern("rw", "backward", 1, ["R:c:OfNat.ofNat/3", "c:OfNat.ofNat/3", "c:Int/0", "?0", "*"]), "constant"),
    (Pattern("rw", "backward", 0, ["R:c:List.nil/1", "c:List.nil/1", "?0"]), "constant"),
    (Pattern("rw", "forward", 2, ["R:c:HAdd.hAdd/6", "c:HAdd.hAdd/6", "c:Nat/0", "c:Nat/0", "c:Nat/0", "*", "?0", "?1"]), None),
    (Pattern("rw", "forward", 2, DIV, ["R:c:Int.div/2", "c:Int.div/2", "?0", "?1"]), "implementation"),
    (Pattern("rw", "backward", 2, ["R:c:Int.div/2", "c:Int.div/2", "?0", "?1"], DIV), None),
    (Pattern("rw", "backward", 1, ["R:L/0", "L/1", "?0"]), "any function"),
    (Pattern("apply", "backward", 2, ["c:Nat.le/2", "?0", "?1"]), None),
    (Pattern("apply", "forward", 2, ["c:Eq/3", "c:Nat/0", "?0", "?1"], dependent=True), "proof in the statement"),
])
def test_patterns_that_fit_everything_are_not_indexed(pattern, expected):
    rule = next((rule for rule in PATTERN_RULES if rule.objects(pattern)), None)
    assert (rule.name if rule else None) == expected


A, B = ("c", "a"), ("c", "b")


def eq(a, b):
    return ("@", ("c", "Eq", "+ 0"), ("c", "Nat"), a, b)


def lt(a, b):
    return ("@", ("c", "LT.lt", "0"), ("c", "Nat"), ("c", "instLTNat"), a, b)


def add(a, b):
    return ("@", ("c", "HAdd.hAdd"), ("c", "Nat"), ("c", "Nat"), ("c", "Nat"), ("c", "instHAdd"), a, b)


def numeral(n):
    return ("@", ("c", "OfNat.ofNat"), ("c", "Nat"), ("n", n), ("@", ("c", "instOfNatNat"), ("n", n)))


def pow63():
    return ("@", ("c", "HPow.hPow"), ("c", "Nat"), ("c", "Nat"), ("c", "Nat"), ("c", "instHPow"), numeral(2), numeral(63))


def any_(array, stop):
    return ("@", ("c", "Array.any"), ("c", "Nat"), array, ("c", "p"), numeral(0), stop)


def array_size(array):
    return ("@", ("c", "Array.size"), ("c", "Nat"), array)


X, Y = ("#", 0), ("#", 1)
F = ("@", ("c", "f"), B)


@pytest.mark.parametrize(("statement", "target", "lemmas", "expected"), [
    (Statement((), (), eq(A, A)), eq(A, B), "", "tautology"),
    (Statement((), (), ("@", ("c", "Iff"), A, A)), eq(A, B), "", "tautology"),
    (Statement((), (eq(A, B),), eq(A, B)), eq(B, A), "", "tautology"),
    (Statement((), (), ("@", ("c", "Dvd.dvd", "0"), ("c", "Nat"), ("c", "instDvd"), F, F)), eq(A, B), "", "tautology"),
    (Statement((), (), ("@", ("c", "Dvd.dvd", "0"), ("c", "Nat"), ("c", "instDvd"), A, F)), eq(A, B), "", None),
    (Statement((), (), ("c", "True")), eq(A, B), "", "tautology"),
    (Statement((), (("c", "False"),), eq(A, B)), eq(A, A), "", "vacuous"),
    (Statement((), (lt(numeral(0), numeral(1)),), eq(A, F)), eq(A, B), "", "idle hypothesis"),
    (Statement((("c", "Nat"),), (lt(X, X),), eq(A, F)), eq(A, B), "", "idle hypothesis"),
    (Statement((("c", "Nat"), ("c", "Nat")), (lt(X, Y),), eq(A, F)), eq(A, B), "", None),
    (Statement((("c", "Nat"), ("c", "Nat")), (lt(add(X, Y), X),), eq(A, F)), eq(A, B), "", "idle hypothesis"),
    (Statement((("c", "Nat"), ("c", "Nat")), (), lt(X, add(X, numeral(1)))), lt(X, Y), "", "tautology"),
    (Statement((("c", "Nat"), ("c", "Nat")), (), lt(X, add(Y, numeral(0)))), lt(X, Y), "", "idle part"),
    (Statement((), (), ("@", ("c", "Or"), eq(A, F), eq(numeral(1), numeral(2)))), eq(A, B), "", "idle part"),
    (Statement((), (), eq(any_(A, array_size(F)), B)), eq(any_(A, array_size(A)), B), "", "default argument"),
    (Statement((), (), eq(any_(F, array_size(F)), B)), eq(any_(A, array_size(A)), B), "", None),
    (Statement((), (), eq(A, ("@", ("c", "Array.toListImpl"), B))), eq(A, B), "", "internal constant"),
    (Statement((), (), eq(A, numeral(4294967296))), eq(A, B), "", "large numeral"),
    (Statement((), (), eq(A, numeral(4294967296))), eq(numeral(4294967296), F), "", None),
    (Statement((), (), lt(add(A, numeral(1)), B)), lt(A, B), "c\tTrue\t0", None),
    (Statement((("c", "Nat"), ("c", "Nat")), (lt(X, Y), lt(X, Y)), eq(A, F)), eq(A, B), "", "repeated hypothesis"),
    (Statement((), (), eq(A, ("c", "Foo._proof_1"))), eq(A, B), "", "internal constant"),
    (Statement((), (), eq(A, ("@", ("c", "Nat.pow.match_1"), B))), eq(A, B), "", "internal constant"),
    (Statement((), (), eq(("@", ("c", "Nat.ble"), A, B), ("c", "Bool.true"))), eq(A, B), "", "internal constant"),
    (Statement((), (), eq(A, ("@", ("c", "Array.extract.loop"), B))), eq(A, B), "", "internal constant"),
    (Statement((), (), ("@", ("c", "Nat.lt"), A, B)), eq(A, B), "", "internal constant"),
    (Statement((), (), eq(A, ("@", ("c", "Foo.gopher.looped"), B))), eq(A, B), "", None),
    (Statement((), (), eq(A, ("@", ("c", "Std.HashMap.Internal.f"), B))), eq(A, B), "", "internal constant"),
    (Statement((), (), ("@", ("c", "HEq"), ("c", "Nat"), A, ("c", "Nat"), F)), eq(A, B), "", "transport"),
    (Statement((), (), eq(A, ("@", ("c", "Nat.succ"), B))), eq(A, B), "c\tHAdd.hAdd\t0", "unfolded"),
    (Statement((), (), eq(A, ("@", ("c", "Nat.succ"), B))), eq(A, B), "c\tNat.succ\t0", None),
    (Statement((), (), eq(B, A)), eq(A, B), "", "restates its target"),
    (Statement((), (), eq(add(B, A), A)), eq(A, add(A, B)), "", "restates its target"),
    (Statement((), (), eq(A, functools.reduce(add, [B] * 60))), eq(A, B), "", "too large"),
    (Statement((("@", ("c", "BitVec"), pow63()),), (), eq(A, F)), eq(A, B), "", "wide type"),
    (Statement((), (), eq(A, F)), eq(A, B), "", None),
])
def test_statements_that_teach_nothing_are_left_out(statement, target, lemmas, expected):
    rule = first_objection(NewStatement(statement, Statement((), (), target), lemmas))
    assert (rule.name if rule else None) == expected


@pytest.mark.parametrize(("text", "expected"), [
    (PrintedStatement("@Eq.{1} Nat a b", ["pp.explicit", "-pp.notation"]), "explicit as a whole"),
    (PrintedStatement(": a = b", [f"pp.explicit@{p}" for p in (21, 84, 85)]), "explicit in many places"),
    (PrintedStatement(": Array.foldl.match_1 a = b", []), "match as a function"),
    (PrintedStatement("(h : (0 : Int) < ↑a) : a = b", ["pp.analysis.needsType@1345", "pp.explicit@85"]), None),
])
def test_texts_that_nobody_reads_are_left_out(text, expected):
    rule = next((rule for rule in TEXT_RULES if rule.objects(text)), None)
    assert (rule.name if rule else None) == expected


def test_the_page_of_the_policy_names_every_rule():
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    assert not [name for name in PARTS if name not in page]
    rules = (*THEOREM_RULES, *PATTERN_RULES, *STATEMENT_RULES, *TEXT_RULES)
    rows = (f"| {rule.name} | {rule.reason} | `{rule.example.replace('`', '')}` |" for rule in rules)
    assert not [row for row in rows if row not in page]


@pytest.mark.parametrize("rules", [THEOREM_RULES, PATTERN_RULES, STATEMENT_RULES, TEXT_RULES])
def test_every_rule_says_why(rules):
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.reason and rule.example for rule in rules)
