"""What the index says may help to prove a theorem of the library."""

from collections.abc import Container

import msgspec

from lean_alchemy.lean_workspace.portfolio import Suggested
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.mutation.kinds import APPLY, REWRITE
from lean_alchemy.mutation.search.candidates import Lemmas
from lean_alchemy.mutation.search.premises import NamedTheorem, Premises
from lean_alchemy.pipelines.corpus.catalogue import Catalogue


class Adviser:
    """Holds the index; asks the engine of a workspace for the terms of a theorem."""

    def __init__(self, library: Catalogue, workspace: Workspace):
        self._workspace = workspace
        self._premises = premises_of(library)

    def suggest(self, number: int, available: Container[str]) -> Suggested:
        """For a theorem, by its number. available: theorems of its own module that may be used."""
        try:
            sites = self._workspace.target(number).shared_sites.expanded()
        except (EngineDied, EngineRefused):
            sites = []
        premises = self._premises
        rewrites, applies = premises.fitting(number, sites, available) if sites else ((), ())
        return Suggested(
            namesakes=premises.namesakes(number, available), injections=premises.injections(number, available),
            principles=premises.principles(number, available), rewrites=rewrites, applies=applies)


def premises_of(library: Catalogue) -> Premises:
    admitted = {number for number, entry in enumerate(library.theorems) if library.is_ordinary(entry)}
    index = Lemmas(library.keys(), (msgspec.structs.replace(REWRITE, side_conditions=True, new_variables=True),
                                    msgspec.structs.replace(APPLY, new_variables=True)), admitted, classes=library.classes())
    return Premises([NamedTheorem(entry.name, entry.module_index) for entry in library.theorems], admitted, index, library.generality())
