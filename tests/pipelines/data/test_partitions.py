"""Tables in partitions: no row is lost or repeated, and rejected rows are counted."""

from pathlib import Path

import pyarrow as pa
import pytest
from made import variant

from lean_alchemy.pipelines.data import partitions
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.partitions import Partitioned, StepResult, all_of, first_of_each, groups
from lean_alchemy.pipelines.data.schema import Reject, Variant
from lean_alchemy.pipelines.runtime import parquet


class Variants(Partitioned, frozen=True):
    record = Variant
    table = "variants"
    stage = "select"


def shard(folder: Path, rows: list[Variant], rejects: list[Reject] = ()) -> Path:
    folder.mkdir(parents=True)
    parquet.write(parquet.to_table(rows, Variant), folder / "variants.parquet")
    parquet.write(parquet.to_table(rejects, Reject), folder / "rejects.parquet")
    return folder


def keyed(number: int, first: str, **fields) -> Variant:
    """A variant whose statement key begins with this digit."""
    return variant(number, f"Nat.t{number}", statement_key=first + f"{number:031x}", **fields)


def ids(table: pa.Table) -> list[str]:
    return table.column("variant_id").to_pylist()


REFUSED = Reject(target="Nat.t1", library="Init", module="Init", stage="attempt", reason="refused", n=3)


def test_every_row_is_in_the_partition_of_its_key(tmp_path):
    rows = [keyed(number, digit) for number, digit in enumerate(partitions.PARTITIONS)] + [keyed(16, "0")]
    steps = Variants(tmp_path / "work", None)
    done = steps.read([shard(tmp_path / "a", rows[:9], [REFUSED]), shard(tmp_path / "b", rows[9:])])
    assert done == StepResult(kept=17, dropped={"attempt: refused": 3}, damaged={})
    assert [ids(steps.part("read", digit)) for digit in partitions.PARTITIONS[1:]] == [[row.variant_id] for row in rows[1:16]]
    assert ids(steps.part("read", "0")) == [rows[0].variant_id, rows[16].variant_id]
    assert partitions.PARTITIONS == "0123456789abcdef" and steps.part("later", "0").num_rows == 0


def test_rows_of_several_reads_are_combined(tmp_path):
    steps = Variants(tmp_path / "work", None)
    shards = [shard(tmp_path / name, [keyed(number, "a")], [REFUSED]) for number, name in enumerate("xyz")]
    done = all_of(map, steps.read, [shards[:1], shards[1:]])
    assert done == StepResult(kept=3, dropped={"attempt: refused": 9}) and len(ids(steps.part("read", "a"))) == 3
    assert len(list((tmp_path / "work" / "rejects").iterdir())) == 2


def test_an_unreadable_shard_is_left_out_completely_and_reported(tmp_path):
    whole, damaged = shard(tmp_path / "whole", [keyed(1, "a")]), shard(tmp_path / "damaged", [keyed(2, "a")], [REFUSED])
    (damaged / "rejects.parquet").write_bytes(b"nothing")
    steps = Variants(tmp_path / "work", None)
    done = steps.read([damaged, whole])
    assert done.kept == 1 and done.dropped == {} and list(done.damaged) == ["damaged"] and "rejects.parquet" in done.damaged["damaged"]
    assert ids(steps.part("read", "a")) == [keyed(1, "a").variant_id]


def test_two_steps_keep_what_the_later_one_keeps_and_drop_what_either_does():
    first = StepResult(kept=10, dropped={"a": 1, "b": 2}, damaged={"x": "why"})
    assert first.then(StepResult(kept=4, dropped={"b": 3}, damaged={"y": "how"})) == StepResult(
        kept=4, dropped={"a": 1, "b": 5}, damaged={"x": "why", "y": "how"})
    assert first == StepResult(kept=10, dropped={"a": 1, "b": 2}, damaged={"x": "why"})  # unchanged


def test_held_out_rows_become_rejects_with_their_reasons(tmp_path):
    rows = [keyed(1, "a"), keyed(2, "b"), keyed(3, "c", lemma="Nat.secret"), keyed(4, "d")]
    held_out = HeldOut(frozenset({"Nat.t1"}), frozenset({rows[1].statement_key}), frozenset({"Nat.secret"}))
    table = parquet.to_table(rows, Variant)
    kept, drops = Variants(tmp_path, held_out).admitted(table)
    assert ids(kept) == [rows[3].variant_id]
    assert {(row["stage"], row["reason"], row["variant_id"], row["n"]) for drop in drops for row in drop.to_pylist()} == {
        ("select", "held out", rows[0].variant_id, 1), ("select", "states what is held out", rows[1].variant_id, 1),
        ("select", "held-out premise", rows[2].variant_id, 1)}
    kept, drops = Variants(tmp_path, None).admitted(table)
    assert kept.num_rows == 4 and drops == []


def test_a_reject_has_the_provenance_of_its_row(tmp_path):
    row = keyed(7, "a", lemma="Nat.add_comm", site="h", direction="backward", occurrence=2, depth=3)
    (reject,) = Variants(tmp_path, None).rejected(parquet.to_table([row], Variant), "target cap").to_pylist()
    assert reject == {"target": "Nat.t7", "library": "Init", "module": "Init.Data.Nat.Basic", "stage": "select", "reason": "target cap",
                      "n": 1, "variant_id": row.variant_id, "kind": "rw", "site": "h", "lemma": "Nat.add_comm", "direction": "backward",
                      "occurrence": 2, "depth": 3, "message": None}


@pytest.mark.parametrize("descending", [True, False])
def test_the_best_row_of_each_key_is_separated_from_the_others(descending):
    table = pa.table({"key": ["b", "a", "b", "a", "c"], "score": [1, 5, 3, 4, 2]})
    best, others = first_of_each(table, "key", [("score", "descending" if descending else "ascending")])
    scores = [5, 3, 2] if descending else [4, 1, 2]
    assert best.to_pydict() == {"key": ["a", "b", "c"], "score": scores}
    assert others.to_pydict() == {"key": ["a", "b"], "score": [4, 1] if descending else [5, 3]}


def test_an_empty_table_has_no_best_row():
    best, others = first_of_each(pa.table({"key": pa.array([], pa.string())}), "key", [])
    assert best.num_rows == others.num_rows == 0


def test_shards_are_read_in_groups(tmp_path):
    shards = [tmp_path / str(number) for number in range(101)]
    assert [len(group) for group in groups(shards)] == [50, 50, 1]
    assert [shard for group in groups(shards) for shard in group] == shards


def test_the_results_of_all_items_are_added():
    def step(n: int) -> StepResult:
        return StepResult(kept=3, dropped={"quality: too long": n}, damaged={f"shard {n}": "why"})

    assert all_of(map, step, [1, 3]) == StepResult(6, {"quality: too long": 4}, {"shard 1": "why", "shard 3": "why"})
    assert all_of(map, step, []) == StepResult()
