"""The extracted library: its theorems, the index keys of its lemmas, its class instances, and how general each lemma is."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace.protocol import SharedSites, Site, TheoremRow
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.policy.generality import Generality
from lean_alchemy.mutation.policy.rules import Policy
from lean_alchemy.mutation.search.candidates import Key
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.pipelines.data.schema import Theorem
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.storage import Location

SLICES = 24
"""Number of slices of a library. For Init a slice takes about three seconds."""

GENERALITY = "generality.parquet"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A theorem with the data that later stages need. term: its statement in canonical form. near_key: see `mutation.terms`."""

    name: str
    module: str
    module_index: int
    statement: str | None
    term: str | None
    level_params: list[str]
    tags: list[str]
    statement_key: str | None
    near_key: str | None
    docstring: str | None
    position: int | None


class Sampled(msgspec.Struct, frozen=True):
    """A target on which generality is measured. sites: its queries to the index, as JSON."""

    target: int
    sites: bytes


class Described(msgspec.Struct, frozen=True):
    """The library without its theorems. count: the number of theorems. problems: errors in the user's files. instances: rows of
    `mutation.search.classes`, as JSON."""

    toolchain: str
    count: int
    problems: list[str]
    instances: bytes


def entry_of(row: TheoremRow, modules: list[str]) -> Entry:
    return Entry(
        name=row.name, module=module_name(modules[row.module]), module_index=row.module, statement=row.statement, term=row.term,
        level_params=row.level_params, tags=row.tags, docstring=row.docstring.strip() if row.docstring else None, position=row.line,
        statement_key=terms.statement_key(row.term) if row.term else None,
        near_key=terms.near_key(terms.parse(row.term)) if row.term else None)


def module_name(module: str) -> str:
    """The name of a module. For a user's file it is the name of the file without its folder."""
    return Path(module).name if module.endswith(".lean") else module


def slice_key(number: int) -> str:
    """The folder of a slice, such as `07`. The item after the last slice is `library`, the description of the library."""
    return f"{number:02}" if number < SLICES else "library"


class Catalogue:
    """The extracted library. Theorem `i` in `theorems` has the number `i` in the engine."""

    def __init__(self, folder: Location, named: Sequence[str]):
        """named: the modules and files whose theorems are targets."""
        self._folder, self._named = folder, [module_name(name) for name in named]
        self._slices = [folder / slice_key(i) for i in range(SLICES)]
        (self.described,) = parquet.read([folder / slice_key(SLICES) / "library.parquet"], Described)
        self.theorems: list[Entry] = parquet.read([s / "theorems.parquet" for s in self._slices], Entry)
        self.numbers = {entry.name: i for i, entry in enumerate(self.theorems)}

    @property
    def statement_keys(self) -> dict[str, str | None]:
        """The statement keys, by the names of the theorems."""
        return {entry.name: entry.statement_key for entry in self.theorems}

    def keys(self) -> Iterator[Key]:
        for slice_ in self._slices:
            columns = parquet.load_columns(slice_ / "keys.parquet").to_pydict()
            for row in zip(*columns.values(), strict=True):
                yield Key(*row)

    def classes(self) -> Classes:
        return Classes(msgspec.json.decode(self.described.instances))

    def generality(self) -> Generality:
        rows = parquet.load_columns(self._folder / GENERALITY).to_pydict()
        uses = zip(rows["lemma"], rows["kind"], rows["direction"], strict=True)
        return Generality(dict(zip(uses, rows["share"], strict=True)), len(self.theorems))

    def sample(self) -> Iterator[tuple[int, list[Site]]]:
        """The targets on which generality is measured, with their queries to the index."""
        for row in parquet.read([slice_ / "sample.parquet" for slice_ in self._slices], Sampled):
            yield row.target, msgspec.json.decode(row.sites, type=SharedSites).expanded()

    def library_of(self, entry: Entry) -> str:
        """The named library that contains a theorem, else the root of its module: `Init` for `Init.Core`."""
        return next((name for name in self._named if _stands_in(entry, name)), entry.module.split(".")[0])

    def is_of_library(self, entry: Entry) -> bool:
        """Is the theorem in a named library, and not only in one of their imports?"""
        return any(_stands_in(entry, name) for name in self._named)

    @staticmethod
    def is_ordinary(entry: Entry, policy: Policy = Policy()) -> bool:
        """Does the policy admit the theorem as target and as lemma?"""
        return policy.admits(entry.name, entry.tags, entry.term)

    def record(self, entry: Entry) -> Theorem:
        return Theorem(
            name=entry.name, library=self.library_of(entry), module=entry.module, module_index=entry.module_index,
            statement=entry.statement, level_params=entry.level_params, tags=entry.tags,
            statement_key=entry.statement_key, docstring=entry.docstring, position=entry.position)


def _stands_in(entry: Entry, module: str) -> bool:
    return entry.module == module or entry.module.startswith(f"{module}.")
