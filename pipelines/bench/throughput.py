"""`bench throughput`: verified variants per second from random targets, and where the time goes.

Runs the stage *mutate* in a temporary folder, once with one worker and once with the requested number, on the same targets. Seconds are
the sum over the workers divided by their number. This leaves out the start of engines and idle workers at the end, which matter in a
short run but not in a long one; `wall_s` includes both.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lean_alchemy.pipelines.corpus import mutate
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.corpus.mutate import MUTATE, MutateTally
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import draw_targets
from lean_alchemy.pipelines.runtime import pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.stage import Failure, Report


class Throughput(msgspec.Struct, frozen=True):
    """The measurement with one number of workers."""

    workers: int
    tally: MutateTally
    wall_s: float
    """Wall-clock seconds from the first item to the last, with the start of engines."""
    failures: list[Failure] = []

    @property
    def seconds(self) -> float:
        return self.tally.seconds / self.workers

    @property
    def per_second(self) -> float:
        """Verified variants per second, by all workers together."""
        return self.tally.elaborated / self.seconds if self.seconds else 0.0

    @property
    def lean_share(self) -> float:
        """The share of the workers' time that Lean took."""
        return sum(self.tally.lean_s.values()) / self.tally.seconds if self.tally.seconds else 0.0

    @property
    def parts_ms(self) -> dict[str, float]:
        """Milliseconds of a worker per verified variant, by part: Lean by request, `write` by its own parts, and Python."""
        n = max(self.tally.elaborated, 1)
        lean = dict(self.tally.lean_s)
        write_s = lean.pop("write", 0.0)
        parts = {**lean, **{f"write_{part}": s for part, s in self.tally.write_s.items()},
                 "write_other": max(0.0, write_s - sum(self.tally.write_s.values())),
                 "python": self.tally.seconds - sum(self.tally.lean_s.values())}
        return {part: round(1000 * s / n, 2) for part, s in parts.items()}

    def summary(self) -> dict:
        """The contract's keys, and the parts."""
        return {"workers": self.workers, "seconds": round(self.seconds, 1), "verified": self.tally.elaborated,
                "verified_per_second": round(self.per_second, 1), "lean_share": round(self.lean_share, 4),
                "targets": self.tally.targets, "candidates": self.tally.candidates, "wall_s": round(self.wall_s, 1),
                "parts_ms": self.parts_ms}


def measure_throughput(job: Job[Options], workers: Sequence[int], report: Report) -> list[Throughput]:
    """One measurement for each number of workers. The time of a target that failed is missing in it."""
    measured = []
    for count in workers:
        with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
            fresh = Job(Path(folder), job.options)
            with fresh.begin(), pool.cluster(count):
                library = extracted(fresh, count, report)
                shards = mutate.shards_of(fresh, draw_targets(fresh.options, library))
                start = time.monotonic()
                ran = runner.run(fresh, MUTATE, fresh, shards, count, report, label=f"{count} worker{'s' if count > 1 else ''}",
                                 note=lambda tally: f"{tally.elaborated:,} variants")
                measured.append(Throughput(count, ran.tally, time.monotonic() - start, ran.failures))
    return measured
