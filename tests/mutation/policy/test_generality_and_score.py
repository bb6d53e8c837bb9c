"""The parts of the policy that measure: generality and score."""

import math

import pytest
from lean_terms import X, Y, call
from places import ROOT

from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.kinds import Reach, kinds_within
from lean_alchemy.mutation.policy.generality import SUBJECTS, Generality, measure_generality
from lean_alchemy.mutation.policy.rules import NewStatement
from lean_alchemy.mutation.policy.score import WEIGHTS, company, score
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.mutation.terms import Statement

PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
RAREST, EVERYTHING = 1 / 2000, 1.0


def beside(conclusion, target=call("Nat.p", X)) -> NewStatement:
    return NewStatement(Statement((), (), conclusion), Statement((), (), target))


@pytest.mark.parametrize(("share", "expected"), [
    (RAREST, 1.0), (RAREST / 10, 1.0), (0, 1.0), (math.sqrt(RAREST), 0.825), (0.01, 0.8621), (0.03, 0.8115),
    (0.05, 0.7879), (EVERYTHING, 0.65)])
def test_a_rare_lemma_scores_higher_by_its_logarithm(share, expected):
    """`q x` in place of `p x`: as different, brief and at home as can be. 0.35 of the score is left."""
    assert score(beside(call("Nat.q", X)), share) == expected


@pytest.mark.parametrize(("words", "conclusion", "target", "expected"), [
    ("nothing in common", call("Nat.q", X), call("Nat.p", X), 0.35),
    ("one of two in common", call("Nat.p", call("Nat.q", X)), call("Nat.p", call("Nat.p", X)), 0.175),
    ("one of three in common", call("Nat.q", call("Nat.f", X)), call("Nat.p", call("Nat.f", X)), 0.2333),
    ("one is gone", call("Nat.p", X), call("Nat.p", call("Nat.f", X)), 0.175),
    ("the same constants", call("Nat.p", X), call("Nat.p", Y), 0.0),
    ("no constants", X, Y, 0.0),
    ("another instance, which a reader does not see", call("Nat.p", call("Nat.instA")), call("Nat.p", call("Nat.instB")), 0.0),
])
def test_what_differs_in_more_constants_scores_higher(words, conclusion, target, expected):
    assert score(beside(conclusion, target), EVERYTHING) == pytest.approx(0.3 + expected, abs=5e-5), words


@pytest.mark.parametrize(("arguments", "expected"), [(1, 0.2), (3, 0.1), (7, 0.05)])
def test_what_grows_scores_lower(arguments, expected):
    """`q x …` in place of `p x`."""
    assert score(beside(call("Nat.q", *[X] * arguments)), EVERYTHING) == pytest.approx(0.45 + expected)


def test_to_be_shorter_than_the_target_is_worth_no_more_than_to_be_as_long():
    assert score(beside(call("Nat.q", X), call("Nat.p", X, X, X)), EVERYTHING) == score(beside(call("Nat.q", X)), EVERYTHING)


@pytest.mark.parametrize(("words", "conclusion", "target", "expected"), [
    ("Nat is at home everywhere", call("Nat.gcd", X), call("List.f", X), 1.0), ("= is as well", call("Eq", X), call("List.f", X), 1.0),
    ("ByteArray in a theorem about lists", call("ByteArray.f", X), call("List.f", X), 0.0),
    ("lists in a theorem about lists", call("List.g", X), call("List.f", X), 1.0),
    ("one of two", call("List.g", call("ByteArray.f", X)), call("List.f", X), 0.5),
    ("one of two, the other already there", call("List.f", call("ByteArray.f", X)), call("List.f", X), 0.0),
    ("one of three", call("List.g", call("ByteArray.f", call("Rat.f", X))), call("List.f", X), 1 / 3),
    ("two of one subject count once", call("List.g", call("ByteArray.f", call("ByteArray.g", X))), call("List.f", X), 0.5),
    ("nothing new", call("List.f", Y), call("List.f", X), 1.0),
    ("an instance", call("List.f", call("ByteArray.instA")), call("List.f", X), 1.0),
])
def test_company_is_the_share_of_new_subjects_that_the_target_has(words, conclusion, target, expected):
    assert company(beside(conclusion, target)) == expected, words


def test_what_stays_in_its_subject_scores_higher():
    at_home, strange = (score(beside(call(f"{root}.q", X), call("List.p", X)), EVERYTHING) for root in ("List", "ByteArray"))
    assert at_home - strange == pytest.approx(0.1)


def test_the_page_of_the_policy_has_the_weights_and_the_size_of_a_library():
    assert [part for part, weight in WEIGHTS.items() if f"{weight} {part}" not in PAGE] == []
    assert f"fewer than {SUBJECTS:,} theorems" in PAGE


def test_generality_is_the_share_of_targets_that_a_pattern_fits():
    keys = [
        Key(0, "rw", "forward", 0, False, 0, 2, False, "", "R:c:Nat.add/2\tc:Nat.add/2\t?0\t?1"),
        Key(1, "rw", "forward", 0, False, 0, 1, False, "", "R:c:Nat.add/2\tc:Nat.add/2\t?0\tn:0"),
    ]
    zero, var = [["n:0"]], [["v:a"]]
    sample = [(10 + i, [Site(site=0, name="conclusion", rw=[("R:c:Nat.add/2", [["c:Nat.add/2", var, second]])], apply=[])])
              for i, second in enumerate((zero, var, var, var))]
    found = measure_generality(keys, sample, theorems=SUBJECTS, classes=Classes([]))
    assert found.share(0, "rw", False) == 1.0 and found.share(1, "rw", False) == 0.25 and found.share(1, "rw", True) == 0.0
    assert found.generic(0.5) == {(0, "rw", "forward")} and found.generic(None) == frozenset()
    small = measure_generality(keys, sample, theorems=SUBJECTS - 1, classes=Classes([]))
    assert small.generic(0.5) == frozenset(), "a small library is about one subject"


@pytest.mark.parametrize(("reach", "rules"), [(Reach(), [0, 1]), (Reach(new_variables=False), [0])])
def test_lemmas_that_speak_of_more_are_tried_where_that_is_wanted(reach, rules):
    """`l.length = n` and `(l.zipIdx n).length = l.length`, backward."""
    length = "R:c:List.length/2\tc:List.length/2\t?0\t?1"
    keys = [Key(0, "rw", "forward", 0, False, 0, 2, False, "", length), Key(1, "rw", "backward", 0, True, 0, 2, False, "", length)]
    site = Site(site=0, name="conclusion", rw=[("R:c:List.length/2", [["c:List.length/2", "*", "*"]])], apply=[])
    lemmas = Lemmas(keys, kinds_within(["rw"], reach), range(2), rules=(), classes=Classes([]))
    assert [candidate.lemma for candidate in lemmas.candidates(2, [site])] == rules


def test_a_use_is_as_general_as_the_targets_that_it_fits_at_some_site():
    """`p → q`, used at hypotheses, and `f a = b`, used backward; a target is counted once however many sites they fit."""
    keys = [Key(0, "apply", "backward", 0, False, 0, 1, False, "", "c:P/1\t?0"),
            Key(1, "rw", "backward", 0, False, 0, 1, False, "", "R:c:f/1\tc:f/1\t?0")]
    term = [["c:P/1", "*"]], [("R:c:f/1", [["c:f/1", "*"]])]
    fits = [Site(site=i, name=f"h{i}", rw=term[1], apply=term[0]) for i in (1, 2)]
    found = measure_generality(keys, [(10, fits), (11, []), (12, []), (13, fits[:1])], theorems=SUBJECTS, classes=Classes([]))
    assert found.shares == {(0, "apply", "backward"): 0.5, (1, "rw", "backward"): 0.5}
    assert found.share(0, "apply", True) == found.share(1, "rw", True) == 0.5 and found.share(1, "rw", False) == 0.0


def test_only_more_than_the_limit_is_too_general():
    found = Generality({(0, "rw", "forward"): 0.25, (1, "rw", "forward"): 0.26, (2, "rw", "forward"): 0.01}, 2 * SUBJECTS)
    assert found.generic(0.25) == {(1, "rw", "forward")} and len(found.generic(0.0)) == 3
