"""What provers are judged by: theorems to prove, each in its environment.

`core` is the benchmark that ships with the package; `leandojo` one on disk in the same format, for a workspace with Mathlib; `minif2f`
problems of miniF2F in Lean 4 (see `eval/minif2f.py`), in Lean's own library or in a workspace's Mathlib. A suite says which of its problems
can't be run in this Lean: these count as not run, neither as failed nor as proved.
"""

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from lean_alchemy.eval import minif2f
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark, PartName, SplitName
from lean_alchemy.pipelines.runtime.manifest import UsageError

BenchmarkName = Literal["core", "leandojo", "minif2f"]


class Problem(msgspec.Struct, frozen=True):
    """name: in the table of results. statement: what stands between a theorem's name and `:=`; None where the theorem of that name in the
    library says it. available: theorems of its own module that a proof may use; None where it may use the whole library. module: of the
    library, or empty. opens: namespaces that are open in it."""

    name: str
    statement: str | None = None
    levels: tuple[str, ...] = ()
    available: tuple[str, ...] | None = None
    module: str = ""
    opens: str = ""


class Suite(msgspec.Struct, frozen=True):
    """The problems of a benchmark. library: modules that they need. not_run: why, by name."""

    benchmark: str
    version: str
    split: str
    part: str
    library: list[str]
    problems: list[Problem]
    not_run: dict[str, str]

    def within(self, theorems: Container[str]) -> "Suite":
        """Without problems about theorems that a library does not have: it may be another version than the benchmark's."""
        missing = {problem.name: "the library has no theorem of this name" for problem in self.problems
                   if problem.statement is None and problem.name not in theorems}
        return msgspec.structs.replace(
            self, problems=[problem for problem in self.problems if problem.name not in missing], not_run={**self.not_run, **missing})

    def sample(self, count: int | None, seed: int) -> "Suite":
        """Some of the problems, drawn by digest: 150 are among any 300. None: all."""
        drawn = sorted(self.problems, key=lambda problem: hashlib.blake2b(f"{seed}\0{problem.name}".encode()).digest())
        return msgspec.structs.replace(self, problems=drawn[:count])


def suite_of(benchmark: BenchmarkName, data: Path | None, split: SplitName, part: PartName, with_mathlib: bool = False) -> Suite:
    """data: a benchmark in LeanDojo's format, or miniF2F's problems. with_mathlib: is it for a workspace that has it? Raises UsageError
    where something is missing or is something else."""
    if benchmark == "core":
        return _in_leandojos_format("core", Benchmark(data or CORE), split, part)
    if data is None:
        raise UsageError(f"--benchmark {benchmark} needs --data: " + (
            "a JSON lines file with `name` and `lean`, or a checkout of miniF2F for Lean 4" if benchmark == "minif2f"
            else "the folder of LeanDojo Benchmark 4"))
    if benchmark == "leandojo":
        return _in_leandojos_format("leandojo", Benchmark(data), split, part)
    read = minif2f.read(data, part, with_mathlib)
    problems = [Problem(name, stated.text, opens=stated.opens) for name, stated in read.statements.items()]
    return Suite("minif2f", read.version, "", part, ["Mathlib"] if with_mathlib else ["Init", "Std"], problems, read.not_run)


def _in_leandojos_format(name: str, benchmark: Benchmark, split: SplitName, part: PartName) -> Suite:
    """A theorem of ours may use those of its own file that were proved in an earlier round, one of LeanDojo's what stands before it."""
    metadata = benchmark.metadata()
    rounds: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for theorem in benchmark.theorems():
        rounds[theorem.file_path].append((theorem.round or 1, theorem.full_name))
    theorems = benchmark.part(split, part)
    places = {} if all(theorem.round for theorem in theorems) else {
        file.path: [(premise.start, premise.full_name) for premise in file.premises] for file in benchmark.corpus()}
    problems = [Problem(t.full_name, module=t.file_path, available=(
        _before(t.round, rounds[t.file_path]) if t.round else _before(t.start, places.get(t.file_path, [])))) for t in theorems]
    library = metadata.get("library") or ["Mathlib"]
    return Suite(name, str(metadata.get("version", metadata.get("from_repo", {}).get("commit", "?"))), split, part, library, problems, {})


def _before(place: Any, theorems: Iterable[tuple[Any, str]]) -> tuple[str, ...]:
    """place: a round, or a position in the file."""
    return tuple(sorted(name for its, name in theorems if its < place))
