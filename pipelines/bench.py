"""Two ways side by side, in one process and one run.

*search*: for each site of random targets, every theorem of the library is tried (brute force), then what the
index finds, then only what succeeded (the oracle, a ceiling), through the same code for an attempt. Recall is
of the pairs that give a statement without metavariables and side goals; times are of the attempts in Lean.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import msgspec

from lean_workspace.embedded import install
from lean_workspace.protocol import Candidate, Site
from lean_workspace.workspace import Draft, PreparedTarget, Useless, Workspace
from mutation.candidates import Lemmas
from mutation.kinds import BY_NAME
from pipelines.extract import Catalogue
from pipelines.job import Job
from pipelines.synthesize import Report


class Missed(msgspec.Struct, frozen=True):
    """A pair that succeeds and that the index does not find."""

    target: str
    lemma: str
    direction: str
    site: str
    reason: str


class Measured(msgspec.Struct):
    """One kind at one sort of site, over all targets. Seconds are of attempts in Lean; query_s is Python's."""

    usable: int = 0
    found: int = 0
    side_goals: int = 0
    candidates: int = 0
    brute_s: float = 0.0
    indexed_s: float = 0.0
    oracle_s: float = 0.0
    query_s: float = 0.0


class SearchResult(msgspec.Struct):
    targets: int
    prepare_s: float
    rows: dict[str, Measured]
    """By kind and site: `rw-conclusion`, …"""
    missed: list[Missed]

    @property
    def recall(self) -> dict[str, float | None]:
        """None where nothing is usable."""
        return {name: row.found / row.usable if row.usable else None for name, row in self.rows.items()}

    def ratio(self, over: str, under: str) -> float | None:
        """Of the sums of two times, such as `indexed_s` over `oracle_s`."""
        below = sum(getattr(row, under) for row in self.rows.values())
        return sum(getattr(row, over) for row in self.rows.values()) / below if below else None


def search(job: Job, library: Catalogue, report: Report) -> SearchResult:
    """The index without rules on quality, against all theorems of the library."""
    lemmas = Lemmas(library.keys(), job.options.kinds, set(range(len(library.theorems))), rules=())
    ordinary = [e.name for e in library.theorems if library.is_of_library(e) and library.is_ordinary(e)]
    targets = random.Random(job.options.seed).sample(ordinary, min(job.options.targets, len(ordinary)))
    result = SearchResult(len(targets), 0.0, defaultdict(Measured), [])
    with Workspace(install.launch, job.library) as workspace:
        for done, name in enumerate(targets):
            report("search", done, len(targets), name)
            start = time.monotonic()
            target = workspace.target(library.numbers[name])
            result.prepare_s += time.monotonic() - start
            for site in target.sites:
                for kind in job.options.kinds:
                    _compare(result, lemmas, library, target, site, kind, name)
        report("search", len(targets), len(targets), "")
    return result


def _compare(result: SearchResult, lemmas: Lemmas, library: Catalogue, target: PreparedTarget, site: Site, kind: str, name: str) -> None:
    everything = _everything(kind, site, library, target.theorem)
    if not everything:
        return
    row = result.rows[f"{kind}-{'conclusion' if site.site == 0 else 'hypothesis'}"]
    usable: set[Candidate] = set()
    reasons: Counter[str] = Counter()

    def collect(candidate: Candidate, outcome: object) -> None:
        if isinstance(outcome, Draft):
            usable.add(candidate)
        elif isinstance(outcome, Useless):
            reasons[outcome.reason] += 1

    row.brute_s += _timed(target, everything, collect)
    start = time.monotonic()
    indexed = [c for c in lemmas.candidates(target.theorem, [site]) if c.kind == kind]
    row.query_s += time.monotonic() - start
    row.indexed_s += _timed(target, indexed)
    row.oracle_s += _timed(target, sorted(usable, key=lambda c: (c.rule, c.backward)))
    found = usable & set(indexed)
    row.usable += len(usable)
    row.found += len(found)
    row.candidates += len(indexed)
    row.side_goals += reasons["side goals"]
    for candidate in sorted(usable - found, key=lambda c: (c.rule, c.backward)):
        result.missed.append(Missed(
            name, library.theorems[candidate.rule].name, "backward" if candidate.backward else "forward", site.name,
            "no pattern of the lemma matches a form of the target"))


def _everything(kind: str, site: Site, library: Catalogue, target: int) -> list[Candidate]:
    """Every theorem in every direction. `apply` forward, which has a choice of antecedents, is not compared."""
    uses = [use for use in BY_NAME[kind].uses if (use.at_conclusion if site.site == 0 else use.at_hypothesis)]
    if kind == "apply":
        uses = [use for use in uses if use.direction == "backward"]
    return [Candidate(site.site, kind, rule, use.direction == "backward", 0)
            for rule in range(len(library.theorems)) if rule != target for use in uses]


def _timed(target: PreparedTarget, candidates: list[Candidate], collect: Callable[[Candidate, object], None] | None = None) -> float:
    before = target.attempt_s
    for candidate, outcome in target.attempt(candidates):
        if collect is not None:
            collect(candidate, outcome)
    return target.attempt_s - before
