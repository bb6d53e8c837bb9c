"""The location of a corpus: a folder, or a URL of an object store (`s3://bucket/corpus`, or any other protocol of fsspec).

A folder is a `pathlib.Path`, a URL a `upath.UPath`, which has the same methods. This module handles the differences. A folder can be
renamed, so it appears with all its files at once. An object store writes one object at a time: a shard is complete when all its objects
exist, and a corpus is complete when its manifest, which is written last, exists.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import filelock
import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
from typing_extensions import TypeIs
from upath import UPath

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.pipelines.runtime.extras import require_extra

Location = Path | UPath
Asked = TypeVar("Asked")
AnswerT = TypeVar("AnswerT")


class UnknownLocation(Mistake):
    """The URL, or the table below it, can't be opened."""


_ALONE = ("memory", "http", "https")
"""Protocols that can't hold a corpus: other processes can't see the files, or the store can't be written."""


def location_of(text: str) -> Location:
    """The folder or URL as a path. Raises UnknownLocation if it can't be opened: unknown protocol, no bucket, no permission to read it;
    Mistake if a package that opens it is not installed."""
    if not text:
        raise UnknownLocation("the name of the folder is empty")
    if "://" not in text:
        return Path(text).resolve()
    scheme, rest = text.split("://", 1)
    if scheme == "file" and rest.startswith("/"):
        return Path(rest).resolve()
    if scheme in (*_ALONE, "file") or not rest.strip("/") or rest.startswith("/"):
        raise UnknownLocation(f"can't open {text}: give a folder, or a URL below a bucket such as s3://bucket/corpus")
    if scheme in ("s3", "s3a"):
        require_extra("cluster", text)
    try:
        place = UPath(text.rstrip("/"), use_listings_cache=False)
        _require_bucket(place)
    except Exception as error:  # each store raises its own types of errors
        raise UnknownLocation(f"can't open {text}: {error or type(error).__name__}") from None
    return place


def _require_bucket(place: UPath) -> None:
    try:
        place.fs.ls(place.path)
    except FileNotFoundError:
        with suppress(PermissionError):  # a user may have access to a part of the bucket only
            place.fs.ls(place.path.partition("/")[0])


def as_typed(place: Location) -> str:
    """The folder as a user would type it: relative to the working directory if it is below it."""
    return str(place.relative_to(Path.cwd())) if is_local(place) and place.is_relative_to(Path.cwd()) else str(place)


def is_local(place: Location) -> TypeIs[Path]:
    return isinstance(place, Path)


def write_whole(file: Location, content: bytes | pa.Buffer) -> None:
    """Writes or replaces a file atomically."""
    if not is_local(file):
        file.write_bytes(bytes(content))  # an object store is atomic for each object
        return
    part = file.parent / f"part-{uuid4().hex}"
    try:
        part.write_bytes(content)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def make(folder: Location) -> None:
    """Creates a folder if it does not exist. Does nothing for an object store, where `mkdir` would create a bucket."""
    if is_local(folder):
        folder.mkdir(parents=True, exist_ok=True)


def remove(place: Location) -> None:
    """Removes a folder and its contents, if it exists."""
    if is_local(place):
        shutil.rmtree(place, ignore_errors=True)
    elif place.exists():
        place.fs.rm(place.path, recursive=True)


@contextmanager
def scratch(work: Location) -> Iterator[Path]:
    """A temporary local folder: in `work` if that is local (so that it can be renamed), else in the system's temporary folder."""
    if not is_local(work):
        with tempfile.TemporaryDirectory(prefix="alchemy-") as folder:
            yield Path(folder)
        return
    part = work / f"part-{uuid4().hex}"
    part.mkdir(parents=True)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def new_folder(work: Location) -> Iterator[Location]:
    """A temporary folder in `work`, for `exchange` to move. It may be in an object store. It is removed at the end of the block."""
    made = work / f"part-{uuid4().hex}"
    try:
        make(made)
        yield made
    finally:
        remove(made)


def clear_scratch(work: Location) -> None:
    """Removes temporary folders of runs that were killed."""
    for left in list(work.glob("part-*")):
        remove(left)


def settle(made: Path, place: Location) -> None:
    """Moves a scratch folder to `place`. If another worker was faster, its result is kept (in an object store: overwritten by an equal
    one)."""
    if not is_local(place):
        _upload(made, place)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def exchange(made: Location, place: Location) -> None:
    """Replaces the folder `place` by the folder `made`. The old one is removed afterwards; in an object store, before."""
    if not is_local(place) or not is_local(made):
        assert isinstance(place, UPath) and isinstance(made, UPath), "both are in the object store"
        remove(place)
        for file in made.fs.find(made.path):
            place.fs.cp_file(file, file.replace(made.path, place.path, 1))
        return
    old = made.with_name(f"{made.name}.old")
    if place.exists():
        os.replace(place, old)
    os.replace(made, place)
    shutil.rmtree(old, ignore_errors=True)


def _upload(made: Path, place: UPath) -> None:
    for file in sorted(file for file in made.rglob("*") if file.is_file()):
        place.fs.put_file(str(file), (place / file.relative_to(made).as_posix()).path)


ASKED_AT_ONCE = 32


def ask_all(question: Callable[[Asked], AnswerT], of: Iterable[Asked]) -> list[AnswerT]:
    """The answers, in order. The questions run in parallel threads, because an object store is slow for each and can serve many."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        return list(threads.map(question, of))


def download(place: Location, folder: Path) -> None:
    """Downloads all files below a location into an existing folder."""
    if is_local(place):
        shutil.copytree(place, folder, dirs_exist_ok=True)
        return
    for file in place.fs.find(place.path):
        to = folder / Path(file).relative_to(Path(place.path))
        to.parent.mkdir(parents=True, exist_ok=True)
        place.fs.get_file(file, str(to))


def dataset(files: Sequence[Location], schema: pa.Schema | None = None) -> ds.Dataset:
    """Parquet files of one location as one dataset."""
    stored = [file for file in files if not is_local(file)]
    paths = [file.path for file in stored] or [str(file) for file in files]
    return ds.dataset(paths, schema=schema, format="parquet", filesystem=stored[0].fs if stored else None)


def table_of(folder: Location) -> ds.Dataset:
    """All Parquet files in a folder as one dataset. Raises UnknownLocation if there are none."""
    files = sorted(folder.glob("*.parquet"), key=str)
    if not files:
        raise UnknownLocation(f"{folder} holds no table; run `alchemy synthesize` again to write the tables again")
    return dataset(files)


# --- one run at a time ----------------------------------------------------------------------------------------------------------


class Occupied(Exception):
    """Another run holds the lock."""


RENEWED_S = 20.0
EXPIRED_S = 120.0
"""A lease that was not renewed for this long has expired. Clocks of different machines must differ by less."""
SETTLED_S = 2.0
"""If two runs begin at once, the one that wrote the lease last has it. Each waits this long before it checks."""


@contextmanager
def held(work: Location) -> Iterator[Callable[[], None]]:
    """Holds a lock on a location during the block. Raises Occupied if another run holds it. Yields a function that raises Occupied if the
    lock was lost. A folder has a lock file, which the system releases when the process ends. An object store has a lease: an object with
    a time in it, which is renewed."""
    if not is_local(work):
        with _Keeper(work / "lease.json") as keeper:
            yield keeper.require
        return
    lock = filelock.FileLock(work / "lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Occupied from None
    try:
        yield lambda: None
    finally:
        lock.release()


class _Lease(msgspec.Struct, frozen=True):
    holder: str
    time: float


class _Keeper:
    """Takes a lease on entry, renews it in a thread, and removes it on exit."""

    def __init__(self, file: Location):
        self._file, self._mine = file, uuid4().hex
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "_Keeper":
        there = self._read()
        if there is not None and time.time() - there.time < EXPIRED_S:
            raise Occupied
        self._renew()
        time.sleep(SETTLED_S)
        self.require()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._is_mine():
            self._file.unlink(missing_ok=True)

    def require(self) -> None:
        """Raises Occupied if another run has the lease, because this one did not renew it in time."""
        if not self._is_mine():
            raise Occupied

    def _is_mine(self) -> bool:
        there = self._read()
        return there is not None and there.holder == self._mine

    def _read(self) -> _Lease | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Lease)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _renew(self) -> None:
        write_whole(self._file, msgspec.json.encode(_Lease(self._mine, time.time())))

    def _keep(self) -> None:
        while not self._over.wait(RENEWED_S):
            with suppress(Exception):  # the next attempt is in 20 seconds, and the lease lasts 120
                if not self._is_mine():
                    return
                self._renew()
