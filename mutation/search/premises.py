"""Which theorems of a library may help to prove one of them: those that the index finds for its conclusion, and its namesakes.

`List.map_id` and `Array.map_id` say the same of two types; where one type wraps the other, one theorem proves the other.
`BitVec.toNat_inj` reduces a goal about bit vectors to one about numbers.
"""

from collections import defaultdict
from collections.abc import Container, Sequence
from itertools import takewhile

import msgspec

from lean_alchemy.lean_workspace.protocol import KindName, Site
from lean_alchemy.mutation.policy.generality import Generality
from lean_alchemy.mutation.search.candidates import Lemmas


class NamedTheorem(msgspec.Struct, frozen=True):
    """A theorem that may be a premise. module: its module's number; a module's number is larger than those of its imports."""

    name: str
    module: int

    @property
    def namespace(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def short_name(self) -> str:
        return self.name.rpartition(".")[2]


class Premises:
    """Finds premises for a theorem of the library, by number."""

    def __init__(self, theorems: Sequence[NamedTheorem], admitted: Container[int], lemmas: Lemmas, generality: Generality):
        """theorems: all of the library. admitted: the numbers of those that the policy admits. lemmas: the index over these. Namesakes
        need not be admitted: an `Internal` theorem is no use to a mutation, but the library may prove its theorems with it."""
        self._theorems, self._lemmas, self._generality = theorems, lemmas, generality
        self._by_short_name: dict[str, list[int]] = defaultdict(list)
        self._injections: dict[str, list[int]] = defaultdict(list)
        self._principles: dict[str, list[int]] = defaultdict(list)
        for number, theorem in enumerate(theorems):
            self._by_short_name[theorem.short_name].append(number)
            if theorem.short_name.endswith("_inj") and number in admitted:
                self._injections[theorem.namespace].append(number)
            if theorem.short_name in ("inductionOn", "ind"):
                self._principles[theorem.namespace].append(number)

    def namesakes(self, number: int, available: Container[str]) -> list[str]:
        """Theorems of other namespaces with the same last name, those with the most similar namespace first. available: see
        `_names`."""
        own = self._theorems[number]

        def rank(n: int) -> tuple:
            return -_shared_parts(own.namespace, self._theorems[n].namespace), -self._theorems[n].module, n

        return self._names(number, sorted(self._by_short_name[own.short_name], key=rank), available)

    def injections(self, number: int, available: Container[str]) -> list[str]:
        """`T.f_inj`, for a theorem about the type `T`."""
        return self._names(number, self._injections[self._theorems[number].namespace], available)

    def principles(self, number: int, available: Container[str]) -> list[str]:
        """`T.inductionOn`, for a theorem in the namespace `T` or below it."""
        namespace = self._theorems[number].namespace
        namespaces = [namespace.rsplit(".", drop)[0] for drop in range(namespace.count(".") + 1)]
        return self._names(number, [n for namespace in namespaces for n in self._principles[namespace]], available)

    def fitting(self, number: int, sites: Sequence[Site], available: Container[str]) -> tuple[list[str], list[str]]:
        """Terms for `rw` at the conclusion (`Nat.add_comm`, `← List.map_map`), and theorems to apply to it: the least general first, then
        those of the nearest modules. sites: those of the theorem."""
        rewrites, applies = self._lemmas.at_conclusion(number, sites)

        def rank(lemma: int, kind: KindName, backward: bool) -> tuple:
            return self._generality.share(lemma, kind, backward), -self._theorems[lemma].module, lemma

        rewriting = sorted(rewrites, key=lambda use: rank(use[0], "rw", use[1]))
        applying = sorted(applies, key=lambda lemma: rank(lemma, "apply", True))
        return (["← " * backward + name for lemma, backward in rewriting for name in self._names(number, [lemma], available)],
                self._names(number, applying, available))

    def _names(self, number: int, premises: Sequence[int], available: Container[str]) -> list[str]:
        """The names of the premises, without the theorem itself and without what its proof can't use: theorems of a later module, and
        those of its own module that are not in `available`."""
        module = self._theorems[number].module
        return [theorem.name for n in premises if n != number and (theorem := self._theorems[n]).module <= module
                and (theorem.module < module or theorem.name in available)]


def _shared_parts(a: str, b: str) -> int:
    """How many parts two names share at their ends: 1 for `DTreeMap.Raw` and `TreeMap.Raw`."""
    ends = zip(reversed(a.split(".")), reversed(b.split(".")), strict=False)
    return len(list(takewhile(lambda parts: parts[0] == parts[1], ends)))
