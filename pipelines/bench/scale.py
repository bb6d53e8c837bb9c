"""`bench scale`: what a larger library would take, drawn out from what can be measured on this one.

Three things are measured. *Growth*: how the candidates of a target increase as the library does; in the library's own order, in which
what comes later is about other subjects, and for random parts of it, for which the increase is linear by construction: the truth of
another library lies between, if it is like this one. *Costs*: what targets take in the stage *mutate*, by engine requests.
*Extraction*: a sample of pages.

With these a run is simulated: a library of so many theorems, extracted in its slices; shards of targets, given one after the other
to workers that start first. Each repetition draws the targets again (bootstrap) and a growth between the two. What can't be measured here
stands beside the result as a factor: how much longer Lean works on a term of the larger library.
"""

import heapq
import random
import statistics
import time
from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.mutation.kinds import kinds_within
from lean_alchemy.mutation.search.candidates import Lemmas
from lean_alchemy.pipelines.bench.index import PAGE, exponent
from lean_alchemy.pipelines.corpus.catalogue import SLICES, Catalogue
from lean_alchemy.pipelines.corpus.mutate import MutateTally, Mutator
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import SHARD_TARGETS, draw_targets
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.lean import opened
from lean_alchemy.pipelines.runtime.stage import Report

PARTS = (1 / 4, 1 / 2, 1.0)
"""Of the library, whose growth is measured. Targets for it are drawn from the first part."""
REPETITIONS = 40
PAPER_CORE_HOURS = 1_700_000
"""Of the paper's pipeline on Mathlib, as its reviews reckon: 14 days on 4,096 cores and 7 days on 2,048."""


class Cost(msgspec.Struct, frozen=True):
    """One target in the stage *mutate*. Seconds: of Lean at preparing it, at its attempts, at writing; of Python."""

    candidates: int
    variants: int
    prepare_s: float
    attempts_s: float
    write_s: float
    python_s: float


class Growth(msgspec.Struct, frozen=True):
    """candidates: of each target, in the parts of the library, in its own order."""

    theorems: list[int]
    candidates: list[list[int]]

    def exponent(self, targets: Sequence[int]) -> float:
        """The power of the library's size with which the mean grows, for these targets."""
        means = [(float(n), statistics.fmean(self.candidates[target][part] for target in targets)) for part, n in enumerate(self.theorems)]
        return exponent(means) or 0.0


class Mean(msgspec.Struct, frozen=True):
    """Of a target. total: seconds."""

    candidates: float
    variants: float
    total: float


class Measured(msgspec.Struct, frozen=True):
    """extract_s: seconds of an engine for a theorem. start_s: an engine, and what a worker reads before its first target."""

    library: list[str]
    theorems: int
    ordinary: int
    growth: Growth
    costs: list[Cost]
    extract_s: float
    start_s: float

    @property
    def mean(self) -> Mean:
        return Mean(*(statistics.fmean(f(cost) for cost in self.costs) for f in (
            lambda cost: cost.candidates, lambda cost: cost.variants, _seconds)))


class Range(msgspec.Struct, frozen=True):
    """Of the repetitions: the median, and what 90 of 100 lie between."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Range":
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20])

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)}–{_short(self.high)})"


class Run(msgspec.Struct, frozen=True):
    """workers, slower: for which it was simulated. Hours on the wall, and of all cores together until each has done its last shard."""

    workers: int
    slower: float
    hours: Range
    core_hours: Range


class Scale(msgspec.Struct, frozen=True):
    """theorems, targets: of the larger library. growth: exponents, in the library's order and for random parts. candidates, variants: a
    target there."""

    measured: Measured
    theorems: int
    targets: int
    growth: Range
    candidates: Range
    variants: Range
    runs: list[Run]

    def summary(self) -> dict:
        told = {**msgspec.to_builtins(self), "mean": msgspec.to_builtins(self.measured.mean)}
        del told["measured"]["costs"], told["measured"]["growth"]["candidates"]
        return told


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


# --- measuring ------------------------------------------------------------------------------------------------------------------


def measure(job: Job[Options], library: Catalogue, report: Report) -> Measured:
    """job: its targets are those whose costs are measured. Raises EngineDied, EngineRefused."""
    names = draw_targets(job.options, library)
    start = time.monotonic()
    mutator = _Timed(job)
    start_s = time.monotonic() - start
    try:
        costs = []
        for done, name in enumerate(names, 1):
            costs.append(mutator.cost_of(name))
            report("costs", done, len(names), f"{statistics.fmean(map(_seconds, costs)):.2f} s a target")
    finally:
        mutator.close()
    ordinary = sum(1 for entry in library.theorems if library.is_of_library(entry) and library.is_ordinary(entry, job.options.policy))
    with opened(job.library) as workspace:
        extract_s = _extract_s(workspace, len(library.theorems), job.options.seed)
        growth = _growth(job, library, workspace, len(names), report)
    return Measured(job.options.library, len(library.theorems), ordinary, growth, costs, extract_s, start_s)


class _Timed(Mutator):
    """A worker of *mutate* that says what each target costs."""

    def cost_of(self, name: str) -> Cost:
        before, start, tally = dict(self._workspace.spent), time.monotonic(), MutateTally()
        for _ in self.variants_of(name, tally):
            pass
        lean = {work: s - before.get(work, 0.0) for work, s in self._workspace.spent.items()}
        attempts_s, write_s = lean.pop("try", 0.0), lean.pop("write", 0.0)
        prepare_s = sum(lean.values())
        return Cost(tally.candidates, tally.elaborated, prepare_s, attempts_s, write_s,
                    time.monotonic() - start - prepare_s - attempts_s - write_s)


def _seconds(cost: Cost) -> float:
    return cost.prepare_s + cost.attempts_s + cost.write_s + cost.python_s


def _growth(job: Job[Options], library: Catalogue, workspace: Workspace, count: int, report: Report) -> Growth:
    """Candidates of targets of the first part, as the library grows behind them."""
    sizes = [round(part * len(library.theorems)) for part in PARTS]
    early = [i for i in range(sizes[0]) if library.is_ordinary(library.theorems[i], job.options.policy)]
    asked: list[tuple[int, list[Site]]] = []
    for number in random.Random(job.options.seed).sample(early, min(count, len(early))):
        try:
            asked.append((number, workspace.target(number).sites))
        except (EngineDied, EngineRefused):
            continue
    kinds, classes = kinds_within(job.options.kinds, job.options.reach), library.classes()
    generic = library.generality().generic(job.options.policy.generic_share)
    found: list[list[int]] = [[] for _ in asked]
    for done, size in enumerate(sizes, 1):
        admitted = {i for i in range(size) if library.is_ordinary(library.theorems[i], job.options.policy)}
        lemmas = Lemmas(filter(lambda key, size=size: key.rule < size, library.keys()), kinds, admitted, job.options.policy.patterns,
                        generic, classes=classes)
        for row, (number, sites) in zip(found, asked, strict=True):
            row.append(len(lemmas.candidates(number, sites)))
        report("growth", done, len(sizes), "")
    return Growth(sizes, found)


def _extract_s(workspace: Workspace, count: int, seed: int, pages: int = 4) -> float:
    """Of random pages: rows and keys, as the extraction asks for them."""
    size = min(PAGE, count)
    pages = min(pages, count - size + 1)
    start = time.monotonic()
    for first in random.Random(seed).sample(range(count - size + 1), pages):
        workspace.theorems(first, size)
        workspace.keys(first, size)
    return (time.monotonic() - start) / (size * pages)


# --- drawing out ----------------------------------------------------------------------------------------------------------------


def draw_out(measured: Measured, theorems: int, targets: int, workers: Sequence[int], slower: Sequence[float], seed: int = 0) -> Scale:
    """A library of so many theorems, of which so many are targets. slower: factors of Lean's time."""
    chance = random.Random(seed)
    draws = [_Draw(measured, theorems, chance) for _ in range(REPETITIONS)]
    runs = []
    for factor in slower:
        for count in workers:
            pairs = [draw.run(targets, count, factor, chance) for draw in draws]
            runs.append(Run(count, factor, Range.of([hours for hours, _ in pairs]), Range.of([core for _, core in pairs])))
    return Scale(measured, theorems, targets, Range.of([draw.exponent for draw in draws]), Range.of([draw.candidates for draw in draws]),
                 Range.of([draw.variants for draw in draws]), runs)


class _Draw:
    """A repetition: targets drawn again, and a growth between that of the library's order and the linear one."""

    def __init__(self, measured: Measured, theorems: int, chance: random.Random):
        growth = measured.growth
        in_order = growth.exponent(chance.choices(range(len(growth.candidates)), k=len(growth.candidates)))
        self._measured, self._theorems = measured, theorems
        self._costs = chance.choices(measured.costs, k=len(measured.costs))
        self.exponent = chance.uniform(min(in_order, 1.0), 1.0)
        self._times = (theorems / measured.theorems) ** self.exponent
        self.candidates = self._times * statistics.fmean(cost.candidates for cost in self._costs)
        self.variants = self._times * statistics.fmean(cost.variants for cost in self._costs)

    def run(self, targets: int, workers: int, slower: float, chance: random.Random) -> tuple[float, float]:
        """Hours on the wall, and of the cores. What is written grows with the candidates; what the rules and caps leave out then is not
        reckoned with."""
        grown = [slower * (cost.prepare_s + self._times * (cost.attempts_s + cost.write_s)) + self._times * cost.python_s
                 for cost in self._costs]
        extract_s = slower * self._measured.extract_s * self._theorems
        start_s = self._measured.start_s * self._theorems / self._measured.theorems
        free = [start_s] * workers
        for first in range(0, targets, SHARD_TARGETS):
            size = min(SHARD_TARGETS, targets - first)
            heapq.heapreplace(free, free[0] + sum(chance.choices(grown, k=size)))
        wall_s = extract_s / min(workers, SLICES) + max(free)
        return wall_s / 3600, (extract_s + sum(free)) / 3600
