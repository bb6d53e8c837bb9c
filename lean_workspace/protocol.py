"""The messages between Python and the engine, and the records that the whole package uses.

A request and its reply are one line of JSON each. Every request is a tagged struct that names the struct of its reply. On the side of
Lean they are listed in `engine/Alchemy/Serving/Serve.lean`. Two groups have their own file: `attempt_protocol.py` (costs and reasons of
a single attempt) and `gym_protocol.py`.
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
"""How a statement is changed so that it may become false: see `engine/Alchemy/FalseStatements/Change.lean`."""

AutomationName = Literal["rfl", "assumption", "simp", "omega", "grind", "exact target", "simpa using target"]
AUTOMATIONS: tuple[AutomationName, ...] = get_args(AutomationName)
"""The automation that variants are graded by, the cheapest first. The tactics are defined in `engine/Alchemy/Judging/Grade.lean`."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base class of structs from the engine. Unknown fields are ignored; missing fields are errors."""


# --- replies --------------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """The first line that an engine prints: its version, toolchain, and kinds of mutation."""

    engine: str
    toolchain: str
    kinds: list[str]
    requests: list[str]


class FileProblem(Message, frozen=True):
    """An error in a user's `.lean` file."""

    file: str
    line: int
    message: str


class Opened(Message, frozen=True):
    modules: list[str]
    count: int
    problems: list[FileProblem]


class TheoremRow(Message, frozen=True):
    """A theorem of the library. term: the statement in canonical form; None if it is too large."""

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
    """Keys of the index. `mutation.search.candidates.Key` describes the columns."""

    rows: list[tuple[int, KindName, Direction, int, bool, int, int, bool, str, str]]


class InstanceRows(Message, frozen=True):
    """[class, argument …] of each class instance; see `mutation.search.classes`."""

    rows: list[list[Any]]


class Declarations(Message, frozen=True):
    """rows: (name, kind, signature) of each declaration of a module except its theorems. imports: the modules that it imports."""

    imports: list[str]
    rows: list[tuple[str, str, str | None]]


Form = list[Any]
"""[token, argument …]; an argument is a list of forms, "*" or "**". Instead of a list that is in the target's table of shared lists, the
engine writes its number."""


class Site(Message, frozen=True):
    """A site of a target, with its queries to the index. site: 0 is the conclusion, n the n-th binder. rw: [root, forms] of each subterm.
    apply: forms. instances: the class instances of the target, as in `InstanceRows`."""

    site: int
    name: str
    rw: list[tuple[str, list[Form]]]
    apply: list[Form]
    instances: list[list[Any]] = []


class SharedSites(Message, frozen=True):
    """Sites that share equal lists of forms, to make the message smaller. forms: the shared lists; a list refers only to earlier ones, by
    their number."""

    forms: list[list[Form]]
    sites: list[Site]
    instances: list[list[Any]]

    def expanded(self) -> list[Site]:
        """The sites with lists instead of numbers. Equal lists are the same object."""
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
    """A prepared target. reads_back: does its printed statement elaborate to the same statement? micros: time for the forms of all
    sites."""

    binders: list[tuple[str, str]]
    reads_back: bool
    micros: int


class Tried(Message, frozen=True):
    """For each candidate (number of the draft, statement in canonical form, number of side conditions that became hypotheses, did the lemma
    introduce variables?), or the reason why there is no draft. micros: time of the attempts in Lean, without the communication."""

    results: list[tuple[int, str, int, bool] | str]
    micros: int


class Written(Message, frozen=True):
    """A variant that the kernel accepts, and whose text elaborates to its statement. term: the elaborated statement, in canonical form.
    micros: time of the kernel, of printing, and of elaboration."""

    statement: str
    proof: str
    theorem: str
    print_options: list[str]
    axioms: list[str]
    term: str
    micros: tuple[int, int, int]


class Refusal(Message, frozen=True):
    """A draft or a text that was rejected. stage: kernel, print, parse, form, statement, proof, sorry, axioms, budget or audit. place:
    where in the text Lean reports an error: line, from 1, and column, from 0."""

    stage: str
    message: str
    place: tuple[int, int] | None = None


class WrittenAll(Message, frozen=True):
    results: list[dict[str, Any]]

    def outcomes(self) -> list[Written | Refusal]:
        return [msgspec.convert(r, Written if "theorem" in r else Refusal) for r in self.results]


class ChangePlace(msgspec.Struct, frozen=True, array_like=True):
    """A place where a statement can be changed without a lemma. occurrence: the number of the numeral or pair of variables, from 1; else
    0."""

    kind: ChangeKind
    site: int
    occurrence: int


class Places(Message, frozen=True):
    places: list[ChangePlace]


class Refutation(Message, frozen=True):
    """A changed statement that is false, and the theorem of its negation, whose text was checked. term, negation: the false statement and
    its negation in canonical form."""

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
    """The verdict on a text: the theorem that it proves, or the reason why it proves none."""

    name: str | None = None
    term: str | None = None
    level_params: list[str] = []
    axioms: list[str] = []
    refused: Refusal | None = None


class Graded(Message, frozen=True):
    """closed_by: the first tactic that proves the statement; None if none does."""

    closed_by: AutomationName | None


class Judged(Message, frozen=True):
    """refused: the error message of the kernel; None if it accepts the proof."""

    refused: str | None


class Found(Message, frozen=True):
    numbers: list[int | None]


# --- requests -------------------------------------------------------------------------------------


class Request(msgspec.Struct, Generic[ReplyT], frozen=True, kw_only=True, tag_field="request"):
    Reply: ClassVar[type[Message]]
    id: int = 0


class Open(Request[Opened], tag="open", frozen=True):
    """Opens modules, and then elaborates the user's files with the imports of their headers. proofs: record the proofs in the files?
    module: the module whose source is the (only) file; the source is elaborated instead of its `.olean`. options: Lean options for the
    files."""

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
    """Asks for the declarations of a module except its theorems. module: the number of the module."""

    Reply = Declarations
    module: int


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """One attempt to use a lemma. lemma: its number. occurrence: for `apply` forward the antecedent, from 1; for `rw` the
    instance of the pattern, where 0 is the one that `rw [lemma]` rewrites."""

    site: int
    kind: KindName
    lemma: int
    backward: bool
    occurrence: int


class Style(msgspec.Struct, frozen=True):
    """Styles that may be used to print a statement if no other style elaborates to it again. explicitly: with all arguments explicit
    (`pp.explicit`). matchers: with the auxiliary function of a `match` instead of the `match`."""

    explicitly: bool = True
    matchers: bool = True


class AskSites(Request[SharedSites], tag="sites", frozen=True):
    """Asks for the sites of a theorem. The prepared target stays prepared."""

    Reply = SharedSites
    theorem: int


class Prepare(Request[Target], tag="target", frozen=True):
    """Prepares a target. steps: the candidates that lead from the theorem to this target, each applied to the result of the previous one.
    style: the styles allowed for `reads_back`; a `match` in the target's own text is always allowed."""

    Reply = Target
    theorem: int
    steps: list[Candidate]
    style: Style


class Try(Request[Tried], tag="try", frozen=True):
    Reply = Tried
    theorem: int
    candidates: list[Candidate]


class Write(Request[WrittenAll], tag="write", frozen=True):
    """Checks and prints drafts. drafts: for each its number, its name, and whether the text is also elaborated as a whole command."""

    Reply = WrittenAll
    theorem: int
    drafts: list[tuple[int, str, bool]]
    style: Style


class FindPlaces(Request[Places], tag="places", frozen=True):
    Reply = Places
    theorem: int


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One changed statement to refute. lemma: its number, or None. name: the name for the theorem of its negation."""

    kind: ChangeKind
    site: int
    lemma: int | None
    occurrence: int
    name: str


class Refute(Request[Refutations], tag="refute", frozen=True):
    """Refutes changed statements. The stage of a Refusal is `change` (no such statement), `search` (no counterexample), or as for a
    variant."""

    Reply = Refutations
    theorem: int
    changes: list[Change]


class Check(Request[Checked], tag="check", frozen=True):
    """Checks the text of a theorem. parts: check it in parts if that is sufficient (faster), as `write` does?"""

    Reply = Checked
    text: str
    parts: bool = False


class AskGrade(Request[Graded], tag="grade", frozen=True):
    """Asks for the first of the tactics that proves a statement alone. signature: the text between `theorem` and `:=`."""

    Reply = Graded
    signature: str
    target: str
    tactics: Sequence[AutomationName]


class Kernel(Request[Judged], tag="kernel", frozen=True):
    """Asks the kernel whether the proof of the theorem `proof` proves the theorem `statement`."""

    Reply = Judged
    statement: int
    proof: int


class Find(Request[Found], tag="find", frozen=True):
    Reply = Found
    names: list[str]


class Envelope(Message, frozen=True):
    """The envelope of every reply: its id, and the error if there is one."""

    id: int | None
    ok: msgspec.Raw = msgspec.Raw()
    error: str | None = None
