"""The interface of a prover: goal states in, tactics out. The provers themselves are in `eval/provers/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from lean_alchemy.eval.benchmarks import Problem
from lean_alchemy.lean_workspace.gym import Gym, State
from lean_alchemy.pipelines.runtime.manifest import UsageError


class ScoredTactic(msgspec.Struct, frozen=True):
    """A proposed tactic. log_prob: its log-probability, at most 0."""

    tactic: str
    log_prob: float


class Query(msgspec.Struct, frozen=True):
    """A state to expand, with its problem and its gym."""

    problem: Problem
    state: State
    gym: Gym


class Prover(Protocol):
    """expansions: the prover's own limit of states to expand per theorem; None: only the caller's budget counts."""

    @property
    def expansions(self) -> int | None: ...

    def propose(self, queries: Sequence[Query], count: int) -> list[list[ScoredTactic]]:
        """For each query, up to `count` different tactics, the most probable first."""
        ...

    def close(self) -> None:
        """Ends what the prover has started, such as a process."""
        ...


def distinct(candidates: Sequence[ScoredTactic], count: int | None = None) -> list[ScoredTactic]:
    """Each tactic once, with its best log-probability, the most probable first. count: at most so many; None: all."""
    best: dict[str, ScoredTactic] = {}
    for candidate in sorted(candidates, key=lambda c: -c.log_prob):
        if candidate.tactic:
            best.setdefault(candidate.tactic, candidate)
    return list(best.values())[:count]


class Spec(msgspec.Struct, frozen=True):
    """Specifies a prover. kind: `model` (place: its folder), `automation`, `random`, `command` (place: the command line)."""

    kind: str
    place: str = ""

    @property
    def name(self) -> str:
        """What to call it in results. The model of a run of `alchemy train` has the name of the run's folder."""
        place = Path(self.place)
        if self.kind == "model":
            return place.parent.name if place.name == "model" else place.name
        return self.place or self.kind


def spec_of(text: str) -> Spec:
    """The prover that the user names: `automation`, `random`, the folder of a model or of a run of `alchemy train`, or a command. Raises
    UsageError for anything else."""
    if text in ("automation", "random"):
        return Spec(text)
    if Path(text).is_dir():
        return Spec("model", str(model_at(Path(text))))
    if " " in text or "/" in text:
        return Spec("command", text)
    raise UsageError(f"there is no prover {text}: give the folder of a model, `automation`, `random`, or a command")


def model_at(place: Path) -> Path:
    """The folder of the model: `place` itself, or `place/model` in a run of `alchemy train`. Raises UsageError if neither holds one."""
    for folder in (place, place / "model"):
        if (folder / "config.json").is_file():
            return folder.resolve()
    raise UsageError(f"{place} holds no model: give a folder in `save_pretrained` form, or a finished run of `alchemy train`")
