"""*extract*: reads from a library its theorems, the index keys of its lemmas, and how general each lemma is.

The result depends only on the library and the engine, so it is cached below `$ALCHEMY_HOME` for later jobs.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import filelock
import msgspec
import pyarrow as pa

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import SharedSites, TheoremRow
from lean_alchemy.mutation.policy.generality import SAMPLED_TARGETS, measure_generality
from lean_alchemy.mutation.policy.rules import Policy
from lean_alchemy.mutation.search.candidates import Key
from lean_alchemy.pipelines.corpus.catalogue import GENERALITY, SLICES, Catalogue, Described, Entry, Sampled, entry_of, slice_key
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.job import Job, library_digest
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError
from lean_alchemy.pipelines.runtime.open_lean import library_has_module, opened, sized
from lean_alchemy.pipelines.runtime.shards import is_done
from lean_alchemy.pipelines.runtime.stage import Report, Shard, Stage, Sums, silent
from lean_alchemy.pipelines.runtime.storage import Location, download, is_local, remove, settle

THEOREMS_PER_REQUEST = 250
"""Number of theorems per request to the engine."""

RowT = TypeVar("RowT")


class ExtractTally(Sums):
    theorems: int = 0


class Extractor:
    """Yields slices of the library: item `i` is the i-th of SLICES slices, item SLICES is the description of the library."""

    def __init__(self, library: Library):
        self._workspace = opened(library)

    def __call__(self, items: Sequence[int]) -> Iterator[msgspec.Struct]:
        for item in items:
            if item == SLICES:
                yield self._description()
            else:
                yield from self._slice(item)

    def _description(self) -> Described:
        found = self._workspace.opened
        problems = [f"{p.file}:{p.line}: {p.message}" for p in found.problems]
        return Described(self._workspace.ready.toolchain, found.count, problems, msgspec.json.encode(self._workspace.instances()))

    def _slice(self, item: int) -> Iterator[msgspec.Struct]:
        count = self._workspace.opened.count
        start, end = count * item // SLICES, count * (item + 1) // SLICES
        rows: list[TheoremRow] = []
        for page in range(start, end, THEOREMS_PER_REQUEST):
            size = min(THEOREMS_PER_REQUEST, end - page)
            rows += by_halves(self._workspace.theorems, page, size, lost_row)
            keys = by_halves(lambda first, n: self._workspace.keys(first, n).rows, page, size, lambda number: [])
            yield from (Key(*row) for row in keys)
        for number, row in enumerate(rows, start):
            entry = entry_of(row, self._workspace.opened.modules)
            yield entry
            if Policy().admits(entry.name, entry.tags, entry.term) and _is_drawn(entry.name, count):
                yield Sampled(number, self._sites(number))
        yield ExtractTally(theorems=len(rows))

    def _sites(self, number: int) -> bytes:
        """The queries of a target to the index, as JSON. There are none if Lean can't prepare the target."""
        try:
            return msgspec.json.encode(self._workspace.sites(number))
        except (EngineDied, EngineRefused):
            return msgspec.json.encode(SharedSites(forms=[], sites=[], instances=[]))

    def close(self) -> None:
        self._workspace.close()


EXTRACT = Stage(
    name="extract", version=1, worker=Extractor, tally=ExtractTally, name_of=lambda number: f"slice {number}",
    tables={"theorems": Entry, "keys": Key, "sample": Sampled, "library": Described})


def by_halves(ask: Callable[[int, int], list[RowT]], first: int, count: int, lost: Callable[[int], list[RowT]]) -> list[RowT]:
    """The rows of `count` theorems. If the engine dies, the range is halved, so that only the theorem that kills it is lost."""
    try:
        return ask(first, count)
    except EngineDied:
        if count == 1:
            return lost(first)
    half = count // 2
    return by_halves(ask, first, half, lost) + by_halves(ask, first + half, count - half, lost)


def lost_row(number: int) -> list[TheoremRow]:
    """Placeholder for a theorem that kills the engine. It has no statement, so it is neither target nor lemma."""
    return [TheoremRow(name=f"_lost.{number}", module=0, line=None, statement=None, term=None, binders=[], level_params=[], tags=[],
                       docstring=None)]


def _is_drawn(name: str, count: int) -> bool:
    """Is a theorem in the sample of a library of `count` theorems? A digest of its name decides, so the slices do not matter."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) % max(1, count // SAMPLED_TARGETS) == 0


# --- a whole extraction ---------------------------------------------------------------------------------------------------------


def extracted(job: Job, workers: int, report: Report = silent) -> Catalogue:
    """The library of the job, from the cache if it is there. Raises UsageError for a module that Lean does not have, JobError if a slice
    failed."""
    install_if_missing(job.library.workspace, report)
    require_modules(job.library)
    if not _take_kept(job):
        from lean_alchemy.pipelines.runtime import pool, runner  # Ray takes 0.3 s to import, and is not needed for a kept extraction

        shards = [Shard(_key(job, i), [i]) for i in range(SLICES + 1)]
        with pool.cluster(workers):
            ran = runner.run(job, sized(EXTRACT, job.library), job.library, shards, workers, report,
                             retries=runner.Retries(retry_failed=True), note=lambda tally: f"{tally.theorems:,} theorems")
        if ran.failures:
            raise JobError("the library was not extracted: " + "; ".join(f"{f.item}: {f.what}" for f in ran.failures[:3]))
        _measure_generality(job)
        with suppress(OSError):  # the cache is optional: ignore a full disk below $ALCHEMY_HOME
            _kept_copy(job)
    return catalogue(job)


def catalogue(job: Job) -> Catalogue:
    """The extraction of the job. From an object store it is first copied to this machine. Raises JobError if it is incomplete."""
    is_here = not is_local(job.work) and _kept(job).is_dir()
    if not is_here and (missing := _missing(job)):
        raise JobError(f"the library was not extracted: slices {missing} are missing")
    folder = extraction_folder(job) if is_local(job.work) else _kept_copy(job)
    try:
        found = Catalogue(folder, job.options.library)
    except parquet.DamagedTable as error:
        for damaged in (extraction_folder(job), _kept(job)):
            remove(damaged)
        raise JobError(f"{error}. The extraction of the library was removed: run the command again, which extracts it anew") from None
    if not found.theorems:
        raise JobError(f"{job.library} has no theorems" + "".join(f"\n{p}" for p in found.described.problems[:5]))
    return found


@contextmanager
def on_library(library: list[str], kinds: list[str], report: Report, workers: int = 2, out: Path | None = None,
               **options: Any) -> Iterator[tuple[Job[Options], Catalogue]]:
    """A job that only needs the library, which is extracted if it is not cached. out: the folder of its shards; None: a temporary one.
    options: further fields of Options."""
    with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
        job = Job(out or Path(folder), Options(library=library, kinds=kinds, **options))
        with job.begin():
            job.accept()
            yield job, extracted(job, workers, report)


def require_modules(library: Library) -> None:
    """Raises UsageError for a module that Lean does not have."""
    for name in library.modules:
        if not library_has_module(library, name):
            raise UsageError(
                f"there is no module {name} in the embedded Lean; it has Init, Std, Lean and their submodules. For a library such as "
                "Mathlib use your own Lean: `--workspace DIR`" if library.workspace is None else
                f"there is no module {name} in {library.workspace}, or it is not compiled: run `lake exe cache get` (for Mathlib) and "
                "`lake build` there")


def install_if_missing(workspace: str | None, report: Report = silent) -> None:
    """Installs the embedded Lean if it is needed and missing. A workspace has its own Lean."""
    if workspace is None:
        install.setup(lambda step, share: report(step, round(100 * share), 100, ""))


def _key(job: Job, item: int) -> str:
    return f"{job.key(EXTRACT)}/{slice_key(item)}"


def extraction_folder(job: Job) -> Location:
    """The folder of the slices of the job's library."""
    return job.work / EXTRACT.name / job.key(EXTRACT)


def _missing(job: Job) -> list[int]:
    """The numbers of the slices that are missing or unreadable."""
    return [i for i in range(SLICES + 1) if not is_done(extraction_folder(job) / slice_key(i), EXTRACT)]


def _measure_generality(job: Job) -> None:
    """Measures how general each lemma is, and adds the result to a complete extraction."""
    place = extraction_folder(job) / GENERALITY
    if parquet.is_whole(place):
        return
    library = Catalogue(extraction_folder(job), job.options.library)
    shares = measure_generality(library.keys(), list(library.sample()), len(library.theorems), library.classes()).shares
    lemma, kind, direction = zip(*shares, strict=True) if shares else ((), (), ())
    parquet.write(pa.table({"lemma": pa.array(lemma, pa.int64()), "kind": pa.array(kind, pa.string()),
                            "direction": pa.array(direction, pa.string()), "share": pa.array(list(shares.values()), pa.float64())}), place)


def _kept(job: Job) -> Path:
    return _kept_folder(job.library)


def _kept_folder(library: Library) -> Path:
    return install.home() / "libraries" / f"{library_digest(library)}-{EXTRACT.version}"


def is_kept(library: Library) -> bool:
    """Is the extraction of the library in the cache below `$ALCHEMY_HOME`?"""
    return _kept_folder(library).is_dir()


def _take_kept(job: Job) -> bool:
    """Copies the extraction from the cache, if it is there. True if the extraction is complete."""
    kept = _kept(job)
    if _missing(job) and kept.is_dir():
        remove(extraction_folder(job))
        with job.folder(extraction_folder(job)) as part:
            shutil.copytree(kept, part, dirs_exist_ok=True)
    return not _missing(job) and parquet.is_whole(extraction_folder(job) / GENERALITY)


def _kept_copy(job: Job) -> Path:
    """The copy of the extraction in the cache below `$ALCHEMY_HOME`. It is made if it is missing."""
    kept = _kept(job)
    if kept.is_dir():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{kept}.lock"):
        if kept.is_dir():
            return kept
        part = kept.parent / f"{kept.name}.part-{uuid4().hex}"
        try:
            part.mkdir()
            download(extraction_folder(job), part)
            settle(part, kept)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return kept
