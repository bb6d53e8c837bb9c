"""What the gym and the engine say to each other: the other side is `engine/Alchemy/Serving/GymRequests.lean`. See `protocol.py` for the rest."""

from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Message, Refusal, Request

# --- what comes back ------------------------------------------------------------------------------


class Words(Message):
    """statement: what stands between a theorem's name and `:=`; None where no words of Lean's read back as the theorem. module: its
    number. mentions: theorems of its own module that the statement needs."""

    statement: str | None
    levels: list[str]
    module: int
    mentions: list[str]


class Negated(Message):
    """The statement of the negation, or why there is none."""

    statement: str | None = None
    refused: str | None = None


class Started(Message):
    """The first state of a statement, or why there is none."""

    state: int | None = None
    goals: tuple[str, ...] = ()
    refused: str | None = None


class Stepped(Message):
    """What a tactic made of a state: another state with its goals, or a theorem, or the end of a part, or a refusal. apart: no goal knows
    of another. premises: theorems and definitions that the tactic names. said: messages that are no errors, such as `Try this: …`."""

    micros: int
    state: int | None = None
    goals: tuple[str, ...] = ()
    apart: bool = False
    closed: bool = False
    theorem: str | None = None
    axioms: tuple[str, ...] = ()
    premises: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    refused: Refusal | None = None


class Focused(Message):
    """A state with one goal."""

    state: int


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A variable or hypothesis that can be named. type: the inductive type that it is of; empty where it is of none."""

    name: str
    is_proof: bool
    type: str


class Hints(Message):
    """What a search may want to know of the first goal. conclusion: its head. definitions: in the conclusion, that can be unfolded.
    premises: theorems of the environment that MePo finds relevant, the best first."""

    held: list[Held]
    conclusion: str
    definitions: list[str]
    premises: list[str]


class WrittenStep(msgspec.Struct, frozen=True):
    """A tactic as it is played, and the goals that it met and left in the file. premises: what its names mean."""

    tactic: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    premises: tuple[str, ...]


class WrittenProof(msgspec.Struct, frozen=True):
    """A proof of a user's file. module: number of the file among the library's modules. statement: what stands between the name and `:=`;
    proof: what comes after it. steps: none where the proof is a term, or not all of it left a trace."""

    theorem: str
    module: int
    line: int
    statement: str
    proof: str
    steps: tuple[WrittenStep, ...]


class WrittenProofs(Message):
    rows: list[WrittenProof]


class Released(Message):
    pass


# --- requests -------------------------------------------------------------------------------------


class FindWords(Request, tag="words"):
    Reply = Words
    theorem: int


class Negate(Request, tag="negate"):
    Reply = Negated
    statement: str
    levels: Sequence[str]


class Before(msgspec.Struct, frozen=True):
    """Before the theorems of a module, but for those that are available, by name."""

    module: str
    available: Sequence[str] = ()


class Start(Request, tag="start"):
    """theorem: the statement must be this one's. without: constants that no proof may use. before: in which environment; None for the
    whole library. opens: namespaces, `Nat Real`, one `open` a line."""

    Reply = Started
    statement: str
    levels: Sequence[str]
    theorem: int | None
    without: Sequence[str]
    before: Before | None
    opens: str


class Proofs(Request, tag="proofs"):
    """A page of the proofs of the user's files."""

    Reply = WrittenProofs
    start: int = msgspec.field(name="from")
    count: int


class Begin(Request, tag="begin"):
    """proof: its number. The theorem is to be proved where it stands in its file."""

    Reply = Started
    proof: int


class Step(Request, tag="step"):
    """heartbeats: thousands."""

    Reply = Stepped
    state: int
    tactic: str
    heartbeats: int


class Focus(Request, tag="focus"):
    """goal: from 0."""

    Reply = Focused
    state: int
    goal: int


class AskHints(Request, tag="hints"):
    """premises: how many. heartbeats: thousands."""

    Reply = Hints
    state: int
    premises: int
    heartbeats: int


class Release(Request, tag="release"):
    Reply = Released
    states: Sequence[int]
