"""Proofs that stand in files of the user, played where they stand.

Lean records what each tactic of a file met and left while it elaborates it (`engine/Alchemy/Written.lean`). Played in the gym, one tactic
after the other, a proof must meet the same goals again: what it recorded is then known to be what a prover would see.
"""

from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.gym import Advanced, Gym, NotOpened, Played, Proved, Refused, State, InSource
from lean_alchemy.lean_workspace.gym_protocol import Proofs, WrittenProof
from lean_alchemy.lean_workspace.workspace import Lost, Workspace

PAGE = 200

HEARTBEATS = 200_000
"""Thousands, for a tactic: what Lean gives to a whole command."""


class Numbered(msgspec.Struct, frozen=True):
    """A proof and its number in the engine."""

    number: int
    proof: WrittenProof


class NotPlayed(Exception):
    """Why a proof can't be played: `equations` (it is no tactic), `other states`, `not opened`, or the stage of a refusal."""


def written_in(workspace: Workspace) -> dict[str, Numbered]:
    """The proofs of the user's files, by theorem."""
    found: dict[str, Numbered] = {}
    while rows := workspace.ask(Proofs(start=len(found), count=PAGE)).rows:
        for proof in rows:
            found[proof.theorem] = Numbered(len(found), proof)
    return found


def played(gym: Gym, written: Numbered) -> list[Played]:
    """Every tactic of a proof on the state that it met, the last of which proves the theorem; a proof that is a term is one `exact`.
    Raises NotPlayed."""
    proof = written.proof
    if proof.proof.startswith("|"):
        raise NotPlayed("equations")
    try:
        state = gym.start(InSource(written.number))
    except NotOpened:
        raise NotPlayed("not opened") from None
    if not proof.steps:
        return _finished(list(gym.play(state, [f"exact {proof.proof}"], HEARTBEATS)))
    done: list[Played] = []
    for step in proof.steps:
        if not _begins_with(state, step.before):
            raise NotPlayed("other states")
        done.append(Played(state, step.tactic, gym.step(state, step.tactic, HEARTBEATS)))
        if not isinstance(done[-1].outcome, Advanced):
            break
        state = done[-1].outcome.state
    if len(done) < len(proof.steps) and isinstance(done[-1].outcome, Proved):
        raise NotPlayed("other states")
    return _finished(done)


def _begins_with(state: State, goals: Sequence[str]) -> bool:
    """A tactic acts on the first goals; those that a dot or `case` hid in the file come after them. These take tags of goals away, too."""
    return [_untagged(goal) for goal in state.goals[:len(goals)]] == [_untagged(goal) for goal in goals]


def _untagged(goal: str) -> str:
    return goal.partition("\n")[2] if goal.startswith("case ") else goal


def _finished(done: list[Played]) -> list[Played]:
    match done[-1].outcome:
        case Proved():
            return done
        case Refused(stage=stage):
            raise NotPlayed(stage)
        case Lost(cause=cause):
            raise NotPlayed(cause)
        case _:
            raise NotPlayed("not finished")
