"""Best-first search: which states are expanded, what counts as proved, and which proof is returned. The search does not use Lean."""

import pytest
from hypothesis import given, strategies

from lean_alchemy.eval.search import Child, Search, TacticResult


def found(tactic: str, log_prob: float, *names: str) -> TacticResult:
    return TacticResult(tactic, log_prob, [child(name) for name in names])


def child(name: str) -> Child:
    """A state whose name begins with `?` has metavariables."""
    return Child(None if name.startswith("?") else name, name)


def run(search: Search, moves: dict[str, list[TacticResult]], expansions: int = 1000) -> list[str]:
    """The states, in the order of their expansion."""
    order = []
    while len(order) < expansions and search.ending == "open":
        node = search.next()
        order.append(node.state)
        search.expand(node, moves.get(node.state, []))
    return order


def searched(moves: dict[str, list[TacticResult]]) -> tuple[Search, list[str]]:
    search = Search(child("start"))
    return search, run(search, moves)


def test_the_most_probable_state_is_expanded_first():
    search, order = searched({"start": [found("a", -1.0, "A"), found("b", -0.5, "B")], "B": [found("c", -0.4, "C")],
                              "C": [found("d", -0.4, "D")], "A": [found("done", -0.1)]})
    assert order == ["start", "B", "C", "A"]  # D, at -1.3, comes after A, at -1.0, which is proved
    assert search.ending == "proved" and search.proof() == ["a", "done"] and search.expansions == 4


def test_a_search_without_open_states_is_stuck():
    search, order = searched({"start": [found("a", -1.0, "A")]})
    assert (search.ending, order, search.next()) == ("stuck", ["start", "A"], None)
    with pytest.raises(ValueError, match="not proved"):
        search.proof()


def test_equal_states_are_merged_with_the_better_priority():
    search, order = searched({"start": [found("a", -3.0, "X"), found("b", -0.1, "B"), found("c", -2.0, "C")], "B": [found("d", -0.1, "X")],
                              "X": [found("e", -5.0)]})
    assert order == ["start", "B", "X"] and len(search.nodes) == 4
    assert search.proof() == ["a", "e"] or search.proof() == ["b", "d", "e"]


def test_states_with_metavariables_are_not_merged():
    search, order = searched({"start": [found("a", -1.0, "?X"), found("b", -2.0, "?X")]})
    assert order == ["start", "?X", "?X"] and search.ending == "stuck"


def test_independent_goals_are_proved_in_separate_blocks():
    search, _ = searched({"start": [found("constructor", -0.1, "L", "R")],
                          "L": [found("intro h\nx", -0.1, "M")], "M": [found("exact h", -0.1)],
                          "R": [found("cases b", -0.1, "R1", "R2")], "R1": [found("rfl", -0.1)], "R2": [found("simp", -0.1)]})
    assert search.proof() == ["constructor", "· intro h\n  x\n  exact h", "· cases b\n  · rfl\n  · simp"]


def test_the_same_state_twice_is_proved_once_and_written_twice():
    search, order = searched({"start": [found("constructor", -0.1, "A", "A")], "A": [found("rfl", -0.1)]})
    assert order == ["start", "A"] and search.proof() == ["constructor", "· rfl", "· rfl"]


def test_useless_states_are_not_expanded():
    """Next to a goal that can't be proved, and below a proved one."""
    search, order = searched({"start": [found("a", -0.1, "bad", "good"), found("b", -5.0, "B")], "bad": [], "B": [found("rfl", -0.1)]})
    assert order == ["start", "bad", "B"] and search.proof() == ["b", "rfl"]
    search, order = searched({"start": [found("a", -0.1, "L", "R")], "L": [found("rfl", -0.5), found("slow", -0.2, "S")],
                              "S": [found("rfl", -0.1)], "R": [found("rfl", -9.0)]})
    assert "S" not in order and search.ending == "proved"


def test_a_skipped_state_is_expanded_when_it_becomes_useful():
    """S is below L, which is proved; then R leads to it, too."""
    search, order = searched({
        "start": [found("split", -0.1, "L", "R")], "L": [found("rfl", -0.5), found("on", -0.2, "S")], "R": [found("on", -0.3, "S")],
        "S": [found("rfl", -0.1)]})
    assert order[-1] == "S" and search.ending == "proved"


def test_a_tactic_that_leads_back_to_a_state_is_ignored():
    search, order = searched({"start": [found("symm", -0.1, "A")], "A": [found("symm", -0.1, "start"), found("id", -0.1, "A")]})
    assert order == ["start", "A"] and search.ending == "stuck"


def test_a_positive_log_probability_is_an_error():
    search = Search(child("start"))
    with pytest.raises(ValueError, match="not a log-probability"):
        search.expand(search.next(), [found("a", 0.5, "A")])


def test_a_search_that_ends_early_is_open():
    search = Search(child("start"))
    run(search, {"start": [found("a", -1.0, "A")]}, expansions=1)
    assert search.ending == "open"


STATES = strategies.integers(0, 7).map(str)
GRAPHS = strategies.dictionaries(STATES, strategies.lists(strategies.tuples(
    strategies.floats(-5, 0), strategies.lists(STATES, max_size=2)), max_size=3))


@given(GRAPHS)
def test_provable_states_are_proved_and_the_proof_is_valid(graph):
    moves = {state: [found(f"{state}:{number}", log_prob, *children) for number, (log_prob, children) in enumerate(edges)]
             for state, edges in graph.items()}
    search = Search(child("0"))
    order = run(search, moves)
    assert len(order) == len(set(order)) == search.expansions  # no state twice
    provable: set[str] = set()
    while more := {s for s, edges in moves.items() if s not in provable
                   and any(all(c.state in provable for c in edge.children) for edge in edges)}:
        provable |= more
    assert (search.ending == "proved") == ("0" in provable)
    if search.ending == "proved":
        assert replayed("0", moves, search.proof()) == []
    for node in search.nodes:
        if node.is_hopeless:
            assert node.state not in provable


def replayed(state: str, moves: dict[str, list[TacticResult]], script: list[str]) -> list[str]:
    """Follows a proof, and returns the rest of the script."""
    state_, number = script[0].split(":")
    assert state_ == state
    edge, rest = moves[state][int(number)], script[1:]
    if len(edge.children) == 1:
        return replayed(edge.children[0].state, moves, rest)
    for one in edge.children:
        block = rest[0]
        assert block.startswith("· ")
        assert replayed(one.state, moves, lines_of(block)) == []
        rest = rest[1:]
    return rest


def lines_of(block: str) -> list[str]:
    """The tactics of a block; a tactic may have several lines."""
    tactics: list[str] = []
    for line in block.removeprefix("· ").split("\n"):
        line = line.removeprefix("  ") if tactics else line
        if tactics and line.startswith("  "):
            tactics[-1] += "\n" + line
        else:
            tactics.append(line)
    return tactics
