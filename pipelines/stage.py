"""A stage as a value: what it is called, what works on an item, what it needs of a machine."""

from collections.abc import Callable
from typing import Any, Protocol, Self

import msgspec


class Sums(msgspec.Struct):
    """Numbers and counters that add up, field by field, over items of work."""

    def add(self, other: Self) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Worker(Protocol):
    """Works on one item after the other and leaves its result on disk."""

    def __call__(self, item: Any) -> Any:
        """A small summary of what was done."""

    def close(self) -> None: ...


class Stage(msgspec.Struct, frozen=True):
    name: str
    worker: Callable[[Any], Worker]
    """Built once in each worker process, from the stage's settings."""
    cpus: float = 1
