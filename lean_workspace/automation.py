"""Automation: the portfolio run on a theorem in the gym, and its proof made explicit."""

from collections.abc import Sequence

import msgspec

from lean_workspace.episodes import Hints
from lean_workspace.gym import Advanced, Gym, Played, Proved, State, proves
from lean_workspace.portfolio import PREMISES, Line, Suggested, alternatives, asking, plainer, scripts, suggestions
from lean_workspace.process import EngineDied, EngineRefused

HEARTBEATS = 2_000
"""Thousands for a tactic of the portfolio: half a second."""


class Solved(msgspec.Struct, frozen=True):
    """line: what proved it. played: tactic after tactic, with what they used named, where Lean could say that."""

    line: str
    played: list[Played]


def solve(gym: Gym, start: State, lines: Sequence[Line], suggested: Suggested = Suggested(), heartbeats: int = HEARTBEATS) -> Solved | None:
    """The first script of the lines that proves the theorem; None where none does."""
    hints = _hints(gym, start, 0)
    has_premises = False
    for line in lines:
        if line.asks_for_premises and not has_premises:
            hints, has_premises = _hints(gym, start, PREMISES), True
        for script in scripts(line, hints, suggested):
            if proves(played := list(gym.play(start, script, heartbeats))):
                return Solved(line.name, explicit(gym, played, heartbeats))
    return None


def explicit(gym: Gym, played: list[Played], heartbeats: int = HEARTBEATS) -> list[Played]:
    """The same proof with what its last tactic used named, goal by goal: `induction l <;> simp_all` becomes `induction l`, then
    `simp_all only […]` for each goal. As it was, where that does not prove it."""
    last = played[-1]
    opening, separator, closer = last.tactic.partition(" <;> ")
    made = played[:-1]
    state = last.before
    if separator:
        outcome = gym.step(state, opening, heartbeats)
        made.append(Played(state, opening, outcome))
        if isinstance(outcome, Proved):
            return made
        if not isinstance(outcome, Advanced):
            return played
        state = outcome.state
    closers = alternatives(closer if separator else last.tactic)
    while (step := _closed(gym, state, closers, heartbeats)) is not None:
        made.append(step)
        if isinstance(step.outcome, Proved):
            return made
        state = step.outcome.state
    return played


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
