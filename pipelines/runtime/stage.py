"""A stage: a name, a worker that processes items, and the tables of its results. `runner.py` runs it.

    MUTATE = Stage(name="mutate", version=1, worker=Mutator, tables={"variants": Variant, "rejects": Reject}, tally=MutateTally)

An *item* is one input of the stage: a target, a variant, a problem. A *shard* is a list of items whose results are written together, all
or none. A *worker* is built once in each worker process, holds an engine, and yields rows for items.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol, Self, TypeVar

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble

T = TypeVar("T")


class Sums(msgspec.Struct):
    """A struct that is added field by field. A field is a number, a list, another Sums, or a dict of these. The tally of a stage is one."""

    def add(self, other: Self) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, _sum(getattr(self, name), getattr(other, name)))


def _sum(mine: Any, its: Any) -> Any:
    if isinstance(mine, Sums):
        mine.add(its)
        return mine
    if isinstance(mine, dict):
        sums: dict[Any, Any] = {**mine}
        for key, value in its.items():
            sums[key] = _sum(sums[key], value) if key in sums else deepcopy(value)
        return sums
    return mine + its


Report = Callable[[str, int, int, str], None]
"""Called with the stage, the number of items done, the total number, and a note (its second line holds details)."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A Report that prints nothing."""


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in lists of at most `size`, in order."""
    return [items[start:start + size] for start in range(0, len(items), size)]


class History(msgspec.Struct, frozen=True):
    """Earlier attempts at a shard. attempt: the number of this one, from 0. died: attempts in which only the worker process died."""

    attempt: int = 0
    died: tuple[int, ...] = ()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table `failures`: an item at which a stage failed. what: the error in one line. when: UTC. trace: the traceback."""

    stage: str
    item: str
    what: str
    when: str
    trace: str

    @staticmethod
    def of(stage: str, item: str, error: BaseException | str) -> "Failure":
        if isinstance(error, str):
            return Failure(stage=stage, item=item, what=error, when=_now(), trace="")
        return Failure(stage=stage, item=item, what=f"{type(error).__name__}: {error}".strip(": "), when=_now(),
                       trace="".join(traceback.format_exception(error)))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def ends_the_run(error: Exception) -> bool:
    """Is it an error of the set-up (a full disk, no Lean, another version on a node), which every other item would meet, too?"""
    return isinstance(error, OSError) or (isinstance(error, Trouble | Mistake) and not isinstance(error, OfOneItem))


class Worker(Protocol):
    """Processes items, in a process of its own."""

    def __call__(self, items: Sequence[Any]) -> Iterable[msgspec.Struct]:
        """Yields rows of the stage's tables, tallies and failures, which are distinguished by their types. It gets all items of a shard, or
        a single one if something went wrong with the shard. The results must be the same in both cases."""
        ...

    def close(self) -> None: ...


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """version: raise it when the results of the stage change; results of other versions are made again. The golden test fails if results
    change and the version does not. name_of: the name of an item, for failures."""

    name: str
    version: int
    worker: Callable[[Any], Worker]
    tables: Mapping[str, type[msgspec.Struct]]
    tally: type[Sums] = Sums
    name_of: Callable[[Any], str] = str
    cpus: float = 1
    memory_gb: float = 2.0
    """Memory that Ray reserves for a worker. An engine uses 1.3 to 2 GB, the index and the rows of a shard a few hundred MB."""

    def holding(self, gb: float) -> "Stage":
        """The stage with at least `gb` of memory per worker."""
        return msgspec.structs.replace(self, memory_gb=max(self.memory_gb, gb))


class Shard(msgspec.Struct, frozen=True):
    """Items whose results are written together. key: the name of their folder; see `Job.key`."""

    key: str
    items: Sequence[Any]
