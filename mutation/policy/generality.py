"""How general a lemma is: the share of the library's targets that its pattern fits, measured on a sample.

No rule on names or patterns can tell that `Fin.val_inj` fits every equation between numbers. The index can.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.kinds import KINDS, Reach, kinds_within
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes

SAMPLED_TARGETS = 512
"""Targets whose forms are kept with a library: enough to distinguish a share of 1 % from one of 3 %."""

SUBJECTS = 5_000
"""A library of fewer theorems is about one subject, which all its lemmas fit. There nothing counts as too general."""


class Generality(msgspec.Struct, frozen=True):
    """shares: (lemma, kind, direction) → share of the sampled targets that it fits at some site; without those that fit
    none. theorems: the number of theorems in the library."""

    shares: dict[tuple[int, str, str], float]
    theorems: int

    def share(self, lemma: int, kind: str, backward: bool) -> float:
        """The share of the sampled targets that a lemma fits in this use."""
        return self.shares.get((lemma, kind, "backward" if backward else "forward"), 0.0)

    def generic(self, limit: float | None) -> frozenset[tuple[int, str, str]]:
        """The (lemma, kind, direction) that fit a larger share than `limit`. limit: None switches this off."""
        if limit is None or self.theorems < SUBJECTS:
            return frozenset()
        return frozenset(use for use, share in self.shares.items() if share > limit)


def measure_generality(keys: Iterable[Key], sample: Sequence[tuple[int, Sequence[Site]]], theorems: int, classes: Classes) -> Generality:
    """keys: of all lemmas. sample: number and sites of each sampled target. theorems: how many the library has. classes:
    the library's instances."""
    lemmas = Lemmas(keys, kinds_within([kind.name for kind in KINDS], Reach(occurrences=False)), _Everything(), rules=(),
                    classes=classes)
    hits: Counter[tuple[int, str, str]] = Counter()
    for target, sites in sample:
        hits.update({(c.lemma, c.kind, "backward" if c.backward else "forward") for c in lemmas.candidates(target, sites)})
    return Generality({use: n / len(sample) for use, n in hits.items()}, theorems)


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True
