"""Where a corpus lies: a folder, or the URL of an object store (`s3://bucket/corpus`, whatever fsspec knows).

A folder is a `pathlib.Path`, a URL a `upath.UPath`, which has the same methods. What differs between them stands here: a folder
can be renamed, so that what is in it is whole or absent; a store puts one object at a time, each whole or absent, so what counts
is that all the objects of a shard are there, and what a corpus is, that its manifest is, which is written last.
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

Location = Path | UPath
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class UnknownLocation(Mistake):
    """There is no such kind of URL here."""


_ALONE = ("memory", "http", "https")
"""Stores that a process has for itself, or that can't be written."""


def location_of(text: str) -> Location:
    """Raises UnknownLocation for a URL that can't be opened here: an unknown kind, no bucket, no right to read it."""
    if "://" not in text:
        return Path(text).resolve()
    scheme, rest = text.split("://", 1)
    if scheme == "file" and rest.startswith("/"):
        return Path(rest).resolve()
    if scheme in (*_ALONE, "file") or not rest.strip("/") or rest.startswith("/"):
        raise UnknownLocation(f"can't open {text}: a corpus lies in a folder or below a bucket, as in s3://bucket/corpus")
    try:
        place = UPath(text.rstrip("/"), use_listings_cache=False)
        _require_bucket(place)
    except Exception as error:  # each store has errors of its own
        raise UnknownLocation(f"can't open {text}: {error or type(error).__name__}") from None
    return place


def _require_bucket(place: UPath) -> None:
    try:
        place.fs.ls(place.path)
    except FileNotFoundError:
        with suppress(PermissionError):  # who may see a part of a bucket may not see all of it
            place.fs.ls(place.path.partition("/")[0])


def is_local(place: Location) -> TypeIs[Path]:
    return isinstance(place, Path)


def write_whole(file: Location, content: bytes | pa.Buffer) -> None:
    """Replaces a file at once."""
    if not is_local(file):
        file.write_bytes(bytes(content))  # an object appears when all of it is there
        return
    part = file.parent / f"part-{uuid4().hex}"
    try:
        part.write_bytes(content)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def make(folder: Location) -> None:
    """A folder that may be there. A store has none, and makes a bucket where it is asked to."""
    if is_local(folder):
        folder.mkdir(parents=True, exist_ok=True)


def remove(place: Location) -> None:
    """A folder with all that is in it, if it is there."""
    if is_local(place):
        shutil.rmtree(place, ignore_errors=True)
    elif place.exists():
        place.fs.rm(place.path, recursive=True)


@contextmanager
def scratch(work: Location) -> Iterator[Path]:
    """A folder to make things in, gone afterwards: in `work`, so that it can be renamed, or on this machine."""
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
def draft(work: Location) -> Iterator[Location]:
    """A place in `work`, in a store as well, for what `exchange` will put elsewhere; gone afterwards."""
    made = work / f"part-{uuid4().hex}"
    try:
        make(made)
        yield made
    finally:
        remove(made)


def clear_scratch(work: Location) -> None:
    """What a run that was killed left."""
    for left in list(work.glob("part-*")):
        remove(left)


def settle(made: Path, place: Location) -> None:
    """What was made in a scratch folder gets its place. One that is there is left as it is, or overwritten by the same: another worker
    was faster."""
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
    """What was made beside it takes the place of what was there, which goes when the new one is there. In a store it goes before."""
    if not is_local(place) or not is_local(made):
        assert isinstance(place, UPath) and isinstance(made, UPath), "both lie in the store"
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


def ask_all(question: Callable[[Asked], Answer], of: Iterable[Asked]) -> list[Answer]:
    """The answers in order. A store takes its time for each, and has time for many."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        return list(threads.map(question, of))


def download(place: Location, folder: Path) -> None:
    """All that lies in a place, into a folder that is there."""
    if is_local(place):
        shutil.copytree(place, folder, dirs_exist_ok=True)
        return
    for file in place.fs.find(place.path):
        to = folder / Path(file).relative_to(Path(place.path))
        to.parent.mkdir(parents=True, exist_ok=True)
        place.fs.get_file(file, str(to))


def dataset(files: Sequence[Location], schema: pa.Schema | None = None) -> ds.Dataset:
    """Parquet files of one place as one table."""
    stored = [file for file in files if not is_local(file)]
    paths = [file.path for file in stored] or [str(file) for file in files]
    return ds.dataset(paths, schema=schema, format="parquet", filesystem=stored[0].fs if stored else None)


def table_of(folder: Location) -> ds.Dataset:
    """All Parquet files in a folder as one table. Raises UnknownLocation where there is none."""
    files = sorted(folder.glob("*.parquet"), key=str)
    if not files:
        raise UnknownLocation(f"{folder} holds no table; run `alchemy synthesize` again to make the tables anew")
    return dataset(files)


# --- one run at a time ----------------------------------------------------------------------------------------------------------


class Occupied(Exception):
    """Another run holds the place."""


RENEWED_S = 20.0
EXPIRED_S = 120.0
"""A lease that was not renewed for so long is nobody's. The clocks of machines differ by less."""
SETTLED_S = 2.0
"""Of two that begin at once the one that wrote last has it, so long afterwards."""


@contextmanager
def held(work: Location) -> Iterator[Callable[[], None]]:
    """Holds a place for the length of the block. Raises Occupied, and so does what it yields once another run has it. In a folder by a
    lock, which ends with its process; in a store by a lease, an object with a time in it, which is renewed."""
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
    """Has a lease while it is entered, and renews it."""

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
        """Raises Occupied where the lease is another run's: this one slept too long."""
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
            with suppress(Exception):  # it is tried again, and long before the lease expires
                if not self._is_mine():
                    return
                self._renew()
