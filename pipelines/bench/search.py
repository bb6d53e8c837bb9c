"""`bench search`: brute force, the index and an oracle side by side, in one process and one run.

On each random target brute force tries every theorem of the libraries in every direction at every site. Then the candidates
of the index are tried, and then only the pairs that succeeded: that is the oracle, the best that any search could do. All three
use the same attempt in Lean. The target is prepared again for each, so that none profits from caches that another filled; index and
oracle take turns at being first. Ratios compare the time of attempts only; preparation, keys and queries are reported separately.

A pair is usable if the new statement has no metavariable, differs from the old one, and has no variable that only the lemma has.
Pairs of `rw` that leave side goals are usable, and have rows of their own (`rw-conclusion+conditions`). For `apply` forward at the
conclusion there is a choice of antecedents: brute force tries each one that is no bare variable.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeGuard

import msgspec

from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import Candidate, Direction, KindName, Site
from lean_alchemy.lean_workspace.workspace import Draft, Lost, PreparedTarget, Retirement, Useless
from lean_alchemy.mutation.kinds import THE_PAPER, kinds_within
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.explain import why_not_applied, why_not_rewritten
from lean_alchemy.pipelines.bench.costs import Costs, sample_costs
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.extract import catalogue
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import draw_targets
from lean_alchemy.pipelines.runtime import pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.pipelines.runtime.open_lean import opened, sized
from lean_alchemy.pipelines.runtime.runner import Retries
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums, chunks

TARGETS_PER_ROUND = 20
"""After so many targets it is decided again which ways still need more pairs."""
TARGETS_PER_SHARD = 5

RETIREMENT = Retirement(requests=500_000)
"""Brute force sends an engine many more requests than any other work."""


class Way(msgspec.Struct, frozen=True):
    """A kind at the conclusion or at hypotheses, with the directions of a lemma to try there."""

    kind: KindName
    site: str
    directions: tuple[Direction, ...]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.site}"


WAYS = (
    Way("rw", "conclusion", ("forward", "backward")),
    Way("rw", "hypothesis", ("forward", "backward")),
    Way("apply", "hypothesis", ("backward",)),
    Way("apply", "conclusion", ("forward",)),
)
PAPER = ("rw-conclusion", "rw-hypothesis", "apply-hypothesis")
"""The paper's four mutations: `rw` at the conclusion and at hypotheses, in both directions, and `apply` at hypotheses."""


class Missed(msgspec.Struct, frozen=True):
    """A usable pair that the index does not find. row: where it is counted, such as `rw-conclusion`. reason: why it was not found."""

    row: str
    target: str
    lemma: str
    direction: Direction
    occurrence: int
    site: str
    reason: str


class RecallCount(Sums):
    """The usable pairs of one kind and site, and how many of them the index finds."""

    usable: int = 0
    found: int = 0


class WayTotals(Sums):
    """Sums of one way over all targets on which it was measured. Seconds are those of attempts in Lean, but query_s is in Python."""

    targets: int = 0
    brute_tried: int = 0
    tried: int = 0
    """Candidates of the index."""
    tried_usable: int = 0
    brute_s: float = 0.0
    indexed_s: float = 0.0
    oracle_s: float = 0.0
    query_s: float = 0.0
    beside: dict[str, int] = msgspec.field(default_factory=dict)
    """Pairs of brute force that Lean accepts but that are not usable, by reason."""
    wasted: dict[str, int] = msgspec.field(default_factory=dict)
    """Candidates of the index that are not usable, by reason."""
    unsteady: int = 0
    """Usable pairs that failed when they were tried again."""


class SearchComparison(Sums):
    """The results of one target or of all. set_aside: targets that could not be prepared, with the reason. forms_s: part of prepare_s."""

    rows: dict[str, RecallCount] = msgspec.field(default_factory=dict)
    ways: dict[str, WayTotals] = msgspec.field(default_factory=dict)
    missed: list[Missed] = msgspec.field(default_factory=list)
    costs: Costs = msgspec.field(default_factory=Costs)
    set_aside: dict[str, str] = msgspec.field(default_factory=dict)
    targets: int = 0
    prepare_s: float = 0.0
    forms_s: float = 0.0

    def row(self, name: str) -> RecallCount:
        return self.rows.setdefault(name, RecallCount())

    @property
    def recall(self) -> dict[str, float | None]:
        """The share of usable pairs that the index finds; None if there are none."""
        return {name: row.found / row.usable if row.usable else None for name, row in self.rows.items()}

    @property
    def precision(self) -> dict[str, float | None]:
        """The share of the index's candidates that are usable, including pairs with conditions; None if there are none."""
        return {name: way.tried_usable / way.tried if way.tried else None for name, way in self.ways.items()}

    def ratio(self, over: str, under: str, ways: Sequence[str] = PAPER) -> float | None:
        """The ratio of two summed times, such as `indexed_s` over `oracle_s`; None if the second is 0."""
        denominator = sum(getattr(self.ways[name], under) for name in ways if name in self.ways)
        return sum(getattr(self.ways[name], over) for name in ways if name in self.ways) / denominator if denominator else None


def ways_of(names: Sequence[str], kinds: Sequence[str]) -> list[Way]:
    """The ways of these names; without names, all ways of the kinds. Raises UsageError for an unknown name."""
    known = {way.name: way for way in WAYS if way.kind in kinds}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"there is no way {unknown[0]!r} to measure: choose among {', '.join(known)}")
    return [way for name, way in known.items() if not names or name in names]


class ComparedTarget(msgspec.Struct, frozen=True):
    """A target on which to compare ways. oracle_first: try the oracle before the index?"""

    target: str
    ways: tuple[Way, ...]
    oracle_first: bool


def measure_search(job: Job[Options], library: Catalogue, ways: Sequence[Way], pairs: int | None, workers: int, report: Report,
                   so_far: Callable[[SearchComparison], None] = lambda compared: None) -> tuple[SearchComparison, list[Failure]]:
    """Compares the ways on the job's targets, in order. pairs: a way is no longer measured when it has this many usable pairs without
    conditions; None: all targets. so_far: called after each batch. Targets that failed are in the list, and not in the comparison."""
    options = job.options
    names = draw_targets(options, library)
    compared, failures = SearchComparison(), list[Failure]()
    stage = sized(COMPARE, job.library, len(library.theorems))
    with pool.cluster(workers), runner.crew(job, stage, job, workers) as crew:
        for start, some in zip(range(0, len(names), TARGETS_PER_ROUND), chunks(names, TARGETS_PER_ROUND), strict=True):
            # Decided once per batch, so that the result does not depend on the number of engines.
            unfinished = tuple(way for way in ways if pairs is None or compared.row(way.name).usable < pairs)
            if not unfinished:
                break
            items = [ComparedTarget(name, unfinished, place % 2 == 1) for place, name in enumerate(some, start)]
            shards = [Shard(job.key(COMPARE, options.seed, chunk), chunk) for chunk in chunks(items, TARGETS_PER_SHARD)]
            ran = runner.run(job, stage, job, shards, workers, report, retries=Retries(retry_failed=True), hired=crew,
                             label=f"targets from {start}", note=_usable_pairs)
            failures += ran.failures
            compared.add(ran.tally)
            so_far(compared)
    return compared, failures


def _usable_pairs(compared: SearchComparison) -> str:
    return "  ".join(f"{name} {row.usable:,}" for name, row in compared.rows.items())


class Comparer:
    """A worker: holds an engine, and the index over all theorems without any rules of the policy."""

    def __init__(self, job: Job[Options]):
        options = job.options
        self._library, self._seed = catalogue(job), options.seed
        self._keys: dict[int, list[Key]] = {}
        for lemma, keys in itertools.groupby(self._library.keys(), key=lambda key: key.lemma):
            self._keys[lemma] = list(keys)
        reach = msgspec.structs.replace(THE_PAPER, forward=True, side_conditions=True)
        self._lemmas = Lemmas(itertools.chain.from_iterable(self._keys.values()), kinds_within(options.kinds, reach),
                              range(len(self._library.theorems)), rules=(), classes=self._library.classes())
        self._workspace = opened(job.library, RETIREMENT)

    def __call__(self, items: Sequence[ComparedTarget]) -> Iterator[SearchComparison]:
        for item in items:
            yield self._compared(item)

    def close(self) -> None:
        self._workspace.close()

    def _compared(self, item: ComparedTarget) -> SearchComparison:
        comparison = SearchComparison(targets=1)
        try:
            start = time.monotonic()
            target = self._workspace.target(self._library.numbers[item.target])
            comparison.prepare_s = time.monotonic() - start
            comparison.forms_s = target.forms_s
            for way in item.ways:
                if _sites(target, way):
                    self._measure(target, item.target, way, comparison, item.oracle_first)
        except (EngineDied, EngineRefused) as error:
            return SearchComparison(targets=1, set_aside={item.target: str(error)})
        return comparison

    def _measure(self, target: PreparedTarget, name: str, way: Way, comparison: SearchComparison, oracle_first: bool) -> None:
        sites = _sites(target, way)
        measured = comparison.ways[way.name] = WayTotals(targets=1)
        everything = list(self._everything(target, way, sites))
        measured.brute_tried = len(everything)
        measured.brute_s, outcomes = _run(target, everything)
        conditions = {c: outcome.conditions for c, outcome in outcomes.items() if _is_usable(outcome)}
        usable = list(conditions)
        _count(measured.beside, (reason for outcome in outcomes.values() if (reason := _beside(outcome))))
        start = time.monotonic()
        indexed = [c for c in self._lemmas.candidates(target.theorem, sites) if c.kind == way.kind]
        measured.query_s = time.monotonic() - start
        measured.tried = len(indexed)
        for oracle in (oracle_first, not oracle_first):
            seconds, again = _run(target, usable if oracle else indexed)
            measured.unsteady += sum(c in again and not _is_usable(again[c]) for c in usable)
            if oracle:
                measured.oracle_s = seconds
            else:
                measured.indexed_s = seconds
                measured.tried_usable = sum(map(_is_usable, again.values()))
                _count(measured.wasted, (_reason(outcome) for outcome in again.values() if not _is_usable(outcome)))
                refused = [c for c, outcome in again.items() if not _is_usable(outcome)]
        found = set(indexed)
        for candidate in usable:
            row_name = f"{way.name}+conditions" if conditions[candidate] else way.name
            row = comparison.row(row_name)
            row.usable += 1
            if candidate in found:
                row.found += 1
            else:
                comparison.missed = [*comparison.missed, self._missed(candidate, name, sites, row_name)]
        comparison.costs.add(sample_costs(target, way.name, usable, refused, random.Random(f"{self._seed} {name} {way.name}")))

    def _everything(self, target: PreparedTarget, way: Way, sites: Sequence[Site]) -> Iterator[Candidate]:
        for site in sites:
            for lemma in range(len(self._library.theorems)):
                if lemma == target.theorem:
                    continue
                if (way.kind, way.directions) == ("apply", ("forward",)):
                    for key in self._keys.get(lemma, ()):
                        if (key.kind, key.direction) == ("apply", "forward"):
                            yield Candidate(site.site, way.kind, lemma, False, key.occurrence)
                else:
                    for direction in way.directions:
                        yield Candidate(site.site, way.kind, lemma, direction == "backward", 0)

    def _missed(self, candidate: Candidate, target: str, sites: Sequence[Site], row: str) -> Missed:
        site = next(site for site in sites if site.site == candidate.site)
        direction: Direction = "backward" if candidate.backward else "forward"
        return Missed(row, target, self._library.theorems[candidate.lemma].name, direction, candidate.occurrence, site.name,
                      self._why(candidate, direction, site))

    def _why(self, candidate: Candidate, direction: Direction, site: Site) -> str:
        keys = [k for k in self._keys.get(candidate.lemma, ())
                if (k.kind, k.direction, k.occurrence) == (candidate.kind, direction, candidate.occurrence)]
        if not keys:
            return "the lemma has no key for this use"
        if all(key.data for key in keys):
            return "its keys say that using it leaves variables undetermined"
        tokens, needs = keys[0].tokens.split("\t"), keys[0].needs
        return why_not_rewritten(tokens, needs, site.rw) if candidate.kind == "rw" else why_not_applied(tokens, needs, site.apply)


COMPARE = Stage(name="compare", version=1, worker=Comparer, tally=SearchComparison, tables={}, name_of=lambda item: item.target)


def _count(counts: dict[str, int], reasons: Iterable[str]) -> None:
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1


def _sites(target: PreparedTarget, way: Way) -> list[Site]:
    return [site for site in target.sites if (site.site == 0) == (way.site == "conclusion")]


def _run(target: PreparedTarget, candidates: Sequence[Candidate]) -> tuple[float, dict[Candidate, Draft | Useless | Lost]]:
    """Seconds of the attempts in Lean, and their outcomes, after preparing the target again."""
    target.forget()
    before = target.attempt_s
    outcomes = dict(target.attempt(candidates))
    return target.attempt_s - before, outcomes


def _is_usable(outcome: Draft | Useless | Lost) -> TypeGuard[Draft]:
    return isinstance(outcome, Draft) and not outcome.introduces


def _reason(outcome: Draft | Useless | Lost) -> str:
    """Why an attempt is not usable."""
    if isinstance(outcome, Draft):
        return "new variables"
    return outcome.reason if isinstance(outcome, Useless) else outcome.cause


def _beside(outcome: Draft | Useless | Lost) -> str | None:
    """Why a pair that Lean accepts is not usable; None if Lean refuses it or it is usable."""
    return None if _is_usable(outcome) or (reason := _reason(outcome)) == "refused" else reason
