"""Which lemmas are tried on a target, and how: the index over made-up keys, asked about made-up sites."""

import msgspec
import pytest

from lean_alchemy.lean_workspace.protocol import Candidate, Site
from lean_alchemy.mutation.kinds import APPLY, THE_PAPER, Reach, kinds_within
from lean_alchemy.mutation.policy.patterns import Pattern, PatternRule
from lean_alchemy.mutation.search.candidates import Key, Lemmas, id_of, variant_id, variant_name
from lean_alchemy.mutation.search.classes import Classes

TARGET = 1000
X, Y = [["v:x"]], [["v:y"]]
SUM, LESS = [["c:add/2", X, Y]], [["c:lt/2", X, Y]]
ADD, LT = "R:c:add/2 c:add/2 ?0 ?1", "c:lt/2 ?0 ?1"


def key(rule, kind, direction, tokens, occurrence=0, data=False, propositions=0, variables=2, dependent=False, needs=""):
    """The number is read from a file, as always: equal numbers are two objects."""
    return Key(int(str(rule)), kind, direction, occurrence, data, propositions, variables, dependent, needs, tokens.replace(" ", "\t"))


def site(number=0, rw=(), apply=(), instances=()):
    return Site(site=number, name=f"h{number}" if number else "conclusion", rw=list(rw), apply=list(apply), instances=list(instances))


def lemmas(*keys, reach=THE_PAPER, kinds=("rw", "apply"), admitted=range(TARGET), rules=(), classes=(), **more) -> Lemmas:
    return Lemmas(keys, kinds_within(kinds, reach), admitted, rules, classes=Classes(classes), **more)


ONE_SUM = [("R:c:add/2", SUM)]
TWO_SITES = [site(0, ONE_SUM, LESS), site(2, ONE_SUM, LESS)]

REWRITES = [Candidate(place, "rw", 1, backward, 0) for place in (0, 2) for backward in (False, True)]


@pytest.mark.parametrize(("one", "reach", "found"), [
    pytest.param(key(1, "rw", "forward", ADD), THE_PAPER, [REWRITES[0], REWRITES[2]], id="rw forward, everywhere"),
    pytest.param(key(1, "rw", "backward", ADD), THE_PAPER, [REWRITES[1], REWRITES[3]], id="rw backward, everywhere"),
    pytest.param(key(1, "apply", "backward", LT), THE_PAPER, [Candidate(2, "apply", 1, True, 0)], id="apply backward, at a hypothesis"),
    pytest.param(key(1, "apply", "forward", LT, 3), THE_PAPER, [], id="apply forward is no mutation of the paper"),
    pytest.param(key(1, "apply", "forward", LT, 3), Reach(), [Candidate(0, "apply", 1, False, 3)], id="apply forward, at the conclusion"),
    pytest.param(key(1, "rw", "forward", "R:c:mul/2 c:mul/2 ?0 ?1"), Reach(), [], id="another function"),
    pytest.param(key(1, "apply", "backward", "c:le/2 ?0 ?1"), Reach(), [], id="another relation"),
    pytest.param(key(1, "apply", "backward", "?0"), Reach(), [Candidate(2, "apply", 1, True, 0)], id="a bare variable fits everything"),
    pytest.param(key(1, "apply", "forward", "?0", 2), Reach(), [Candidate(0, "apply", 1, False, 2)], id="and at its antecedent"),
])
def test_where_a_lemma_is_tried(one, reach, found):
    assert lemmas(one, reach=reach).candidates(TARGET, TWO_SITES) == found


@pytest.mark.parametrize(("kind", "tokens"), [("rw", ADD), ("apply", LT), ("apply", "?0")])
def test_a_target_is_never_its_own_lemma(kind, tokens):
    index = lemmas(*(key(n, kind, "backward", tokens) for n in (1, TARGET, 2000)), admitted={1, TARGET, 2000})
    assert [c.lemma for c in index.candidates(TARGET, TWO_SITES[1:])] == [1, 2000]


@pytest.mark.parametrize(("one", "without", "reach"), [
    pytest.param(key(1, "rw", "forward", ADD, data=True), THE_PAPER, Reach(), id="it leaves variables undetermined"),
    pytest.param(key(1, "rw", "forward", ADD, propositions=1), THE_PAPER, Reach(), id="rw with a side condition"),
    pytest.param(key(1, "rw", "forward", ADD, data=True, propositions=1), Reach(new_variables=False), Reach(), id="both, one of them on"),
    pytest.param(key(1, "rw", "forward", ADD, data=True, propositions=1), Reach(side_conditions=False), Reach(), id="or the other"),
    pytest.param(key(1, "apply", "backward", LT, data=True), THE_PAPER, Reach(), id="apply with a variable more"),
])
def test_what_an_extension_adds(one, without, reach):
    assert lemmas(one, reach=without).candidates(TARGET, TWO_SITES) == []
    assert lemmas(one, reach=reach).candidates(TARGET, TWO_SITES) != []


def test_apply_may_always_leave_antecedents_open():
    assert lemmas(key(1, "apply", "backward", LT, propositions=2)).candidates(TARGET, TWO_SITES) == [Candidate(2, "apply", 1, True, 0)]


@pytest.mark.parametrize(("terms", "reach", "occurrences"), [
    (1, Reach(), [0]), (2, Reach(), [0, 2]), (3, Reach(), [0, 2, 3]), (8, Reach(), [0, *range(2, 9)]), (9, Reach(), [0, *range(2, 9)]),
    (3, Reach(occurrences=False), [0])])
def test_rw_is_tried_at_each_instance_up_to_eight(terms, reach, occurrences):
    index = lemmas(key(1, "rw", "forward", ADD), reach=reach)
    assert [c.occurrence for c in index.candidates(TARGET, [site(0, ONE_SUM * terms)])] == occurrences
    assert index.candidates(1, [site(0, ONE_SUM * terms)]) == []


def test_candidates_stand_in_one_order_whatever_that_of_keys_and_sites():
    keys = [key(1, "apply", "backward", LT), key(1, "apply", "backward", "c:lt/2 ?0 ?0"), key(2, "rw", "forward", ADD),
            key(2, "rw", "backward", ADD), key(3, "apply", "forward", LT, 2), key(3, "apply", "forward", LT, 1),
            key(4, "rw", "forward", ADD)]
    again = [*reversed(keys)]
    found = [lemmas(*order, reach=Reach()).candidates(TARGET, sites) for order in (keys, again) for sites in (TWO_SITES, TWO_SITES[::-1])]
    assert found == [[
        Candidate(0, "apply", 3, False, 1), Candidate(0, "apply", 3, False, 2),
        Candidate(0, "rw", 2, False, 0), Candidate(0, "rw", 2, True, 0), Candidate(0, "rw", 4, False, 0),
        Candidate(2, "apply", 1, True, 0),
        Candidate(2, "rw", 2, False, 0), Candidate(2, "rw", 2, True, 0), Candidate(2, "rw", 4, False, 0)]] * 4


def test_what_is_left_out():
    keys = [key(n, "rw", direction, ADD) for n in (1, 2, 3) for direction in ("forward", "backward")]
    index = lemmas(*keys, admitted={1, 3}, generic={(3, "rw", "backward"), (1, "apply", "forward")})
    assert [(c.lemma, c.backward) for c in index.candidates(TARGET, TWO_SITES[:1])] == [(1, False), (1, True), (3, False)]
    only = lemmas(*keys, key(4, "apply", "backward", LT), kinds=["apply"])
    assert [c.lemma for c in only.candidates(TARGET, TWO_SITES)] == [4], "a kind that is not asked for"


def test_a_pattern_that_is_left_out_leaves_the_others_of_its_lemma():
    keys = [key(1, "apply", "forward", LT), key(1, "rw", "forward", ADD, data=True), key(1, "rw", "backward", ADD)]
    assert [c.backward for c in lemmas(*keys).candidates(TARGET, TWO_SITES[:1])] == [True]


def test_rules_see_a_pattern_with_the_other_side_of_its_equation():
    seen: list[Pattern] = []

    def objects(pattern: Pattern) -> bool:
        seen.append(pattern)
        return pattern.direction == "backward" and pattern.kind == "rw"

    keys = [key(1, "rw", "forward", ADD, variables=2), key(1, "rw", "backward", "R:c:neg/1 c:neg/1 ?0", data=True, variables=1),
            key(1, "apply", "backward", LT, dependent=True, variables=3), key(2, "rw", "forward", ADD), key(2, "apply", "backward", LT)]
    never = PatternRule("never", "", "", lambda pattern: False)
    index = lemmas(*keys, reach=Reach(), rules=[never, PatternRule("backward", "", "", objects)])
    there, back = ADD.split(), ["R:c:neg/1", "c:neg/1", "?0"]
    assert seen == [
        Pattern("rw", "forward", 2, there, back, False, False), Pattern("rw", "backward", 1, back, there, False, True),
        Pattern("apply", "backward", 3, LT.split(), None, True, False),
        Pattern("rw", "forward", 2, there, None, False, False), Pattern("apply", "backward", 2, LT.split(), None, False, False)]
    negated = site(1, [*ONE_SUM, ("R:c:neg/1", [["c:neg/1", X]])], LESS)
    assert [(c.kind, c.lemma, c.backward) for c in index.candidates(TARGET, [negated])] == [
        ("apply", 1, True), ("apply", 2, True), ("rw", 1, False), ("rw", 2, False)]


def test_the_rules_of_the_policy_count_where_none_are_named():
    bare = key(1, "apply", "backward", "?0")
    assert Lemmas([bare], [APPLY], {1}, classes=Classes([])).candidates(TARGET, TWO_SITES) == []


@pytest.mark.parametrize(("instances", "own", "found"), [
    ([], [], False), ([["Ring", "c:Int"]], [], False), ([["Ring", "c:Nat"]], [], True), ([], [["Ring", "c:Nat"]], True)])
def test_a_lemma_needs_the_instances_of_its_class(instances, own, found):
    """Those of the library, and those of the target."""
    nat = [["c:Nat/0"]]
    sites = [site(n, [("R:c:add/2", [["c:add/2", nat, Y]])], [["c:lt/2", nat, Y]], own) for n in (0, 1)]
    index = lemmas(key(1, "rw", "forward", ADD, needs="Ring 0 ?0"), key(2, "apply", "backward", LT, needs="Ring 0 ?0"), classes=instances)
    assert {c.lemma for c in index.candidates(TARGET, sites)} == ({1, 2} if found else set())
    assert index.at_conclusion(TARGET, sites) == (({(1, False)}, {2}) if found else (set(), set()))


def test_what_may_help_to_prove_a_target():
    """`rw` in both directions at its conclusion, and lemmas with its conclusion; of its hypotheses nothing."""
    keys = [key(n, "rw", "forward", ADD) for n in (1, TARGET)] + [key(n, "rw", "backward", ADD) for n in (1, TARGET, 2000)]
    keys += [key(n, "apply", "backward", LT) for n in (3, TARGET, 3000)] + [key(4, "apply", "backward", "c:le/2 ?0 ?1")]
    keys += [key(5, "rw", "forward", ADD), key(6, "rw", "forward", "R:c:neg/1 c:neg/1 ?0"), key(7, "apply", "forward", LT, 1)]
    index = lemmas(*sorted(keys, key=lambda key: key.lemma), reach=Reach(), admitted={1, 3, 4, 6, 7, TARGET, 2000, 3000})
    sites = [site(0, ONE_SUM, LESS), site(1, [("R:c:neg/1", [["c:neg/1", X]])], [["c:le/2", X, Y]])]
    assert index.at_conclusion(TARGET, sites) == ({(1, False), (1, True), (2000, True)}, {3, 3000})


def test_an_id_is_16_hexadecimal_digits_and_names_its_whole_provenance():
    used = Candidate(1, "rw", 7, False, 0)
    others = [msgspec.structs.replace(used, kind="apply"), msgspec.structs.replace(used, backward=True),
              msgspec.structs.replace(used, occurrence=2)]
    ids = [variant_id("Nat.add_comm", "Nat.mul_comm", used, "h"), variant_id("Nat.add", "_commNat.mul_comm", used, "h"),
           variant_id("Nat.add_comm", "Nat.mul_comm", used, "k"), *(variant_id("Nat.add_comm", "Nat.mul_comm", c, "h") for c in others)]
    assert len(set(ids)) == 6 and all(len(digits) == 16 and set(digits) <= set("0123456789abcdef") for digits in ids)
    renumbered = Candidate(5, "rw", 8, False, 0)
    assert variant_id("Nat.add_comm", "Nat.mul_comm", renumbered, "h") == ids[0], "numbers change with the library, names do not"
    assert id_of("a", "b") != id_of("ab") != id_of("a", "", "b")
    assert variant_name(ids[0]) == f"variant_{ids[0]}"


def test_a_row_of_the_engine_is_a_key():
    row = [3, "apply", "forward", 2, True, 1, 4, True, "Ring 0 ?0", "c:lt/2\t?0\t?1"]
    assert msgspec.convert(row, Key) == Key(*row) and len({Key(*row), Key(*row)}) == 1
