"""*benchmark build*: a harvest in, a benchmark in LeanDojo's format out.

The embedded library has no sources, so its declarations have no positions in files. Instead each module is listed, one declaration per
line: the theorems that definitions need after the definitions, then the proved theorems by round, then all others. A declaration's position
is its line in that list. So readers of the format find for each theorem what its proof may use: what is in imported files, and what is
above it in its own.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as version_of
from pathlib import Path

import jinja2
import msgspec

from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.protocol import AskDeclarations
from lean_alchemy.pipelines.benchmarks.leandojo import (
    PART_NAMES,
    SPLIT_NAMES,
    CorpusFile,
    Premise,
    Reference,
    SplitName,
    TheoremsByPart,
    TracedTactic,
    TracedTheorem,
    annotated,
    files_of,
    novel_premises_split,
    packed,
    random_split,
)
from lean_alchemy.pipelines.corpus.catalogue import Catalogue, Entry
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.corpus.options import TargetOptions
from lean_alchemy.pipelines.data.schema import Proof, Reject, Step
from lean_alchemy.pipelines.runtime import parquet, pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError, manifest_at
from lean_alchemy.pipelines.runtime.open_lean import opened, sized
from lean_alchemy.pipelines.runtime.runner import Retries
from lean_alchemy.pipelines.runtime.stage import Report, Shard, Stage, silent
from lean_alchemy.pipelines.runtime.storage import Location, exchange, make, new_folder, write_whole

URL = "https://github.com/leanprover/lean4"

MODULES_AT_ONCE = 15
"""Modules that a worker lists in one task: some seconds of work."""


class Declaration(msgspec.Struct, frozen=True):
    """A declaration that is no theorem."""

    module: str
    name: str
    kind: str
    signature: str | None


class Import(msgspec.Struct, frozen=True):
    """A module with the modules that it imports."""

    module: str
    imports: list[str]


class ModuleRange(msgspec.Struct, frozen=True):
    """A range of modules to list, by number. end: None: to the last module (modules after the last theorem are not counted)."""

    first: int
    end: int | None


class Lister:
    """A worker that lists the declarations of modules that are no theorems, and their imports."""

    def __init__(self, library: Library):
        self._workspace = opened(library)

    def __call__(self, items: Sequence[ModuleRange]) -> Iterator[Import | Declaration]:
        for modules in items:
            for number, module in list(enumerate(self._workspace.opened.modules))[modules.first:modules.end]:
                reply = self._workspace.ask(AskDeclarations(module=number))
                yield Import(module, reply.imports)
                yield from (Declaration(module, *row) for row in reply.rows)

    def close(self) -> None:
        self._workspace.close()


LIST = Stage(name="list", version=1, worker=Lister, tables={"imports": Import, "declarations": Declaration},
             name_of=lambda modules: f"modules from {modules.first}")


class Built(msgspec.Struct, frozen=True):
    """files: contents by name. theorems: number by split and part. premises: number of declarations. unresolved: premises of proofs that
    are not in the listing."""

    files: dict[str, bytes]
    theorems: dict[str, dict[str, int]]
    premises: int
    unresolved: list[str]
    seconds: float


def build_benchmark(out: Location, name: str, version: int, held_out: int, seed: int, workers: int, report: Report = silent) -> Built:
    """The benchmark of a harvest. held_out: number of theorems in val, and also in test. Raises UsageError if there is no harvest, or if it
    is too small."""
    start = time.monotonic()
    job = Job(out, manifest_at(out, "proofs").options_as(TargetOptions))
    with job.begin(), pool.cluster(workers):
        library = extracted(job, workers, report)
        corpus = list(_listing(job, library, workers, report))
    placed = {premise.full_name: (file.path, premise) for file in corpus for premise in file.premises}
    unresolved: Counter[str] = Counter()
    theorems = list(_theorems(job, library, placed, unresolved))
    if len(theorems) < 4 * held_out:
        raise UsageError(f"{len(theorems)} proofs are too few to hold out {held_out} for val and {held_out} for test: "
                         "harvest more, or set a smaller --test-size")
    splits: dict[SplitName, TheoremsByPart] = {
        "random": random_split(theorems, held_out, seed), "novel_premises": novel_premises_split(theorems, held_out, seed)}
    counts = {split: {part: len(splits[split][part]) for part in PART_NAMES} for split in SPLIT_NAMES}
    premises = sum(len(file.premises) for file in corpus)
    metadata = {
        "name": name, "version": version, "from_repo": {"url": URL, "commit": _commit(library)},
        "lean": library.described.toolchain.partition(",")[0], "library": job.options.library,
        "seed": seed, "theorems": counts, "files": len(corpus), "premises": premises,
        "made_with": "lean-alchemy " + version_of("lean-alchemy")}
    return Built(files_of(corpus, splits, metadata, _card(metadata, theorems)), counts, premises, sorted(unresolved),
                 time.monotonic() - start)


def write_benchmark(files: Mapping[str, bytes], folder: Location, pack: Path | None) -> None:
    """Writes the files as a folder, replacing an earlier one. pack: also as this `.tar.xz` file."""
    with new_folder(folder.parent / ".work") as made:
        for name, content in files.items():
            make((made / name).parent)
            (made / name).write_bytes(content)
        exchange(made, folder)
    if pack is not None:
        write_whole(pack, packed(files))


def _commit(library: Catalogue) -> str:
    """The commit in a toolchain such as `4.28.0, commit 38f3…`."""
    return library.described.toolchain.rpartition(" ")[2]


def path_of(module: str) -> str:
    """The path of the module's file in Lean's repository."""
    return f"src/{module.replace('.', '/')}.lean"


# --- the corpus -----------------------------------------------------------------------------------------------------------------


def _listing(job: Job, library: Catalogue, workers: int, report: Report) -> Iterator[CorpusFile]:
    """Every module of the library as a file, after the files that it imports. Raises JobError if some can't be listed."""
    firsts = range(0, _module_count(library), MODULES_AT_ONCE)
    ranges = [ModuleRange(first, first + MODULES_AT_ONCE if first != firsts[-1] else None) for first in firsts]
    shards = [Shard(job.key(LIST, modules), [modules]) for modules in ranges]
    ran = runner.run(job, sized(LIST, job.library), job.library, shards, workers, report, retries=Retries(retry_failed=True))
    failures = ran.failures
    declarations: dict[str, list[Declaration]] = defaultdict(list)
    for row in [row for shard in shards for row in runner.rows(job, LIST, shard, "declarations", failures)]:
        declarations[row.module].append(row)
    imports = [row for shard in shards for row in runner.rows(job, LIST, shard, "imports", failures)]
    if failures:
        raise JobError("listing the library failed: " + "; ".join(f"{failure.item}: {failure.what}" for failure in failures[:3]))
    theorems = _theorems_in_order(job, library)
    for row in imports:
        lines = [(d.name, d.kind, f"{d.kind} {d.name} {d.signature or ''}") for d in declarations[row.module]]
        lines += [(entry.name, "theorem", f"theorem {entry.name} {entry.statement or ''}") for entry in theorems[row.module]]
        premises = [_premise(number, *line) for number, line in enumerate(lines, 1)]
        yield CorpusFile(path_of(row.module), [path_of(module) for module in dict.fromkeys(row.imports)], premises)


def _module_count(library: Catalogue) -> int:
    """The number of modules up to the last one with a theorem."""
    return 1 + max(entry.module_index for entry in library.theorems)


def _premise(line: int, name: str, kind: str, code: str) -> Premise:
    code = " ".join(code.split())
    return Premise(name, code, (line, 1), (line, len(code) + 1), kind)


def _theorems_in_order(job: Job, library: Catalogue) -> Mapping[str, list[Entry]]:
    """The theorems of each module, in order: those that definitions need, the proved ones by round, then those that no proof of the module
    may use."""
    rounds = {proof.theorem: proof.round for proof in _rows(job, "proofs", Proof)}
    needed = {reject.target for reject in _rows(job, "rejects", Reject) if reject.reason == "mentioned before"}
    last = 1 + max(rounds.values(), default=0)
    by_module: dict[str, list[Entry]] = defaultdict(list)
    for entry in library.theorems:
        by_module[entry.module].append(entry)
    for entries in by_module.values():
        entries.sort(key=lambda entry: (0 if entry.name in needed else rounds.get(entry.name, last), entry.name))
    return by_module


def _rows(job: Job, table: str, record: type) -> list:
    return parquet.read(sorted((job.out / table).glob("*.parquet"), key=str), record)


# --- the theorems ---------------------------------------------------------------------------------------------------------------


def _theorems(job: Job, library: Catalogue, placed: Mapping[str, tuple[str, Premise]], unresolved: Counter[str]) -> Iterator[TracedTheorem]:
    """Each proved theorem with its steps. unresolved: counts the premises that are not in the listing."""
    steps: dict[str, list[Step]] = defaultdict(list)
    for step in _rows(job, "steps", Step):
        steps[step.theorem].append(step)
    for proof in sorted(_rows(job, "proofs", Proof), key=lambda proof: proof.theorem):
        path, place = placed[proof.theorem]
        own = sorted(steps[proof.theorem], key=lambda step: step.step)
        yield TracedTheorem(
            url=URL, commit=_commit(library), file_path=path, full_name=proof.theorem, start=place.start, end=place.end,
            traced_tactics=[_traced(step, placed, unresolved) for step in own], statement=proof.statement,
            level_params=proof.level_params, round=proof.round, line=proof.line,
            statement_key=library.theorems[library.numbers[proof.theorem]].statement_key)


def _traced(step: Step, placed: Mapping[str, tuple[str, Premise]], unresolved: Counter[str]) -> TracedTactic:
    unresolved.update(premise for premise in step.premises if premise not in placed)
    text, named = annotated(step.tactic, [premise for premise in step.premises if premise in placed])
    references = [Reference(name, placed[name][0], placed[name][1].start, placed[name][1].end) for name in named]
    return TracedTactic(step.tactic, (text, references), step.state_before, step.state_after)


# --- the card -------------------------------------------------------------------------------------------------------------------


def _card(metadata: Mapping, theorems: Sequence[TracedTheorem]) -> str:
    return _TEMPLATE.render(
        **metadata, commit=metadata["from_repo"]["commit"], proofs=len(theorems), tactics=sum(len(t.traced_tactics) for t in theorems),
        naming=sum(bool(t.premises) for t in theorems), rounds=sorted(Counter(t.round for t in theorems).items()),
        lines=Counter(t.line for t in theorems).most_common())


_TEMPLATE = jinja2.Template((Path(__file__).parent / "card.md").read_text(encoding="utf-8"), keep_trailing_newline=True)
