"""The main job: extract → mutate (→ refute) → tabulate → verify. Run again, it goes on where it stopped."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.pipelines.corpus import extract, mutate, refute, verify
from lean_alchemy.pipelines.corpus.tabulate import tabulate
from lean_alchemy.pipelines.corpus.verify import Invalid
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, JobError, Manifest, Options, UsageError, versions
from lean_alchemy.pipelines.runtime.lean import has_module, sized
from lean_alchemy.pipelines.runtime.run_log import RunLog
from lean_alchemy.pipelines.runtime.stage import Report, silent
from lean_alchemy.pipelines.runtime.storage import Location, ask_all, remove


class Result(msgspec.Struct, frozen=True):
    """manifest: of the whole of OUT. checked, invalid: of the sample that a fresh engine read again."""

    manifest: Manifest
    checked: int
    invalid: list[Invalid]
    problems: list[str]
    """Errors in files of the user: these theorems were skipped."""
    seconds: float
    seconds_in_all: float


def synthesize(job: Job, workers: int, sample: int, held_out: Path | None = None, report: Report = silent) -> Result:
    """Raises JobError where a shard or the sample failed; what is done stays done."""
    start = time.monotonic()
    log = RunLog(job.out / "run.log")
    with job.begin(), log.run(options=job.options, workers=workers, versions=versions()), pool.cluster(workers):
        library = extracted(job, workers, report)
        shards = mutate.shards_of(job, mutate.draw_targets(job, library))
        if not shards:
            raise JobError(f"{job.library} has no ordinary theorem to mutate" + "".join(f"\n{p}" for p in library.described.problems[:5]))
        held = HeldOut.read(held_out, library, job.options.held_out_premises) if held_out else None
        job.accept()
        run_mutate(job, shards, len(library.theorems), workers, report, log)
        if job.options.refute:
            run_refute(job, shards, len(library.theorems), workers, report)
        log.note("stage", name="select")
        manifest = tabulate(job, library, shards, held, job.note_seconds(), pool.tasks)
        if not manifest.counts["variants"]:
            raise JobError("no variant came of these targets; see the table of rejects for the reasons")
        log.note("stage", name="verify", counts=manifest.counts)
        checked, invalid = run_verify(job.out, job.library, sample, job.options.seed, min(workers, 2), report)
        in_all = job.note_seconds()
    return Result(manifest, checked, invalid, library.described.problems, time.monotonic() - start, in_all)


def extracted(job: Job, workers: int, report: Report = silent) -> extract.Catalogue:
    """The library of the job, from an earlier extraction where there is one."""
    install_if_missing(job.options.workspace, report)
    require_modules(job.library)
    if not extract.take_kept(job):
        missing = extract.missing_slices(job)
        for i in missing:
            remove(extract.slice_folder(job, i))  # one that can't be read
        theorems = 0
        done = extract.SLICES - len(missing)
        report("extract", done, extract.SLICES, "")
        with pool.cluster(workers):
            for event in pool.finish(sized(extract.EXTRACT, job.library), job, missing, workers, lambda number: f"slice {number}"):
                done += 1
                theorems += event.summary
                job.note_seconds()
                report("extract", done, extract.SLICES, f"{theorems:,} theorems")
        extract.measure_generality(job)
        extract.keep(job)
    return extract.catalogue(job)


@contextmanager
def on_library(library: list[str], kinds: list[str], report: Report, **options) -> Iterator[tuple[Job, extract.Catalogue]]:
    """A job without a corpus: the library is extracted the first time, and nothing is left behind.
    options: further fields of Options."""
    with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
        job = Job(Path(folder), Options(library=library, kinds=kinds, **options))
        with job.begin():
            yield job, extracted(job, 2, report)


def run_mutate(job: Job, shards: list[mutate.Shard], theorems: int, workers: int, report: Report, log: RunLog) -> None:
    """Makes the missing shards. theorems: of the library. Raises JobError that names those which are missing still."""
    todo = _missing(shards, partial(mutate.is_done, job))
    for shard in todo:
        remove(job.mutate_folder / shard.key)  # a shard that can't be read
    targets = sum(len(shard.targets) for shard in shards)
    done = targets - sum(len(shard.targets) for shard in todo)
    log.note("stage", name="mutate", shards=len(shards), missing=len(todo))
    report("mutate", done, targets, "")
    tally = mutate.Tally()
    start = time.monotonic()
    failed: list[str] = []
    for event in pool.run(sized(mutate.MUTATE, job.library, theorems), job, todo, workers):
        if isinstance(event, pool.Failed):
            failed.append(f"{event.item.key} ({', '.join(event.item.targets[:2])}, …): {event.reason}")
            log.note("failed", key=event.item.key, reason=event.reason)
            continue
        came: mutate.Tally = event.summary
        done += came.targets
        tally.add(came)
        job.note_seconds()
        log.note("shard", key=event.item.key, targets=came.targets, variants=came.elaborated, seconds=round(came.seconds, 1),
                 lean_s=round(sum(came.lean_s.values()), 1))
        rate = tally.elaborated / (time.monotonic() - start)
        report("mutate", done, targets, f"{tally.elaborated:,} variants, {rate:.0f}/s\nnot kept: {_most(tally.rejects)}")
    if failed:
        raise JobError(f"{len(failed)} of {len(shards)} shards are missing; run again to try them again:\n" + "\n".join(failed))


def _missing(shards: list[mutate.Shard], is_done: Callable[[mutate.Shard], bool]) -> list[mutate.Shard]:
    return [shard for shard, there in zip(shards, ask_all(is_done, shards), strict=True) if not there]


def _most(rejects: dict[str, int], n: int = 4) -> str:
    """The most frequent reasons."""
    most = sorted(rejects.items(), key=lambda item: -item[1])
    rest = sum(count for _, count in most[n:])
    return ", ".join([*(f"{reason.partition(': ')[2]} {count:,}" for reason, count in most[:n]), *([f"others {rest:,}"] if rest else [])])


def run_refute(job: Job, shards: list[mutate.Shard], theorems: int, workers: int, report: Report) -> None:
    """Makes the missing shards of false statements. Raises Unfinished where one failed."""
    todo = _missing(shards, partial(refute.is_done, job))
    for shard in todo:
        remove(refute.place_of(job, shard))  # a shard that can't be read
    done = len(shards) - len(todo)
    tally = refute.RefuteTally()
    report("refute", done, len(shards), "")
    for event in pool.finish(sized(refute.REFUTE, job.library, theorems), job, todo, workers, lambda shard: shard.key):
        done += 1
        tally.add(event.summary)
        job.note_seconds()
        report("refute", done, len(shards), f"{tally.refuted:,} false statements")


def run_verify(out: Location, library: Library, sample: int | None, seed: int, workers: int, report: Report) -> tuple[int, list[Invalid]]:
    """Judges a sample in fresh engines. Raises Unfinished where a worker failed."""
    chunks = list(verify.sampled(out, sample, seed))
    checked, invalid = 0, []
    total = sum(map(len, chunks))
    report("verify", 0, total, "")
    stage, most = sized(verify.VERIFY, library), min(workers, max(1, total // 100))
    for event in pool.finish(stage, library, chunks, most, lambda chunk: chunk[0].variant_id):
        checked += event.summary.checked
        invalid += event.summary.invalid
        report("verify", checked, total, f"{checked - len(invalid):,} valid")
    return checked, invalid


def require_modules(library: Library) -> None:
    """Raises UsageError for a module that Lean does not have."""
    for name in library.modules:
        if not has_module(library, name):
            raise UsageError(
                f"there is no module {name} in the embedded Lean; it has Init, Std and Lean, and their parts. A library such as Mathlib "
                "needs a Lean of yours: `--workspace DIR`" if library.workspace is None else
                f"there is no module {name} in {library.workspace}, or it is not compiled: run `lake exe cache get` (for Mathlib) and "
                "`lake build` there")


def install_if_missing(workspace: str | None, report: Report = silent) -> None:
    """The first job sets the embedded Lean up by itself; a workspace has a Lean of its own."""
    if workspace is None:
        install.setup(lambda step, share: report(step, round(100 * share), 100, ""))
