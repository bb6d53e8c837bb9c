"""What our process and the one that runs LeanDojo (`dojo_child.py`) say to each other: a JSON object a line, each with its type."""

import msgspec

UNKNOWN = ("unknown",)
"""The axioms behind a proof that LeanDojo accepted: it does not look. It is no standard axiom, so who asks for those refuses it."""


class Message(msgspec.Struct, frozen=True, tag_field="type"):
    """One line."""


# --- what is asked --------------------------------------------------------------------------------------------------------------


class ReadFile(Message, tag="read"):
    """The theorems of a traced file. file: `*.ast.json` or `*.trace.xml`, relative to the traced folder."""

    file: str


class Enter(Message, tag="enter"):
    """A theorem to play. file: of the repository, such as `Mathlib/Order/Basic.lean`. timeout_s: of LeanDojo's own for each reply."""

    file: str
    theorem: str
    timeout_s: int


class RunTactic(Message, tag="tactic"):
    """state: its number in this process."""

    state: int
    tactic: str


class CheckProof(Message, tag="check"):
    """proof: what stands after `:=`."""

    file: str
    theorem: str
    proof: str


Request = ReadFile | Enter | RunTactic | CheckProof


# --- what is answered -----------------------------------------------------------------------------------------------------------


class Package(Message, tag="package"):
    """version: of lean-dojo. accepted: of the toolchains asked about, those that it says it supports."""

    version: str
    accepted: list[str]


class Traced(Message, tag="traced"):
    """folder: of the traced repository."""

    folder: str


class Tactic(msgspec.Struct, frozen=True):
    """A tactic of a person's proof. premises: full names of what it mentions, in order, each once."""

    state_before: str
    tactic: str
    state_after: str
    premises: list[str]


class Theorem(Message, tag="theorem"):
    """A theorem as its file has it. full_name: None in a piece of syntax that makes theorems. statement: what stands between its name and
    `:=`. proof: what stands after it. text: from `theorem` or `lemma` to the end. Positions: line and column, from 1."""

    full_name: str | None
    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    level_params: list[str]
    statement: str
    proof: str
    text: str
    is_private: bool
    is_tactic_proof: bool
    tactics: list[Tactic]


class Unread(Message, tag="unread"):
    """A theorem that LeanDojo's classes stumble over."""

    full_name: str | None
    reason: str


class FileEnd(Message, tag="end"):
    """No theorem follows. theorems: how many came, unread ones too."""

    theorems: int


class Goals(Message, tag="goals"):
    """A state. text: its goals as Lean prints them. said: messages beside it."""

    state: int
    text: str
    said: str


class Finished(Message, tag="finished"):
    """No goal is left, and LeanDojo's REPL had the kernel check the term that the tactics made."""

    said: str


class GivenUp(Message, tag="given up"):
    """The proof holds a `sorry`."""


class Error(Message, tag="error"):
    """Lean's, of a tactic."""

    message: str


class Verdict(Message, tag="verdict"):
    """Does the file compile with this proof in it, without a `sorry` there?"""

    holds: bool


class Failed(Message, tag="failed"):
    """LeanDojo could not do what was asked. kind: the class of its exception."""

    kind: str
    message: str


Reply = Package | Traced | Theorem | Unread | FileEnd | Goals | Finished | GivenUp | Error | Verdict | Failed
