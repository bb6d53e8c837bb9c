"""*verify*: the text alone goes in, in a fresh engine that has seen nothing of how it was made; a verdict comes out."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.dataset as ds

from lean_workspace.embedded import install
from lean_workspace.process import EngineDied
from lean_workspace.workspace import Library, Workspace
from mutation import terms
from pipelines import tables
from pipelines.job import UsageError
from pipelines.stage import Stage

AXIOMS = {"propext", "Quot.sound", "Classical.choice"}
CHUNK = 50


class Text(msgspec.Struct, frozen=True):
    """variant_id: of a variant, or of a false statement whose negation `theorem` proves."""

    variant_id: str
    theorem: str
    statement_key: str


class Invalid(msgspec.Struct, frozen=True):
    variant_id: str
    reason: str


class Checked(msgspec.Struct, frozen=True):
    checked: int
    invalid: list[Invalid]


class Verifier:
    """Judges texts: a theorem, proved, with the statement of its key, from standard axioms."""

    def __init__(self, library: Library):
        self._workspace = Workspace(install.launch, library)

    def __call__(self, texts: list[Text]) -> Checked:
        judged = [(text, self.objection(text)) for text in texts]
        return Checked(len(judged), [Invalid(text.variant_id, reason) for text, reason in judged if reason])

    def close(self) -> None:
        self._workspace.close()

    def objection(self, text: Text) -> str | None:
        """What is wrong with a text; None if it is valid."""
        try:
            verdict = self._workspace.check(text.theorem)
        except EngineDied as died:
            return str(died)
        if verdict.refused:
            return f"{verdict.refused.stage}: {verdict.refused.message}"
        if verdict.term is None or terms.statement_key(verdict.term) != text.statement_key:
            return "statement: the text states something else"
        if strange := set(verdict.axioms) - AXIOMS:
            return f"axioms: {', '.join(sorted(strange))}"
        return None


VERIFY = Stage(name="verify", worker=Verifier)


def sampled(out: Path, sample: int | None, seed: int) -> Iterator[list[Text]]:
    """Chunks of a random sample of the variants, and of the negations of false statements where there are any;
    sample None: all."""
    texts = _sample_of(out, "variants", ["variant_id", "theorem", "statement_key"], sample, seed)
    if (out / "refuted").is_dir():
        texts += _sample_of(out, "refuted", ["refuted_id", "theorem", "theorem_key"], sample, seed)
    for start in range(0, len(texts), CHUNK):
        yield texts[start:start + CHUNK]


def _sample_of(out: Path, table: str, columns: list[str], sample: int | None, seed: int) -> list[Text]:
    """columns: those that make a Text, in order."""
    for file in sorted((out / table).glob("*.parquet")):
        if not tables.is_whole(file):
            raise UsageError(f"{file} is damaged; run `alchemy synthesize` on {out} again to make the tables anew")
    rows = ds.dataset(out / table, format="parquet").to_table(columns=columns).sort_by(columns[0])
    if sample is not None and sample < rows.num_rows:
        rows = rows.take(sorted(random.Random(seed).sample(range(rows.num_rows), sample)))
    return [Text(*row.values()) for row in rows.to_pylist()]
