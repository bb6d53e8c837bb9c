"""The messages between our process and the one that runs LeanDojo (`child.py`): one JSON object per line, each with its type."""

import msgspec

UNKNOWN = ("unknown",)
"""The axioms of a proof that LeanDojo accepted: it does not compute them. As this is no standard axiom, checks for standard axioms fail."""


class DojoMessage(msgspec.Struct, frozen=True, tag_field="type"):
    """One line."""


# --- requests -------------------------------------------------------------------------------------------------------------------


class ReadFile(DojoMessage, tag="read", frozen=True):
    """The theorems of a traced file. file: `*.ast.json` or `*.trace.xml`, relative to the traced folder."""

    file: str


class Enter(DojoMessage, tag="enter", frozen=True):
    """Opens a theorem. file: of the repository, such as `Mathlib/Order/Basic.lean`. timeout_s: LeanDojo's own timeout per reply."""

    file: str
    theorem: str
    timeout_s: int


class RunTactic(DojoMessage, tag="tactic", frozen=True):
    """Applies a tactic. state: its number in this process."""

    state: int
    tactic: str


class CheckProof(DojoMessage, tag="check", frozen=True):
    """Compiles a file with another proof of a theorem. proof: the text after `:=`."""

    file: str
    theorem: str
    proof: str


DojoRequest = ReadFile | Enter | RunTactic | CheckProof


# --- replies --------------------------------------------------------------------------------------------------------------------


class Package(DojoMessage, tag="package", frozen=True):
    """version: of lean-dojo. accepted: those of the requested toolchains that it claims to support."""

    version: str
    accepted: list[str]


class Traced(DojoMessage, tag="traced", frozen=True):
    """folder: the path of the traced repository."""

    folder: str


class Tactic(msgspec.Struct, frozen=True):
    """A tactic of a proof in the source. premises: full names of the premises that it mentions, in order, each once."""

    state_before: str
    tactic: str
    state_after: str
    premises: list[str]


class SourceTheorem(DojoMessage, tag="theorem", frozen=True):
    """A theorem in its source. full_name: None inside a macro that makes theorems. statement: the text between its name and `:=`. proof:
    the text after it. text: from `theorem` or `lemma` to the end. start, end: line and column, from 1."""

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


class Unread(DojoMessage, tag="unread", frozen=True):
    """A theorem on which LeanDojo's classes raise an error."""

    full_name: str | None
    reason: str


class FileEnd(DojoMessage, tag="end", frozen=True):
    """The end of a file. theorems: the number of theorems sent, unread ones included."""

    theorems: int


class Goals(DojoMessage, tag="goals", frozen=True):
    """A state. text: its goals as Lean prints them. messages: Lean's other output."""

    state: int
    text: str
    messages: str


class Finished(DojoMessage, tag="finished", frozen=True):
    """No goal is left, and the kernel accepted the proof term in LeanDojo's REPL."""

    messages: str


class GivenUp(DojoMessage, tag="given up", frozen=True):
    """The proof contains `sorry`."""


class Error(DojoMessage, tag="error", frozen=True):
    """Lean's error for a tactic."""

    message: str


class Verdict(DojoMessage, tag="verdict", frozen=True):
    """Does the file compile with the proof, and without `sorry` in it?"""

    holds: bool


class LeanDojoFailed(DojoMessage, tag="failed", frozen=True):
    """LeanDojo raised an exception. kind: its class."""

    kind: str
    message: str


Reply = Package | Traced | SourceTheorem | Unread | FileEnd | Goals | Finished | GivenUp | Error | Verdict | LeanDojoFailed
