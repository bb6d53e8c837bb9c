"""Random samples of a table, unreadable rows, and the validation split."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import put, variant

from lean_alchemy.pipelines.data.samples import rows_of, sample
from lean_alchemy.pipelines.data.schema import Reject, Variant
from lean_alchemy.pipelines.data.splits import SPLITS, split_of
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.pipelines.runtime.stage import Failure

ROWS = [variant(number, f"Nat.t{number}") for number in range(40)]


@pytest.fixture
def corpus(tmp_path):
    put(tmp_path, ROWS, Variant, "variants")
    return tmp_path


def test_all_rows_are_sorted_by_id(corpus):
    assert sample("verify", corpus, Variant, None, 0) == ROWS
    assert sample("verify", corpus, Variant, len(ROWS), 0) == ROWS and sample("verify", corpus, Variant, 1000, 0) == ROWS


def test_a_sample_depends_only_on_the_seed(corpus):
    drawn = [sample("verify", corpus, Variant, 10, seed) for seed in range(5)]
    assert all(len(rows) == 10 and rows == [row for row in ROWS if row in rows] for rows in drawn)
    assert len({tuple(row.variant_id for row in rows) for rows in drawn}) == 5
    assert drawn[3] == sample("verify", corpus, Variant, 10, 3)
    assert len(sample("verify", corpus, Variant, len(ROWS) - 1, 0)) == len(ROWS) - 1


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing PAR1"])
def test_a_damaged_table_is_an_error_with_advice(corpus, content):
    (corpus / "variants" / "part-1.parquet").write_bytes(content)
    with pytest.raises(UsageError, match=r"part-1.parquet is damaged; run `alchemy synthesize`"):
        sample("verify", corpus, Variant, 5, 0)


def test_a_missing_table_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="variants is damaged"):
        sample("verify", tmp_path, Variant, 5, 0)


def test_an_unreadable_page_is_an_error(corpus):
    file = corpus / "variants" / "part-0.parquet"
    content = bytearray(file.read_bytes())
    content[4:60] = bytes(56)
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is damaged"):
        sample("verify", corpus, Variant, None, 0)
    (failure,) = rows_of("grade", file, Variant)
    assert isinstance(failure, Failure) and (failure.stage, failure.item) == ("grade", "variants/part-0.parquet")


def test_an_unreadable_row_is_a_failure_and_does_not_affect_others(corpus):
    file = corpus / "variants" / "part-1.parquet"
    rows = pq.read_table(file).to_pylist()
    rows[3]["statement"] = None
    pq.write_table(pa.Table.from_pylist(rows), file)
    found = list(rows_of("grade", file, Variant))
    assert [row for row in found if isinstance(row, Variant)] == [row for i, row in enumerate(ROWS[1::3]) if i != 3]
    (failure,) = [row for row in found if isinstance(row, Failure)]
    assert failure.item == "variants/part-1.parquet, row 3" and "statement" in failure.what
    assert len(sample("grade", corpus, Variant, None, 0)) == len(ROWS)


def test_a_disk_error_does_not_mean_that_the_file_is_damaged(corpus):
    with pytest.raises(FileNotFoundError):
        list(rows_of("grade", corpus / "variants" / "part-9.parquet", Variant))


def test_two_percent_of_the_targets_are_for_validation():
    targets = [f"Nat.t{number}" for number in range(20_000)]
    share = sum(split_of(target) == "validation" for target in targets) / len(targets)
    assert 0.017 < share < 0.023 and {split_of(target) for target in targets} == set(SPLITS) == {"train", "validation"}


def test_a_target_stays_in_its_split():
    """Published datasets and trained models depend on it."""
    validation = [name for name in (f"Nat.t{number}" for number in range(300)) if split_of(name) == "validation"]
    assert validation == ["Nat.t15", "Nat.t98", "Nat.t168", "Nat.t180", "Nat.t280"]


def test_a_reject_is_one_attempt_at_depth_one_by_default():
    reject = Reject(target="t", library="Init", module="Init", stage="attempt", reason="refused")
    assert (reject.n, reject.depth, reject.lemma) == (1, 1, None)
