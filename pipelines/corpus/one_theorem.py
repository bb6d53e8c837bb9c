"""The variants of one theorem, made as for a corpus."""

import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec

from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.extract import install_if_missing, on_library, require_modules
from lean_alchemy.pipelines.corpus.mutate import MutateTally, Mutator
from lean_alchemy.pipelines.corpus.targets import named_entry
from lean_alchemy.pipelines.data.schema import Reject, Variant
from lean_alchemy.pipelines.runtime.job import library_of
from lean_alchemy.pipelines.runtime.open_lean import opening
from lean_alchemy.pipelines.runtime.stage import Failure, Report


class VariantsOfOne(msgspec.Struct, frozen=True):
    """statement: that of the theorem. variants: kinds and sites take turns, the shortest variant of each first. lemmas: the statements of
    their lemmas, by name. rejects: the number of attempts by reason. set_aside: why the theorem can't be mutated at all, else None.
    problems: errors in the user's files."""

    statement: str
    variants: list[Variant]
    lemmas: dict[str, str]
    rejects: dict[str, int]
    set_aside: str | None
    problems: list[str]
    failures: list[Failure]


def variants_of_one(name: str, library: list[str], workspace: str | None, kinds: list[str], report: Report,
                    engine: Callable[[], Workspace] | None = None, **options: Any) -> VariantsOfOne:
    """Mutates one theorem. The library is extracted if it is not cached. engine: returns one in which the library is open; None: one is
    started. options: further fields of Options. Raises UsageError if the theorem does not exist."""
    with ExitStack() as stack:
        if engine is None:
            install_if_missing(workspace, report)
            require_modules(of_library := library_of(library, workspace))
            engine = stack.enter_context(opening(of_library))
        job, catalogue = stack.enter_context(on_library(
            library, kinds, report, workspace=workspace, targets=None, target=[name], **options))
        named_entry(name, catalogue)
        report("mutate", 0, 1, "")
        found = variants_by(Mutator(job, catalogue, engine), name, catalogue)
        report("mutate", 1, 1, "")
    return found


def variants_by(mutator: Mutator, name: str, catalogue: Catalogue) -> VariantsOfOne:
    """The variants of a theorem of the mutator's library, `catalogue`. Raises UsageError if the theorem does not exist."""
    entry = named_entry(name, catalogue)
    rows = list(mutator.variants_of(name, MutateTally()))
    rejects: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Reject):
            rejects[f"{row.stage}: {row.reason}"] += row.n
    variants = _in_turn([row for row in rows if isinstance(row, Variant)])
    set_aside = [f"{row.reason}{f': {row.message}' if row.message else ''}" for row in rows if isinstance(row, Reject)
                 and row.stage == "target"]
    lemmas = {variant.lemma: catalogue.theorems[catalogue.numbers[variant.lemma]].statement or "" for variant in variants}
    return VariantsOfOne(entry.statement or "", variants, lemmas, dict(rejects), next(iter(set_aside), None),
                         catalogue.described.problems, [row for row in rows if isinstance(row, Failure)])


def _in_turn(variants: list[Variant]) -> list[Variant]:
    groups: dict[tuple, list[Variant]] = {}
    for variant in sorted(variants, key=lambda v: (len(v.statement), v.variant_id)):
        groups.setdefault((variant.kind, variant.site, variant.direction), []).append(variant)
    rounds = itertools.zip_longest(*(groups[key] for key in sorted(groups, reverse=True)))
    return [variant for round_ in rounds for variant in round_ if variant is not None]
