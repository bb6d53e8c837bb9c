"""The fixed portfolio of tactics as a prover."""

from collections.abc import Sequence

from lean_alchemy.eval.prover import Query, ScoredTactic
from lean_alchemy.eval.provers.context import Context, ProblemAdviser
from lean_alchemy.lean_workspace.portfolio import PORTFOLIOS, scripts
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused


class Automation:
    """The portfolio of `lean_workspace/portfolio.py`, line by line in its order. It only expands the first state."""

    expansions = 1
    _PORTFOLIO = PORTFOLIOS["lemmas"]

    def __init__(self, context: Context):
        self._suggestions = ProblemAdviser(context)

    def propose(self, queries: Sequence[Query], count: int) -> list[list[ScoredTactic]]:
        """All scripts of the portfolio, more than `count` if need be: the portfolio is finite."""
        return [self._all(query) for query in queries]

    def close(self) -> None:
        pass

    def _all(self, query: Query) -> list[ScoredTactic]:
        try:
            hints = query.gym.hints(query.state)
        except (EngineDied, EngineRefused):
            return []
        suggested = self._suggestions.of(query.problem)
        tactics = dict.fromkeys(_as_one(script) for line in self._PORTFOLIO.lines for script in scripts(line, hints, suggested))
        return [ScoredTactic(tactic, -float(rank)) for rank, tactic in enumerate(tactics)]


def _as_one(script: Sequence[str]) -> str:
    return script[0] if len(script) == 1 else f"({'; '.join(script)})"
