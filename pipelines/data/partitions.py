"""Tables that are made in partitions, so that none has to fit into memory: rows are split by the first digit of a key, and go from step
to step by way of files `STEP/PARTITION/NAME.parquet`."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.schema import Reject
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.storage import Location, make

PARTS = "0123456789abcdef"
"""First digits of the keys."""

SHARDS_AT_ONCE = 50
"""About a thousand targets, and some ten thousand variants."""


class StepResult(msgspec.Struct, frozen=True):
    """kept: rows. dropped: how many, by reason. damaged: shards that could not be read, by name, and why."""

    kept: int = 0
    dropped: dict[str, int] = {}
    damaged: dict[str, str] = {}

    def then(self, later: "StepResult") -> "StepResult":
        """Of two steps together: what is kept after the later one."""
        dropped = Counter(self.dropped)
        dropped.update(later.dropped)
        return StepResult(later.kept, dict(dropped), {**self.damaged, **later.damaged})


Each = Callable[[Callable[[Any], StepResult], Iterable[Any]], Iterator[StepResult]]
"""Calls a function for each item, here or on a cluster, and yields what it returns in the order of the items: `map` is one."""


class Partitioned(msgspec.Struct, frozen=True):
    """The steps of a table are methods of a class of its own. What they drop lies in `rejects/` below `folder`."""

    record: ClassVar[type[msgspec.Struct]]
    table: ClassVar[str]
    """Its name: what a shard calls its part of it."""
    stage: ClassVar[str]

    folder: Location
    held_out: HeldOut | None

    def read(self, shards: Sequence[Location]) -> StepResult:
        """The first step: splits the rows of some shards by what they state, and passes on their rejects. A shard that can't be read is
        left out as a whole."""
        name = hashlib.blake2b(" ".join(shard.name for shard in shards).encode(), digest_size=8).hexdigest()
        rows, rejects, damaged = [parquet.schema_of(self.record).empty_table()], [parquet.schema_of(Reject).empty_table()], {}
        for shard in shards:
            try:
                mine, its = (parquet.load(shard / f"{name}.parquet") for name in (self.table, "rejects"))
            except parquet.DamagedTable as error:
                damaged[shard.name] = str(error)
                continue
            rows.append(mine)
            rejects.append(its)
        table = pa.concat_tables(rows)
        self.split("read", name, table, "statement_key")
        return msgspec.structs.replace(self.result(table, rejects, f"shards-{name}"), damaged=damaged)

    def split(self, step: str, name: str, table: pa.Table, key: str) -> None:
        """Writes the rows for `step`, each to the part of its key."""
        digits = pc.call_function("utf8_slice_codeunits", [table.column(key)], pc.SliceOptions(0, 1))
        for part in PARTS:
            rows = table.filter(pc.call_function("equal", [digits, part]))
            if rows.num_rows:
                write(rows, self.step_folder(step) / part / f"{name}.parquet")

    def step_folder(self, step: str) -> Location:
        return self.folder / f"{self.table}-{step}"

    def part(self, step: str, part: str) -> pa.Table:
        """What was split for a step."""
        files = sorted((self.step_folder(step) / part).glob("*.parquet"), key=str)
        return pa.concat_tables([parquet.schema_of(self.record).empty_table(), *map(parquet.load, files)])

    def result(self, kept: pa.Table, drops: list[pa.Table], name: str) -> StepResult:
        """Writes the rejects of a step. drops: tables of Reject."""
        rejects = pa.concat_tables(drops)
        if rejects.num_rows:
            write(rejects, self.folder / "rejects" / f"{self.table}-{name}.parquet")
        return StepResult(kept.num_rows, _counted(rejects))

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
        return parquet.to_table([Reject(stage=self.stage, reason=reason, **row) for row in rows], Reject)


def groups(shards: Sequence[Location]) -> list[Sequence[Location]]:
    """Shards to read at once."""
    return [shards[i:i + SHARDS_AT_ONCE] for i in range(0, len(shards), SHARDS_AT_ONCE)]


def all_of(each: Each, step: Callable[[Any], StepResult], items: Iterable[Any]) -> StepResult:
    """A step for all its items."""
    kept, together = 0, StepResult()
    for result in each(step, items):
        together, kept = together.then(result), kept + result.kept
    return msgspec.structs.replace(together, kept=kept)


def first_of_each(table: pa.Table, key: str, best_first: Sequence[tuple[str, str]]) -> tuple[pa.Table, pa.Table]:
    """The best row of each key, and the others. best_first: columns, each `ascending` or `descending`."""
    table = table.sort_by([(key, "ascending"), *best_first])
    keys = table.column(key).to_numpy()
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return table.filter(pa.array(first)), table.filter(pa.array(~first))


def write(table: pa.Table, file: Location) -> None:
    make(file.parent)
    parquet.write(table, file)


def _counted(rejects: pa.Table) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for stage, reason, n in zip(*(rejects.column(c).to_pylist() for c in ("stage", "reason", "n")), strict=True):
        counts[f"{stage}: {reason}"] += n
    return dict(counts)
