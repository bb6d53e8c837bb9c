"""Why a lemma gives a variant of a theorem, or why not. It tries every use of the lemma, also those that index or policy exclude."""

from collections.abc import Iterator

import msgspec

from lean_alchemy.lean_workspace.protocol import Candidate, Site
from lean_alchemy.mutation.kinds import Kind, kinds_within
from lean_alchemy.pipelines.corpus.extract import on_library
from lean_alchemy.pipelines.corpus.mutate import index_of
from lean_alchemy.pipelines.corpus.targets import named_entry
from lean_alchemy.pipelines.runtime.open_lean import opened
from lean_alchemy.pipelines.runtime.stage import Report


class Explanation(msgspec.Struct, frozen=True):
    """One use of a lemma. occurrence: from 1. is_candidate: does `synthesize` try it (the index proposes it, and the policy admits the
    lemma)? outcome: `draft` if the attempt succeeds, else the reason. message: Lean's error message. trace: the attempt, in lines."""

    kind: str
    site: str
    direction: str
    occurrence: int
    is_candidate: bool
    outcome: str
    message: str | None
    trace: list[str]


def explanations(name: str, lemma: str, library: list[str], workspace: str | None, kinds: list[str], report: Report) -> list[Explanation]:
    """Every use of the lemma on the theorem. Raises UsageError if one of them does not exist."""
    with on_library(library, kinds, report, workspace=workspace, targets=None, target=[name]) as (job, catalogue):
        entry, used = named_entry(name, catalogue), named_entry(lemma, catalogue)
        number, of_lemma = catalogue.numbers[entry.name], catalogue.numbers[used.name]
        report("explain", 0, 1, "")
        with opened(job.library) as lean:
            target = lean.target(number)
            found = {c for c in index_of(catalogue, job.options).candidates(number, target.sites) if c.lemma == of_lemma}
            uses = sorted(found.union(_uses(kinds_within(kinds, job.options.reach), target.sites, of_lemma)),
                          key=lambda c: (c.site, c.kind, c.backward, c.occurrence))
            sites = {site.site: site.name for site in target.sites}
            made = []
            for use in uses:
                said = target.explain(use)
                made.append(Explanation(use.kind, sites[use.site], "backward" if use.backward else "forward", max(use.occurrence, 1),
                                        use in found, said.outcome, said.message, said.trace))
        report("explain", 1, 1, "")
    return made


def _uses(kinds: tuple[Kind, ...], sites: list[Site], lemma: int) -> Iterator[Candidate]:
    """The lemma in each direction at each site, at the first occurrence."""
    for site in sites:
        for kind in kinds:
            for use in kind.uses:
                if use.at_conclusion if site.site == 0 else use.at_hypothesis:
                    is_forward_apply = kind.name == "apply" and use.direction == "forward"
                    yield Candidate(site.site, kind.name, lemma, use.direction == "backward", int(is_forward_apply))
