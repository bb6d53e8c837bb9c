"""*publish*: a corpus or a harvest goes in; the repository of a data set for the Hugging Face hub comes out.

    README.md                                    the data card, under the metadata that the hub reads (`card.py`)
    data/CONFIG/SPLIT-00000-of-00003.parquet     a config for each table

Rows are read some at a time and in the order of the tables' files, so memory is bounded, and the same corpus gives the same bytes. The
metadata says how many files a split has: where an upload was cut off, files of before are not read along with the new ones.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lean_alchemy.pipelines.data.splits import Split, split_of
from lean_alchemy.pipelines.publishing import card as publish_card
from lean_alchemy.pipelines.publishing.card import Config, Part
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import JobError, Manifest, UsageError, manifest_at
from lean_alchemy.pipelines.runtime.stage import Report, silent
from lean_alchemy.pipelines.runtime.storage import Location, draft, make, write_whole

ROW_GROUP = 10_000
"""Rows that a reader must take at once, 5 to 30 MB of text."""

SHARD_BYTES = 200_000_000
"""A file that has grown to this is the last but for its footer."""


class Published(msgspec.Struct, frozen=True):
    """files: README.md included. tables: rows by table and split."""

    repo: str
    files: int
    rows: int
    bytes: int
    tables: dict[str, dict[str, int]]


def write(out: Location, repo: str, folder: Path, report: Report = silent, shard_bytes: int = SHARD_BYTES) -> Published:
    """Writes the repository of a corpus or a harvest as a folder, which appears when it is whole. Raises UsageError where OUT is neither,
    for a name that the hub would not take, and for a folder with something in it; JobError for damaged tables."""
    require_name(repo)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} is there already, and is not overwritten: name another folder")
    manifest = manifest_of(out)
    sources = [source for table, by in TABLES.items() if (source := _source(out, table, by, manifest)).rows]
    if not {"variants", "proofs"} & {source.table for source in sources}:
        raise UsageError(f"{out} has nothing to publish: neither a variant nor a proof came of it")
    if people := {line for source in sources if source.table == "proofs" for line in _lines(source)} & {"written", "traced"}:
        raise UsageError(f"{out} holds proofs that people wrote ({', '.join(sorted(people))}): whose they are, and under which licence, is "
                         "not known here, and the card could not say it")
    done, rows = 0, sum(source.rows for source in sources)

    def tell(table: str, written: int) -> None:
        nonlocal done
        done += written
        report("publish", done, rows, table)

    with draft(folder.parent) as made:
        configs = [_config(source, made, tell, shard_bytes) for source in sources]
        write_whole(made / "README.md", publish_card.card(repo, manifest, configs, made).encode())
        files = [file for file in made.rglob("*") if file.is_file()]
        published = Published(repo, len(files), rows, sum(file.stat().st_size for file in files),
                              {config.table: {part.split: part.rows for part in config.parts} for config in configs})
        os.replace(made, folder)  # of what is there, only an empty folder is replaced
    return published


_PART = r"(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO = re.compile(rf"{_PART}/(?!.*\.git$){_PART}")


def require_name(repo: str) -> None:
    """Raises UsageError for what is no `owner/name` of the hub."""
    if not _REPO.fullmatch(repo) or len(repo) > 96:
        raise UsageError(f"{repo!r} is no name of a repository: it should look like `owner/name`, of letters, digits, `-`, `_` and `.`")


def manifest_of(out: Location) -> Manifest:
    """Raises UsageError where OUT is neither a corpus nor a harvest."""
    return manifest_at(out, "proofs" if any((out / "proofs").glob("*.parquet")) else "variants")


# --- what there is --------------------------------------------------------------------------------------------------------------

TABLES: dict[str, str | None] = {
    "variants": "target", "proofs": "theorem", "steps": "target", "grades": "variant_id", "refuted": "target", "theorems": None,
    "rejects": None}
"""What may be published, in this order, and the column that tells where a row belongs. None: all rows are in `train`."""


class Source(msgspec.Struct, frozen=True):
    table: str
    by: str | None
    files: list[Location]
    schema: pa.Schema | None
    rows: int


def _lines(source: Source) -> set[str]:
    """What found the proofs of a harvest, or that a person wrote them."""
    return {line for file in source.files for line in parquet.load(file, ["line"]).column("line").unique().to_pylist()}


def _source(out: Location, table: str, by: str | None, manifest: Manifest) -> Source:
    """A table as it lies in OUT, without any rows where there is none."""
    files = sorted((out / table).glob("*.parquet"), key=str)
    schema, rows = None, 0
    for file in files:
        if not parquet.is_whole(file):
            raise JobError(f"{file} is damaged: run the command that made it again")
        with file.open("rb") as stream, pq.ParquetFile(stream) as opened:
            if file is not files[0] and opened.schema_arrow != schema:
                raise JobError(f"{file} has other columns than {files[0].name}: run the command that made it again")
            schema, rows = opened.schema_arrow, rows + opened.metadata.num_rows
    if rows != manifest.counts.get(table, rows):
        raise JobError(f"{out / table} has {rows:,} rows, and the manifest says {manifest.counts[table]:,}: run the command that made it "
                       "again, and publish when it is done")
    return Source(table, by, files, schema, rows)


def _batches(source: Source) -> Iterator[pa.RecordBatch]:
    """By this thread alone: see `parquet.load`."""
    for file in source.files:
        try:
            with file.open("rb") as stream, pq.ParquetFile(stream) as opened:
                yield from opened.iter_batches(ROW_GROUP, use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            if getattr(error, "errno", None) is not None:  # the disk or the store can't be read
                raise
            raise JobError(f"{file} is damaged ({str(error).strip()}): run the command that made it again") from None


# --- what is made of it ---------------------------------------------------------------------------------------------------------


def _config(source: Source, made: Path, tell: Callable[[str, int], None], shard_bytes: int) -> Config:
    """Writes the files of a table. A split without rows has none: readers stumble over empty ones. tell: takes the table and how many
    rows were written since."""
    folder = made / "data" / source.table
    make(folder)
    belongs = _where(source, made)
    shards = {split: Shards(folder, split, source.schema, shard_bytes) for split in ("train", "validation")}
    for rows in _batches(source):
        validates = pa.array([belongs(row) == "validation" for row in _column(source, rows)], pa.bool_())
        shards["train"].add(rows.filter(pc.invert(validates)))
        shards["validation"].add(rows.filter(validates))
        tell(source.table, rows.num_rows)
    return Config(source.table, source.schema, [part for split in shards.values() if (part := split.finish()).rows])


def _column(source: Source, rows: pa.RecordBatch) -> list:
    return rows.column(source.by).to_pylist() if source.by else [None] * rows.num_rows


def _where(source: Source, made: Path) -> Callable[[str], Split]:
    """The split of a row by what stands in its column. Grades go with their variants, which are written before them."""
    if source.by is None:
        return lambda _: "train"
    if source.by == "variant_id":
        files = (made / "data" / "variants").glob("validation-*.parquet")
        validate = {name for file in files for name in parquet.load(file, ["variant_id"]).column(0).to_pylist()}
        return lambda variant: "validation" if variant in validate else "train"
    return split_of


class Shards:
    """The files of a split, one after the other. They get their names when it is known how many there are."""

    def __init__(self, folder: Path, split: Split, schema: pa.Schema, limit: int):
        self._folder, self._split, self._schema, self._limit = folder, split, schema, limit
        self._waiting = schema.empty_table()
        self._sink: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None
        self._files: list[Path] = []
        self._rows = self._text_bytes = 0

    def add(self, rows: pa.RecordBatch) -> None:
        self._waiting = pa.concat_tables([self._waiting, pa.Table.from_batches([rows], self._schema)])
        while self._waiting.num_rows >= ROW_GROUP:
            self._write(self._waiting.slice(0, ROW_GROUP))
            self._waiting = self._waiting.slice(ROW_GROUP)

    def finish(self) -> Part:
        if self._waiting.num_rows:
            self._write(self._waiting)
        self._close()
        count, size = len(self._files), sum(file.stat().st_size for file in self._files)
        for number, file in enumerate(self._files):
            file.rename(self._folder / f"{self._split}-{number:05}-of-{count:05}.parquet")
        return Part(self._split, self._rows, count, size, self._text_bytes)

    def _write(self, group: pa.Table) -> None:
        if self._writer is None:
            self._files.append(self._folder / f"{self._split}-{len(self._files):05}.part")
            self._sink = pa.OSFile(str(self._files[-1]), "wb")
            self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._writer.write_table(group, row_group_size=ROW_GROUP)
        self._rows += group.num_rows
        self._text_bytes += group.nbytes
        if self._sink.tell() >= self._limit:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._sink.close()
            self._writer = None
