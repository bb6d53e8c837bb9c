"""*extract*: what there is. A library goes in; its theorems, the keys of its lemmas and how general each is come out.

The result depends on the library and the engine alone, so it is kept below `$ALCHEMY_HOME` for the next job.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import filelock
import msgspec
import pyarrow as pa

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import SharedSites, Site, TheoremRow
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.policy.generality import SAMPLE, Generality, measure
from lean_alchemy.mutation.policy.rules import Policy
from lean_alchemy.mutation.search.candidates import Key
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.runtime.job import Job, JobError, library_digest
from lean_alchemy.pipelines.runtime.lean import opened
from lean_alchemy.pipelines.runtime.stage import History, Stage
from lean_alchemy.pipelines.runtime.storage import Location, download, is_local, remove, settle, write_whole

SLICES = 24
"""Slices of a library: about three seconds of work each for Init."""

GENERALITY = "generality.parquet"

Row = TypeVar("Row")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A theorem as the later stages need it. near_key: see `mutation.terms`."""

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


class Described(msgspec.Struct, frozen=True):
    """What the library is, beside its theorems. problems: errors in files of the user."""

    toolchain: str
    count: int
    problems: list[str]


def entry_of(row: TheoremRow, modules: list[str]) -> Entry:
    return Entry(
        name=row.name, module=_module_name(modules[row.module]), module_index=row.module, statement=row.statement, term=row.term,
        level_params=row.level_params, tags=row.tags, docstring=row.docstring.strip() if row.docstring else None, position=row.line,
        statement_key=terms.statement_key(row.term) if row.term else None,
        near_key=terms.near_key(terms.parse(row.term)) if row.term else None)


def _module_name(module: str) -> str:
    """A file of the user is a module with the file's name."""
    return Path(module).name if module.endswith(".lean") else module


class Extractor:
    """Writes one slice of the library: item i is the i-th of SLICES."""

    def __init__(self, job: Job):
        self._job = job
        self._workspace = opened(job.library)

    def __call__(self, item: int, history: History) -> int:
        """The number of theorems in the slice."""
        count = self._workspace.opened.count
        start, end = count * item // SLICES, count * (item + 1) // SLICES
        rows: list[TheoremRow] = []
        keys: list[tuple] = []
        for page in range(start, end, 250):
            size = min(250, end - page)
            rows += by_halves(self._workspace.theorems, page, size, lost_row)
            keys += by_halves(lambda first, n: self._workspace.keys(first, n).rows, page, size, lambda number: [])
        entries = [entry_of(row, self._workspace.opened.modules) for row in rows]
        sample = [(start + i, self._sites(start + i)) for i, entry in enumerate(entries)
                  if Policy().admits(entry.name, entry.tags, entry.term) and _is_drawn(entry.name, count)]
        with self._job.folder(slice_folder(self._job, item)) as part:
            tables.write(tables.to_table(entries, Entry), part / "theorems.parquet")
            numbers, sites = zip(*sample, strict=True) if sample else ((), ())
            asked = pa.table({"target": pa.array(numbers, pa.int64()), "sites": pa.array(sites, pa.binary())})
            tables.write(asked, part / "sample.parquet")
            columns = list(zip(*keys, strict=True)) if keys else [[] for _ in Key.__struct_fields__]
            tables.write(pa.table(dict(zip(Key.__struct_fields__, columns, strict=True))), part / "keys.parquet")
            if item == 0:
                opened = self._workspace.opened
                problems = [f"{p.file}:{p.line}: {p.message}" for p in opened.problems]
                write_whole(part / "library.json", msgspec.json.encode(
                    Described(self._workspace.ready.toolchain, opened.count, problems)))
                write_whole(part / "instances.json", msgspec.json.encode(self._workspace.instances()))
        return len(entries)

    def _sites(self, number: int) -> bytes:
        """What a target asks the index. One that can't be prepared asks nothing."""
        try:
            return msgspec.json.encode(self._workspace.target(number).shared_sites)
        except (EngineDied, EngineRefused):
            return msgspec.json.encode(SharedSites(forms=[], sites=[], instances=[]))

    def close(self) -> None:
        self._workspace.close()


def by_halves(ask: Callable[[int, int], list[Row]], first: int, count: int, lost: Callable[[int], list[Row]]) -> list[Row]:
    """A page. What ends its engine is found by asking for halves, and is lost alone."""
    try:
        return ask(first, count)
    except EngineDied:
        if count == 1:
            return lost(first)
    half = count // 2
    return by_halves(ask, first, half, lost) + by_halves(ask, first + half, count - half, lost)


def lost_row(number: int) -> list[TheoremRow]:
    """In the place of a theorem that can't be told: without a statement it is neither target nor lemma."""
    return [TheoremRow(name=f"_lost.{number}", module=0, line=None, statement=None, term=None, binders=[], level_params=[], tags=[],
                       docstring=None)]


def _is_drawn(name: str, count: int) -> bool:
    """Is a theorem in the sample of a library of `count`? By digest, so that it is the same in every slicing."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) % max(1, count // SAMPLE) == 0


EXTRACT = Stage(name="extract", worker=Extractor)


class Catalogue:
    """The extracted library, in the order of the engine's numbers."""

    def __init__(self, folder: Location, named: Sequence[str]):
        """named: the modules and files whose theorems are targets."""
        self._folder, self._named = folder, [_module_name(name) for name in named]
        self._slices = [folder / f"{i:02}" for i in range(SLICES)]
        self.described = msgspec.json.decode((self._slices[0] / "library.json").read_bytes(), type=Described)
        self.theorems: list[Entry] = tables.read([s / "theorems.parquet" for s in self._slices], Entry)
        self.numbers = {entry.name: i for i, entry in enumerate(self.theorems)}

    def keys(self) -> Iterator[Key]:
        for slice_ in self._slices:
            columns = tables.load(slice_ / "keys.parquet").to_pydict()
            for row in zip(*columns.values(), strict=True):
                yield Key(*row)

    def classes(self) -> Classes:
        return Classes(msgspec.json.decode((self._slices[0] / "instances.json").read_bytes()))

    def generality(self) -> Generality:
        rows = tables.load(self._folder / GENERALITY).to_pydict()
        uses = zip(rows["lemma"], rows["kind"], rows["direction"], strict=True)
        return Generality(dict(zip(uses, rows["share"], strict=True)), len(self.theorems))

    def sample(self) -> Iterator[tuple[int, list[Site]]]:
        """The targets on which generality is measured, and what each asks the index."""
        for slice_ in self._slices:
            rows = tables.load(slice_ / "sample.parquet").to_pydict()
            for number, sites in zip(rows["target"], rows["sites"], strict=True):
                yield number, msgspec.json.decode(sites, type=SharedSites).expanded()

    def library_of(self, entry: Entry) -> str:
        """The named library that a theorem stands in; else the root of its module."""
        return next((name for name in self._named if _stands_in(entry, name)), entry.module.split(".")[0])

    def is_of_library(self, entry: Entry) -> bool:
        """Does it stand in a named library, and not in what these import?"""
        return any(_stands_in(entry, name) for name in self._named)

    @staticmethod
    def is_ordinary(entry: Entry, policy: Policy = Policy()) -> bool:
        """Does the policy admit it, as target or lemma?"""
        return policy.admits(entry.name, entry.tags, entry.term)

    def record(self, entry: Entry) -> tables.Theorem:
        return tables.Theorem(
            name=entry.name, library=self.library_of(entry), module=entry.module, module_index=entry.module_index,
            statement=entry.statement, level_params=entry.level_params, tags=entry.tags,
            statement_key=entry.statement_key, docstring=entry.docstring, position=entry.position)


def _stands_in(entry: Entry, module: str) -> bool:
    return entry.module == module or entry.module.startswith(f"{module}.")


def slice_folder(job: Job, i: int) -> Location:
    return job.extract_folder / f"{i:02}"


def missing_slices(job: Job) -> list[int]:
    """Those that are not there, or can't be read."""
    return [i for i in range(SLICES) if not tables.are_whole(slice_folder(job, i), "theorems", "keys", "sample")
            or not (i or all((slice_folder(job, 0) / name).is_file() for name in ("library.json", "instances.json")))]


def measure_generality(job: Job) -> None:
    """Adds how general each lemma is to a whole extraction."""
    place = job.extract_folder / GENERALITY
    if tables.is_whole(place):
        return
    library = Catalogue(job.extract_folder, job.options.library)
    shares = measure(library.keys(), list(library.sample()), len(library.theorems), library.classes()).shares
    lemma, kind, direction = zip(*shares, strict=True) if shares else ((), (), ())
    tables.write(pa.table({"lemma": pa.array(lemma, pa.int64()), "kind": pa.array(kind, pa.string()),
                           "direction": pa.array(direction, pa.string()), "share": pa.array(list(shares.values()), pa.float64())}), place)


def _kept(job: Job) -> Path:
    return install.home() / "libraries" / library_digest(job.library)


def take_kept(job: Job) -> bool:
    """Takes the extraction of an earlier job, if there is one. True if nothing is missing."""
    kept = _kept(job)
    if missing_slices(job) and kept.is_dir():
        remove(job.extract_folder)
        with job.folder(job.extract_folder) as part:
            shutil.copytree(kept, part, dirs_exist_ok=True)
    return not missing_slices(job) and tables.is_whole(job.extract_folder / GENERALITY)


def keep(job: Job) -> None:
    """Keeps a whole extraction for later jobs. A full disk is no reason to fail."""
    with suppress(OSError):
        _brought(job)


def _brought(job: Job) -> Path:
    """A copy of the extraction on this machine, made once."""
    kept = _kept(job)
    if kept.is_dir():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{kept}.lock"):
        if kept.is_dir():
            return kept
        part = kept.parent / f"{kept.name}.part-{uuid4().hex}"
        try:
            part.mkdir()
            download(job.extract_folder, part)
            settle(part, kept)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return kept


def catalogue(job: Job) -> Catalogue:
    """The extraction of the job; that of a corpus in a store is brought to this machine. Raises JobError where it is not whole."""
    is_here = not is_local(job.extract_folder) and _kept(job).is_dir()
    if not is_here and (missing := missing_slices(job)):
        raise JobError(f"the library was not extracted: slices {missing} are missing")
    found = Catalogue(job.extract_folder if is_local(job.extract_folder) else _brought(job), job.options.library)
    if not found.theorems:
        raise JobError(f"{job.library} holds no theorems" + "".join(f"\n{p}" for p in found.described.problems[:5]))
    return found
