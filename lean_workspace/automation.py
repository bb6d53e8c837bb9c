"""Automation: the portfolio run on a theorem in the gym, and its proof made explicit."""

from collections.abc import Sequence

import msgspec

from lean_workspace.episodes import Hints
from lean_workspace.gym import Advanced, Gym, Proved, State
from lean_workspace.portfolio import PREMISES, Line, Script, asking, scripts, suggestions
from lean_workspace.process import EngineDied, EngineRefused

HEARTBEATS = 2_000
"""Thousands for a tactic of the portfolio: half a second."""


class Solved(msgspec.Struct, frozen=True):
    """line: what proved it. script: with what it used named, where Lean could say that. proof: of that script."""

    line: str
    script: Script
    proof: Proved


def solve(gym: Gym, start: State, lines: Sequence[Line], heartbeats: int = HEARTBEATS) -> Solved | None:
    """The first script of the lines that proves the theorem; None where none does."""
    hints: Hints | None = None
    for line in lines:
        if hints is None or (line.asks_for_premises and not hints.premises):
            hints = _hints(gym, start, PREMISES if line.asks_for_premises else 0)
        for _, script in scripts([line], hints):
            if (proof := run(gym, start, script, heartbeats)) is not None:
                return explicit(gym, start, Solved(line.name, script, proof), heartbeats)
    return None


def run(gym: Gym, state: State, script: Sequence[str], heartbeats: int = HEARTBEATS) -> Proved | None:
    """The proof, if the script is one."""
    return next((outcome for _, _, outcome in gym.play(state, script, heartbeats) if isinstance(outcome, Proved)), None)


def explicit(gym: Gym, start: State, solved: Solved, heartbeats: int = HEARTBEATS) -> Solved:
    """The same proof with what its last tactic used named, goal by goal: `induction l <;> simp_all` becomes `induction l`, then
    `simp_all only […]` for each goal. As it was, where that does not prove it."""
    first, separator, closer = solved.script[-1].partition(" <;> ")
    script = [*solved.script[:-1], *([first] if separator else [])]
    closer = closer if separator else first
    state = start
    for _, _, outcome in gym.play(start, script, heartbeats):
        if not isinstance(outcome, Advanced):
            return solved
        state = outcome.state
    if (question := asking(closer)) is None:
        return solved
    while True:
        named = _named(gym, state, closer, question, heartbeats)
        if named is None:
            return solved
        tactic, outcome = named
        script.append(tactic)
        if isinstance(outcome, Proved):
            return Solved(solved.line, tuple(script), outcome)
        state = outcome.state


def _named(gym: Gym, state: State, closer: str, question: str, heartbeats: int) -> tuple[str, Advanced | Proved] | None:
    """A tactic that closes the first goal and says what it uses, or else the closer itself."""
    asked = gym.step(state, question, heartbeats)
    for tactic in (*(suggestions(asked.said) if isinstance(asked, Advanced | Proved) else ()), closer):
        outcome = gym.step(state, tactic, heartbeats)
        if isinstance(outcome, Proved) or (isinstance(outcome, Advanced) and outcome.state.goals == state.goals[1:]):
            return tactic, outcome
    return None


def _hints(gym: Gym, state: State, premises: int) -> Hints:
    try:
        return gym.hints(state, premises)
    except (EngineDied, EngineRefused):
        return Hints(held=[], conclusion="", definitions=[], premises=[])
