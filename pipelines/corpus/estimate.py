"""`synthesize --dry-run`: estimates time, memory and disk of a job from a sample of its targets. OUT is not changed."""

import math
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from lean_alchemy.pipelines.corpus import mutate
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.corpus.mutate import MUTATE
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import draw_targets
from lean_alchemy.pipelines.runtime import pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import JobError
from lean_alchemy.pipelines.runtime.open_lean import held_gb
from lean_alchemy.pipelines.runtime.shards import is_done, place_of, summary_at
from lean_alchemy.pipelines.runtime.stage import Report

SAMPLE_SIZE = 60
"""Size of the sample: the first targets, in the order of the job."""
CHUNK = 5
"""Number of targets per shard of the sample. The error is computed from the spread between these shards."""


class Amount(msgspec.Struct, frozen=True):
    """An estimate and its 95 % error: value ± error."""

    value: float
    error: float


class Estimate(msgspec.Struct, frozen=True):
    targets: int
    sampled: int
    workers: int
    variants: Amount
    """Verified variants, before deduplication across targets."""
    hours: Amount
    """Hours with all workers in parallel, without the extraction of the library."""
    disk_gb: Amount
    memory_gb: float
    """Typical memory of all workers together."""


def estimate(job: Job[Options], workers: int, report: Report) -> Estimate:
    """Estimates a job; its OUT is not changed. Raises JobError if no target of the sample could be mutated."""
    with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
        trial = Job(Path(folder), job.options)
        with trial.begin(), pool.cluster(workers):
            library = extracted(trial, workers, report)
            names = draw_targets(job.options, library)
            shards = mutate.shards_of(trial, names[:SAMPLE_SIZE], CHUNK)
            runner.run(trial, MUTATE, trial, shards, workers, report, label="sample")
            places = [place for shard in shards if is_done(place := place_of(trial, MUTATE, shard.key), MUTATE)]
            tallies = [summary_at(place, MUTATE).tally for place in places]
            sizes = [_bytes(Path(str(place))) for place in places]
    sampled = sum(tally.targets for tally in tallies)
    if not sampled:
        raise JobError("no target of the sample could be mutated: there is nothing to estimate from")
    times = len(names) / sampled

    def extrapolated(values: list[float]) -> Amount:
        spread = statistics.stdev(values) * math.sqrt(len(values)) if len(values) > 1 else sum(values)
        missing = math.sqrt(max(0.0, 1 - sampled / len(names)))  # no error if the sample has all targets
        return Amount(times * sum(values), 1.96 * times * spread * missing)

    return Estimate(
        targets=len(names), sampled=sampled, workers=workers, variants=extrapolated([float(tally.elaborated) for tally in tallies]),
        hours=extrapolated([tally.seconds / 3600 / workers for tally in tallies]),
        disk_gb=extrapolated([COPIES * n / 1e9 for n in sizes]), memory_gb=workers * held_gb(job.library, len(library.theorems)))


COPIES = 2
"""A variant is stored twice: in its shard and in the table."""


def _bytes(folder: Path) -> int:
    """Bytes of the column data, which grow with the number of targets. Small files consist mostly of their schema, which is not counted."""
    return sum(column.total_compressed_size for file in folder.glob("*.parquet") for column in _columns(file))


def _columns(file: Path) -> Iterator[pq.ColumnChunkMetaData]:
    metadata = pq.read_metadata(file)
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        yield from (group.column(j) for j in range(group.num_columns))
