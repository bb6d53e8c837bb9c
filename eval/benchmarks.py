"""The benchmarks: theorems to prove, each in its environment.

`core` ships with the package. `leandojo` is a benchmark on disk in the same format, for a workspace with Mathlib. `minif2f` is miniF2F for
Lean 4 (see `eval/minif2f.py`), with Lean's own library or a workspace's Mathlib. A suite lists the problems that can't be run in this
Lean; they count neither as failed nor as proved.
"""

from collections import defaultdict
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from lean_alchemy.eval import minif2f
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark, PartName, SplitName
from lean_alchemy.pipelines.data.splits import draw_order
from lean_alchemy.pipelines.runtime.manifest import UsageError

BenchmarkName = Literal["core", "leandojo", "minif2f"]


class Problem(msgspec.Struct, frozen=True):
    """A theorem to prove. name: in the table of results. statement: the text between a theorem's name and `:=`; None for the theorem of
    that name in the library. levels: universe parameters. available: theorems of its own module that a proof may use; None: the whole
    library. module: its module in the library, or empty. opens: the namespaces to open."""

    name: str
    statement: str | None = None
    levels: tuple[str, ...] = ()
    available: tuple[str, ...] | None = None
    module: str = ""
    opens: str = ""


class Suite(msgspec.Struct, frozen=True):
    """The problems of a benchmark. library: the modules to import. not_run: the reason for each problem that can't be run, by name."""

    benchmark: str
    version: str
    split: str
    part: str
    library: list[str]
    problems: list[Problem]
    not_run: dict[str, str]

    def within(self, theorems: Container[str]) -> "Suite":
        """The suite without problems whose theorem is not among `theorems`: the library may have another version than the benchmark."""
        missing = {problem.name: "the library has no theorem of this name" for problem in self.problems
                   if problem.statement is None and problem.name not in theorems}
        return msgspec.structs.replace(
            self, problems=[problem for problem in self.problems if problem.name not in missing], not_run={**self.not_run, **missing})

    def sample(self, count: int | None, seed: int) -> "Suite":
        """`count` problems, drawn by a digest of seed and name, so that the first 150 are among the first 300. None: all."""
        drawn = sorted(self.problems, key=lambda problem: draw_order(seed, problem.name))
        return msgspec.structs.replace(self, problems=drawn[:count])


def suite_of(benchmark: BenchmarkName, data: Path | None, split: SplitName, part: PartName, with_mathlib: bool = False) -> Suite:
    """data: a benchmark in LeanDojo's format, or the problems of miniF2F. with_mathlib: will it run in a workspace with Mathlib? Raises
    UsageError if data is missing or in another format."""
    if benchmark == "core":
        return _in_leandojos_format("core", Benchmark(data or CORE), split, part)
    if data is None:
        raise UsageError(f"--benchmark {benchmark} needs --data: " + (
            "a JSON lines file with the keys `name` and `lean`, or a checkout of miniF2F for Lean 4" if benchmark == "minif2f"
            else "the folder of LeanDojo Benchmark 4"))
    if benchmark == "leandojo":
        return _in_leandojos_format("leandojo", Benchmark(data), split, part)
    problem_set = minif2f.read(data, part, with_mathlib)
    problems = [Problem(name, statement.text, opens=statement.opens) for name, statement in problem_set.statements.items()]
    return Suite("minif2f", problem_set.version, "", part, ["Mathlib"] if with_mathlib else ["Init", "Std"], problems, problem_set.not_run)


def _in_leandojos_format(name: str, benchmark: Benchmark, split: SplitName, part: PartName) -> Suite:
    """In our benchmarks a proof may use theorems of its own file that were proved in an earlier round; in LeanDojo's, those above it."""
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
    """The names before a place, which is a round or a position in the file."""
    return tuple(sorted(name for theorem_place, name in theorems if theorem_place < place))
