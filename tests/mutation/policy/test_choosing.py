"""Which rules and limits a run has, and how they are switched off."""

import msgspec
import pytest
from places import ROOT

from lean_alchemy.mutation.policy.generality import Generality
from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, Pattern
from lean_alchemy.mutation.policy.rules import (
    EVERYTHING,
    POLICY_PARTS,
    STATEMENT_RULES,
    TEXT_RULES,
    THEOREM_RULES,
    NewStatement,
    Policy,
    PrintedStatement,
    policy_without,
)
from lean_alchemy.mutation.terms import Statement

PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
LIMITS = {"generic lemma": "generic_share", "target cap": "target_cap", "lemma cap": "lemma_cap", "foreign cap": "foreign_cap"}


def test_the_limits_are_those_of_the_page():
    policy = Policy()
    assert f"fit more than {policy.generic_share:.0%} are not used" in PAGE
    assert f"`target cap` ({policy.target_cap} variants) and `lemma cap` ({policy.lemma_cap})" in PAGE
    assert f"`foreign cap` ({policy.foreign_cap} of one target)" in PAGE
    assert policy.near_duplicates


def parts_of(policy: Policy) -> dict:
    """The limits, and the names of the rules."""
    found = {field: getattr(policy, field) for field in Policy.__struct_fields__}
    return {field: [rule.name for rule in value] if isinstance(value, tuple) else value for field, value in found.items()}


@pytest.mark.parametrize("name", sorted(set(POLICY_PARTS)))
def test_each_part_of_the_policy_is_switched_off_alone(name):
    expected = {field: [one for one in value if one != name] if isinstance(value, list) else value
                for field, value in parts_of(Policy()).items()}
    if name in LIMITS:
        expected[LIMITS[name]] = None
    elif name == "near duplicate":
        expected["near_duplicates"] = False
    assert parts_of(policy_without([name])) == expected != parts_of(Policy())


def test_what_was_off_stays_off():
    assert policy_without(["tautology"], policy_without(["target cap", "near duplicate"])) == policy_without(
        ["tautology", "target cap", "near duplicate"])
    assert policy_without([], EVERYTHING) == EVERYTHING


def test_a_limit_of_ones_own_stays():
    own = Policy(generic_share=0.5, target_cap=1, lemma_cap=2, foreign_cap=3)
    assert policy_without([], own) == own


def test_limits_are_given_by_name():
    with pytest.raises(TypeError):
        Policy(THEOREM_RULES)  # type: ignore


def test_without_all_parts_nothing_is_left_out():
    assert policy_without(POLICY_PARTS) == EVERYTHING
    assert parts_of(EVERYTHING) == {
        "theorems": [], "patterns": [], "statements": [], "texts": [], "generic_share": None, "target_cap": None, "lemma_cap": None,
        "foreign_cap": None, "near_duplicates": False}


def test_an_unknown_rule_is_an_error():
    with pytest.raises(ValueError, match=r"there is no rule 'tautologie'; choose among .*tautology"):
        policy_without(["tautology", "tautologie", "vacuos"])


@pytest.mark.parametrize(("name", "tags", "term", "expected"), [
    ("Nat.add_comm", [], "c\tNat\t0", True), ("Prod.mk.injEq", [], "c\tNat\t0", False), ("Nat.foo", ["instance"], "c\tNat\t0", False),
    ("Nat.add_comm", [], None, False),
])
def test_ordinary_theorems_that_can_be_written_are_admitted(name, tags, term, expected):
    assert Policy().admits(name, tags, term) == expected
    assert EVERYTHING.admits(name, tags, term) == (term is not None)


P = Statement((), (), ("c", "p"))


@pytest.mark.parametrize("value", [
    Policy(), THEOREM_RULES[0], PATTERN_RULES[0], STATEMENT_RULES[0], TEXT_RULES[0], PrintedStatement("", []),
    Pattern("rw", "forward", 0, []), Generality({}, 0), NewStatement(P, P)], ids=lambda value: type(value).__name__)
def test_rules_limits_and_what_they_judge_are_never_changed_in_place(value: msgspec.Struct):
    """All runs of a process share them."""
    for field in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, field, None)
