"""What the engine reports of one attempt: what it costs, and why it ends as it does. See `protocol.py` for all other messages."""

import msgspec

from lean_alchemy.lean_workspace.protocol import Candidate, Message, Request


class AttemptCost(msgspec.Struct, frozen=True, array_like=True):
    """One attempt with empty caches, in nanoseconds. `engine/Alchemy/Attempts/Profile.lean` says how each part is measured.
    outcome: `draft`, a reason, or Lean's message."""

    outcome: str
    total: int
    instances: int
    typing: int
    closing: int

    @property
    def unification(self) -> int:
        """What is left of the total."""
        return max(0, self.total - self.instances - self.typing - self.closing)


class Profiled(Message, frozen=True):
    rows: list[AttemptCost]


class Profile(Request[Profiled], tag="profile", frozen=True):
    """Where the time of each attempt goes. It touches no caches of `Try` and leaves no drafts."""

    Reply = Profiled
    theorem: int
    candidates: list[Candidate]


class Explained(Message, frozen=True):
    """How an attempt ends, and why. outcome: `draft`, or the reason that `Try` gives, such as `refused` or `unchanged`. message: Lean's
    error message where Lean refuses. trace: what was tried, in lines (`engine/Alchemy/Attempts/Trace.lean`)."""

    outcome: str
    message: str | None
    trace: list[str]


class Explain(Request[Explained], tag="explain", frozen=True):
    """Makes one attempt on the prepared target with the option `trace.Alchemy.attempt` set. The attempt begins with empty caches,
    touches none of `Try`, and leaves no draft."""

    Reply = Explained
    theorem: int
    candidate: Candidate
