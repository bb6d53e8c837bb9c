"""Runs a shard in a worker process: the stage's worker gets its items, and the results are written to one folder, all or none.

    OUT/.work/STAGE/KEY/TABLE.parquet ...
                        failures.parquet
                        tally.json

The worker first gets all items of the shard at once. If it raises an error, or if an earlier process died at the shard, it gets the
items one by one, so that a bad item does not affect the others.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.blame import Blame
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import JobError
from lean_alchemy.pipelines.runtime.stage import Failure, History, Shard, Stage, Worker, ends_the_run
from lean_alchemy.pipelines.runtime.storage import Location, write_whole

FAILURES, TALLY = "failures", "tally.json"


class ShardSummary(msgspec.Struct, frozen=True):
    """What a worker returns to the driver about a shard. It is small; the rows are on disk."""

    tally: Any
    failures: int


class _Tally(msgspec.Struct):
    failures: int
    tally: msgspec.Raw


class ShardWorker:
    """Works on the shards of a stage, one at a time. settings: the argument of the stage's worker."""

    def __init__(self, job: Job, stage: Stage, settings: Any):
        _require_same_version(stage)
        self._job, self._stage = job, stage
        self._worker: Worker = stage.worker(settings)

    def __call__(self, shard: Shard, history: History) -> ShardSummary:
        blame = Blame(self._job.work, shard.key, history)
        rows = None if history.died else self._together(shard.items)
        if rows is None:
            rows = list(self._one_by_one(shard.items, blame))
        summary = self._write(shard, rows)
        blame.clear()
        return summary

    def close(self) -> None:
        self._worker.close()

    def _together(self, items: Sequence[Any]) -> list[msgspec.Struct] | None:
        """The rows of all items; None if the worker raised an error."""
        try:
            return list(self._worker(items))
        except Exception as error:
            if ends_the_run(error):
                raise
            return None

    def _one_by_one(self, items: Sequence[Any], blame: Blame) -> Iterator[msgspec.Struct]:
        for item in items:
            name = self._stage.name_of(item)
            if name in blame.blamed:
                yield Failure.of(self._stage.name, name, "it killed the worker process")
                continue
            blame.suspect(name)
            try:
                yield from list(self._worker([item]))
            except Exception as error:
                if ends_the_run(error):
                    raise
                yield Failure.of(self._stage.name, name, error)

    def _write(self, shard: Shard, rows: list[msgspec.Struct]) -> ShardSummary:
        tally, failures = self._stage.tally(), [row for row in rows if isinstance(row, Failure)]
        for row in rows:
            if isinstance(row, self._stage.tally):
                tally.add(row)
            elif type(row) not in (*self._stage.tables.values(), Failure):
                raise TypeError(f"stage {self._stage.name} has no table for a {type(row).__name__}")
        with self._job.folder(place_of(self._job, self._stage, shard.key)) as part:
            for name, record in self._stage.tables.items():
                parquet.write(parquet.to_table((row for row in rows if type(row) is record), record), part / f"{name}.parquet")
            parquet.write(parquet.to_table(failures, Failure), part / f"{FAILURES}.parquet")
            write_whole(part / TALLY, msgspec.json.encode({"failures": len(failures), "tally": tally}))
        return ShardSummary(tally, len(failures))


def _require_same_version(stage: Stage) -> None:
    """Raises JobError if this node has another version of the stage than the driver."""
    defined = vars(sys.modules[stage.worker.__module__]).values()
    here = next((value for value in defined if isinstance(value, Stage) and value.name == stage.name), stage)
    if here.version != stage.version:
        raise JobError(f"a node of the cluster has version {here.version} of the stage {stage.name}, the leading process has version "
                       f"{stage.version}: install the same lean-alchemy on all nodes")


def place_of(job: Job, stage: Stage, key: str) -> Location:
    return job.work / stage.name / key


def is_done(place: Location, stage: Stage) -> bool:
    """Is the shard on disk, does each of its tables have a footer, and can its tally be read?"""
    return summary_if_done(place, stage) is not None


def summary_if_done(place: Location, stage: Stage) -> ShardSummary | None:
    """The tally and the number of failures of a shard; None if it is not done."""
    return _tally_at(place, stage) if parquet.are_whole(place, *stage.tables, FAILURES) else None


def summary_at(place: Location, stage: Stage) -> ShardSummary:
    """The tally and the number of failures of a shard that is done."""
    found = _tally_at(place, stage)
    assert found is not None, f"{place} is not done"
    return found


def _tally_at(place: Location, stage: Stage) -> ShardSummary | None:
    try:
        found = msgspec.json.decode((place / TALLY).read_bytes(), type=_Tally)
        return ShardSummary(msgspec.json.decode(found.tally, type=stage.tally), found.failures)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
