"""*refute*: makes false statements that look like variants of a shard of targets, each with a theorem of its negation.

For each target: change the statement (use a lemma in the wrong direction, drop a hypothesis, change a numeral, exchange two variables),
then refute it (Lean searches for a counterexample over small values, and checks the text of the proof). A changed statement without a
counterexample may be true, so it is only counted. No row can be equal to a theorem or a variant, because these have proofs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import Change, ChangePlace, Refusal, Refutation
from lean_alchemy.lean_workspace.workspace import Lost, PreparedTarget
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.false_statements import (
    FALSE_RULES,
    MAX_ALIKE,
    WRONG_WAY_RULES,
    WrongWay,
    refuted_id,
    refuted_name,
    word_of,
)
from lean_alchemy.mutation.policy.rules import NewStatement, first_objection
from lean_alchemy.pipelines.corpus.catalogue import Entry
from lean_alchemy.pipelines.corpus.extract import catalogue
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import chunks_of
from lean_alchemy.pipelines.data.partitions import PARTITIONS, Each, Partitioned, StepResult, all_of, first_of_each, groups
from lean_alchemy.pipelines.data.schema import Refuted, Reject
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import Shard, Stage, Sums
from lean_alchemy.pipelines.runtime.storage import Location


class RefuteTally(Sums):
    """changed = rows + rejects of the stage `refute`."""

    changed: int = 0
    refuted: int = 0


class Refuter:
    """Holds an engine and the index; works on targets."""

    def __init__(self, job: Job[Options]):
        options = job.options
        self._library = catalogue(job)
        keep_all, policy = options.keep_all, options.policy
        self._rules = () if keep_all else (*policy.statements, *FALSE_RULES)
        admitted = {i for i, e in enumerate(self._library.theorems) if keep_all or self._library.is_ordinary(e, policy)}
        self._wrong_way = WrongWay(self._library.keys(), admitted, () if keep_all else WRONG_WAY_RULES,
                                   classes=self._library.classes())
        self._workspace = opened(job.library)

    def __call__(self, items: Sequence[str]) -> Iterator[Refuted | Reject | RefuteTally]:
        """items: the names of targets."""
        for name in items:
            tally = RefuteTally()
            for row in self.refuted_of(name, tally):
                tally.refuted += isinstance(row, Refuted)
                yield row
            yield tally

    def close(self) -> None:
        self._workspace.close()

    def refuted_of(self, name: str, tally: RefuteTally) -> Iterator[Refuted | Reject]:
        """Every changed statement of a target becomes a row or is counted as a reject, by reason."""
        number = self._library.numbers[name]
        entry = self._library.theorems[number]
        try:
            target = self._workspace.target(number)
            rows = list(self._work(entry, target, self._changes(number, entry, target)))
        except EngineDied as died:
            if died.cause == "killed":
                raise
            yield self._reject(entry, died.cause)
        except EngineRefused:
            yield self._reject(entry, "not prepared")
        else:
            tally.changed += sum(row.n if isinstance(row, Reject) else 1 for row in rows)
            yield from rows

    def _changes(self, number: int, entry: Entry, target: PreparedTarget) -> list[Change]:
        sites = {site.site: site.name for site in target.sites}
        places = [(place, None) for place in target.places()]
        places += [(ChangePlace("apply", site, occurrence), lemma)
                   for site, lemma, occurrence in self._wrong_way.places(number, target.sites)]
        return [
            Change(place.kind, place.site, lemma, place.occurrence,
                   refuted_name(refuted_id(entry.name, place, sites[place.site], self._lemma(lemma))))
            for place, lemma in places]

    def _work(self, entry: Entry, target: PreparedTarget, wanted: list[Change]) -> Iterator[Refuted | Reject]:
        sites = {site.site: site.name for site in target.sites}
        refused: Counter[str] = Counter()
        seen: set[str] = set()
        found: list[Refuted] = []
        for change, outcome in target.refute(wanted):
            if isinstance(outcome, Lost):
                refused[outcome.cause] += 1
            elif isinstance(outcome, Refusal):
                refused[outcome.message if outcome.stage in ("change", "search") else outcome.stage] += 1
            elif reason := self._objection(entry, outcome, seen):
                refused[reason] += 1
            else:
                found.append(self._row(entry, change, outcome, sites[change.site]))
        alike: Counter[tuple[str, str]] = Counter()
        for row in sorted(found, key=lambda row: (len(row.statement), row.refuted_id)):
            alike[row.change, row.site] += 1
            if self._rules and alike[row.change, row.site] > MAX_ALIKE:
                refused["one of many"] += 1
            else:
                yield row
        for reason, n in sorted(refused.items()):
            yield self._reject(entry, reason, n, stage="refute")

    def _objection(self, entry: Entry, outcome: Refutation, seen: set[str]) -> str | None:
        key = terms.statement_key(outcome.term)
        if key in seen:
            return "duplicate"
        seen.add(key)
        rule = first_objection(NewStatement(terms.parse(outcome.term), terms.parse(entry.term or "")), self._rules)
        return rule.name if rule else None

    def _lemma(self, lemma: int | None) -> str | None:
        return None if lemma is None else self._library.theorems[lemma].name

    def _row(self, entry: Entry, change: Change, outcome: Refutation, site: str) -> Refuted:
        word = word_of(change)
        return Refuted(
            refuted_id=change.name.removeprefix(refuted_name("")), target=entry.name, library=self._library.library_of(entry),
            module=entry.module, toolchain=self._library.described.toolchain, kind=change.kind, site=site,
            lemma=self._lemma(change.lemma), direction=word.direction, occurrence=max(change.occurrence, 1), change=word.word,
            statement=outcome.statement, counterexample=outcome.counterexample, proof=outcome.proof, theorem=outcome.theorem,
            statement_key=terms.statement_key(outcome.term), theorem_key=terms.statement_key(outcome.negation),
            kernel_checked=True, print_options=outcome.print_options, axioms=outcome.axioms, elapsed_ms=outcome.micros / 1000)

    def _reject(self, entry: Entry, reason: str, n: int = 1, stage: str = "target") -> Reject:
        return Reject(target=entry.name, library=self._library.library_of(entry), module=entry.module,
                      stage=stage, reason=reason, n=n)


REFUTE = Stage(name="refute", version=2, worker=Refuter, tally=RefuteTally, tables={"refuted": Refuted, "rejects": Reject})


def shards_of(job: Job[Options], targets: list[str]) -> list[Shard]:
    """The shards of the targets; they have the same targets as those of *mutate*."""
    options = job.options
    what = {"keep_all": options.keep_all, "without": sorted(options.without)}
    return [Shard(job.key(REFUTE, what, chunk), chunk) for chunk in chunks_of(targets, options.skip_target)]


class RefutedPartitions(Partitioned, frozen=True):
    """The steps from the shards to the table: *read* and *distinct*."""

    record: ClassVar = Refuted
    table: ClassVar = "refuted"
    stage: ClassVar = "refute"

    def distinct(self, part: str) -> StepResult:
        """Keeps one row per statement, that with the smallest id, and writes one file of the table."""
        table, drops = self.admitted(self.part("read", part))
        table, doubles = first_of_each(table, "statement_key", [("refuted_id", "ascending")])
        parquet.write(table, self.folder / "refuted" / f"part-{part}.parquet")
        return self.result(table, [*drops, self.rejected(doubles, "duplicate")], f"distinct-{part}")


def write_table(partitions: RefutedPartitions, shards: list[Location], each: Each = map) -> StepResult:
    """Runs both steps. They write the tables `refuted` and `rejects` below the partitions' folder."""
    return all_of(each, partitions.read, groups(shards)).then(all_of(each, partitions.distinct, PARTITIONS))
