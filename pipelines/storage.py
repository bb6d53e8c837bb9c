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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import filelock
import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
from upath import UPath

from lean_workspace.errors import Mistake

Location = Path | UPath


class UnknownLocation(Mistake):
    """There is no such kind of URL here."""


def location_of(text: str) -> Location:
    """Raises UnknownLocation for a URL that fsspec can't open here."""
    if "://" not in text:
        return Path(text).resolve()
    try:
        place = UPath(text.rstrip("/"), **({} if text.startswith("file://") else {"use_listings_cache": False}))
        _ = place.fs
    except (ImportError, ValueError) as error:
        raise UnknownLocation(f"can't open {text}: {error}") from None
    return Path(place.path) if text.startswith("file://") else place


def is_local(place: Location) -> bool:
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


def clear_scratch(work: Location) -> None:
    """What a run that was killed left."""
    if is_local(work):
        for left in work.glob("part-*"):
            shutil.rmtree(left, ignore_errors=True)


def settle(made: Path, place: Location) -> None:
    """What was made in a scratch folder gets its place. One that is there is left as it is: another worker was faster."""
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
    if not is_local(place):
        remove(place)
        for file in made.fs.find(made.path):
            place.fs.cp_file(file, file.replace(made.path, place.path, 1))
        return
    old = made.with_name(f"{made.name}.old")
    if place.exists():
        os.replace(place, old)
    os.replace(made, place)
    shutil.rmtree(old, ignore_errors=True)


def _upload(made: Path, place: Location) -> None:
    for file in sorted(file for file in made.rglob("*") if file.is_file()):
        place.fs.put_file(str(file), (place / file.relative_to(made).as_posix()).path)


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
    paths, filesystem = [str(file) for file in files], None
    if files and not is_local(files[0]):
        paths, filesystem = [file.path for file in files], files[0].fs
    return ds.dataset(paths, schema=schema, format="parquet", filesystem=filesystem)


def table_of(folder: Location) -> ds.Dataset:
    """All Parquet files in a folder as one table."""
    return dataset(sorted(folder.glob("*.parquet"), key=str))


# --- one run at a time ----------------------------------------------------------------------------------------------------------


class Occupied(Exception):
    """Another run holds the place."""


RENEWED_S = 20.0
EXPIRED_S = 120.0
"""A lease that was not renewed for so long is nobody's. The clocks of machines differ by less."""


@contextmanager
def held(work: Location) -> Iterator[None]:
    """Holds a place for the length of the block. Raises Occupied. In a folder by a lock, which ends with its process; in a store by a
    lease, an object with a time in it, which is renewed."""
    if not is_local(work):
        with _leased(work / "lease.json"):
            yield
        return
    lock = filelock.FileLock(work / "lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Occupied from None
    try:
        yield
    finally:
        lock.release()


class _Lease(msgspec.Struct, frozen=True):
    holder: str
    time: float


@contextmanager
def _leased(file: Location) -> Iterator[None]:
    mine = uuid4().hex

    def read() -> _Lease | None:
        try:
            return msgspec.json.decode(file.read_bytes(), type=_Lease)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def renew() -> None:
        write_whole(file, msgspec.json.encode(_Lease(mine, time.time())))

    there = read()
    if there is not None and time.time() - there.time < EXPIRED_S:
        raise Occupied
    renew()
    time.sleep(1.0)  # of two that begin at once the one that wrote last has it
    there = read()
    if there is None or there.holder != mine:
        raise Occupied
    over = threading.Event()

    def keep() -> None:
        while not over.wait(RENEWED_S):
            renew()

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        file.unlink(missing_ok=True)
