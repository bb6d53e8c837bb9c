"""Automation: the portfolio run on a theorem in the gym, and its proof made explicit."""

import heapq
from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.gym import Advanced, Gym, Played, Proved, State, proves
from lean_alchemy.lean_workspace.gym_protocol import Hints
from lean_alchemy.lean_workspace.portfolio import (
    FINISHERS,
    MOVES,
    PREMISES,
    Portfolio,
    Suggested,
    alternatives,
    asking,
    plainer,
    scripts,
    suggestions,
)
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused

HEARTBEATS = 2_000
"""Thousands for a tactic of the portfolio: half a second."""


class Solved(msgspec.Struct, frozen=True):
    """line: what proved it. played: tactic after tactic, with what they used named, where Lean could say that."""

    line: str
    played: list[Played]


def solve(gym: Gym, start: State, portfolio: Portfolio, suggested: Suggested = Suggested(), heartbeats: int = HEARTBEATS) -> Solved | None:
    """The first of the portfolio that proves the theorem; None where nothing does."""
    hints = _hints(gym, start, 0)
    has_premises = False
    for line in portfolio.lines:
        if line.asks_for_premises and not has_premises:
            hints, has_premises = _hints(gym, start, PREMISES), True
        for script in scripts(line, hints, suggested):
            if proves(played := list(gym.play(start, script, heartbeats))):
                return Solved(line.name, explicit(gym, played, heartbeats))
    found = best_first(gym, start, portfolio.expansions, suggested, heartbeats)
    return Solved("search", found) if found else None


def best_first(gym: Gym, start: State, expansions: int, suggested: Suggested, heartbeats: int = HEARTBEATS) -> list[Played] | None:
    """A short search over `MOVES`, those states first that leave least to prove. expansions: states that are taken up."""
    waiting: list[tuple[int, int, State, list[Played]]] = [(0, 0, start, [])]
    seen = {start.goals}
    for _ in range(expansions):
        if not waiting:
            return None
        _, _, state, path = heapq.heappop(waiting)
        hints = _hints(gym, state, 0)
        for move in (move for line in MOVES for script in scripts(line, hints, suggested) for move in script):
            outcome = gym.step(state, move, heartbeats)
            made = [*path, Played(state, move, outcome)]
            if isinstance(outcome, Proved):
                return made
            if not isinstance(outcome, Advanced) or outcome.state.goals in seen:
                continue
            after = outcome.state
            seen.add(after.goals)
            finished = gym.step(after, f"all_goals {FINISHERS}", heartbeats)
            if isinstance(finished, Proved) and (closed := _closed_all(gym, after, alternatives(FINISHERS), heartbeats)):
                return [*made, *closed]
            heapq.heappush(waiting, (len(after.text), len(seen), after, made))
    return None


def explicit(gym: Gym, played: list[Played], heartbeats: int = HEARTBEATS) -> list[Played]:
    """The same proof with what its last tactic used named, goal by goal: `induction l <;> simp_all` becomes `induction l`, then
    `simp_all only […]` for each goal. As it was, where that does not prove it."""
    last = played[-1]
    opening, separator, closer = last.tactic.partition(" <;> ")
    if not separator:
        if alternatives(last.tactic) == [last.tactic] and asking(last.tactic) is None:
            return played  # nothing to name: it need not be played again
        closed = _closed_all(gym, last.before, alternatives(last.tactic), heartbeats)
        return [*played[:-1], *closed] if closed else played
    opened = Played(last.before, opening, gym.step(last.before, opening, heartbeats))
    if isinstance(opened.outcome, Proved):
        return [*played[:-1], opened]
    closed = _closed_all(gym, opened.outcome.state, alternatives(closer), heartbeats) if isinstance(opened.outcome, Advanced) else None
    return [*played[:-1], opened, *closed] if closed else played


def _closed_all(gym: Gym, state: State, closers: Sequence[str], heartbeats: int) -> list[Played] | None:
    """Goal after goal closed by the closers, to the end of the proof."""
    made: list[Played] = []
    while (step := _closed(gym, state, closers, heartbeats)) is not None:
        made.append(step)
        if isinstance(step.outcome, Proved):
            return made
        state = step.outcome.state
    return None


def _closed(gym: Gym, state: State, closers: Sequence[str], heartbeats: int) -> Played | None:
    """The first goal closed by one of the closers, in a form that says what it uses where there is one."""
    for closer in closers:
        question = asking(closer)
        asked = gym.step(state, question, heartbeats) if question else None
        named = suggestions(asked.said) if isinstance(asked, Advanced | Proved) else []
        for tactic in (*named, *plainer(closer)):
            outcome = gym.step(state, tactic, heartbeats)
            if isinstance(outcome, Proved) or (isinstance(outcome, Advanced) and outcome.state.goals == state.goals[1:]):
                return Played(state, tactic, outcome)
    return None


def _hints(gym: Gym, state: State, premises: int) -> Hints:
    try:
        return gym.hints(state, premises)
    except (EngineDied, EngineRefused):
        return Hints(held=[], conclusion="", definitions=[], premises=[])
