"""Variants as a table: those of one theorem, and those of a corpus. Both print well, in a terminal and in a notebook."""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyarrow, pandas and datasets come without type stubs.

import importlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import msgspec
import pyarrow as pa
import pyarrow.dataset as ds

from lean_alchemy.pipelines.browse.display import variant_html, variant_text
from lean_alchemy.pipelines.browse.selection import Selection, VariantFilter
from lean_alchemy.pipelines.corpus.one_theorem import VariantsOfOne
from lean_alchemy.pipelines.data.schema import Step, Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import Manifest, UsageError, manifest_at
from lean_alchemy.pipelines.runtime.storage import Location, as_typed, location_of, table_of

if TYPE_CHECKING:
    import datasets
    import pandas

PRINTED = 5
"""Number of variants that a table prints."""


class FoundVariant(Variant, frozen=True, kw_only=True):
    """A variant, a row of the table `variants`, with the statement of its target. It prints as Lean: the theorem below its target."""

    target_statement: str

    def __str__(self) -> str:
        return variant_text(self, self.target_statement, in_colour=False).plain.rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return variant_html(self, self.target_statement)


def beside(variant: Variant, target_statement: str) -> FoundVariant:
    return FoundVariant(**msgspec.structs.asdict(variant), target_statement=target_statement)


class VariantTable(Sequence[FoundVariant]):
    """A sequence of variants that converts to an Arrow table (with the columns of the table `variants`), a pandas data frame, or a data set
    of Hugging Face's `datasets`."""

    @abstractmethod
    def to_arrow(self) -> pa.Table:
        """The variants as an Arrow table."""

    @abstractmethod
    def _title(self) -> str:
        """The line above the variants when the table is printed."""

    def to_pandas(self) -> "pandas.DataFrame":
        """The variants as a data frame. Raises UsageError if pandas is not installed."""
        _require("pandas")
        return self.to_arrow().to_pandas()

    def to_dataset(self) -> "datasets.Dataset":
        """The variants as a data set of `datasets`. Raises UsageError if `datasets` is not installed."""
        return _require("datasets").Dataset(self.to_arrow())

    def __repr__(self) -> str:
        return "\n\n".join([self._title(), *(str(variant) for variant in self[:PRINTED])])

    def _repr_html_(self) -> str:
        return f"<p>{self._title()}</p>" + "".join(
            variant_html(variant, variant.target_statement) for variant in self[:PRINTED])


def _require(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        raise UsageError(f"this needs the package {package}: pip install {package}") from None


class Variants(VariantTable):
    """The variants of one theorem. They are made when they are first looked at; kinds and sites take turns, the shortest statements
    first."""

    def __init__(self, name: str, make: Callable[[], VariantsOfOne], lemma: str | None = None):
        """name: the theorem. lemma: only variants made with it."""
        self.name, self._make, self._lemma = name, make, lemma
        self._made: VariantsOfOne | None = None
        self._rows: list[FoundVariant] = []

    @property
    def _found(self) -> VariantsOfOne:
        if self._made is None:
            made = self._make()
            self._rows = [beside(row, made.statement) for row in made.variants if self._lemma in (None, row.lemma)]
            self._made = made
        return self._made

    @property
    def statement(self) -> str:
        """The statement of the theorem."""
        return self._found.statement

    @property
    def rejects(self) -> Mapping[str, int]:
        """The number of attempts that are not variants, by reason."""
        return self._found.rejects

    @property
    def all(self) -> Sequence[FoundVariant]:
        assert self._found is not None
        return self._rows

    def __len__(self) -> int:
        return len(self.all)

    @overload
    def __getitem__(self, index: int) -> FoundVariant: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[FoundVariant]: ...

    def __getitem__(self, index: int | slice) -> FoundVariant | Sequence[FoundVariant]:
        return self.all[index]

    def to_arrow(self) -> pa.Table:
        return parquet.to_table(self.all, Variant)

    def _title(self) -> str:
        by = "" if self._lemma is None else f" by {self._lemma}"
        return f"{len(self)} variants of {self.name}{by}" + (f", {PRINTED} of them:" if len(self) > PRINTED else "")


class CorpusVariants(VariantTable):
    """Some of a corpus's variants, the best by score first. Nothing but their number is read before they are looked at."""

    def __init__(self, selection: Selection):
        self._selection = selection

    def __len__(self) -> int:
        return self._selection.count

    @overload
    def __getitem__(self, index: int) -> FoundVariant: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[FoundVariant]: ...

    def __getitem__(self, index: int | slice) -> FoundVariant | Sequence[FoundVariant]:
        if isinstance(index, int):
            place = range(len(self))[index]
            return self._beside(self._selection.best(place + 1)[place:])[0]
        places = range(len(self))[index]
        best = self._selection.best(max(places, default=-1) + 1)
        return self._beside([best[place] for place in places])

    def __iter__(self) -> Iterator[FoundVariant]:
        yield from self._beside(self._selection.best(len(self)))

    def sample(self, n: int, seed: int = 0) -> list[FoundVariant]:
        """`n` variants, each as likely as any other."""
        return self._beside(self._selection.at_random(n, seed))

    def steps(self) -> dict[str, list[Step]]:
        """The steps of their proofs, by variant_id. Raises UsageError before `alchemy steps` made the table."""
        return self._selection.steps(self._selection.best(len(self)))

    def to_arrow(self) -> pa.Table:
        with parquet.naming_damage(self._selection.out / "variants"):
            return self._selection.dataset.to_table()

    def _beside(self, rows: Sequence[Variant]) -> list[FoundVariant]:
        statements = self._selection.statements(row.target for row in rows)
        return [beside(row, statements.get(row.target, "")) for row in rows]

    def _title(self) -> str:
        best = f", the best {PRINTED} by score:" if len(self) > PRINTED else ""
        return f"{len(self):,} variants of {as_typed(self._selection.out)}{best}"


class Corpus:
    """A corpus that `alchemy synthesize` made. Raises UsageError if OUT is none."""

    def __init__(self, out: Location):
        self.out = out
        self.manifest: Manifest = manifest_at(out)

    def variants(self, target: str | Iterable[str] | None = None, lemma: str | None = None, kind: str | None = None,
                 site: str | None = None, text: str | None = None) -> CorpusVariants:
        """The variants of any of these targets, made with this lemma, of this kind (`rw`, `apply`), changed at this site (`conclusion` or
        a hypothesis), whose text contains `text`; None: any. Raises UsageError for a name that does not occur, with close ones."""
        targets = () if target is None else (target,) if isinstance(target, str) else tuple(target)
        return CorpusVariants(Selection(self.out, VariantFilter(targets=targets, lemma=lemma, kind=kind, site=site, text=text)))

    def table(self, name: str) -> ds.Dataset:
        """A table of the corpus (`theorems`, `variants`, `rejects`, `steps`, …) as an Arrow data set. Raises UnknownLocation if there is
        none."""
        return table_of(self.out / name)

    def __repr__(self) -> str:
        counts = self.manifest.counts
        return (f"<corpus {as_typed(self.out)}: {counts['variants']:,} variants of {counts.get('targets', 0):,} targets of "
                f"{', '.join(self.manifest.library)}, Lean {self.manifest.toolchain}>")


def corpus(out: str | Path) -> Corpus:
    """The corpus in a folder, or at a URL such as `s3://bucket/corpus`. Raises UsageError if there is none."""
    return Corpus(location_of(str(Path(out).expanduser()) if "://" not in str(out) else str(out)))
