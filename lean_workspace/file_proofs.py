"""Proofs in files of the user, replayed in place.

While Lean elaborates a file, the goals before and after each tactic are recorded (`engine/Alchemy/Files/RecordedProofs.lean`). Replayed in
the gym, one tactic after the other, a proof must meet the same goals again. Then the recorded states are what a prover would see.
"""

from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.gym import Advanced, Gym, InSource, NotOpened, Played, Proved, Refused, State
from lean_alchemy.lean_workspace.gym_protocol import Proofs, WrittenProof
from lean_alchemy.lean_workspace.workspace import Lost, Workspace

PROOFS_PER_REQUEST = 200

FILE_HEARTBEATS = 200_000
"""In thousands, for a tactic: Lean's default for a whole command."""


class NumberedProof(msgspec.Struct, frozen=True):
    """A proof and its number in the engine."""

    number: int
    proof: WrittenProof


class NotPlayed(Exception):
    """Why a proof can't be replayed: `equations` (it is given by equations, not by tactics), `other states`, `not opened`, `not finished`,
    the stage of a refusal, or what killed the engine."""


def proofs_in(workspace: Workspace) -> dict[str, NumberedProof]:
    """The proofs in the user's files, by the theorem's name."""
    proofs: dict[str, NumberedProof] = {}
    while rows := workspace.ask(Proofs(start=len(proofs), count=PROOFS_PER_REQUEST)).rows:
        for proof in rows:
            proofs[proof.theorem] = NumberedProof(len(proofs), proof)
    return proofs


def replay(gym: Gym, numbered: NumberedProof) -> list[Played]:
    """Every tactic of a proof with its state; the last one proves the theorem. A proof that is a term is one `exact`. Raises NotPlayed."""
    proof = numbered.proof
    if proof.proof.startswith("|"):
        raise NotPlayed("equations")
    try:
        state = gym.start(InSource(numbered.number))
    except NotOpened:
        raise NotPlayed("not opened") from None
    if not proof.steps:
        return _finished(list(gym.play(state, [f"exact {proof.proof}"], FILE_HEARTBEATS)))
    steps: list[Played] = []
    for step in proof.steps:
        if not _begins_with(state, step.before):
            raise NotPlayed("other states")
        steps.append(Played(state, step.tactic, gym.step(state, step.tactic, FILE_HEARTBEATS)))
        if not isinstance(steps[-1].outcome, Advanced):
            break
        state = steps[-1].outcome.state
    if len(steps) < len(proof.steps) and isinstance(steps[-1].outcome, Proved):
        raise NotPlayed("other states")
    return _finished(steps)


def _begins_with(state: State, goals: Sequence[str]) -> bool:
    """Are these the first goals of a state? In the file `·` and `case` hide the goals after them; they also remove the goals' tags."""
    return [_untagged(goal) for goal in state.goals[:len(goals)]] == [_untagged(goal) for goal in goals]


def _untagged(goal: str) -> str:
    return goal.partition("\n")[2] if goal.startswith("case ") else goal


def _finished(steps: list[Played]) -> list[Played]:
    match steps[-1].outcome:
        case Proved():
            return steps
        case Refused(stage=stage):
            raise NotPlayed(stage)
        case Lost(cause=cause):
            raise NotPlayed(cause)
        case _:
            raise NotPlayed("not finished")
