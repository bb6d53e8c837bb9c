"""The pool with workers that die: their items are retried, and an item whose workers all die is reported."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import ray

from lean_alchemy.pipelines.runtime import interrupt, pool
from lean_alchemy.pipelines.runtime.pool import Crew, Done, LostItem, Resources
from lean_alchemy.pipelines.runtime.stage import History

ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers can't import this file

SMALL = Resources("fragile", cpus=1, memory_gb=0.1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with pool.cluster(2):
        yield


class Fragile:
    """Dies at the item `die`, raises at `raise`, and otherwise returns the history of the item."""

    def __call__(self, item: str, history: History) -> tuple[str, History]:
        if item == "die" or (item == "die once" and not history.attempt):
            os._exit(1)
        if item == "raise":
            raise ValueError("no such item")
        return item, history

    def close(self) -> None: ...


def test_an_item_that_kills_its_workers_is_reported_and_the_run_continues(cluster):
    items = ["a", "die", "b", "die once", "c"]
    with Crew(Fragile, SMALL, 2) as crew:
        events = list(crew.run(items))
    done = {event.item: event.result[1] for event in events if isinstance(event, Done)}
    assert set(done) == {"a", "b", "c", "die once"} and done["die once"] == History(attempt=1, died=(0,))
    (lost,) = [event for event in events if isinstance(event, LostItem)]
    first, last = lost.reason.split(" … ")
    assert lost.item == "die" and "died" in first and last and last != first and "\n" not in lost.reason


def test_no_worker_starts_without_items(cluster):
    with Crew(Fragile, Resources("large", 1, 100_000), 2) as crew:
        assert list(crew.run([])) == []


class Meeting:
    """Waits until the other item has arrived as well. True if it came."""

    def __init__(self, folder: Path):
        self._folder = folder

    def __call__(self, item: str, history: History) -> bool:
        (self._folder / item).touch()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if len(list(self._folder.iterdir())) == 2:
                return True
            time.sleep(0.05)
        return False

    def close(self) -> None: ...


def test_items_run_at_the_same_time_on_as_many_workers_as_were_asked_for(cluster, tmp_path):
    with Crew(partial(Meeting, tmp_path), SMALL, 2) as crew:
        assert [event.result for event in crew.run(["one", "other"])] == [True, True]


class NotBuilt:
    def __init__(self):
        raise ValueError("there is no Lean")


def test_more_workers_than_there_is_room_for_leave_nothing_undone(cluster):
    """Two of five find room; what the others were hired for is done all the same."""
    def too_late(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(100)
    try:
        with Crew(Numbered, SMALL, 5) as crew:
            for _ in range(2):
                assert sorted(event.item for event in crew.run("abcdef")) == list("abcdef")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_an_error_of_a_constructor_is_raised(cluster):
    with pytest.raises(ValueError, match="there is no Lean"), Crew(NotBuilt, SMALL, 1) as crew:
        list(crew.run(["a"]))


class DiesAtOpening:
    def __init__(self):
        os._exit(1)


def test_workers_that_die_during_start_up_are_an_error(cluster):
    with (pytest.raises(pool.ClusterError, match=r"workers of stage fragile die during start-up: .* … "),
          Crew(DiesAtOpening, SMALL, 1) as crew):
        list(crew.run(["a"]))


def test_tasks_yield_results_in_the_order_of_the_items(cluster):
    def twice(n: int) -> int:
        if n > 90:
            raise ValueError(f"{n} is too large")
        time.sleep(0.01 * (n % 3))
        return 2 * n

    assert list(pool.tasks(twice, range(20))) == [2 * n for n in range(20)] and list(pool.tasks(twice, [])) == []
    with pytest.raises(ValueError, match="91 is too large") as raised:
        list(pool.tasks(twice, [1, 91, 2]))
    assert type(raised.value) is ValueError, "and not Ray's error of the same type"


def test_an_error_of_a_worker_is_raised(cluster):
    with pytest.raises(ValueError, match="no such item") as raised, Crew(Fragile, SMALL, 2) as crew:
        list(crew.run(["a", "raise", "b"]))
    assert type(raised.value) is ValueError, "and not Ray's error of the same type"


class Closed:
    """Leaves a file when it is closed, as an engine would be ended."""

    def __init__(self, folder: Path):
        self._folder = folder

    def __call__(self, item: str, history: History) -> str:
        return item

    def close(self) -> None:
        (self._folder / str(os.getpid())).touch()


def test_the_workers_of_a_crew_are_closed_at_its_end(cluster, tmp_path):
    with Crew(partial(Closed, tmp_path), SMALL, 2) as crew:
        assert len(list(crew.run("abcd"))) == 4 and not list(tmp_path.iterdir())
    assert 1 <= len(list(tmp_path.iterdir())) <= 2


class Numbered:
    """Returns the id of its process."""

    def __call__(self, item: str, history: History) -> int:
        return os.getpid()

    def close(self) -> None: ...


def test_a_crew_keeps_its_workers_between_runs(cluster):
    with Crew(Numbered, SMALL, 2) as crew:
        first = {event.result for event in crew.run(["a", "b", "c", "d"])}
        assert {event.result for event in crew.run(["e", "f"])} <= first and 1 <= len(first) <= 2


class Swallows:
    """Gets Ctrl-C in its destructor, where Python prints the exception and continues."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


class Slow:
    """A worker that takes long for its item."""

    def __call__(self, item, history):
        time.sleep(60)

    def close(self):
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_python_drops_ends_the_run(cluster):
    before = signal.getsignal(signal.SIGINT)
    try:
        interrupt.watch()
        Swallows()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt), Crew(Slow, SMALL, 1) as crew:
            list(crew.run(["item"]))
        assert time.monotonic() - start < 30
        interrupt.check()  # raised once
    finally:
        signal.signal(signal.SIGINT, before)


OWN = """
from lean_alchemy.pipelines.runtime import pool
with pool.cluster(1):
    print(list(pool.tasks(abs, [-1, -2])))
"""


def test_another_cluster_on_the_machine_is_not_used():
    """Ray notes in a file which cluster was started last, and would connect to it unasked."""
    with tempfile.TemporaryDirectory() as folder:  # the path of a socket must be short
        (Path(folder) / "ray").mkdir()
        (Path(folder) / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
        environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"} | {"RAY_TMPDIR": folder}
        done = subprocess.run([sys.executable, "-c", OWN], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "[1, 2]\n"), done.stderr[-2000:]


def test_a_cluster_without_room_is_an_error(cluster):
    with (pytest.raises(pool.ClusterError, match="no node has room for a worker of large, which needs 1 CPU and 100000 GB"),
          Crew(Fragile, Resources("large", 1, 100_000), 2) as crew):
        list(crew.run(["a"]))
