"""What the engine tells of one attempt: what it cost, and why it ended as it did. See `protocol.py` for the rest."""

import msgspec

from lean_alchemy.lean_workspace.protocol import Candidate, Message, Request


class Cost(msgspec.Struct, frozen=True, array_like=True):
    """One attempt with empty caches, in nanoseconds; how each part is measured stands in `engine/Alchemy/Attempts/Profile.lean`.
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


class Profiled(Message):
    rows: list[Cost]


class Profile(Request, tag="profile"):
    """Where the time of each attempt goes. It touches no caches of `Try` and leaves no drafts."""

    Reply = Profiled
    theorem: int
    candidates: list[Candidate]


class Explained(Message):
    """How an attempt ended, and why. outcome: `draft`, or the reason that `Try` gives, such as `refused` or `unchanged`. message: Lean's
    error message where Lean refused. trace: what was tried, in lines (`engine/Alchemy/Attempts/Trace.lean`)."""

    outcome: str
    message: str | None
    trace: list[str]


class Explain(Request, tag="explain"):
    """Makes one attempt on the prepared target with the option `trace.Alchemy.attempt` set. It begins with empty caches, touches none of
    `Try`, and leaves no draft."""

    Reply = Explained
    theorem: int
    candidate: Candidate
