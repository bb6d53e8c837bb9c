"""What there is to train on: theorem texts and steps, out of a benchmark and the tables of corpora, without what is held out.

Three sources: `original`, theorems of the benchmark's training part (in train of both of its splits), and those of harvests and traces that
the benchmark does not have; `rw` and `apply`, variants by their kind. Each has a part to train on and a part for validation: theorems of
the benchmark are split as it says, what is not of it by the target's name.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

import msgspec
import pyarrow.dataset as ds

from lean_alchemy.pipelines.benchmarks.leandojo import SPLITS, Benchmark, TracedTheorem, place_of
from lean_alchemy.pipelines.data.splits import split_of
from lean_alchemy.pipelines.runtime.manifest import UsageError, manifest_at
from lean_alchemy.pipelines.runtime.storage import Location, location_of, table_of
from lean_alchemy.training.prompt import prompt
from lean_alchemy.training.recipe import Data

Source = Literal["original", "rw", "apply"]
SOURCES: tuple[Source, ...] = ("original", "rw", "apply")
Part = Literal["train", "validation"]
PARTS: tuple[Part, ...] = ("train", "validation")

BATCH = 10_000
"""Rows of a table in memory at once."""


class Text(msgspec.Struct, frozen=True):
    """prompt: what is given, empty for the text of a theorem. completion: what is to be learnt."""

    source: Source
    part: Part
    prompt: str
    completion: str


class Sources:
    """The texts of a recipe's data. What is left out is counted in `kept_out`, by reason, when the texts have been read."""

    def __init__(self, data: Data):
        """Raises UsageError where something is no benchmark or no corpus."""
        self._data = data
        self._benchmark = benchmark_of(data.benchmark)
        self.held_out = self._benchmark.held_out(data.novel_premises == "strict")
        self._corpora = [location_of(out) for out in data.corpora]
        self._proofs = [location_of(out) for out in data.proofs]
        for out in self._corpora:
            manifest_at(out)
        for out in self._proofs:
            manifest_at(out, "proofs")
        self.kept_out: Counter[str] = Counter()

    def theorems(self) -> Iterator[Text]:
        """The texts of theorems with their proofs."""
        self.kept_out.clear()
        for theorem, part in self._originals():
            if theorem.statement is not None:
                yield Text("original", part, "", theorem_text(theorem))
        for out in self._proofs:
            for row in self._found(out, "text"):
                yield Text("original", split_of(row["theorem"]), "", named(row["text"], row["theorem"]))
        for out in self._corpora:
            for row in self._variants(out, "theorem"):
                yield Text(row["kind"], split_of(row["target"]), "", unnamed(row["theorem"]))

    def steps(self) -> Iterator[Text]:
        """From goal states to tactics. Raises UsageError for a corpus without steps."""
        self.kept_out.clear()
        for theorem, part in self._originals():
            for step in theorem.traced_tactics:
                yield Text("original", part, prompt(step.state_before), step.tactic)
        for out in self._proofs:
            found = {row["theorem"] for row in self._found(out)}
            for row in _rows(out / "steps", ["theorem", "state_before", "tactic"]):
                if row["theorem"] in found:
                    yield Text("original", split_of(row["theorem"]), prompt(row["state_before"]), row["tactic"])
        for out in self._corpora:
            if not any((out / "steps").glob("*.parquet")):
                raise UsageError(f"{out} has no steps: make them with `alchemy steps {out}`")
            kinds = {row["variant_id"]: row["kind"] for row in self._variants(out)}
            columns = ["variant_id", "target", "state_before", "tactic"]
            for row in _rows(out / "steps", columns, ds.field("form").isin(self._data.forms)):
                if kind := kinds.get(row["variant_id"]):
                    yield Text(kind, split_of(row["target"]), prompt(row["state_before"]), row["tactic"])

    def _originals(self) -> Iterator[tuple[TracedTheorem, Part]]:
        """Each theorem once. One in val of a split, and in test of none, is for validation."""
        parts = {part: [t for split in SPLITS for t in self._benchmark.part(split, part)] for part in ("train", "val", "test")}
        test = {theorem.full_name for theorem in parts["test"]}
        validation = {theorem.full_name: theorem for theorem in parts["val"] if theorem.full_name not in test}
        for theorem in validation.values():
            yield theorem, "validation"
        for theorem in {theorem.full_name: theorem for theorem in parts["train"]}.values():
            if objection := self.held_out.objection(theorem.full_name, theorem.statement_key):
                self.kept_out[f"original: {objection}"] += 1
            else:
                yield theorem, "train"

    def _found(self, out: Location, *columns: str) -> Iterator[dict]:
        """The proofs of a harvest or a trace that may be trained on. What they state is known by their names alone: they have no key."""
        known = {theorem.full_name for theorem in self._benchmark.theorems()}
        for row in _rows(out / "proofs", ["theorem", "premises", *columns]):
            name = _PRIVATE.sub("", row["theorem"])  # a benchmark has it without
            objection = self.held_out.objection(name, None)
            if objection is None and name in known:
                objection = "in the benchmark"
            if objection is None and not self.held_out.premises.isdisjoint(row["premises"]):
                objection = "held-out premise"
            if objection:
                self.kept_out[f"proof: {objection}"] += 1
            else:
                yield row

    def _variants(self, out: Location, *columns: str) -> Iterator[dict]:
        """The variants of a corpus that may be trained on."""
        for row in _rows(out / "variants", ["variant_id", "target", "kind", "lemma", "statement_key", *columns]):
            if objection := self.held_out.objection(row["target"], row["statement_key"], row["lemma"]):
                self.kept_out[f"variant: {objection}"] += 1
            else:
                yield row


def benchmark_of(name: str) -> Benchmark:
    """`core`, or a benchmark on disk. Raises UsageError."""
    return Benchmark(place_of(name))


def theorem_text(theorem: TracedTheorem) -> str:
    levels = f".{{{', '.join(theorem.level_params)}}}" if theorem.level_params else ""
    proof = "\n".join(traced.tactic for traced in theorem.traced_tactics).replace("\n", "\n  ")
    return f"theorem {theorem.full_name}{levels} {theorem.statement} := by\n  {proof}"


_PRIVATE = re.compile(r"^_private\..+\.0\.")


def named(text: str, theorem: str) -> str:
    """The text of a harvested proof, which Lean judged under another name."""
    return re.sub(r"^theorem (_root_\.)?alchemy_goal", lambda _: f"theorem {theorem}", text, count=1)


def unnamed(theorem: str) -> str:
    """A variant's text without its name, whose digits say nothing: `theorem variant {n : Nat} …`."""
    return re.sub(r"^theorem \w+", "theorem variant", theorem, count=1)


def _rows(folder: Location, columns: list[str], filter: ds.Expression | None = None) -> Iterator[dict]:
    for batch in table_of(folder).to_batches(columns=columns, filter=filter, batch_size=BATCH):
        yield from batch.to_pylist()
