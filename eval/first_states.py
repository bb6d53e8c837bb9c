"""The environment that a problem is proved in, and its first state there.

A theorem of the library is proved in the environment before its module, plus the theorems of its module that were proved before it. A
problem with its own statement is proved in the whole library. If a workspace has the source of the module, the source is elaborated, and
the theorem is proved right before its own command, as in LeanDojo: in its namespace, with everything above it available.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from pathlib import PurePosixPath
from typing import Protocol

from lean_alchemy.eval.benchmarks import Problem
from lean_alchemy.lean_workspace.gym import Gym, GymStatement, InSource, NotOpened
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.extract import catalogue
from lean_alchemy.pipelines.proofs.written import OpenedFiles, library_of_source, library_source
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import chunks


class Environment(Protocol):
    """A gym, and where problems start in it."""

    gym: Gym

    def start_of(self, problem: Problem) -> GymStatement | InSource:
        """What to pass to `Gym.start`. Raises NotOpened."""
        ...

    def text_of(self, problem: Problem, start: GymStatement | InSource) -> str | None:
        """The statement to prove, as text."""
        ...


class LibraryEnvironment:
    """A gym in the library. numbers: of its theorems, by name."""

    def __init__(self, gym: Gym, numbers: dict[str, int]):
        self.gym, self._numbers = gym, numbers

    def start_of(self, problem: Problem) -> GymStatement:
        if problem.statement is not None:
            return GymStatement(problem.statement, problem.levels, opens=problem.opens)
        if problem.name not in self._numbers:
            raise NotOpened("the library has no theorem of this name")
        return self.gym.theorem(self._numbers[problem.name], problem.available)

    def text_of(self, problem: Problem, start: GymStatement | InSource) -> str | None:
        return start.text if isinstance(start, GymStatement) else None


class SourceEnvironment:
    """A gym in the source of a module, which is elaborated."""

    def __init__(self, workspace: str, module: str, source: str):
        """Raises EngineDied, EngineRefused, NativeError."""
        self._files = OpenedFiles(library_of_source(workspace, module, source))
        self.gym = self._files.gym

    def start_of(self, problem: Problem) -> InSource:
        if (proof := self._files.written(problem.name)) is None:
            raise NotOpened("the source of its module has no theorem of this name")
        return InSource(proof.number)

    def text_of(self, problem: Problem, start: GymStatement | InSource) -> str | None:
        proof = self._files.written(problem.name)
        return proof and proof.proof.statement.strip()

    def close(self) -> None:
        self._files.close()


class Environments:
    """Opens environments on demand: the library once, sources one at a time."""

    def __init__(self, job: Job):
        self._job, self.catalogue = job, catalogue(job)
        self._source: SourceEnvironment | None = None

    @cached_property
    def workspace(self) -> Workspace:
        """An engine with the whole library."""
        return opened(self._job.library)

    @cached_property
    def _library(self) -> LibraryEnvironment:
        return LibraryEnvironment(Gym(self.workspace), self.catalogue.numbers)

    def of(self, problems: Sequence[Problem]) -> Environment:
        """The environment of a chunk of problems (see `chunked`). Raises EngineDied, EngineRefused if their source can't be read,
        NativeError if lake fails."""
        source, workspace = source_for(self._job.library, problems[0]), self._job.library.workspace
        if source is None or workspace is None:
            return self._library
        if self._source is not None:
            self._source.close()
            self._source = None
        self._source = SourceEnvironment(workspace, module_of(problems[0]), source)
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
    """The source file that a problem is proved in; None if it is proved in the library."""
    return library_source(library, module_of(problem)) if problem.statement is None and problem.module else None


def chunked(library: Library, problems: Sequence[Problem], size: int) -> list[Sequence[Problem]]:
    """Chunks of problems that share an environment, at most `size` each. All problems of a source are one chunk, as it is read once."""
    ordered = sorted(problems, key=lambda problem: (problem.module, problem.name))
    if library.workspace is None:
        return chunks(ordered, size)
    found: list[Sequence[Problem]] = []
    for source, group in groupby(ordered, key=lambda problem: source_for(library, problem)):
        together = list(group)
        step = size if source is None else len(together)
        found += chunks(together, step)
    return found
