"""`synthesize --dry-run`: what a job would take, drawn out from a sample of its targets. Nothing of it stays."""

import math
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
from rich.table import Table

from lean_alchemy.pipelines.commands.printing import out
from lean_alchemy.pipelines.corpus import mutate
from lean_alchemy.pipelines.corpus.synthesize import extracted
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, JobError
from lean_alchemy.pipelines.runtime.lean import held_gb
from lean_alchemy.pipelines.runtime.stage import Report

SAMPLE = 60
"""Targets that are tried, the first ones of the order in which the job would take them."""
CHUNK = 5
"""Targets whose time is measured together: targets differ much, and the spread between chunks says how much."""


class Amount(msgspec.Struct, frozen=True):
    """An estimate, and how far off it may be: 95 of 100 estimates made so lie closer."""

    value: float
    error: float


class Estimate(msgspec.Struct, frozen=True):
    targets: int
    sampled: int
    workers: int
    variants: Amount
    """That are verified: what is alike between targets goes later."""
    hours: Amount
    """Of all workers side by side, the extraction of the library not included."""
    disk_gb: Amount
    memory_gb: float
    """As a rule, all workers together."""


def estimate(job: Job, workers: int, report: Report) -> Estimate:
    """job: its OUT is not touched. Raises JobError where the sample comes to nothing."""
    with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
        trial = Job(Path(folder), job.options)
        with trial.begin(), pool.cluster(workers):
            library = extracted(trial, workers, report)
            names = mutate.draw_targets(trial, library)
            shards = mutate.shards_of(trial, names[:SAMPLE], CHUNK)
            tallies: list[mutate.Tally] = []
            bytes_: list[int] = []
            sampled = len(names[:SAMPLE])
            report("sample", 0, sampled, "")
            for event in pool.run(mutate.MUTATE, trial, shards, workers):
                if isinstance(event, pool.Failed):
                    raise JobError(f"a part of the sample failed: {event.reason}")
                tallies.append(event.summary)
                bytes_.append(_bytes(trial.mutate_folder / event.item.key))
                report("sample", sum(tally.targets for tally in tallies), sampled, "")
    if not tallies:
        raise JobError("there are no targets to draw a sample from")
    times = len(names) / sampled

    def drawn_out(values: list[float]) -> Amount:
        spread = statistics.stdev(values) * math.sqrt(len(values)) if len(values) > 1 else sum(values)
        missing = math.sqrt(max(0.0, 1 - sampled / len(names)))  # where all are in the sample nothing is left to chance
        return Amount(times * sum(values), 1.96 * times * spread * missing)

    return Estimate(
        targets=len(names), sampled=sampled, workers=workers, variants=drawn_out([float(tally.elaborated) for tally in tallies]),
        hours=drawn_out([tally.seconds / 3600 / workers for tally in tallies]),
        disk_gb=drawn_out([TABLES * n / 1e9 for n in bytes_]), memory_gb=workers * held_gb(job.library, len(library.theorems)))


TABLES = 2
"""A variant lies on disk in its shard and in the table."""


def _bytes(folder: Path) -> int:
    """Of what grows with the number of targets; a small file is mostly its schema."""
    return sum(column.total_compressed_size for file in folder.glob("*.parquet") for column in _columns(file))


def _columns(file: Path) -> Iterator[pq.ColumnChunkMetaData]:
    metadata = pq.read_metadata(file)
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        yield from (group.column(j) for j in range(group.num_columns))


def show(found: Estimate) -> None:
    """What a job would take, with what chance leaves open."""
    table = Table(title=f"{found.targets:,} targets with {found.workers} workers, drawn out from {found.sampled}", show_header=False,
                  title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("verified variants", f"{found.variants.value:,.0f} ± {found.variants.error:,.0f}")
    table.add_row("time", f"{found.hours.value:,.2f} ± {found.hours.error:,.2f} hours")
    table.add_row("disk", f"{found.disk_gb.value:,.3f} ± {found.disk_gb.error:,.3f} GB")
    table.add_row("memory", f"{found.memory_gb:,.1f} GB")
    out.print(table)
