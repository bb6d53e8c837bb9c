"""The main job: extract → mutate (→ refute) → tabulate → verify. Run again, it resumes."""

import time
from pathlib import Path

import msgspec

from lean_alchemy.pipelines.corpus import mutate, refute
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.corpus.mutate import MUTATE, MutateTally
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.refute import REFUTE
from lean_alchemy.pipelines.corpus.tabulate import tabulate
from lean_alchemy.pipelines.corpus.targets import draw_targets
from lean_alchemy.pipelines.corpus.verify import Verified, verify
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.runtime import pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import JobError, Manifest, package_versions
from lean_alchemy.pipelines.runtime.open_lean import sized
from lean_alchemy.pipelines.runtime.run_log import RunLog
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.stage import Failure, Report, silent


class Synthesized(msgspec.Struct, frozen=True):
    """manifest: that of OUT. failures: failed items of all stages. problems: errors in the user's files, whose theorems were skipped."""

    manifest: Manifest
    verified: Verified
    failures: list[Failure]
    problems: list[str]
    seconds: float
    seconds_in_all: float


def synthesize(job: Job[Options], workers: int, sample: int, held_out: Path | None = None, report: Report = silent,
               retries: Retries = Retries()) -> Synthesized:
    """Makes the corpus. Raises JobError if there are no variants, TooManyFailures. Finished shards are kept in both cases."""
    options = job.options
    start = time.monotonic()
    log = RunLog(job.out / "run.log")
    with job.begin(), log.run(options=options, workers=workers, versions=package_versions()), pool.cluster(workers):
        library = extracted(job, workers, report)
        targets = draw_targets(options, library)
        mutated, refuted = mutate.shards_of(job, targets), refute.shards_of(job, targets) if options.refute else []
        if not mutated:
            raise JobError(f"{job.library} has no theorem that the policy admits as a target"
                           + "".join(f"\n{p}" for p in library.described.problems[:5]))
        held = HeldOut.read(held_out, library.statement_keys, options.held_out_premises) if held_out else None
        job.accept()
        begun = time.monotonic()
        theorems = len(library.theorems)
        failures = runner.run(job, sized(MUTATE, job.library, theorems), job, mutated, workers, report, retries=retries, log=log,
                              note=lambda tally: _progress(tally, time.monotonic() - begun)).failures
        if options.refute:
            failures += runner.run(job, sized(REFUTE, job.library, theorems), job, refuted, workers, report, retries=retries, log=log,
                                   note=lambda tally: f"{tally.refuted:,} false statements").failures
        log.note("stage", name="select")
        manifest, damaged = tabulate(job, library, mutated, refuted, held, len(failures), pool.tasks)
        failures += damaged
        for stage in (MUTATE, REFUTE):
            write_failures(job, stage.name, [failure for failure in failures if failure.stage == stage.name])
        if not manifest.counts["variants"]:
            raise JobError("none of the targets gave a variant; the table `rejects` has the reasons")
        log.note("stage", name="verify", counts=manifest.counts)
        verified = verify(job, sample, options.seed, min(workers, 2), report, retries)
        in_all = job.note_seconds()
    return Synthesized(manifest, verified, failures + verified.failures, library.described.problems, time.monotonic() - start, in_all)


def _progress(tally: MutateTally, seconds: float) -> str:
    return f"{tally.elaborated:,} variants, {tally.elaborated / seconds:.0f}/s\nrejected: {_most(tally.rejects)}"


def _most(rejects: dict[str, int], n: int = 4) -> str:
    """The most frequent reasons, such as `refused 1,204, duplicate 310, others 80`."""
    most = sorted(rejects.items(), key=lambda item: -item[1])
    rest = sum(count for _, count in most[n:])
    return ", ".join([*(f"{reason.partition(': ')[2]} {count:,}" for reason, count in most[:n]), *([f"others {rest:,}"] if rest else [])])
