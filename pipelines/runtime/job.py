"""A job: its options, where its files are, and who may work on them.

    OUT/manifest.json                 written last; names the shards and counts
    OUT/theorems variants rejects     the tables, put in place together
    OUT/failures/STAGE.parquet        items that a stage failed at
    OUT/.work/STAGE/KEY/              one folder a shard; immutable (`shards.py`)
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION
from lean_alchemy.pipelines.runtime.lean import lean_digest
from lean_alchemy.pipelines.runtime.manifest import SCHEMA_VERSION, JobError, UsageError, decoded
from lean_alchemy.pipelines.runtime.stage import Stage
from lean_alchemy.pipelines.runtime.storage import (
    Location,
    Occupied,
    clear_scratch,
    held,
    is_local,
    make,
    scratch,
    settle,
    write_whole,
)

NOTED_S = 60.0
"""So often at most the time of a run is written to a store."""


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the results in OUT depend on. Each command that makes an OUT has a kind of its own."""

    library: list[str]
    workspace: str | None = None
    """A lake project, whose Lean is used; None: the embedded one."""

    def may_differ(self) -> set[str]:
        """Fields in which a later run on the same OUT may differ."""
        return set()

    def require_growth(self, counts: dict[str, int]) -> None:
        """counts: of the manifest in OUT. Raises UsageError where it has more than is asked for now."""


Options = TypeVar("Options", bound=JobOptions)


class Job(Generic[Options]):
    """OUT and the options that hold in it."""

    def __init__(self, out: Location, options: Options):
        self.out, self.options = out.resolve() if is_local(out) else out, options
        self.library = library_of(options.library, options.workspace)
        self.work = self.out / ".work"

    @property
    def manifest_file(self) -> Location:
        return self.out / "manifest.json"

    def key(self, stage: Stage, *what: object) -> str:
        """Names results of a stage: by its version, the engine's, the library, and `what` else they depend on; never by a number."""
        return digest(stage.name, stage.version, library_digest(self.library), *what)

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
            self._earlier_s = _seconds_in(self.work / "seconds.json")
            self._start, self._noted_s = time.monotonic(), self._earlier_s
            clear_scratch(self.work)
            try:
                yield
            finally:
                if not is_local(self.work):
                    with suppress(OSError):  # the error that ended the run is to be told, and not this one
                        self.note_seconds(last=True)

    def __getstate__(self) -> dict:
        """For workers: they do not hold OUT."""
        return {name: value for name, value in self.__dict__.items() if name != "_hold"}

    def require_hold(self) -> None:
        """Raises JobError where another run has taken OUT."""
        try:
            self._hold()
        except Occupied:
            raise JobError(f"another run has taken {self.out}: this one did not renew its lease in time") from None

    def note_seconds(self, last: bool = False) -> float:
        """Seconds of work on OUT in all its runs, killed ones included; kept for the next one, in a store now and then."""
        seconds = self._earlier_s + time.monotonic() - self._start
        if is_local(self.work) or last or seconds - self._noted_s > NOTED_S:
            self._noted_s = seconds
            write_whole(self.work / "seconds.json", msgspec.json.encode(seconds))
        return seconds

    def accept(self) -> None:
        """From here on the options are those of OUT: they make sense."""
        write_whole(self._options_file, msgspec.json.encode(self.options))

    @property
    def _options_file(self) -> Location:
        return self.work / "options.json"

    def _compare_options(self) -> None:
        if self._options_file.exists():
            old = _options_in(self._options_file, type(self.options))
            differing = [name for name in self.options.__struct_fields__
                         if name not in self.options.may_differ() and getattr(old, name) != getattr(self.options, name)]
            if differing:
                raise UsageError(f"{self.out} was made with other options: " + "; ".join(
                    f"{name} was {getattr(old, name)!r}, is {getattr(self.options, name)!r}" for name in differing)
                    + ". Use another folder, or the same options.")
        if self.manifest_file.exists():
            self.options.require_growth(decoded(self.manifest_file).counts)

    @contextmanager
    def folder(self, place: Location) -> Iterator[Path]:
        """A folder that becomes `place` when the block ends well. A place that is there is left as it is."""
        with scratch(self.work) as part:
            yield part
            settle(part, place)


def _seconds_in(file: Location) -> float:
    """Seconds of earlier runs; 0 where they are not known: nothing but a summary depends on them."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=float) if file.exists() else 0.0
    except msgspec.MsgspecError:
        return 0.0


def _options_in(file: Location, kind: type[Options]) -> Options:
    """Raises UsageError where they are damaged, or those of another command."""
    content = file.read_bytes()
    try:
        found = msgspec.json.decode(content, type=dict)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{file} is damaged ({error}): use another folder, or remove the file") from None
    try:
        options = msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError:
        options = None
    if options is None or found.keys() - set(kind.__struct_fields__):
        raise UsageError(f"{file.parent.parent} was made by another command of alchemy: use another folder")
    return options


def library_of(names: Sequence[str], workspace: str | None = None) -> Library:
    """The library that the names mean: modules, and files that end in `.lean`. Raises UsageError."""
    files = [name for name in names if name.endswith(".lean")]
    for file in files:
        if not Path(file).is_file():
            raise UsageError(f"there is no file {file}")
    modules = [name for name in names if not name.endswith(".lean")]
    return Library(tuple(modules), tuple(str(Path(f).resolve()) for f in files), workspace)


def digest(*parts: object) -> str:
    """16 hexadecimal digits."""
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=8).hexdigest()


def library_digest(library: Library) -> str:
    """Names a library as the engine sees it: the engine's version, Lean, the modules, and the contents of files."""
    contents = [hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in library.files]
    return digest(ENGINE_VERSION, SCHEMA_VERSION, lean_digest(library), library.modules, library.files, contents)
