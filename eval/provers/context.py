"""What a prover can use besides goal states: the library, and suggestions of theorems that may help."""

from collections.abc import Callable

import msgspec

from lean_alchemy.eval.benchmarks import Problem
from lean_alchemy.lean_workspace.portfolio import SuggestedTheorems
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.premises.suggestions import Adviser


class Context(msgspec.Struct, frozen=True):
    """workspace: returns an engine with the whole library; it is started at the first call."""

    workspace: Callable[[], Workspace]
    library: Catalogue
    seed: int


class ProblemAdviser:
    """Theorems that the index suggests for proving a theorem of the library."""

    def __init__(self, context: Context):
        self._numbers = context.library.numbers
        self._adviser = Adviser(context.library, context.workspace())

    def of(self, problem: Problem) -> SuggestedTheorems:
        """Empty suggestions for a problem that is no theorem of the library."""
        number = self._numbers.get(problem.name) if problem.statement is None else None
        return SuggestedTheorems() if number is None else self._adviser.suggest(number, set(problem.available or ()))
