"""For which types can there be an instance of a class? A necessary condition, from what the instances' types begin with.

`instance : Field Rat` is one for what begins with `Rat`; `instance [CommRing α] : Ring α` is one for every type that has one
of `CommRing`; a target that opens with `[Ring α]` has one for its `α`. What follows from these, and from nothing else, may
have an instance. A lemma about every `[Field α]` is not tried on natural numbers (`engine/Alchemy/Search/Classes.lean` says what
a pattern needs). Places of a class are looked at one by one, so that more is let through than Lean will find, and nothing less.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from lean_alchemy.lean_workspace.protocol import Site

Fact = tuple[str, int]
"""A class and the place of an argument: something holds of the type that stands there."""

Row = list
"""[class, argument …]: what an instance is of. An argument is what its type begins with (`c:Nat`, `v:x` for a variable of a target,
`P` a function type, `S` a sort), `*` where that says nothing, or the list of [class, place] that a variable needs."""

_TELLING = ("c:", "v:", "P/", "S")
"""What the token of a form begins with where it says what a type begins with."""


Need = Fact
"""What a pattern needs of what a variable meets: an instance of the class for the type that it is, it in this place; or NUMBER."""

NUMBER: Need = ("#", 0)
"""A numeral, or `n + 1`, so that a function that recurses on it can be unfolded."""

_NUMBERS = ("n:", "off", "c:Nat.succ/", "c:Nat.zero/")


@cache
def needs_of(text: str) -> tuple[tuple[tuple[str, ...], Need], ...]:
    """The column of a key: (variables, what one of them needs). Of `Ring 0 ?1` and `# ?1 ?2`, separated by tabs."""
    return tuple(map(_need, text.split("\t"))) if text else ()


def _need(text: str) -> tuple[tuple[str, ...], Need]:
    if text.startswith("# ?"):
        return tuple(text[2:].split(" ")), NUMBER
    name, place, variable = text.rsplit(" ", 2)  # a name may hold blanks
    return (variable,), (name, int(place))


class Own:
    """The instances of a target, by what the type begins with."""

    def __init__(self, rows: Iterable[Row] = ()):
        facts: dict[str, set[Fact]] = defaultdict(set)
        for name, *arguments in rows:
            for place, argument in enumerate(arguments):
                facts[argument if isinstance(argument, str) else "*"].add((name, place))
        anywhere = facts.pop("*", set())
        self.anywhere = frozenset(anywhere)
        self.facts: Mapping[str, frozenset[Fact]] = {beginning: frozenset(found | anywhere) for beginning, found in facts.items()}

    def of(self, beginning: str) -> frozenset[Fact]:
        return self.facts.get(beginning, self.anywhere)


class Classes:
    """The instances of a library."""

    def __init__(self, rows: Iterable[Row]):
        self._stated: dict[str, set[Fact]] = defaultdict(set)
        """What begins so has these."""
        self._follows: dict[Fact, list[tuple[Fact, frozenset[Fact]]]] = defaultdict(list)
        """Of a type that has the key: what else it has, if it has all of these."""
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
        """`known`, which is closed, with the facts and what follows."""
        found, todo = set(known), list(facts)
        while todo:
            fact = todo.pop()
            if fact in found:
                continue
            found.add(fact)
            todo.extend(then for then, needed in self._follows.get(fact, ()) if needed <= found)
        return found

    def of(self, beginning: str, own: Own) -> frozenset[Fact]:
        """What a type that begins so may have, where the target has instances of its own."""
        key = (beginning, own.of(beginning))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = frozenset(
                self._closed([*self._stated.get(beginning, ()), *key[1]], self._everywhere))
        return known


class FromTarget:
    """What the terms of a target may have: called with what is needed and what a variable met, forms or unknown. Of the same
    forms much is asked."""

    def __init__(self, classes: Classes, sites: Sequence[Site]):
        """sites: of one target; each knows the instances of all of it."""
        self._classes, self._own = classes, Own(sites[0].instances if sites else ())
        self._seen: dict[int, tuple[list, bool, frozenset[Fact] | None]] = {}
        """By identity: the forms, is it a number, and what it may have; None: anything."""

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
        if not all(token.startswith(_TELLING) for token in tokens):
            return met, is_number, None
        return met, is_number, frozenset().union(*(self._classes.of(token.rsplit("/", 1)[0], self._own) for token in tokens))
