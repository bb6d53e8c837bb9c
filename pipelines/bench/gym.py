"""`bench gym`: steps per second of one engine, including the printing of states, and whether its memory grows.

An episode starts from a random theorem of the library and tries a fixed list of tactics on its first state and on the first few states
after it. The tactics are not chosen to succeed: most steps of a prover fail, so failing must be cheap.
"""

import time
from collections import Counter
from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.gym import Advanced, Gym, GymStatement, NotOpened, Outcome, Proved
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import Report

MIX = ("intro h", "rw [Nat.add_comm]", "rw [List.length_append]", "simp", "exact rfl", "exact Nat.le_refl _", "assumption", "omega")
STATES = 3
"""The maximal number of states per episode."""


class TacticTotals(msgspec.Struct):
    """Sums for one tactic over all states. seconds: in all; lean_s: in Lean. outcomes: `advanced`, `proved`, `refused`."""

    seconds: float = 0.0
    lean_s: float = 0.0
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def count(self) -> int:
        return sum(self.outcomes.values())


class GymRun(msgspec.Struct, frozen=True):
    """steps: by tactic. not_opened: number of theorems whose statement does not read back. memory_gb: after a tenth of the episodes and at
    the end. engines: how many were used."""

    episodes: int
    not_opened: int
    steps: dict[str, TacticTotals]
    memory_gb: tuple[float, float]
    engines: int

    @property
    def per_second(self) -> float:
        return sum(s.count for s in self.steps.values()) / sum(s.seconds for s in self.steps.values())

    @property
    def lean_share(self) -> float:
        return sum(s.lean_s for s in self.steps.values()) / sum(s.seconds for s in self.steps.values())

    def summary(self) -> dict:
        return {"episodes": self.episodes, "not_opened": self.not_opened, "steps": sum(s.count for s in self.steps.values()),
                "steps_per_second": round(self.per_second, 1), "lean_share": round(self.lean_share, 4),
                "memory_gb": [round(gb, 3) for gb in self.memory_gb], "engines": self.engines,
                "tactics": {tactic: {"ms": round(1000 * s.seconds / s.count, 2), **s.outcomes} for tactic, s in self.steps.items()}}


def measure_gym(library: Library, names: Sequence[str], episodes: int, report: Report) -> GymRun:
    """names: of the theorems to start from, in turn."""
    steps = {tactic: TacticTotals() for tactic in MIX}
    not_opened = 0
    early = 0.0
    with opened(library) as workspace:
        gym = Gym(workspace)
        numbers = workspace.find(*names)
        statements = []
        for number in numbers:
            assert number is not None, "names come from the library"
            try:
                statements.append(gym.theorem(number))
            except NotOpened:
                not_opened += 1
        for episode in range(episodes):
            _play(gym, statements[episode % len(statements)], steps)
            if episode == episodes // 10:
                early = workspace.memory_gb
            if episode % 50 == 0:
                report("gym", episode, episodes, "")
        report("gym", episodes, episodes, "")
        return GymRun(episodes, not_opened, steps, (early, workspace.memory_gb), workspace.generation)


def _play(gym: Gym, statement: GymStatement, steps: dict[str, TacticTotals]) -> None:
    states = [gym.start(statement)]
    for state in states:
        for tactic, sums in steps.items():
            start = time.monotonic()
            outcome = gym.step(state, tactic)
            sums.seconds += time.monotonic() - start
            sums.lean_s += getattr(outcome, "seconds", 0.0)
            sums.outcomes[_label(outcome)] += 1
            if isinstance(outcome, Advanced) and len(states) < STATES:
                states.append(outcome.state)


def _label(outcome: Outcome) -> str:
    return "advanced" if isinstance(outcome, Advanced) else "proved" if isinstance(outcome, Proved) else "refused"
