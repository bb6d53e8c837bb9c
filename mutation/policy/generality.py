"""How general a lemma is, measured: the share of the library's targets that its pattern fits.

No rule on names or patterns can tell that `Fin.val_inj` fits every equation between numbers; the index can, on a
sample of targets.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Site
from lean_alchemy.mutation.kinds import KINDS, Reach, kinds_within
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes

SAMPLE = 512
"""Targets whose forms are kept with a library: a share of 1 % is told from one of 3 %."""

SUBJECTS = 5_000
"""A library of fewer theorems is about one subject, which all of its lemmas fit: there nothing is too general."""


class Generality(msgspec.Struct, frozen=True):
    """shares: (lemma, kind, direction) → share of the sample that it fits at one site or more; those that fit none are
    not in it. theorems: of the library."""

    shares: dict[tuple[int, str, str], float]
    theorems: int

    def share(self, rule: int, kind: str, backward: bool) -> float:
        return self.shares.get((rule, kind, "backward" if backward else "forward"), 0.0)

    def generic(self, limit: float | None) -> frozenset[tuple[int, str, str]]:
        """What fits a larger share than `limit`; None: nothing is too general."""
        if limit is None or self.theorems < SUBJECTS:
            return frozenset()
        return frozenset(use for use, share in self.shares.items() if share > limit)


def measure(keys: Iterable[Key], sample: Sequence[tuple[int, Sequence[Site]]], theorems: int, classes: Classes) -> Generality:
    """keys: of all lemmas; sample: the number and the sites of some targets; theorems: how many there are; classes: of the
    library."""
    lemmas = Lemmas(keys, kinds_within([kind.name for kind in KINDS], Reach(occurrences=False)), _Everything(), rules=(),
                    classes=classes)
    hits: Counter[tuple[int, str, str]] = Counter()
    for target, sites in sample:
        hits.update({(c.rule, c.kind, "backward" if c.backward else "forward") for c in lemmas.candidates(target, sites)})
    return Generality({use: n / len(sample) for use, n in hits.items()}, theorems)


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True
