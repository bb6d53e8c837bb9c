"""A job: its options, where its files are, what may be resumed, and the manifest.

    OUT/manifest.json                 written last; names the shards and counts
    OUT/theorems variants rejects     the tables, put in place together by *select*
    OUT/.work/extract-KEY/            the library: one folder a slice
    OUT/.work/mutate/KEY/             one folder a shard of targets; immutable
    OUT/.work/refute/KEY/             likewise, of false statements
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.mutation import kinds, terms
from lean_alchemy.mutation.kinds import Reach
from lean_alchemy.mutation.policy import arithmetic, generality, patterns, score
from lean_alchemy.mutation.policy import rules as quality
from lean_alchemy.mutation.policy.rules import EVERYTHING, Policy, policy_without
from lean_alchemy.mutation.search import candidates, classes, explain, index
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.runtime.lean import lean_digest
from lean_alchemy.pipelines.runtime.storage import Location, Occupied, clear_scratch, held, is_local, make, scratch, settle, write_whole

SHARD_TARGETS = 20
"""Targets a shard: some seconds of work, which is what a crash costs."""


NOTED_S = 60.0
"""So often at most the time of a run is written to a store."""


class UsageError(Mistake):
    """The command was called wrongly; the message says what to do. Exit status 2."""


class JobError(Trouble):
    """The job can't be done or was not done. Exit status 1."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a corpus depends on."""

    library: list[str]
    targets: int | None
    """How many; None: all."""
    kinds: list[str]
    seed: int = 0
    target: list[str] = []
    module: str | None = None
    forward: bool = True
    side_conditions: bool = True
    occurrences: bool = True
    new_variables: bool = True
    """What goes beyond the paper: see `mutation.kinds.Reach`."""
    depth: int = 1
    keep_all: bool = False
    without: list[str] = []
    """Parts of the policy that are switched off: see `mutation.quality.PARTS`."""
    target_cap: int | None = Policy().target_cap
    foreign_cap: int | None = Policy().foreign_cap
    lemma_cap: int | None = Policy().lemma_cap
    held_out: str | None = None
    """Digest of the held-out file."""
    held_out_premises: bool = False
    """Are held-out theorems no lemmas, either?"""
    refute: bool = False
    """A table of false statements as well; it changes nothing in the others."""
    workspace: str | None = None
    """A lake project, whose Lean is used; None: the embedded one."""


    @property
    def reach(self) -> Reach:
        return Reach(forward=self.forward, side_conditions=self.side_conditions, occurrences=self.occurrences,
                     new_variables=self.new_variables)

    @property
    def policy(self) -> Policy:
        """What is left out. Raises UsageError for a rule that is none."""
        if self.keep_all:
            return EVERYTHING
        try:
            return policy_without(self.without, Policy(
                target_cap=self.target_cap, foreign_cap=self.foreign_cap, lemma_cap=self.lemma_cap))
        except ValueError as error:
            raise UsageError(str(error)) from None


class Manifest(msgspec.Struct, kw_only=True):
    library: list[str]
    toolchain: str
    versions: dict[str, str]
    seed: int
    options: Options
    counts: dict[str, int]
    rejects: dict[str, int]
    shards: list[str]
    schema_version: int
    seconds: float


def library_of(names: Sequence[str], workspace: str | None = None) -> Library:
    """The library that the names mean: modules, and files that end in `.lean`. Raises UsageError."""
    files = [name for name in names if name.endswith(".lean")]
    for file in files:
        if not Path(file).is_file():
            raise UsageError(f"there is no file {file}")
    modules = [name for name in names if not name.endswith(".lean")]
    return Library(tuple(modules), tuple(str(Path(f).resolve()) for f in files), workspace)


def _digest(*parts: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=8).hexdigest()


def library_digest(library: Library) -> str:
    """Names what extraction finds: the engine, the modules and what stands in the files."""
    contents = [hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in library.files]
    return _digest(engine_source.digest(), lean_digest(library), tables.SCHEMA_VERSION, library.modules, library.files,
                   contents, _code(terms, generality, candidates, classes, index))


def stage_digest(library: Library, *files: str) -> str:
    """Names what a stage finds in a library by the code of these files."""
    return _digest(library_digest(library), _contents(map(Path, files)))


def _code(*modules: object) -> str:
    """Digest of the code that decides, so that a change of a rule is another corpus."""
    return _contents(Path(m.__file__) for m in modules)


def _stages(*files: str) -> str:
    """The same of stages, which import this module and so are named by their files."""
    return _contents(Path(__file__).parent / file for file in files)


def _contents(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


class Job:
    """OUT and the options that hold in it."""

    def __init__(self, out: Location, options: Options):
        self.out, self.options = out.resolve() if is_local(out) else out, options
        self.library = library_of(options.library, options.workspace)
        self.work = self.out / ".work"
        self.extract_folder = self.work / f"extract-{library_digest(self.library)}"
        self.mutate_folder = self.work / "mutate"

    @property
    def manifest_file(self) -> Location:
        return self.out / "manifest.json"

    def shard_key(self, targets: Sequence[str]) -> str:
        """Names a shard by its targets and by all that changes its result, never by a number."""
        rules = _code(quality, arithmetic, patterns, candidates, classes, generality, index, kinds, score, terms)
        o = self.options
        return _digest(library_digest(self.library), rules, _stages("mutate.py"), sorted(o.kinds), msgspec.structs.asdict(o.reach),
                       o.keep_all, sorted(o.without), o.target_cap, o.foreign_cap, o.depth, list(targets))

    def require_same_code(self, targets: Sequence[str], key: str) -> None:
        """Raises JobError on a node whose code would make another shard of these targets."""
        if self.shard_key(targets) != key:
            raise JobError("a node of the cluster has another version of lean-alchemy than the one that leads the run: install the same "
                           "on all of them")

    def search_key(self, ways: Sequence[str], pairs: int | None) -> str:
        """Names what `bench search` measures, whatever number of targets it is asked for."""
        stages = _stages("bench.py", "bench_costs.py")
        return _digest(library_digest(self.library), _code(kinds, explain), stages, sorted(ways), self.options.seed, pairs)

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Holds OUT for this run. Raises UsageError for other options, JobError while another run is alive."""
        try:
            make(self.work)
        except OSError as error:
            raise UsageError(f"can't write to {self.out}: {error.strerror or error}") from None
        with ExitStack() as stack:
            try:
                self._hold = stack.enter_context(held(self.work))
            except Occupied:
                raise JobError(f"another run is at work on {self.out}; wait for it or stop it") from None
            self._compare_options()
            noted = self.work / "seconds.json"
            self._earlier_s = msgspec.json.decode(noted.read_bytes(), type=float) if noted.exists() else 0.0
            self._start, self._noted_s = time.monotonic(), self._earlier_s
            clear_scratch(self.work)
            try:
                yield
            finally:
                if not is_local(self.work):
                    with suppress(OSError):  # what ended the run is to be told, and not this
                        self.note_seconds(last=True)

    def __getstate__(self) -> dict:
        """For workers: they do not hold OUT."""
        return {name: value for name, value in self.__dict__.items() if name != "_hold"}

    def require_hold(self) -> None:
        """Raises JobError where another run has taken OUT."""
        try:
            self._hold()
        except Occupied:
            raise JobError(f"another run has taken {self.out}: this one was not heard of for too long") from None

    def note_seconds(self, last: bool = False) -> float:
        """Seconds of work on OUT in all its runs, those that were killed included; kept for the next one, in a store now and then."""
        seconds = self._earlier_s + time.monotonic() - self._start
        if is_local(self.work) or last or seconds - self._noted_s > NOTED_S:
            self._noted_s = seconds
            write_whole(self.work / "seconds.json", msgspec.json.encode(seconds))
        return seconds

    def accept(self) -> None:
        """From here on the options are those of OUT: they were found to make sense."""
        write_whole(self._options_file, msgspec.json.encode(self.options))

    @property
    def _options_file(self) -> Location:
        return self.work / "options.json"

    def _compare_options(self) -> None:
        """The options of OUT may only grow: in the number of targets, and by the table of false statements."""
        if self._options_file.exists():
            try:
                old = msgspec.json.decode(self._options_file.read_bytes(), type=Options)
            except msgspec.MsgspecError as error:
                raise UsageError(f"{self._options_file} is damaged ({error}): use another folder, or remove the file") from None
            grows = {"targets", "refute"} if self.options.refute else {"targets"}
            differing = [name for name in Options.__struct_fields__
                         if name not in grows and getattr(old, name) != getattr(self.options, name)]
            if differing:
                raise UsageError(f"{self.out} was made with other options: " + "; ".join(
                    f"{name} was {getattr(old, name)!r}, is {getattr(self.options, name)!r}" for name in differing)
                    + ". Use another folder, or the same options.")
        if self.manifest_file.exists() and self.options.targets is not None:
            made = _decoded(self.manifest_file).counts["targets"]
            if made > self.options.targets:
                raise UsageError(f"{self.out} has {made} targets; ask for at least as many, or use another folder")

    @contextmanager
    def folder(self, place: Location) -> Iterator[Path]:
        """A folder that becomes `place` when the block ends well. A place that is there is left as it is."""
        with scratch(self.work) as part:
            yield part
            settle(part, place)

    @staticmethod
    def manifest_at(out: Location, table: str = "variants") -> Manifest:
        """Raises UsageError where OUT is not finished, or has no such table."""
        file = out / "manifest.json"
        made = MADE_BY[table]
        if not file.is_file():
            raise UsageError(f"{out} holds no {table}: it has no manifest.json. Make them with `alchemy {made} {out}`.")
        manifest = _decoded(file)
        if table not in manifest.counts:
            raise UsageError(f"{out} holds no {table}, but {', '.join(manifest.counts)}: name a folder of `alchemy {made}`.")
        return manifest


def _decoded(file: Location) -> Manifest:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} can't be read: {error}") from None


MADE_BY = {"variants": "synthesize", "proofs": "harvest"}
"""The command that makes a table."""


def versions() -> dict[str, str]:
    """What made a corpus: the engine, this package and the libraries that its result depends on."""
    from importlib.metadata import version

    return {"engine": engine_source.digest(), **{name: version(name) for name in ("lean-alchemy", "ray", "pyarrow")}}
