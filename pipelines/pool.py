"""The only place that speaks to Ray: a pool of actors, one for each engine.

`ray.util.ActorPool` drops a dead actor for good and its first error ends the map, so this is our own: an
actor that dies is replaced, its item is tried once more, and what fails twice is reported.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import ray
import ray.exceptions

from pipelines.stage import Stage


class Done(msgspec.Struct, frozen=True):
    item: Any
    summary: Any


class Failed(msgspec.Struct, frozen=True):
    """An item that killed two workers."""

    item: Any
    reason: str


@ray.remote(max_restarts=0, max_task_retries=0)
class _Actor:
    def __init__(self, stage: Stage, settings: Any):
        self._stage, self._settings, self._worker = stage, settings, None

    def work(self, item: Any) -> Any:
        # Built with the first item: an error in a constructor would reach the driver as a dead actor.
        if self._worker is None:
            self._worker = self._stage.worker(self._settings)
        return self._worker(item)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()


@contextmanager
def cluster(workers: int) -> Iterator[None]:
    """Ray for the length of the block: the cluster that RAY_ADDRESS names, or this machine."""
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning about accelerators
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no network in the run path
    if os.environ.get("RAY_ADDRESS"):
        ray.init(logging_level="error", log_to_driver=False)
    else:
        ray.init(num_cpus=max(workers, 1), include_dashboard=False, logging_level="error", log_to_driver=False,
                 object_store_memory=200_000_000)
    try:
        yield
    finally:
        ray.shutdown()


def run(stage: Stage, settings: Any, items: Iterable[Any], workers: int) -> Iterator[Done | Failed]:
    """Works on the items with `workers` actors, in any order. An error that a worker raises is raised here."""
    waiting = deque(items)
    tries: dict[int, int] = {}
    actor = _Actor.options(num_cpus=stage.cpus)
    actors = [actor.remote(stage, settings) for _ in range(min(workers, len(waiting)))]
    busy: dict[ray.ObjectRef, tuple[Any, Any]] = {}

    def give(worker: Any) -> None:
        if waiting:
            item = waiting.popleft()
            busy[worker.work.remote(item)] = (worker, item)
        else:
            _end(worker)

    try:
        for worker in actors:
            give(worker)
        while busy:
            (ready, *_), _ = ray.wait(list(busy), num_returns=1)
            worker, item = busy.pop(ready)
            try:
                yield Done(item, ray.get(ready))
            except ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from None
            except ray.exceptions.RayActorError as error:
                tries[id(item)] = tries.get(id(item), 0) + 1
                if tries[id(item)] < 2:
                    waiting.appendleft(item)
                else:
                    yield Failed(item, str(error).splitlines()[0])
                worker = actor.remote(stage, settings)
            give(worker)
    finally:
        for worker, _ in busy.values():
            ray.kill(worker)


def _end(worker: Any) -> None:
    """Lets a worker close its engine before it goes."""
    with suppress(ray.exceptions.RayError, TimeoutError):  # it is killed anyway, and its engine ends with it
        ray.get(worker.close.remote(), timeout=20)
    ray.kill(worker)
