"""The portfolio: the scripts of tactics that automation tries on a theorem, as data.

A line is a script with placeholders. A placeholder for one thing, such as `{x}` for a variable, gives one script per choice; a placeholder
for a list, such as `{definitions}`, is replaced by the whole list. Lines are ordered by theorems proved per second, measured on Init and
Std (docs/LOG.md). The table of proofs names the first line that proves a theorem.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.gym_protocol import Hints

Script = tuple[str, ...]


class Line(msgspec.Struct, frozen=True):
    """name: in the table of proofs. script: its tactics, with placeholders."""

    name: str
    script: Script

    def mentions(self, *placeholders: str) -> bool:
        return any(f"{{{placeholder}}}" in tactic for placeholder in placeholders for tactic in self.script)

    @property
    def uses_index(self) -> bool:
        return self.mentions("namesake", "inductions", "injection", "rewrite", "apply", "lemmas")

    @property
    def uses_premises(self) -> bool:
        return self.mentions("premise", "premises")


LINES = (
    Line("unfold", ("simp only [{definitions}]",)),
    Line("rfl", ("first | eq_refl | exact Iff.rfl",)),
    Line("simp_all", ("simp_all",)),
    Line("constructor, simp_all", ("constructor <;> simp_all",)),
    Line("ext, simp_all", ("ext <;> simp_all",)),
    Line("omega", ("omega",)),
    Line("namesake", ("apply {namesake} <;> {close}",)),
    Line("principle, namesake", ("{inductions}", "apply {namesake} <;> {close}")),
    Line("injection, namesake", ("apply {injection}.1", "apply {namesake} <;> {close}")),
    Line("simp_all with definitions", ("simp_all [{definitions}]",)),
    Line("cases, rfl", ("cases {x} <;> first | eq_refl | exact Iff.rfl",)),
    Line("induction, simp_all", ("induction {x} <;> simp_all",)),
    Line("injection, simp_all", ("apply {injection}.1", "simp_all")),
    Line("rw", ("rw [{rewrite}] <;> {close}",)),
    Line("apply", ("apply {apply} <;> {close}",)),
    Line("grind", ("grind",)),
    Line("grind with definitions", ("grind [{definitions}]",)),
    Line("ext, grind", ("ext <;> grind",)),
    Line("induction, simp_all with definitions", ("induction {x} <;> simp_all [{definitions}]",)),
    Line("simp_all with lemmas", ("simp_all [{lemmas}]",)),
    Line("grind with lemmas", ("grind [{lemmas}]",)),
    Line("induction, grind", ("induction {x} <;> grind",)),
    Line("apply a premise", ("apply {premise} <;> {close}",)),
    Line("rw with a premise", ("rw [{premise}] <;> {close}",)),
    Line("simp_all with premises", ("simp_all [{premises}]",)),
    Line("grind with premises", ("grind [{premises}]",)),
    Line("induction, simp_all with premises", ("induction {x} <;> simp_all [{premises}]",)),
)
"""`{namesake}`, `{injection}`, `{rewrite}`, `{apply}`, `{lemmas}` come from the index (`SuggestedTheorems`); `{premise}`, `{premises}`
from MePo, which takes half a second."""

MOVES = (
    Line("intros", ("intros",)),
    Line("constructor", ("constructor",)),
    Line("ext", ("ext",)),
    Line("split", ("split",)),
    Line("unfold", ("simp only [{definitions}]",)),
    Line("cases", ("cases {x}",)),
    Line("induction", ("induction {x}",)),
    Line("injection", ("apply {injection}.1",)),
    Line("rw", ("rw [{rewrite}]",)),
)
"""The steps of a search; after each step `FINISHERS` are tried on all goals."""

FINISHERS = "first | rfl | assumption | omega | simp_all | grind"


class Portfolio(msgspec.Struct, frozen=True):
    """lines: tried in order. expansions: states that a best-first search over `MOVES` expands if no line succeeds; 0: no search."""

    lines: tuple[Line, ...] = ()
    expansions: int = 0

    @property
    def uses_index(self) -> bool:
        return any(line.uses_index for line in (*self.lines, *(MOVES if self.expansions else ())))

    def __bool__(self) -> bool:
        return bool(self.lines or self.expansions)


_NO_PREMISES = tuple(line for line in LINES if not line.uses_premises)

PORTFOLIOS = {
    "none": Portfolio(),
    "quick": Portfolio(tuple(line for line in _NO_PREMISES if not line.uses_index)),
    "lemmas": Portfolio(_NO_PREMISES),
    "premises": Portfolio(LINES),
    "search": Portfolio(_NO_PREMISES, expansions=6)}
"""none: nothing. quick: lines that only need the goal. lemmas: also those with the index. premises: also those with MePo. search: `lemmas`,
then a search."""

PREMISES = 12
"""How many theorems MePo selects."""


# --- filling lines in -----------------------------------------------------------------------------------------------------------


class SuggestedTheorems(msgspec.Struct, frozen=True, kw_only=True):
    """Theorems that may help, by name, the best first. namesakes: theorems of the same name about other types. rewrites: terms for `rw`,
    such as `← f`. applies: for `apply`. injections: of the form `f a = f b ↔ a = b`. principles: of induction."""

    namesakes: Sequence[str] = ()
    rewrites: Sequence[str] = ()
    applies: Sequence[str] = ()
    injections: Sequence[str] = ()
    principles: Sequence[str] = ()


_NOT_UNFOLDED = {"ite", "dite", "Not", "Ne", "GT.gt", "GE.ge", "id", "Iff", "And", "Or", "outParam", "optParam", "autoParam", "bne"}
_NOT_PROJECTED = {"", "Eq", "HEq", "Iff", "And", "Or", "Not", "Exists", "True", "False", "Nat.le", "List.Mem"}
"""Propositions that the closers destructure anyway, or that have no first component."""

_NO_INVARIANT = {"", "Nat", "Int", "Bool", "List", "Array", "Option", "Prod", "Char", "String", "Sum", "Rat"}
"""Types whose values carry no proof, or none that lemmas need."""

_AT_MOST = {"x": 3, "namesake": 12, "injection": 3, "rewrite": 12, "apply": 12, "premise": PREMISES}
"""The maximal number of choices for a placeholder. The last variables come first: recursion is mostly over these."""


def scripts(line: Line, hints: Hints, suggested: SuggestedTheorems = SuggestedTheorems()) -> Iterator[Script]:
    """The scripts that a line gives on a goal: none if there is nothing to fill in for a placeholder."""
    choices = {
        "x": [local.name for local in hints.context if local.type and not local.is_proof][::-1],
        "namesake": suggested.namesakes, "injection": suggested.injections, "rewrite": suggested.rewrites, "apply": suggested.applies,
        "premise": hints.premises}
    lists = {
        "definitions": [name for name in hints.definitions if name not in _NOT_UNFOLDED][:6],
        "lemmas": [*(rule for rule in suggested.rewrites if not rule.startswith("←")), *suggested.applies][:12],
        "premises": hints.premises[:8]}
    fixed = {"close": _closers(hints), "inductions": _inductions(hints, suggested.principles),
             **{name: ", ".join(values) for name, values in lists.items()}}
    names = list(dict.fromkeys(re.findall(r"\{(\w+)\}", "\n".join(line.script))))
    if not all(fixed[name] for name in names if name in fixed):
        return
    varying = [name for name in names if name in choices]
    for chosen in itertools.product(*(choices[name][:_AT_MOST[name]] for name in varying)):
        values = {**fixed, **dict(zip(varying, chosen, strict=True))}
        yield tuple(re.sub(r"\{(\w+)\}", lambda match, values=values: values[match[1]], tactic) for tactic in line.script)


def _inductions(hints: Hints, principles: Sequence[str]) -> str:
    """Induction on each variable that has a principle: `T.inductionOn` is for variables of type `T`."""
    return " <;> ".join(f"induction {local.name} using {principle}" for local in hints.context for principle in principles
                        if local.type == principle.rpartition(".")[0])


def _closers(hints: Hints) -> str:
    """Closes the goals that a lemma leaves: by hypotheses, their first components, the invariants that variables carry (`m.2`), and
    decision procedures."""
    parts = [f"exact {local.name}.1" for local in hints.context if local.is_proof and local.type not in _NOT_PROJECTED]
    invariants = [f"exact {local.name}.2" for local in hints.context if not local.is_proof and local.type not in _NO_INVARIANT]
    return "first | " + " | ".join(["assumption", *parts[:4], *invariants[:3], "omega", "simp_all"])


# --- explicit forms -------------------------------------------------------------------------------------------------------------

_SUGGESTING = {"simp": "simp?", "simp_all": "simp_all?", "grind": "grind?"}
"""Tactics that can suggest an explicit form of themselves."""

_IDIOMATIC = {"eq_refl": "rfl", "exact Iff.rfl": "rfl"}
"""What a person writes instead. The search uses the forms on the left, because `rfl` tries several relations in turn."""


def alternatives(closer: str) -> list[str]:
    """The tactics `a`, `b` of `first | a | b`; any other tactic alone."""
    return closer.removeprefix("first | ").split(" | ") if closer.startswith("first | ") else [closer]


def idiomatic_forms(tactic: str) -> list[str]:
    """The tactic, after the form that a person would write, if there is one."""
    return [_IDIOMATIC[tactic], tactic] if tactic in _IDIOMATIC else [tactic]


def suggesting_form(tactic: str) -> str | None:
    """The form of a tactic that makes Lean suggest an explicit one: `simp_all? [f]` for `simp_all [f]`. None if there is none."""
    name, _, rest = tactic.partition(" ")
    return f"{_SUGGESTING[name]} {rest}".rstrip() if name in _SUGGESTING and "<;>" not in tactic else None


def suggestions(messages: Sequence[str]) -> list[str]:
    """The tactics in messages such as `Try this: simp only [h]`, without those with anchors (`#9426`), which no reader understands."""
    found: list[str] = []
    for message in messages:
        if not message.startswith("Try this"):
            continue
        for part in re.split(r"\[apply\]", message.partition(":")[2]):
            tactic = re.sub(r"\s*\n\s+", " ", part).strip()
            if tactic and "#" not in tactic:
                found.append(tactic)
    return found
