"""The kinds of mutation: where each is tried, and what the paper's four leave out."""

import pytest

from lean_alchemy.mutation.kinds import APPLY, BY_NAME, KINDS, MAX_OCCURRENCES, REWRITE, THE_PAPER, Kind, Reach, Use, kinds_within

NOTHING = {"forward": False, "side_conditions": False, "occurrences": False, "new_variables": False}


def uses(kind: Kind) -> set[tuple[str, str]]:
    """(direction, site) of all its uses."""
    return {(use.direction, site) for use in kind.uses
            for site, there in (("conclusion", use.at_conclusion), ("hypothesis", use.at_hypothesis)) if there}


EVERYWHERE = {(direction, site) for direction in ("forward", "backward") for site in ("conclusion", "hypothesis")}


def test_the_papers_four_mutations():
    assert KINDS == (REWRITE, APPLY) and BY_NAME == {"rw": REWRITE, "apply": APPLY}
    assert uses(REWRITE) == EVERYWHERE and uses(APPLY) == {("backward", "hypothesis")}
    assert not REWRITE.side_conditions and APPLY.side_conditions, "antecedents are what `apply` is about"
    for kind in KINDS:
        assert not kind.new_variables and kind.occurrences == 1


def test_within_the_paper_there_are_the_papers_kinds():
    assert kinds_within(["rw", "apply"], THE_PAPER) == KINDS
    assert Reach(**NOTHING) == THE_PAPER


def test_all_extensions_are_on_where_nothing_is_said():
    rewrite, apply = kinds_within(["rw", "apply"], Reach())
    assert (rewrite.side_conditions, rewrite.new_variables, rewrite.occurrences) == (True, True, MAX_OCCURRENCES)
    assert MAX_OCCURRENCES == 8
    assert (apply.side_conditions, apply.new_variables, apply.occurrences) == (True, True, 1)
    assert uses(rewrite) == EVERYWHERE and uses(apply) == {("backward", "hypothesis"), ("forward", "conclusion")}


@pytest.mark.parametrize(("extension", "of_rewrite", "of_apply"), [
    ("forward", {}, {"uses": (*APPLY.uses, Use("forward", True, False))}),
    ("side_conditions", {"side_conditions": True}, {}),
    ("occurrences", {"occurrences": 8}, {}),
    ("new_variables", {"new_variables": True}, {"new_variables": True}),
])
def test_each_extension_by_itself(extension, of_rewrite, of_apply):
    rewrite, apply = kinds_within(["rw", "apply"], Reach(**{**NOTHING, extension: True}))
    assert changed(rewrite, REWRITE) == of_rewrite and changed(apply, APPLY) == of_apply


def changed(kind: Kind, before: Kind) -> dict:
    return {field: getattr(kind, field) for field in Kind.__struct_fields__ if getattr(kind, field) != getattr(before, field)}


@pytest.mark.parametrize(("names", "expected"), [
    (["rw"], ["rw"]), (["apply"], ["apply"]), (["apply", "rw"], ["rw", "apply"]), ([], []), (["simp"], [])])
def test_kinds_are_chosen_by_name(names, expected):
    assert [kind.name for kind in kinds_within(names, Reach())] == expected


@pytest.mark.parametrize(("value", "field"), [(REWRITE, "occurrences"), (APPLY.uses[0], "at_conclusion"), (THE_PAPER, "forward")])
def test_nobody_changes_a_kind_for_all_others(value, field):
    with pytest.raises(AttributeError):
        setattr(value, field, 5)


def test_extensions_are_named():
    """Four truth values in a row say nothing to a reader."""
    with pytest.raises(TypeError):
        Reach(True, False, True, False)
