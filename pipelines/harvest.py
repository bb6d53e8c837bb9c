"""*harvest*: theorems of a library without their proofs go in; proofs that automation finds come out, step by step.

The embedded library carries no proofs. Each is looked for in the environment before its theorem (`engine/Alchemy/Before.lean`): what its
module imports and defines, and those theorems of the module that were proved in an earlier round. So the order stays acyclic, whatever
it is in Lean's sources, and a round stands on those before it. What a round finds in a module depends on what is available there alone:
it is kept below `OUT/.work/harvest`, chunk by chunk, and a run goes on where it stopped.

At the end every proof is run again in a fresh engine, in the environment of its round: what does not go through there is a leak.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec
import pyarrow as pa

from lean_workspace import automation, gym, portfolio
from lean_workspace.automation import solve
from lean_workspace.gym import Gym, NotOpened
from lean_workspace.portfolio import QUICK, THOROUGH, Line
from pipelines import pool, tables
from pipelines.engine import opened
from pipelines.extract import Entry, catalogue
from pipelines.job import Job, JobError, stage_digest
from pipelines.mutate import draw_targets, tally_of
from pipelines.stage import History, Report, Stage, Sums, silent
from pipelines.steps import recorded
from pipelines.storage import Location, draft, exchange, make, remove, write_whole
from pipelines.synthesize import extracted
from pipelines.tables import Reject, Step

CHUNK = 20
"""Theorems of one module: some twenty seconds of work, which is what a crash costs."""

LINES: tuple[Line, ...] = (*QUICK, *THOROUGH)
ORIGINAL = "harvest"
"""The form of these steps."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof of a theorem of the library. round: from 1; a proof uses theorems of its own module only where these were proved in an
    earlier round. line: of the portfolio. text: the theorem and its proof, under a name of its own. premises: theorems and definitions
    that the tactics name."""

    theorem: str
    module: str
    round: int
    line: str
    statement: str
    level_params: list[str]
    tactics: list[str]
    text: str
    axioms: list[str]
    premises: list[str]


class Chunk(msgspec.Struct, frozen=True):
    """Theorems of a module to prove in a round, and those of the module that may be used."""

    round: int
    module: str
    theorems: list[str]
    available: list[str]

    @property
    def name(self) -> str:
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()


class HarvestTally(Sums):
    """theorems = proved + the rejects."""

    theorems: int = 0
    proved: int = 0
    with_premises: int = 0
    rejects: dict[str, int] = msgspec.field(default_factory=dict)
    seconds: float = 0.0


class Harvester:
    """Holds an engine; works on one chunk after the other."""

    def __init__(self, job: Job):
        self._job = job
        self._library = catalogue(job)
        self._workspace = opened(job.library)
        self._gym = Gym(self._workspace)

    def __call__(self, chunk: Chunk, history: History) -> HarvestTally:
        """Looks for proofs and leaves them, with their steps, on disk."""
        start = time.monotonic()
        tally = HarvestTally(theorems=len(chunk.theorems))
        proofs: list[Proof] = []
        steps: list[Step] = []
        rejects: list[Reject] = []
        for name in chunk.theorems:
            found = self._proof_of(name, chunk)
            if isinstance(found, str):
                rejects.append(self._reject(name, found))
                tally.rejects[found] = tally.rejects.get(found, 0) + 1
            else:
                proofs.append(found[0])
                steps += found[1]
        tally.proved, tally.with_premises = len(proofs), sum(bool(proof.premises) for proof in proofs)
        tally.seconds = time.monotonic() - start
        with self._job.folder(folder_of(self._job) / chunk.name) as part:
            tables.write(tables.to_table(proofs, Proof), part / "proofs.parquet")
            tables.write(tables.to_table(steps, Step), part / "steps.parquet")
            tables.write(tables.to_table(rejects, Reject), part / "rejects.parquet")
            write_whole(part / "tally.json", msgspec.json.encode(tally))
        return tally

    def close(self) -> None:
        self._workspace.close()

    def _proof_of(self, name: str, chunk: Chunk) -> tuple[Proof, list[Step]] | str:
        """The proof with its steps, or why there is none."""
        try:
            statement = self._gym.theorem(self._library.numbers[name], chunk.available)
            start = self._gym.start(statement)
        except NotOpened as error:
            return "mentioned before" if "mentions it" in str(error) else "not opened"
        solved = solve(self._gym, start, LINES)
        if solved is None:
            return "open"
        whose = {"variant_id": None, "theorem": name, "target": name, "module": chunk.module}
        steps = recorded(self._gym, statement, solved.script, form=ORIGINAL, **whose)
        if isinstance(steps, str):
            return f"not replayed: {steps}"
        premises = list(dict.fromkeys(premise for step in steps for premise in step.premises))
        return Proof(
            theorem=name, module=chunk.module, round=chunk.round, line=solved.line, statement=statement.text, tactics=list(solved.script),
            level_params=list(statement.levels), text=solved.proof.theorem, axioms=list(solved.proof.axioms), premises=premises), steps

    def _reject(self, name: str, reason: str) -> Reject:
        entry = self._library.theorems[self._library.numbers[name]]
        return Reject(target=name, library=self._library.library_of(entry), module=entry.module, stage="harvest", reason=reason)


class Prover(Harvester):
    """Runs proofs again; it has found none of them."""

    def __call__(self, chunk: Chunk, history: History) -> list[str]:
        """The theorems whose proofs do not go through."""
        proofs = tables.read([folder_of(self._job) / chunk.name / "proofs.parquet"], Proof)
        return [proof.theorem for proof in proofs if not self._holds(proof, chunk)]

    def _holds(self, proof: Proof, chunk: Chunk) -> bool:
        try:
            statement = self._gym.theorem(self._library.numbers[proof.theorem], chunk.available)
        except NotOpened:
            return False
        return automation.run(self._gym, self._gym.start(statement), proof.tactics) is not None


HARVEST = Stage(name="harvest", worker=Harvester)
PROVE_AGAIN = Stage(name="prove again", worker=Prover)


def folder_of(job: Job) -> Location:
    return job.work / "harvest" / stage_digest(job.library, __file__, gym.__file__, automation.__file__, portfolio.__file__)


def is_done(job: Job, chunk: Chunk) -> bool:
    place = folder_of(job) / chunk.name
    return tables.are_whole(place, "proofs", "steps", "rejects") and (place / "tally.json").is_file()


class Harvest(msgspec.Struct, frozen=True):
    """theorems: that were tried. proved: by round. leaks: theorems whose proofs do not go through in a fresh engine."""

    theorems: int
    proved: list[int]
    with_premises: int
    leaks: list[str]
    rejects: dict[str, int]
    seconds: float


def harvest(job: Job, workers: int, rounds: int, report: Report = silent) -> Harvest:
    """Proves theorems of the job's library, as many as its options say, and writes the tables `proofs`, `steps` and `rejects`. Raises
    JobError where a chunk failed."""
    start = time.monotonic()
    with job.begin(), pool.cluster(workers):
        library = extracted(job, workers, report)
        entries = [library.theorems[library.numbers[name]] for name in draw_targets(job, library)]
        job.accept()
        make(folder_of(job))
        chunks: list[list[Chunk]] = []
        for number in range(1, rounds + 1):
            some = list(_round(job, entries, number, chunks))
            if not some:
                break
            _work(job, some, number, workers, report)
            chunks.append(some)
        every = [chunk for some in chunks for chunk in some]
        leaks = _prove_again(job, every, workers, report)
        with draft(job.work) as made:
            groups = [every[i:i + CHUNKS_AT_ONCE] for i in range(0, len(every), CHUNKS_AT_ONCE)]
            for table in TABLES:
                make(made / table)
            for _ in pool.tasks(partial(_assemble, job, made), enumerate(groups)):
                pass
            for table in TABLES:
                exchange(made / table, job.out / table)
        tallies = [tally_of((folder_of(job) / chunk.name for chunk in some), HarvestTally) for some in chunks]
    proved = [tally.proved for tally in tallies]
    rejects = dict(tallies[0].rejects) if tallies else {}
    return Harvest(len(entries), proved, sum(tally.with_premises for tally in tallies), leaks, rejects, time.monotonic() - start)


TABLES = {"proofs": Proof, "steps": Step, "rejects": Reject}
CHUNKS_AT_ONCE = 50


def _assemble(job: Job, made: Location, numbered: tuple[int, list[Chunk]]) -> None:
    """One file of each table."""
    number, chunks = numbered
    for table, record in TABLES.items():
        found = [tables.load(folder_of(job) / chunk.name / f"{table}.parquet") for chunk in chunks]
        tables.write(pa.concat_tables([tables.schema_of(record).empty_table(), *found]), made / table / f"part-{number:04}.parquet")


def _round(job: Job, entries: list[Entry], number: int, before: list[list[Chunk]]) -> Iterator[Chunk]:
    """What there is to do in a round: the theorems that are left, of modules in which the last round proved something."""
    proved: dict[str, list[str]] = defaultdict(list)
    fresh: set[str] = set()
    for some in before:
        fresh.clear()
        for chunk in some:
            names = tables.load(folder_of(job) / chunk.name / "proofs.parquet", ["theorem"]).column("theorem").to_pylist()
            proved[chunk.module] += names
            fresh |= {chunk.module} if names else set()
    by_module: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_module[entry.module].append(entry.name)
    for module, names in sorted(by_module.items()):
        if before and module not in fresh:
            continue
        available = sorted(proved[module])
        left = sorted(set(names).difference(available))
        yield from (Chunk(number, module, left[i:i + CHUNK], available) for i in range(0, len(left), CHUNK))


def _work(job: Job, chunks: list[Chunk], number: int, workers: int, report: Report) -> None:
    todo = [chunk for chunk in chunks if not is_done(job, chunk)]
    for chunk in todo:
        remove(folder_of(job) / chunk.name)  # one that can't be read
    total = sum(len(chunk.theorems) for chunk in chunks)
    done = total - sum(len(chunk.theorems) for chunk in todo)
    tally = HarvestTally()
    stage = f"harvest, round {number}"
    report(stage, done, total, "")
    failed: list[pool.Failed] = []
    for event in pool.run(HARVEST, job, todo, workers):
        if isinstance(event, pool.Failed):
            failed.append(event)
            continue
        tally.add(event.summary)
        report(stage, done + tally.theorems, total, f"{tally.proved:,} proved")
    _require(failed)


def _prove_again(job: Job, chunks: list[Chunk], workers: int, report: Report) -> list[str]:
    """The theorems whose proofs do not go through in fresh engines."""
    leaks: list[str] = []
    failed: list[pool.Failed] = []
    for done, event in enumerate(pool.run(PROVE_AGAIN, job, chunks, workers), 1):
        if isinstance(event, pool.Failed):
            failed.append(event)
        else:
            leaks += event.summary
        report("prove again", done, len(chunks), f"{len(leaks)} leaks")
    _require(failed)
    return leaks


def _require(failed: Iterable[pool.Failed]) -> None:
    if lost := list(failed):
        raise JobError(f"{len(lost)} chunks are missing; run again to try them again:\n"
                       + "\n".join(f"{f.item.module}, {f.item.theorems[0]}, …: {f.reason}" for f in lost[:5]))
