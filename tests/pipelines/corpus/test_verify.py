"""Which texts are verified, and what comes of it: without an engine."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import manifest, put, variant

from lean_alchemy.pipelines.corpus import verify as verify_
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.verify import VERIFY, Invalid, Verified, Verifier, VerifyTally
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.judging.texts import TheoremText
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.pipelines.runtime.runner import Ran
from lean_alchemy.pipelines.runtime.stage import Failure


@pytest.fixture
def job(tmp_path) -> Job:
    """A corpus of 120 variants and 3 refuted statements."""
    put(tmp_path, [variant(i, f"Nat.t{i}") for i in range(120)], Variant, "variants")
    negations = [verify_._Negation(f"r{i}", f"theorem refuted_{i} : ¬False := id", f"key{i}") for i in range(3)]
    put(tmp_path, negations, verify_._Negation, "refuted", files=1)
    options = Options(library=["Init"], targets=120, kinds=["rw"])
    manifest(tmp_path, options, {"targets": 120, "variants": 120}, {})
    return Job(tmp_path, options)


@pytest.fixture
def asked(monkeypatch) -> list[tuple[list, int]]:
    """The shards and workers of each run, which finds `r1` invalid and fails at `r2`."""
    runs: list[tuple[list, int]] = []

    def run(job, stage, settings, shards, workers, report, *, retries, note):
        assert note(VerifyTally(checked=5, valid=1234)) == "1,234 valid"
        runs.append((list(shards), workers))
        (job.work / VERIFY.name).mkdir(parents=True)
        checked = sum(len(shard.items) for shard in shards)
        return Ran(VerifyTally(checked=checked - 1, valid=checked - 2), [Failure.of("verify", "r2", "the engine died")], len(runs[0][0]))

    def rows(job, stage, shard, table, failures):
        assert table == "invalid"
        return [Invalid(text.variant_id, "sorry") for text in shard.items if text.variant_id == "r1"]

    monkeypatch.setattr(verify_.runner, "run", run)
    monkeypatch.setattr(verify_.runner, "rows", rows)
    return runs


def test_all_texts_of_both_tables_are_verified(job, asked):
    found = verify_.verify(job, None, 0, 4)
    ((shards, workers),) = asked
    texts = [text for shard in shards for text in shard.items]
    assert {text.variant_id for text in texts} == {f"{i:016x}" for i in range(120)} | {"r0", "r1", "r2"} and len(texts) == 123
    assert [len(shard.items) for shard in shards] == [50, 50, 23] and len({shard.key for shard in shards}) == 3
    assert workers == 1, "for so few texts one engine is enough"
    assert next(text for text in texts if text.variant_id == "r0") == TheoremText("r0", "theorem refuted_0 : ¬False := id", "key0")
    assert found == Verified(122, [Invalid("r1", "sorry")], [Failure.of("verify", "r2", "the engine died")])
    assert not (job.work / VERIFY.name).exists(), "the next run checks them again"
    assert [row.item for row in parquet.read([job.out / "failures" / "verify.parquet"], Failure)] == ["r2"]


def test_a_sample_is_of_each_table_and_depends_on_the_seed(job, asked):
    for seed in (1, 2, 1):
        verify_.verify(job, 10, seed, 4)
    samples = [{text.variant_id for shard in shards for text in shard.items} for shards, _ in asked]
    assert [len(sample) for sample in samples] == [13, 13, 13] and samples[0] == samples[2] != samples[1]


@pytest.mark.parametrize(("texts", "asked_for", "workers"), [(99, 4, 1), (199, 4, 1), (200, 4, 2), (420, 4, 4), (1000, 4, 4)])
def test_an_engine_is_started_for_each_hundred_texts(tmp_path, asked, texts, asked_for, workers):
    put(tmp_path, [variant(i, f"Nat.t{i}") for i in range(texts)], Variant, "variants")
    options = Options(library=["Init"], targets=texts, kinds=["rw"])
    verify_.verify(Job(tmp_path, options), None, 0, asked_for)
    assert [run[1] for run in asked] == [workers]


def test_a_text_that_can_not_be_read_is_a_failure(job, asked):
    file = job.out / "variants" / "part-0.parquet"
    rows = pq.read_table(file).to_pylist()
    pq.write_table(pa.Table.from_pylist([{**rows[0], "theorem": None}, *rows[1:]]), file)
    found = verify_.verify(job, None, 0, 1)
    assert [failure.item for failure in found.failures] == ["variants, row 0", "r2"]
    assert sum(len(shard.items) for shard in asked[0][0]) == 122


def test_without_a_corpus_nothing_is_verified(tmp_path):
    with pytest.raises(UsageError, match="variants"):
        verify_.verify(Job(tmp_path, Options(library=["Init"], targets=1, kinds=["rw"])), None, 0, 1)


def test_a_verifier_counts_texts_and_names_the_invalid_ones(monkeypatch):
    closed = []

    class Opened:
        def close(self):
            closed.append(True)

    monkeypatch.setattr(verify_, "opened", lambda library: Opened())
    monkeypatch.setattr(verify_, "objection_to_text", lambda workspace, text: "sorry" if text.variant_id == "b" else None)
    verifier = Verifier(None)
    rows = list(verifier([TheoremText(name, "theorem …", "key") for name in "abc"]))
    verifier.close()
    assert rows == [VerifyTally(1, 1), Invalid("b", "sorry"), VerifyTally(1, 0), VerifyTally(1, 1)] and closed == [True]
