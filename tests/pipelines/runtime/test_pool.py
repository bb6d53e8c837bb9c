"""Ray, with workers that die: what is lost is given again, and what kills its workers is found out."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from lean_alchemy.pipelines.runtime import interrupt, pool
from lean_alchemy.pipelines.runtime.blame import Suspects
from lean_alchemy.pipelines.runtime.stage import History, Stage

ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not know this file


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with pool.cluster(2):
        yield


class Fragile:
    """Dies of `die`, raises at `raise`, and else says how often it was tried. settings: nothing."""

    def __init__(self, settings: None): ...

    def __call__(self, item: str, history: History) -> tuple[str, History]:
        if item == "die" or (item == "die once" and not history.attempt):
            os._exit(1)
        if item == "raise":
            raise ValueError("no such item")
        return item, history

    def close(self) -> None: ...


FRAGILE = Stage(name="fragile", worker=Fragile, memory_gb=0.1)


def test_what_kills_its_workers_is_reported_and_stops_nothing(cluster):
    items = ["a", "die", "b", "die once", "c"]
    events = list(pool.run(FRAGILE, None, items, 2))
    done = {event.item: event.summary[1] for event in events if isinstance(event, pool.Done)}
    assert set(done) == {"a", "b", "c", "die once"} and done["die once"] == History(attempt=1, died=(0,))
    (failed,) = [event for event in events if isinstance(event, pool.Failed)]
    assert failed.item == "die" and failed.reason


def test_what_a_worker_raises_is_raised(cluster):
    with pytest.raises(ValueError, match="no such item"):
        list(pool.run(FRAGILE, None, ["a", "raise", "b"], 2))


class Swallows:
    """Ctrl-C comes while it is destroyed, where Python prints what is raised and goes on."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


class Slow:
    """A worker that is at its item for long."""

    def __init__(self, settings):
        pass

    def __call__(self, item, history):
        time.sleep(60)

    def close(self):
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_python_loses_ends_the_run(cluster):
    before = signal.getsignal(signal.SIGINT)
    try:
        interrupt.watch()
        Swallows()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            list(pool.run(Stage(name="slow", worker=Slow, memory_gb=0.1), None, ["item"], 1))
        assert time.monotonic() - start < 30
        interrupt.check()  # told once
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_cluster_without_room_says_so(cluster):
    large = Stage(name="large", worker=Fragile, memory_gb=100_000)
    with pytest.raises(pool.ClusterError, match="no node has room for a worker of large, which needs 1 CPU and 100000 GB"):
        list(pool.run(large, None, ["a"], 2))


class Place:
    """What Suspects knows of a job."""

    def __init__(self, work: Path):
        self.work = work


class Suspicious:
    """Works on names of targets, two of which end the process."""

    def __init__(self, settings: Place):
        self._job = settings

    def __call__(self, names: list[str], history: History) -> dict[str, str]:
        suspects = Suspects(self._job, "key", history)
        came = {}
        for name in names:
            if name in suspects.blamed:
                came[name] = "set aside"
                continue
            suspects.suspect(name)
            if name.startswith("poison"):
                os._exit(1)
            came[name] = "done"
        suspects.clear()
        return came

    def close(self) -> None: ...


def test_targets_that_kill_their_worker_are_set_aside_alone(cluster, tmp_path):
    names = ["a", "poison one", "b", "poison two", "c"]
    (event,) = pool.run(Stage(name="suspicious", worker=Suspicious, memory_gb=0.1), Place(tmp_path), [names], 1)
    assert event.summary == {"a": "done", "b": "done", "c": "done", "poison one": "set aside", "poison two": "set aside"}
    assert not list((tmp_path / "suspects").iterdir())
