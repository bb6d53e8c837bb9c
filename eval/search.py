"""Best-first proof search, as in LeanDojo and ReProver (Yang et al., 2023, arXiv 2306.15626, section 5): no model, no Lean and no I/O in
it.

A node is a state: goals that belong together. An edge is a tactic, and what it made of a state: nothing (it is closed), a state, or several
states that know nothing of each other and are proved apart. A node is proved when one of its edges is, and an edge when all of its nodes
are; a node is hopeless when it was taken up and all of its edges are, and an edge when one of its nodes is. Nodes are taken up in the order
of their cumulative log-probability, that of the tactics which lead to them. States that read alike are one node, with the better of
both priorities.

The caller asks for a node (`next`), asks a prover for tactics, runs them, and tells what came of them (`expand`), until `ending` says how
it ended. What a node's proof consists of was proved before the node itself, so a proof has no circle in it, whatever circles the graph
has.
"""

import heapq
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

Ending = Literal["proved", "stuck", "open"]
"""stuck: nothing that is left to take up would help. open: there is."""


class Child(msgspec.Struct, frozen=True):
    """A state that a tactic made. key: equal for states that are one; None for a state that is none other's equal. state: the caller's
    own."""

    key: Hashable | None
    state: Any


class Found(msgspec.Struct, frozen=True):
    """What a tactic made of a state. log_prob: of the tactic, at most 0. children: none where it closed the state; to be proved apart where
    they are several."""

    tactic: str
    log_prob: float
    children: Sequence[Child]


class Edge(msgspec.Struct, eq=False):
    tactic: str
    parent: "Node"
    children: tuple["Node", ...]

    @property
    def is_proved(self) -> bool:
        return all(child.is_proved for child in self.children)

    @property
    def is_hopeless(self) -> bool:
        return any(child.is_hopeless for child in self.children)


class Node(msgspec.Struct, eq=False):
    """priority: cumulative log-probability. edges: to what its tactics made; into: the edges that lead here. proof: the edge by which it is
    proved."""

    state: Any
    priority: float
    number: int
    is_queued: bool = False
    is_taken_up: bool = False
    is_hopeless: bool = False
    edges: list[Edge] = msgspec.field(default_factory=list)
    into: list[Edge] = msgspec.field(default_factory=list)
    proof: Edge | None = None

    @property
    def is_proved(self) -> bool:
        return self.proof is not None


class Search:
    """The search for the proof of one theorem. expansions: nodes that were taken up."""

    def __init__(self, start: Child):
        self._nodes: list[Node] = []
        self._by_key: dict[Hashable, Node] = {}
        self._queue: list[tuple[float, int, Node]] = []
        self.expansions = 0
        self.root = self._node(start, 0.0)

    @property
    def ending(self) -> Ending:
        if self.root.is_proved:
            return "proved"
        return "open" if self._best() else "stuck"

    @property
    def nodes(self) -> Sequence[Node]:
        """All states, in the order in which they came up."""
        return self._nodes

    def next(self) -> Node | None:
        """The best node that is not taken up and whose proof would help; from now on it counts as taken up. None where there is none."""
        node = self._best()
        if node is not None:
            heapq.heappop(self._queue)
            node.is_queued, node.is_taken_up = False, True
            self.expansions += 1
        return node

    def expand(self, node: Node, found: Iterable[Found]) -> None:
        """What all tactics that were tried on a node led to; those that failed are not among them."""
        for way in found:
            if way.log_prob > 0:
                raise ValueError(f"{way.log_prob} is no log-probability")
            edge = Edge(way.tactic, node, tuple(self._node(child, node.priority + way.log_prob) for child in way.children))
            if node in edge.children:
                continue  # it leads to where it was
            node.edges.append(edge)
            for child in edge.children:
                child.into.append(edge)
            self._prove_up(edge)
        self._give_up(node)

    def proof(self) -> list[str]:
        """The tactics that prove the root, one after the other; states that are proved apart have a block each. Raises ValueError where it
        is not proved."""
        return list(_script(self.root))

    def _node(self, child: Child, priority: float) -> Node:
        node = None if child.key is None else self._by_key.get(child.key)
        if node is None:
            node = Node(child.state, priority, len(self._nodes))
            self._nodes.append(node)
            if child.key is not None:
                self._by_key[child.key] = node
        if not (node.is_taken_up or node.is_proved) and (not node.is_queued or priority > node.priority):
            node.priority, node.is_queued = max(priority, node.priority), True  # it may be queued twice: the better place comes first
            heapq.heappush(self._queue, (-node.priority, node.number, node))
        return node

    def _best(self) -> Node | None:
        """The first of the queue, without what need not be taken up: it would come back where a new edge leads to it."""
        while self._queue:
            node = self._queue[0][2]
            if not node.is_taken_up and not node.is_proved and self._helps(node):
                return node
            heapq.heappop(self._queue)
            node.is_queued = False
        return None

    def _helps(self, node: Node) -> bool:
        """Is there a way from the root to here on which nothing is proved or hopeless?"""
        seen, todo = {node.number}, [node]
        while todo:
            at = todo.pop()
            if at is self.root:
                return True
            for edge in at.into:
                if not (edge.is_hopeless or edge.parent.is_proved or edge.parent.number in seen):
                    seen.add(edge.parent.number)
                    todo.append(edge.parent)
        return False

    @staticmethod
    def _prove_up(edge: Edge) -> None:
        """What is proved by this edge, and by what that proves."""
        todo = [edge]
        while todo:
            at = todo.pop()
            if at.is_proved and not at.parent.is_proved:
                at.parent.proof = at
                todo += at.parent.into

    @staticmethod
    def _give_up(node: Node) -> None:
        """What is hopeless when this node is expanded. Nodes that have only each other are not found: they are just taken up in their
        turn."""
        todo = [node]
        while todo:
            at = todo.pop()
            if at.is_taken_up and not at.is_proved and not at.is_hopeless and all(edge.is_hopeless for edge in at.edges):
                at.is_hopeless = True
                todo += (edge.parent for edge in at.into)


def _script(node: Node) -> Iterator[str]:
    if node.proof is None:
        raise ValueError("it is not proved")
    yield node.proof.tactic
    if len(node.proof.children) == 1:
        yield from _script(node.proof.children[0])
        return
    for child in node.proof.children:
        yield block(_script(child))


def block(tactics: Iterable[str]) -> str:
    """The tactics as one that proves the first goal alone."""
    return "· " + "\n  ".join(line for tactic in tactics for line in tactic.split("\n"))
