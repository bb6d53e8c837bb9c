"""Best-first proof search, as in LeanDojo and ReProver (Yang et al., 2023, arXiv 2306.15626, section 5), without any model, Lean or I/O.

A node is a state: goals that share metavariables, or a single goal. An edge is a tactic with the states it leads to: none (the state is
closed), one, or several independent ones. A node is proved when one of its edges is, an edge when all its nodes are. A node is hopeless
when it was expanded and all its edges are hopeless, an edge when one of its nodes is. Nodes are expanded in the order of their cumulative
log-probability, the sum over the tactics that lead to them. Equal states are one node, with the better priority.

The caller takes a node (`next`), gets tactics from a prover, runs them, and passes the results to `expand`, until `ending` is no longer
`open`. The nodes that a proof of a node uses were proved before it, so a proof contains no cycle, even if the graph does.
"""

import heapq
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

SearchEnding = Literal["proved", "stuck", "open"]
"""open: a node is left whose proof would help. stuck: none is."""


class Child(msgspec.Struct, frozen=True):
    """A state after a tactic. key: equal for equal states; None for a state that is never equal to another. state: the caller's object."""

    key: Hashable | None
    state: Any


class TacticResult(msgspec.Struct, frozen=True):
    """A tactic that succeeded on a state. log_prob: of the tactic, at most 0. children: the states after it; none if it closed the state;
    several if they can be proved independently."""

    tactic: str
    log_prob: float
    children: Sequence[Child]


class Edge(msgspec.Struct, eq=False):
    """A tactic on the state of `parent`. children: the nodes that it leads to."""

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
    """priority: cumulative log-probability. edges: from here; incoming: the edges that lead here. proof: the edge by which it is proved."""

    state: Any
    priority: float
    number: int
    is_queued: bool = False
    is_expanded: bool = False
    is_hopeless: bool = False
    edges: list[Edge] = msgspec.field(default_factory=list)
    incoming: list[Edge] = msgspec.field(default_factory=list)
    proof: Edge | None = None

    @property
    def is_proved(self) -> bool:
        return self.proof is not None


class Search:
    """The search for a proof of one theorem. expansions: the number of nodes taken by `next`."""

    def __init__(self, start: Child):
        self._nodes: list[Node] = []
        self._by_key: dict[Hashable, Node] = {}
        self._queue: list[tuple[float, int, Node]] = []
        self.expansions = 0
        self.root = self._node(start, 0.0)

    @property
    def ending(self) -> SearchEnding:
        if self.root.is_proved:
            return "proved"
        return "open" if self._best() else "stuck"

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes, in order of creation."""
        return self._nodes

    def next(self) -> Node | None:
        """The best node that was not expanded and whose proof would help; it now counts as expanded. None if there is none."""
        node = self._best()
        if node is not None:
            heapq.heappop(self._queue)
            node.is_queued, node.is_expanded = False, True
            self.expansions += 1
        return node

    def expand(self, node: Node, results: Iterable[TacticResult]) -> None:
        """Adds the results of all tactics tried on a node, without those that failed. Raises ValueError for a log-probability above 0."""
        for result in results:
            if result.log_prob > 0:
                raise ValueError(f"{result.log_prob} is not a log-probability: it must be at most 0")
            priority = node.priority + result.log_prob
            edge = Edge(result.tactic, node, tuple(self._node(child, priority) for child in result.children))
            if node in edge.children:
                continue  # the tactic leads back to its own state
            node.edges.append(edge)
            for child in edge.children:
                child.incoming.append(edge)
            self._mark_proved(edge)
        self._mark_hopeless(node)

    def proof(self) -> list[str]:
        """The tactics that prove the root, in order; independent states get a `·` block each. Raises ValueError if it is not proved."""
        return list(_script(self.root))

    def _node(self, child: Child, priority: float) -> Node:
        node = None if child.key is None else self._by_key.get(child.key)
        if node is None:
            node = Node(child.state, priority, len(self._nodes))
            self._nodes.append(node)
            if child.key is not None:
                self._by_key[child.key] = node
        if not (node.is_expanded or node.is_proved) and (not node.is_queued or priority > node.priority):
            node.priority, node.is_queued = max(priority, node.priority), True  # it may be queued twice; the better entry comes first
            heapq.heappush(self._queue, (-node.priority, node.number, node))
        return node

    def _best(self) -> Node | None:
        """The first node of the queue that is worth expanding. Others are dropped; a new edge that leads to them queues them again."""
        while self._queue:
            node = self._queue[0][2]
            if not node.is_expanded and not node.is_proved and self._helps(node):
                return node
            heapq.heappop(self._queue)
            node.is_queued = False
        return None

    def _helps(self, node: Node) -> bool:
        """Is there a path from the root to this node on which nothing is proved or hopeless?"""
        seen, todo = {node.number}, [node]
        while todo:
            current = todo.pop()
            if current is self.root:
                return True
            for edge in current.incoming:
                if not (edge.is_hopeless or edge.parent.is_proved or edge.parent.number in seen):
                    seen.add(edge.parent.number)
                    todo.append(edge.parent)
        return False

    @staticmethod
    def _mark_proved(edge: Edge) -> None:
        """Marks the nodes that this edge proves, directly or through other nodes."""
        todo = [edge]
        while todo:
            current = todo.pop()
            if current.is_proved and not current.parent.is_proved:
                current.parent.proof = current
                todo += current.parent.incoming

    @staticmethod
    def _mark_hopeless(node: Node) -> None:
        """Marks the nodes that became hopeless when this node was expanded. Hopeless cycles are not detected: their nodes are just
        expanded in their turn."""
        todo = [node]
        while todo:
            current = todo.pop()
            if (current.is_expanded and not current.is_proved and not current.is_hopeless
                    and all(edge.is_hopeless for edge in current.edges)):
                current.is_hopeless = True
                todo += (edge.parent for edge in current.incoming)


def _script(node: Node) -> Iterator[str]:
    if node.proof is None:
        raise ValueError("the state is not proved")
    yield node.proof.tactic
    if len(node.proof.children) == 1:
        yield from _script(node.proof.children[0])
        return
    for child in node.proof.children:
        yield block(_script(child))


def block(tactics: Iterable[str]) -> str:
    """The tactics as one `·` block, which proves the first goal."""
    return "· " + "\n  ".join(line for tactic in tactics for line in tactic.split("\n"))
