"""*refute*: a shard of targets goes in; statements that look like their variants and are false come out, each with
the theorem of its negation.

For each target: change (a lemma the wrong way round, a hypothesis dropped, a numeral, two variables), refute (Lean
looks for a counterexample over small values and judges the text of the proof). A changed statement without a
counterexample may be true; it is counted and forgotten. No row can state a theorem or a variant: both have proofs.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec

from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.protocol import Change, Place, Refusal, Refutation
from lean_alchemy.lean_workspace.workspace import Lost, PreparedTarget
from lean_alchemy.mutation import false_statements as changes
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.false_statements import FALSE_RULES, MAX_ALIKE, WRONG_WAY_RULES, WrongWay, refuted_id, refuted_name, word_of
from lean_alchemy.mutation.policy.rules import Judged, first_objection
from lean_alchemy.pipelines.corpus.extract import Entry, catalogue
from lean_alchemy.pipelines.corpus.mutate import Shard
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.partitions import PARTS, Each, Parted, Sifted, first_of_each, groups, in_turn, write
from lean_alchemy.pipelines.data.tables import Refuted, Reject
from lean_alchemy.pipelines.runtime.blame import Suspects
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.lean import opened
from lean_alchemy.pipelines.runtime.stage import History, Stage, Sums
from lean_alchemy.pipelines.runtime.storage import Location, write_whole


class RefuteTally(Sums):
    """changed = rows + the rejects of the shard, without those of stage `target`."""

    changed: int = 0
    refuted: int = 0


class Refuter:
    """Holds an engine and the index; works on one shard after the other."""

    def __init__(self, job: Job):
        self._job = job
        self._library = catalogue(job)
        keep_all, policy = job.options.keep_all, job.options.policy
        self._rules = () if keep_all else (*policy.statements, *FALSE_RULES)
        admitted = {i for i, e in enumerate(self._library.theorems) if keep_all or self._library.is_ordinary(e, policy)}
        self._wrong_way = WrongWay(self._library.keys(), admitted, () if keep_all else WRONG_WAY_RULES,
                                   classes=self._library.classes())
        self._workspace = opened(job.library)

    def __call__(self, shard: Shard, history: History) -> RefuteTally:
        """Works on the shard and leaves it on disk; a shard that is there is left as it is."""
        self._job.require_same_code(shard.targets, shard.key)
        place = place_of(self._job, shard)
        suspects = Suspects(self._job, place.name, history)
        refuted: list[Refuted] = []
        rejects: list[Reject] = []
        tally = RefuteTally()
        for name in shard.targets:
            if name in suspects.blamed:
                rejects.append(self._reject(self._library.theorems[self._library.numbers[name]], "killed its worker"))
                continue
            suspects.suspect(name)
            for row in self.refuted_of(name, tally):
                (refuted if isinstance(row, Refuted) else rejects).append(row)
        tally.refuted = len(refuted)
        with self._job.folder(place) as part:
            tables.write(tables.to_table(refuted, Refuted), part / "refuted.parquet")
            tables.write(tables.to_table(rejects, Reject), part / "rejects.parquet")
            write_whole(part / "tally.json", msgspec.json.encode(tally))
        suspects.clear()
        return tally

    def close(self) -> None:
        self._workspace.close()

    def refuted_of(self, name: str, tally: RefuteTally) -> Iterator[Refuted | Reject]:
        """Every changed statement of a target leaves by one of two doors; those without a proof are counted by reason."""
        number = self._library.numbers[name]
        entry = self._library.theorems[number]
        try:
            target = self._workspace.target(number)
            rows = list(self._work(entry, target, self._changes(number, entry, target)))
        except EngineDied as died:
            yield self._reject(entry, died.cause)
        except EngineRefused:
            yield self._reject(entry, "not prepared")
        else:
            tally.changed += sum(row.n if isinstance(row, Reject) else 1 for row in rows)
            yield from rows

    def _changes(self, number: int, entry: Entry, target: PreparedTarget) -> list[Change]:
        sites = {site.site: site.name for site in target.sites}
        places = [(place, None) for place in target.places()]
        places += [(Place("apply", site, occurrence), rule) for site, rule, occurrence in self._wrong_way.places(number, target.sites)]
        return [
            Change(place.kind, place.site, rule, place.occurrence,
                   refuted_name(refuted_id(entry.name, place, sites[place.site], self._lemma(rule))))
            for place, rule in places]

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
        rule = first_objection(Judged(terms.parse(outcome.term), terms.parse(entry.term)), self._rules)
        return rule.name if rule else None

    def _lemma(self, rule: int | None) -> str | None:
        return None if rule is None else self._library.theorems[rule].name

    def _row(self, entry: Entry, change: Change, outcome: Refutation, site: str) -> Refuted:
        word = word_of(change)
        return Refuted(
            refuted_id=change.name.removeprefix(refuted_name("")), target=entry.name, library=self._library.library_of(entry),
            module=entry.module, toolchain=self._library.described.toolchain, kind=change.kind, site=site,
            lemma=self._lemma(change.rule), direction=word.direction, occurrence=max(change.occurrence, 1), change=word.word,
            statement=outcome.statement, counterexample=outcome.counterexample, proof=outcome.proof, theorem=outcome.theorem,
            statement_key=terms.statement_key(outcome.term), theorem_key=terms.statement_key(outcome.negation),
            kernel_checked=True, print_options=outcome.print_options, axioms=outcome.axioms, elapsed_ms=outcome.micros / 1000)

    def _reject(self, entry: Entry, reason: str, n: int = 1, stage: str = "target") -> Reject:
        return Reject(target=entry.name, library=self._library.library_of(entry), module=entry.module,
                      stage=stage, reason=reason, n=n)


REFUTE = Stage(name="refute", worker=Refuter)


def place_of(job: Job, shard: Shard) -> Location:
    """Named by the shard of *mutate* and by the code of this stage."""
    code = b"".join(Path(file).read_bytes() for file in (__file__, changes.__file__))
    return job.work / "refute" / hashlib.blake2b(shard.key.encode() + code, digest_size=8).hexdigest()


def is_done(job: Job, shard: Shard) -> bool:
    """Is the shard on disk, and can all of it be read?"""
    place = place_of(job, shard)
    return tables.are_whole(place, "refuted", "rejects") and (place / "tally.json").is_file()


class Sieve(Parted, frozen=True):
    """From shards to the table, in two steps."""

    record: ClassVar = Refuted
    table: ClassVar = "refuted"
    stage: ClassVar = "refute"

    def distinct(self, part: str) -> Sifted:
        """Of the rows that state the same the one with the smallest id: a file of the table."""
        table, drops = self.admitted(self.part("came", part))
        table, doubles = first_of_each(table, "statement_key", [("refuted_id", "ascending")])
        write(table, self.folder / "refuted" / f"part-{part}.parquet")
        return self.sifted(table, [*drops, self.rejected(doubles, "duplicate")], f"distinct-{part}")


def sift(sieve: Sieve, shards: list[Location], each: Each = map) -> Sifted:
    """Both steps: the table `refuted` stands below the sieve's folder afterwards, and rejects beside it."""
    dropped: Counter[str] = Counter()
    in_turn(each, sieve.came, groups(shards), dropped)
    return Sifted(in_turn(each, sieve.distinct, PARTS, dropped), dict(dropped))
