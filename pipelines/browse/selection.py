"""Some of a corpus's variants: those of a target, by a lemma, of a kind, with a text."""

import difflib
import functools
import operator
import random
from collections.abc import Iterable, Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lean_alchemy.pipelines.data.schema import Step, Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import UsageError, manifest_at
from lean_alchemy.pipelines.runtime.storage import Location, table_of


class VariantFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which variants are wanted: those of any of the targets for which each other field that is not None holds. No targets: of any. site:
    `conclusion` or the name of a hypothesis. text: stands in the text of the theorem, its proof included."""

    targets: tuple[str, ...] = ()
    lemma: str | None = None
    kind: str | None = None
    site: str | None = None
    text: str | None = None

    @property
    def names(self) -> list[tuple[str, str]]:
        """Column and name, for each name that has to occur in the corpus."""
        others = ((column, getattr(self, column)) for column in ("lemma", "kind", "site"))
        return [*(("target", name) for name in self.targets), *((column, name) for column, name in others if name is not None)]

    @property
    def expression(self) -> pc.Expression | None:
        """The filter for Arrow; None: every row."""
        conditions = [pc.field(column) == name for column, name in self.names if column != "target"]
        if self.targets:
            conditions.append(pc.field("target").isin(self.targets))
        if self.text is not None:
            conditions.append(pc.match_substring(pc.field("theorem"), self.text))  # pyright: ignore[reportAttributeAccessIssue]
        return functools.reduce(operator.and_, conditions) if conditions else None


class Selection:
    """Variants of a corpus. Nothing is read before it is asked for. Raises UsageError if OUT is no corpus, if a name does not occur in it,
    or if a table is damaged."""

    def __init__(self, out: Location, wanted: VariantFilter = VariantFilter()):
        self.out, self.wanted = out, wanted
        self.manifest = manifest_at(out)
        with parquet.naming_damage(out / "variants"):
            self._all = table_of(out / "variants")
            self.dataset: ds.Dataset = self._all if wanted.expression is None else self._all.filter(wanted.expression)
            self.count: int = self.dataset.count_rows()
            if not self.count or len(wanted.targets) > 1:
                self._require_known()

    def best(self, n: int) -> list[Variant]:
        """The `n` variants with the highest scores, the best first."""
        with parquet.naming_damage(self.out / "variants"):
            found = self.dataset.to_table(columns=["variant_id", "score"])
            order = found.sort_by([("score", "descending"), ("variant_id", "ascending")])
            return self._rows(order.column("variant_id").slice(0, n).to_pylist())

    def at_random(self, n: int, seed: int = 0) -> list[Variant]:
        """`n` variants, each as likely as any other; all if there are no more."""
        with parquet.naming_damage(self.out / "variants"):
            ids = self.dataset.to_table(columns=["variant_id"]).column(0).sort()
            return self._rows([ids[i].as_py() for i in random.Random(seed).sample(range(len(ids)), min(n, len(ids)))])

    def of_different_targets(self, n: int, seed: int = 0) -> list[Variant]:
        """A variant of each of `n` targets, the targets drawn at random."""
        with parquet.naming_damage(self.out / "variants"):
            found = self.dataset.to_table(columns=["target", "variant_id"]).to_pylist()
            by_target = {row["target"]: row["variant_id"] for row in found}
            return self._rows([by_target[name] for name in random.Random(seed).sample(sorted(by_target), min(n, len(by_target)))])

    def _rows(self, ids: Sequence[str]) -> list[Variant]:
        """The variants of these ids, in this order."""
        columns = list(Variant.__struct_fields__)
        found = self.dataset.to_table(columns=columns, filter=pc.field("variant_id").isin(pa.array(ids, pa.string()))).to_pylist()
        rows = {row["variant_id"]: msgspec.convert(row, Variant) for row in found}
        return [rows[one] for one in ids]

    def statements(self, names: Iterable[str]) -> dict[str, str]:
        """The statements of theorems of the library, by name."""
        with parquet.naming_damage(self.out / "theorems"):
            rows = table_of(self.out / "theorems").to_table(
                columns=["name", "statement"], filter=pc.field("name").isin(pa.array(sorted(set(names)), pa.string())))
            return {row["name"]: row["statement"] or "" for row in rows.to_pylist()}

    def steps(self, variants: Sequence[Variant]) -> dict[str, list[Step]]:
        """The steps of the variants' proofs as they stand in the corpus, by variant_id. Raises UsageError if there is no table of
        steps."""
        if not (self.out / "steps").is_dir():
            raise UsageError(f"{self.out} has no steps: run `alchemy steps {self.out}` first")
        ids = [variant.variant_id for variant in variants]
        with parquet.naming_damage(self.out / "steps"):
            rows = table_of(self.out / "steps").to_table(
                columns=list(Step.__struct_fields__), filter=pc.field("variant_id").isin(pa.array(ids, pa.string())) &
                (pc.field("form") == "proof")).to_pylist()
        found: dict[str, list[Step]] = {one: [] for one in ids}
        for step in sorted(msgspec.convert(rows, list[Step]), key=lambda step: step.step):
            found[step.variant_id or ""].append(step)
        return found

    def _require_known(self) -> None:
        for column, value in self.wanted.names:
            known = self._all.to_table(columns=[column]).column(0).unique().to_pylist()
            if value not in known:
                close = difflib.get_close_matches(value, known, n=3, cutoff=0.6)
                raise UsageError(f"no variant in {self.out} has the {column} {value}" + (
                    f"; did you mean {', '.join(close)}?" if close else
                    f"; it has {', '.join(sorted(known))}" if column == "kind" and known else ""))
