"""A job: its options, its files, and the lock that one run holds on them.

    OUT/manifest.json                 written last; names the shards and counts
    OUT/theorems variants rejects     the tables, put in place together
    OUT/failures/STAGE.parquet        items at which a stage failed
    OUT/.work/STAGE/KEY/              one folder per shard; immutable (`shards.py`)
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
from lean_alchemy.pipelines.runtime.manifest import SCHEMA_VERSION, JobError, UsageError, decoded
from lean_alchemy.pipelines.runtime.open_lean import lean_digest
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
"""Minimum time between two writes of the run time to an object store, in seconds."""


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options that the results in OUT depend on. Each command that makes an OUT has its own subclass."""

    library: list[str]
    workspace: str | None = None
    """A Lake project, whose Lean is used; None: the embedded Lean."""

    def may_differ(self) -> set[str]:
        """The fields that may change in a later run on the same OUT."""
        return set()

    def require_growth(self, counts: dict[str, int]) -> None:
        """counts: those of the manifest in OUT. Raises UsageError if OUT already has more than these options ask for."""


OptionsT = TypeVar("OptionsT", bound=JobOptions)


class Job(Generic[OptionsT]):
    """OUT and its options."""

    def __init__(self, out: Location, options: OptionsT):
        self.out, self.options = out.resolve() if is_local(out) else out, options
        self.library = library_of(options.library, options.workspace)
        self.work = self.out / ".work"

    @property
    def manifest_file(self) -> Location:
        return self.out / "manifest.json"

    def key(self, stage: Stage, *what: object) -> str:
        """The name of a result: a digest of the versions of stage and engine, the library, and `what`, on which the result also depends."""
        return digest_of(stage.name, stage.version, library_digest(self.library), *what)

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Locks OUT for this run. Raises UsageError if OUT was made with other options, JobError if another run holds the lock."""
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
                    with suppress(OSError):  # report the error that ended the run, not this one
                        self.note_seconds(last=True)

    def __getstate__(self) -> dict:
        """For pickling: worker processes do not get the lock."""
        return {name: value for name, value in self.__dict__.items() if name != "_hold"}

    def require_hold(self) -> None:
        """Raises JobError if another run has taken the lock."""
        try:
            self._hold()
        except Occupied:
            raise JobError(f"another run has taken {self.out}: this one lost its lock (the lease was not renewed in time)") from None

    def note_seconds(self, last: bool = False) -> float:
        """The seconds of all runs on OUT so far, including killed ones. The number is written below OUT for the next run."""
        seconds = self._earlier_s + time.monotonic() - self._start
        if is_local(self.work) or last or seconds - self._noted_s > NOTED_S:
            self._noted_s = seconds
            write_whole(self.work / "seconds.json", msgspec.json.encode(seconds))
        return seconds

    def accept(self) -> None:
        """Stores the options as those of OUT. Call it when they are known to be valid."""
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
        """A folder that is moved to `place` if the block ends without an error. An existing `place` is left unchanged."""
        with scratch(self.work) as part:
            yield part
            settle(part, place)


def _seconds_in(file: Location) -> float:
    """Seconds of earlier runs; 0 where they are not known: nothing but a summary depends on them."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=float) if file.exists() else 0.0
    except msgspec.MsgspecError:
        return 0.0


def _options_in(file: Location, kind: type[OptionsT]) -> OptionsT:
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


def named_libraries(names: Sequence[str]) -> list[str]:
    """The modules and files that `--library` names. Raises UsageError for a folder that does not exist or has no files.

    Files get absolute paths, because a later command may run in another working directory. A folder stands for the `.lean` files below
    it, except `lakefile.lean` and hidden folders such as `.lake` (build output and packages).
    """
    return [place for name in names for place in _places(name)]


def _places(name: str) -> list[str]:
    place = Path(name)
    if name.endswith(".lean"):
        return [str(place.resolve())]
    if "/" not in name:
        return [name]  # a module, even if there is a folder of the same name
    if not place.is_dir():
        raise UsageError(f"there is no folder {name}")
    files = sorted(file for file in place.resolve().rglob("*.lean")
                   if file.name != "lakefile.lean" and not any(part.startswith(".") for part in file.relative_to(place.resolve()).parts))
    if not files:
        raise UsageError(f"there is no .lean file below {name}")
    return [str(file) for file in files]


def library_of(names: Sequence[str], workspace: str | None = None) -> Library:
    """The library of these modules and files (names that end in `.lean`). Raises UsageError if a file does not exist."""
    files = [name for name in names if name.endswith(".lean")]
    for file in files:
        if not Path(file).is_file():
            raise UsageError(f"there is no file {file}")
    modules = [name for name in names if not name.endswith(".lean")]
    return Library(tuple(modules), tuple(str(Path(f).resolve()) for f in files), workspace)


def digest_of(*parts: object) -> str:
    """A digest of the parts: 16 hexadecimal digits."""
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=8).hexdigest()


def library_digest(library: Library) -> str:
    """A digest of what the engine reads: the engine's version, Lean, the modules, and the contents of the files."""
    contents = [hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in library.files]
    return digest_of(ENGINE_VERSION, SCHEMA_VERSION, lean_digest(library), library.modules, library.files, contents)
