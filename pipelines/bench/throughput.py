"""`bench throughput`: how many verified variants a second come of random targets, and where the time goes.

The stage *mutate* as a corpus runs it, in a folder that is thrown away, once with one worker and once with those asked for, on
the same targets. Seconds are of the workers, divided by their number: the start of engines, and that one worker is done before
the other, belong to a short run and not to a long one, and stand beside them (`wall_s`).
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lean_alchemy.pipelines.corpus import mutate
from lean_alchemy.pipelines.corpus.mutate import Tally
from lean_alchemy.pipelines.corpus.synthesize import extracted
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, JobError
from lean_alchemy.pipelines.runtime.stage import Report


class Throughput(msgspec.Struct, frozen=True):
    """Of one number of workers."""

    workers: int
    tally: Tally
    wall_s: float
    """From the first item to the last, the start of engines included."""

    @property
    def seconds(self) -> float:
        return self.tally.seconds / self.workers

    @property
    def per_second(self) -> float:
        """Verified variants, by all workers together."""
        return self.tally.elaborated / self.seconds if self.seconds else 0.0

    @property
    def lean_share(self) -> float:
        """Of the workers' time, in which Lean worked."""
        return sum(self.tally.lean_s.values()) / self.tally.seconds if self.tally.seconds else 0.0

    @property
    def parts_ms(self) -> dict[str, float]:
        """Milliseconds of a worker for each verified variant, by what they were spent on: Lean by request, `write` by its parts,
        and what Python did."""
        n = max(self.tally.elaborated, 1)
        lean = dict(self.tally.lean_s)
        write_s = lean.pop("write", 0.0)
        parts = {**lean, **{f"write: {part}": s for part, s in self.tally.write_s.items()},
                 "write: other": max(0.0, write_s - sum(self.tally.write_s.values())),
                 "Python": self.tally.seconds - sum(self.tally.lean_s.values())}
        return {part: round(1000 * s / n, 2) for part, s in parts.items()}

    def summary(self) -> dict:
        """The contract's keys, and the parts."""
        return {"workers": self.workers, "seconds": round(self.seconds, 1), "verified": self.tally.elaborated,
                "verified_per_second": round(self.per_second, 1), "lean_share": round(self.lean_share, 4),
                "targets": self.tally.targets, "candidates": self.tally.candidates, "wall_s": round(self.wall_s, 1),
                "parts_ms": self.parts_ms}


def measure(job: Job, workers: Sequence[int], report: Report) -> list[Throughput]:
    """One measurement for each number of workers. Raises JobError where a shard is missing."""
    measured = []
    for count in workers:
        with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
            fresh = Job(Path(folder), job.options)
            with fresh.begin(), pool.cluster(count):
                library = extracted(fresh, count, report)
                shards = mutate.shards_of(fresh, mutate.draw_targets(fresh, library))
                measured.append(_run(fresh, shards, count, report))
    return measured


def _run(job: Job, shards: list[mutate.Shard], workers: int, report: Report) -> Throughput:
    tally = Tally()
    total = sum(len(shard.targets) for shard in shards)
    stage = f"{workers} worker{'s' if workers > 1 else ''}"
    report(stage, 0, total, "")
    start = time.monotonic()
    for event in pool.run(mutate.MUTATE, job, shards, workers):
        if isinstance(event, pool.Failed):
            raise JobError(f"a shard is missing: {event.reason}")
        tally.add(event.summary)
        report(stage, tally.targets, total, f"{tally.elaborated:,} variants")
    return Throughput(workers, tally, time.monotonic() - start)
