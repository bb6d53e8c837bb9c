"""*select*: the shards go in; the tables come out.

Deterministic, whatever the order in which shards arrived; it can be run again at any time. Each step works on one part of the key
space at a time (`parted.py`), in bounded memory, anywhere on a cluster:

1. *came*: some shards at a time, split by what the variants state.
2. *distinct*: of those that state the same the shallowest is kept, then the best by score, then the smallest id. What is held
   out goes.
3. *apart*: likewise for near keys.
4. *within*: a lemma keeps the best by score of what is left; a threshold for each lemma is all that must be remembered.
"""

from collections import Counter, defaultdict
from functools import partial
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from lean_alchemy.mutation.policy.rules import LEMMA_CAP, NEAR_DUPLICATE
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.partitions import PARTS, Each, Parted, Sifted, first_of_each, groups, in_turn, write
from lean_alchemy.pipelines.data.tables import Variant
from lean_alchemy.pipelines.runtime.storage import Location, dataset

BEST_FIRST = [("depth", "ascending"), ("score", "descending"), ("variant_id", "ascending")]


class Sieve(Parted, frozen=True):
    """The steps. A file of theirs is named by the shards or by the part that its rows come from."""

    record: ClassVar = Variant
    table: ClassVar = "variants"
    stage: ClassVar = "select"

    near_duplicates: bool
    """Do they go?"""

    def distinct(self, part: str) -> Sifted:
        """One variant for each statement, split by near key where these are looked at next."""
        table, drops = self.admitted(self.part("came", part))
        table, doubles = _best_of_each(table, "statement_key")
        if self.near_duplicates:
            self.split("distinct", part, table, "near_key")
        else:
            self.split("apart", part, table, "statement_key")
        return self.sifted(table, [*drops, self.rejected(doubles, "duplicate")], f"distinct-{part}")

    def apart(self, part: str) -> Sifted:
        """One variant of those that a reader takes for the same."""
        table, near = _best_of_each(self.part("distinct", part), "near_key")
        self.split("apart", part, table, "statement_key")
        return self.sifted(table, [self.rejected(near, NEAR_DUPLICATE)], f"apart-{part}")

    def thresholds(self, cap: int | None) -> dict[str, tuple[float, str]]:
        """For each lemma with more variants than `cap`, the last that is kept: (-score, id). Lemmas are looked at some at a
        time."""
        files = sorted(self.step_folder("apart").glob("*/*.parquet"), key=str)
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
        table = self.part("apart", part)
        rows = table.select(["lemma", "score", "variant_id"]).to_pylist()
        over = pa.array([
            row["lemma"] in thresholds and (-row["score"], row["variant_id"]) > thresholds[row["lemma"]] for row in rows], pa.bool_())
        within = table.filter(pc.invert(over)).sort_by("statement_key")
        write(within, self.folder / "variants" / f"part-{part}.parquet")
        return self.sifted(within, [self.rejected(table.filter(over), LEMMA_CAP)], f"within-{part}")


LEMMAS_AT_ONCE = 500


def sift(sieve: Sieve, shards: list[Location], cap: int | None, each: Each = map) -> Sifted:
    """All steps: the tables `variants` and `rejects` stand below the sieve's folder afterwards."""
    dropped: Counter[str] = Counter()
    in_turn(each, sieve.came, groups(shards), dropped)
    in_turn(each, sieve.distinct, PARTS, dropped)
    if sieve.near_duplicates:
        in_turn(each, sieve.apart, PARTS, dropped)
    kept = in_turn(each, partial(sieve.within, thresholds=sieve.thresholds(cap)), PARTS, dropped)
    return Sifted(kept, dict(dropped))


def _best_of_each(table: pa.Table, key: str) -> tuple[pa.Table, pa.Table]:
    return first_of_each(table, key, BEST_FIRST)
