"""The parts of the policy that measure: generality and score."""

import pytest

from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.kinds import Reach, kinds_within
from lean_alchemy.mutation.policy.generality import SUBJECTS, measure
from lean_alchemy.mutation.policy.rules import EVERYTHING, PARTS, NewStatement, Policy, policy_without
from lean_alchemy.mutation.policy.score import WEIGHTS, company, score
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.mutation.terms import Statement

NAT, A, B, C = ("c", "Nat"), ("#", 0), ("#", 1), ("#", 2)


def add(a, b):
    return ("@", ("c", "HAdd.hAdd"), NAT, NAT, NAT, ("c", "instHAdd"), a, b)


def eq(a, b):
    return ("@", ("c", "Eq", "+ 0"), NAT, a, b)


TARGET = Statement((NAT, NAT, NAT), (), eq(add(A, B), C))


def judged(conclusion, *hypotheses) -> NewStatement:
    return NewStatement(Statement(TARGET.binders, hypotheses, conclusion), TARGET)


def test_a_score_lies_between_none_and_all():
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert 0 <= score(judged(eq(add(B, A), C)), 1.0) < score(judged(eq(("@", ("c", "Nat.gcd"), A, B), C)), 0.0005) <= 1


def test_a_rare_lemma_scores_higher_than_one_that_fits_everything():
    one = judged(eq(("@", ("c", "Nat.gcd"), A, B), C))
    assert score(one, 0.001) > score(one, 0.01) > score(one, 0.1)


def test_what_stays_in_its_subject_scores_higher():
    at_home, strange = (judged(eq(("@", ("c", f"{root}.f"), A, B), C)) for root in ("Nat", "ByteArray"))
    assert score(at_home, 0.01) > score(strange, 0.01)


def test_what_grows_scores_lower():
    small, large = judged(eq(("@", ("c", "Nat.gcd"), A, B), C)), judged(eq(("@", ("c", "Nat.gcd"), add(A, add(A, add(A, A))), B), C))
    assert score(small, 0.01) > score(large, 0.01)


def test_what_goes_to_foreign_subjects_alone_has_no_company():
    """`Nat.gcd` is at home in a theorem about `Nat`, `ByteArray.f` is not."""
    assert company(judged(eq(("@", ("c", "Nat.gcd"), A, B), C))) == 1
    assert company(judged(eq(("@", ("c", "ByteArray.f"), A, B), C))) == 0
    assert company(judged(eq(add(B, A), C))) == 1, "what brings in nothing is at home"


def test_generality_is_the_share_of_targets_that_a_pattern_fits():
    keys = [
        Key(0, "rw", "forward", 0, False, 0, 2, False, "", "R:c:Nat.add/2\tc:Nat.add/2\t?0\t?1"),
        Key(1, "rw", "forward", 0, False, 0, 1, False, "", "R:c:Nat.add/2\tc:Nat.add/2\t?0\tn:0"),
    ]
    zero, var = [["n:0"]], [["v:a"]]
    sample = [(10 + i, [Site(site=0, name="conclusion", rw=[("R:c:Nat.add/2", [["c:Nat.add/2", var, second]])], apply=[])])
              for i, second in enumerate((zero, var, var, var))]
    found = measure(keys, sample, theorems=SUBJECTS, classes=Classes([]))
    assert found.share(0, "rw", False) == 1.0 and found.share(1, "rw", False) == 0.25 and found.share(1, "rw", True) == 0.0
    assert found.generic(0.5) == {(0, "rw", "forward")} and found.generic(None) == frozenset()
    small = measure(keys, sample, theorems=SUBJECTS - 1, classes=Classes([]))
    assert small.generic(0.5) == frozenset(), "a small library is about one subject"


@pytest.mark.parametrize(("reach", "rules"), [(Reach(), [0, 1]), (Reach(new_variables=False), [0])])
def test_lemmas_that_speak_of_more_are_tried_where_that_is_wanted(reach, rules):
    """`l.length = n` and `(l.zipIdx n).length = l.length`, backward."""
    length = "R:c:List.length/2\tc:List.length/2\t?0\t?1"
    keys = [Key(0, "rw", "forward", 0, False, 0, 2, False, "", length), Key(1, "rw", "backward", 0, True, 0, 2, False, "", length)]
    site = Site(site=0, name="conclusion", rw=[("R:c:List.length/2", [["c:List.length/2", "*", "*"]])], apply=[])
    lemmas = Lemmas(keys, kinds_within(["rw"], reach), range(2), rules=(), classes=Classes([]))
    assert [candidate.rule for candidate in lemmas.candidates(2, [site])] == rules


@pytest.mark.parametrize("name", sorted(set(PARTS)))
def test_each_part_of_the_policy_can_be_switched_off(name):
    assert policy_without([name]) != Policy()


def test_without_all_parts_nothing_is_left_out():
    assert policy_without(PARTS) == EVERYTHING


def test_a_rule_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"there is no rule 'tautologie'; choose among .*tautology"):
        policy_without(["tautologie"])
