"""Tables as Parquet files. Rows are structs, and the Arrow schema is derived from them. A file is written completely or not at all."""

import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.pipelines.runtime.storage import Location, make, write_whole

RowT = TypeVar("RowT", bound=msgspec.Struct)


class DamagedTable(Mistake):
    """A Parquet file that can't be read, or that lacks a column; the message names it."""


_ARROW = {str: pa.string(), bytes: pa.binary(), int: pa.int64(), bool: pa.bool_(), float: pa.float64(), list[str]: pa.list_(pa.string())}


def schema_of(record: type[msgspec.Struct]) -> pa.Schema:
    """The Arrow schema of a struct: a field is nullable where None is one of its types."""
    fields = []
    for name, annotation in typing.get_type_hints(record).items():
        options = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
        plain = next(option for option in options if option is not types.NoneType)
        arrow = pa.string() if typing.get_origin(plain) is typing.Literal else _ARROW[plain]
        fields.append(pa.field(name, arrow, nullable=types.NoneType in options))
    return pa.schema(fields)


def to_table(rows: Iterable[msgspec.Struct], record: type[msgspec.Struct]) -> pa.Table:
    return pa.Table.from_pylist([msgspec.structs.asdict(row) for row in rows], schema=schema_of(record))


def write(table: pa.Table, file: Location) -> None:
    """Writes one Parquet file, and its folder if there is none. It gets its name only when it is complete."""
    make(file.parent)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    write_whole(file, sink.getvalue())


def is_whole(file: Location) -> bool:
    """Does the file have a footer? A truncated one has none."""
    try:
        with file.open("rb") as stream:
            pq.read_metadata(stream)
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (pa.ArrowInvalid, OSError) as error:
        if not is_damage(error):
            raise
        return False


def is_damage(error: Exception) -> bool:
    """Does a read error mean that the file is damaged? Arrow's own errors have no errno. An error with an errno is one of the disk or of
    the object store, and says nothing about the file."""
    return getattr(error, "errno", None) is None


def are_whole(folder: Location, *names: str) -> bool:
    """Do all of these tables of a shard have a footer? False if the folder does not exist."""
    return all(is_whole(folder / f"{name}.parquet") for name in names)


def load_columns(file: Location, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of one file, or some of its columns. Raises DamagedTable.

    It reads in this thread only. Arrow's threads may still hold a Python file object when Python exits, which aborts the process.
    """
    with naming_damage(file), file.open("rb") as stream, pq.ParquetFile(stream, page_checksum_verification=True) as table:
        if missing := set(columns or ()) - set(table.schema_arrow.names):
            raise pa.ArrowInvalid(f"it has no column {', '.join(sorted(missing))}")
        return table.read(columns=columns, use_threads=False)


def read(files: Sequence[Location], record: type[RowT]) -> list[RowT]:
    """The rows of the files as structs, in the order of the files. Raises DamagedTable."""
    rows: list[RowT] = []
    for file in files:
        found = load_columns(file, list(record.__struct_fields__)).to_pylist()
        with naming_damage(file):
            rows += msgspec.convert(found, list[record])
    return rows


@contextmanager
def naming_damage(file: Location) -> Iterator[None]:
    """What is read in the block lies in this file, or below this folder. Raises DamagedTable where it can't be read."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError, msgspec.ValidationError, OSError) as error:
        if not is_damage(error):
            raise
        raise DamagedTable(f"{file} can't be read: {str(error).strip()}") from error
