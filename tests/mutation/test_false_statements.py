"""What is changed to make a statement false, and which false statements are kept."""

import pytest

from lean_alchemy.lean_workspace.protocol import Change, ChangePlace, Site
from lean_alchemy.mutation.false_statements import (
    FALSE_RULES,
    WRONG_WAY_RULES,
    WrongWay,
    refuted_id,
    refuted_name,
    word_of,
)
from lean_alchemy.mutation.policy.patterns import Pattern, PatternRule
from lean_alchemy.mutation.policy.rules import NewStatement, first_objection
from lean_alchemy.mutation.search.candidates import Key
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.mutation.terms import Statement


@pytest.mark.parametrize(("kind", "site", "word", "direction"), [
    ("apply", 0, "stronger conclusion", "backward"), ("apply", 1, "weaker hypothesis", "forward"),
    ("apply", 3, "weaker hypothesis", "forward"),
    ("drop", 1, "dropped hypothesis", None), ("numeral", 0, "larger numeral", None), ("exchange", 0, "exchanged variables", None)])
def test_what_a_change_is_called(kind, site, word, direction):
    called = word_of(Change(kind, site, None, 0, "v"))
    assert (called.word, called.direction) == (word, direction)


# --- lemmas the wrong way round -------------------------------------------------------------------

TARGET = 1000
X, Y = [["v:x"]], [["v:y"]]
LESS, BELOW = "c:lt/2 ?0 ?1", [["c:lt/2", X, Y]]
SITES = [Site(site=n, name="", rw=[], apply=BELOW) for n in (2, 0)]


def key(rule, direction, tokens=LESS, occurrence=0, data=False, propositions=None, kind="apply", dependent=False, needs=""):
    """propositions: as many antecedents stay open as a lemma `P → Q` has. The number is read from a file: equal ones are two objects."""
    propositions = (1 if direction == "backward" else 0) if propositions is None else propositions
    return Key(int(str(rule)), kind, direction, occurrence, data, propositions, 2, dependent, needs, tokens.replace(" ", "\t"))


def places(*keys, rules=(), admitted=range(TARGET), classes=(), sites=SITES):
    return WrongWay(keys, set(admitted), rules, classes=Classes(classes)).places(TARGET, sites)


@pytest.mark.parametrize(("one", "found"), [
    pytest.param(key(1, "backward"), [(0, 1, 0)], id="a conclusion Q becomes P"),
    pytest.param(key(1, "forward", occurrence=2), [(2, 1, 2)], id="a hypothesis P becomes Q"),
    pytest.param(key(1, "backward", occurrence=2), [(0, 1, 0)], id="a conclusion is no antecedent of the lemma"),
    pytest.param(key(1, "backward", propositions=0), [], id="no antecedent to become the conclusion"),
    pytest.param(key(1, "backward", propositions=2), [(0, 1, 0)], id="two antecedents"),
    pytest.param(key(1, "backward", propositions=3), [], id="three do not look like the target"),
    pytest.param(key(1, "forward", propositions=1), [], id="a hypothesis that the target need not have"),
    pytest.param(key(1, "backward", data=True), [], id="a variable that the target does not determine"),
    pytest.param(key(1, "forward", data=True), [], id="the same for a hypothesis"),
    pytest.param(key(1, "forward", kind="rw"), [], id="rw does not weaken"),
    pytest.param(key(1, "backward", kind="rw"), [], id="nor strengthen"),
    pytest.param(key(1, "backward", "c:le/2 ?0 ?1"), [], id="another relation"),
])
def test_where_a_lemma_is_used_the_wrong_way_round(one, found):
    assert places(one) == found


@pytest.mark.parametrize(("direction", "site"), [("backward", 0), ("forward", 2)])
def test_a_target_is_never_its_own_lemma(direction, site):
    numbers = (1, TARGET, 2000)
    assert places(*(key(n, direction) for n in numbers), admitted=numbers) == [(site, 1, 0), (site, 2000, 0)]


def test_places_stand_in_one_order_and_once():
    keys = [key(2, "forward", occurrence=1), key(1, "forward", occurrence=2), key(1, "forward", "c:lt/2 ?0 *", 2),
            key(1, "forward", occurrence=1), key(3, "backward"), key(4, "backward")]
    assert places(*keys, admitted={1, 2, 3}) == [(0, 3, 0), (2, 1, 1), (2, 1, 2), (2, 2, 1)]
    assert places(*keys, sites=[]) == []


def test_what_is_left_out_leaves_the_rest():
    keys = [key(1, "forward", kind="rw"), key(2, "backward", "?0"), key(3, "backward", data=True), key(4, "backward")]
    rules = [PatternRule("bare", "", "", lambda pattern: pattern.tokens[0] == "?0")]
    assert places(*keys, rules=rules, admitted={1, 2, 3, 4}) == [(0, 4, 0)]


@pytest.mark.parametrize(("instances", "found"), [([["Ring", "c:Int"]], []), ([["Ring", "c:Nat"]], [(0, 1, 0), (2, 2, 0)])])
def test_a_lemma_needs_the_instances_of_its_class(instances, found):
    sites = [Site(site=n, name="", rw=[], apply=[["c:lt/2", [["c:Nat/0"]], Y]]) for n in (0, 2)]
    keys = [key(1, "backward", needs="Ring 0 ?0"), key(2, "forward", needs="Ring 0 ?0")]
    assert places(*keys, classes=instances, sites=sites) == found


def test_rules_see_the_pattern():
    seen: list[Pattern] = []
    rules = [PatternRule("dependent", "", "", lambda p: p.dependent), PatternRule("all seen", "", "", lambda p: bool(seen.append(p)))]
    assert places(key(1, "backward"), key(2, "forward", dependent=True), rules=rules) == [(0, 1, 0)]
    assert seen == [Pattern("apply", "backward", 2, LESS.split())]


@pytest.mark.parametrize(("tokens", "direction", "objected"), [
    pytest.param("c:Eq/3 c:Nat/0 ?0 ?1", "backward", "any equation", id="every equation of a type"),
    pytest.param("c:Eq/3 c:Nat/0 * ?1", "backward", "any equation", id="with a wildcard"),
    pytest.param("c:HEq/4 c:Nat/0 ?0 c:Int/0 ?1", "backward", "any equation", id="every heterogeneous equation"),
    pytest.param("c:HEq/4 c:List/1 ?0 ?1 ?2 n:1", "backward", None, id="a side of a heterogeneous equation"),
    pytest.param("c:Eq/3 c:Nat/0 c:HSub.hSub/6 c:Nat/0 c:Nat/0 c:Nat/0 * ?0 ?1 ?2", "backward", None, id="a difference on the left"),
    pytest.param("c:Eq/3 c:Nat/0 ?0 c:Nat.pair/2 ?1 ?2", "backward", None, id="a function on the right"),
    pytest.param("c:Eq/3 c:Prod/2 ?2 ?3 ?0 ?1", "backward", "any equation", id="every equation of pairs"),
    pytest.param("c:Eq/3 c:Nat/0 ?0 ?1", "forward", None, id="every equation as a hypothesis"),
    pytest.param("c:Eq/3 c:Nat/0 n:1 ?1", "backward", None, id="a left side"),
    pytest.param("c:Eq/3 c:Nat/0 ?1 n:1", "backward", None, id="a right side"),
    pytest.param("c:LE.le/4 c:Nat/0 c:inst/0 ?0 ?1", "backward", None, id="every inequality"),
    pytest.param("c:Eq/3 ?2 ?0 ?1", "forward", "bare relation", id="a rule of the policy"),
])
def test_which_patterns_are_left_out(tokens, direction, objected):
    pattern = Pattern("apply", direction, 2, tokens.split())
    assert next((rule.name for rule in WRONG_WAY_RULES if rule.objects(pattern)), None) == objected


def test_without_a_word_the_rules_count():
    every_equation = key(1, "backward", "c:Eq/3 c:Nat/0 ?0 ?1")
    sites = [Site(site=0, name="", rw=[], apply=[["c:Eq/3", [["c:Nat/0"]], X, Y]])]
    assert WrongWay([every_equation], {1}, classes=Classes([])).places(TARGET, sites) == []
    assert places(every_equation, sites=sites) == [(0, 1, 0)]


# --- what is kept ---------------------------------------------------------------------------------

NAT, A = ("c", "Nat"), ("#", 0)


def call(name, *arguments):
    return ("@", ("c", name), *arguments)


@pytest.mark.parametrize(("binders", "hypotheses", "conclusion", "objected"), [
    pytest.param((NAT,), (), call("LE.le", NAT, ("c", "instLENat"), A, A), None, id="a relation, and its instance"),
    pytest.param((NAT,), (), call("p", A), None, id="what the target speaks of"),
    pytest.param((NAT,), (), call("HMod.hMod", A, A), "speaks of something else", id="a function of its own"),
    pytest.param((NAT,), (call("HMod.hMod", A, A),), call("p", A), "speaks of something else", id="in a hypothesis"),
    pytest.param((), (), call("p", ("n", 1)), "closed", id="no variable"),
    pytest.param((), (call("p", ("n", 2)),), call("p", ("n", 1)), None, id="a hypothesis alone"),
    pytest.param((NAT,), (), call("p", ("n", 1)), None, id="a variable alone"),
])
def test_which_false_statements_are_kept(binders, hypotheses, conclusion, objected):
    new = NewStatement(Statement(binders, hypotheses, conclusion), Statement((NAT,), (), call("p", A)))
    rule = first_objection(new, FALSE_RULES)
    assert (rule.name if rule else None) == objected


def test_an_id_names_the_whole_provenance():
    place = ChangePlace("apply", 1, 1)
    ids = [refuted_id("T", place, "h", "L"), refuted_id("U", place, "h", "L"), refuted_id("T", place, "k", "L"),
           refuted_id("T", place, "h", "M"), refuted_id("T", place, "h", None), refuted_id("T", ChangePlace("apply", 1, 2), "h", "L"),
           refuted_id("T", ChangePlace("drop", 1, 1), "h", "L")]
    assert len(set(ids)) == 7 and all(len(digits) == 16 for digits in ids)
    assert refuted_id("T", ChangePlace("apply", 5, 1), "h", "L") == ids[0], "a site is known by its name"
    assert refuted_name(ids[0]) == f"refuted_{ids[0]}"
