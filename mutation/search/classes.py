"""Which types may have an instance of a class? A necessary condition, from the head symbols of the instances' types.

`instance : Field Rat` gives one to types whose head is `Rat`; `instance [CommRing α] : Ring α` to every type with
one of `CommRing`; a target with `[Ring α]` to its own `α`. Only what follows from these may have an instance, so a lemma
about every `[Field α]` is not tried on natural numbers. `engine/Alchemy/Search/Classes.lean` computes what a pattern needs.
The arguments of a class are looked at one by one: this lets through more than Lean will find, and never less.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from lean_alchemy.lean_workspace.protocol import Site

Fact = tuple[str, int]
"""(class, place of an argument): a type has it if it may be that argument of an instance of the class."""

InstanceRow = list
"""[class, argument …] of an instance. An argument is its head symbol (`c:Nat`, `v:x` for a variable of a target, `P` for a
function type, `S` for a sort), `*` where there is none, or, for a variable, the list of [class, place] that it needs."""

_TYPE_HEADS = ("c:", "v:", "P/", "S")
"""Prefixes of the tokens that show the head symbol of a type."""


Need = Fact
"""What a pattern needs of the term that a variable meets: that it may be this argument of an instance of the class; or NUMBER."""

NUMBER: Need = ("#", 0)
"""A numeral or `n + 1`, so that a function that recurses on it can be unfolded."""

_NUMBERS = ("n:", "off", "c:Nat.succ/", "c:Nat.zero/")


@cache
def needs_of(text: str) -> tuple[tuple[tuple[str, ...], Need], ...]:
    """Parses the column `needs` of a key, such as `Ring 0 ?1` and `# ?1 ?2` separated by tabs: (variables, need of one of them)."""
    return tuple(map(_need, text.split("\t"))) if text else ()


def _need(text: str) -> tuple[tuple[str, ...], Need]:
    if text.startswith("# ?"):
        return tuple(text[2:].split(" ")), NUMBER
    name, place, variable = text.rsplit(" ", 2)  # the name of a class may contain blanks
    return (variable,), (name, int(place))


class TargetInstances:
    """The instances among the hypotheses of a target, by the head symbol of the type."""

    def __init__(self, rows: Iterable[InstanceRow] = ()):
        facts: dict[str, set[Fact]] = defaultdict(set)
        for name, *arguments in rows:
            for place, argument in enumerate(arguments):
                facts[argument if isinstance(argument, str) else "*"].add((name, place))
        anywhere = facts.pop("*", set())
        self.anywhere = frozenset(anywhere)
        self.facts: Mapping[str, frozenset[Fact]] = {head: frozenset(found | anywhere) for head, found in facts.items()}

    def of(self, head: str) -> frozenset[Fact]:
        return self.facts.get(head, self.anywhere)


class Classes:
    """The instances of a library, and what follows from them."""

    def __init__(self, rows: Iterable[InstanceRow]):
        self._stated: dict[str, set[Fact]] = defaultdict(set)
        """By head symbol: the facts that an instance states."""
        self._follows: dict[Fact, list[tuple[Fact, frozenset[Fact]]]] = defaultdict(list)
        """For a fact: (conclusion, premises) of the instances with that fact among their premises."""
        self._known: dict[tuple[str, frozenset[Fact]], frozenset[Fact]] = {}
        self._everywhere: set[Fact] = set()
        for name, *arguments in rows:
            for place, argument in enumerate(arguments):
                if isinstance(argument, str):
                    (self._everywhere if argument == "*" else self._stated[argument]).add((name, place))
                elif needed := frozenset((needed, at) for needed, at in argument):
                    for fact in needed:
                        self._follows[fact].append(((name, place), needed))
                else:
                    self._everywhere.add((name, place))
        self._everywhere = self._closed(self._everywhere, set())

    def _closed(self, facts: Iterable[Fact], known: set[Fact]) -> set[Fact]:
        """`known`, which is closed already, with the facts and all that follows from them."""
        found, todo = set(known), list(facts)
        while todo:
            fact = todo.pop()
            if fact in found:
                continue
            found.add(fact)
            todo.extend(then for then, needed in self._follows.get(fact, ()) if needed <= found)
        return found

    def of(self, head: str, target: TargetInstances) -> frozenset[Fact]:
        """The facts that a type with this head symbol may have. target: the instances among the target's hypotheses."""
        key = (head, target.of(head))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = frozenset(
                self._closed([*self._stated.get(head, ()), *key[1]], self._everywhere))
        return known


class FromTarget:
    """The `Holds` of a target: called with a need and with what a variable met, a list of forms or an unknown term. The
    answers are kept by forms, as the same ones are asked about often."""

    def __init__(self, classes: Classes, sites: Sequence[Site]):
        """sites: those of one target. Each holds the instances of the whole target."""
        self._classes, self._target = classes, TargetInstances(sites[0].instances if sites else ())
        self._seen: dict[int, tuple[list, bool, frozenset[Fact] | None]] = {}
        """By identity of the forms: the forms, whether they may be a NUMBER, and their facts; None: any fact."""

    def __call__(self, need: Need, met: Any) -> bool:
        if not isinstance(met, list) or not met:
            return True
        seen = self._seen.get(id(met))
        if seen is None:
            seen = self._seen[id(met)] = self._look(met)
        _, is_number, facts = seen
        return is_number if need is NUMBER else facts is None or need in facts

    def _look(self, met: list) -> tuple[list, bool, frozenset[Fact] | None]:
        tokens = [form[0] for form in met]
        is_number = any(token.startswith(_NUMBERS) for token in tokens)
        if not all(token.startswith(_TYPE_HEADS) for token in tokens):
            return met, is_number, None
        return met, is_number, frozenset().union(*(self._classes.of(token.rsplit("/", 1)[0], self._target) for token in tokens))
