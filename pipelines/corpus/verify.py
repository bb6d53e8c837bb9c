"""*verify*: the text alone goes in, in a fresh engine that has seen nothing of how it was made; a verdict comes out."""

import random
from collections.abc import Iterator
from typing import TypeVar

import msgspec
import pyarrow.compute as pc

from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineDied
from lean_alchemy.mutation import terms
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.runtime.job import UsageError
from lean_alchemy.pipelines.runtime.lean import opened
from lean_alchemy.pipelines.runtime.stage import History, Stage
from lean_alchemy.pipelines.runtime.storage import Location, dataset

AXIOMS = {"propext", "Quot.sound", "Classical.choice"}
CHUNK = 50
Row = TypeVar("Row", bound=msgspec.Struct)


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
        self._workspace = opened(library)

    def __call__(self, texts: list[Text], history: History) -> Checked:
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


def drawn(out: Location, record: type[Row], sample: int | None, seed: int, table: str = "variants") -> list[Row]:
    """A random sample of a table, in the order of its first column, with the columns that `record` names; sample None: all.
    Raises UsageError for a table that is missing or can't be read."""
    files = sorted((out / table).glob("*.parquet"), key=str)
    damaged = [file for file in files if not tables.is_whole(file)] if files else [out / table]
    if damaged:
        raise UsageError(f"{damaged[0]} is damaged; run `alchemy synthesize` on {out} again to make the tables anew")
    columns = list(record.__struct_fields__)
    rows = dataset(files)
    if sample is None or sample >= rows.count_rows():
        return msgspec.convert(rows.to_table(columns=columns).sort_by(columns[0]).to_pylist(), list[record])
    ids = rows.to_table(columns=columns[:1]).column(0).sort()
    chosen = ids.take(sorted(random.Random(seed).sample(range(len(ids)), sample)))
    rows = rows.to_table(columns=columns, filter=pc.field(columns[0]).isin(chosen.combine_chunks())).sort_by(columns[0])
    return msgspec.convert(rows.to_pylist(), list[record])


class Negation(msgspec.Struct, frozen=True):
    """A row of the false statements: `theorem` proves that it is false."""

    refuted_id: str
    theorem: str
    theorem_key: str


def sampled(out: Location, sample: int | None, seed: int) -> Iterator[list[Text]]:
    """Chunks of a random sample of the variants, and of the negations of false statements where there are any;
    sample None: all."""
    texts = drawn(out, Text, sample, seed)
    if (out / "refuted").is_dir():
        texts += [Text(n.refuted_id, n.theorem, n.theorem_key) for n in drawn(out, Negation, sample, seed, "refuted")]
    for start in range(0, len(texts), CHUNK):
        yield texts[start:start + CHUNK]
