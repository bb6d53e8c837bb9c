"""Tables that are made in partitions, so that they need not fit in memory. Rows are split by the first digit of a key, and passed from step
to step in files `STEP/PARTITION/NAME.parquet`."""

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
from lean_alchemy.pipelines.runtime.stage import chunks
from lean_alchemy.pipelines.runtime.storage import Location

PARTITIONS = "0123456789abcdef"
"""The partitions: the first hexadecimal digits of the keys."""

SHARDS_AT_ONCE = 50
"""Number of shards that are read together: about a thousand targets with some ten thousand variants."""


class StepResult(msgspec.Struct, frozen=True):
    """kept: number of rows kept. dropped: numbers of rejected rows, by reason. damaged: the error of each unreadable shard, by its name."""

    kept: int = 0
    dropped: dict[str, int] = {}
    damaged: dict[str, str] = {}

    def then(self, later: "StepResult") -> "StepResult":
        """The result of this step and a later one together. `kept` is that of the later one."""
        dropped = Counter(self.dropped)
        dropped.update(later.dropped)
        return StepResult(later.kept, dict(dropped), {**self.damaged, **later.damaged})


Each = Callable[[Callable[[Any], StepResult], Iterable[Any]], Iterator[StepResult]]
"""Calls a function for each item, here or on a cluster, and yields the results in the order of the items. `map` is an example."""


class Partitioned(msgspec.Struct, frozen=True):
    """Base class of the steps of a table. Rejected rows are written to `rejects/` below `folder`."""

    record: ClassVar[type[msgspec.Struct]]
    table: ClassVar[str]
    """Name of the table, also in the shards."""
    stage: ClassVar[str]

    folder: Location
    held_out: HeldOut | None

    def read(self, shards: Sequence[Location]) -> StepResult:
        """The first step: splits the rows of some shards by statement key, and copies their rejects. A shard that can't be read is left
        out completely."""
        name = hashlib.blake2b(" ".join(shard.name for shard in shards).encode(), digest_size=8).hexdigest()
        rows, rejects, damaged = [parquet.schema_of(self.record).empty_table()], [parquet.schema_of(Reject).empty_table()], {}
        for shard in shards:
            try:
                mine, its = (parquet.load_columns(shard / f"{name}.parquet") for name in (self.table, "rejects"))
            except parquet.DamagedTable as error:
                damaged[shard.name] = str(error)
                continue
            rows.append(mine)
            rejects.append(its)
        table = pa.concat_tables(rows)
        self.split("read", name, table, "statement_key")
        return msgspec.structs.replace(self.result(table, rejects, f"shards-{name}"), damaged=damaged)

    def split(self, step: str, name: str, table: pa.Table, key: str) -> None:
        """Writes the output rows of `step`, each to the partition of its key."""
        digits = pc.call_function("utf8_slice_codeunits", [table.column(key)], pc.SliceOptions(0, 1))
        for part in PARTITIONS:
            rows = table.filter(pc.call_function("equal", [digits, part]))
            if rows.num_rows:
                parquet.write(rows, self.step_folder(step) / part / f"{name}.parquet")

    def step_folder(self, step: str) -> Location:
        return self.folder / f"{self.table}-{step}"

    def part(self, step: str, part: str) -> pa.Table:
        """The rows that `step` wrote to a partition."""
        files = sorted((self.step_folder(step) / part).glob("*.parquet"), key=str)
        return pa.concat_tables([parquet.schema_of(self.record).empty_table(), *map(parquet.load_columns, files)])

    def result(self, kept: pa.Table, drops: list[pa.Table], name: str) -> StepResult:
        """Writes the rejects of a step, and returns its counts. drops: tables of Reject."""
        rejects = pa.concat_tables(drops)
        if rejects.num_rows:
            parquet.write(rejects, self.folder / "rejects" / f"{self.table}-{name}.parquet")
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
        """Rows of a table as rejects with this reason."""
        names = [name for name in Reject.__struct_fields__ if name in table.column_names]
        rows = table.select(names).to_pylist()
        return parquet.to_table([Reject(stage=self.stage, reason=reason, **row) for row in rows], Reject)


def groups(shards: Sequence[Location]) -> list[Sequence[Location]]:
    """The shards in groups that are read together."""
    return chunks(shards, SHARDS_AT_ONCE)


def all_of(each: Each, step: Callable[[Any], StepResult], items: Iterable[Any]) -> StepResult:
    """Runs a step for all its items, and adds up the results."""
    kept, together = 0, StepResult()
    for result in each(step, items):
        together, kept = together.then(result), kept + result.kept
    return msgspec.structs.replace(together, kept=kept)


def first_of_each(table: pa.Table, key: str, best_first: Sequence[tuple[str, str]]) -> tuple[pa.Table, pa.Table]:
    """The best row of each key, and the other rows. best_first: the columns to sort by, each `ascending` or `descending`."""
    table = table.sort_by([(key, "ascending"), *best_first])
    keys = table.column(key).to_numpy()
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return table.filter(pa.array(first)), table.filter(pa.array(~first))


def _counted(rejects: pa.Table) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for stage, reason, n in zip(*(rejects.column(c).to_pylist() for c in ("stage", "reason", "n")), strict=True):
        counts[f"{stage}: {reason}"] += n
    return dict(counts)
