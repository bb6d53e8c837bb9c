"""A stage without Lean for tests: it counts the letters of words, and some words cause errors. (A module, because Ray's workers import
it.)"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.process import EngineDied
from lean_alchemy.pipelines.runtime.stage import Failure, Stage, Sums


class Word(msgspec.Struct, frozen=True):
    text: str
    length: int


class WordTally(Sums):
    words: int = 0
    by_length: dict[str, int] = msgspec.field(default_factory=dict)


class Counter:
    """Counts letters; some words cause errors. settings: a folder in which it records how often a word was processed."""

    def __init__(self, settings: Path):
        self._notes = settings

    def __call__(self, items: Sequence[str]) -> Iterator[Word | WordTally | Failure]:
        for word in items:
            with open(self._notes / word.replace(" ", "_"), "a") as notes:
                notes.write("x")
            if word.startswith("kill"):
                os._exit(1)
            if word.startswith("raise"):
                raise ValueError(f"no word: {word}")
            if word.startswith("engine"):
                raise EngineDied("try", "killed")
            if word.startswith("disk"):
                raise OSError(28, "No space left on device")
            if word.startswith("setup"):
                raise Trouble("there is no Lean")
            if word.startswith("odd"):
                yield Failure.of("count", word, "it is odd")
            yield Word(word, len(word))
            yield WordTally(words=1, by_length={str(len(word)): 1})

    def close(self) -> None: ...


COUNT = Stage(name="count", version=1, worker=Counter, tally=WordTally, tables={"words": Word}, memory_gb=0.1)
