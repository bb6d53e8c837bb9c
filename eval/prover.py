"""What a prover is: it is shown goal states and proposes tactics. The provers themselves are in `eval/provers/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from lean_alchemy.eval.benchmarks import Problem
from lean_alchemy.lean_workspace.gym import Gym, State
from lean_alchemy.pipelines.runtime.manifest import UsageError


class Candidate(msgspec.Struct, frozen=True):
    """log_prob: at most 0."""

    tactic: str
    log_prob: float


class Query(msgspec.Struct, frozen=True):
    """A state that is to be expanded, the problem it is of, and the gym that it is in."""

    problem: Problem
    state: State
    gym: Gym


class Prover(Protocol):
    """expansions: how many states of a theorem it expands at most; None where the caller's budget alone counts."""

    expansions: int | None

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        """For each query up to `count` different tactics, the most probable first."""

    def close(self) -> None: ...


def distinct(candidates: Sequence[Candidate], count: int | None = None) -> list[Candidate]:
    """The best of each tactic, in order."""
    best: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: -c.log_prob):
        if candidate.tactic:
            best.setdefault(candidate.tactic, candidate)
    return list(best.values())[:count]


class Spec(msgspec.Struct, frozen=True):
    """Which prover. kind: `model` (place: its folder), `automation`, `random`, `command` (place: the command line)."""

    kind: str
    place: str = ""

    @property
    def name(self) -> str:
        """A run's model is called as the run."""
        place = Path(self.place)
        if self.kind == "model":
            return place.parent.name if place.name == "model" else place.name
        return self.place or self.kind


def spec_of(text: str) -> Spec:
    """`automation`, `random`, a folder of a model or of a run of `alchemy train`, or a command. Raises UsageError."""
    if text in ("automation", "random"):
        return Spec(text)
    if Path(text).is_dir():
        return Spec("model", str(model_at(Path(text))))
    if " " in text or "/" in text:
        return Spec("command", text)
    raise UsageError(f"there is no prover {text}: name a folder with a model, `automation`, `random`, or a command")


def model_at(place: Path) -> Path:
    """The folder of a model: this one, or the one in a run of `alchemy train`. Raises UsageError where there is none."""
    for folder in (place, place / "model"):
        if (folder / "config.json").is_file():
            return folder.resolve()
    raise UsageError(f"{place} holds no model: name a folder in `save_pretrained` form, or a run of `alchemy train` that is done")
