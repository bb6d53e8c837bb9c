"""The only module that uses Ray: a crew of actors with one engine each, and tasks that need no engine.

Ray's ActorPool drops a dead actor and ends at the first error. This pool replaces dead actors and retries their item. An actor gets one
item at a time, and the first one only when its engine is open; items that are not begun stay in the driver. A retried item comes with
its history. Items and results are small: data are exchanged through files.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Protocol

import msgspec
import ray
import ray.exceptions

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.pipelines.runtime import interrupt
from lean_alchemy.pipelines.runtime.stage import History

ATTEMPTS = 8
"""Number of worker processes that may die on an item. From the second on, they note what they work on (`blame.py`)."""

WAKE_S = 2.0
"""How often a waiting run checks for a recorded Ctrl-C, in seconds."""

TASK_GB = 1.0
"""Memory of one step of *deduplicate*, in GB: a sixteenth of some million variants."""


class ClusterError(Trouble):
    """The cluster lacks what a stage needs; the message says what."""


class Done(msgspec.Struct, frozen=True):
    item: Any
    result: Any


class LostItem(msgspec.Struct, frozen=True):
    """An item whose worker processes all died."""

    item: Any
    reason: str


class PoolWorker(Protocol):
    def __call__(self, item: Any, history: History, /) -> Any: ...

    def close(self) -> None: ...


class Resources(msgspec.Struct, frozen=True):
    """The resources that a worker needs on a node. name: the stage, for messages."""

    name: str
    cpus: float
    memory_gb: float


@ray.remote(max_restarts=0, max_task_retries=0)
class _Actor:
    def __init__(self, build: Callable[[], PoolWorker]):
        self._build = build
        self._worker: PoolWorker | None = None

    def open(self) -> str:
        """Builds the worker and returns the id of its node. (An error in `__init__` would reach the driver as a dead actor.)"""
        self._worker = self._build()
        return ray.get_runtime_context().get_node_id()

    def work(self, item: Any, history: History) -> Any:
        assert self._worker is not None, "open() is called first"
        return self._worker(item, history)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()


@contextmanager
def cluster(workers: int) -> Iterator[None]:
    """Runs Ray during the block: the cluster of RAY_ADDRESS, or else a new one on this machine, even if another one runs there."""
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning about accelerators
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a run makes no network calls
    if os.environ.get("RAY_ADDRESS"):
        ray.init(logging_level=logging.ERROR, log_to_driver=False)
    else:
        ray.init(address="local", num_cpus=max(workers, 1), include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False,
                 object_store_memory=200_000_000)
    try:
        yield
    finally:
        ray.shutdown()


class _Task(msgspec.Struct):
    """An item and its history: this attempt, and the attempts in which the worker process died."""

    item: Any
    attempt: int = 0
    died: tuple[int, ...] = ()


class _Hired(msgspec.Struct):
    """An actor and its task. node: the id of its node; None until the worker is built."""

    actor: Any
    task: _Task
    node: str | None = None


class Crew:
    """Up to `workers` actors, as many as the cluster has room for. An actor starts when there is an item for it, and stays with its engine
    until the crew is closed. build: makes a worker, in the process of the actor."""

    def __init__(self, build: Callable[[], PoolWorker], needs: Resources, workers: int):
        self._build, self._needs, self._workers = build, needs, workers
        self._idle: list[_Hired] = []

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for hired in self._idle:
            _end(hired.actor)
        self._idle.clear()

    def run(self, items: Iterable[Any]) -> Iterator[Done | LostItem]:
        """Works on the items, and yields results in the order in which they are done. The next item is taken when an actor is free. An
        error of a worker is raised here. Raises ClusterError if no node has room for a worker."""
        coming, again = map(_Task, items), deque[_Task]()
        busy: dict[ray.ObjectRef, _Hired] = {}
        opening_deaths = 0

        def next_task() -> _Task | None:
            return again.popleft() if again else next(coming, None)

        def take_over() -> _Task | None:
            """The task of an actor that is not open yet: it may wait for room that others take."""
            late = next((ref for ref, hired in busy.items() if hired.node is None), None)
            if late is None:
                return None
            hired = busy.pop(late)
            ray.kill(hired.actor)
            return hired.task

        def begin(hired: _Hired) -> None:
            busy[hired.actor.work.remote(hired.task.item, History(hired.task.attempt, hired.task.died))] = hired

        def hire() -> bool:
            """Gives an item to an idle or a new actor. False if no item is left."""
            if (task := next_task()) is None:
                return False
            if self._idle:
                hired = self._idle.pop()
                hired.task = task
                begin(hired)
            else:
                actor = _Actor.options(num_cpus=self._needs.cpus, memory=int(self._needs.memory_gb * 1e9)).remote(self._build)
                busy[actor.open.remote()] = _Hired(actor, task)
            return True

        if (first := next_task()) is None:
            return
        again.append(first)
        if not self._idle:
            _require_room(self._needs)
        try:
            while len(busy) < self._workers and hire():
                pass
            while busy:
                done, _ = ray.wait(list(busy), num_returns=1, timeout=WAKE_S)
                interrupt.check()
                if not done:
                    continue
                (ready,) = done
                hired = busy.pop(ready)
                task = hired.task
                try:
                    result = ray.get(ready)
                except ray.exceptions.RayTaskError as error:
                    ray.kill(hired.actor)
                    raise error.cause if isinstance(error.cause, Exception) else error from None
                except ray.exceptions.RayActorError as error:
                    lines = str(error).strip().splitlines()
                    reason = lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"
                    if hired.node is None:
                        opening_deaths += 1
                        if opening_deaths >= ATTEMPTS * self._workers:
                            raise ClusterError(f"workers of stage {self._needs.name} die during start-up: {reason}") from None
                        again.appendleft(task)
                        hire()
                        continue
                    if not _is_gone(hired.node):
                        task.died = (*task.died, task.attempt)
                    task.attempt += 1
                    is_hopeless = len(task.died) == ATTEMPTS
                    if not is_hopeless:
                        again.appendleft(task)
                    hire()
                    if is_hopeless:
                        yield LostItem(task.item, reason)
                    continue
                if hired.node is None:
                    hired.node = result
                    begin(hired)
                    continue
                if following := next_task() or take_over():
                    hired.task = following
                    begin(hired)
                else:
                    self._idle.append(hired)
                yield Done(task.item, result)
        finally:
            for hired in busy.values():
                ray.kill(hired.actor)


def tasks(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Calls a stateless function for each item on the cluster, and yields the results in the order of the items. If a node dies, the call
    is repeated, so it must write the same files each time. An error of the function is raised here. Raises ClusterError if a call is lost
    for good."""
    task = ray.remote(lambda item: function(item)).options(num_cpus=1, memory=int(TASK_GB * 1e9), max_retries=ATTEMPTS)
    at_once = max(2, 2 * int(ray.cluster_resources().get("CPU", 1)))
    waiting, running = iter(items), deque[ray.ObjectRef]()
    try:
        while True:
            interrupt.check()
            running.extend(task.remote(item) for item in islice(waiting, at_once - len(running)))
            if not running:
                return
            yield ray.get(running[0])
            running.popleft()
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from None
    except ray.exceptions.RayError as error:
        raise ClusterError(f"a task of the cluster was lost: {str(error).splitlines()[0]}") from None
    finally:
        for left in running:
            ray.cancel(left, force=True)


def _require_room(needs: Resources) -> None:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(node.get("CPU", 0) >= needs.cpus and node.get("memory", 0) >= needs.memory_gb * 1e9 for node in nodes):
        has = "; ".join(f"{node.get('CPU', 0):g} CPUs, {node.get('memory', 0) / 1e9:.1f} GB" for node in nodes) or "no node"
        raise ClusterError(f"no node has room for a worker of {needs.name}, which needs {needs.cpus:g} CPU and {needs.memory_gb:g} GB of "
                           f"Ray's memory; the cluster has: {has}")


def _is_gone(node: str | None) -> bool:
    """Is the node dead?"""
    return any(known["NodeID"] == node and not known["Alive"] for known in ray.nodes())


def _end(worker: Any) -> None:
    """Lets a worker close its engine, and then kills the actor."""
    with suppress(ray.exceptions.RayError, TimeoutError):  # it is killed below in any case, and its engine ends with it
        ray.get(worker.close.remote(), timeout=20)
    ray.kill(worker)
