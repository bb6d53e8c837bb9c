"""A library opened in a Lean that is restarted when it dies.

What kills an engine is found: a batch is halved until the candidate stands alone, which gets a second try
with a long deadline before it counts as lost. Verdicts depend on heartbeats, never on the clock: a deadline
is only a fuse.
"""

import contextlib
import time
from collections.abc import Callable, Container, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from lean_alchemy.lean_workspace.attempt_protocol import AttemptCost, Explain, Explained, Profile
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import Engine, EngineDied, EngineRefused, Launch, Limits, tag_of
from lean_alchemy.lean_workspace.protocol import (
    PORTFOLIO,
    AskGrade,
    Automation,
    Candidate,
    Change,
    Check,
    Checked,
    Find,
    FindPlaces,
    Instances,
    Kernel,
    KeyRows,
    Keys,
    Open,
    Opened,
    Place,
    Prepare,
    Ready,
    Refusal,
    Refutation,
    Refute,
    ReplyT,
    Request,
    SharedSites,
    Site,
    Style,
    Target,
    TheoremRow,
    Theorems,
    Try,
    Write,
    Written,
)

Answer = TypeVar("Answer")

TRY_BATCH = 64
WRITE_BATCH = 16
REFUTE_BATCH = 16
DEADLINE_S = 120.0
"""For a batch: attempts end by heartbeats after half a second, checks after some seconds."""
ALONE_S = 300.0
"""For one candidate that was in a batch that died."""
KILLS = 5
"""Engines that somebody may kill at one request before it counts as what kills them."""
STARTS = 20
"""Engines that somebody may kill while they open the library: nothing was asked of them yet."""
OPEN_S = 300.0
"""For a library."""
FILES_S = 1800.0
"""For one with files that are read on top of it."""


class Retirement(msgspec.Struct, frozen=True):
    """An engine is replaced by a fresh one, between two targets or grades, after this. growth_gb: what it may grow by, at least, after a
    library that is large by itself was opened."""

    requests: int = 20_000
    memory_gb: float = 2.0
    growth_gb: float = 0.7


class Lost(msgspec.Struct, frozen=True):
    """What was asked (a candidate, a tactic) killed its engine, alone and twice. cause: as in EngineDied."""

    cause: str


class Draft(msgspec.Struct, frozen=True):
    """A successful attempt. term: the new statement in canonical form. conditions: how many hypotheses are new because
    `rw` left side goals. introduces: does the statement speak of variables that only the lemma has?"""

    candidate: Candidate
    term: str
    conditions: int = 0
    introduces: bool = False


class Order(msgspec.Struct, frozen=True):
    """A draft that is to be written."""

    draft: Draft
    name: str
    audited: bool


class Difficulty(msgspec.Struct, frozen=True):
    """closed_by: the cheapest automation that proves a statement; None where none does. unknown: what has no verdict,
    because it killed its engine among the others and alone."""

    closed_by: Automation | None
    unknown: list[Automation] = []


class Useless(msgspec.Struct, frozen=True):
    """An attempt that Lean refused, or whose result is not usable."""

    reason: str


def patiently(times: int, work: Callable[[], Answer]) -> Answer:
    """Once more, up to so many times, where an engine was killed from outside. Raises EngineDied."""
    for _ in range(times - 1):
        try:
            return work()
        except EngineDied as died:
            if died.cause != "killed":
                raise
    return work()


class Workspace:
    """launch makes an engine; library is opened in each. Raises EngineRefused where the library is not there."""

    def __init__(self, launch: Callable[[tuple[Path, ...]], Launch], library: Library,
                 limits: Limits = Limits(), retirement: Retirement = Retirement()):
        self._launch, self.library, self._limits, self._retirement = launch, library, limits, retirement
        self.prepared: PreparedTarget | None = None
        """The target that the engine holds."""
        self.deaths = 0
        self.generation = 0
        """How many engines came so far: what the ones before held is lost."""
        self.spent: dict[str, float] = {}
        """Seconds in which Lean worked, by request; `start`: until an engine had the library open."""
        self._engine, self.opened = self._started()

    @property
    def ready(self) -> Ready:
        return self._engine.ready

    @property
    def pid(self) -> int:
        return self._engine.pid

    @property
    def memory_gb(self) -> float:
        return self._engine.memory_gb

    def theorems(self, start: int, count: int) -> list[TheoremRow]:
        return self.ask(Theorems(start=start, count=count)).rows

    def keys(self, start: int, count: int) -> KeyRows:
        return self.ask(Keys(start=start, count=count))

    def instances(self) -> list[list]:
        """What each instance of the library is of: rows of `mutation.classes`."""
        return self.ask(Instances()).rows

    def target(self, theorem: int, steps: Sequence[Candidate] = (), style: Style = Style()) -> "PreparedTarget":
        """Prepares a theorem, or the variant that `steps` lead to from it. Raises EngineDied where that kills two engines,
        EngineRefused where Lean can't."""
        self.retire()
        return PreparedTarget(self, theorem, steps, style)

    def check(self, text: str, parts: bool = False) -> Checked:
        """The verdict on a text: the whole command elaborated afresh, kernel and axioms included. parts: as `write` judges it."""
        return self.ask(Check(text=text, parts=parts))

    def grade(self, signature: str, target: str) -> Difficulty:
        """How hard a statement is. signature: what stands between `theorem` and `:=`. A tactic that kills the engine
        is found, and the others still count. Raises EngineRefused where Lean can't read the statement."""
        self.retire()
        with contextlib.suppress(EngineDied):
            return Difficulty(self.ask_once(AskGrade(signature=signature, target=target, tactics=PORTFOLIO), DEADLINE_S).closed_by)
        unknown: list[Automation] = []
        for tactic in PORTFOLIO:
            try:
                graded = self.ask_once(AskGrade(signature=signature, target=target, tactics=[tactic]), ALONE_S)
            except EngineDied:
                unknown.append(tactic)
                continue
            if graded.closed_by is not None:
                return Difficulty(graded.closed_by, unknown)
        return Difficulty(None, unknown)

    def kernel(self, statement: int, proof: int) -> str | None:
        """What the kernel says of one theorem as a proof of another; None where it accepts."""
        return self.ask(Kernel(statement=statement, proof=proof)).refused

    def find(self, *names: str) -> list[int | None]:
        """The numbers of theorems; None for a name that is none."""
        return self.ask(Find(names=list(names))).numbers

    def ask(self, request: Request[ReplyT], deadline_s: float = DEADLINE_S) -> ReplyT:
        """The reply, from a second engine where the first one died of it. Raises EngineDied, EngineRefused."""
        try:
            return patiently(KILLS, lambda: self.ask_once(request, deadline_s))
        except EngineDied:
            return self.ask_once(request, ALONE_S)

    def ask_once(self, request: Request[ReplyT], deadline_s: float) -> ReplyT:
        """One try. An engine that died since the last request counts as dying of this one: what it held is lost."""
        try:
            with self._clocked(tag_of(request)):
                return self._engine.ask(request, deadline_s=deadline_s)
        except EngineDied:
            self.deaths += 1
            self._restart()
            raise

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def retire(self) -> None:
        """Replaces an engine that has grown or served long."""
        most_gb = max(self._retirement.memory_gb, self._opened_gb + self._retirement.growth_gb)
        if self._engine.requests > self._retirement.requests or self._engine.memory_gb > most_gb:
            self._restart()

    def _restart(self) -> None:
        self.close()
        self._engine, self.opened = self._started()

    def _started(self) -> tuple[Engine, Opened]:
        """A fresh engine with the library open; a second one where the first dies at it."""
        self.prepared = None
        self.generation += 1
        with self._clocked("start"):
            try:
                return patiently(STARTS, self._open)
            except EngineDied:
                self.deaths += 1
                return self._open()

    @contextlib.contextmanager
    def _clocked(self, work: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.spent[work] = self.spent.get(work, 0.0) + time.monotonic() - start

    def _open(self) -> tuple[Engine, Opened]:
        engine = Engine(self._launch(self.library.folders()), self._limits)
        try:
            library = self.library
            opened = engine.ask(Open(modules=list(library.modules), files=list(library.files), proofs=library.proofs,
                                     module=library.source_of, options=list(library.options)),
                                deadline_s=FILES_S if library.files else OPEN_S)
        except EngineRefused as refused:
            engine.close()
            raise EngineRefused(f"can't open {self.library}: {refused}") from None
        self._opened_gb = engine.memory_gb
        return engine, opened


class PreparedTarget:
    """One target and what is tried on it. A restarted engine gets the target again."""

    def __init__(self, workspace: Workspace, theorem: int, steps: Sequence[Candidate], style: Style):
        self._workspace, self.theorem, self.steps, self._style = workspace, theorem, tuple(steps), style
        self._target: Target = workspace.ask(self._preparation)
        workspace.prepared = self
        self._drafts: dict[Candidate, int] = {}
        """Number of each draft in the present engine."""
        self.attempt_s = 0.0
        """Seconds that the attempts took in Lean, so far."""

    @property
    def _preparation(self) -> Prepare:
        return Prepare(theorem=self.theorem, steps=list(self.steps), style=self._style)

    @property
    def reads_back(self) -> bool:
        return self._target.reads_back

    @property
    def shared_sites(self) -> SharedSites:
        return self._target

    @cached_property
    def sites(self) -> list[Site]:
        return self._target.expanded()

    @property
    def forms_s(self) -> float:
        """Seconds that the forms of its sites took in Lean."""
        return self._target.micros / 1e6

    def profile(self, candidates: Sequence[Candidate]) -> list[AttemptCost]:
        """Where the time of each attempt goes. Raises EngineDied."""
        return self._ask(Profile(theorem=self.theorem, candidates=list(candidates)), DEADLINE_S).rows

    def explain(self, candidate: Candidate) -> Explained:
        """Why an attempt ends as it does. Raises EngineDied."""
        return self._ask(Explain(theorem=self.theorem, candidate=candidate), DEADLINE_S)

    def forget(self) -> None:
        """Prepares the target anew: the caches that attempts hand on are empty again, and drafts are gone."""
        self._reopen()

    def attempt(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Draft | Useless | Lost]]:
        """Tries each candidate, in order."""
        for start in range(0, len(candidates), TRY_BATCH):
            yield from self._by_halves(list(candidates[start:start + TRY_BATCH]), self._try)

    def write(self, drafts: Sequence[tuple[Draft, str]], audited: Container[str] = ()) -> Iterator[tuple[Draft, Written | Refusal | Lost]]:
        """Kernel check, print and read back each draft, under the name beside it. audited: the names of those whose text the whole
        command judges as well; a Refusal of stage `audit` says that it does not agree."""
        orders = [Order(draft, name, name in audited) for draft, name in drafts]
        for start in range(0, len(orders), WRITE_BATCH):
            for order, outcome in self._by_halves(orders[start:start + WRITE_BATCH], self._write):
                yield order.draft, outcome

    def places(self) -> list[Place]:
        """Where the target can be changed without a lemma."""
        self._hold()
        return self._workspace.ask(FindPlaces(theorem=self.theorem)).places

    def refute(self, changes: Sequence[Change]) -> Iterator[tuple[Change, Refutation | Refusal | Lost]]:
        """Makes each changed statement and looks for a proof of its negation, in order."""
        for start in range(0, len(changes), REFUTE_BATCH):
            yield from self._by_halves(list(changes[start:start + REFUTE_BATCH]), self._refute)

    def _refute(self, changes: list[Change], deadline_s: float) -> list[Refutation | Refusal]:
        return self._ask(Refute(theorem=self.theorem, changes=changes), deadline_s).outcomes()

    def _try(self, candidates: list[Candidate], deadline_s: float) -> list[Draft | Useless]:
        tried = self._ask(Try(theorem=self.theorem, candidates=candidates), deadline_s)
        self.attempt_s += tried.micros / 1e6
        outcomes: list[Draft | Useless] = []
        for candidate, result in zip(candidates, tried.results, strict=True):
            if isinstance(result, str):
                outcomes.append(Useless(result))
            else:
                number, term, conditions, introduces = result
                self._drafts[candidate] = number
                outcomes.append(Draft(candidate, term, conditions, introduces))
        return outcomes

    def _write(self, orders: list["Order"], deadline_s: float) -> list[Written | Refusal]:
        self._hold()
        if missing := [o.draft.candidate for o in orders if o.draft.candidate not in self._drafts]:
            self._try(missing, deadline_s)
        numbered = [(self._drafts[o.draft.candidate], o.name, o.audited) for o in orders]
        return self._ask(Write(theorem=self.theorem, drafts=numbered, style=self._style), deadline_s).outcomes()

    def _ask(self, request: Request[ReplyT], deadline_s: float) -> ReplyT:
        """One try on this target."""
        self._hold()
        return self._workspace.ask_once(request, deadline_s)

    def _hold(self) -> None:
        """The engine may be a fresh one, or hold another target."""
        if self._workspace.prepared is not self:
            self._reopen()

    def _by_halves(self, batch: list, run: Callable[[list, float], list]) -> Iterator[tuple]:
        try:
            yield from zip(batch, patiently(KILLS, lambda: run(batch, DEADLINE_S)), strict=True)
            return
        except EngineDied:
            self._reopen()
        if len(batch) > 1:
            middle = len(batch) // 2
            yield from self._by_halves(batch[:middle], run)
            yield from self._by_halves(batch[middle:], run)
            return
        try:
            yield batch[0], run(batch, ALONE_S)[0]
        except EngineDied as died:
            self._reopen()
            yield batch[0], Lost(died.cause)

    def _reopen(self) -> None:
        """The engine has this target before it again, and none of its drafts."""
        self._drafts.clear()
        self._workspace.ask(self._preparation)
        self._workspace.prepared = self
