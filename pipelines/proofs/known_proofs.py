"""Known proofs of theorems of a library: from harvests, from traces, and from benchmarks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from lean_alchemy.mutation.proof_forms.inlined import Original
from lean_alchemy.pipelines.benchmarks.leandojo import Benchmark
from lean_alchemy.pipelines.data.schema import Proof
from lean_alchemy.pipelines.proofs.trace import TRACED
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.pipelines.runtime.storage import Location


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A known proof. round: of the harvest that found it. line: the line of the portfolio."""

    theorem: str
    round: int
    line: str
    tactics: list[str]


def known_in(place: Location) -> list[Known]:
    """The proofs of a harvest, or of a benchmark made from one. Raises UsageError if there are none."""
    files = sorted((place / "proofs").glob("*.parquet"), key=str)
    if files:
        return parquet.read(files, Known)
    return [Known(theorem=theorem.full_name, round=theorem.round or 1, line=theorem.line or "known",
                  tactics=[traced.tactic for traced in theorem.traced_tactics]) for theorem in _benchmark_at(place).theorems()]


def _benchmark_at(place: Location) -> Benchmark:
    if place.is_file() or (place / "metadata.json").is_file():
        return Benchmark(Path(str(place)))
    raise UsageError(f"{place} holds no proofs: run `alchemy harvest {place}`")


def originals_in(places: Sequence[Location]) -> dict[str, Original]:
    """The proofs of harvests, traces and benchmarks, by theorem. If a theorem has several, the first one is used. Raises UsageError if a
    place has none."""
    found: dict[str, Original] = {}
    for place in places:
        for name, original in _originals_in(place):
            found.setdefault(name, original)
    return found


def _originals_in(place: Location) -> Iterator[tuple[str, Original]]:
    if files := sorted((place / "proofs").glob("*.parquet"), key=str):
        for proof in parquet.read(files, Proof):
            # LeanDojo also lists tactics that are parts of other tactics, so traced proofs are taken from the source text.
            yield proof.theorem, Original(proof.statement, _as_in_its_source(proof) if proof.line == TRACED else proof.tactics)
    else:
        for theorem in _benchmark_at(place).theorems():
            if theorem.statement is not None:
                yield theorem.full_name, Original(theorem.statement, [traced.tactic for traced in theorem.traced_tactics])


def _as_in_its_source(proof: Proof) -> str:
    return proof.text.partition(proof.statement)[2].lstrip().removeprefix(":=").strip()
