"""*select* on artificial shards: the result does not depend on the order of the variants."""

import random
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from lean_alchemy.lean_workspace.protocol import Candidate
from lean_alchemy.lean_workspace.workspace import Draft
from lean_alchemy.mutation.policy.rules import LEMMA_CAP, NEAR_DUPLICATE
from lean_alchemy.pipelines.corpus.deduplicate import VariantPartitions, write_table
from lean_alchemy.pipelines.corpus.mutate import DraftToWrite, Origin, _best
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.schema import Reject, Variant
from lean_alchemy.pipelines.runtime import parquet


def variant(i: int, *, key: str, near: str | None = None, lemma: str = "l", score: float = 0.5, target: str = "t",
            depth: int = 1) -> Variant:
    return Variant(
        variant_id=f"{i:016x}", target=target, library="Init", module="Init", toolchain="", kind="rw", site="conclusion",
        lemma=lemma,
        direction="forward", occurrence=1, depth=depth, parents=[], statement=": True", proof="by", theorem="", statement_key=key,
        kernel_checked=True, elaborated=True, print_options=[], axioms=[], elapsed_ms=1.0, near_key=near or key, score=score)


def key(i: int) -> str:
    return f"{i * 0x9E3779B97F4A7C15 % 2**128:032x}"


def chosen(folder: Path, rows: list[Variant], *, shards: int = 3, near: bool = True, cap: int | None = None,
           held_out: HeldOut | None = None) -> tuple[list[str], Counter[str]]:
    """The ids that are kept, and the numbers of rejects by reason."""
    came = []
    for n in range(shards):
        came.append(folder / f"shard-{n}")
        came[-1].mkdir()
        parquet.write(parquet.to_table(rows[n::shards], Variant), came[-1] / "variants.parquet")
        parquet.write(parquet.to_table([], Reject), came[-1] / "rejects.parquet")
    (folder / "rejects").mkdir()
    result = write_table(VariantPartitions(folder, held_out, near), came, cap)
    kept = ds.dataset(folder / "variants", schema=parquet.schema_of(Variant)).to_table().column("variant_id").to_pylist()
    rejects = ds.dataset(folder / "rejects", schema=parquet.schema_of(Reject)).to_table()
    reasons = Counter(rejects.column("reason").to_pylist())
    assert len(kept) == result.kept and len(kept) + sum(reasons.values()) == len(rows)
    assert result.dropped == {f"select: {reason}": n for reason, n in reasons.items()}
    return sorted(kept), reasons


def ids(*numbers: int) -> list[str]:
    return [f"{i:016x}" for i in numbers]


def test_of_equal_statements_the_smallest_depth_then_score_then_id_is_kept(tmp_path):
    rows = [variant(1, key=key(1), depth=2, score=0.9), variant(2, key=key(1), score=0.3), variant(3, key=key(1), score=0.4),
            variant(4, key=key(1), score=0.4), variant(5, key=key(2))]
    kept, reasons = chosen(tmp_path, rows)
    assert kept == ids(3, 5) and reasons == {"duplicate": 3}


def test_near_duplicates_are_removed_unless_switched_off(tmp_path):
    rows = [variant(1, key=key(1), near=key(9), score=0.2), variant(2, key=key(2), near=key(9), score=0.6)]
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    assert chosen(tmp_path / "a", rows) == (ids(2), Counter({NEAR_DUPLICATE: 1}))
    assert chosen(tmp_path / "b", rows, near=False) == (ids(1, 2), Counter())


def test_a_lemma_keeps_its_best_variants(tmp_path):
    rows = [variant(i, key=key(i), lemma="a" if i % 2 else "b", score=i / 100) for i in range(1, 21)]
    kept, reasons = chosen(tmp_path, rows, cap=3)
    assert kept == ids(15, 16, 17, 18, 19, 20) and reasons == {LEMMA_CAP: 14}


def test_a_target_keeps_its_best_and_few_foreign_variants():
    """Every third one is foreign; scores rise with the number. The order stays that of the candidates."""
    worth = [DraftToWrite(Draft(Candidate(0, "rw", i, False, 0), ""), str(i), i / 100, is_foreign=i % 3 == 0) for i in range(12)]
    within, foreign = _best(worth, 2, Origin(), lambda one: one.is_foreign)
    assert [one.variant_id for one in foreign] == ["0", "3"] and len(within) == 10
    within, over = _best(within, 3, Origin())
    assert [one.variant_id for one in within] == ["9", "10", "11"] and len(over) == 7
    assert _best(worth, None, Origin()) == (worth, [])


def test_variants_with_foreign_variables_are_dropped_first():
    worth = [DraftToWrite(Draft(Candidate(0, "rw", i, False, 0), "", introduces=i == 3), str(i), i / 100, is_foreign=True)
             for i in range(4)]
    within, over = _best(worth, 2, Origin(), lambda one: one.is_foreign)
    assert [one.variant_id for one in within] == ["1", "2"] and [one.variant_id for one in over] == ["0", "3"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_matter(tmp_path, seed):
    rows = [variant(i, key=key(i // 2), near=key(i // 4), lemma=f"l{i % 3}", score=(i * 7 % 10) / 10) for i in range(60)]
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert chosen(tmp_path / "a", rows, cap=4) == chosen(tmp_path / "b", shuffled, shards=7, cap=4)


@pytest.mark.parametrize(("premises", "kept"), [(False, ids(2, 4)), (True, ids(4))])
def test_held_out_theorems_are_excluded(tmp_path, premises, kept):
    held = HeldOut(frozenset({"secret"}), frozenset({key(3)}), frozenset({"secret"} if premises else ()))
    rows = [variant(1, key=key(1), target="secret"), variant(2, key=key(2), lemma="secret"), variant(3, key=key(3)),
            variant(4, key=key(4))]
    assert chosen(tmp_path, rows, held_out=held)[0] == kept


def test_only_the_unreadable_shard_is_left_out(tmp_path):
    chosen(tmp_path, [variant(i, key=key(i)) for i in range(6)])
    (tmp_path / "shard-1" / "rejects.parquet").write_bytes((tmp_path / "shard-1" / "rejects.parquet").read_bytes()[:-8])
    again = tmp_path / "again"
    (again / "rejects").mkdir(parents=True)
    result = write_table(VariantPartitions(again, None, True), [tmp_path / f"shard-{n}" for n in range(3)], None)
    assert result.kept == 4 and list(result.damaged) == ["shard-1"] and "rejects.parquet" in result.damaged["shard-1"]
