"""What provers are judged by: theorems to prove, each in its environment.

`core` is the benchmark that ships with the package; `leandojo` one on disk in the same format; `minif2f` problems of miniF2F in Lean 4 (see
`eval/minif2f.py`). A suite says which of its problems can't be run in this Lean: these count as not run, neither as failed nor as proved.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from eval import minif2f
from pipelines.job import UsageError
from pipelines.leandojo import CORE, Benchmark, PartName, SplitName

BenchmarkName = Literal["core", "leandojo", "minif2f"]


class Problem(msgspec.Struct, frozen=True):
    """name: in the table of results. statement: what stands between a theorem's name and `:=`; None where the theorem of that name in the
    library says it. available: theorems of its own module that a proof may use; None where it may use the whole library. module: of the
    library, or empty."""

    name: str
    statement: str | None = None
    levels: tuple[str, ...] = ()
    available: tuple[str, ...] | None = None
    module: str = ""


class Suite(msgspec.Struct, frozen=True):
    """The problems of a benchmark. library: modules that they need. not_run: why, by name."""

    benchmark: str
    version: str
    split: str
    part: str
    library: list[str]
    problems: list[Problem]
    not_run: dict[str, str]

    def sample(self, count: int | None, seed: int) -> "Suite":
        """Some of the problems, drawn by digest: 150 are among any 300. None: all."""
        drawn = sorted(self.problems, key=lambda problem: hashlib.blake2b(f"{seed}\0{problem.name}".encode()).digest())
        return msgspec.structs.replace(self, problems=drawn[:count])


def suite_of(benchmark: BenchmarkName, data: Path | None, split: SplitName, part: PartName) -> Suite:
    """data: a benchmark in LeanDojo's format, or miniF2F's problems. Raises UsageError where that is missing or is something else."""
    if benchmark == "core":
        return _in_leandojos_format("core", Benchmark(data or CORE), split, part)
    if data is None:
        raise UsageError(f"--benchmark {benchmark} needs --data: " + (
            "a JSON lines file with `name` and `lean`, or a checkout of miniF2F for Lean 4" if benchmark == "minif2f"
            else "the folder of LeanDojo Benchmark 4"))
    if benchmark == "leandojo":
        return _in_leandojos_format("leandojo", Benchmark(data), split, part)
    read = minif2f.read(data, part)
    problems = [Problem(name, statement) for name, statement in read.statements.items()]
    return Suite("minif2f", read.version, "", part, ["Init", "Std"], problems, read.not_run)


def _in_leandojos_format(name: str, benchmark: Benchmark, split: SplitName, part: PartName) -> Suite:
    """A theorem may use those of its own file that were proved in an earlier round."""
    metadata = benchmark.metadata()
    rounds: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for theorem in benchmark.theorems():
        rounds[theorem.file_path].append((theorem.round or 1, theorem.full_name))
    problems = [
        Problem(t.full_name, available=_before(t.round or 1, rounds[t.file_path]), module=t.file_path) for t in benchmark.part(split, part)]
    library = metadata.get("library") or ["Mathlib"]
    return Suite(name, str(metadata.get("version", metadata.get("from_repo", {}).get("commit", "?"))), split, part, library, problems, {})


def _before(number: int, theorems: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(sorted(name for round_, name in theorems if round_ < number))
