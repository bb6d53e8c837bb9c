"""*mutate*: makes the verified variants of a shard of targets, and records the rejected attempts.

For each target: find candidates (the index), try them (Lean), judge the drafts (the rules of the policy), and write them (kernel check,
printing, elaboration of the text). With `--depth` the best variants are mutated again.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused, require_kinds
from lean_alchemy.lean_workspace.protocol import Candidate, Refusal, Style, Written
from lean_alchemy.lean_workspace.workspace import Draft, Lost, PreparedTarget, Useless, Workspace
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.kinds import kinds_within
from lean_alchemy.mutation.policy.rules import (
    EXPLICIT,
    FOREIGN_CAP,
    MATCHER,
    NEAR_DUPLICATE,
    TARGET_CAP,
    NewStatement,
    Policy,
    PrintedStatement,
    first_objection,
)
from lean_alchemy.mutation.policy.score import company, score
from lean_alchemy.mutation.search.candidates import Lemmas, variant_id, variant_name
from lean_alchemy.pipelines.corpus.catalogue import Catalogue, Entry
from lean_alchemy.pipelines.corpus.extract import catalogue
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import SHARD_TARGETS, chunks_of
from lean_alchemy.pipelines.data.schema import Reject, Variant
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import Failure, Shard, Stage, Sums


class MutateTally(Sums):
    """Counts over targets. candidates = variants + rejected attempts."""

    targets: int = 0
    candidates: int = 0
    kernel_checked: int = 0
    elaborated: int = 0
    audited: int = 0
    rejects: dict[str, int] = msgspec.field(default_factory=dict)
    """Numbers of rejected attempts, by `stage: reason`."""
    seconds: float = 0.0
    """Seconds of the worker, without the start of its first engine."""
    lean_s: dict[str, float] = msgspec.field(default_factory=dict)
    """Seconds of Lean among these, by request."""
    write_s: dict[str, float] = msgspec.field(default_factory=dict)
    """Seconds of the request `write`, by part: kernel, print, elaborate."""


class Origin(msgspec.Struct, frozen=True):
    """The start of a mutation: the theorem, or a variant of it. steps: the candidates that lead to it. parents: the ids of the variants
    on this path."""

    steps: tuple[Candidate, ...] = ()
    parents: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """The depth of the variants that start here."""
        return len(self.steps) + 1


BREADTH = 4
"""With `--depth`: the number of variants of a target, the best by score, that are mutated again at each depth."""


class DraftToWrite(msgspec.Struct, frozen=True):
    """A draft that no rule rejects. is_foreign: does it only add an unrelated subject?"""

    draft: Draft
    variant_id: str
    score: float
    is_foreign: bool


AUDIT = "audit"
AUDITED = 64
"""One text in 64 is also elaborated as a whole command, to check the faster judgement by parts. The id of the variant decides."""


def is_audited(variant_id: str) -> bool:
    return int(variant_id, 16) % AUDITED == 0


def style_of(policy: Policy) -> Style:
    """Styles that the policy's text rules would reject are not printed at all."""
    left_out = {rule.name for rule in policy.texts}
    return Style(explicitly=EXPLICIT not in left_out, matchers=MATCHER not in left_out)


def index_of(library: Catalogue, options: Options) -> Lemmas:
    """The index over the lemmas that the policy admits."""
    policy = options.policy
    admitted = {i for i, e in enumerate(library.theorems) if options.keep_all or library.is_ordinary(e, policy)}
    return Lemmas(library.keys(), kinds_within(options.kinds, options.reach), admitted, policy.patterns,
                  library.generality().generic(policy.generic_share), classes=library.classes())


class Mutator:
    """Holds an engine and the index; works on targets."""

    def __init__(self, job: Job[Options], library: Catalogue | None = None, workspace: Callable[[], Workspace] | None = None):
        """library: the extracted library of the job; None: it is loaded. workspace: returns one in which the library is open; None: one is
        opened."""
        self._options = options = job.options
        self._library = library or catalogue(job)
        self._policy = options.policy
        self._generality = self._library.generality()
        self._lemmas = index_of(self._library, options)
        self._style = style_of(self._policy)
        self._existing = {e.statement_key for e in self._library.theorems}
        self._existing_near = {e.near_key for e in self._library.theorems} if self._policy.near_duplicates else set()
        self._workspace = workspace() if workspace else opened(job.library)
        require_kinds(self._workspace.ready, options.kinds)
        gc.freeze()  # Freeze: the library is never garbage.

    def __call__(self, items: Sequence[str]) -> Iterator[Variant | Reject | Failure | MutateTally]:
        """items: the names of targets."""
        tally = MutateTally()
        start, before = time.monotonic(), dict(self._workspace.spent)
        for name in items:
            for row in self.variants_of(name, tally):
                if isinstance(row, Reject):
                    reason = f"{row.stage}: {row.reason}"
                    tally.rejects[reason] = tally.rejects.get(reason, 0) + row.n
                yield row
        tally.seconds = time.monotonic() - start
        tally.lean_s = {work: s - before.get(work, 0.0) for work, s in self._workspace.spent.items() if s > before.get(work, 0.0)}
        yield tally

    def close(self) -> None:
        self._workspace.close()

    def variants_of(self, name: str, tally: MutateTally) -> Iterator[Variant | Reject | Failure]:
        """The variants and rejects of a target. Every attempt becomes a variant or is counted in a reject. Raises EngineDied if the engine
        was killed from outside several times."""
        number = self._library.numbers[name]
        entry = self._library.theorems[number]
        tally.targets += 1
        of_target = MutateTally()
        try:
            rows = list(self._in_steps(MutatedTheorem(entry, self._library.library_of(entry), number), of_target))
        except EngineDied as died:  # the engine died twice while it prepared the target: discard its rows
            if died.cause == "killed":
                raise
            yield self._set_aside(entry, died.cause)
        except EngineRefused as refused:
            yield self._set_aside(entry, "not prepared", str(refused))
        else:
            tally.add(of_target)
            yield from rows

    def _in_steps(self, work: "MutatedTheorem", tally: MutateTally) -> Iterator[Variant | Reject | Failure]:
        """The variants of the theorem, then variants of the best of these, up to the depth of the options."""
        begin = [Origin()]
        for _ in range(self._options.depth):
            made: list[tuple[Variant, Origin]] = []
            for origin in begin:
                target = self._workspace.target(work.number, origin.steps, self._style)
                if not target.reads_back and not self._options.keep_all:
                    yield self._set_aside(work.entry, "does not read back")
                    return
                for row, candidate in self._step(work, origin, target, tally):
                    yield row
                    if isinstance(row, Variant) and candidate is not None:
                        made.append((row, Origin((*origin.steps, candidate), (*origin.parents, row.variant_id))))
            made.sort(key=lambda pair: (-pair[0].score, pair[0].variant_id))
            begin = [origin for _, origin in made[:BREADTH]]

    def _step(self, work: "MutatedTheorem", origin: Origin, target: PreparedTarget,
              tally: MutateTally) -> Iterator[tuple[Variant | Reject | Failure, Candidate | None]]:
        """Find, try, judge, write: the rows of one target, each with its candidate."""
        sites = {site.site: site.name for site in target.sites}
        candidates = self._lemmas.candidates(work.number, target.sites)
        tally.candidates += len(candidates)
        refused: Counter[str] = Counter()
        worth: list[DraftToWrite] = []
        before = [self._library.theorems[step.lemma].term or "" for step in origin.steps]

        def lemmas(candidate: Candidate) -> str:
            return "\t".join([*before, self._library.theorems[candidate.lemma].term or ""])

        for candidate, outcome in target.attempt(candidates):
            if isinstance(outcome, Useless):
                refused[outcome.reason] += 1
            elif isinstance(outcome, Lost):
                yield self._reject(work, origin, candidate, sites, "attempt", outcome.cause), candidate
            elif outcome.conditions and not self._options.side_conditions:
                refused["side goals"] += 1
            elif outcome.introduces and not self._options.new_variables:
                refused["new variables"] += 1
            elif isinstance(judged := self._judge(work, outcome.term, lemmas(candidate)), str):
                yield self._reject(work, origin, candidate, sites, "quality", judged), candidate
            else:
                share = self._generality.share(candidate.lemma, candidate.kind, candidate.backward)
                worth.append(DraftToWrite(outcome, self._id(work, origin, candidate, sites), score(judged, share),
                                   company(judged) == 0))
        for reason, n in sorted(refused.items()):
            yield self._set_aside(work.entry, reason, n=n, stage="attempt", depth=origin.depth), None
        worth, foreign = _best(worth, self._policy.foreign_cap, origin, lambda one: one.is_foreign)
        worth, capped = _best(worth, self._policy.target_cap, origin)
        for one, reason in [*((one, FOREIGN_CAP) for one in foreign), *((one, TARGET_CAP) for one in capped)]:
            yield self._reject(work, origin, one.draft.candidate, sites, "quality", reason), one.draft.candidate
        by_candidate = {one.draft.candidate: one for one in worth}
        audited = {variant_name(one.variant_id) for one in worth if is_audited(one.variant_id)}
        tally.audited += len(audited)
        for draft, outcome in target.write([(one.draft, variant_name(one.variant_id)) for one in worth], audited):
            one = by_candidate[draft.candidate]
            if isinstance(outcome, Refusal) and outcome.stage == AUDIT:
                yield self._disagreement(work, one, outcome), None
            yield self._written(work, origin, one, outcome, sites, tally), draft.candidate

    def _judge(self, work: "MutatedTheorem", term: str, lemmas: str) -> NewStatement | str:
        """The new statement with its target, or the reason to reject it. lemmas: the statements of the lemmas that led to it."""
        key = terms.statement_key(term)
        if key in work.seen:
            return "duplicate"
        work.seen.add(key)
        if key in self._existing:
            return "existing theorem"
        judged = NewStatement(terms.parse(term), work.statement, lemmas)
        if rule := first_objection(judged, self._policy.statements):
            return rule.name
        if self._policy.near_duplicates:
            near = work.near_keys[term] = terms.near_key(judged.statement)
            if near in self._existing_near:
                return "existing theorem"
            if near in work.near:
                return NEAR_DUPLICATE
            work.near.add(near)
        return judged

    def _written(self, work: "MutatedTheorem", origin: Origin, one: DraftToWrite, outcome: Written | Refusal | Lost, sites: dict[int, str],
                 tally: MutateTally) -> Variant | Reject:
        candidate = one.draft.candidate
        if isinstance(outcome, Lost):
            return self._reject(work, origin, candidate, sites, "verify", outcome.cause)
        if isinstance(outcome, Refusal):
            tally.kernel_checked += outcome.stage not in ("kernel", "budget")
            if outcome.stage == "match":
                return self._reject(work, origin, candidate, sites, "quality", MATCHER)
            if outcome.stage == "statement" and not self._style.explicitly:
                return self._reject(work, origin, candidate, sites, "quality", EXPLICIT)
            return self._reject(work, origin, candidate, sites, "verify", outcome.stage, outcome.message[:500])
        tally.kernel_checked += 1
        tally.elaborated += 1
        for part, micros in zip(("kernel", "print", "elaborate"), outcome.micros, strict=True):
            tally.write_s[part] = tally.write_s.get(part, 0.0) + micros / 1e6
        printed = PrintedStatement(outcome.statement, outcome.print_options)
        if rule := next((rule for rule in self._policy.texts if rule.objects(printed)), None):
            return self._reject(work, origin, candidate, sites, "quality", rule.name)
        # The elaborated text may contain other proof terms than the draft, and so may state an existing theorem.
        if outcome.term != one.draft.term and isinstance(judged := self._judge(work, outcome.term, ""), str):
            return self._reject(work, origin, candidate, sites, "quality", judged)
        return Variant(
            **self._provenance(work, origin, candidate, sites), toolchain=self._library.described.toolchain, parents=list(origin.parents),
            statement=outcome.statement, proof=outcome.proof, theorem=outcome.theorem,
            statement_key=terms.statement_key(outcome.term), near_key=work.near_key(outcome.term),
            kernel_checked=True, elaborated=True, print_options=outcome.print_options, axioms=outcome.axioms,
            elapsed_ms=sum(outcome.micros) / 1000, score=one.score)

    @staticmethod
    def _disagreement(work: "MutatedTheorem", one: DraftToWrite, outcome: Refusal) -> Failure:
        return Failure.of(
            MUTATE.name, work.entry.name, f"audit: the text of variant {one.variant_id} was accepted when checked in parts, but the whole "
            f"command reports {outcome.message}. This is a bug in lean-alchemy: please report it. The variant is rejected")

    def _id(self, work: "MutatedTheorem", origin: Origin, candidate: Candidate, sites: dict[int, str]) -> str:
        begin = origin.parents[-1] if origin.parents else work.entry.name
        return variant_id(begin, self._library.theorems[candidate.lemma].name, candidate, sites[candidate.site])

    def _provenance(self, work: "MutatedTheorem", origin: Origin, candidate: Candidate, sites: dict[int, str]) -> dict:
        return {
            "variant_id": self._id(work, origin, candidate, sites), "target": work.entry.name, "module": work.entry.module,
            "library": work.library, "kind": candidate.kind, "site": sites[candidate.site],
            "lemma": self._library.theorems[candidate.lemma].name, "direction": "backward" if candidate.backward else "forward",
            "occurrence": max(candidate.occurrence, 1), "depth": origin.depth}

    def _reject(self, work: "MutatedTheorem", origin: Origin, candidate: Candidate, sites: dict[int, str], stage: str, reason: str,
                message: str | None = None) -> Reject:
        return Reject(**self._provenance(work, origin, candidate, sites), stage=stage, reason=reason, message=message)

    def _set_aside(self, entry: Entry, reason: str, message: str | None = None, n: int = 1, stage: str = "target",
                   depth: int = 1) -> Reject:
        return Reject(target=entry.name, library=self._library.library_of(entry), module=entry.module,
                      stage=stage, reason=reason, n=n, message=message, depth=depth)


class MutatedTheorem:
    """A theorem during its mutation, and the statements found so far."""

    def __init__(self, entry: Entry, library: str, number: int):
        self.entry, self.library, self.number = entry, library, number
        self.statement = terms.parse(entry.term or "")
        self.seen: set[str] = set()
        """Statement keys of the drafts so far."""
        self.near: set[str] = {terms.near_key(self.statement)}
        self.near_keys: dict[str, str] = {}
        """Near keys of the terms that were judged."""

    def near_key(self, term: str) -> str:
        return self.near_keys.get(term) or terms.near_key(terms.parse(term))


MUTATE = Stage(name="mutate", version=2, worker=Mutator, tally=MutateTally, tables={"variants": Variant, "rejects": Reject})


def shards_of(job: Job[Options], targets: list[str], size: int = SHARD_TARGETS) -> list[Shard]:
    """The shards of the targets, in order. The key of a shard is a digest of its targets and of the options that matter for them."""
    options = job.options
    return [Shard(job.key(MUTATE, options.of_variants(), chunk), chunk) for chunk in chunks_of(targets, options.skip_target, size)]


def _best(worth: list[DraftToWrite], cap: int | None, origin: Origin,
          counts: Callable[[DraftToWrite], bool] = lambda one: True) -> tuple[list[DraftToWrite], list[DraftToWrite]]:
    """The drafts within the cap of a target, in the order of their candidates, and the others. counts: the drafts to which the cap applies.
    Drafts that add an unrelated subject with its variables are dropped first, then those with the lowest score."""
    if cap is None:
        return worth, []
    cap = cap if origin.depth == 1 else max(1, cap // BREADTH)
    best_first = sorted(filter(counts, worth),
                        key=lambda one: (one.is_foreign and one.draft.introduces, -one.score, one.variant_id))
    over = {one.variant_id for one in best_first[cap:]}
    return [one for one in worth if one.variant_id not in over], [one for one in worth if one.variant_id in over]
