"""*select*: the shards of variants go in; the table `variants` comes out, deduplicated and within its caps.

Deterministic, whatever the order in which shards arrived; it can be run again at any time. Each step works on one partition of the key
space at a time (`data/partitions.py`), in bounded memory, anywhere on a cluster:

1. *read*: some shards at a time, split by statement key.
2. *distinct*: of variants with the same statement key the shallowest is kept, then the best by score, then the smallest id. Held-out
   statements go.
3. *near*: likewise for near keys.
4. *capped*: of each lemma the best variants by score are kept; all that must be remembered is a threshold for each lemma.
"""

from collections import defaultdict
from functools import partial
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from lean_alchemy.mutation.policy.rules import LEMMA_CAP, NEAR_DUPLICATE
from lean_alchemy.pipelines.data.partitions import PARTS, Each, Partitioned, StepResult, all_of, first_of_each, groups, write
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.storage import Location, dataset

BEST_FIRST = [("depth", "ascending"), ("score", "descending"), ("variant_id", "ascending")]


class VariantPartitions(Partitioned, frozen=True):
    """The steps. Their files are named by the shards or by the partition that the rows come from."""

    record: ClassVar = Variant
    table: ClassVar = "variants"
    stage: ClassVar = "select"

    near_duplicates: bool
    """Do they go?"""

    def distinct(self, part: str) -> StepResult:
        """One variant for each statement, split by near key where these are looked at next."""
        table, drops = self.admitted(self.part("read", part))
        table, doubles = _best_of_each(table, "statement_key")
        if self.near_duplicates:
            self.split("distinct", part, table, "near_key")
        else:
            self.split("near", part, table, "statement_key")
        return self.result(table, [*drops, self.rejected(doubles, "duplicate")], f"distinct-{part}")

    def near(self, part: str) -> StepResult:
        """One variant of those that a reader takes for the same."""
        table, near = _best_of_each(self.part("distinct", part), "near_key")
        self.split("near", part, table, "statement_key")
        return self.result(table, [self.rejected(near, NEAR_DUPLICATE)], f"near-{part}")

    def thresholds(self, cap: int | None) -> dict[str, tuple[float, str]]:
        """For each lemma with more variants than `cap`, the last that is kept: (-score, id). Lemmas are looked at some at a
        time."""
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
        """The variants within the caps: a file of the table."""
        table = self.part("near", part)
        rows = table.select(["lemma", "score", "variant_id"]).to_pylist()
        over = pa.array([
            row["lemma"] in thresholds and (-row["score"], row["variant_id"]) > thresholds[row["lemma"]] for row in rows], pa.bool_())
        within = table.filter(pc.call_function("invert", [over])).sort_by("statement_key")
        write(within, self.folder / "variants" / f"part-{part}.parquet")
        return self.result(within, [self.rejected(table.filter(over), LEMMA_CAP)], f"capped-{part}")


LEMMAS_AT_ONCE = 500


def write_table(partitions: VariantPartitions, shards: list[Location], cap: int | None, each: Each = map) -> StepResult:
    """All steps: the tables `variants` and `rejects` stand below the partitions' folder afterwards."""
    result = all_of(each, partitions.read, groups(shards)).then(all_of(each, partitions.distinct, PARTS))
    if partitions.near_duplicates:
        result = result.then(all_of(each, partitions.near, PARTS))
    return result.then(all_of(each, partial(partitions.capped, thresholds=partitions.thresholds(cap)), PARTS))


def _best_of_each(table: pa.Table, key: str) -> tuple[pa.Table, pa.Table]:
    return first_of_each(table, key, BEST_FIRST)
