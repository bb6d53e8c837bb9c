"""Random tactics as a prover: a baseline."""

import math
import random
from collections.abc import Sequence

from lean_alchemy.eval.prover import Candidate, Query
from lean_alchemy.eval.provers.context import Context, Suggestions


class Random:
    """Tactics drawn at random: of a few that need nothing, and `rw` and `apply` with what the index finds for the theorem."""

    expansions = None
    _PLAIN = ("rfl", "simp", "simp_all", "omega", "assumption", "constructor", "intro h", "ext", "contradiction", "grind")

    def __init__(self, context: Context):
        self._seed, self._suggestions = context.seed, Suggestions(context)
        self._forms: dict[str, list[str]] = {}

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        return [self._drawn(query, count) for query in queries]

    def close(self) -> None:
        pass

    def _drawn(self, query: Query, count: int) -> list[Candidate]:
        name = query.problem.name
        if name not in self._forms:
            found = self._suggestions.of(query.problem)
            self._forms[name] = [*self._PLAIN, *(f"rw [{rule}]" for rule in found.rewrites), *(f"apply {rule}" for rule in found.applies)]
        forms = self._forms[name]
        drawn = random.Random(f"{self._seed} {name} {query.state.text}").sample(forms, min(count, len(forms)))
        return [Candidate(tactic, -math.log(len(forms))) for tactic in drawn]
