"""*harvest*: records proofs of the theorems of a library, step by step. For a user's files and for the modules of a workspace these are the
proofs in the source (`written.py`). For a library without sources they are found by automation.

The embedded library has no proofs. Each theorem is proved in the environment before it (`BeforeTheorem` in the engine): the imports and
definitions of its module, and those theorems of the module that were proved in an earlier round. So no proof can depend on itself,
whatever the order in Lean's sources. A known proof (`known_proofs.py`) is tried before the portfolio.

The result of a round for a module depends only on the theorems available there, and its shards are named by these. At the end every proof
is replayed in a fresh engine, in the environment of its round. A proof that does not replay there is a leak, and a failure.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from lean_alchemy.lean_workspace.automation import Solved, explicit, solve
from lean_alchemy.lean_workspace.gym import Gym, NotOpened, State, proves
from lean_alchemy.lean_workspace.portfolio import PORTFOLIOS, SuggestedTheorems
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.pipelines.corpus.catalogue import Entry
from lean_alchemy.pipelines.corpus.extract import catalogue, extracted
from lean_alchemy.pipelines.corpus.options import TargetOptions
from lean_alchemy.pipelines.corpus.targets import draw_targets
from lean_alchemy.pipelines.data.schema import Proof, Reject, Step
from lean_alchemy.pipelines.premises.suggestions import Adviser
from lean_alchemy.pipelines.proofs.known_proofs import Known
from lean_alchemy.pipelines.proofs.steps import played_steps
from lean_alchemy.pipelines.proofs.tables import Tabulated, write_proof_tables
from lean_alchemy.pipelines.proofs.written import Missing, OpenedFiles, library_of_source, library_source, played_proof
from lean_alchemy.pipelines.runtime import pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import SCHEMA_VERSION, Manifest, UsageError, encoded_options, package_versions
from lean_alchemy.pipelines.runtime.open_lean import opened, sized
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums, chunks, silent
from lean_alchemy.pipelines.runtime.storage import write_whole

THEOREMS_PER_SHARD = 40
"""Theorems per shard, all of one module and in one environment: about twenty seconds of work."""

FOUND = "harvest"
"""The `form` of steps whose proofs were found by automation."""


class ModuleEnvironment(msgspec.Struct, frozen=True):
    """The environment for the theorems of a module in a round. available: the theorems of the module that may be used. source: for a module
    of a workspace, the file with its proofs."""

    round: int
    module: str
    available: list[str]
    source: str | None = None

    @property
    def is_of_user(self) -> bool:
        """Is the module a user's file, which contains the proofs?"""
        return self.module.endswith(".lean")

    @property
    def is_written(self) -> bool:
        return self.is_of_user or self.source is not None


class Wanted(msgspec.Struct, frozen=True):
    """A theorem to prove. known: a known proof to try first, for example from an earlier harvest."""

    theorem: str
    environment: ModuleEnvironment
    known: Known | None


class HarvestTally(Sums):
    proved: int = 0


class HarvestSettings(msgspec.Struct, frozen=True):
    """The settings of the workers. portfolio: the name of the tactics to try, a key of PORTFOLIOS."""

    job: Job[TargetOptions]
    portfolio: str


class Harvester:
    """Holds engines and the index; proves theorems."""

    def __init__(self, settings: HarvestSettings):
        self._job, self._tries = settings.job, PORTFOLIOS[settings.portfolio]
        self._library = catalogue(self._job)
        self._module: tuple[ModuleEnvironment, OpenedFiles | Missing] | None = None
        """The source file that was read last, and the module it belongs to."""

    @cached_property
    def _all(self) -> OpenedFiles:
        """An engine with the whole library open."""
        return OpenedFiles(msgspec.structs.replace(self._job.library, proofs=bool(self._job.library.files)))

    @cached_property
    def _adviser(self) -> Adviser | None:
        return Adviser(self._library, self._all.workspace) if self._tries.uses_index else None

    def __call__(self, items: Sequence[Wanted]) -> Iterator[Proof | Step | Reject | HarvestTally]:
        """Raises EngineDied, NotReplayed."""
        for item in items:
            found = self._found(item)
            if isinstance(found, Missing):
                yield self._reject(item.theorem, found)
            else:
                proof, steps = found
                yield proof
                yield from steps
                yield HarvestTally(proved=1)

    def close(self) -> None:
        if "_all" in self.__dict__:
            self._all.close()
        self._close_module()

    def _found(self, item: Wanted) -> tuple[Proof, list[Step]] | Missing:
        where = item.environment
        if where.source is not None:
            files = self._as_compiled_from(where.source, where)
            return files if isinstance(files, Missing) else files.record(item.theorem, where.module)
        if where.is_of_user:
            return self._all.record(item.theorem, where.module)
        return self._proof_of(item)

    def _as_compiled_from(self, source: str, where: ModuleEnvironment) -> OpenedFiles | Missing:
        """Opens the source of a module. Returns Missing if Lean can't read it: it was changed after it was compiled, or it needs more
        memory or time than the engine has. Raises NativeError if `lake` fails."""
        if self._module is None or self._module[0] != where:
            self._close_module()
            try:
                self._module = where, OpenedFiles(library_of_source(self._job.library.workspace or "", where.module, source))
            except (EngineDied, EngineRefused) as error:
                self._module = where, Missing("source not read", str(error))
        return self._module[1]

    def _close_module(self) -> None:
        if self._module is not None and isinstance(self._module[1], OpenedFiles):
            self._module[1].close()
        self._module = None

    def _proof_of(self, item: Wanted) -> tuple[Proof, list[Step]] | Missing:
        """The proof with its steps, or the reason why there is none."""
        name, where, gym = item.theorem, item.environment, self._all.gym
        if not self._tries and item.known is None:
            return Missing("open")
        number = self._library.numbers[name]
        try:
            statement = gym.theorem(number, where.available)
            start = gym.start(statement)
        except NotOpened as error:
            return Missing("mentioned before" if "mentions it" in str(error) else "not opened")
        except EngineRefused as error:
            return Missing("not opened", str(error))
        solved = self._replayed(start, item.known) or self._searched(start, number, where)
        if solved is None:
            return Missing("open")
        steps = played_steps(solved.played, form=FOUND, variant_id=None, theorem=name, target=name, module=where.module)
        return played_proof(name, where.module, where.round, solved.line, statement, solved.played, steps), steps

    def _replayed(self, start: State, known: Known | None) -> Solved | None:
        if known is None or not proves(played := list(self._all.gym.play(start, known.tactics))):
            return None
        return Solved(known.line, explicit(self._all.gym, played) if " <;> " in played[-1].tactic else played)

    def _searched(self, start: State, number: int, where: ModuleEnvironment) -> Solved | None:
        suggested = self._adviser.suggest(number, set(where.available)) if self._adviser else SuggestedTheorems()
        return solve(self._all.gym, start, self._tries, suggested)

    def _reject(self, name: str, why: Missing) -> Reject:
        entry = self._library.theorems[self._library.numbers[name]]
        return Reject(target=name, library=self._library.library_of(entry), module=entry.module, stage="harvest", reason=why.reason,
                      message=why.message)


HARVEST = Stage(name="harvest", version=1, worker=Harvester, tally=HarvestTally, name_of=lambda item: item.theorem,
                tables={"proofs": Proof, "steps": Step, "rejects": Reject})


class Replayed(msgspec.Struct, frozen=True):
    """A proof to replay in the environment of its round."""

    theorem: str
    tactics: list[str]
    environment: ModuleEnvironment


class Replayer:
    """Replays proofs in a fresh engine, which did not find them."""

    def __init__(self, job: Job):
        self._numbers = catalogue(job).numbers
        self._workspace = opened(job.library)
        self._gym = Gym(self._workspace)

    def __call__(self, items: Sequence[Replayed]) -> Iterator[Failure]:
        """Raises EngineDied, NotOpened."""
        for item in items:
            start = self._gym.start(self._gym.theorem(self._numbers[item.theorem], item.environment.available))
            if not proves(list(self._gym.play(start, item.tactics))):
                yield Failure.of(REPLAY.name, item.theorem, "its proof does not replay in a fresh engine (a leak)")

    def close(self) -> None:
        self._workspace.close()


REPLAY = Stage(name="replay", version=1, worker=Replayer, tables={}, name_of=lambda item: item.theorem)


class Harvest(msgspec.Struct, frozen=True):
    """theorems: the number of theorems tried; each is proved, rejected or failed. proved: numbers by round. leaks: the number of theorems
    whose proofs do not replay in a fresh engine; they are failures, too."""

    theorems: int
    proved: list[int]
    with_premises: int
    leaks: int
    rejects: dict[str, int]
    failures: list[Failure]
    seconds: float


def harvest(job: Job[TargetOptions], workers: int, rounds: int, portfolio: str, known: Sequence[Known] = (), report: Report = silent,
            retries: Retries = Retries()) -> Harvest:
    """Proves the targets of the job, and writes the tables `proofs`, `steps` and `rejects`. Raises UsageError for an unknown portfolio,
    TooManyFailures."""
    if portfolio not in PORTFOLIOS:
        raise UsageError(f"there is no portfolio {portfolio}; there are {', '.join(PORTFOLIOS)}")
    options = job.options
    start = time.monotonic()
    with job.begin(), pool.cluster(workers):
        library = extracted(job, workers, report)
        names = [name for name in draw_targets(options, library) if name not in options.skip_target]
        entries = [library.theorems[library.numbers[name]] for name in names]
        job.accept()
        by_theorem = {proof.theorem: proof for proof in known}
        found, failures = _in_rounds(job, HarvestSettings(job, portfolio), entries, by_theorem, rounds, workers, report, retries)
        replayed = _replay(job, found, workers, report, retries)
        leaks = [failure for failure in replayed if failure.stage == REPLAY.name]
        tabulated = write_proof_tables(job, HARVEST, [[shard for _, shard in shards] for shards in _by_module(found)])
        failures += replayed + tabulated.damaged
        for stage in (HARVEST, REPLAY):
            write_failures(job, stage.name, [failure for failure in failures if failure.stage == stage.name])
        _write_manifest(job, library.described.toolchain, entries, found, tabulated, leaks, failures)
    proved = [tabulated.proved[number] for number in range(1, max(tabulated.proved, default=0) + 1)]
    return Harvest(len(entries), proved, tabulated.with_premises, len(leaks), dict(tabulated.rejects), failures, time.monotonic() - start)


Round = tuple[ModuleEnvironment, Shard]
"""A shard of *harvest*, and the environment of its theorems."""


def _in_rounds(job: Job, settings: HarvestSettings, entries: list[Entry], known: dict[str, Known], rounds: int, workers: int,
               report: Report, retries: Retries) -> tuple[list[Round], list[Failure]]:
    """Runs all rounds, with the same engines, and returns all shards and failures."""
    found, failures = list[Round](), list[Failure]()
    stage = sized(HARVEST, job.library, len(entries))
    with runner.crew(job, stage, settings, workers) as crew:
        for number in range(1, rounds + 1):
            todo = list(_round(job, settings, entries, known, number, found, failures))
            if not todo:
                break
            ran = runner.run(job, stage, settings, [shard for _, shard in todo], workers, report, retries=retries, hired=crew,
                             label=f"harvest, round {number}", note=lambda tally: f"{tally.proved:,} proved")
            failures += ran.failures
            found += todo
    return found, failures


def _round(job: Job, settings: HarvestSettings, entries: list[Entry], known: dict[str, Known], number: int,
           before: list[Round], failures: list[Failure]) -> Iterator[Round]:
    """The shards of a round: the theorems without a proof, of modules in which the last round proved a theorem. The theorems of damaged
    shards are added to `failures`."""
    proved: dict[str, list[str]] = defaultdict(list)
    fresh: set[str] = set()
    for where, shard in before:
        names = [proof.theorem for proof in runner.rows(job, HARVEST, shard, "proofs", failures)]
        proved[where.module] += names
        if names and where.round == number - 1 and not where.is_written:
            fresh.add(where.module)
    by_module: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_module[entry.module].append(entry.name)
    for module, names in sorted(by_module.items()):
        if number > 1 and module not in fresh:
            continue
        source = library_source(job.library, module)
        where = ModuleEnvironment(number, module, sorted(proved[module]), source)
        left = sorted(set(names).difference(where.available))
        size = THEOREMS_PER_SHARD if source is None else len(left)  # a source is read once, so it is one shard
        for some in chunks(left, size):
            items = [Wanted(name, where, _usable(known.get(name), number)) for name in some]
            yield where, Shard(job.key(HARVEST, settings.portfolio, where, [(item.theorem, item.known) for item in items]), items)


def _usable(known: Known | None, round_: int) -> Known | None:
    """The known proof, or None if it is of a later round: it may use theorems that are not available yet."""
    return known if known is not None and known.round <= round_ else None


def _replay(job: Job, found: Sequence[Round], workers: int, report: Report, retries: Retries) -> list[Failure]:
    """The failures of proofs that do not replay in fresh engines. Proofs from a source file are not replayed, because Lean checked them
    when it elaborated the file."""
    shards, failures = list[Shard](), list[Failure]()
    for where, shard in found:
        proofs = [] if where.is_written else runner.rows(job, HARVEST, shard, "proofs", failures)
        if items := [Replayed(proof.theorem, proof.tactics, where) for proof in proofs]:
            shards.append(Shard(job.key(REPLAY, where, [(item.theorem, item.tactics) for item in items]), items))
    if shards:
        failures += runner.run(job, sized(REPLAY, job.library), job, shards, workers, report, retries=retries).failures
    return failures


def _by_module(found: Sequence[Round]) -> list[list[Round]]:
    """The shards of each module, in the order of their rounds."""
    by_module: dict[str, list[Round]] = defaultdict(list)
    for where, shard in found:
        by_module[where.module].append((where, shard))
    return list(by_module.values())


def _write_manifest(job: Job[TargetOptions], toolchain: str, entries: Sequence[Entry], found: Sequence[Round], tabulated: Tabulated,
                    leaks: list[Failure], failures: list[Failure]) -> None:
    options = job.options
    counts = {"targets": len(entries), "proofs": Counter(tabulated.proved).total(), "with_premises": tabulated.with_premises,
              "leaks": len(leaks), "failures": len(failures)}
    write_whole(job.manifest_file, msgspec.json.encode(Manifest(
        library=options.library, toolchain=toolchain, versions=package_versions(), seed=options.seed, options=encoded_options(options),
        schema_version=SCHEMA_VERSION, shards=sorted(shard.key for _, shard in found), seconds=job.note_seconds(last=True),
        rejects=dict(tabulated.rejects), counts=counts)))
