"""A library opened in an engine that is restarted when it dies.

If an engine dies, its batch is halved until the candidate that kills it is alone. This candidate gets a second try with a long deadline
before it counts as lost. Verdicts depend on heartbeats, not on time: a deadline only stops an engine that hangs.
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
    AUTOMATIONS,
    AskGrade,
    AskSites,
    AutomationName,
    Candidate,
    Change,
    ChangePlace,
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

AnswerT = TypeVar("AnswerT")

TRY_BATCH = 64
WRITE_BATCH = 16
REFUTE_BATCH = 16
BATCH_DEADLINE_S = 120.0
"""Deadline of a batch, in seconds. Heartbeats end an attempt after half a second, and a check after a few seconds."""
ALONE_S = 300.0
"""Deadline of a single candidate whose batch died, in seconds."""
KILLS = 5
"""Number of engines that may be killed from outside during one request. After more, the request counts as the cause."""
STARTS = 20
"""Number of engines that may be killed from outside while they open the library, before any request."""
OPEN_S = 300.0
"""Deadline for opening a library, in seconds."""
FILES_S = 1800.0
"""Deadline for opening a library with files to elaborate, in seconds."""


class Retirement(msgspec.Struct, frozen=True):
    """Limits after which an engine is replaced by a fresh one, between two targets or grades. growth_gb: the growth that is always allowed
    after the library was opened; it matters for large libraries."""

    requests: int = 20_000
    memory_gb: float = 2.0
    growth_gb: float = 0.7


class Lost(msgspec.Struct, frozen=True):
    """The input (a candidate, a tactic) killed the engine twice, alone. cause: as in EngineDied."""

    cause: str


class Draft(msgspec.Struct, frozen=True):
    """A successful attempt. term: the new statement in canonical form. conditions: the number of hypotheses added for side goals of `rw`.
    introduces: does the statement have variables that come from the lemma?"""

    candidate: Candidate
    term: str
    conditions: int = 0
    introduces: bool = False


class Order(msgspec.Struct, frozen=True):
    """A draft to write."""

    draft: Draft
    name: str
    audited: bool


class Difficulty(msgspec.Struct, frozen=True):
    """closed_by: the cheapest automation that proves a statement; None if none does. unknown: tactics without a verdict, because they
    killed the engine twice."""

    closed_by: AutomationName | None
    unknown: list[AutomationName] = []


class Useless(msgspec.Struct, frozen=True):
    """An attempt that Lean refused, or whose result can't be used. reason: such as `refused` or `unchanged`."""

    reason: str


def patiently(times: int, work: Callable[[], AnswerT]) -> AnswerT:
    """Calls `work`, and repeats it up to `times` times if the engine was killed from outside. Raises EngineDied."""
    for _ in range(times - 1):
        try:
            return work()
        except EngineDied as died:
            if died.cause != "killed":
                raise
    return work()


class Workspace:
    """launch: starts an engine. library: is opened in each engine. Raises EngineRefused if the library can't be opened."""

    def __init__(self, launch: Callable[[tuple[Path, ...]], Launch], library: Library,
                 limits: Limits = Limits(), retirement: Retirement = Retirement()):
        self._launch, self.library, self._limits, self._retirement = launch, library, limits, retirement
        self.prepared: PreparedTarget | None = None
        """The target that is prepared in the engine."""
        self.deaths = 0
        self.generation = 0
        """Number of engines started so far. What earlier ones held (targets, drafts, states) is lost."""
        self.spent: dict[str, float] = {}
        """Seconds of Lean, by request. `start` is the time for starting engines and opening the library."""
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
        """The class instances of the library: rows of `mutation.search.classes`."""
        return self.ask(Instances()).rows

    def target(self, theorem: int, steps: Sequence[Candidate] = (), style: Style = Style()) -> "PreparedTarget":
        """Prepares a theorem, or the variant that the candidates `steps` make of it. Raises EngineDied if that kills two engines,
        EngineRefused if Lean can't prepare it."""
        self.retire()
        return PreparedTarget(self, theorem, steps, style)

    def sites(self, theorem: int) -> SharedSites:
        """The sites of a theorem with their queries to the index, without preparing it for attempts: half the time of `target`. Raises
        as `target`."""
        self.retire()
        return self.ask(AskSites(theorem=theorem))

    def check(self, text: str, parts: bool = False) -> Checked:
        """The verdict on a text: elaboration of the whole command, kernel check and axioms. parts: check it in parts, as `write` does."""
        return self.ask(Check(text=text, parts=parts))

    def grade(self, signature: str, target: str) -> Difficulty:
        """How hard a statement is. signature: the text between `theorem` and `:=`. A tactic that kills the engine is reported as unknown,
        and the others are still tried. Raises EngineRefused if Lean can't elaborate the statement."""
        self.retire()
        with contextlib.suppress(EngineDied):
            return Difficulty(self.ask_once(AskGrade(signature=signature, target=target, tactics=AUTOMATIONS), BATCH_DEADLINE_S).closed_by)
        unknown: list[AutomationName] = []
        for tactic in AUTOMATIONS:
            try:
                graded = self.ask_once(AskGrade(signature=signature, target=target, tactics=[tactic]), ALONE_S)
            except EngineDied:
                unknown.append(tactic)
                continue
            if graded.closed_by is not None:
                return Difficulty(graded.closed_by, unknown)
        return Difficulty(None, unknown)

    def kernel(self, statement: int, proof: int) -> str | None:
        """The error of the kernel if the proof of one theorem is used for the statement of another; None if it accepts."""
        return self.ask(Kernel(statement=statement, proof=proof)).refused

    def find(self, *names: str) -> list[int | None]:
        """The numbers of the theorems; None for a name that no theorem has."""
        return self.ask(Find(names=list(names))).numbers

    def ask(self, request: Request[ReplyT], deadline_s: float = BATCH_DEADLINE_S) -> ReplyT:
        """The reply to a request. If the engine dies, a second one is tried. Raises EngineDied, EngineRefused."""
        try:
            return patiently(KILLS, lambda: self.ask_once(request, deadline_s))
        except EngineDied:
            return self.ask_once(request, ALONE_S)

    def ask_once(self, request: Request[ReplyT], deadline_s: float) -> ReplyT:
        """The reply, with a single try. If the engine died since the last request, its state is lost, and this raises EngineDied."""
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
        """Replaces the engine if it reached a limit of `Retirement`."""
        most_gb = max(self._retirement.memory_gb, self._opened_gb + self._retirement.growth_gb)
        if self._engine.requests > self._retirement.requests or self._engine.memory_gb > most_gb:
            self._restart()

    def _restart(self) -> None:
        self.close()
        self._engine, self.opened = self._started()

    def _started(self) -> tuple[Engine, Opened]:
        """A fresh engine with the library open. If it dies while opening the library, a second one is tried."""
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
    """A prepared target and the requests about it. After a restart the engine prepares the target again."""

    def __init__(self, workspace: Workspace, theorem: int, steps: Sequence[Candidate], style: Style):
        self._workspace, self.theorem, self.steps, self._style = workspace, theorem, tuple(steps), style
        self._target: Target = workspace.ask(self._preparation)
        workspace.prepared = self
        self._drafts: dict[Candidate, int] = {}
        """The number of each draft in the current engine."""
        self.attempt_s = 0.0
        """Seconds of the attempts in Lean so far."""

    @property
    def _preparation(self) -> Prepare:
        return Prepare(theorem=self.theorem, steps=list(self.steps), style=self._style)

    @property
    def reads_back(self) -> bool:
        return self._target.reads_back

    @cached_property
    def sites(self) -> list[Site]:
        return self._target.expanded()

    @property
    def forms_s(self) -> float:
        """Seconds in Lean for the forms of its sites."""
        return self._target.micros / 1e6

    def profile(self, candidates: Sequence[Candidate]) -> list[AttemptCost]:
        """The costs of each attempt. Raises EngineDied."""
        return self._ask(Profile(theorem=self.theorem, candidates=list(candidates)), BATCH_DEADLINE_S).rows

    def explain(self, candidate: Candidate) -> Explained:
        """The outcome of an attempt and its reason. Raises EngineDied."""
        return self._ask(Explain(theorem=self.theorem, candidate=candidate), BATCH_DEADLINE_S)

    def forget(self) -> None:
        """Prepares the target again, with empty caches and without drafts."""
        self._reopen()

    def attempt(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Draft | Useless | Lost]]:
        """Tries each candidate, and yields its outcome, in order."""
        for start in range(0, len(candidates), TRY_BATCH):
            yield from self._by_halves(list(candidates[start:start + TRY_BATCH]), self._try)

    def write(self, drafts: Sequence[tuple[Draft, str]], audited: Container[str] = ()) -> Iterator[tuple[Draft, Written | Refusal | Lost]]:
        """Checks each draft with the kernel, prints it under its name, and elaborates the text. audited: the names of the drafts whose text
        is also elaborated as a whole command; if that disagrees, the outcome is a Refusal of stage `audit`."""
        orders = [Order(draft, name, name in audited) for draft, name in drafts]
        for start in range(0, len(orders), WRITE_BATCH):
            for order, outcome in self._by_halves(orders[start:start + WRITE_BATCH], self._write):
                yield order.draft, outcome

    def places(self) -> list[ChangePlace]:
        """The places where the target can be changed without a lemma."""
        self._hold()
        return self._workspace.ask(FindPlaces(theorem=self.theorem)).places

    def refute(self, changes: Sequence[Change]) -> Iterator[tuple[Change, Refutation | Refusal | Lost]]:
        """Makes each changed statement, and searches for a counterexample, in order."""
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
        """The reply to a request about this target, with a single try."""
        self._hold()
        return self._workspace.ask_once(request, deadline_s)

    def _hold(self) -> None:
        """Prepares the target if the engine is a fresh one, or has another target."""
        if self._workspace.prepared is not self:
            self._reopen()

    def _by_halves(self, batch: list, run: Callable[[list, float], list]) -> Iterator[tuple]:
        try:
            yield from zip(batch, patiently(KILLS, lambda: run(batch, BATCH_DEADLINE_S)), strict=True)
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
        """Prepares the target in the engine. Earlier drafts are lost."""
        self._drafts.clear()
        self._workspace.ask(self._preparation)
        self._workspace.prepared = self
