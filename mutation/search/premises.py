"""Which theorems of a library may help to prove one of them: those that the index finds for its conclusion, and those called alike.

`List.map_id` and `Array.map_id` say the same of two types; where one type wraps the other, one theorem proves the other. `BitVec.toNat_inj`
brings a question about bit vectors to one about numbers.
"""

from collections import defaultdict
from collections.abc import Container, Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import KindName, Site
from lean_alchemy.mutation.policy.generality import Generality
from lean_alchemy.mutation.search.candidates import Lemmas


class Named(msgspec.Struct, frozen=True):
    """A theorem that may be a premise. module: its number; modules stand after what they import."""

    name: str
    module: int

    @property
    def space(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def word(self) -> str:
        return self.name.rpartition(".")[2]


class Premises:
    """Theorems, by number, and how to find those that fit."""

    def __init__(self, theorems: Sequence[Named], admitted: Container[int], lemmas: Lemmas, generality: Generality):
        """theorems: of the whole library. admitted: the numbers of those that the policy admits. lemmas: the index over these. Namesakes
        may be others: what is called `Internal` is of no use to a mutation, but it may be how the library proves its theorems."""
        self._theorems, self._lemmas, self._generality = theorems, lemmas, generality
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._injections: dict[str, list[int]] = defaultdict(list)
        self._principles: dict[str, list[int]] = defaultdict(list)
        for number, theorem in enumerate(theorems):
            self._by_word[theorem.word].append(number)
            if theorem.word.endswith("_inj") and number in admitted:
                self._injections[theorem.space].append(number)
            if theorem.word in ("inductionOn", "ind"):
                self._principles[theorem.space].append(number)

    def namesakes(self, number: int, available: Container[str]) -> list[str]:
        """Theorems of other types with the same name, those first that share most of it. available: see `_names`."""
        own = self._theorems[number]
        alike = sorted(self._by_word[own.word], key=lambda n: (-_alike(own.space, self._theorems[n].space), -self._theorems[n].module, n))
        return self._names(number, alike, available)

    def injections(self, number: int, available: Container[str]) -> list[str]:
        """`T.f_inj`, for a theorem about the type `T`."""
        return self._names(number, self._injections[self._theorems[number].space], available)

    def principles(self, number: int, available: Container[str]) -> list[str]:
        """`T.inductionOn`, for a theorem about the type `T`, or about what stands in its namespace."""
        space = self._theorems[number].space
        spaces = [space.rsplit(".", drop)[0] for drop in range(space.count(".") + 1)]
        return self._names(number, [n for space in spaces for n in self._principles[space]], available)

    def fitting(self, number: int, sites: Sequence[Site], available: Container[str]) -> tuple[list[str], list[str]]:
        """What may rewrite the conclusion, as `rw` is told it, and what may be applied to it: those first that fit few theorems, then those
        of the nearest modules. sites: those of the theorem."""
        rewrites, applies = self._lemmas.at_conclusion(number, sites)

        def rank(rule: int, kind: KindName, backward: bool) -> tuple:
            return self._generality.share(rule, kind, backward), -self._theorems[rule].module, rule

        rewriting = sorted(rewrites, key=lambda use: rank(use[0], "rw", use[1]))
        applying = sorted(applies, key=lambda rule: rank(rule, "apply", True))
        return (["← " * backward + name for rule, backward in rewriting for name in self._names(number, [rule], available)],
                self._names(number, applying, available))

    def _names(self, number: int, found: Sequence[int], available: Container[str]) -> list[str]:
        """Without the theorem itself, and what can't be there: of a later module, or of its own and not available."""
        module = self._theorems[number].module
        return [theorem.name for n in found if n != number and (theorem := self._theorems[n]).module <= module
                and (theorem.module < module or theorem.name in available)]


def _alike(a: str, b: str) -> int:
    """How many parts two names share at their ends: `DTreeMap.Raw` and `TreeMap.Raw` share one."""
    count = 0
    for mine, its in zip(reversed(a.split(".")), reversed(b.split(".")), strict=False):
        if mine != its:
            break
        count += 1
    return count
