"""Three variants of a famous theorem, for `alchemy demo`."""

import itertools
from collections.abc import Iterable, Sequence

from lean_alchemy.pipelines.data.schema import Variant

FAMOUS = "Nat.Coprime.dvd_of_dvd_mul_left"
"""Euclid's lemma: if `k` divides `m * n` and has no factor in common with `m`, it divides `n`."""

BEST = 40
"""Of so many variants, the best by score, three are shown. The others are found, but not written out."""


def three_of(variants: Sequence[Variant], target: str) -> list[Variant]:
    """One by `rw`, one by `rw ←` and one by `apply`, each at another site and with as many hypotheses as the target: of all such triples
    the one with the best scores. Where there is none, the best three. target: the statement of the target."""
    best_first = sorted(variants, key=lambda variant: (-variant.score, variant.variant_id))
    alike = [variant for variant in best_first if variant.statement.count(" : ") == target.count(" : ")]
    triples = [triple for triple in itertools.combinations(_first_of_each(alike), 3)
               if len({variant.site for variant in triple}) == len({_tactic(variant) for variant in triple}) == 3]
    return list(max(triples, key=lambda triple: sum(variant.score for variant in triple), default=best_first[:3]))


def _first_of_each(variants: Iterable[Variant]) -> list[Variant]:
    """The first variant of each tactic and site."""
    first: dict[tuple[str, str], Variant] = {}
    for variant in variants:
        first.setdefault((_tactic(variant), variant.site), variant)
    return list(first.values())


def _tactic(variant: Variant) -> str:
    return "rw ←" if variant.kind == "rw" and variant.direction == "backward" else variant.kind
