"""One theorem and its variants: the same find–try–keep as a corpus, for a reader at a terminal."""

import itertools
from collections import Counter

import msgspec

from lean_alchemy.pipelines.corpus.mutate import Mutator, Tally, named_entry
from lean_alchemy.pipelines.corpus.synthesize import on_library
from lean_alchemy.pipelines.data.tables import Variant
from lean_alchemy.pipelines.runtime.stage import Report


class Found(msgspec.Struct, frozen=True):
    """statement: of the theorem. variants: those of different kinds and sites in turn, the shortest first.
    rejects: reason → how many attempts."""

    statement: str
    variants: list[Variant]
    rejects: dict[str, int]
    problems: list[str]


def variants_of_one(name: str, library: list[str], workspace: str | None, kinds: list[str], keep_all: bool, report: Report) -> Found:
    """Raises UsageError where there is no such theorem. The library is extracted the first time."""
    with on_library(library, kinds, report, workspace=workspace, targets=None, target=[name], keep_all=keep_all) as (job, catalogue):
        entry = named_entry(name, catalogue)
        report("mutate", 0, 1, "")
        mutator = Mutator(job)
        try:
            rows = list(mutator.variants_of(name, Tally()))
        finally:
            mutator.close()
        report("mutate", 1, 1, "")
    rejects: Counter[str] = Counter()
    for row in rows:
        if not isinstance(row, Variant):
            rejects[f"{row.stage}: {row.reason}"] += row.n
    variants = _in_turn([row for row in rows if isinstance(row, Variant)])
    return Found(entry.statement or "", variants, dict(rejects), catalogue.described.problems)


def _in_turn(variants: list[Variant]) -> list[Variant]:
    groups: dict[tuple, list[Variant]] = {}
    for variant in sorted(variants, key=lambda v: (len(v.statement), v.variant_id)):
        groups.setdefault((variant.kind, variant.site, variant.direction), []).append(variant)
    rounds = itertools.zip_longest(*(groups[key] for key in sorted(groups, reverse=True)))
    return [variant for round_ in rounds for variant in round_ if variant is not None]
