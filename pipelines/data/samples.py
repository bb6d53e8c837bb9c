"""Rows of a table in OUT as structs: those of a file, a random sample, or all. A row that can't be read is a failure of the stage."""

import random
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.pipelines.runtime.stage import Failure
from lean_alchemy.pipelines.runtime.storage import Location, dataset

RowT = TypeVar("RowT", bound=msgspec.Struct)


def rows_of(stage: str, file: Location, record: type[RowT]) -> Iterator[RowT | Failure]:
    """The rows of a file, with the columns of `record`. A file that can't be read is one failure."""
    try:
        found = parquet.load_columns(file, list(record.__struct_fields__)).to_pylist()
    except parquet.DamagedTable as error:
        yield Failure.of(stage, f"{file.parent.name}/{file.name}", error)
        return
    yield from _converted(stage, f"{file.parent.name}/{file.name}", found, record)


def sample(stage: str, out: Location, record: type[RowT], size: int | None, seed: int, table: str = "variants") -> list[RowT | Failure]:
    """A random sample of a table with the columns of `record`, sorted by the first column; all rows if size is None. Raises UsageError
    for a table that is missing or damaged."""
    files = sorted((out / table).glob("*.parquet"), key=str)
    damaged = [file for file in files if not parquet.is_whole(file)] if files else [out / table]
    if damaged:
        raise UsageError(f"{damaged[0]} is damaged; run `alchemy synthesize` on {out} again to write the tables again")
    columns = list(record.__struct_fields__)
    rows = dataset(files)
    try:
        chosen = None
        if size is not None and size < rows.count_rows():
            ids = rows.to_table(columns=columns[:1]).column(0).sort()
            chosen = ids.take(sorted(random.Random(seed).sample(range(len(ids)), size)))
        filter_ = None if chosen is None else pc.field(columns[0]).isin(chosen.combine_chunks())
        found = rows.to_table(columns=columns, filter=filter_).sort_by(columns[0]).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        if not parquet.is_damage(error):
            raise
        raise UsageError(f"a file of {out / table} is damaged ({error}); run `alchemy synthesize` on {out} again") from None
    return list(_converted(stage, table, found, record))


def _converted(stage: str, where: str, found: list[dict[str, Any]], record: type[RowT]) -> Iterator[RowT | Failure]:
    try:
        yield from msgspec.convert(found, list[record])
    except msgspec.ValidationError:
        for number, row in enumerate(found):
            try:
                yield msgspec.convert(row, record)
            except msgspec.ValidationError as error:
                yield Failure.of(stage, f"{where}, row {number}", error)
