"""*grade*: finds for each variant of a corpus the cheapest automation that proves it, or records that none does.

A grade depends only on the statement, its target, the engine and the library. It is cached below `OUT/.work/grade` under a key of these,
so that an interrupted run resumes, and a larger corpus needs only the grades of its new variants.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.protocol import AUTOMATIONS
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.samples import rows_of, sample
from lean_alchemy.pipelines.runtime import parquet, pool, runner
from lean_alchemy.pipelines.runtime.job import Job, digest_of
from lean_alchemy.pipelines.runtime.manifest import manifest_at
from lean_alchemy.pipelines.runtime.open_lean import opened, sized
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.shards import is_done
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums, chunks, silent
from lean_alchemy.pipelines.runtime.storage import Location, exchange, new_folder, remove, table_of

GRADED_PER_SHARD = 50
"""Variants per shard: about three seconds of work."""


class Ungraded(msgspec.Struct, frozen=True):
    """The columns of a variant that *grade* reads."""

    variant_id: str
    target: str
    theorem: str
    proof: str

    @property
    def signature(self) -> str:
        """The text between `theorem` and `:=`."""
        return self.theorem.removeprefix("theorem ").removesuffix(f" := {self.proof}")

    @property
    def key(self) -> str:
        return hashlib.blake2b(f"{self.target}\0{self.signature}".encode(), digest_size=16).hexdigest()


class Grade(msgspec.Struct, frozen=True):
    """A row of the table `grades`. closed_by: the cheapest automation that proves the variant within its budget; None if none does.
    unknown: tactics without a verdict, because they killed the engine. A cheaper one than `closed_by` may be among them."""

    variant_id: str
    closed_by: str | None
    unknown: list[str]


class KeyedGrade(msgspec.Struct, frozen=True):
    """A cached grade. key: see `Ungraded.key`."""

    key: str
    closed_by: str | None
    unknown: list[str]

    def of(self, variant: Ungraded) -> Grade:
        return Grade(variant.variant_id, self.closed_by, self.unknown)


class GradeTally(Sums):
    graded: int = 0


class GradeSummary(msgspec.Struct, frozen=True):
    """variants: number of variants of the corpus. graded: number of graded ones. closed_by: for each automation, the number of variants
    that it proves and no cheaper one does; `nothing`: those that none proves. unknown: number of variants with a tactic without a
    verdict."""

    variants: int
    graded: int
    closed_by: dict[str, int]
    unknown: int
    failures: list[Failure]
    seconds: float


class Grader:
    """Holds an engine; grades variants."""

    def __init__(self, library: Library):
        self._workspace = opened(library)

    def __call__(self, items: Sequence[Ungraded]) -> Iterator[KeyedGrade | GradeTally]:
        """Raises EngineRefused for a statement that Lean can't elaborate in this library."""
        for variant in items:
            difficulty = self._workspace.grade(variant.signature, variant.target)
            yield KeyedGrade(variant.key, difficulty.closed_by, list[str](difficulty.unknown))
            yield GradeTally(graded=1)

    def close(self) -> None:
        self._workspace.close()


GRADE = Stage(name="grade", version=1, worker=Grader, tally=GradeTally, tables={"grades": KeyedGrade},
              name_of=lambda variant: variant.variant_id)


def grade(out: Location, size: int | None, workers: int, report: Report = silent, retries: Retries = Retries()) -> GradeSummary:
    """Grades the variants of a corpus, or `size` of them. The table `grades` is written only if all variants were to be graded; grades of
    a sample stay in the cache. Raises UsageError for a folder that is not a corpus."""
    start = time.monotonic()
    manifest = manifest_at(out)
    job = Job(out, manifest.options_as(Options))
    with job.begin():
        variants = VariantsToGrade(out, size, manifest.seed)
        failures = _grade_missing(job, variants, workers, report, retries)
        known = _known(job)
        closed: Counter[str | None] = Counter()
        unknown = 0
        with new_folder(job.work) as made:
            for number, part in enumerate(variants.parts()):
                rows = [known[row.key].of(row) for row in part if isinstance(row, Ungraded) and row.key in known]
                closed.update(row.closed_by for row in rows)
                unknown += sum(bool(row.unknown) for row in rows)
                parquet.write(parquet.to_table(rows, Grade), made / f"part-{number}.parquet")
            if variants.are_all:
                exchange(made, job.out / "grades")
        write_failures(job, GRADE.name, failures)
    by = {**{name: closed[name] for name in AUTOMATIONS}, "nothing": closed[None]}
    return GradeSummary(variants.in_corpus, closed.total(), by, unknown, failures, time.monotonic() - start)


class VariantsToGrade:
    """The variants to grade. Each iteration reads them file by file, because a large corpus does not fit in memory."""

    def __init__(self, out: Location, size: int | None, seed: int):
        self._out, self._size, self._seed = out, size, seed
        self.in_corpus = table_of(out / "variants").count_rows()

    @property
    def are_all(self) -> bool:
        return self._size is None or self._size >= self.in_corpus

    def parts(self) -> Iterator[list[Ungraded | Failure]]:
        if not self.are_all:
            yield sample(GRADE.name, self._out, Ungraded, self._size, self._seed)
            return
        for file in sorted((self._out / "variants").glob("*.parquet"), key=str):
            yield list(rows_of(GRADE.name, file, Ungraded))


def _grade_missing(job: Job, variants: VariantsToGrade, workers: int, report: Report, retries: Retries) -> list[Failure]:
    missing = MissingGrades(job, variants, frozenset(_known(job)))
    with pool.cluster(workers):
        ran = runner.run(job, sized(GRADE, job.library), job.library, missing, workers, report, retries=retries)
    return missing.unread + ran.failures


class MissingGrades:
    """The shards of variants without a grade. unread: failures of rows that could not be read."""

    def __init__(self, job: Job, variants: VariantsToGrade, known: frozenset[str]):
        self._base, self._variants, self._known = job.key(GRADE), variants, known
        self.unread: list[Failure] = []

    def __iter__(self) -> Iterator[Shard]:
        self.unread = []
        for part in self._variants.parts():
            self.unread += [row for row in part if isinstance(row, Failure)]
            todo = [row for row in part if isinstance(row, Ungraded) and row.key not in self._known]
            for chunk in chunks(todo, GRADED_PER_SHARD):
                yield Shard(f"{self._base}/{digest_of([row.key for row in chunk])}", chunk)


def _known(job: Job) -> dict[str, KeyedGrade]:
    """The grades of this run and of earlier ones, by key. A damaged shard is removed, so that its variants are graded again."""
    folder = job.work / GRADE.name / job.key(GRADE)
    known: dict[str, KeyedGrade] = {}
    for place in list(folder.glob("*")) if folder.is_dir() else []:
        if not is_done(place, GRADE):
            continue
        try:
            known |= {row.key: row for row in parquet.read([place / "grades.parquet"], KeyedGrade)}
        except parquet.DamagedTable:
            remove(place)
    return known
