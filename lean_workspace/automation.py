"""Automation: runs the portfolio on a theorem in the gym, and makes the proof explicit (`simp_all` becomes `simp_all only […]`)."""

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
    SuggestedTheorems,
    alternatives,
    idiomatic_forms,
    scripts,
    suggesting_form,
    suggestions,
)
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused

PORTFOLIO_HEARTBEATS = 2_000
"""In thousands, for a tactic of the portfolio: half a second."""


class Solved(msgspec.Struct, frozen=True):
    """line: name of the portfolio's line that proved it, or `search`. played: the tactics, made explicit where Lean could do so."""

    line: str
    played: list[Played]


def solve(gym: Gym, start: State, portfolio: Portfolio, suggested: SuggestedTheorems = SuggestedTheorems(),
          heartbeats: int = PORTFOLIO_HEARTBEATS) -> Solved | None:
    """The proof by the first line of the portfolio that succeeds; None if none does."""
    hints = _hints(gym, start, 0)
    has_premises = False
    for line in portfolio.lines:
        if line.uses_premises and not has_premises:
            hints, has_premises = _hints(gym, start, PREMISES), True
        for script in scripts(line, hints, suggested):
            if proves(played := list(gym.play(start, script, heartbeats))):
                return Solved(line.name, explicit(gym, played, heartbeats))
    found = best_first(gym, start, portfolio.expansions, suggested, heartbeats)
    return Solved("search", found) if found else None


def best_first(gym: Gym, start: State, expansions: int, suggested: SuggestedTheorems,
               heartbeats: int = PORTFOLIO_HEARTBEATS) -> list[Played] | None:
    """A short best-first search over `MOVES`, the state with the shortest text first. expansions: number of states to expand. None if it
    finds no proof."""
    waiting: list[tuple[int, int, State, list[Played]]] = [(0, 0, start, [])]
    seen = {start.goals}
    for _ in range(expansions):
        if not waiting:
            return None
        _, _, state, path = heapq.heappop(waiting)
        hints = _hints(gym, state, 0)
        for move in (move for line in MOVES for script in scripts(line, hints, suggested) for move in script):
            outcome = gym.step(state, move, heartbeats)
            extended = [*path, Played(state, move, outcome)]
            if isinstance(outcome, Proved):
                return extended
            if not isinstance(outcome, Advanced) or outcome.state.goals in seen:
                continue
            after = outcome.state
            seen.add(after.goals)
            finished = gym.step(after, f"all_goals {FINISHERS}", heartbeats)
            if isinstance(finished, Proved) and (closed := _closed_all(gym, after, alternatives(FINISHERS), heartbeats)):
                return [*extended, *closed]
            heapq.heappush(waiting, (len(after.text), len(seen), after, extended))
    return None


def explicit(gym: Gym, played: list[Played], heartbeats: int = PORTFOLIO_HEARTBEATS) -> list[Played]:
    """The same proof with its last tactic made explicit, goal by goal: `induction l <;> simp_all` becomes `induction l`, then
    `simp_all only […]` for each goal. Unchanged if the explicit form fails."""
    last = played[-1]
    opening, separator, closer = last.tactic.partition(" <;> ")
    if not separator:
        if alternatives(last.tactic) == [last.tactic] and suggesting_form(last.tactic) is None:
            return played  # there is nothing to make explicit
        closed = _closed_all(gym, last.before, alternatives(last.tactic), heartbeats)
        return [*played[:-1], *closed] if closed else played
    opened = Played(last.before, opening, gym.step(last.before, opening, heartbeats))
    if isinstance(opened.outcome, Proved):
        return [*played[:-1], opened]
    closed = _closed_all(gym, opened.outcome.state, alternatives(closer), heartbeats) if isinstance(opened.outcome, Advanced) else None
    return [*played[:-1], opened, *closed] if closed else played


def _closed_all(gym: Gym, state: State, closers: Sequence[str], heartbeats: int) -> list[Played] | None:
    """Closes goal after goal with the closers; None unless that completes the proof."""
    steps: list[Played] = []
    while (step := _closed(gym, state, closers, heartbeats)) is not None:
        steps.append(step)
        if not isinstance(step.outcome, Advanced):
            return steps  # it is Proved
        state = step.outcome.state
    return None


def _closed(gym: Gym, state: State, closers: Sequence[str], heartbeats: int) -> Played | None:
    """Closes the first goal with one of the closers, in its explicit form if Lean suggests one; None if no closer does."""
    for closer in closers:
        query = suggesting_form(closer)
        reply = gym.step(state, query, heartbeats) if query else None
        explicit_forms = suggestions(reply.messages) if isinstance(reply, Advanced | Proved) else []
        for tactic in (*explicit_forms, *idiomatic_forms(closer)):
            outcome = gym.step(state, tactic, heartbeats)
            if isinstance(outcome, Proved) or (isinstance(outcome, Advanced) and outcome.state.goals == state.goals[1:]):
                return Played(state, tactic, outcome)
    return None


def _hints(gym: Gym, state: State, premises: int) -> Hints:
    try:
        return gym.hints(state, premises)
    except (EngineDied, EngineRefused):
        return Hints(context=[], conclusion="", definitions=[], premises=[])
