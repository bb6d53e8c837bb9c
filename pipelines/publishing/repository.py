"""*publish*: a corpus or a harvest in, the repository of a data set for the Hugging Face hub out.

    README.md                                    the data card, with the hub's metadata at its top (`card.py`)
    data/CONFIG/SPLIT-00000-of-00003.parquet     one config per table

Rows are read in batches and in the order of the tables' files: memory is bounded, and the same corpus gives the same bytes. The metadata
contains the number of files of a split, so that after an interrupted upload old files are not read together with new ones.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lean_alchemy.pipelines.data.splits import SPLITS, Split, split_of
from lean_alchemy.pipelines.publishing import card as publish_card
from lean_alchemy.pipelines.publishing.card import CardSplit, Config
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import JobError, Manifest, UsageError, manifest_at
from lean_alchemy.pipelines.runtime.stage import Report, silent
from lean_alchemy.pipelines.runtime.storage import Location, is_local, make, new_folder, write_whole

ROW_GROUP = 10_000
"""Rows of a Parquet row group, which a reader loads as a whole: 5 to 30 MB of text."""

SHARD_BYTES = 200_000_000
"""A file is finished when it has reached this size."""


class Published(msgspec.Struct, frozen=True):
    """files: their number, with README.md. tables: rows by table and split."""

    repo: str
    files: int
    rows: int
    bytes: int
    tables: dict[str, dict[str, int]]


def write_repository(out: Location, repo: str, folder: Path, report: Report = silent, shard_bytes: int = SHARD_BYTES) -> Published:
    """Writes the repository of a corpus or a harvest as a folder, which appears when it is complete. Raises UsageError if OUT is neither,
    if the hub would not accept the name, or if the folder is not empty; JobError for damaged tables."""
    require_name(repo)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not overwritten: name another folder")
    manifest = manifest_of(out)
    sources = [source for table, column in PUBLISHED_TABLES.items() if (source := _source(out, table, column, manifest)).rows]
    if not {"variants", "proofs"} & {source.table for source in sources}:
        raise UsageError(f"{out} has nothing to publish: it holds no variant and no proof")
    if by_people := {line for source in sources if source.table == "proofs" for line in _lines(source)} & {"written", "traced"}:
        raise UsageError(f"{out} holds proofs written by people ({', '.join(sorted(by_people))}). They can't be published, because their "
                         "authors and licence are unknown here and could not be stated on the card")
    done, rows = 0, sum(source.rows for source in sources)

    def tell(table: str, written: int) -> None:
        nonlocal done
        done += written
        report("publish", done, rows, table)

    with new_folder(folder.parent) as draft_folder:
        assert is_local(draft_folder)
        configs = [_config(source, draft_folder, tell, shard_bytes) for source in sources]
        write_whole(draft_folder / "README.md", publish_card.card(repo, manifest, configs, draft_folder).encode())
        files = [file for file in draft_folder.rglob("*") if file.is_file()]
        published = Published(repo, len(files), rows, sum(file.stat().st_size for file in files),
                              {config.table: {part.split: part.rows for part in config.parts} for config in configs})
        os.replace(draft_folder, folder)  # this only replaces an empty folder
    return published


_PART = r"(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO = re.compile(rf"{_PART}/(?!.*\.git$){_PART}")


def require_name(repo: str) -> None:
    """Raises UsageError if `repo` is no `owner/name` of the hub."""
    if not _REPO.fullmatch(repo) or len(repo) > 96:
        raise UsageError(f"{repo!r} is not a repository name: use `owner/name`, with letters, digits, `-`, `_` and `.`")


def manifest_of(out: Location) -> Manifest:
    """The manifest of a corpus or harvest. Raises UsageError if OUT is neither."""
    return manifest_at(out, "proofs" if any((out / "proofs").glob("*.parquet")) else "variants")


# --- tables in OUT --------------------------------------------------------------------------------------------------------------

PUBLISHED_TABLES: dict[str, str | None] = {
    "variants": "target", "proofs": "theorem", "steps": "target", "grades": "variant_id", "refuted": "target", "theorems": None,
    "rejects": None}
"""The tables to publish, in this order, and the column that determines the split of a row. None: all rows are in `train`."""


class SourceTable(msgspec.Struct, frozen=True):
    """A table of OUT. split_column: as in TABLES. schema: None if the table has no files."""

    table: str
    split_column: str | None
    files: list[Location]
    schema: pa.Schema | None
    rows: int


def _lines(source: SourceTable) -> set[str]:
    """The values of the column `line`: which script found a proof, or `written` or `traced` for proofs of people."""
    return {line for file in source.files for line in parquet.load_columns(file, ["line"]).column("line").unique().to_pylist()}


def _source(out: Location, table: str, split_column: str | None, manifest: Manifest) -> SourceTable:
    """A table of OUT; without rows if it does not exist. Raises JobError if it is damaged."""
    files = sorted((out / table).glob("*.parquet"), key=str)
    schema, rows = None, 0
    for file in files:
        if not parquet.is_whole(file):
            raise JobError(f"{file} is damaged: run again the command that made it")
        with file.open("rb") as stream, pq.ParquetFile(stream) as opened:
            if file is not files[0] and opened.schema_arrow != schema:
                raise JobError(f"{file} has other columns than {files[0].name}: run again the command that made it")
            schema, rows = opened.schema_arrow, rows + opened.metadata.num_rows
    if rows != manifest.counts.get(table, rows):
        raise JobError(f"{out / table} has {rows:,} rows, and the manifest says {manifest.counts[table]:,}: run again the command that "
                       "made them, and publish after it is done")
    return SourceTable(table, split_column, files, schema, rows)


def _batches(source: SourceTable) -> Iterator[pa.RecordBatch]:
    """All rows of a table. Only this thread reads: see `parquet.load_columns`."""
    for file in source.files:
        try:
            with file.open("rb") as stream, pq.ParquetFile(stream) as opened:
                yield from opened.iter_batches(ROW_GROUP, use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            if not parquet.is_damage(error):
                raise
            raise JobError(f"{file} is damaged ({str(error).strip()}): run again the command that made it") from None


# --- files of the repository ----------------------------------------------------------------------------------------------------


def _config(source: SourceTable, repository: Path, tell: Callable[[str, int], None], shard_bytes: int) -> Config:
    """Writes the files of a table. A split without rows gets no file, because some readers fail on empty ones. tell: is called with the
    table and the number of rows written since the last call."""
    folder = repository / "data" / source.table
    make(folder)
    split_of_row = _split_function(source, repository)
    shards: dict[Split, SplitWriter] = {split: SplitWriter(folder, split, source.schema, shard_bytes) for split in SPLITS}
    for rows in _batches(source):
        in_validation = pa.array([split_of_row(value) == "validation" for value in _split_values(source, rows)], pa.bool_())
        shards["train"].add(rows.filter(pc.call_function("invert", [in_validation])))
        shards["validation"].add(rows.filter(in_validation))
        tell(source.table, rows.num_rows)
    return Config(source.table, source.schema, [part for split in shards.values() if (part := split.finish()).rows])


def _split_values(source: SourceTable, rows: pa.RecordBatch) -> list:
    return rows.column(source.split_column).to_pylist() if source.split_column else [None] * rows.num_rows


def _split_function(source: SourceTable, repository: Path) -> Callable[[str], Split]:
    """A function from the value in the split column to the split. Grades follow their variants, which were written before them."""
    if source.split_column is None:
        return lambda _: "train"
    if source.split_column == "variant_id":
        files = (repository / "data" / "variants").glob("validation-*.parquet")
        validation = {name for file in files for name in parquet.load_columns(file, ["variant_id"]).column(0).to_pylist()}
        return lambda variant: "validation" if variant in validation else "train"
    return split_of


class SplitWriter:
    """Writes the files of a split. They are renamed at the end, because their names contain their number."""

    def __init__(self, folder: Path, split: Split, schema: pa.Schema, limit: int):
        self._folder, self._schema, self._limit = folder, schema, limit
        self._split: Split = split
        self._waiting = schema.empty_table()
        self._open: tuple[pa.NativeFile, pq.ParquetWriter] | None = None
        self._files: list[Path] = []
        self._rows = self._text_bytes = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Writes full row groups; the rest waits for more rows."""
        self._waiting = pa.concat_tables([self._waiting, pa.Table.from_batches([rows], self._schema)])
        while self._waiting.num_rows >= ROW_GROUP:
            self._write(self._waiting.slice(0, ROW_GROUP))
            self._waiting = self._waiting.slice(ROW_GROUP)

    def finish(self) -> CardSplit:
        """Writes the remaining rows and renames the files."""
        if self._waiting.num_rows:
            self._write(self._waiting)
        self._close()
        count, size = len(self._files), sum(file.stat().st_size for file in self._files)
        for number, file in enumerate(self._files):
            file.rename(self._folder / f"{self._split}-{number:05}-of-{count:05}.parquet")
        return CardSplit(self._split, self._rows, count, size, self._text_bytes)

    def _write(self, group: pa.Table) -> None:
        sink, writer = self._open = self._open or self._opened()
        writer.write_table(group, row_group_size=ROW_GROUP)
        self._rows += group.num_rows
        self._text_bytes += group.nbytes
        if sink.tell() >= self._limit:
            self._close()

    def _opened(self) -> tuple[pa.NativeFile, pq.ParquetWriter]:
        self._files.append(self._folder / f"{self._split}-{len(self._files):05}.part")
        sink = pa.OSFile(str(self._files[-1]), "wb")
        return sink, pq.ParquetWriter(sink, self._schema, compression="zstd")

    def _close(self) -> None:
        if self._open is not None:
            sink, writer = self._open
            writer.close()
            sink.close()
            self._open = None
