"""*select*: the shards go in; the tables come out.

Deterministic, whatever the order in which shards arrived; it can be run again at any time. Rows go from step to step by way of
files, split by the first digit of a key, so that a step works on one part at a time, in bounded memory, anywhere on a cluster:

1. *came*: some shards at a time, split by what the variants state.
2. *distinct*: of those that state the same the shallowest is kept, then the best by score, then the smallest id. What is held
   out goes.
3. *apart*: likewise for near keys.
4. *within*: a lemma keeps the best by score of what is left; a threshold for each lemma is all that must be remembered.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mutation.quality import LEMMA_CAP, NEAR_DUPLICATE
from pipelines import tables
from pipelines.extract import Catalogue
from pipelines.job import Job, Manifest, UsageError, versions
from pipelines.mutate import Shard, tally_of
from pipelines.storage import Location, dataset, draft, exchange, make, remove, write_whole
from pipelines.tables import Reject, Theorem, Variant

PARTS = "0123456789abcdef"
"""First digits of the keys: one file of variants each."""

SHARDS_AT_ONCE = 50
"""About a thousand targets, and some ten thousand variants."""

BEST_FIRST = [("depth", "ascending"), ("score", "descending"), ("variant_id", "ascending")]

Each = Callable[[Callable[[Any], "Sifted"], Iterable[Any]], Iterator["Sifted"]]
"""Calls a function for each item, here or on a cluster, and hands on what it returns in the order of the items: `map` is one."""


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


class Sifted(msgspec.Struct, frozen=True):
    """What a step did to a part: rows that it kept, and how many it dropped for which reason."""

    kept: int
    dropped: dict[str, int]


class Sieve(msgspec.Struct, frozen=True):
    """The steps, each a method that reads files below `folder` and writes others. `STEP/PART/NAME.parquet` holds the rows of a part
    that came from NAME."""

    folder: Location
    held_out: HeldOut | None
    near_duplicates: bool
    """Do they go?"""

    def came(self, shards: list[Location]) -> Sifted:
        """Splits the variants of some shards by statement, and hands on what the shards did not keep."""
        name = hashlib.blake2b(" ".join(shard.name for shard in shards).encode(), digest_size=8).hexdigest()
        table = pa.concat_tables(tables.load(shard / "variants.parquet") for shard in shards)
        self._split("came", name, table, "statement_key")
        return self._sifted(table, [tables.load(shard / "rejects.parquet") for shard in shards], f"shards-{name}")

    def distinct(self, part: str) -> Sifted:
        """One variant for each statement, split by near key where these are looked at next."""
        table, drops = self._part("came", part), []
        if self.held_out:
            objections = [self.held_out.objection(row) for row in table.select(["target", "lemma", "statement_key"]).to_pylist()]
            for reason in sorted({o for o in objections if o}):
                drops.append(_rejected(table.filter(pa.array([o == reason for o in objections])), reason))
            table = table.filter(pa.array([o is None for o in objections], pa.bool_()))
        table, doubles = _first_of_each(table, "statement_key")
        if self.near_duplicates:
            self._split("distinct", part, table, "near_key")
        else:
            self._split("apart", part, table, "statement_key")
        return self._sifted(table, [*drops, _rejected(doubles, "duplicate")], f"distinct-{part}")

    def apart(self, part: str) -> Sifted:
        """One variant of those that a reader takes for the same."""
        table, near = _first_of_each(self._part("distinct", part), "near_key")
        self._split("apart", part, table, "statement_key")
        return self._sifted(table, [_rejected(near, NEAR_DUPLICATE)], f"apart-{part}")

    def thresholds(self, cap: int | None) -> dict[str, tuple[float, str]]:
        """For each lemma with more variants than `cap`, the last that is kept: (-score, id). Lemmas are looked at some at a
        time."""
        files = sorted((self.folder / "apart").glob("*/*.parquet"), key=str)
        if cap is None or not files:
            return {}
        left = dataset(files, tables.schema_of(Variant))
        counts = left.to_table(columns=["lemma"]).column("lemma").value_counts().to_pylist()
        frequent = sorted(row["values"] for row in counts if row["counts"] > cap)
        found: dict[str, tuple[float, str]] = {}
        for start in range(0, len(frequent), LEMMAS_AT_ONCE):
            some = frequent[start:start + LEMMAS_AT_ONCE]
            table = left.to_table(columns=["lemma", "score", "variant_id"], filter=pc.field("lemma").isin(some))
            places: dict[str, list[tuple[float, str]]] = defaultdict(list)
            for row in table.to_pylist():
                places[row["lemma"]].append((-row["score"], row["variant_id"]))
            found |= {lemma: sorted(those)[cap - 1] for lemma, those in places.items()}
        return found

    def within(self, part: str, thresholds: dict[str, tuple[float, str]]) -> Sifted:
        """The variants within the caps: a file of the table."""
        table = self._part("apart", part)
        rows = table.select(["lemma", "score", "variant_id"]).to_pylist()
        over = pa.array([
            row["lemma"] in thresholds and (-row["score"], row["variant_id"]) > thresholds[row["lemma"]] for row in rows], pa.bool_())
        within = table.filter(pc.invert(over)).sort_by("statement_key")
        _write(within, self.folder / "variants" / f"part-{part}.parquet")
        return self._sifted(within, [_rejected(table.filter(over), LEMMA_CAP)], f"within-{part}")

    def _split(self, step: str, name: str, table: pa.Table, key: str) -> None:
        digits = pc.utf8_slice_codeunits(table.column(key), 0, 1)
        for part in PARTS:
            rows = table.filter(pc.equal(digits, part))
            if rows.num_rows:
                _write(rows, self.folder / step / part / f"{name}.parquet")

    def _part(self, step: str, part: str) -> pa.Table:
        files = sorted((self.folder / step / part).glob("*.parquet"), key=str)
        return pa.concat_tables([tables.schema_of(Variant).empty_table(), *map(tables.load, files)])

    def _sifted(self, kept: pa.Table, drops: list[pa.Table], name: str) -> Sifted:
        rejects = pa.concat_tables(drops)
        if rejects.num_rows:
            _write(rejects, self.folder / "rejects" / f"{name}.parquet")
        return Sifted(kept.num_rows, _counted(rejects))


LEMMAS_AT_ONCE = 500


def sift(sieve: Sieve, shards: list[Location], cap: int | None, each: Each = map) -> Sifted:
    """All steps: the tables `variants` and `rejects` stand below the sieve's folder afterwards."""
    _write(tables.schema_of(Reject).empty_table(), sieve.folder / "rejects" / "none.parquet")  # the table has its schema even when empty
    dropped: Counter[str] = Counter()

    def run(step: Callable[[Any], Sifted], items: Iterable[Any]) -> int:
        done = list(each(step, items))
        for sifted in done:
            dropped.update(sifted.dropped)
        return sum(sifted.kept for sifted in done)

    run(sieve.came, [shards[i:i + SHARDS_AT_ONCE] for i in range(0, len(shards), SHARDS_AT_ONCE)])
    run(sieve.distinct, PARTS)
    if sieve.near_duplicates:
        run(sieve.apart, PARTS)
    kept = run(partial(sieve.within, thresholds=sieve.thresholds(cap)), PARTS)
    return Sifted(kept, dict(dropped))


def select(job: Job, library: Catalogue, shards: list[Shard], held_out: HeldOut | None, seconds: float, each: Each = map) -> Manifest:
    """Writes the tables and the manifest from the shards."""
    folders = [job.mutate_folder / shard.key for shard in shards]
    with draft(job.work) as made:
        sieve = Sieve(made, held_out, job.options.policy.near_duplicates)
        sifted = sift(sieve, folders, job.options.policy.lemma_cap, each)
        _write(tables.to_table(map(library.record, library.theorems), Theorem), made / "theorems" / "part-0.parquet")
        tally = tally_of(folders)
        manifest = Manifest(
            library=job.options.library, toolchain=library.described.toolchain, versions=versions(), seed=job.options.seed,
            options=job.options, schema_version=tables.SCHEMA_VERSION, shards=sorted(s.key for s in shards), seconds=seconds,
            rejects=dict(sorted(sifted.dropped.items())),
            counts={"theorems": len(library.theorems), "targets": tally.targets, "candidates": tally.candidates,
                    "kernel_checked": tally.kernel_checked, "elaborated": tally.elaborated, "variants": sifted.kept})
        job.require_hold()
        job.manifest_file.unlink(missing_ok=True)  # between the tables of two selections there is no corpus
        for table in ("theorems", "variants", "rejects"):
            exchange(made / table, job.out / table)
        for table in ("grades", "refuted"):  # of other variants; what they were made of is kept below .work
            remove(job.out / table)
        write_whole(job.manifest_file, msgspec.json.encode(manifest))
        return manifest


def _write(table: pa.Table, file: Location) -> None:
    make(file.parent)
    tables.write(table, file)


def _first_of_each(table: pa.Table, key: str) -> tuple[pa.Table, pa.Table]:
    """The best row of each key, and the others."""
    table = table.sort_by([(key, "ascending"), *BEST_FIRST])
    keys = table.column(key).to_numpy()
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return table.filter(pa.array(first)), table.filter(pa.array(~first))


def _rejected(table: pa.Table, reason: str) -> pa.Table:
    """Variants that are not kept, as rejects."""
    names = [name for name in Reject.__struct_fields__ if name in table.column_names]
    return tables.to_table([Reject(stage="select", reason=reason, **row) for row in table.select(names).to_pylist()], Reject)


def _counted(rejects: pa.Table) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for stage, reason, n in zip(*(rejects.column(c).to_pylist() for c in ("stage", "reason", "n")), strict=True):
        counts[f"{stage}: {reason}"] += n
    return dict(counts)
