"""*grade*: the variants of a corpus go in; the cheapest automation that proves each comes out, or nothing.

A verdict depends on the statement, its target, the engine and the library alone. So it is kept below
`OUT/.work/grade/KEY/`, where KEY names the engine and the library, by a digest of the other two: a run that was
killed goes on, and a corpus that has grown costs what is new in it.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator

import msgspec

from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.protocol import PORTFOLIO
from lean_alchemy.pipelines.corpus.verify import drawn
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, JobError, library_digest
from lean_alchemy.pipelines.runtime.lean import opened, sized
from lean_alchemy.pipelines.runtime.stage import History, Report, Stage, silent
from lean_alchemy.pipelines.runtime.storage import Location, draft, exchange, make, table_of

CHUNK = 50
"""Variants: about three seconds of work, which is what a crash costs."""


class Ungraded(msgspec.Struct, frozen=True):
    variant_id: str
    target: str
    theorem: str
    proof: str

    @property
    def signature(self) -> str:
        """What stands between `theorem` and `:=`."""
        return self.theorem.removeprefix("theorem ").removesuffix(f" := {self.proof}")

    @property
    def key(self) -> str:
        return hashlib.blake2b(f"{self.target}\0{self.signature}".encode(), digest_size=16).hexdigest()


class Grade(msgspec.Struct, frozen=True):
    """A row of the table: the cheapest automation that proves the variant within its budget, None where none does.
    unknown: what has no verdict because the engine died of it; a cheaper one may be among these."""

    variant_id: str
    closed_by: str | None
    unknown: list[str]


class Verdict(msgspec.Struct, frozen=True):
    """What is kept of the work on a variant, by its key. closed_by, unknown: as in `Grade`."""

    key: str
    closed_by: str | None
    unknown: list[str]

    def of(self, variant: Ungraded) -> Grade:
        return Grade(variant.variant_id, self.closed_by, self.unknown)


class Grades(msgspec.Struct, frozen=True):
    """variants: of the corpus. graded: of these. closed_by: how many each automation closes that no cheaper one does, and how many
    nothing closes. unknown: variants with an automation without a verdict."""

    variants: int
    graded: int
    closed_by: dict[str, int]
    unknown: int
    seconds: float


class Grader:
    """Holds an engine; works on one chunk after the other."""

    def __init__(self, job: Job):
        self._folder = verdict_folder(job)
        self._workspace = opened(job.library)

    def __call__(self, chunk: list[Ungraded], history: History) -> int:
        """Grades the chunk and leaves its verdicts on disk. Raises JobError where Lean can't read a statement."""
        verdicts = []
        for variant in chunk:
            try:
                difficulty = self._workspace.grade(variant.signature, variant.target)
            except EngineRefused as refused:
                raise JobError(f"{variant.variant_id} does not read back in this library: {refused}") from None
            verdicts.append(Verdict(variant.key, difficulty.closed_by, difficulty.unknown))
        name = hashlib.blake2b("".join(v.key for v in verdicts).encode(), digest_size=8).hexdigest()
        tables.write(tables.to_table(verdicts, Verdict), self._folder / f"{name}.parquet")
        return len(verdicts)

    def close(self) -> None:
        self._workspace.close()


GRADE = Stage(name="grade", worker=Grader)


def verdict_folder(job: Job) -> Location:
    return job.work / "grade" / library_digest(job.library)


def verdicts_of(folder: Location) -> dict[str, Verdict]:
    """What earlier runs found, by key. A file that can't be read is removed: its variants are graded again."""
    verdicts: dict[str, Verdict] = {}
    for file in folder.glob("*.parquet"):
        if tables.is_whole(file):
            verdicts.update((verdict.key, verdict) for verdict in tables.read([file], Verdict))
        else:
            file.unlink()
    return verdicts


def grade(out: Location, sample: int | None, workers: int, report: Report = silent) -> Grades:
    """Grades the variants of a corpus. The table `grades` is written once all of them are: a sample only says how the
    corpus looks, and is not lost. Raises UsageError for a folder that is no corpus, Unfinished where a chunk failed."""
    start = time.monotonic()
    manifest = Job.manifest_at(out)
    job = Job(out, manifest.options)
    with job.begin():
        texts = Texts(out, sample, manifest.seed)
        make(verdict_folder(job))
        _work(job, texts, workers, report)
        verdicts = verdicts_of(verdict_folder(job))
        closed: Counter[str | None] = Counter()
        unknown = 0
        with draft(job.work) as made:
            for part, variants in enumerate(texts.parts()):
                rows = [verdicts[variant.key].of(variant) for variant in variants]
                closed.update(row.closed_by for row in rows)
                unknown += sum(bool(row.unknown) for row in rows)
                tables.write(tables.to_table(rows, Grade), made / f"part-{part}.parquet")
            if texts.are_all:
                exchange(made, job.out / "grades")
    return Grades(texts.corpus, texts.count, {**{name: closed[name] for name in PORTFOLIO}, "nothing": closed[None]}, unknown,
                  time.monotonic() - start)


class Texts:
    """The variants to grade. They are read part by part, as often as they are asked for: a large corpus has too many to be held."""

    def __init__(self, out: Location, sample: int | None, seed: int):
        self._out, self._sample, self._seed = out, sample, seed
        self.corpus = table_of(out / "variants").count_rows()
        self.count = self.corpus if sample is None else min(sample, self.corpus)

    @property
    def are_all(self) -> bool:
        return self.count == self.corpus

    def parts(self) -> Iterator[list[Ungraded]]:
        if not self.are_all:
            yield drawn(self._out, Ungraded, self._sample, self._seed)
            return
        for file in sorted((self._out / "variants").glob("*.parquet"), key=str):
            yield tables.read([file], Ungraded)


def _work(job: Job, texts: Texts, workers: int, report: Report) -> None:
    """Grades what has no verdict yet."""
    known = set(verdicts_of(verdict_folder(job)))
    done = sum(variant.key in known for variants in texts.parts() for variant in variants) if known else 0
    report("grade", done, texts.count, "")
    if done == texts.count:
        return
    with pool.cluster(workers):
        for event in pool.finish(sized(GRADE, job.library), job, _chunks(texts, known), workers, lambda chunk: chunk[0].variant_id):
            done += event.summary
            report("grade", done, texts.count, "")


def _chunks(texts: Texts, known: set[str]) -> Iterator[list[Ungraded]]:
    """What has no verdict yet, as items of work."""
    for variants in texts.parts():
        todo = [variant for variant in variants if variant.key not in known]
        yield from (todo[i:i + CHUNK] for i in range(0, len(todo), CHUNK))
