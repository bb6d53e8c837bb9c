"""A stage as a value: what it is called, what works on an item, what it needs of a machine."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec


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
