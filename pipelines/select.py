"""*select*: the shards go in; the tables come out.

Deterministic, with bounded memory, whatever the order in which shards arrived; it can be run again at any time.

1. *distinct*: one part of the space of statement keys at a time; of those that state the same the shallowest is kept, then
   the best by score, then the smallest id. What is held out goes.
2. *apart*: likewise for near keys.
3. *caps*: a lemma keeps the best by score of what is left; a threshold for each lemma is all that must be remembered.
"""

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from mutation.quality import LEMMA_CAP, NEAR_DUPLICATE
from pipelines import tables
from pipelines.extract import Catalogue
from pipelines.job import Job, Manifest, UsageError, versions, write_whole
from pipelines.mutate import Shard, tally_of
from pipelines.tables import Reject, Theorem, Variant

PARTS = "0123456789abcdef"
"""First digits of the keys: one file of variants each."""

BEST_FIRST = [("depth", "ascending"), ("score", "descending"), ("variant_id", "ascending")]


class HeldOut(msgspec.Struct, frozen=True):
    """Theorems that must not come in: by name, and by what they state."""

    names: frozenset[str]
    keys: frozenset[str]
    premises: bool
    """Are the theorems kept out as lemmas, too?"""

    @staticmethod
    def read(file: Path, library: Catalogue, premises: bool = False) -> "HeldOut":
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
        return HeldOut(frozenset(names), frozenset(keys), premises)

    def objection(self, row: dict) -> str | None:
        if row["target"] in self.names or row["statement_key"] in self.keys:
            return "held out"
        return "held-out premise" if self.premises and row["lemma"] in self.names else None


def select(job: Job, library: Catalogue, shards: list[Shard], held_out: HeldOut | None, seconds: float) -> Manifest:
    """Writes the tables and the manifest from the shards."""
    folders = [job.mutate_folder / shard.key for shard in shards]
    tally = tally_of(folders)
    made = job.work / f"part-{uuid4().hex}"
    try:
        for table in ("theorems", "variants", "rejects"):
            (made / table).mkdir(parents=True)
        records = [library.record(e) for e in library.theorems]
        tables.write(tables.to_table(records, Theorem), made / "theorems" / "part-0.parquet")
        reasons: Counter[str] = Counter()
        kept = 0
        with pq.ParquetWriter(made / "rejects" / "part-0.parquet", tables.schema_of(Reject), compression="zstd") as rejects:

            def drop(table: pa.Table) -> None:
                reasons.update(_counted(table))
                rejects.write_table(table)

            for folder in folders:
                drop(pq.read_table(folder / "rejects.parquet"))
            files = _distinct([folder / "variants.parquet" for folder in folders], made / "distinct", held_out, drop)
            if job.options.policy.near_duplicates:
                files = _apart(files, made / "apart", drop)
            thresholds = _thresholds(files, job.options.policy.lemma_cap)
            for part in PARTS:
                table, over = _capped(_part(files, "statement_key", part), thresholds)
                drop(_rejected(over, LEMMA_CAP))
                kept += table.num_rows
                tables.write(table.sort_by("statement_key"), made / "variants" / f"part-{part}.parquet")
        manifest = Manifest(
            library=job.options.library, toolchain=library.described.toolchain, versions=versions(), seed=job.options.seed,
            options=job.options, schema_version=tables.SCHEMA_VERSION, shards=sorted(s.key for s in shards), seconds=seconds,
            rejects=dict(sorted(reasons.items())),
            counts={"theorems": len(records), "targets": tally.targets, "candidates": tally.candidates,
                    "kernel_checked": tally.kernel_checked, "elaborated": tally.elaborated, "variants": kept})
        job.manifest_file.unlink(missing_ok=True)  # between the tables of two selections there is no corpus
        for table in ("theorems", "variants", "rejects"):
            _put_in_place(made / table, job.out / table)
        shutil.rmtree(job.out / "grades", ignore_errors=True)  # of other variants; its verdicts are kept below .work
        write_whole(job.manifest_file, msgspec.json.encode(manifest))
        return manifest
    finally:
        shutil.rmtree(made, ignore_errors=True)


Drop = Callable[[pa.Table], None]
"""Takes rejects."""


def _part(files: list[Path], key: str, part: str) -> pa.Table:
    """The variants whose key begins with `part`."""
    dataset = ds.dataset([str(file) for file in files], schema=tables.schema_of(Variant), format="parquet")
    return dataset.to_table(filter=pc.starts_with(ds.field(key), part))


def _distinct(files: list[Path], place: Path, held_out: HeldOut | None, drop: Drop) -> list[Path]:
    """One variant for each statement."""
    place.mkdir()
    for part in PARTS:
        table = _part(files, "statement_key", part)
        if held_out:
            objections = [held_out.objection(row) for row in table.select(["target", "lemma", "statement_key"]).to_pylist()]
            for reason in sorted({o for o in objections if o}):
                drop(_rejected(table.filter(pa.array([o == reason for o in objections])), reason))
            table = table.filter(pa.array([o is None for o in objections], pa.bool_()))
        table, doubles = _first_of_each(table, "statement_key")
        drop(_rejected(doubles, "duplicate"))
        tables.write(table, place / f"{part}.parquet")
    return [place / f"{part}.parquet" for part in PARTS]


def _apart(files: list[Path], place: Path, drop: Drop) -> list[Path]:
    """One variant of those that a reader takes for the same."""
    place.mkdir()
    for part in PARTS:
        table, near = _first_of_each(_part(files, "near_key", part), "near_key")
        drop(_rejected(near, NEAR_DUPLICATE))
        tables.write(table, place / f"{part}.parquet")
    return [place / f"{part}.parquet" for part in PARTS]


def _first_of_each(table: pa.Table, key: str) -> tuple[pa.Table, pa.Table]:
    """The best row of each key, and the others."""
    table = table.sort_by([(key, "ascending"), *BEST_FIRST])
    keys = table.column(key).to_numpy()
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return table.filter(pa.array(first)), table.filter(pa.array(~first))


def _thresholds(files: list[Path], cap: int | None) -> dict[str, tuple[float, str]]:
    """For each lemma with more variants than `cap`, the last that is kept: (-score, id). Lemmas are looked at some at a
    time."""
    if cap is None:
        return {}
    dataset = ds.dataset([str(file) for file in files], schema=tables.schema_of(Variant), format="parquet")
    counts = dataset.to_table(columns=["lemma"]).column("lemma").value_counts().to_pylist()
    frequent = sorted(row["values"] for row in counts if row["counts"] > cap)
    found: dict[str, tuple[float, str]] = {}
    for start in range(0, len(frequent), LEMMAS_AT_ONCE):
        some = frequent[start:start + LEMMAS_AT_ONCE]
        table = dataset.to_table(columns=["lemma", "score", "variant_id"], filter=ds.field("lemma").isin(some))
        places: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for row in table.to_pylist():
            places[row["lemma"]].append((-row["score"], row["variant_id"]))
        found |= {lemma: sorted(those)[cap - 1] for lemma, those in places.items()}
    return found


LEMMAS_AT_ONCE = 500


def _capped(table: pa.Table, thresholds: dict[str, tuple[float, str]]) -> tuple[pa.Table, pa.Table]:
    """The rows within the caps, and the others."""
    rows = table.select(["lemma", "score", "variant_id"]).to_pylist()
    over = pa.array([
        row["lemma"] in thresholds and (-row["score"], row["variant_id"]) > thresholds[row["lemma"]] for row in rows], pa.bool_())
    return table.filter(pc.invert(over)), table.filter(over)


def _rejected(table: pa.Table, reason: str) -> pa.Table:
    """Variants that are not kept, as rejects."""
    names = [name for name in Reject.__struct_fields__ if name in table.column_names]
    return tables.to_table([Reject(stage="select", reason=reason, **row) for row in table.select(names).to_pylist()], Reject)


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
