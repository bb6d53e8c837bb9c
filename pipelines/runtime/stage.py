"""A stage as a value: what it is called, what works on an item, what it needs of a machine."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, Self

import msgspec


class Sums(msgspec.Struct):
    """Numbers, and numbers by name, that add up, field by field, over items of work."""

    def add(self, other: Self) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, _added(getattr(self, name), getattr(other, name)))


def _added(mine: Any, its: Any) -> Any:
    if isinstance(mine, dict) and not isinstance(mine, Counter):
        return {**mine, **{key: mine.get(key, 0) + value for key, value in its.items()}}
    return mine + its


Report = Callable[[str, int, int, str], None]
"""Told the stage, how many items are done, of how many, and what they came to (a second line goes further into it)."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A Report that tells nobody."""


class History(msgspec.Struct, frozen=True):
    """What became of an item so far. attempt: this one, from 0. died: the attempts in which the worker died, and not with its
    whole node."""

    attempt: int = 0
    died: tuple[int, ...] = ()


class Worker(Protocol):
    """Works on one item after the other and leaves its result on disk."""

    def __call__(self, item: Any, history: History) -> Any:
        """A small summary of what was done."""

    def close(self) -> None: ...


class Stage(msgspec.Struct, frozen=True):
    name: str
    worker: Callable[[Any], Worker]
    """Built once in each worker process, from the stage's settings."""
    cpus: float = 1
    memory_gb: float = 2.0
    """An engine holds 1.3 to 2 GB, the index and the rows of a shard some hundred MB."""

    def holding(self, gb: float) -> "Stage":
        """The stage for a library with which a worker holds so much, if that is more."""
        return msgspec.structs.replace(self, memory_gb=max(self.memory_gb, gb))
