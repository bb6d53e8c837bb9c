"""`alchemy report OUT`: collects the figures for the report about a corpus (`report_page.py`).

The tables are read and counted in batches: a million variants need no more memory than a thousand.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow.compute as pc

from lean_alchemy.pipelines.browse.changes import Piece, marked
from lean_alchemy.pipelines.corpus.mutate import MUTATE, MutateTally
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.runtime import parquet, run_log
from lean_alchemy.pipelines.runtime.manifest import Manifest, manifest_at
from lean_alchemy.pipelines.runtime.shards import is_done, summary_at
from lean_alchemy.pipelines.runtime.storage import Location, table_of

SIZE_EDGES = np.unique(np.round(np.geomspace(8, 2000, 46)).astype(int))
"""Bin edges of the histogram of statement sizes, in characters."""


class Example(msgspec.Struct, frozen=True):
    """A variant and its target, both statements split into equal and changed pieces."""

    variant: Variant
    target: list[Piece]
    statement: list[Piece]


class ReportFigures(msgspec.Struct):
    """The figures of the report."""

    manifest: Manifest
    options: Options
    per_target: list[int]
    """Number of variants of each target, including targets without any."""
    uses: Counter[tuple[str, str, str]]
    """Number of variants by kind, `conclusion` or `hypothesis`, and direction."""
    modules: Counter[str]
    lemmas: Counter[str]
    marks: Counter[str]
    depths: Counter[int]
    sizes: dict[str, np.ndarray]
    """For `variants` and `targets`: number of statements by size, with the bins SIZE_EDGES."""
    tally: MutateTally | None
    """Of all shards; None if shards were removed."""
    log: list[dict]
    grades: Counter[str]
    examples: list[Example]
    bytes: dict[str, int]
    """Size of each table on disk."""

    @property
    def quantiles(self) -> dict[int, float]:
        """Quantiles of the number of variants per target, by per cent."""
        return {q: float(np.percentile(self.per_target, q)) for q in (10, 25, 50, 75, 90, 99)} if self.per_target else {}


def collect_figures(out: Location, examples: int = 12, seed: int = 0) -> ReportFigures:
    """The figures of a corpus. examples: number of random examples, drawn with `seed`. Raises UsageError if OUT is no corpus, DamagedTable
    if one of its tables can't be read."""
    manifest = manifest_at(out)
    with parquet.naming_damage(out):
        return _collected(out, manifest, examples, seed)


def _collected(out: Location, manifest: Manifest, examples: int, seed: int) -> ReportFigures:
    per_target: Counter[str] = Counter()
    uses: Counter[tuple[str, str, str]] = Counter()
    modules: Counter[str] = Counter()
    lemmas: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    depths: Counter[int] = Counter()
    sizes = {"variants": np.zeros(len(SIZE_EDGES) - 1, int), "targets": np.zeros(len(SIZE_EDGES) - 1, int)}
    for rows in _batches(out / "variants", "target", "kind", "site", "direction", "module", "lemma", "print_options", "depth", "statement"):
        per_target.update(rows["target"])
        uses.update((kind, "conclusion" if site == "conclusion" else "hypothesis", direction)
                    for kind, site, direction in zip(rows["kind"], rows["site"], rows["direction"], strict=True))
        modules.update(map(_subject, rows["module"]))
        lemmas.update(rows["lemma"])
        marks.update(_mark(options) for options in rows["print_options"])
        depths.update(rows["depth"])
        sizes["variants"] += np.histogram([len(s) for s in rows["statement"]], SIZE_EDGES)[0]
    for rows in _batches(out / "theorems", "name", "statement"):
        lengths = [len(s) for name, s in zip(rows["name"], rows["statement"], strict=True) if name in per_target and s]
        sizes["targets"] += np.histogram(lengths, SIZE_EDGES)[0]
    without = max(0, manifest.counts.get("targets", 0) - len(per_target))
    grades: Counter[str] = Counter()
    if (out / "grades").is_dir():
        for rows in _batches(out / "grades", "closed_by"):
            grades.update(name or "nothing" for name in rows["closed_by"])
    return ReportFigures(
        manifest, manifest.options_as(Options), [*per_target.values(), *[0] * without], uses, modules, lemmas, marks, depths, sizes,
        _tally(out, manifest),
        run_log.read(out / "run.log"), grades, _examples(out, examples, seed),
        {table: sum(file.stat().st_size for file in (out / table).glob("*.parquet"))
         for table in ("theorems", "variants", "rejects", "refuted", "grades") if (out / table).is_dir()})


def _batches(table: Location, *columns: str) -> Iterator[dict[str, list]]:
    for batch in table_of(table).to_batches(columns=list(columns)):
        yield batch.to_pydict()


def _subject(module: str) -> str:
    """The first three parts of a module: `Init.Data.Nat`."""
    return ".".join(module.split(".")[:3])


def _mark(options: Sequence[str]) -> str:
    """A label for how a statement had to be printed."""
    if not options:
        return "as Lean prints it"
    if any(option.startswith(("pp.explicit@", "-pp.notation@")) for option in options):
        return "without notation or with all arguments, in places"
    return "with types, in places"


def _tally(out: Location, manifest: Manifest) -> MutateTally | None:
    """The sum over all shards; None if some were removed."""
    places = [out / ".work" / MUTATE.name / key for key in manifest.shards]
    if not all(is_done(place, MUTATE) for place in places):
        return None
    tally = MutateTally()
    for place in places:
        tally.add(summary_at(place, MUTATE).tally)
    return tally


def _examples(out: Location, n: int, seed: int) -> list[Example]:
    """Variants drawn uniformly at random."""
    variants = table_of(out / "variants")
    count = variants.count_rows()
    drawn = random.Random(seed).sample(range(count), min(n, count))
    rows = msgspec.convert(variants.take(drawn).to_pylist(), list[Variant])
    targets = table_of(out / "theorems").to_table(
        columns=["name", "statement"], filter=pc.field("name").isin([row.target for row in rows])).to_pylist()
    statements = {row["name"]: row["statement"] or "" for row in targets}
    return [Example(row, *marked(statements[row.target], row.statement)) for row in rows]
