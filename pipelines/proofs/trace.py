"""*trace*: a repository that LeanDojo traced goes in; the proofs that people wrote come out, step by step: the tables `proofs`, `steps` and
`rejects`, as a harvest leaves them.

The traced files are read one by one (`lean_workspace/dojo/traces.py`), and what is found in some of them is left below `OUT/.work/trace`,
named by these files, their times, and the code: a run goes on where it stopped, and holds no more than a few files' rows. A theorem leaves
by one of two doors; a file that can't be read is a reject, too. No Lean is asked: what LeanDojo recorded is what stands in the tables.
"""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec
import pyarrow as pa

from lean_alchemy.lean_workspace.dojo import child as dojo_child
from lean_alchemy.lean_workspace.dojo import traces as dojo_traces
from lean_alchemy.lean_workspace.dojo.gym import LEAVE_OPEN, TRUST_THE_COMPILER
from lean_alchemy.lean_workspace.dojo.messages import UNKNOWN, Theorem, Unread
from lean_alchemy.lean_workspace.dojo.traces import DojoFailed, Reader, Source, TracedFile
from lean_alchemy.pipelines.corpus.mutate import tally_of
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.tables import Proof, Reject, Step
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, JobError, Manifest, Options, stage_digest, versions
from lean_alchemy.pipelines.runtime.stage import History, Report, Stage, Sums, silent
from lean_alchemy.pipelines.runtime.storage import Location, draft, exchange, make, remove, write_whole

CHUNK = 4
"""Files: some seconds of work each, which is what a crash costs."""
CHUNKS_AT_ONCE = 25
"""In a file of a table."""

TRACED = "traced"
"""Of steps and proofs: a person's, by LeanDojo."""

TABLES: dict[str, type[msgspec.Struct]] = {"proofs": Proof, "steps": Step, "rejects": Reject}

_COMMENT = re.compile(r"--[^\n]*|/-.*?-/", re.DOTALL)
_OPEN = re.compile(rf"(?<![\w.'])({'|'.join(LEAVE_OPEN)})(?![\w'!?])")
_TRUSTS = re.compile(rf"(?<![\w'])({'|'.join(TRUST_THE_COMPILER)})(?![\w'!?])")


class Chunk(msgspec.Struct, frozen=True):
    """Some files, and the name of the folder that holds what comes of them."""

    name: str
    files: list[TracedFile]


class Plan(msgspec.Struct, frozen=True):
    """traced: the folder. folder: where what is done is kept."""

    job: Job
    traced: Path
    folder: Location

    def is_done(self, chunk: Chunk) -> bool:
        place = self.folder / chunk.name
        return tables.are_whole(place, *TABLES) and (place / "tally.json").is_file()


class Tally(Sums):
    """theorems = proved + rejected. lost: files that could not be read. rejects: theorems, by the reason."""

    files: int = 0
    lost: int = 0
    theorems: int = 0
    proved: int = 0
    steps: int = 0
    rejects: dict[str, int] = msgspec.field(default_factory=dict)


class Tracer:
    """Holds a process that reads; works on one chunk after the other."""

    def __init__(self, plan: Plan):
        if not plan.traced.is_dir():
            raise JobError(f"a node of the cluster has no {plan.traced}: put it where all of them see it, or use one node")
        self._plan, self._reader = plan, Reader(plan.traced)

    def __call__(self, chunk: Chunk, history: History) -> Tally:
        """Reads the files and leaves their rows on disk."""
        tally = Tally()
        rows: dict[str, list[msgspec.Struct]] = {table: [] for table in TABLES}
        for file in chunk.files:
            tally.files += 1
            try:
                theorems = list(self._theorems(file))
            except DojoFailed as error:
                tally.lost += 1
                reason = "not read" if file.trace else "not traced"
                rows["rejects"].append(self._reject(file.module, file.module, "file", reason, str(error)))
                continue
            for theorem in theorems:
                tally.theorems += 1
                if objection := objection_to(theorem):
                    tally.rejects[objection] = tally.rejects.get(objection, 0) + 1
                    message = theorem.reason if isinstance(theorem, Unread) else None
                    rows["rejects"].append(self._reject(theorem.full_name or "", file.module, TRACED, objection, message))
                    continue
                tally.proved += 1
                rows["proofs"].append(proof_of(theorem, file.module))
                rows["steps"] += steps_of(theorem, file.module)
        tally.steps = len(rows["steps"])
        with self._plan.job.folder(self._plan.folder / chunk.name) as made:
            for table, record in TABLES.items():
                tables.write(tables.to_table(rows[table], record), made / f"{table}.parquet")
            write_whole(made / "tally.json", msgspec.json.encode(tally))
        return tally

    def close(self) -> None:
        self._reader.close()

    def _theorems(self, file: TracedFile) -> Iterator[Theorem | Unread]:
        if file.trace is None:
            raise DojoFailed("it is compiled, and LeanDojo left no trace of it")
        return self._reader.theorems(file.trace)

    def _reject(self, target: str, module: str, stage: str, reason: str, message: str | None) -> Reject:
        return Reject(target=target, library=self._plan.job.options.library[0], module=module, stage=stage, reason=reason, message=message)


def objection_to(theorem: Theorem | Unread) -> str | None:
    """Why a theorem gives no rows."""
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


def name_of(theorem: Theorem, module: str) -> str:
    """A private theorem has the name that Lean gives it (`Lean.mkPrivateName`): another file may have one that is called the same."""
    return f"_private.{module}.0.{theorem.full_name}" if theorem.is_private else theorem.full_name


def proof_of(theorem: Theorem, module: str) -> Proof:
    """text: as the source has it, so in its namespace, with the variables and names that are open there."""
    return Proof(
        theorem=name_of(theorem, module), module=module, round=1, line=TRACED, statement=theorem.statement,
        level_params=theorem.level_params, tactics=[tactic.tactic for tactic in theorem.tactics], text=theorem.text, axioms=list(UNKNOWN),
        premises=list(dict.fromkeys(premise for tactic in theorem.tactics for premise in tactic.premises)))


def steps_of(theorem: Theorem, module: str) -> list[Step]:
    name = name_of(theorem, module)
    return [Step(variant_id=None, theorem=name, target=name, module=module, form=TRACED, step=number, state_before=tactic.state_before,
                 tactic=tactic.tactic, state_after=tactic.state_after, premises=tactic.premises)
            for number, tactic in enumerate(theorem.tactics)]


TRACE = Stage(name="trace", worker=Tracer)


def trace(out: Location, traced: Path, source: Source, workers: int, report: Report = silent) -> tuple[Tally, float]:
    """Writes the tables and the manifest of a traced folder: figures, and the seconds that it took. source: what was traced, which is what
    OUT is of. Raises DojoUnsupported for a folder that holds no traces, JobError where there is no theorem in it, UsageError where OUT is
    of something else, Unfinished."""
    start = time.monotonic()
    files = dojo_traces.files_in(traced)
    package = version("lean-dojo")
    # A job is one of a library, and its options say which: here the repository at its commit. No Lean opens it.
    job = Job(out, Options(library=[f"{source.repository}@{source.commit}"], kinds=[], targets=None))
    with job.begin(), pool.cluster(workers):
        job.accept()
        code = stage_digest(job.library, __file__, dojo_child.__file__, dojo_traces.__file__)
        plan = Plan(job, traced, job.work / "trace" / f"{code}-{package}")
        make(plan.folder)
        chunks = list(chunks_of(traced, files))
        _work(plan, chunks, workers, report)
        tally = tally_of((plan.folder / chunk.name for chunk in chunks), Tally)
        if not tally.theorems:
            raise JobError(f"no theorem was read from the {tally.files} files of {traced}: {tally.lost} could not be read")
        _tabulate(plan, chunks)
        counts = {"targets": tally.theorems, "proofs": tally.proved, "steps": tally.steps, "files": tally.files, "files_lost": tally.lost}
        write_whole(job.manifest_file, msgspec.json.encode(Manifest(
            library=job.options.library, toolchain=dojo_traces.toolchain_of(traced), versions={**versions(), "lean-dojo": package}, seed=0,
            options=job.options, schema_version=tables.SCHEMA_VERSION, shards=sorted(chunk.name for chunk in chunks),
            seconds=job.note_seconds(last=True), rejects=tally.rejects, counts=counts)))
    return tally, time.monotonic() - start


def chunks_of(traced: Path, files: list[TracedFile]) -> Iterator[Chunk]:
    """Some files at a time, named by what and how old they are."""
    for at in range(0, len(files), CHUNK):
        some = files[at:at + CHUNK]
        seen = [(file, (traced / file.trace).stat().st_mtime_ns if file.trace else None) for file in some]
        yield Chunk(hashlib.blake2b(msgspec.json.encode(seen), digest_size=8).hexdigest(), some)


def _work(plan: Plan, chunks: list[Chunk], workers: int, report: Report) -> None:
    todo = [chunk for chunk in chunks if not plan.is_done(chunk)]
    for chunk in todo:
        remove(plan.folder / chunk.name)  # one that can't be read
    total = sum(len(chunk.files) for chunk in chunks)
    done, tally = total - sum(len(chunk.files) for chunk in todo), Tally()
    report("trace", done, total, "")
    for event in pool.finish(TRACE, plan, todo, workers, lambda chunk: chunk.files[0].module):
        tally.add(event.summary)
        report("trace", done + tally.files, total, f"{tally.proved:,} proofs, {tally.lost} files lost")


def _tabulate(plan: Plan, chunks: list[Chunk]) -> None:
    """The tables, moved into place together."""
    with draft(plan.job.work) as made:
        for table in TABLES:
            make(made / table)
            for number, at in enumerate(range(0, len(chunks), CHUNKS_AT_ONCE)):
                some = [tables.load(plan.folder / chunk.name / f"{table}.parquet") for chunk in chunks[at:at + CHUNKS_AT_ONCE]]
                tables.write(pa.concat_tables(some), made / table / f"part-{number:04}.parquet")
        plan.job.manifest_file.unlink(missing_ok=True)  # between the tables of two runs there is none
        for table in TABLES:
            exchange(made / table, plan.job.out / table)


def reasons(tally: Tally) -> list[tuple[str, int]]:
    return Counter(tally.rejects).most_common()
