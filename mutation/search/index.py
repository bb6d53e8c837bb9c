"""The index: which lemmas may fit a term.

A trie over the tokens of the patterns (`engine/Alchemy/Search/Patterns.lean`). A query walks all forms of a term at
once. A variable that occurs twice in a pattern must meet terms that can be equal. The index misses nothing
that unification accepts, as far as the keys describe unification; what it finds beyond that is tried in Lean
and refused there. A pattern may also need something of the terms that its variables meet, such as an instance;
the caller of a query decides whether that holds.

A term and each of its arguments have several forms, so a walk that remembers what the variables met can take
time in the product of their numbers. A few terms of a library are that bad. After `WALK_STEPS` steps they are walked
again without the memory, each node of the trie once for each rest of the term: more candidates, none missed.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache
from typing import Any

import lean_alchemy.mutation.terms  # noqa: F401 (sets the recursion limit: the trie is as deep as patterns are long)
from lean_alchemy.lean_workspace.protocol import Form

WALK_STEPS = 200_000
"""Limit of steps of a walk that remembers, about 0.2 s. Counted, not timed, so that it is the same on every machine."""

PatternTokens = Sequence[str]
PatternNeeds = Sequence[tuple[Sequence[str], Hashable]]
"""(variables of the pattern, need): the term that one of these variables meets must satisfy the need."""
Holds = Callable[[Any, Any], bool]
"""(need, forms of a term) → may the term satisfy the need?"""


def anything_holds(_need: Any, _argument: Any) -> bool:
    return True


@cache
def arity(token: str) -> int:
    """The number of subpatterns that follow a token: 2 for `c:Nat.add/2`."""
    if token[0] in "?*S" or token in ("off", "if") or (token[1] == ":" and token[0] in "nsv"):
        return 0
    return int(token.rsplit("/", 1)[1])


class _Node:
    """A node of the trie. Patterns below it are inserted only when a walk reaches it: most nodes are never visited, so
    building the index stays fast. Call `open` before reading a node."""

    __slots__ = ("children", "depth", "star", "values", "waiting")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.children: dict[str, _Node] = {}
        self.star: _Node | None = None
        self.values: list[tuple[Hashable, tuple[tuple[int, ...], ...], tuple[tuple[tuple[int, ...], Hashable], ...]]] = []
        """(value, groups of wildcard places that are the same variable, (wildcard places, need) as in `PatternNeeds`)"""
        self.waiting: list[tuple[PatternTokens, Hashable, PatternNeeds]] = []

    def open(self) -> "_Node":
        """The node itself, with its waiting patterns passed on to its children."""
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            for pattern, value, needs in waiting:
                self._place(pattern, value, needs)
        return self

    def _place(self, pattern: PatternTokens, value: Hashable, needs: PatternNeeds) -> None:
        if self.depth == len(pattern):
            self.values.append((value, _repeated(pattern), _placed(pattern, needs)))
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
        below.waiting.append((pattern, value, needs))


def _places(pattern: PatternTokens) -> dict[str, list[int]]:
    """The places of each variable, counted in wildcards."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(token for token in pattern if token[0] in "*?"):
        if token != "*":
            places.setdefault(token, []).append(place)
    return places


def _repeated(pattern: PatternTokens) -> tuple[tuple[int, ...], ...]:
    """The places of each variable that occurs more than once."""
    return tuple(tuple(places) for places in _places(pattern).values() if len(places) > 1)


def _placed(pattern: PatternTokens, needs: PatternNeeds) -> tuple[tuple[tuple[int, ...], Hashable], ...]:
    """The needs, with the first place of each variable; without variables that the pattern lacks."""
    if not needs:
        return ()
    first = {variable: places[0] for variable, places in _places(pattern).items()}
    placed = [(tuple(first[variable] for variable in variables if variable in first), need) for variables, need in needs]
    return tuple((places, need) for places, need in placed if places)


class _Overrun(Exception):
    """A walk that remembers took more than WALK_STEPS."""


class Index:
    """Values under patterns. `always` holds the values whose pattern is a bare variable."""

    def __init__(self) -> None:
        self._root = _Node(0)
        self.always: list[Any] = []
        self.size = 0
        self._steps = 0
        self._holds: Holds = anything_holds

    def add(self, pattern: PatternTokens, value: Hashable, needs: PatternNeeds = ()) -> None:
        """Puts a value under a pattern. needs: what its variables need, for `holds` of a query to decide."""
        self.size += 1
        if pattern[0][0] in "*?":
            self.always.append(value)
            return
        self._root.waiting.append((pattern, value, needs))

    def under_roots(self, terms: Iterable[tuple[str, list[Form]]], holds: Holds = anything_holds) -> Counter[Any]:
        """For `rw`: the values whose root and pattern fit one of the terms (root, forms), with the number of terms they fit."""
        self._holds = holds
        matches: Counter = Counter()
        for root, forms in terms:
            node = self._root.open().children.get(root)
            if node is not None:
                here: set = set()
                self._collect(node, forms, here)
                matches.update(here)
        return matches

    def matching(self, forms: list[Form], holds: Holds = anything_holds) -> set[Any]:
        """For `apply`: the values whose pattern fits one of the forms. Those of `always` are not included."""
        self._holds = holds
        matches: set = set()
        self._collect(self._root, forms, matches)
        return matches

    def _collect(self, node: _Node, forms: list[Form], matches: set) -> None:
        self._steps = 0
        remembered: set = set()
        try:
            self._match(node, (forms, None), (), remembered)
            matches |= remembered
        except _Overrun:
            self._match_once(node, (forms, None), matches)

    def _match_once(self, start: _Node, stack: tuple, matches: set) -> None:
        """The walk without memory of what variables met: a node is visited once for each rest of the term."""
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
                matches.update(value for value, _, _ in node.values)
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
                        # One object for equal rests. It also keeps them alive, so that no id is reused.
                        below = stacks.setdefault((id(argument), id(below)), (argument, below))
                    todo.append((child, below))

    def _match(self, node: _Node, stack: tuple | None, bound: tuple, matches: set) -> None:
        """stack: the rest of the term, a linked list of arguments. bound: what each wildcard so far met."""
        self._steps += 1
        if self._steps > WALK_STEPS:
            raise _Overrun
        if node.waiting:
            node.open()
        if stack is None:
            for value, repeated, needs in node.values:
                if (value not in matches and all(any(self._holds(need, bound[place]) for place in places) for places, need in needs)
                        and all(self._can_agree(bound, places) for places in repeated)):
                    matches.add(value)
            return
        term, rest = stack
        if term == "**":
            for after, stars in _skips(node):
                self._match(after, rest, bound + ("**",) * stars, matches)
            return
        if node.star is not None:
            self._match(node.star, rest, (*bound, term), matches)
        if term == "*":
            return
        for form in term:
            child = node.children.get(form[0])
            if child is not None:
                below = rest
                for argument in reversed(form[1:]):
                    below = (argument, below)
                self._match(child, below, bound, matches)

    def _can_agree(self, bound: tuple, places: tuple[int, ...]) -> bool:
        first = bound[places[0]]
        return all(self._share(first, bound[place]) for place in places[1:])

    def _share(self, a: Any, b: Any) -> bool:
        """May two arguments be the same term? Unknown arguments may be anything."""
        self._steps += 1
        if self._steps > WALK_STEPS:
            raise _Overrun
        if a is b or not isinstance(a, list) or not isinstance(b, list) or not a or not b:
            return True
        return any(
            f[0] == g[0] and all(self._share(x, y) for x, y in zip(f[1:], g[1:], strict=False))
            for f in a for g in b)


def _skips(node: _Node) -> list[tuple[_Node, int]]:
    """The nodes after any one subpattern, each with the number of wildcards in that subpattern."""
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
