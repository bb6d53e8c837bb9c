"""The messages between the gym and the engine; the other side is `engine/Alchemy/Serving/GymRequests.lean`."""

from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Message, Refusal, Request

# --- replies --------------------------------------------------------------------------------------


class StatementText(Message, frozen=True):
    """The printed statement of a theorem. statement: the text between its name and `:=`; None if no printed form reads back. levels:
    universe parameters. module: number of its module. mentions: the theorems of that module that the statement mentions."""

    statement: str | None
    levels: list[str]
    module: int
    mentions: list[str]


class Negated(Message, frozen=True):
    """The text of the negation, or why there is none."""

    statement: str | None = None
    refused: str | None = None


class Started(Message, frozen=True):
    """The first state of a statement, or why there is none."""

    state: int | None = None
    goals: tuple[str, ...] = ()
    refused: str | None = None


class Stepped(Message, frozen=True):
    """The outcome of a tactic: a new state with its goals, or a theorem, or `closed` (the end of a focused state), or a refusal.
    independent: no two goals share a metavariable. premises: the theorems and definitions that the tactic names. messages: without errors,
    such as `Try this: …`."""

    micros: int
    state: int | None = None
    goals: tuple[str, ...] = ()
    independent: bool = msgspec.field(default=False, name="apart")
    closed: bool = False
    theorem: str | None = None
    axioms: tuple[str, ...] = ()
    premises: tuple[str, ...] = ()
    messages: tuple[str, ...] = msgspec.field(default=(), name="said")
    refused: Refusal | None = None


class Focused(Message, frozen=True):
    """A state with one goal."""

    state: int


class LocalDecl(msgspec.Struct, frozen=True, array_like=True):
    """A variable or hypothesis of the local context that has an accessible name. type: the name of its inductive type, or empty."""

    name: str
    is_proof: bool
    type: str


class Hints(Message, frozen=True):
    """Facts about the first goal. context: its local declarations. conclusion: the head symbol of its conclusion. definitions: those in the
    conclusion that can be unfolded. premises: the theorems of the environment that MePo selects, the most relevant first."""

    context: list[LocalDecl] = msgspec.field(name="held")
    conclusion: str
    definitions: list[str]
    premises: list[str]


class WrittenStep(msgspec.Struct, frozen=True):
    """A tactic of a proof in a file. before, after: the goals that Lean recorded. premises: the constants that its names refer to."""

    tactic: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    premises: tuple[str, ...]


class WrittenProof(msgspec.Struct, frozen=True):
    """A proof in a user's file. module: number of the file among the library's modules. statement: the text between the name and `:=`.
    proof: the text after it. steps: empty if the proof is a term, or if Lean did not record all of its tactics."""

    theorem: str
    module: int
    line: int
    statement: str
    proof: str
    steps: tuple[WrittenStep, ...]


class WrittenProofs(Message, frozen=True):
    rows: list[WrittenProof]


class Released(Message, frozen=True):
    pass


# --- requests -------------------------------------------------------------------------------------


class FindStatementText(Request[StatementText], tag="words", frozen=True):
    Reply = StatementText
    theorem: int


class Negate(Request[Negated], tag="negate", frozen=True):
    Reply = Negated
    statement: str
    levels: Sequence[str]


class Before(msgspec.Struct, frozen=True):
    """The environment before the theorems of a module, plus those that are available, by name."""

    module: str
    available: Sequence[str] = ()


class Start(Request[Started], tag="start", frozen=True):
    """See `gym.Statement` for the fields."""

    Reply = Started
    statement: str
    levels: Sequence[str]
    theorem: int | None
    without: Sequence[str]
    before: Before | None
    opens: str


class Proofs(Request[WrittenProofs], tag="proofs", frozen=True):
    """A page of the proofs of the user's files."""

    Reply = WrittenProofs
    start: int = msgspec.field(name="from")
    count: int


class Begin(Request[Started], tag="begin", frozen=True):
    """Starts a theorem in its source, right before its own command. proof: its number."""

    Reply = Started
    proof: int


class RunStep(Request[Stepped], tag="step", frozen=True):
    """heartbeats: in thousands."""

    Reply = Stepped
    state: int
    tactic: str
    heartbeats: int


class Focus(Request[Focused], tag="focus", frozen=True):
    """goal: counted from 0."""

    Reply = Focused
    state: int
    goal: int


class AskHints(Request[Hints], tag="hints", frozen=True):
    """premises: how many to select. heartbeats: in thousands."""

    Reply = Hints
    state: int
    premises: int
    heartbeats: int


class Release(Request[Released], tag="release", frozen=True):
    Reply = Released
    states: Sequence[int]
