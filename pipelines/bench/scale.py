"""`bench scale`: the cost of a larger library, extrapolated from measurements on this one.

Three things are measured. *Growth*: how the candidates of a target increase with the library. In the library's own order later theorems
are about other subjects; for random parts the increase is linear by construction. For a similar library the truth is between the two.
*Costs*: the time of targets in the stage *mutate*, by engine request. *Extraction*: the time of a sample of pages.

Then a run is simulated: a library with the given number of theorems is extracted in slices, and shards of targets go one by one to workers,
which first have to start. Each repetition draws the targets again (bootstrap), and a growth between the two. One factor can't be measured
here, so the result is reported for several values of it: how much longer Lean works on the terms of the larger library.
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
from lean_alchemy.pipelines.bench.index import THEOREMS_PER_REQUEST, exponent
from lean_alchemy.pipelines.corpus.catalogue import SLICES, Catalogue
from lean_alchemy.pipelines.corpus.mutate import MutateTally, Mutator
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import SHARD_TARGETS, draw_targets
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import Report

MEASURED_SHARES = (1 / 4, 1 / 2, 1.0)
"""The parts of the library for which growth is measured, with targets from the first part."""
REPETITIONS = 40
PAPER_CORE_HOURS = 1_700_000
"""The paper's pipeline on Mathlib, estimated from its reviews: 14 days on 4,096 cores and 7 days on 2,048."""


class TargetCost(msgspec.Struct, frozen=True):
    """One target in the stage *mutate*: its candidates and variants, and the seconds in Lean for preparation, attempts and writing, and in
    Python."""

    candidates: int
    variants: int
    prepare_s: float
    attempts_s: float
    write_s: float
    python_s: float


class Growth(msgspec.Struct, frozen=True):
    """theorems: the sizes of the parts of the library, in its own order. candidates: of each target, for each of these sizes."""

    theorems: list[int]
    candidates: list[list[int]]

    def exponent(self, targets: Sequence[int]) -> float:
        """The exponent with which the mean number of candidates of these targets grows with the library's size."""
        means = [(float(n), statistics.fmean(self.candidates[target][part] for target in targets)) for part, n in enumerate(self.theorems)]
        return exponent(means) or 0.0


class Mean(msgspec.Struct, frozen=True):
    """Means per target. total: seconds."""

    candidates: float
    variants: float
    total: float


class Measured(msgspec.Struct, frozen=True):
    """theorems, ordinary: all of the library, and those that can be targets. extract_s: seconds of an engine per theorem. start_s: seconds
    until a worker is ready for its first target."""

    library: list[str]
    theorems: int
    ordinary: int
    growth: Growth
    costs: list[TargetCost]
    extract_s: float
    start_s: float

    @property
    def mean(self) -> Mean:
        return Mean(*(statistics.fmean(f(cost) for cost in self.costs) for f in (
            lambda cost: cost.candidates, lambda cost: cost.variants, _seconds)))


class Range(msgspec.Struct, frozen=True):
    """The median of the repetitions, and the interval that holds 90 % of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Range":
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20])

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)}–{_short(self.high)})"


class SimulatedRun(msgspec.Struct, frozen=True):
    """A simulated run. workers: number of cores. slower: factor of Lean's time. hours: wall-clock time. core_hours: of all cores, each
    until it has done its last shard."""

    workers: int
    slower: float
    hours: Range
    core_hours: Range


class Scale(msgspec.Struct, frozen=True):
    """theorems, targets: of the larger library. growth: the exponents of the repetitions. candidates, variants: per target there."""

    measured: Measured
    theorems: int
    targets: int
    growth: Range
    candidates: Range
    variants: Range
    runs: list[SimulatedRun]

    def summary(self) -> dict:
        summary = {**msgspec.to_builtins(self), "mean": msgspec.to_builtins(self.measured.mean)}
        del summary["measured"]["costs"], summary["measured"]["growth"]["candidates"]
        return summary


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


# --- measuring ------------------------------------------------------------------------------------------------------------------


def measure_scale(job: Job[Options], library: Catalogue, report: Report) -> Measured:
    """Measures the costs of the job's targets, the growth, and the extraction. Raises EngineDied, EngineRefused."""
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
    """A worker of *mutate* that measures the cost of a target."""

    def cost_of(self, name: str) -> TargetCost:
        before, start, tally = dict(self._workspace.spent), time.monotonic(), MutateTally()
        for _ in self.variants_of(name, tally):
            pass
        lean = {work: s - before.get(work, 0.0) for work, s in self._workspace.spent.items()}
        attempts_s, write_s = lean.pop("try", 0.0), lean.pop("write", 0.0)
        prepare_s = sum(lean.values())
        return TargetCost(tally.candidates, tally.elaborated, prepare_s, attempts_s, write_s,
                          time.monotonic() - start - prepare_s - attempts_s - write_s)


def _seconds(cost: TargetCost) -> float:
    return cost.prepare_s + cost.attempts_s + cost.write_s + cost.python_s


def _growth(job: Job[Options], library: Catalogue, workspace: Workspace, count: int, report: Report) -> Growth:
    """The candidates of targets of the first part, as the library grows."""
    sizes = [round(part * len(library.theorems)) for part in MEASURED_SHARES]
    early = [i for i in range(sizes[0]) if library.is_ordinary(library.theorems[i], job.options.policy)]
    queries: list[tuple[int, list[Site]]] = []
    for number in random.Random(job.options.seed).sample(early, min(count, len(early))):
        try:
            queries.append((number, workspace.target(number).sites))
        except (EngineDied, EngineRefused):
            continue
    kinds, classes = kinds_within(job.options.kinds, job.options.reach), library.classes()
    generic = library.generality().generic(job.options.policy.generic_share)
    candidates: list[list[int]] = [[] for _ in queries]
    for done, size in enumerate(sizes, 1):
        admitted = {i for i in range(size) if library.is_ordinary(library.theorems[i], job.options.policy)}
        lemmas = Lemmas(filter(lambda key, size=size: key.lemma < size, library.keys()), kinds, admitted, job.options.policy.patterns,
                        generic, classes=classes)
        for counts, (number, sites) in zip(candidates, queries, strict=True):
            counts.append(len(lemmas.candidates(number, sites)))
        report("growth", done, len(sizes), "")
    return Growth(sizes, candidates)


def _extract_s(workspace: Workspace, count: int, seed: int, pages: int = 4) -> float:
    """Seconds per theorem for the rows and keys of random pages, as the extraction requests them."""
    size = min(THEOREMS_PER_REQUEST, count)
    pages = min(pages, count - size + 1)
    start = time.monotonic()
    for first in random.Random(seed).sample(range(count - size + 1), pages):
        workspace.theorems(first, size)
        workspace.keys(first, size)
    return (time.monotonic() - start) / (size * pages)


# --- extrapolating --------------------------------------------------------------------------------------------------------------


def extrapolate(measured: Measured, theorems: int, targets: int, workers: Sequence[int], slower: Sequence[float], seed: int = 0) -> Scale:
    """Simulates runs on a library with this number of theorems and targets. workers, slower: every combination of a number of workers and a
    factor of Lean's time is one run."""
    rng = random.Random(seed)
    repetitions = [_Repetition(measured, theorems, rng) for _ in range(REPETITIONS)]
    runs = []
    for factor in slower:
        for count in workers:
            times = [repetition.run(targets, count, factor, rng) for repetition in repetitions]
            runs.append(SimulatedRun(count, factor, Range.of([wall for wall, _ in times]), Range.of([core for _, core in times])))
    return Scale(measured, theorems, targets, Range.of([r.exponent for r in repetitions]), Range.of([r.candidates for r in repetitions]),
                 Range.of([r.variants for r in repetitions]), runs)


class _Repetition:
    """A bootstrap repetition: the targets drawn again, and a growth between that in the library's order and the linear one."""

    def __init__(self, measured: Measured, theorems: int, rng: random.Random):
        growth = measured.growth
        in_order = growth.exponent(rng.choices(range(len(growth.candidates)), k=len(growth.candidates)))
        self._measured, self._theorems = measured, theorems
        self._costs = rng.choices(measured.costs, k=len(measured.costs))
        self.exponent = rng.uniform(min(in_order, 1.0), 1.0)
        self._factor = (theorems / measured.theorems) ** self.exponent
        self.candidates = self._factor * statistics.fmean(cost.candidates for cost in self._costs)
        self.variants = self._factor * statistics.fmean(cost.variants for cost in self._costs)

    def run(self, targets: int, workers: int, slower: float, rng: random.Random) -> tuple[float, float]:
        """Wall-clock hours and core-hours. It is assumed that the number of written variants grows with the candidates, although rules and
        caps would leave out more of them."""
        grown = [slower * (cost.prepare_s + self._factor * (cost.attempts_s + cost.write_s)) + self._factor * cost.python_s
                 for cost in self._costs]
        extract_s = slower * self._measured.extract_s * self._theorems
        start_s = self._measured.start_s * self._theorems / self._measured.theorems
        free = [start_s] * workers
        for first in range(0, targets, SHARD_TARGETS):
            size = min(SHARD_TARGETS, targets - first)
            heapq.heapreplace(free, free[0] + sum(rng.choices(grown, k=size)))
        wall_s = extract_s / min(workers, SLICES) + max(free)
        return wall_s / 3600, (extract_s + sum(free)) / 3600
