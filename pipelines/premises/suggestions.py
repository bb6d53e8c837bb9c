"""Suggestions of the index: theorems that may help to prove a theorem of the library."""

from collections.abc import Container

import msgspec

from lean_alchemy.lean_workspace.portfolio import SuggestedTheorems
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.mutation.kinds import APPLY, REWRITE
from lean_alchemy.mutation.search.candidates import Lemmas
from lean_alchemy.mutation.search.premises import NamedTheorem, Premises
from lean_alchemy.pipelines.corpus.catalogue import Catalogue


class Adviser:
    """Holds the index of a library, and an engine that computes the forms of a theorem's terms."""

    def __init__(self, library: Catalogue, workspace: Workspace):
        self._workspace = workspace
        self._premises = premises_of(library)

    def suggest(self, number: int, available: Container[str]) -> SuggestedTheorems:
        """The suggestions for a theorem, by its number. available: the theorems of its own module that its proof may use, by name."""
        try:
            sites = self._workspace.sites(number).expanded()
        except (EngineDied, EngineRefused):
            sites = []
        premises = self._premises
        rewrites, applies = premises.fitting(number, sites, available) if sites else ((), ())
        return SuggestedTheorems(
            namesakes=premises.namesakes(number, available), injections=premises.injections(number, available),
            principles=premises.principles(number, available), rewrites=rewrites, applies=applies)


def premises_of(library: Catalogue) -> Premises:
    """The premise finder of a library, with side conditions and new variables allowed: a proof can deal with both."""
    admitted = {number for number, entry in enumerate(library.theorems) if library.is_ordinary(entry)}
    index = Lemmas(library.keys(), (msgspec.structs.replace(REWRITE, side_conditions=True, new_variables=True),
                                    msgspec.structs.replace(APPLY, new_variables=True)), admitted, classes=library.classes())
    return Premises([NamedTheorem(entry.name, entry.module_index) for entry in library.theorems], admitted, index, library.generality())
