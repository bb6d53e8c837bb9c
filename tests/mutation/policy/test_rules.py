"""Rules on theorems and on texts, beside what they must leave alone, and the page that has all rules."""

import pytest
from places import ROOT

from lean_alchemy.mutation.policy.patterns import PATTERN_RULES
from lean_alchemy.mutation.policy.rules import POLICY_PARTS, STATEMENT_RULES, TEXT_RULES, THEOREM_RULES, PrintedStatement, objection


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
    assert rule_of("Nat.foo", "simp", term="c\tVector.mk\t0") is None


@pytest.mark.parametrize(("text", "expected"), [
    (PrintedStatement("@Eq.{1} Nat a b", ["pp.explicit", "-pp.notation"]), "explicit as a whole"),
    (PrintedStatement(": a = b", [f"pp.explicit@{p}" for p in (21, 84, 85)]), "explicit in many places"),
    (PrintedStatement(": a = b", [f"pp.explicit@{p}" for p in (21, 84)]), None),
    (PrintedStatement(": a = b", []), None),
    (PrintedStatement(": Array.foldl.match_1 a = b", []), "match as a function"),
    (PrintedStatement("(h : (0 : Int) < ↑a) : a = b", ["pp.analysis.needsType@1345", "pp.explicit@85"]), None),
])
def test_texts_that_nobody_reads_are_left_out(text, expected):
    rule = next((rule for rule in TEXT_RULES if rule.objects(text)), None)
    assert (rule.name if rule else None) == expected


def test_the_page_of_the_policy_names_every_rule():
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    assert not [name for name in POLICY_PARTS if name not in page]
    rules = (*THEOREM_RULES, *PATTERN_RULES, *STATEMENT_RULES, *TEXT_RULES)
    rows = (f"| {rule.name} | {rule.reason} | `{rule.example.replace('`', '')}` |" for rule in rules)
    assert not [row for row in rows if row not in page]


@pytest.mark.parametrize("rules", [THEOREM_RULES, PATTERN_RULES, STATEMENT_RULES, TEXT_RULES])
def test_every_rule_says_why(rules):
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.reason and rule.example for rule in rules)
