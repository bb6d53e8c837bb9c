"""*select*: the shards go in; the tables come out.

One deterministic pass with bounded memory: the variants are read one part of the key space at a time, and of
those that state the same the one with the smallest id is kept, whatever the order in which shards arrived.
It can be run again at any time.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipelines import tables
from pipelines.extract import Catalogue
from pipelines.job import Job, Manifest, UsageError, versions, write_whole
from pipelines.mutate import Shard, Tally
from pipelines.tables import Reject, Theorem, Variant

PARTS = "0123456789abcdef"
"""First digits of the statement keys: one file of variants each."""


class HeldOut(msgspec.Struct, frozen=True):
    """Theorems that must not come in: by name, and by what they state."""

    names: frozenset[str]
    keys: frozenset[str]

    @staticmethod
    def read(file: Path, library: Catalogue) -> "HeldOut":
        """file: a name of a theorem or a statement key a line. Raises UsageError for a name that is unknown."""
        names, keys = set(), set()
        try:
            lines = file.read_text().splitlines()
        except UnicodeDecodeError:
            raise UsageError(f"{file} is no text: it should hold a theorem's name or a statement key a line") from None
        for line in filter(None, map(str.strip, lines)):
            if line in library.numbers:
                names.add(line)
                keys.add(library.theorems[library.numbers[line]].statement_key)
            elif len(line) == 32 and set(line) <= set(PARTS):
                keys.add(line)
            else:
                raise UsageError(f"{file}: {line!r} is neither a theorem of the library nor a statement key")
        return HeldOut(frozenset(names), frozenset(keys))

    def objection(self, row: dict) -> str | None:
        held = row["target"] in self.names or row["statement_key"] in self.keys
        return "held out" if held else None


def select(job: Job, library: Catalogue, shards: list[Shard], held_out: HeldOut | None, seconds: float) -> Manifest:
    """Writes the tables and the manifest from the shards."""
    folders = [job.mutate_folder / shard.key for shard in shards]
    tally = Tally()
    for folder in folders:
        tally.add(msgspec.json.decode((folder / "tally.json").read_bytes(), type=Tally))
    made = job.work / f"part-{uuid4().hex}"
    try:
        for table in ("theorems", "variants", "rejects"):
            (made / table).mkdir(parents=True)
        records = [library.record(e) for e in library.theorems]
        tables.write(tables.to_table(records, Theorem), made / "theorems" / "part-0.parquet")
        reasons: Counter[str] = Counter()
        kept = 0
        with pq.ParquetWriter(made / "rejects" / "part-0.parquet", tables.schema_of(Reject), compression="zstd") as rejects:
            for folder in folders:
                table = pq.read_table(folder / "rejects.parquet")
                rejects.write_table(table)
                reasons.update(_counted(table))
            for part in PARTS:
                variants, dropped = _one_part(folders, part, held_out)
                kept += variants.num_rows
                reasons.update(_counted(dropped))
                rejects.write_table(dropped)
                tables.write(variants, made / "variants" / f"part-{part}.parquet")
        manifest = Manifest(
            library=job.options.library, toolchain=library.described.toolchain, versions=versions(), seed=job.options.seed,
            options=job.options, schema_version=tables.SCHEMA_VERSION, shards=sorted(s.key for s in shards), seconds=seconds,
            rejects=dict(sorted(reasons.items())),
            counts={"theorems": len(records), "targets": tally.targets, "candidates": tally.candidates,
                    "kernel_checked": tally.kernel_checked, "elaborated": tally.elaborated, "variants": kept})
        job.manifest_file.unlink(missing_ok=True)  # between the tables of two selections there is no corpus
        for table in ("theorems", "variants", "rejects"):
            _put_in_place(made / table, job.out / table)
        write_whole(job.manifest_file, msgspec.json.encode(manifest))
        return manifest
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _one_part(folders: list[Path], part: str, held_out: HeldOut | None) -> tuple[pa.Table, pa.Table]:
    """The variants whose key begins with `part`: those that are kept, and rejects for the others."""
    dataset = ds.dataset([str(f / "variants.parquet") for f in folders], schema=tables.schema_of(Variant), format="parquet")
    table = dataset.to_table(filter=pc.starts_with(ds.field("statement_key"), part))
    table = table.sort_by([("statement_key", "ascending"), ("depth", "ascending"), ("variant_id", "ascending")])
    kept: list[dict] = []
    dropped: list[Reject] = []
    last_key = None
    for row in table.to_pylist():
        reason = held_out.objection(row) if held_out else None
        if reason is None and row["statement_key"] == last_key:
            reason = "duplicate"
        if reason is None:
            last_key = row["statement_key"]
            kept.append(row)
        else:
            dropped.append(Reject(stage="select", reason=reason, **{
                name: row[name] for name in Reject.__struct_fields__ if name in row}))
    return pa.Table.from_pylist(kept, schema=table.schema), tables.to_table(dropped, Reject)


def _counted(rejects: pa.Table) -> Iterator[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for stage, reason, n in zip(*(rejects.column(c).to_pylist() for c in ("stage", "reason", "n")), strict=True):
        counts[f"{stage}: {reason}"] += n
    return counts


def _put_in_place(made: Path, place: Path) -> None:
    """The old table goes when the new one is there."""
    old = made.with_name(f"{place.name}.old")
    if place.exists():
        os.replace(place, old)
    os.replace(made, place)
    shutil.rmtree(old, ignore_errors=True)
