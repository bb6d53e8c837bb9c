"""The training data: theorem texts and steps from a benchmark and from the tables of corpora, without what is held out.

There are three sources. `original`: theorems of the benchmark's train parts, and theorems of harvests and traces that the benchmark does
not have. `rw` and `apply`: variants by their kind. Each source has a part for training and one for validation: the benchmark's theorems as
the benchmark splits them, all others by the name of the theorem or target.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Literal

import msgspec
import pyarrow.dataset as ds

from lean_alchemy.pipelines.benchmarks.leandojo import SPLIT_NAMES, Benchmark, TracedTheorem, benchmark_path
from lean_alchemy.pipelines.data.splits import Split, split_of
from lean_alchemy.pipelines.runtime.manifest import UsageError, manifest_at
from lean_alchemy.pipelines.runtime.parquet import naming_damage
from lean_alchemy.pipelines.runtime.storage import Location, location_of, table_of
from lean_alchemy.training.prompt import prompt
from lean_alchemy.training.recipe import Data

Source = Literal["original", "rw", "apply"]
SOURCES: tuple[Source, ...] = ("original", "rw", "apply")

READ_AT_ONCE = 10_000
"""Rows of a table in memory at once."""


class TrainingText(msgspec.Struct, frozen=True):
    """prompt: the goal state with its markers; empty for the text of a theorem. completion: the text to learn."""

    source: Source
    part: Split
    prompt: str
    completion: str


class Sources:
    """The texts of a recipe's data. kept_out: number of texts left out, by reason, complete once the iterator has been consumed."""

    def __init__(self, data: Data):
        """Raises UsageError if the benchmark, a corpus or a folder of proofs is missing or is something else."""
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

    def require_steps(self, wanted: Collection[Source]) -> None:
        """Raises UsageError if steps of variants are wanted and a corpus has none."""
        for out in self._corpora if _of_variants(wanted) else []:
            if not any((out / "steps").glob("*.parquet")):
                raise UsageError(f"{out} has no steps, which finetuning on variants needs: make them with `alchemy steps {out}`, or set "
                                 "finetune.weights.rw=0 and finetune.weights.apply=0")

    def theorems(self, wanted: Collection[Source] = SOURCES) -> Iterator[TrainingText]:
        """The texts of theorems with their proofs. wanted: corpora are read only for variants."""
        self.kept_out.clear()
        for theorem, part in self._originals():
            if theorem.statement is not None:
                yield TrainingText("original", part, "", theorem_text(theorem))
        for out in self._proofs:
            for row in self._proofs_in(out, "text"):
                yield TrainingText("original", split_of(row["theorem"]), "", with_theorem_name(row["text"], row["theorem"]))
        for out in self._corpora if _of_variants(wanted) else []:
            for row in self._variants_in(out, "theorem"):
                yield TrainingText(row["kind"], split_of(row["target"]), "", without_variant_id(row["theorem"]))

    def steps(self, wanted: Collection[Source] = SOURCES) -> Iterator[TrainingText]:
        """Goal states with their tactics. wanted: corpora are read only for variants. Raises UsageError for a corpus without steps."""
        self.require_steps(wanted)
        self.kept_out.clear()
        for theorem, part in self._originals():
            for step in theorem.traced_tactics:
                yield TrainingText("original", part, prompt(step.state_before), step.tactic)
        for out in self._proofs:
            admitted = {row["theorem"] for row in self._proofs_in(out)}
            for row in _rows(out / "steps", ["theorem", "state_before", "tactic"]):
                if row["theorem"] in admitted:
                    yield TrainingText("original", split_of(row["theorem"]), prompt(row["state_before"]), row["tactic"])
        for out in self._corpora if _of_variants(wanted) else []:
            kinds = {row["variant_id"]: row["kind"] for row in self._variants_in(out)}
            columns = ["variant_id", "target", "state_before", "tactic"]
            for row in _rows(out / "steps", columns, ds.field("form").isin(self._data.forms)):
                if kind := kinds.get(row["variant_id"]):
                    yield TrainingText(kind, split_of(row["target"]), prompt(row["state_before"]), row["tactic"])

    def _originals(self) -> Iterator[tuple[TracedTheorem, Split]]:
        """The benchmark's theorems, each once. Those in val of a split and in test of none are for validation."""
        parts = {part: [t for split in SPLIT_NAMES for t in self._benchmark.part(split, part)] for part in ("train", "val", "test")}
        test = {theorem.full_name for theorem in parts["test"]}
        validation = {theorem.full_name: theorem for theorem in parts["val"] if theorem.full_name not in test}
        for theorem in validation.values():
            yield theorem, "validation"
        for theorem in {theorem.full_name: theorem for theorem in parts["train"]}.values():
            if objection := self.held_out.objection(theorem.full_name, theorem.statement_key):
                self.kept_out[f"original: {objection}"] += 1
            else:
                yield theorem, "train"

    def _proofs_in(self, out: Location, *columns: str) -> Iterator[dict]:
        """The proofs of a harvest or a trace that may be trained on. Only their names can be compared: the table has no statement key."""
        known = {theorem.full_name for theorem in self._benchmark.theorems()}
        for row in _rows(out / "proofs", ["theorem", "premises", *columns]):
            name = _PRIVATE.sub("", row["theorem"])  # benchmarks name private theorems without this prefix
            objection = self.held_out.objection(name, None)
            if objection is None and name in known:
                objection = "in the benchmark"
            if objection is None and not self.held_out.premises.isdisjoint(row["premises"]):
                objection = "held-out premise"
            if objection:
                self.kept_out[f"proof: {objection}"] += 1
            else:
                yield row

    def _variants_in(self, out: Location, *columns: str) -> Iterator[dict]:
        """The variants of a corpus that may be trained on."""
        for row in _rows(out / "variants", ["variant_id", "target", "kind", "lemma", "statement_key", *columns]):
            if objection := self.held_out.objection(row["target"], row["statement_key"], row["lemma"]):
                self.kept_out[f"variant: {objection}"] += 1
            else:
                yield row


def _of_variants(wanted: Collection[Source]) -> bool:
    return not {"rw", "apply"}.isdisjoint(wanted)


def benchmark_of(name: str) -> Benchmark:
    """The benchmark `core`, or one on disk. Raises UsageError if it is missing."""
    return Benchmark(benchmark_path(name))


def theorem_text(theorem: TracedTheorem) -> str:
    """The theorem with its proof, as Lean source."""
    levels = f".{{{', '.join(theorem.level_params)}}}" if theorem.level_params else ""
    proof = "\n".join(traced.tactic for traced in theorem.traced_tactics).replace("\n", "\n  ")
    return f"theorem {theorem.full_name}{levels} {theorem.statement} := by\n  {proof}"


_PRIVATE = re.compile(r"^_private\..+\.0\.")


def with_theorem_name(text: str, theorem: str) -> str:
    """The text of a harvested proof under the theorem's own name: Lean checked it as `alchemy_goal`."""
    return re.sub(r"^theorem (_root_\.)?alchemy_goal", lambda _: f"theorem {theorem}", text, count=1)


def without_variant_id(theorem: str) -> str:
    """A variant's text without the meaningless digits of its name: `theorem variant {n : Nat} …`."""
    return re.sub(r"^theorem \w+", "theorem variant", theorem, count=1)


def _rows(folder: Location, columns: list[str], filter: ds.Expression | None = None) -> Iterator[dict]:
    """The rows of a table. Raises DamagedTable."""
    with naming_damage(folder):
        for batch in table_of(folder).to_batches(columns=columns, filter=filter, batch_size=READ_AT_ONCE):
            yield from batch.to_pylist()
