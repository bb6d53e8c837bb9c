"""What the index suggests for theorems of a small library, tried in the engine."""

from collections.abc import Iterator

import pytest
from commands import LIBRARY

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.premises.suggestions import Adviser

TARGET = "Nat.succ_succ_ne_one"


@pytest.fixture(scope="module")
def catalogue(corpus) -> Catalogue:
    (folder,) = (corpus[0] / ".work" / "extract").iterdir()
    return Catalogue(folder, [LIBRARY])


@pytest.fixture(scope="module")
def workspace(lean) -> Iterator[Workspace]:
    with Workspace(install.launch, Library((LIBRARY,))) as opened:
        yield opened


def runs(workspace: Workspace, statement: str, tactic: str) -> bool:
    """Does the tactic run without an error as the first one of a proof?"""
    refused = workspace.check(f"theorem tried {statement} := by\n  {tactic}\n  all_goals sorry").refused
    return refused is not None and refused.stage == "sorry"


def test_suggestions_run_on_the_theorem(catalogue, workspace):
    """Not all of them: the index compares shapes, and Lean has to unify the terms."""
    number = catalogue.numbers[TARGET]
    statement = catalogue.theorems[number].statement
    suggested = Adviser(catalogue, workspace).suggest(number, ())
    tactics = [f"rw [{term}]" for term in suggested.rewrites] + [f"apply {name}" for name in suggested.applies]
    succeeding = {tactic for tactic in tactics if runs(workspace, statement, tactic)}
    assert {"rw [ne_comm]", "rw [← bne_iff_ne]", "apply Ne.symm", "apply Nat.ne_of_beq_eq_false"} <= succeeding
    assert 2 * len(succeeding) >= len(tactics)


def test_a_theorem_of_its_own_module_is_suggested_if_its_proof_may_use_it(catalogue, workspace):
    number, adviser = catalogue.numbers["Nat.add_one_pos"], Adviser(catalogue, workspace)
    own = {entry.name for entry in catalogue.theorems if entry.module == catalogue.theorems[number].module}

    def suggested(available):
        found = adviser.suggest(number, available)
        return {term.removeprefix("← ") for term in (*found.rewrites, *found.applies)}

    assert suggested(()) and not suggested(()) & own
    assert "Nat.le_add_left" in suggested(own) and suggested(own) - suggested(()) <= own - {"Nat.add_one_pos"}


def test_only_theorems_that_the_policy_admits_are_suggested(catalogue, workspace):
    found = Adviser(catalogue, workspace).suggest(catalogue.numbers[TARGET], ())
    names = {term.removeprefix("← ") for term in (*found.rewrites, *found.applies)}
    assert names and all(catalogue.is_ordinary(catalogue.theorems[catalogue.numbers[name]]) for name in names)


def test_a_theorem_that_lean_cannot_prepare_has_its_namesakes(catalogue):
    class Refusing:
        def sites(self, number):
            raise EngineRefused("it has no statement")

    namesakes = [entry.name for entry in catalogue.theorems if entry.name.endswith(".add_comm")]
    number = catalogue.numbers[namesakes[-1]]
    found = Adviser(catalogue, Refusing()).suggest(number, ())
    assert not found.rewrites and not found.applies
    assert set(found.namesakes) <= set(namesakes) - {catalogue.theorems[number].name}
