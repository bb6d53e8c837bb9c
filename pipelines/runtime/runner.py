"""The stage runner: it finds the shards that are missing, runs them on Ray, reports progress, and collects tallies and failures.

Every stage of the project runs through `run`. Run again, it resumes with the missing shards. An item that fails becomes a row of
`OUT/failures/STAGE.parquet`, and the run continues.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec

from lean_alchemy.pipelines.runtime import parquet, pool
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import JobError
from lean_alchemy.pipelines.runtime.pool import Crew, Resources
from lean_alchemy.pipelines.runtime.run_log import RunLog
from lean_alchemy.pipelines.runtime.shards import FAILURES, ShardSummary, ShardWorker, is_done, place_of, summary_if_done
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, silent
from lean_alchemy.pipelines.runtime.storage import Location, ask_all, make, remove

RowT = TypeVar("RowT", bound=msgspec.Struct)

CHECKED_AT_ONCE = 500
"""Number of shards whose files are checked together."""

MAX_FAILURES = 100
"""If more items fail than this, something is wrong with the set-up, and the run ends."""


class TooManyFailures(JobError):
    """Too many items failed, and the run ended. Finished shards are kept."""


class Shards(Protocol):
    """The shards of a run, which can be iterated several times: a list, or an object that makes them each time to save memory."""

    def __iter__(self) -> Iterator[Shard]: ...


class Retries(msgspec.Struct, frozen=True):
    """max_failures: the run ends after more failures than this; None: never. retry_failed: retry items that failed in an earlier run?"""

    max_failures: int | None = MAX_FAILURES
    retry_failed: bool = False


class Ran(msgspec.Struct):
    """Result of a stage over all its shards, including those of earlier runs."""

    tally: Any
    failures: list[Failure]
    shards: int


def crew(job: Job, stage: Stage, settings: Any, workers: int) -> Crew:
    """The workers of a stage. Pass them as `hired` to use them in several runs."""
    return Crew(partial(ShardWorker, job, stage, settings), Resources(stage.name, stage.cpus, stage.memory_gb), workers)


def run(job: Job, stage: Stage, settings: Any, shards: Shards, workers: int, report: Report = silent, *, retries: Retries = Retries(),
        note: Callable[[Any], str] = lambda tally: "", label: str | None = None, log: RunLog | None = None,
        hired: Crew | None = None) -> Ran:
    """Runs the missing shards; call it within `pool.cluster`. settings: the argument of the stage's worker, in each process. note: the text
    of the progress, from the tally of this run. label: the title of the progress; the name of the stage if None. hired: a crew that
    stays open after this run. Raises TooManyFailures, ClusterError, and errors of the set-up that a worker raises."""
    make(job.work / stage.name)
    label = label or stage.name
    done: set[str] = set()
    total = there = 0
    for shard, is_there in _looked_at(job, stage, shards, retries):
        total += len(shard.items)
        if is_there:
            done.add(shard.key)
            there += len(shard.items)
    if log:
        log.note("stage", name=stage.name, done=len(done), items=total)
    report(label, there, total, "")
    tally, failed, lost = stage.tally(), 0, list[Failure]()
    missing = (shard for shard in shards if shard.key not in done)
    with (nullcontext(hired) if hired else crew(job, stage, settings, workers)) as staff:
        for event in staff.run(missing):
            shard: Shard = event.item
            there += len(shard.items)
            if isinstance(event, pool.LostItem):
                if log:
                    log.note("lost", stage=stage.name, key=shard.key, reason=event.reason)
                lost += [Failure.of(stage.name, stage.name_of(item), f"the worker processes died: {event.reason}") for item in shard.items]
            else:
                summary: ShardSummary = event.result
                tally.add(summary.tally)
                failed += summary.failures
                if log:
                    log.note("shard", stage=stage.name, key=shard.key, items=len(shard.items), failures=summary.failures,
                             tally=summary.tally)
            job.note_seconds()
            report(label, there, total, note(tally))
            if retries.max_failures is not None and failed + len(lost) > retries.max_failures:
                _end(job, stage, shards, lost, retries.max_failures)
    return collect(job, stage, shards, lost)


def collect(job: Job, stage: Stage, shards: Shards, lost: Iterable[Failure] = ()) -> Ran:
    """The tally and the failures of all shards on disk. lost: failures of shards that are not on disk."""
    tally, failures, count = stage.tally(), list(lost), 0
    for group in _groups(shards):
        summaries = ask_all(partial(summary_if_done, stage=stage), [place_of(job, stage, shard.key) for shard in group])
        for shard, summary in zip(group, summaries, strict=True):
            if summary is None:
                continue
            count += 1
            tally.add(summary.tally)
            if summary.failures:
                failures += _read(job, stage, shard, FAILURES, Failure, failures)
    return Ran(tally, failures, count)


def rows(job: Job, stage: Stage, shard: Shard, table: str, failures: list[Failure]) -> list[Any]:
    """The rows of a shard's table; an empty list if the shard is not on disk. If a page is damaged, all items of the shard are added to
    `failures`, and the shard is removed, so that the next run makes it again."""
    return _read(job, stage, shard, table, stage.tables[table], failures) if is_done(place_of(job, stage, shard.key), stage) else []


def _read(job: Job, stage: Stage, shard: Shard, table: str, record: type[RowT], failures: list[Failure]) -> list[RowT]:
    place = place_of(job, stage, shard.key)
    try:
        return parquet.read([place / f"{table}.parquet"], record)
    except parquet.DamagedTable as error:
        remove(place)
        failures += [Failure.of(stage.name, stage.name_of(item), f"its results are damaged: {error}") for item in shard.items]
        return []


def write_failures(job: Job, name: str, failures: list[Failure]) -> None:
    """Writes a stage's file of the table `failures`; it replaces earlier failures of the stage."""
    parquet.write(parquet.to_table(failures, Failure), job.out / FAILURES / f"{name.replace(' ', '-')}.parquet")


def _end(job: Job, stage: Stage, shards: Shards, lost: list[Failure], most: int) -> None:
    failures = collect(job, stage, shards, lost).failures
    write_failures(job, stage.name, failures)
    raise TooManyFailures(f"{stage.name}: more than {most} items failed, such as {failures[0].item}: {failures[0].what}. They are in "
                          f"{job.out / FAILURES}. What is done is kept: remove the cause and run the command again (with --retry-failed "
                          "where it has that option), or allow more by --max-failures")


def _looked_at(job: Job, stage: Stage, shards: Shards, retries: Retries) -> Iterator[tuple[Shard, bool]]:
    """Each shard, and whether it is done. Removes shards that can't be read, and with `retry_failed` those that have failures."""

    def is_there(place: Location) -> bool:
        found = summary_if_done(place, stage)
        if found is None or (retries.retry_failed and found.failures):
            remove(place)
            return False
        return True

    for group in _groups(shards):
        yield from zip(group, ask_all(is_there, [place_of(job, stage, shard.key) for shard in group]), strict=True)


def _groups(shards: Shards) -> Iterator[list[Shard]]:
    waiting = iter(shards)
    while group := list(islice(waiting, CHECKED_AT_ONCE)):
        yield group
