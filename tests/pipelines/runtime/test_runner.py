"""The stage runner: results are complete and found again, a bad item does not affect others, and failures are rows of a table."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from word_stage import COUNT, WordTally

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.pipelines.runtime import parquet, pool, runner
from lean_alchemy.pipelines.runtime.job import Job, JobOptions
from lean_alchemy.pipelines.runtime.manifest import JobError
from lean_alchemy.pipelines.runtime.runner import Retries, TooManyFailures, write_failures
from lean_alchemy.pipelines.runtime.shards import TALLY, is_done, place_of
from lean_alchemy.pipelines.runtime.stage import Failure, Shard, Stage


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with pool.cluster(2):
        yield


class Bench:
    """A job that can be run several times."""

    def __init__(self, folder: Path):
        self.job, self.notes = Job(folder / "out", JobOptions(library=["Init"])), folder / "notes"
        self.notes.mkdir()

    def run(self, *chunks: list[str], stage: Stage = COUNT, **how) -> runner.Ran:
        self.shards = [Shard(self.job.key(stage, chunk), chunk) for chunk in chunks]
        with self.job.begin():
            return runner.run(self.job, stage, self.notes, self.shards, 2, retries=Retries(**how))

    def words(self) -> set[str]:
        failures: list[Failure] = []
        found = {row.text for shard in self.shards for row in runner.rows(self.job, COUNT, shard, "words", failures)}
        assert not failures
        return found

    def times(self, word: str) -> int:
        return len((self.notes / word.replace(" ", "_")).read_text())


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


def test_tallies_add_up_and_rows_are_on_disk(bench):
    ran = bench.run(["a", "bb"], ["cc"])
    assert ran.tally == WordTally(words=3, by_length={"1": 1, "2": 2}) and not ran.failures and ran.shards == 2
    assert bench.words() == {"a", "bb", "cc"}


def test_a_second_run_does_nothing_and_counts_all(bench):
    first = bench.run(["a", "bb"], ["cc"])
    again = bench.run(["a", "bb"], ["cc"], ["dd"])
    assert again.tally.words == first.tally.words + 1
    assert [bench.times(word) for word in ("a", "bb", "cc", "dd")] == [1, 1, 1, 1]


def test_progress_includes_items_of_earlier_runs(bench):
    bench.run(["a", "bb"], ["cc"])
    told = []
    shards = [Shard(bench.job.key(COUNT, chunk), chunk) for chunk in (["a", "bb"], ["cc"], ["dd", "ee", "ff"])]
    with bench.job.begin():
        ran = runner.run(bench.job, COUNT, bench.notes, shards, 2, report=lambda *said: told.append(said),
                         note=lambda tally: f"{tally.words} words", label="counting")
    assert told == [("counting", 3, 6, ""), ("counting", 6, 6, "3 words")] and ran.tally.words == 6 and ran.shards == 3


def test_the_log_has_a_line_for_the_stage_and_for_each_shard(bench):
    class Log:
        def __init__(self):
            self.lines = []

        def note(self, event, **what):
            self.lines.append((event, what))

    log, shards = Log(), [Shard(bench.job.key(COUNT, [word]), [word]) for word in ("a", "raise it")]
    with bench.job.begin():
        runner.run(bench.job, COUNT, bench.notes, shards, 1, log=log)
    assert log.lines[0] == ("stage", {"name": "count", "done": 0, "items": 2})
    noted = {what["key"]: what for event, what in log.lines[1:] if event == "shard"}
    assert set(noted) == {shard.key for shard in shards} and len(log.lines) == 3
    assert [noted[shard.key]["failures"] for shard in shards] == [0, 1] and all(what["items"] == 1 for what in noted.values())


def test_a_missing_shard_has_no_rows(bench):
    bench.run(["a"])
    assert runner.rows(bench.job, COUNT, Shard("0" * 16, ["b"]), "words", []) == []
    ran = runner.collect(bench.job, COUNT, [*bench.shards, Shard("0" * 16, ["b"])], [Failure.of("count", "b", "lost")])
    assert ran.shards == 1 and ran.tally.words == 1 and [failure.item for failure in ran.failures] == ["b"]


def test_another_version_has_another_key(bench):
    later = msgspec.structs.replace(COUNT, version=2)
    assert bench.job.key(COUNT, ["a"]) != bench.job.key(later, ["a"])


@pytest.mark.parametrize("bad", ["raise it", "engine it"])
def test_an_item_that_raises_is_a_failure_and_does_not_affect_others(bench, bad):
    ran = bench.run(["a", bad, "b"], ["c"])
    (failure,) = ran.failures
    assert failure.stage == "count" and failure.item == bad and "Traceback" in failure.trace and failure.when.endswith("Z")
    assert bench.words() == {"a", "b", "c"} and ran.tally.words == 3


def test_an_item_that_kills_its_process_is_found_and_does_not_affect_others(bench):
    ran = bench.run(["a", "kill one", "b", "kill two"], ["c"])
    assert {failure.item for failure in ran.failures} == {"kill one", "kill two"} and bench.words() == {"a", "b", "c"}
    assert not any((bench.job.work / "blame").iterdir())


@pytest.mark.parametrize(("bad", "error"), [("disk", OSError), ("setup", Trouble)])
def test_an_error_of_the_set_up_ends_the_run(bench, bad, error):
    with pytest.raises(error):
        bench.run(["a", bad])
    assert not bench.words()


def test_a_worker_may_yield_a_failure(bench):
    ran = bench.run(["odd one"])
    assert [failure.what for failure in ran.failures] == ["it is odd"] and bench.words() == {"odd one"}


def test_failures_are_remembered_and_retried_on_request(bench):
    for _ in range(2):
        assert len(bench.run(["a", "raise it"], ["b"]).failures) == 1
    assert bench.times("b") == 1 and bench.times("raise it") == 2  # together, then alone, in the first run
    assert len(bench.run(["a", "raise it"], ["b"], retry_failed=True).failures) == 1
    assert bench.times("b") == 1 and bench.times("raise it") == 4


def test_too_many_failures_end_the_run_and_finished_shards_are_kept(bench):
    with pytest.raises(TooManyFailures, match="--max-failures"):
        bench.run(["a"], *[[f"raise {number}"] for number in range(4)], max_failures=2)
    assert parquet.read([bench.job.out / "failures" / "count.parquet"], Failure)
    assert len(bench.run(["a"], *[[f"raise {number}"] for number in range(4)], max_failures=None).failures) == 4
    assert bench.times("a") == 1


def test_the_allowed_number_of_failures_does_not_end_the_run(bench):
    assert len(bench.run(*[[f"raise {number}"] for number in range(3)], max_failures=3).failures) == 3
    with pytest.raises(TooManyFailures, match="count: more than 0 items failed, such as raise it: ValueError: no word: raise it"):
        bench.run(["raise it"], max_failures=0)


def test_the_table_of_failures_has_a_file_for_each_stage(bench):
    write_failures(bench.job, "count", [Failure.of("count", "a", "why")])
    write_failures(bench.job, "prove it", [])
    assert sorted(file.name for file in (bench.job.out / "failures").iterdir()) == ["count.parquet", "prove-it.parquet"]
    write_failures(bench.job, "count", [])
    assert not parquet.read(list((bench.job.out / "failures").iterdir()), Failure)


def test_a_truncated_shard_is_made_again(bench):
    bench.run(["a"], ["b"])
    os.truncate(place_of(bench.job, COUNT, bench.shards[0].key) / "words.parquet", 50)
    bench.run(["a"], ["b"])
    assert bench.times("a") == 2 and bench.times("b") == 1 and bench.words() == {"a", "b"}


def test_the_items_of_a_shard_with_a_damaged_page_fail_and_the_next_run_makes_it_again(bench):
    bench.run(["a word that is long enough"], ["another"])
    place = place_of(bench.job, COUNT, bench.shards[0].key)
    file = place / "words.parquet"
    content = bytearray(file.read_bytes())
    at = content.index(b"a word")
    content[at:at + 4] = b"\0\xff\0\xff"
    file.write_bytes(content)
    assert is_done(place, COUNT)
    with pytest.raises(parquet.DamagedTable, match=r"words\.parquet can't be read"):
        parquet.load_columns(file)
    failures: list[Failure] = []
    found = [row.text for shard in bench.shards for row in runner.rows(bench.job, COUNT, shard, "words", failures)]
    assert found == ["another"]
    assert [failure.item for failure in failures] == ["a word that is long enough"] and "words.parquet can't be read" in failures[0].what
    bench.run(["a word that is long enough"], ["another"])
    assert bench.words() == {"a word that is long enough", "another"} and bench.times("another") == 1


def test_damaged_failures_of_a_shard_are_failures_of_its_items(bench):
    ran = bench.run(["raise", "a"])
    assert [failure.item for failure in ran.failures] == ["raise"]
    file = place_of(bench.job, COUNT, bench.shards[0].key) / "failures.parquet"
    content = bytearray(file.read_bytes())
    at = content.index(b"raise")
    content[at:at + 4] = b"\0\xff\0\xff"
    file.write_bytes(content)
    again = runner.collect(bench.job, COUNT, bench.shards)
    assert {failure.item for failure in again.failures} == {"raise", "a"} and "failures.parquet can't be read" in again.failures[0].what


@pytest.mark.parametrize("content", [b"", b"{", b'{"failures": 0, "tally": {"words": "many"}}'])
def test_a_shard_with_a_damaged_tally_is_made_again(bench, content):
    bench.run(["a"])
    (place_of(bench.job, COUNT, bench.shards[0].key) / TALLY).write_bytes(content)
    assert bench.run(["a"]).tally.words == 1 and bench.times("a") == 2


def test_a_node_with_another_version_is_an_error(bench):
    from lean_alchemy.pipelines.corpus.mutate import MUTATE

    other = msgspec.structs.replace(MUTATE, version=MUTATE.version + 1)
    with pytest.raises(JobError, match="install the same"):
        bench.run(["a"], stage=other)


def test_keys_do_not_depend_on_the_number_of_workers_or_the_folder(bench):
    assert bench.job.key(COUNT, ["a"]) == Job(bench.job.out / "other", JobOptions(library=["Init"])).key(COUNT, ["a"])
    assert bench.job.key(COUNT, ["a"]) != Job(bench.job.out, JobOptions(library=["Std"])).key(COUNT, ["a"])
    assert len(bench.job.key(COUNT, ["a"])) == 16
