"""*select*: reads the shards of variants and writes the table `variants`, deduplicated and within the caps.

The result does not depend on the order of the shards, and the stage can be run again at any time. Each step processes one partition of
the keys at a time (`data/partitions.py`), in bounded memory, on any node of the cluster:

1. *read*: reads groups of shards and splits their rows by statement key.
2. *distinct*: keeps one variant per statement key: that of the smallest depth, then of the best score, then of the smallest id. Removes
   held-out statements.
3. *near*: does the same for near keys.
4. *capped*: keeps the best variants of each lemma, by score. It needs only a threshold per lemma in memory.
"""

from collections import defaultdict
from functools import partial
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from lean_alchemy.mutation.policy.rules import LEMMA_CAP, NEAR_DUPLICATE
from lean_alchemy.pipelines.data.partitions import PARTITIONS, Each, Partitioned, StepResult, all_of, first_of_each, groups
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.storage import Location, dataset

BEST_FIRST = [("depth", "ascending"), ("score", "descending"), ("variant_id", "ascending")]


class VariantPartitions(Partitioned, frozen=True):
    """The steps. A file has the name of the shards or of the partition that its rows come from."""

    record: ClassVar = Variant
    table: ClassVar = "variants"
    stage: ClassVar = "select"

    near_duplicates: bool
    """Are near duplicates removed?"""

    def distinct(self, part: str) -> StepResult:
        """Keeps one variant per statement, and splits the rows by near key if near duplicates are removed next."""
        table, drops = self.admitted(self.part("read", part))
        table, doubles = _best_of_each(table, "statement_key")
        if self.near_duplicates:
            self.split("distinct", part, table, "near_key")
        else:
            self.split("near", part, table, "statement_key")
        return self.result(table, [*drops, self.rejected(doubles, "duplicate")], f"distinct-{part}")

    def near(self, part: str) -> StepResult:
        """Keeps one variant per near key."""
        table, near = _best_of_each(self.part("distinct", part), "near_key")
        self.split("near", part, table, "statement_key")
        return self.result(table, [self.rejected(near, NEAR_DUPLICATE)], f"near-{part}")

    def thresholds(self, cap: int | None) -> dict[str, tuple[float, str]]:
        """For each lemma with more variants than `cap`, the last variant that is kept, as (-score, id). Lemmas are processed in groups, to
        bound the memory."""
        files = sorted(self.step_folder("near").glob("*/*.parquet"), key=str)
        if cap is None or not files:
            return {}
        left = dataset(files, parquet.schema_of(Variant))
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

    def capped(self, part: str, thresholds: dict[str, tuple[float, str]]) -> StepResult:
        """Writes the variants within the caps: one file of the table."""
        table = self.part("near", part)
        rows = table.select(["lemma", "score", "variant_id"]).to_pylist()
        over = pa.array([
            row["lemma"] in thresholds and (-row["score"], row["variant_id"]) > thresholds[row["lemma"]] for row in rows], pa.bool_())
        within = table.filter(pc.call_function("invert", [over])).sort_by("statement_key")
        parquet.write(within, self.folder / "variants" / f"part-{part}.parquet")
        return self.result(within, [self.rejected(table.filter(over), LEMMA_CAP)], f"capped-{part}")


LEMMAS_AT_ONCE = 500


def write_table(partitions: VariantPartitions, shards: list[Location], cap: int | None, each: Each = map) -> StepResult:
    """Runs all steps. They write the tables `variants` and `rejects` below the partitions' folder."""
    result = all_of(each, partitions.read, groups(shards)).then(all_of(each, partitions.distinct, PARTITIONS))
    if partitions.near_duplicates:
        result = result.then(all_of(each, partitions.near, PARTITIONS))
    return result.then(all_of(each, partial(partitions.capped, thresholds=partitions.thresholds(cap)), PARTITIONS))


def _best_of_each(table: pa.Table, key: str) -> tuple[pa.Table, pa.Table]:
    return first_of_each(table, key, BEST_FIRST)
