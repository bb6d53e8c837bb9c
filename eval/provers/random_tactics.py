"""Random tactics as a baseline prover."""

import math
import random
from collections.abc import Sequence

from lean_alchemy.eval.prover import Query, ScoredTactic
from lean_alchemy.eval.provers.context import Context, ProblemAdviser


class Random:
    """Draws tactics at random: from a few without arguments, and from `rw` and `apply` with the lemmas that the index finds."""

    expansions = None
    _PLAIN = ("rfl", "simp", "simp_all", "omega", "assumption", "constructor", "intro h", "ext", "contradiction", "grind")

    def __init__(self, context: Context):
        self._seed, self._suggestions = context.seed, ProblemAdviser(context)
        self._tactics: dict[str, list[str]] = {}

    def propose(self, queries: Sequence[Query], count: int) -> list[list[ScoredTactic]]:
        return [self._drawn(query, count) for query in queries]

    def close(self) -> None:
        pass

    def _drawn(self, query: Query, count: int) -> list[ScoredTactic]:
        name = query.problem.name
        if name not in self._tactics:
            suggested = self._suggestions.of(query.problem)
            self._tactics[name] = [*self._PLAIN, *(f"rw [{rule}]" for rule in suggested.rewrites),
                                   *(f"apply {rule}" for rule in suggested.applies)]
        tactics = self._tactics[name]
        drawn = random.Random(f"{self._seed} {name} {query.state.text}").sample(tactics, min(count, len(tactics)))
        return [ScoredTactic(tactic, -math.log(len(tactics))) for tactic in drawn]
