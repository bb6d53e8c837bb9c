"""The time of attempts and of written variants, by parts: unification, instances, typing; kernel, printing, elaboration."""

import random
from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.attempt_protocol import AttemptCost
from lean_alchemy.lean_workspace.protocol import Candidate, Written
from lean_alchemy.lean_workspace.workspace import Draft, PreparedTarget
from lean_alchemy.pipelines.runtime.stage import Sums

PROFILED = 6
"""Attempts to profile per target and way, of those that succeed and of those that fail."""
WRITTEN_PER_WAY = 3
"""Variants to write per target and way."""

_MESSAGES = (
    ("did not find", "no instance of the pattern"),
    ("motive is not type correct", "motive"),
    ("motive is dependent", "motive"),
    ("failed to synthesize", "instance"),
    ("conclusion", "does not unify"),
    ("antecedent", "does not unify"),
)
"""Parts of Lean's messages, in lower case, and what they mean."""


class Parts(Sums):
    """Sums over n attempts with empty caches, in nanoseconds. `engine/Alchemy/Attempts/Profile.lean` says how each part is measured."""

    n: int = 0
    unification: int = 0
    instances: int = 0
    typing: int = 0
    closing: int = 0

    def count(self, cost: AttemptCost) -> None:
        self.n += 1
        for name in ("unification", "instances", "typing", "closing"):
            setattr(self, name, getattr(self, name) + max(0, getattr(cost, name)))


class Checking(Sums):
    """Sums over n written variants, in microseconds. elaboration: parsing and elaborating the text afresh."""

    n: int = 0
    kernel: int = 0
    printing: int = 0
    elaboration: int = 0


class Costs(Sums):
    """attempts: by way, such as `rw-conclusion`, and by outcome: `usable`, or why not. written: by way."""

    attempts: dict[str, dict[str, Parts]] = msgspec.field(default_factory=dict)
    written: dict[str, Checking] = msgspec.field(default_factory=dict)

    def means(self) -> dict[str, dict[str, dict[str, float]]]:
        """Mean microseconds per attempt, or per variant (outcome `written`): way → outcome → part."""
        means: dict[str, dict[str, dict[str, float]]] = {}
        for way, outcomes in self.attempts.items():
            for outcome, parts in outcomes.items():
                means.setdefault(way, {})[outcome] = _mean(parts, 1000)
        for way, checking in self.written.items():
            if checking.n:
                means.setdefault(way, {})["written"] = _mean(checking, 1)
        return means


def _mean(sums: Parts | Checking, unit: int) -> dict[str, float]:
    means = {name: round(getattr(sums, name) / sums.n / unit, 1) for name in sums.__struct_fields__ if name != "n"}
    return {"n": sums.n, **means}


def sample_costs(target: PreparedTarget, way: str, usable: Sequence[Candidate], refused: Sequence[Candidate],
                 draw: random.Random) -> Costs:
    """The costs of a random sample of usable and refused candidates on a prepared target. Raises EngineDied."""
    costs = Costs()
    for candidates in (usable, refused):
        drawn = draw.sample(list(candidates), min(PROFILED, len(candidates)))
        for cost in target.profile(drawn) if drawn else ():
            outcome = "usable" if candidates is usable else meaning_of(cost.outcome)
            costs.attempts.setdefault(way, {}).setdefault(outcome, Parts()).count(cost)
    drawn = draw.sample(list(usable), min(WRITTEN_PER_WAY, len(usable)))
    drafts = [draft for _, draft in target.attempt(drawn) if isinstance(draft, Draft)]
    checking = costs.written[way] = Checking()
    for _, written in target.write([(draft, f"sample_{i}") for i, draft in enumerate(drafts)]):
        if isinstance(written, Written):
            kernel, printing, elaboration = written.micros
            checking.add(Checking(1, kernel, printing, elaboration))
    return costs


def meaning_of(message: str) -> str:
    """A short label for Lean's message; the engine's own reasons are returned unchanged."""
    if message == "draft":
        return "new variables"
    lower = message.lower()
    return next((meaning for part, meaning in _MESSAGES if part in lower), message.partition("\n")[0][:60])
