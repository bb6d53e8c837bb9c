"""*verify*: elaborates the text of variants in a fresh engine, which does not know how they were made, and records a verdict for each."""

from collections.abc import Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.pipelines.data.samples import sample
from lean_alchemy.pipelines.judging.texts import TheoremText, objection_to_text
from lean_alchemy.pipelines.runtime import runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import opened, sized
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums, chunks, silent
from lean_alchemy.pipelines.runtime.storage import Location, remove

TEXTS_PER_SHARD = 50
"""Texts per shard: two seconds of work."""


class Invalid(msgspec.Struct, frozen=True):
    """A text that is not a valid theorem, or not the expected one."""

    variant_id: str
    reason: str


class VerifyTally(Sums):
    checked: int = 0
    valid: int = 0


class Verified(msgspec.Struct, frozen=True):
    """failures: texts without a verdict. They are neither valid nor invalid."""

    checked: int
    invalid: list[Invalid]
    failures: list[Failure]


class Verifier:
    """Holds an engine; judges texts."""

    def __init__(self, library: Library):
        self._workspace = opened(library)

    def __call__(self, items: Sequence[TheoremText]) -> Iterator[Invalid | VerifyTally]:
        for text in items:
            reason = objection_to_text(self._workspace, text)
            if reason:
                yield Invalid(text.variant_id, reason)
            yield VerifyTally(checked=1, valid=int(reason is None))

    def close(self) -> None:
        self._workspace.close()


VERIFY = Stage(name="verify", version=1, worker=Verifier, tally=VerifyTally, tables={"invalid": Invalid},
               name_of=lambda text: text.variant_id)


def verify(job: Job, size: int | None, seed: int, workers: int, report: Report = silent, retries: Retries = Retries()) -> Verified:
    """Checks `size` random texts of the corpus (None: all) in fresh engines. Finished shards are kept until the end of the run, so that an
    interrupted run resumes; then they are removed, so that the next run checks again. Raises UsageError if there is no corpus."""
    found = _texts(job.out, size, seed)
    texts, unread = [row for row in found if isinstance(row, TheoremText)], [row for row in found if isinstance(row, Failure)]
    shards = [Shard(job.key(VERIFY, chunk), chunk) for chunk in chunks(texts, TEXTS_PER_SHARD)]
    ran = runner.run(job, sized(VERIFY, job.library), job.library, shards, min(workers, max(1, len(texts) // 100)), report,
                     retries=retries, note=lambda tally: f"{tally.valid:,} valid")
    damaged: list[Failure] = []
    invalid = [row for shard in shards for row in runner.rows(job, VERIFY, shard, "invalid", damaged)]
    failures = unread + ran.failures + damaged
    write_failures(job, VERIFY.name, failures)
    remove(job.work / VERIFY.name)
    return Verified(ran.tally.checked - len(damaged), invalid, failures)


class _Negation(msgspec.Struct, frozen=True):
    """A row of the table `refuted`: `theorem` proves that the statement is false."""

    refuted_id: str
    theorem: str
    theorem_key: str


def _texts(out: Location, size: int | None, seed: int) -> list[TheoremText | Failure]:
    """The texts of variants, and of the negations in the table `refuted` if it exists."""
    texts = sample(VERIFY.name, out, TheoremText, size, seed)
    if (out / "refuted").is_dir():
        texts += [TheoremText(row.refuted_id, row.theorem, row.theorem_key) if isinstance(row, _Negation) else row
                  for row in sample(VERIFY.name, out, _Negation, size, seed, "refuted")]
    return texts
