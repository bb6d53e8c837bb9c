"""Provers: whoever is shown a goal state and says which tactics to try.

A new one is a class with `propose`, and a line in `prover_of`.
"""

import json
import math
import random
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from lean_alchemy.eval.benchmarks import Problem
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.gym import Gym, State
from lean_alchemy.lean_workspace.lines import Lines
from lean_alchemy.lean_workspace.portfolio import PORTFOLIOS, Suggested, scripts
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.extract import Catalogue
from lean_alchemy.pipelines.premises.suggestions import Adviser
from lean_alchemy.pipelines.runtime.job import UsageError


class Candidate(msgspec.Struct, frozen=True):
    """log_prob: at most 0."""

    tactic: str
    log_prob: float


class Query(msgspec.Struct, frozen=True):
    """A state that is to be expanded, whose it is, and the gym that it is in."""

    problem: Problem
    state: State
    gym: Gym


class Context(msgspec.Struct, frozen=True):
    """What a prover may ask beside a state: the library, and an engine with all of it, which is opened for who asks."""

    workspace: Callable[[], Workspace]
    library: Catalogue
    seed: int


class Suggestions:
    """Theorems that may help with a theorem of the library: the index is built for who asks."""

    def __init__(self, context: Context):
        self._numbers = context.library.numbers
        self._adviser = Adviser(context.library, context.workspace())

    def of(self, problem: Problem) -> Suggested:
        """None for a problem that is no theorem of the library."""
        number = self._numbers.get(problem.name) if problem.statement is None else None
        return Suggested() if number is None else self._adviser.suggest(number, set(problem.available or ()))


class Prover(Protocol):
    """expansions: how many states of a theorem it takes up at most; None where the caller's budget alone counts."""

    expansions: int | None

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        """For each query up to `count` different tactics, the most probable first."""

    def close(self) -> None: ...


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


def prover_of(spec: Spec, context: Context) -> Prover:
    match spec.kind:
        case "model":
            from lean_alchemy.eval.provers.model import Model  # torch, which the others do without

            return Model(Path(spec.place))
        case "automation":
            return Automation(context)
        case "random":
            return Random(context)
        case _:
            return Command(spec.place)


class Automation:
    """The portfolio of `lean_workspace/portfolio.py` on the theorem, line by line in its order. It takes up no state but the first."""

    expansions = 1
    _PORTFOLIO = PORTFOLIOS["lemmas"]

    def __init__(self, context: Context):
        self._suggestions = Suggestions(context)

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        """As many as there are: the portfolio ends by itself."""
        return [self._all(query) for query in queries]

    def close(self) -> None:
        pass

    def _all(self, query: Query) -> list[Candidate]:
        try:
            hints = query.gym.hints(query.state)
        except (EngineDied, EngineRefused):
            return []
        suggested = self._suggestions.of(query.problem)
        tactics = dict.fromkeys(_as_one(script) for line in self._PORTFOLIO.lines for script in scripts(line, hints, suggested))
        return [Candidate(tactic, -float(rank)) for rank, tactic in enumerate(tactics)]


def _as_one(script: Sequence[str]) -> str:
    return script[0] if len(script) == 1 else f"({'; '.join(script)})"


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


COMMAND_DEADLINE_S = 300.0


class Command:
    """A program that is asked over its stdin and answers over its stdout, a line of JSON each:

    {"id": 1, "count": 8, "states": ["n : Nat\\n⊢ n + 0 = n"]}
    {"id": 1, "candidates": [[{"tactic": "rfl", "log_prob": -0.1}]]}

    A list of candidates for each state, in their order; log-probabilities are at most 0. What it writes to stderr goes to ours. It ends
    when its stdin does. One that answers nothing for five minutes, or something else, ends the run."""

    expansions = None

    def __init__(self, command: str):
        self._command, self._number = command, 0
        try:
            self._process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except (OSError, ValueError) as error:
            raise Trouble(f"can't start the prover {command!r}: {error}") from None
        self._lines = Lines(self._process.stdout)

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        self._number += 1
        asked = {"id": self._number, "count": count, "states": [query.state.text for query in queries]}
        try:
            self._process.stdin.write(json.dumps(asked, ensure_ascii=False).encode() + b"\n")
            self._process.stdin.flush()
            answer = msgspec.json.decode(self._line(), type=_Answer)
        except OSError:
            raise self._broken("it has ended") from None
        except msgspec.DecodeError as error:
            raise self._broken(f"its answer is none: {error}") from None
        if answer.id != self._number or len(answer.candidates) != len(queries):
            raise self._broken("its answer is to another question")
        if any(c.log_prob > 0 for found in answer.candidates for c in found):
            raise self._broken("its answer has a log-probability above 0")
        return [found[:count] for found in answer.candidates]

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _line(self) -> bytes:
        try:
            return self._lines.next(COMMAND_DEADLINE_S)
        except TimeoutError:
            raise self._broken(f"it has not answered for {COMMAND_DEADLINE_S:.0f} s") from None
        except EOFError:
            raise self._broken("it has ended") from None

    def _broken(self, why: str) -> Trouble:
        self._process.kill()
        return Trouble(f"the prover {self._command!r}: {why}")


class _Answer(msgspec.Struct):
    id: int
    candidates: list[list[Candidate]]


def distinct(candidates: Sequence[Candidate], count: int | None = None) -> list[Candidate]:
    """The best of each tactic, in order."""
    best: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: -c.log_prob):
        if candidate.tactic:
            best.setdefault(candidate.tactic, candidate)
    return list(best.values())[:count]


