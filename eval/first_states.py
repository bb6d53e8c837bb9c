"""Where problems stand: a gym, and how each of them begins there.

A theorem of the library is proved in the environment before its module, with those of its module that were proved before it; a problem with
a statement of its own in the whole library. Where a workspace has the module's source, the source is elaborated, and the theorem is proved
right before its own command: in its namespace, with what is open there and all that stands above it, as in LeanDojo.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from pathlib import PurePosixPath
from typing import Protocol

from lean_alchemy.eval.benchmarks import Problem
from lean_alchemy.lean_workspace.gym import Gym, NotOpened, Statement, Written
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.extract import catalogue
from lean_alchemy.pipelines.proofs.written import Files, library_of_source, source_of
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.lean import opened


class Place(Protocol):
    gym: Gym

    def start_of(self, problem: Problem) -> Statement | Written:
        """Raises NotOpened."""

    def text_of(self, problem: Problem, start: Statement | Written) -> str | None:
        """What is to be proved."""


class InLibrary:
    """The whole library. numbers: of its theorems."""

    def __init__(self, gym: Gym, numbers: dict[str, int]):
        self.gym, self._numbers = gym, numbers

    def start_of(self, problem: Problem) -> Statement:
        if problem.statement is not None:
            return Statement(problem.statement, problem.levels, opens=problem.opens)
        if problem.name not in self._numbers:
            raise NotOpened("the library has no theorem of this name")
        return self.gym.theorem(self._numbers[problem.name], problem.available)

    def text_of(self, problem: Problem, start: Statement | Written) -> str | None:
        return start.text


class InSource:
    """A module's source, open. Raises EngineDied, EngineRefused, NativeError."""

    def __init__(self, workspace: str, module: str, source: str):
        self._files = Files(library_of_source(workspace, module, source))
        self.gym = self._files.gym

    def start_of(self, problem: Problem) -> Written:
        if (found := self._files.written(problem.name)) is None:
            raise NotOpened("no theorem of this name is proved in the source of its module")
        return Written(found.number)

    def text_of(self, problem: Problem, start: Statement | Written) -> str | None:
        found = self._files.written(problem.name)
        return found and found.proof.statement.strip()

    def close(self) -> None:
        self._files.close()


class Places:
    """Where problems stand, opened when they come: the library once, sources one after the other."""

    def __init__(self, job: Job):
        self._job, self.catalogue = job, catalogue(job)
        self._source: InSource | None = None

    @cached_property
    def workspace(self) -> Workspace:
        """An engine with the whole library."""
        return opened(self._job.library)

    @cached_property
    def _library(self) -> InLibrary:
        return InLibrary(Gym(self.workspace), self.catalogue.numbers)

    def of(self, problems: Sequence[Problem]) -> Place:
        """problems: of a chunk. Raises EngineDied, EngineRefused where their source can't be read, NativeError where lake fails."""
        source = source_for(self._job.library, problems[0])
        if source is None:
            return self._library
        if self._source is not None:
            self._source.close()
            self._source = None
        self._source = InSource(self._job.library.workspace, module_of(problems[0]), source)
        return self._source

    def close(self) -> None:
        if "workspace" in self.__dict__:
            self.workspace.close()
        if self._source is not None:
            self._source.close()


def module_of(problem: Problem) -> str:
    """`Mathlib/Order/Basic.lean` is the module Mathlib.Order.Basic."""
    return ".".join(PurePosixPath(problem.module.removesuffix(".lean")).parts)


def source_for(library: Library, problem: Problem) -> str | None:
    """The file that a problem stands in, if it is to be proved there."""
    return source_of(library, module_of(problem)) if problem.statement is None and problem.module else None


def chunked(library: Library, problems: Sequence[Problem], size: int) -> list[list[Problem]]:
    """Problems that are worked on together: up to so many; of a source all, as it is read once for them."""
    ordered = sorted(problems, key=lambda problem: (problem.module, problem.name))
    if library.workspace is None:
        return [ordered[i:i + size] for i in range(0, len(ordered), size)]
    found: list[list[Problem]] = []
    for source, group in groupby(ordered, key=lambda problem: source_for(library, problem)):
        some = list(group)
        step = size if source is None else len(some)
        found += [some[i:i + step] for i in range(0, len(some), step)]
    return found
