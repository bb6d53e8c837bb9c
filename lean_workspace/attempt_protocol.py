"""Messages about a single attempt: its costs, and the reason for its outcome. `protocol.py` has the other messages."""

import msgspec

from lean_alchemy.lean_workspace.protocol import Candidate, Message, Request


class AttemptCost(msgspec.Struct, frozen=True, array_like=True):
    """Costs of one attempt with empty caches, in nanoseconds. `engine/Alchemy/Attempts/Profile.lean` describes how each part is measured.
    outcome: `draft`, a reason, or Lean's error message."""

    outcome: str
    total: int
    instances: int
    typing: int
    closing: int

    @property
    def unification(self) -> int:
        """The rest of the total: unification."""
        return max(0, self.total - self.instances - self.typing - self.closing)


class Profiled(Message, frozen=True):
    rows: list[AttemptCost]


class Profile(Request[Profiled], tag="profile", frozen=True):
    """Measures the costs of attempts. It neither uses nor changes the caches of `Try`, and makes no drafts."""

    Reply = Profiled
    theorem: int
    candidates: list[Candidate]


class Explained(Message, frozen=True):
    """The outcome of an attempt and its reason. outcome: `draft`, or the reason of `Try`, such as `refused` or `unchanged`. message: Lean's
    error message, if Lean refused. trace: the attempt, in lines (`engine/Alchemy/Attempts/Trace.lean`)."""

    outcome: str
    message: str | None
    trace: list[str]


class Explain(Request[Explained], tag="explain", frozen=True):
    """Makes one attempt on the prepared target with the option `trace.Alchemy.attempt` set. It starts with empty
    caches, does not change those of `Try`, and makes no draft."""

    Reply = Explained
    theorem: int
    candidate: Candidate
