"""Sums, failures as rows, the errors that end a run, and the item that is blamed for a dead process."""

import re

import msgspec
import pytest
from word_stage import COUNT, Word

from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.blame import Blame
from lean_alchemy.pipelines.runtime.shards import TALLY, is_done, summary_at
from lean_alchemy.pipelines.runtime.stage import Failure, History, Sums, ends_the_run, silent


class Inner(Sums):
    n: int = 0


class Outer(Sums):
    n: int = 0
    seconds: float = 0.0
    names: list[str] = msgspec.field(default_factory=list)
    inner: Inner = msgspec.field(default_factory=Inner)
    by_name: dict[str, int] = msgspec.field(default_factory=dict)
    inners: dict[str, Inner] = msgspec.field(default_factory=dict)


def test_sums_add_up_field_by_field():
    one = Outer(1, 0.5, ["a"], Inner(1), {"x": 1, "y": 2}, {"p": Inner(1)})
    other = Outer(2, 0.25, ["b"], Inner(10), {"y": 3, "z": 4}, {"p": Inner(5), "q": Inner(7)})
    one.add(other)
    assert one == Outer(3, 0.75, ["a", "b"], Inner(11), {"x": 1, "y": 5, "z": 4}, {"p": Inner(6), "q": Inner(7)})
    one.add(other)
    assert one.inners == {"p": Inner(11), "q": Inner(14)} and other.inners == {"p": Inner(5), "q": Inner(7)}  # unchanged


def test_a_failure_has_an_error_a_time_and_a_trace():
    try:
        raise ValueError("no word: a")
    except ValueError as error:
        failure = Failure.of("count", "a", error)
    assert (failure.stage, failure.item, failure.what) == ("count", "a", "ValueError: no word: a")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", failure.when)
    assert "test_a_failure_has_an_error_a_time_and_a_trace" in failure.trace
    assert Failure.of("count", "a", KeyboardInterrupt()).what == "KeyboardInterrupt"
    told = Failure.of("count", "a", "it is odd")
    assert (told.what, told.trace) == ("it is odd", "")


@pytest.mark.parametrize(("error", "ends"), [
    (OSError(28, "No space left on device"), True), (Trouble("there is no Lean"), True), (Mistake("no such target"), True),
    (EngineDied("try", "killed"), False), (EngineRefused("refused"), False), (ValueError("a"), False), (KeyError("a"), False)])
def test_an_error_of_the_set_up_ends_a_run_and_one_of_an_item_does_not(error, ends):
    assert ends_the_run(error) is ends
    assert not isinstance(error, OfOneItem) or not ends


def test_a_stage_reserves_the_larger_amount_of_memory():
    assert COUNT.holding(3.5).memory_gb == 3.5 and COUNT.holding(0.05).memory_gb == COUNT.memory_gb
    assert silent("count", 1, 2) is None


def test_a_worker_notes_what_it_works_on_once_a_process_has_died(tmp_path):
    first = Blame(tmp_path, "a/b", History())
    first.suspect("one")
    assert not (tmp_path / "blame").exists() and first.blamed == frozenset()
    second = Blame(tmp_path, "a/b", History(attempt=1, died=(0,)))
    second.suspect("one")
    second.suspect("two")
    assert second.blamed == frozenset()
    third = Blame(tmp_path, "a/b", History(attempt=2, died=(0, 1)))
    assert third.blamed == {"two"}
    assert Blame(tmp_path, "a/b", History(attempt=2, died=(0,))).blamed == frozenset()  # the node died, not only the process
    assert Blame(tmp_path, "other", History(attempt=2, died=(0, 1))).blamed == frozenset()
    third.suspect("three")
    assert Blame(tmp_path, "a/b", History(attempt=3, died=(0, 1, 2))).blamed == {"two", "three"}
    Blame(tmp_path, "other", History(attempt=1)).suspect("x")
    third.clear()
    assert [note.name for note in (tmp_path / "blame").iterdir()] == ["other-1"]


def test_a_shard_is_done_when_all_of_its_files_are_there(tmp_path):
    for name, record in (("words", Word), ("failures", Failure)):
        assert not is_done(tmp_path, COUNT)
        parquet.write(parquet.to_table([], record), tmp_path / f"{name}.parquet")
    assert not is_done(tmp_path, COUNT)
    (tmp_path / TALLY).write_bytes(b'{"failures": 2, "tally": {"words": 3, "by_length": {"1": 3}}}')
    assert is_done(tmp_path, COUNT)
    found = summary_at(tmp_path, COUNT)
    assert found.failures == 2 and found.tally.words == 3 and found.tally.by_length == {"1": 3}


def test_a_table_that_lacks_a_column_or_holds_something_else_is_named(tmp_path):
    file = tmp_path / "words.parquet"
    parquet.write(parquet.to_table([Failure.of("s", "i", "w")], Failure), file)
    with pytest.raises(parquet.DamagedTable, match=r"words.parquet can't be read: it has no column length, text"):
        parquet.read([file], Word)
    parquet.write(parquet.to_table([Spelled("a", "one")], Spelled), file)
    with pytest.raises(parquet.DamagedTable, match=r"words.parquet can't be read: Expected `int`, got `str`"):
        parquet.read([file], Word)


class Spelled(msgspec.Struct, frozen=True):
    text: str
    length: str


@pytest.mark.parametrize(("error", "damaged"), [
    (OSError("Couldn't deserialize thrift"), True), (FileNotFoundError(2, "No such file"), False),
    (OSError(5, "Input/output error"), False)])
def test_a_damaged_file_is_distinguished_from_a_disk_error(error, damaged):
    assert parquet.is_damage(error) is damaged
