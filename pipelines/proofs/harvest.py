"""*harvest*: theorems of a library go in; proofs come out, step by step: those of a user's files and of a workspace's modules as they are
written there (`record.py`), and for a library without its sources those that automation finds.

The embedded library carries no proofs. Each is looked for in the environment before its theorem (`engine/Alchemy/Gym/EnvironmentBefore.lean`): what its
module imports and defines, and those theorems of the module that were proved in an earlier round. So the order stays acyclic, whatever
it is in Lean's sources, and a round stands on those before it. A proof that is known (`known`) is tried before the portfolio is.

What a round finds in a module depends on what is available there alone: it is kept below `OUT/.work/harvest`, chunk by chunk, and a run
goes on where it stopped. At the end every proof is run again in a fresh engine, in the environment of its round: what does not go
through there is a leak.
"""

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property, partial

import msgspec

from lean_alchemy.lean_workspace import automation, gym, native, portfolio
from lean_alchemy.lean_workspace import file_proofs as written
from lean_alchemy.lean_workspace.automation import Solved, explicit, solve
from lean_alchemy.lean_workspace.gym import Gym, NotOpened, State, proves
from lean_alchemy.lean_workspace.portfolio import PORTFOLIOS, Portfolio, Suggested
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.mutation.search import premises
from lean_alchemy.pipelines.corpus.extract import Entry, catalogue
from lean_alchemy.pipelines.corpus.mutate import draw_targets
from lean_alchemy.pipelines.corpus.synthesize import extracted
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.tables import Proof, Reject, Step
from lean_alchemy.pipelines.premises import suggestions as advice
from lean_alchemy.pipelines.premises.suggestions import Adviser
from lean_alchemy.pipelines.proofs import steps
from lean_alchemy.pipelines.proofs import written as record
from lean_alchemy.pipelines.proofs.known import Known
from lean_alchemy.pipelines.proofs.steps import rows_of
from lean_alchemy.pipelines.proofs.written import Files, Missing, library_of_source, proof_of, source_of
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, Manifest, UsageError, stage_digest, versions
from lean_alchemy.pipelines.runtime.lean import opened, sized
from lean_alchemy.pipelines.runtime.stage import History, Report, Stage, silent
from lean_alchemy.pipelines.runtime.storage import Location, draft, exchange, make, remove, write_whole

CHUNK = 40
"""Theorems of one module, which share an environment: some twenty seconds of work, which is what a crash costs."""

FOUND = "harvest"
"""Of steps: of proofs that automation found."""


class Chunk(msgspec.Struct, frozen=True):
    """Theorems of a module to prove in a round, and those of the module that may be used. source: of a workspace's module, the file that
    has their proofs."""

    round: int
    module: str
    theorems: list[str]
    available: list[str]
    source: str | None = None

    @property
    def is_of_user(self) -> bool:
        """Is the module a file of the user's, which has proofs of its own?"""
        return self.module.endswith(".lean")

    @property
    def is_written(self) -> bool:
        return self.is_of_user or self.source is not None


class Plan(msgspec.Struct, frozen=True):
    """tries: on what is not known. known: by theorem. folder: where what is done is kept."""

    job: Job
    tries: Portfolio
    known: dict[str, Known]
    folder: Location

    def known_for(self, chunk: Chunk) -> dict[str, Known]:
        """Known proofs of its theorems. One of a later round would use what is not there."""
        return {name: self.known[name] for name in chunk.theorems if name in self.known and self.known[name].round <= chunk.round}

    def place(self, chunk: Chunk) -> Location:
        """Of what is found in a chunk, named by it and what is known of it."""
        return self.folder / hashlib.blake2b(msgspec.json.encode([chunk, self.known_for(chunk)]), digest_size=8).hexdigest()

    def is_done(self, chunk: Chunk) -> bool:
        return tables.are_whole(self.place(chunk), *TABLES)

    def proofs_of(self, chunk: Chunk) -> list[Proof]:
        return tables.read([self.place(chunk) / "proofs.parquet"], Proof)


def folder_of(job: Job, tries: str) -> Location:
    """Of the engine, the library, the code of this stage and the portfolio."""
    code = (record, steps, native, written, gym, automation, portfolio, premises, advice)
    return job.work / "harvest" / f"{stage_digest(job.library, __file__, *(module.__file__ for module in code))}-{tries}"


class Harvester:
    """Holds engines and the index; works on one chunk after the other."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._library = catalogue(plan.job)
        self._module: Files | None = None
        """The source that was read last."""

    @cached_property
    def _all(self) -> Files:
        """The whole library."""
        return Files(msgspec.structs.replace(self._plan.job.library, proofs=bool(self._plan.job.library.files)))

    @cached_property
    def _adviser(self) -> Adviser | None:
        return Adviser(self._library, self._all.workspace) if self._plan.tries.asks_the_index else None

    def __call__(self, chunk: Chunk, history: History) -> int:
        """Looks for proofs and leaves them, with their steps, on disk. How many there are."""
        proofs: list[Proof] = []
        steps: list[Step] = []
        rejects: list[Reject] = []
        for name, found in zip(chunk.theorems, self._found_in(chunk), strict=True):
            if isinstance(found, Missing):
                rejects.append(self._reject(name, found))
            else:
                proofs.append(found[0])
                steps += found[1]
        with self._plan.job.folder(self._plan.place(chunk)) as part:
            for table, rows in zip(TABLES, (proofs, steps, rejects), strict=True):
                tables.write(tables.to_table(rows, TABLES[table]), part / f"{table}.parquet")
        return len(proofs)

    def close(self) -> None:
        for files in (self.__dict__.get("_all"), self._module):
            if files is not None:
                files.close()

    def _found_in(self, chunk: Chunk) -> Iterator[tuple[Proof, list[Step]] | Missing]:
        if chunk.source is not None:
            yield from self._as_compiled_from(chunk.source, chunk)
        elif chunk.is_of_user:
            yield from (self._all.record(name, chunk.module) for name in chunk.theorems)
        else:
            known = self._plan.known_for(chunk)
            yield from (self._proof_of(name, known.get(name), chunk) for name in chunk.theorems)

    def _as_compiled_from(self, source: str, chunk: Chunk) -> Iterator[tuple[Proof, list[Step]] | Missing]:
        """The proofs in a module's source. One that can't be read has none: it may have been changed since it was compiled, or Lean needs
        more memory or time for it than it is given. Raises NativeError where lake fails, which is no module's fault."""
        if self._module is not None:
            self._module.close()
            self._module = None
        try:
            self._module = Files(library_of_source(self._plan.job.library.workspace, chunk.module, source))
        except (EngineDied, EngineRefused) as error:
            yield from (Missing("source not read", str(error)) for _ in chunk.theorems)
        else:
            yield from (self._module.record(name, chunk.module) for name in chunk.theorems)

    def _proof_of(self, name: str, known: Known | None, chunk: Chunk) -> tuple[Proof, list[Step]] | Missing:
        """The proof with its steps, or why there is none."""
        if not self._plan.tries and known is None:
            return Missing("open")
        number = self._library.numbers[name]
        try:
            statement = self._all.gym.theorem(number, chunk.available)
            start = self._all.gym.start(statement)
        except NotOpened as error:
            return Missing("mentioned before" if "mentions it" in str(error) else "not opened")
        except (EngineDied, EngineRefused) as error:
            return Missing("not opened", str(error))
        solved = self._replayed(start, known) or self._found(start, number, chunk)
        if solved is None:
            return Missing("open")
        steps = rows_of(solved.played, form=FOUND, variant_id=None, theorem=name, target=name, module=chunk.module)
        return proof_of(name, chunk.module, chunk.round, solved.line, statement, solved.played, steps), steps

    def _replayed(self, start: State, known: Known | None) -> Solved | None:
        if known is None or not proves(played := list(self._all.gym.play(start, known.tactics))):
            return None
        return Solved(known.line, explicit(self._all.gym, played) if " <;> " in played[-1].tactic else played)

    def _found(self, start: State, number: int, chunk: Chunk) -> Solved | None:
        suggested = self._adviser.suggest(number, set(chunk.available)) if self._adviser else Suggested()
        return solve(self._all.gym, start, self._plan.tries, suggested)

    def _reject(self, name: str, why: Missing) -> Reject:
        entry = self._library.theorems[self._library.numbers[name]]
        return Reject(target=name, library=self._library.library_of(entry), module=entry.module, stage="harvest", reason=why.reason,
                      message=why.message)


class Prover:
    """Runs proofs again, in an engine that has found none of them."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._numbers = catalogue(plan.job).numbers
        self._workspace = opened(plan.job.library)
        self._gym = Gym(self._workspace)

    def __call__(self, chunk: Chunk, history: History) -> list[str]:
        """The theorems whose proofs do not go through; they are kept beside the proofs."""
        leaks = [proof.theorem for proof in self._plan.proofs_of(chunk) if not self._holds(proof, chunk)]
        write_whole(self._plan.place(chunk) / LEAKS, msgspec.json.encode(leaks))
        return leaks

    def close(self) -> None:
        self._workspace.close()

    def _holds(self, proof: Proof, chunk: Chunk) -> bool:
        try:
            start = self._gym.start(self._gym.theorem(self._numbers[proof.theorem], chunk.available))
        except (NotOpened, EngineDied, EngineRefused):
            return False
        return proves(list(self._gym.play(start, proof.tactics)))


HARVEST = Stage(name="harvest", worker=Harvester)
PROVE_AGAIN = Stage(name="prove again", worker=Prover)
LEAKS = "leaks.json"
TABLES: dict[str, type[msgspec.Struct]] = {"proofs": Proof, "steps": Step, "rejects": Reject}


class Harvest(msgspec.Struct, frozen=True):
    """theorems: that were tried, each proved or rejected. proved: by round. leaks: theorems whose proofs do not go through in a fresh
    engine."""

    theorems: int
    proved: list[int]
    with_premises: int
    leaks: list[str]
    rejects: dict[str, int]
    seconds: float


def harvest(job: Job, workers: int, rounds: int, portfolio: str, known: Sequence[Known] = (), report: Report = silent) -> Harvest:
    """Proves theorems of the job's library, as many as its options say, and writes the tables `proofs`, `steps` and `rejects`. Raises
    UsageError for a portfolio that is none, Unfinished where a chunk failed."""
    if portfolio not in PORTFOLIOS:
        raise UsageError(f"there is no portfolio {portfolio}; there are {', '.join(PORTFOLIOS)}")
    start = time.monotonic()
    with job.begin(), pool.cluster(workers):
        library = extracted(job, workers, report)
        entries = [library.theorems[library.numbers[name]] for name in draw_targets(job, library)]
        job.accept()
        plan = Plan(job, PORTFOLIOS[portfolio], {proof.theorem: proof for proof in known}, folder_of(job, portfolio))
        make(plan.folder)
        made: list[Chunk] = []
        for number in range(1, rounds + 1):
            chunks = list(_round(plan, entries, number, made))
            if not chunks:
                break
            _work(plan, chunks, number, len(library.theorems), workers, report)
            made += chunks
        leaks = _prove_again(plan, made, workers, report)
        proved, rejects, with_premises = _tabulate(plan, made)
        counts = {"targets": len(entries), "proofs": proved.total(), "with_premises": with_premises, "leaks": len(leaks)}
        write_whole(job.manifest_file, msgspec.json.encode(Manifest(
            library=job.options.library, toolchain=library.described.toolchain, versions=versions(), seed=job.options.seed,
            options=job.options, schema_version=tables.SCHEMA_VERSION, shards=sorted(plan.place(chunk).name for chunk in made),
            seconds=job.note_seconds(last=True), rejects=dict(rejects), counts=counts)))
    by_round = [proved[number] for number in range(1, max(proved, default=0) + 1)]
    return Harvest(len(entries), by_round, with_premises, leaks, dict(rejects), time.monotonic() - start)


def _round(plan: Plan, entries: list[Entry], number: int, before: list[Chunk]) -> Iterator[Chunk]:
    """What there is to do in a round: the theorems that are left, of modules in which the last round proved something."""
    proved: dict[str, list[str]] = defaultdict(list)
    fresh: set[str] = set()
    for chunk in before:
        names = [proof.theorem for proof in plan.proofs_of(chunk)]
        proved[chunk.module] += names
        if names and chunk.round == number - 1 and not chunk.is_written:
            fresh.add(chunk.module)
    by_module: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_module[entry.module].append(entry.name)
    for module, names in sorted(by_module.items()):
        if number > 1 and module not in fresh:
            continue
        source = source_of(plan.job.library, module)
        available = sorted(proved[module])
        left = sorted(set(names).difference(available))
        size = CHUNK if source is None else len(left)  # it is read once
        yield from (Chunk(number, module, left[i:i + size], available, source) for i in range(0, len(left), size))


def _work(plan: Plan, chunks: list[Chunk], number: int, theorems: int, workers: int, report: Report) -> None:
    todo = [chunk for chunk in chunks if not plan.is_done(chunk)]
    for chunk in todo:
        remove(plan.place(chunk))  # one that can't be read
    total = sum(len(chunk.theorems) for chunk in chunks)
    done, proved = total - sum(len(chunk.theorems) for chunk in todo), 0
    stage = f"harvest, round {number}"
    report(stage, done, total, "")
    for event in pool.finish(sized(HARVEST, plan.job.library, theorems), plan, todo, workers, _called):
        done += len(event.item.theorems)
        proved += event.summary
        report(stage, done, total, f"{proved:,} proved")


def _prove_again(plan: Plan, chunks: list[Chunk], workers: int, report: Report) -> list[str]:
    """The theorems whose proofs do not go through in fresh engines. What stands in a file was proved by Lean when it read the file, before
    it was played."""
    chunks = [chunk for chunk in chunks if not chunk.is_written]
    todo = [chunk for chunk in chunks if not (plan.place(chunk) / LEAKS).is_file()]
    for done, _ in enumerate(pool.finish(sized(PROVE_AGAIN, plan.job.library), plan, todo, workers, _called), len(chunks) - len(todo) + 1):
        report("prove again", done, len(chunks), "")
    return [name for chunk in chunks for name in msgspec.json.decode((plan.place(chunk) / LEAKS).read_bytes(), type=list[str])]


def _called(chunk: Chunk) -> str:
    return f"{chunk.module}, {chunk.theorems[0]}"


MODULES_AT_ONCE = 20
"""In a file of a table."""


def _tabulate(plan: Plan, chunks: list[Chunk]) -> tuple[Counter[int], Counter[str], int]:
    """Writes the tables. What was proved, by round; what was not, by reason; how many proofs name a premise."""
    by_module: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        by_module[chunk.module].append(chunk)
    modules = list(by_module.values())
    groups = [modules[i:i + MODULES_AT_ONCE] for i in range(0, len(modules), MODULES_AT_ONCE)]
    proved, rejects, with_premises = Counter(), Counter(), 0
    with draft(plan.job.work) as made:
        for table in TABLES:
            make(made / table)
        placed = ([[plan.place(chunk) for chunk in chunks] for chunks in group] for group in groups)
        for rounds, reasons, naming in pool.tasks(partial(_assemble, made), enumerate(placed)):
            proved, rejects, with_premises = proved + rounds, rejects + reasons, with_premises + naming
        plan.job.manifest_file.unlink(missing_ok=True)  # between the tables of two harvests there is none
        for table in TABLES:
            exchange(made / table, plan.job.out / table)
    return proved, rejects, with_premises


def _assemble(made: Location, numbered: tuple[int, list[list[Location]]]) -> tuple[Counter[int], Counter[str], int]:
    """One file of each table, of some modules: the places of their chunks, by round. A theorem leaves by one of two doors: proved in a
    round, or with the reason of its last."""
    number, modules = numbered
    rows: dict[str, list[msgspec.Struct]] = {table: [] for table in TABLES}
    for places in modules:
        last: dict[str, Reject] = {}
        for place in places:
            proofs = tables.read([place / "proofs.parquet"], Proof)
            rows["proofs"] += proofs
            rows["steps"] += tables.read([place / "steps.parquet"], Step)
            last.update((row.target, row) for row in tables.read([place / "rejects.parquet"], Reject))
            for proof in proofs:
                last.pop(proof.theorem, None)
        rows["rejects"] += last.values()
    for table, row in TABLES.items():
        tables.write(tables.to_table(rows[table], row), made / table / f"part-{number:04}.parquet")
    proofs = rows["proofs"]
    return (Counter(proof.round for proof in proofs), Counter(row.reason for row in rows["rejects"]), sum(bool(p.premises) for p in proofs))
