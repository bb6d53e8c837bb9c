"""*trace*: reads a repository that LeanDojo traced, and writes the proofs in it step by step: the tables `proofs`, `steps` and `rejects`,
as in a harvest.

The traced files are read one by one (`lean_workspace/dojo/traces.py`). Every theorem gives a proof or a reject, and an unreadable file is
a reject, too. Lean is not started: the tables contain what LeanDojo recorded.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace.dojo import traces
from lean_alchemy.lean_workspace.dojo.gym import LEAVE_OPEN, TRUST_THE_COMPILER
from lean_alchemy.lean_workspace.dojo.messages import UNKNOWN, SourceTheorem, Unread
from lean_alchemy.lean_workspace.dojo.traces import DojoFailed, Repository, TracedFile, TraceReader
from lean_alchemy.pipelines.data.schema import Proof, Reject, Step
from lean_alchemy.pipelines.proofs.tables import PROOF_TABLES, write_proof_tables
from lean_alchemy.pipelines.runtime import pool, runner
from lean_alchemy.pipelines.runtime.job import Job, JobOptions
from lean_alchemy.pipelines.runtime.manifest import SCHEMA_VERSION, JobError, Manifest, encoded_options, package_versions
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums, chunks, silent
from lean_alchemy.pipelines.runtime.storage import Location, write_whole

FILES_PER_SHARD = 4
"""Files per shard: a few seconds of work each."""

TRACED = "traced"
"""The `form` of steps and the `line` of proofs that a person wrote and LeanDojo traced."""

_COMMENT = re.compile(r"--[^\n]*|/-.*?-/", re.DOTALL)
_OPEN = re.compile(rf"(?<![\w.'])({'|'.join(LEAVE_OPEN)})(?![\w'!?])")
_TRUSTS = re.compile(rf"(?<![\w'])({'|'.join(TRUST_THE_COMPILER)})(?![\w'!?])")


class TraceTally(Sums):
    """theorems = proved + rejected. lost: number of unreadable files. rejects: numbers of theorems, by reason."""

    files: int = 0
    lost: int = 0
    theorems: int = 0
    proved: int = 0
    steps: int = 0
    rejects: dict[str, int] = msgspec.field(default_factory=dict)


class TraceSettings(msgspec.Struct, frozen=True):
    """traced: the folder. library: the value of the column `library` of rejects."""

    traced: Path
    library: str


class Tracer:
    """Holds a process that reads traced files."""

    def __init__(self, settings: TraceSettings):
        if not settings.traced.is_dir():
            raise JobError(f"a node of the cluster has no {settings.traced}: put it on a file system that all nodes share, or use one node")
        self._settings, self._reader = settings, TraceReader(settings.traced)

    def __call__(self, items: Sequence[TracedFile]) -> Iterator[Proof | Step | Reject | Failure | TraceTally]:
        for file in items:
            yield from self._of(file)

    def close(self) -> None:
        self._reader.close()

    def _of(self, file: TracedFile) -> Iterator[Proof | Step | Reject | Failure | TraceTally]:
        tally = TraceTally(files=1)
        try:
            theorems = list(self._theorems(file))
        except DojoFailed as error:
            yield Failure.of(TRACE.name, file.module, error)
            yield TraceTally(files=1, lost=1)
            return
        for theorem in theorems:
            tally.theorems += 1
            objection = objection_to(theorem)
            if objection is not None or isinstance(theorem, Unread):
                objection = objection or "not read"
                tally.rejects[objection] = tally.rejects.get(objection, 0) + 1
                message = theorem.reason if isinstance(theorem, Unread) else None
                yield self._reject(theorem.full_name or "", file.module, objection, message)
                continue
            steps = traced_steps(theorem, file.module)
            tally.proved += 1
            tally.steps += len(steps)
            yield traced_proof(theorem, file.module)
            yield from steps
        yield tally

    def _theorems(self, file: TracedFile) -> Iterator[SourceTheorem | Unread]:
        if file.trace is None:
            raise DojoFailed("it is compiled, and LeanDojo left no trace of it")
        return self._reader.theorems(file.trace)

    def _reject(self, target: str, module: str, reason: str, message: str | None) -> Reject:
        return Reject(target=target, library=self._settings.library, module=module, stage=TRACED, reason=reason, message=message)


def objection_to(theorem: SourceTheorem | Unread) -> str | None:
    """The reason why a theorem is rejected; None if it is not."""
    if theorem.full_name is None:
        return "no name"
    if isinstance(theorem, Unread):
        return "not read"
    proof = _COMMENT.sub("", theorem.proof)
    if _OPEN.search(proof):
        return "sorry"
    if _TRUSTS.search(proof):
        return "native"
    if not theorem.is_tactic_proof:
        return "no tactic proof"
    return None if theorem.tactics else "no steps"


def name_of(theorem: SourceTheorem, module: str) -> str:
    """The full name. For a private theorem it is that of `Lean.mkPrivateName`, because another file may have a theorem of the same name."""
    return f"_private.{module}.0.{theorem.full_name}" if theorem.is_private else str(theorem.full_name)


def traced_proof(theorem: SourceTheorem, module: str) -> Proof:
    """The row of `proofs`. Its `text` is the source text, which depends on the namespace, variables and open namespaces of the file."""
    return Proof(
        theorem=name_of(theorem, module), module=module, round=1, line=TRACED, statement=theorem.statement,
        level_params=theorem.level_params, tactics=[tactic.tactic for tactic in theorem.tactics], text=theorem.text, axioms=list(UNKNOWN),
        premises=list(dict.fromkeys(premise for tactic in theorem.tactics for premise in tactic.premises)))


def traced_steps(theorem: SourceTheorem, module: str) -> list[Step]:
    name = name_of(theorem, module)
    return [Step(variant_id=None, theorem=name, target=name, module=module, form=TRACED, step=number, state_before=tactic.state_before,
                 tactic=tactic.tactic, state_after=tactic.state_after, premises=tactic.premises)
            for number, tactic in enumerate(theorem.tactics)]


TRACE = Stage(name="trace", version=2, worker=Tracer, tally=TraceTally, tables=PROOF_TABLES, name_of=lambda file: file.module)


def trace(out: Location, traced: Path, source: Repository, workers: int, report: Report = silent,
          retries: Retries = Retries()) -> tuple[TraceTally, list[Failure], float]:
    """Writes the tables and the manifest of a traced folder, and returns the tally, the failures, and the seconds. source: the repository
    that was traced. Raises DojoUnsupported for a folder without traces, JobError if it has no theorem, UsageError if OUT belongs to
    another repository."""
    start = time.monotonic()
    files = traces.files_in(traced)
    package = version("lean-dojo")
    # A job needs a library in its options. Here it is the repository with its commit; Lean does not open it.
    job = Job(out, JobOptions(library=[f"{source.repository}@{source.commit}"]))
    with job.begin(), pool.cluster(workers):
        job.accept()
        shards = list(shards_of(job, traced, files, package))
        ran = runner.run(job, TRACE, TraceSettings(traced, job.options.library[0]), shards, workers, report, retries=retries,
                         note=lambda tally: f"{tally.proved:,} proofs, {tally.lost} files unreadable")
        tally: TraceTally = ran.tally
        if not tally.theorems:
            raise JobError(f"no theorem was read from the {tally.files} files of {traced}: {tally.lost} are unreadable")
        tabulated = write_proof_tables(job, TRACE, [[shard] for shard in shards])
        failures = ran.failures + tabulated.damaged
        write_failures(job, TRACE.name, failures)
        counts = {"targets": tally.theorems, "proofs": tally.proved, "steps": tally.steps, "files": tally.files, "files_lost": tally.lost,
                  "failures": len(failures)}
        write_whole(job.manifest_file, msgspec.json.encode(Manifest(
            library=job.options.library, toolchain=traces.toolchain_of(traced), versions={**package_versions(), "lean-dojo": package},
            seed=0, options=encoded_options(job.options), schema_version=SCHEMA_VERSION, shards=sorted(shard.key for shard in shards),
            seconds=job.note_seconds(last=True), rejects=tally.rejects, counts=counts)))
    return tally, failures, time.monotonic() - start


def shards_of(job: Job, traced: Path, files: list[TracedFile], package: str) -> Iterator[Shard]:
    """The shards of the files. Their keys depend on the names and times of the files, and on the version of the package `lean-dojo`."""
    for some in chunks(files, FILES_PER_SHARD):
        seen = [(file, (traced / file.trace).stat().st_mtime_ns if file.trace else None) for file in some]
        yield Shard(job.key(TRACE, package, seen), some)


def reasons(tally: TraceTally) -> list[tuple[str, int]]:
    return Counter(tally.rejects).most_common()
