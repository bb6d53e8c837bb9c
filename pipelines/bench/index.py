"""`bench index`: the cost of building, loading and querying the index, and how it grows with the library.

*build*: the keys of all lemmas, computed in Lean by several engines in parallel (their start is measured separately), and the trie.
*load*: what a worker does at its start, measured in a fresh process: it reads the stored extraction and builds the trie.
Nodes of the trie are filled in on demand, so the first queries pay a part of the cost.
*query*: the candidates of random targets with all their sites, for the whole library and for random parts of it. The forms of a
target are computed in Lean once and depend on the target alone.
"""

import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec
import psutil

from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.kinds import Kind, Reach, kinds_within
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.extract import THEOREMS_PER_REQUEST, extraction_folder
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import draw_targets
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import Report

INDEXED_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
MATHLIB = 200_000
"""Number of theorems of Mathlib, to which the measurements are extrapolated."""


class Build(msgspec.Struct, frozen=True):
    """Wall-clock times of building. growth: (theorems done, seconds since the first request), in order of arrival."""

    engines: int
    start_s: float
    keys_s: float
    trie_s: float
    keys: int
    engine_gb: float
    """Memory of the largest engine at the end."""
    process_gb: float
    growth: list[tuple[int, float]]


class Load(msgspec.Struct, frozen=True):
    """Loading in a fresh process: seconds for reading and for the trie, and the memory of both."""

    read_s: float
    trie_s: float
    memory_mb: float

    @property
    def seconds(self) -> float:
        return self.read_s + self.trie_s


class Spread(msgspec.Struct, frozen=True):
    """Median and 95th percentile."""

    median: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])


class Size(msgspec.Struct, frozen=True):
    """Measurements for a random part of the library."""

    theorems: int
    keys: int
    trie_s: float
    query_ms: Spread
    candidates: Spread


class IndexResult(msgspec.Struct, frozen=True):
    """The result of `bench index`. theorems: of the library. targets: number of queries. sizes: one for each of PARTS."""

    library: list[str]
    theorems: int
    targets: int
    build: Build
    load: Load
    forms_ms: Spread
    """Computing the forms of a target in Lean."""
    prepare_ms: Spread
    """The whole request, in which the target is also introduced, printed and read back."""
    sizes: list[Size]

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Each growing quantity as a list of (theorems, value)."""
        growth = self.build.growth
        marks = [next(point for point in growth if point[0] >= part * growth[-1][0]) for part in INDEXED_SHARES]
        return {
            "keys_in_lean_s": [(n, s) for n, s in marks],
            "trie_s": [(size.theorems, size.trie_s) for size in self.sizes],
            "query_ms_median": [(size.theorems, size.query_ms.median) for size in self.sizes],
            "query_ms_p95": [(size.theorems, size.query_ms.p95) for size in self.sizes],
            "candidates_median": [(size.theorems, size.candidates.median) for size in self.sizes]}

    def exponents(self) -> dict[str, float | None]:
        return {name: exponent(points) for name, points in self.curves().items()}

    def extrapolated(self, theorems: int) -> dict[str, float]:
        """The value of each curve for a library of that size, extrapolated from its last point by its exponent."""
        return {name: points[-1][1] * (theorems / points[-1][0]) ** slope
                for name, points in self.curves().items() if (slope := exponent(points)) is not None}

    def summary(self) -> dict:
        return {**msgspec.to_builtins(self), "load_s": self.load.seconds, "curves": self.curves(), "exponents": self.exponents(),
                "at": {str(MATHLIB): self.extrapolated(MATHLIB)}}


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The exponent of a power law, by least squares on the logarithms: 1 is linear. None if a value is 0."""
    if any(x <= 0 or y <= 0 for x, y in points):
        return None
    from math import log

    return statistics.linear_regression([log(x) for x, _ in points], [log(y) for _, y in points]).slope


def measure_index(job: Job[Options], library: Catalogue, workers: int, report: Report) -> IndexResult:
    """workers: engines that compute keys in parallel. The job's targets are the queries; targets that can't be prepared are skipped."""
    kinds = kinds_within(["rw", "apply"], Reach())
    build = _build(job, library, kinds, workers, report)
    report("load", 0, 1, "")
    load = _in_fresh_process(_load, extraction_folder(job), job.options.library)
    report("load", 1, 1, f"{load.seconds:.1f} s")
    names = draw_targets(job.options, library)
    queries: list[tuple[int, list[Site]]] = []
    forms_ms: list[float] = []
    prepare_ms: list[float] = []
    with opened(job.library) as workspace:
        for done, name in enumerate(names):
            report("targets", done, len(names), "")
            number = library.numbers[name]
            start = time.monotonic()
            try:
                target = workspace.target(number)
            except (EngineDied, EngineRefused):
                continue
            prepare_ms.append((time.monotonic() - start) * 1000)
            forms_ms.append(target.forms_s * 1000)
            queries.append((number, target.sites))
        report("targets", len(names), len(names), "")
    sizes = []
    for part in INDEXED_SHARES:
        sizes.append(_size(part, library, kinds, queries, job.options.seed))
        report("sizes", len(sizes), len(INDEXED_SHARES), f"{sizes[-1].query_ms.median:.2f} ms")
    return IndexResult(job.options.library, len(library.theorems), len(queries), build, load,
                       Spread.of(forms_ms), Spread.of(prepare_ms), sizes)


def _build(job: Job[Options], library: Catalogue, kinds: Sequence[Kind], workers: int, report: Report) -> Build:
    count = len(library.theorems)
    start = time.monotonic()
    with ThreadPoolExecutor(workers) as threads:
        workspaces = list(threads.map(lambda _: opened(job.library), range(workers)))
        start_s = time.monotonic() - start
        free = list(workspaces)

        def page(first: int) -> tuple[int, list[tuple]]:
            workspace = free.pop()  # there are as many threads as engines, so one is free
            try:
                return first, workspace.keys(first, min(THEOREMS_PER_REQUEST, count - first)).rows
            finally:
                free.append(workspace)

        start = time.monotonic()
        pages: dict[int, list[tuple]] = {}
        growth: list[tuple[int, float]] = []
        try:
            # Pages in random order: theorems of one module are similar, and the growth should not depend on the order of modules.
            firsts = random.Random(0).sample(range(0, count, THEOREMS_PER_REQUEST), len(range(0, count, THEOREMS_PER_REQUEST)))
            for future in as_completed([threads.submit(page, first) for first in firsts]):
                first, rows = future.result()
                pages[first] = rows
                done = min(count, len(pages) * THEOREMS_PER_REQUEST)
                growth.append((done, time.monotonic() - start))
                report("build", done, count, "")
            keys_s = time.monotonic() - start
            engine_gb = max(workspace.memory_gb for workspace in workspaces)
        finally:
            for workspace in workspaces:
                workspace.close()
    start = time.monotonic()
    Lemmas((Key(*row) for first in sorted(pages) for row in pages[first]), kinds, range(count),
           classes=library.classes())
    return Build(workers, start_s, keys_s, time.monotonic() - start, sum(map(len, pages.values())), engine_gb,
                 psutil.Process().memory_info().rss / 1e9, growth)


def _load(folder: Path, named: Sequence[str]) -> Load:
    process = psutil.Process()
    before = process.memory_info().rss
    start = time.monotonic()
    library = Catalogue(folder, named)
    read_s = time.monotonic() - start
    start = time.monotonic()
    lemmas = Lemmas(library.keys(), kinds_within(["rw", "apply"], Reach()), range(len(library.theorems)), classes=library.classes())
    trie_s = time.monotonic() - start
    memory_mb = (process.memory_info().rss - before) / 1e6
    del lemmas
    return Load(read_s, trie_s, memory_mb)


def _in_fresh_process(work: Callable, *arguments: object) -> Load:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _size(part: float, library: Catalogue, kinds: Sequence[Kind], queries: Sequence[tuple[int, list[Site]]], seed: int) -> Size:
    count = len(library.theorems)
    drawn = set(random.Random(seed).sample(range(count), round(part * count)))
    keys = list(filter(lambda key: key.lemma in drawn, library.keys()))
    start = time.monotonic()
    lemmas = Lemmas(keys, kinds, drawn, classes=library.classes())
    trie_s = time.monotonic() - start
    milliseconds: list[float] = []
    counts: list[float] = []
    for number, sites in queries:
        start = time.monotonic()
        candidates = lemmas.candidates(number, sites)
        milliseconds.append((time.monotonic() - start) * 1000)
        counts.append(len(candidates))
    return Size(len(drawn), len(keys), trie_s, Spread.of(milliseconds), Spread.of(counts))
