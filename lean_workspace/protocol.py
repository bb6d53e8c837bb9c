"""What Python and the engine say to each other, and the records of the whole house.

Every request is a tagged struct that names the struct of its reply; `engine/Alchemy/Serving/Serve.lean` lists
them on the other side. One JSON line each way. Two groups have a file of their own: `attempt_protocol.py` (what an
attempt costs, and why it ends as it does) and `gym_protocol.py`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, get_args

import msgspec

from lean_alchemy.lean_workspace.library import LeanOption

ENGINE_VERSION = "15"
"""Must equal `Alchemy.engineVersion` (`engine/Alchemy/Portable/Versions.lean`)."""

KindName = Literal["rw", "apply"]
ReplyT = TypeVar("ReplyT", bound="Message")
Direction = Literal["forward", "backward"]
ChangeKind = Literal["apply", "drop", "numeral", "exchange"]
"""How a statement is changed that need not hold: see `engine/Alchemy/FalseStatements/Change.lean`."""

Automation = Literal["rfl", "assumption", "simp", "omega", "grind", "exact target", "simpa using target"]
PORTFOLIO: tuple[Automation, ...] = get_args(Automation)
"""What a variant is graded by, from the cheapest; the tactics stand in `engine/Alchemy/Judging/Grade.lean`."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A struct that is read from the engine. Unknown fields are ignored, missing ones are errors."""


# --- what comes back ------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """The first line of an engine."""

    engine: str
    toolchain: str
    kinds: list[str]
    requests: list[str]


class FileProblem(Message, frozen=True):
    """An error in a `.lean` file of the user."""

    file: str
    line: int
    message: str


class Opened(Message, frozen=True):
    modules: list[str]
    count: int
    problems: list[FileProblem]


class TheoremRow(Message, frozen=True):
    """A theorem of the library. term: the statement in canonical form, None where it is too large."""

    name: str
    module: int
    line: int | None
    statement: str | None
    term: str | None
    binders: list[tuple[str, str]]
    level_params: list[str]
    tags: list[str]
    docstring: str | None


class TheoremRows(Message, frozen=True):
    rows: list[TheoremRow]


class KeyRows(Message, frozen=True):
    """See `mutation.candidates.Key` for the columns."""

    rows: list[tuple[int, KindName, Direction, int, bool, int, int, bool, str, str]]


class InstanceRows(Message, frozen=True):
    """[class, argument …] of each instance; see `mutation.classes`."""

    rows: list[list[Any]]


class Declarations(Message, frozen=True):
    """rows: (name, kind, signature) of each declaration of a module that is no theorem. imports: the modules that it imports."""

    imports: list[str]
    rows: list[tuple[str, str, str | None]]


Form = list[Any]
"""[token, argument …]; an argument is a list of forms, "*" or "**". The engine writes a number for a list that stands in
the table of the target."""


class Site(Message, frozen=True):
    """site: 0 is the conclusion, n the n-th binder. rw: [root, forms] of each subterm. apply: forms. instances: those of the
    target, as `InstanceRows` has them."""

    site: int
    name: str
    rw: list[tuple[str, list[Form]]]
    apply: list[Form]
    instances: list[list[Any]] = []


class SharedSites(Message, frozen=True):
    """Sites whose forms share what they have in common. forms: lists of forms that stand in others, by number, each after
    those that it names."""

    forms: list[list[Form]]
    sites: list[Site]
    instances: list[list[Any]]

    def expanded(self) -> list[Site]:
        """The sites with the lists themselves, each one object wherever it stands."""
        table: list[list[Form]] = []
        for forms in self.forms:
            table.append(_expanded(forms, table))
        return [Site(site=site.site, name=site.name, instances=self.instances, apply=_expanded(site.apply, table),
                     rw=[(root, _expanded(forms, table)) for root, forms in site.rw]) for site in self.sites]


def _expanded(forms: list[Form], table: list[list[Form]]) -> list[Form]:
    return [[_expanded_argument(part, table) for part in form] for form in forms]


def _expanded_argument(part: Any, table: list[list[Form]]) -> Any:
    if isinstance(part, int):
        return table[part]
    return _expanded(cast("list[Form]", part), table) if isinstance(part, list) else part


class Target(SharedSites, frozen=True):
    """reads_back: does its statement, printed in some way, read back as itself? micros: of the forms of all sites."""

    binders: list[tuple[str, str]]
    reads_back: bool
    micros: int


class Tried(Message, frozen=True):
    """For each candidate (draft, statement in canonical form, side conditions that became hypotheses, did the lemma
    introduce variables?), or why there is none. micros: of the attempts alone, without the pipes."""

    results: list[tuple[int, str, int, bool] | str]
    micros: int


class Written(Message, frozen=True):
    """A variant that the kernel accepts and whose text reads back as the statement of its term. term: the
    statement as it is read, in canonical form. micros: of the kernel, of printing and of elaboration."""

    statement: str
    proof: str
    theorem: str
    print_options: list[str]
    axioms: list[str]
    term: str
    micros: tuple[int, int, int]


class Refusal(Message, frozen=True):
    """stage: kernel, print, parse, form, statement, proof, sorry, axioms, budget or audit."""

    stage: str
    message: str


class WrittenAll(Message, frozen=True):
    results: list[dict[str, Any]]

    def outcomes(self) -> list[Written | Refusal]:
        return [msgspec.convert(r, Written if "theorem" in r else Refusal) for r in self.results]


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a statement can be changed without a lemma. occurrence: which numeral or pair of variables, from 1; else 0."""

    kind: ChangeKind
    site: int
    occurrence: int


class Places(Message, frozen=True):
    places: list[Place]


class Refutation(Message, frozen=True):
    """A changed statement that is false, and the theorem of its negation, judged from its text. term, negation: the
    false statement and its negation in canonical form."""

    term: str
    negation: str
    statement: str
    counterexample: str
    proof: str
    theorem: str
    print_options: list[str]
    axioms: list[str]
    micros: int


class Refutations(Message, frozen=True):
    results: list[dict[str, Any]]

    def outcomes(self) -> list[Refutation | Refusal]:
        return [msgspec.convert(r, Refutation if "theorem" in r else Refusal) for r in self.results]


class Checked(Message, frozen=True):
    """The theorem that a text proves, or why it proves none."""

    name: str | None = None
    term: str | None = None
    level_params: list[str] = []
    axioms: list[str] = []
    refused: Refusal | None = None


class Graded(Message, frozen=True):
    """closed_by: the first tactic that proves the statement; None where none does."""

    closed_by: Automation | None


class Judged(Message, frozen=True):
    """refused: what the kernel says; None where it accepts."""

    refused: str | None


class Found(Message, frozen=True):
    numbers: list[int | None]


# --- requests -------------------------------------------------------------------------------------


class Request(msgspec.Struct, Generic[ReplyT], frozen=True, kw_only=True, tag_field="request"):
    Reply: ClassVar[type[Message]]
    id: int = 0


class Open(Request[Opened], tag="open", frozen=True):
    """Modules of Lean, then files of the user on top of them, each with the modules of its own header. proofs: are the proofs in the files
    recorded? module: what the one file is the source of; it is read instead of what it was compiled to. options: for the files."""

    Reply = Opened
    modules: list[str]
    files: list[str] = []
    proofs: bool = False
    module: str | None = None
    options: list[LeanOption] = []


class Theorems(Request[TheoremRows], tag="theorems", frozen=True):
    Reply = TheoremRows
    start: int = msgspec.field(name="from")
    count: int


class Keys(Request[KeyRows], tag="keys", frozen=True):
    Reply = KeyRows
    start: int = msgspec.field(name="from")
    count: int


class Instances(Request[InstanceRows], tag="instances", frozen=True):
    Reply = InstanceRows


class AskDeclarations(Request[Declarations], tag="declarations", frozen=True):
    """module: the number of a module."""

    Reply = Declarations
    module: int


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """One attempt. rule: the lemma's number. occurrence: which antecedent, for `apply` forward, from 1; which instance
    of the pattern, for `rw`, where 0 is the first, as `rw [lemma]` finds it."""

    site: int
    kind: KindName
    rule: int
    backward: bool
    occurrence: int


class Style(msgspec.Struct, frozen=True):
    """What a statement may be written like where nothing else reads back. explicitly: with all of its arguments, as a whole. matchers:
    with a `match` as the function that Lean made of it."""

    explicitly: bool = True
    matchers: bool = True


class Prepare(Request[Target], tag="target", frozen=True):
    """steps: the variants that lead from the theorem to the target meant, each a candidate of the one before. style: how its own
    text may be written to count as read back; a `match` may be in it as it is."""

    Reply = Target
    theorem: int
    steps: list[Candidate]
    style: Style


class Try(Request[Tried], tag="try", frozen=True):
    Reply = Tried
    theorem: int
    candidates: list[Candidate]


class Write(Request[WrittenAll], tag="write", frozen=True):
    """drafts: number, name, and whether the whole command judges the text as well."""

    Reply = WrittenAll
    theorem: int
    drafts: list[tuple[int, str, bool]]
    style: Style


class FindPlaces(Request[Places], tag="places", frozen=True):
    Reply = Places
    theorem: int


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One changed statement to refute. rule: the lemma's number, None without one. name: of the theorem of its negation."""

    kind: ChangeKind
    site: int
    rule: int | None
    occurrence: int
    name: str


class Refute(Request[Refutations], tag="refute", frozen=True):
    """A Refusal's stage is `change` (there is no such statement), `search` (no counterexample), or as for a variant."""

    Reply = Refutations
    theorem: int
    changes: list[Change]


class Check(Request[Checked], tag="check", frozen=True):
    """parts: is the text judged by its parts, where these say enough, as `write` does?"""

    Reply = Checked
    text: str
    parts: bool = False


class AskGrade(Request[Graded], tag="grade", frozen=True):
    """Which of the tactics, the first of them, proves a statement alone? signature: what stands between `theorem` and `:=`."""

    Reply = Graded
    signature: str
    target: str
    tactics: Sequence[Automation]


class Kernel(Request[Judged], tag="kernel", frozen=True):
    """Is the theorem `proof` a proof of the theorem `statement`?"""

    Reply = Judged
    statement: int
    proof: int


class Find(Request[Found], tag="find", frozen=True):
    Reply = Found
    names: list[str]


class Envelope(Message, frozen=True):
    """What every reply comes in."""

    id: int | None
    ok: msgspec.Raw = msgspec.Raw()
    error: str | None = None
