"""The index: which lemmas may fit a term.

A trie over the tokens of the patterns (`engine/Alchemy/Search/Patterns.lean`). A query walks all forms of a term at
once; a variable of the pattern that stands twice must meet terms that can be equal. Nothing that
unification accepts is missed, as far as the keys say what unification does; what it finds beyond that is
tried in Lean and refused there. A value may ask for more of what a variable of its pattern met; who queries
says whether that holds.

A term has several forms, each of its arguments as well, and a walk that remembers what the variables met can
take the product of their numbers. A few terms of a library are that bad; past `STEPS` they are walked again
without the memory, each place of the trie once for each place of the term: more candidates, none missed.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache
from typing import Any

import lean_alchemy.mutation.terms  # noqa: F401 (a pattern is as deep as it is long: the limit of recursion is set there)

STEPS = 200_000
"""Steps of a walk that remembers: about a fifth of a second. Counted, not timed: the same on every machine."""

Pattern = Sequence[str]
Form = list
"""[token, argument …]; an argument is a list of forms, "*" (fits, and says nothing) or "**" (unknown)."""


Asked = Sequence[tuple[Sequence[str], Hashable]]
"""(variables of the pattern, what is asked of the argument that one of them meets)"""
Holds = Callable[[Any, Any], bool]
"""(what is asked, argument)"""


def anything_holds(_asked: Any, _argument: Any) -> bool:
    return True


@cache
def arity(token: str) -> int:
    """How many subpatterns follow a token: `c:Nat.add/2` has two."""
    if token[0] in "?*S" or token in ("off", "if") or (token[1] == ":" and token[0] in "nsv"):
        return 0
    return int(token.rsplit("/", 1)[1])


class _Node:
    """A place of the trie. What is added below it waits until a walk comes by: most places are never visited, and a
    worker that opens a library need not wait for them. Read a node after `open`."""

    __slots__ = ("children", "depth", "star", "values", "waiting")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.children: dict[str, _Node] = {}
        self.star: _Node | None = None
        self.values: list[tuple[Hashable, tuple[tuple[int, ...], ...], tuple[tuple[tuple[int, ...], Hashable], ...]]] = []
        """(value, places of the wildcards that are the same variable, what is asked of one of some wildcards)"""
        self.waiting: list[tuple[Pattern, Hashable, Asked]] = []

    def open(self) -> "_Node":
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            for pattern, value, asked in waiting:
                self._place(pattern, value, asked)
        return self

    def _place(self, pattern: Pattern, value: Hashable, asked: Asked) -> None:
        if self.depth == len(pattern):
            self.values.append((value, _repeated(pattern), _placed(pattern, asked)))
            return
        token = pattern[self.depth]
        if token[0] in "*?":
            if self.star is None:
                self.star = _Node(self.depth + 1)
            below = self.star
        else:
            below = self.children.get(token)
            if below is None:
                below = self.children[token] = _Node(self.depth + 1)
        below.waiting.append((pattern, value, asked))


def _places(pattern: Pattern) -> dict[str, list[int]]:
    """Of each variable, counted in wildcards."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(token for token in pattern if token[0] in "*?"):
        if token != "*":
            places.setdefault(token, []).append(place)
    return places


def _repeated(pattern: Pattern) -> tuple[tuple[int, ...], ...]:
    """For each variable that stands more than once its places."""
    return tuple(tuple(places) for places in _places(pattern).values() if len(places) > 1)


def _placed(pattern: Pattern, asked: Asked) -> tuple[tuple[tuple[int, ...], Hashable], ...]:
    """What is asked of variables that the pattern has, by their first places."""
    if not asked:
        return ()
    first = {variable: places[0] for variable, places in _places(pattern).items()}
    placed = [(tuple(first[variable] for variable in variables if variable in first), what) for variables, what in asked]
    return tuple((places, what) for places, what in placed if places)


class _Overrun(Exception):
    """A walk that remembers took more than STEPS."""


class Index:
    """Values under patterns. `always` holds the values whose pattern is a bare variable."""

    def __init__(self) -> None:
        self._root = _Node(0)
        self.always: list[Hashable] = []
        self.size = 0
        self._steps = 0
        self._holds: Holds = anything_holds

    def add(self, pattern: Pattern, value: Hashable, asked: Asked = ()) -> None:
        self.size += 1
        if pattern[0][0] in "*?":
            self.always.append(value)
            return
        self._root.waiting.append((pattern, value, asked))

    def under_roots(self, terms: Iterable[tuple[str, list[Form]]], holds: Holds = anything_holds) -> Counter[Any]:
        """For `rw`: the values whose root and pattern fit one of the terms (root, forms), and how many terms they fit."""
        self._holds = holds
        found: Counter = Counter()
        for root, forms in terms:
            node = self._root.open().children.get(root)
            if node is not None:
                here: set = set()
                self._collect(node, forms, here)
                found.update(here)
        return found

    def matching(self, forms: list[Form], holds: Holds = anything_holds) -> set[Any]:
        """For `apply`: the values whose pattern fits one of the forms, without those of `always`."""
        self._holds = holds
        found: set = set()
        self._collect(self._root, forms, found)
        return found

    def _collect(self, node: _Node, forms: list[Form], found: set) -> None:
        self._steps = 0
        remembered: set = set()
        try:
            self._match(node, (forms, None), (), remembered)
            found |= remembered
        except _Overrun:
            self._match_once(node, (forms, None), found)

    def _match_once(self, start: _Node, stack: tuple, found: set) -> None:
        """The walk without the memory: a place of the trie is visited once for each rest of the term."""
        stacks: dict[tuple[int, int], tuple] = {}
        seen: set[tuple[int, int]] = set()
        todo: list[tuple[_Node, tuple | None]] = [(start, stack)]
        while todo:
            node, rest = todo.pop()
            if (id(node), id(rest)) in seen:
                continue
            seen.add((id(node), id(rest)))
            node.open()
            if rest is None:
                found.update(value for value, _, _ in node.values)
                continue
            term, rest = rest
            if term == "**":
                todo += [(after, rest) for after, _ in _skips(node)]
                continue
            if node.star is not None:
                todo.append((node.star, rest))
            if term == "*":
                continue
            for form in term:
                child = node.children.get(form[0])
                if child is not None:
                    below = rest
                    for argument in reversed(form[1:]):
                        # One object for equal rests, which also keeps them alive: ids must not be used again.
                        below = stacks.setdefault((id(argument), id(below)), (argument, below))
                    todo.append((child, below))

    def _match(self, node: _Node, stack: tuple | None, bound: tuple, found: set) -> None:
        """stack: what is left of the term, a linked list of arguments; bound: what the wildcards met."""
        self._steps += 1
        if self._steps > STEPS:
            raise _Overrun
        if node.waiting:
            node.open()
        if stack is None:
            for value, repeated, asked in node.values:
                if (value not in found and all(any(self._holds(what, bound[place]) for place in places) for places, what in asked)
                        and all(self._can_agree(bound, places) for places in repeated)):
                    found.add(value)
            return
        term, rest = stack
        if term == "**":
            for after, stars in _skips(node):
                self._match(after, rest, bound + ("**",) * stars, found)
            return
        if node.star is not None:
            self._match(node.star, rest, (*bound, term), found)
        if term == "*":
            return
        for form in term:
            child = node.children.get(form[0])
            if child is not None:
                below = rest
                for argument in reversed(form[1:]):
                    below = (argument, below)
                self._match(child, below, bound, found)

    def _can_agree(self, bound: tuple, places: tuple[int, ...]) -> bool:
        first = bound[places[0]]
        return all(self._share(first, bound[place]) for place in places[1:])

    def _share(self, a: Any, b: Any) -> bool:
        """May two arguments be the same term? Unknown ones may."""
        self._steps += 1
        if self._steps > STEPS:
            raise _Overrun
        if a is b or not isinstance(a, list) or not isinstance(b, list) or not a or not b:
            return True
        return any(
            f[0] == g[0] and all(self._share(x, y) for x, y in zip(f[1:], g[1:], strict=False))
            for f in a for g in b)


def _skips(node: _Node) -> list[tuple[_Node, int]]:
    """The nodes after any one subpattern, with the number of wildcards in it."""
    out: list[tuple[_Node, int]] = []

    def walk(node: _Node, open_: int, stars: int) -> None:
        if open_ == 0:
            out.append((node, stars))
            return
        node.open()
        if node.star is not None:
            walk(node.star, open_ - 1, stars + 1)
        for token, child in node.children.items():
            walk(child, open_ - 1 + arity(token), stars)

    walk(node, 1, 0)
    return out
