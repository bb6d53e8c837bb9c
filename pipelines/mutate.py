"""*mutate*: a shard of targets goes in; its verified variants, and everything that was not kept, come out.

For each target: find (the index), try (Lean), judge (the rules), write (kernel check, print, read back).
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator

import msgspec

from lean_workspace.embedded import install
from lean_workspace.process import EngineDied, EngineRefused, require_kinds
from lean_workspace.protocol import Candidate, Refusal, Written
from lean_workspace.workspace import Draft, Lost, PreparedTarget, Useless, Workspace
from mutation import terms
from mutation.candidates import Lemmas, variant_id, variant_name
from mutation.quality import PATTERN_RULES, STATEMENT_RULES, Judged, first_objection
from pipelines import tables
from pipelines.extract import Catalogue, Entry, catalogue
from pipelines.job import SHARD_TARGETS, Job, UsageError, write_whole
from pipelines.stage import Stage
from pipelines.tables import Reject, Variant


class Shard(msgspec.Struct, frozen=True):
    """A chunk of targets, by name."""

    key: str
    targets: list[str]


class Tally(msgspec.Struct):
    """What a target or a shard came to. candidates = variants + the rejects of their attempts."""

    targets: int = 0
    candidates: int = 0
    kernel_checked: int = 0
    elaborated: int = 0

    def add(self, other: "Tally") -> None:
        for name in Tally.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def draw_targets(job: Job, library: Catalogue) -> list[str]:
    """The targets in the order in which they are drawn: by digest of seed and name, so that 300 are a subset
    of 1,000. Raises UsageError where a name is no theorem, or nothing is left."""
    options = job.options
    if options.target:
        for name in options.target:
            if not library.is_of_library(named_entry(name, library)):
                raise UsageError(f"{name} does not stand in {', '.join(options.library)}; name its library with --library")
        return list(dict.fromkeys(options.target))
    entries = [e for e in library.theorems if library.is_of_library(e) and library.is_ordinary(e)]
    if options.module is not None:
        entries = [e for e in entries if e.module == options.module or e.module.startswith(f"{options.module}.")]
        if not entries:
            raise UsageError(f"no ordinary theorem of {', '.join(options.library)} stands in a module {options.module}")
    names = sorted((e.name for e in entries), key=lambda name: hashlib.blake2b(f"{options.seed}\0{name}".encode()).digest())
    return names[:options.targets]


def named_entry(name: str, library: Catalogue) -> Entry:
    """The theorem that a user names. Raises UsageError where it is none, or none that can be mutated."""
    if name not in library.numbers:
        raise UsageError(_unknown_theorem(name, library))
    entry = library.theorems[library.numbers[name]]
    if entry.term is None:
        raise UsageError(f"the statement of {name} is too large to be mutated")
    return entry


def _unknown_theorem(name: str, library: Catalogue) -> str:
    close = difflib.get_close_matches(name, library.numbers, n=3, cutoff=0.7)
    return f"there is no theorem {name}" + (f"; did you mean {', '.join(close)}?" if close else " in this library")


def shards_of(job: Job, targets: list[str]) -> list[Shard]:
    """Fixed chunks of the order: the first hundred targets make the same shards in every larger job."""
    chunks = [targets[i:i + SHARD_TARGETS] for i in range(0, len(targets), SHARD_TARGETS)]
    return [Shard(job.shard_key(chunk), chunk) for chunk in chunks]


def is_done(job: Job, shard: Shard) -> bool:
    """Is the shard on disk, and can all of it be read?"""
    folder = job.mutate_folder / shard.key
    return folder.is_dir() and all(tables.is_whole(folder / f"{t}.parquet") for t in ("variants", "rejects"))


class Mutator:
    """Holds an engine and the index; works on one shard after the other."""

    def __init__(self, job: Job):
        self._job = job
        self._library = catalogue(job)
        keep_all = job.options.keep_all
        self._rules = () if keep_all else STATEMENT_RULES
        admitted = {i for i, e in enumerate(self._library.theorems) if keep_all or self._library.is_ordinary(e)}
        self._lemmas = Lemmas(self._library.keys(), job.options.kinds, admitted, () if keep_all else PATTERN_RULES)
        self._existing = {e.statement_key for e in self._library.theorems}
        self._existing_unoriented = set() if keep_all else {e.near_key for e in self._library.theorems}
        self._workspace = Workspace(install.launch, job.library)
        require_kinds(self._workspace.ready, job.options.kinds)

    def __call__(self, shard: Shard) -> Tally:
        """Works on the shard and leaves it on disk; a shard that is there is left as it is."""
        folder = self._job.mutate_folder / shard.key
        variants: list[Variant] = []
        rejects: list[Reject] = []
        tally = Tally()
        for name in shard.targets:
            for row in self.variants_of(name, tally):
                (variants if isinstance(row, Variant) else rejects).append(row)
        with self._job.folder(folder) as part:
            tables.write(tables.to_table(variants, Variant), part / "variants.parquet")
            tables.write(tables.to_table(rejects, Reject), part / "rejects.parquet")
            write_whole(part / "tally.json", msgspec.json.encode(tally))
        return tally

    def close(self) -> None:
        self._workspace.close()

    def variants_of(self, name: str, tally: Tally) -> Iterator[Variant | Reject]:
        """Every attempt on a target leaves by one of two doors."""
        number = self._library.numbers[name]
        entry = self._library.theorems[number]
        tally.targets += 1
        try:
            target = self._workspace.target(number)
        except EngineDied as died:
            yield self._set_aside(entry, died.cause)
            return
        except EngineRefused as refused:
            yield self._set_aside(entry, "not prepared", str(refused))
            return
        candidates = self._lemmas.candidates(number, target.sites)
        came = Tally(candidates=len(candidates))
        try:
            rows = list(self._work(entry, target, candidates, came))
        except EngineDied as died:  # at preparing the target again, twice: nothing of it counts
            yield self._set_aside(entry, died.cause)
            return
        tally.add(came)
        yield from rows

    def _work(self, entry: Entry, target: PreparedTarget, candidates: list[Candidate], tally: Tally) -> Iterator[Variant | Reject]:
        sites = {site.site: site.name for site in target.sites}
        refused: Counter[str] = Counter()
        drafts: list[tuple[Draft, str]] = []
        seen: set[str] = set()
        for candidate, outcome in target.attempt(candidates):
            if isinstance(outcome, Useless):
                refused[outcome.reason] += 1
            elif isinstance(outcome, Lost):
                yield self._reject(entry, candidate, sites, "attempt", outcome.cause)
            elif reason := self._objection(entry, outcome, seen):
                yield self._reject(entry, candidate, sites, "quality", reason)
            else:
                drafts.append((outcome, variant_name(self._id(entry, candidate, sites))))
        for reason, n in sorted(refused.items()):
            yield self._set_aside(entry, reason, n=n, stage="attempt")
        for draft, outcome in target.write(drafts):
            if isinstance(outcome, Written):
                tally.kernel_checked += 1
                tally.elaborated += 1
                yield self._variant(entry, draft, outcome, sites)
            elif isinstance(outcome, Lost):
                yield self._reject(entry, draft.candidate, sites, "verify", outcome.cause)
            else:
                tally.kernel_checked += outcome.stage not in ("kernel", "budget")
                yield self._reject(entry, draft.candidate, sites, "verify", *_reason(outcome))

    def _objection(self, entry: Entry, draft: Draft, seen: set[str]) -> str | None:
        """Why a statement is not worth checking. seen: the keys of the target's drafts so far."""
        key = terms.statement_key(draft.term)
        if key in seen:
            return "duplicate"
        seen.add(key)
        if key in self._existing:
            return "existing theorem"
        statement = terms.parse(draft.term)
        if rule := first_objection(Judged(statement, terms.parse(entry.term)), self._rules):
            return rule.name
        if self._existing_unoriented and terms.near_key(statement) in self._existing_unoriented:
            return "existing theorem"
        return None

    def _id(self, entry: Entry, candidate: Candidate, sites: dict[int, str]) -> str:
        return variant_id(entry.name, self._library.theorems[candidate.rule].name, candidate, sites[candidate.site])

    def _provenance(self, entry: Entry, candidate: Candidate, sites: dict[int, str]) -> dict:
        return {
            "variant_id": self._id(entry, candidate, sites), "target": entry.name, "module": entry.module,
            "library": self._library.library_of(entry), "kind": candidate.kind, "site": sites[candidate.site],
            "lemma": self._library.theorems[candidate.rule].name,
            "direction": "backward" if candidate.backward else "forward", "occurrence": max(candidate.occurrence, 1)}

    def _variant(self, entry: Entry, draft: Draft, written: Written, sites: dict[int, str]) -> Variant:
        return Variant(
            **self._provenance(entry, draft.candidate, sites), toolchain=self._library.described.toolchain, depth=1, parents=[],
            statement=written.statement, proof=written.proof, theorem=written.theorem,
            statement_key=terms.statement_key(draft.term), kernel_checked=True, elaborated=True,
            print_options=written.print_options, axioms=written.axioms, elapsed_ms=sum(written.micros) / 1000)

    def _reject(self, entry: Entry, candidate: Candidate, sites: dict[int, str], stage: str, reason: str,
                message: str | None = None) -> Reject:
        return Reject(**self._provenance(entry, candidate, sites), stage=stage, reason=reason, message=message)

    def _set_aside(self, entry: Entry, reason: str, message: str | None = None, n: int = 1, stage: str = "target") -> Reject:
        return Reject(target=entry.name, library=self._library.library_of(entry), module=entry.module,
                      stage=stage, reason=reason, n=n, message=message)


def _reason(refusal: Refusal) -> tuple[str, str]:
    return refusal.stage, refusal.message[:500]


MUTATE = Stage(name="mutate", worker=Mutator)
