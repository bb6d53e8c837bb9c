"""Tables that are sifted in parts, so that none has to fit into memory: rows are split by the first digit of a key, and go from step
to step by way of files `STEP/PART/NAME.parquet`."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.tables import Reject
from lean_alchemy.pipelines.runtime.storage import Location, make

PARTS = "0123456789abcdef"
"""First digits of the keys."""

SHARDS_AT_ONCE = 50
"""About a thousand targets, and some ten thousand variants."""


class Sifted(msgspec.Struct, frozen=True):
    """What a step did to a part: rows that it kept, and how many it dropped for which reason."""

    kept: int
    dropped: dict[str, int]


Each = Callable[[Callable[[Any], Sifted], Iterable[Any]], Iterator[Sifted]]
"""Calls a function for each item, here or on a cluster, and hands on what it returns in the order of the items: `map` is one."""


class Parted(msgspec.Struct, frozen=True):
    """The steps of a table are methods of a class of its own. What they drop lies in `rejects/` below `folder`."""

    record: ClassVar[type[msgspec.Struct]]
    table: ClassVar[str]
    """Its name: what a shard calls its part of it."""
    stage: ClassVar[str]

    folder: Location
    held_out: HeldOut | None

    def came(self, shards: Sequence[Location]) -> Sifted:
        """The first step: splits the rows of some shards by what they state, and hands on what the shards did not keep."""
        name = hashlib.blake2b(" ".join(shard.name for shard in shards).encode(), digest_size=8).hexdigest()
        table = pa.concat_tables(tables.load(shard / f"{self.table}.parquet") for shard in shards)
        self.split("came", name, table, "statement_key")
        return self.sifted(table, [tables.load(shard / "rejects.parquet") for shard in shards], f"shards-{name}")

    def split(self, step: str, name: str, table: pa.Table, key: str) -> None:
        """Writes the rows for `step`, each to the part of its key."""
        digits = pc.utf8_slice_codeunits(table.column(key), 0, 1)
        for part in PARTS:
            rows = table.filter(pc.equal(digits, part))
            if rows.num_rows:
                write(rows, self.step_folder(step) / part / f"{name}.parquet")

    def step_folder(self, step: str) -> Location:
        return self.folder / f"{self.table}-{step}"

    def part(self, step: str, part: str) -> pa.Table:
        """What was split for a step."""
        files = sorted((self.step_folder(step) / part).glob("*.parquet"), key=str)
        return pa.concat_tables([tables.schema_of(self.record).empty_table(), *map(tables.load, files)])

    def sifted(self, kept: pa.Table, drops: list[pa.Table], name: str) -> Sifted:
        """Writes the rejects of a step. drops: tables of Reject."""
        rejects = pa.concat_tables(drops)
        if rejects.num_rows:
            write(rejects, self.folder / "rejects" / f"{self.table}-{name}.parquet")
        return Sifted(kept.num_rows, _counted(rejects))

    def admitted(self, table: pa.Table) -> tuple[pa.Table, list[pa.Table]]:
        """The rows that are not held out, and the others as rejects."""
        if self.held_out is None:
            return table, []
        objections = [self.held_out.objection(**row) for row in table.select(["target", "lemma", "statement_key"]).to_pylist()]
        drops = [self.rejected(table.filter(pa.array([o == reason for o in objections])), reason)
                 for reason in sorted({o for o in objections if o})]
        return table.filter(pa.array([o is None for o in objections], pa.bool_())), drops

    def rejected(self, table: pa.Table, reason: str) -> pa.Table:
        """Rows that are not kept, as rejects."""
        names = [name for name in Reject.__struct_fields__ if name in table.column_names]
        rows = table.select(names).to_pylist()
        return tables.to_table([Reject(stage=self.stage, reason=reason, **row) for row in rows], Reject)


def groups(shards: Sequence[Location]) -> list[Sequence[Location]]:
    """Shards to read at once."""
    return [shards[i:i + SHARDS_AT_ONCE] for i in range(0, len(shards), SHARDS_AT_ONCE)]


def in_turn(each: Each, step: Callable[[Any], Sifted], items: Iterable[Any], dropped: Counter[str]) -> int:
    """Does a step for all its items; the number of rows that it kept. dropped: takes up what it did not."""
    kept = 0
    for sifted in each(step, items):
        dropped.update(sifted.dropped)
        kept += sifted.kept
    return kept


def first_of_each(table: pa.Table, key: str, best_first: Sequence[tuple[str, str]]) -> tuple[pa.Table, pa.Table]:
    """The best row of each key, and the others. best_first: columns, each `ascending` or `descending`."""
    table = table.sort_by([(key, "ascending"), *best_first])
    keys = table.column(key).to_numpy()
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return table.filter(pa.array(first)), table.filter(pa.array(~first))


def write(table: pa.Table, file: Location) -> None:
    make(file.parent)
    tables.write(table, file)


def _counted(rejects: pa.Table) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for stage, reason, n in zip(*(rejects.column(c).to_pylist() for c in ("stage", "reason", "n")), strict=True):
        counts[f"{stage}: {reason}"] += n
    return dict(counts)
