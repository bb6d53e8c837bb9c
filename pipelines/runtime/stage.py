"""A stage: what is done to one item, the tables that come of it, and its name. `runner.py` does the rest.

    MUTATE = Stage(name="mutate", version=1, worker=Mutator, tables={"variants": Variant, "rejects": Reject}, tally=MutateTally)

An *item* is what the stage works on: a target, a variant, a problem. A *shard* is some items whose results are written together, whole or
not at all. A *worker* is built once in each worker process, holds an engine, and yields rows for items.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol, Self

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble


class Sums(msgspec.Struct):
    """Numbers, lists, other sums, and any of these by name, that add up field by field. A stage's tally is one: what its items came to."""

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
"""Called with the stage, how many items are done, of how many, and a note (its second line holds details)."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A Report that prints nothing."""


class History(msgspec.Struct, frozen=True):
    """Earlier attempts at a shard. attempt: this one, from 0. died: attempts in which the worker process died while its node lived."""

    attempt: int = 0
    died: tuple[int, ...] = ()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An item that a stage failed at: a row of the table `failures`. what: the error in a line. when: UTC. trace: where in the code."""

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
    """Is it an error of the set-up (a full disk, a missing Lean, another version on a node), which the next item would meet as well?"""
    return isinstance(error, OSError) or (isinstance(error, Trouble | Mistake) and not isinstance(error, OfOneItem))


class Worker(Protocol):
    """Works on items in a process of its own."""

    def __call__(self, items: Sequence[Any]) -> Iterable[msgspec.Struct]:
        """Rows of the stage's tables, tallies to add up, and failures, told apart by their types. The items are those of a shard, or one
        alone where something went wrong with the shard: a result must not depend on which."""
        ...

    def close(self) -> None: ...


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """version: a person raises it when the results of the stage change; results of another version are made again. The golden test fails
    where results change and the version does not. name_of: an item's name, for failures."""

    name: str
    version: int
    worker: Callable[[Any], Worker]
    tables: Mapping[str, type[msgspec.Struct]]
    tally: type[Sums] = Sums
    name_of: Callable[[Any], str] = str
    cpus: float = 1
    memory_gb: float = 2.0
    """An engine holds 1.3 to 2 GB, the index and the rows of a shard some hundred MB."""

    def holding(self, gb: float) -> "Stage":
        """The stage with workers that hold `gb` of memory, if that is more."""
        return msgspec.structs.replace(self, memory_gb=max(self.memory_gb, gb))


class Shard(msgspec.Struct, frozen=True):
    """Items whose results are written together. key: names their folder; see `Job.key`."""

    key: str
    items: Sequence[Any]
