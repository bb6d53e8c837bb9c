"""The portfolio: what automation tries on a theorem, as data.

A line is a script of tactics in which placeholders stand for what there is (`Offer`): `{x}` a variable that can be taken apart,
`{definitions}` a list. A line with placeholders for one thing stands for one script for each choice of these. Lines stand in the order
of what they prove for their time, measured on theorems of Init and Std (LOG.md); the first that proves a theorem is its line.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.gym_protocol import Hints

Script = tuple[str, ...]


class Line(msgspec.Struct, frozen=True):
    """What it is called in the table of proofs, and its tactics."""

    name: str
    script: Script

    def speaks_of(self, *things: str) -> bool:
        return any(f"{{{thing}}}" in tactic for thing in things for tactic in self.script)

    @property
    def asks_the_index(self) -> bool:
        return self.speaks_of("namesake", "inductions", "injection", "rewrite", "apply", "lemmas")

    @property
    def asks_for_premises(self) -> bool:
        return self.speaks_of("premise", "premises")


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
"""`{namesake}`, `{injection}`, `{rewrite}`, `{apply}`, `{lemmas}`: what the index finds (`Suggested`). `{premise}`, `{premises}`: what MePo
does, which takes half a second."""

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
"""What a search goes on by; after each the goals are tried by `FINISHERS`."""

FINISHERS = "first | rfl | assumption | omega | simp_all | grind"


class Portfolio(msgspec.Struct, frozen=True):
    """lines: tried one after the other. expansions: states that a best-first search over `MOVES` takes up where no line proves it."""

    lines: tuple[Line, ...] = ()
    expansions: int = 0

    @property
    def asks_the_index(self) -> bool:
        return any(line.asks_the_index for line in (*self.lines, *(MOVES if self.expansions else ())))

    def __bool__(self) -> bool:
        return bool(self.lines or self.expansions)


_NO_PREMISES = tuple(line for line in LINES if not line.asks_for_premises)

PORTFOLIOS = {
    "none": Portfolio(),
    "quick": Portfolio(tuple(line for line in _NO_PREMISES if not line.asks_the_index)),
    "lemmas": Portfolio(_NO_PREMISES),
    "premises": Portfolio(LINES),
    "search": Portfolio(_NO_PREMISES, expansions=6)}
"""Nothing; what needs nothing but the goal; with the index; with MePo as well; with the index and a search."""

PREMISES = 12
"""How many theorems MePo is asked for."""


# --- filling lines in -----------------------------------------------------------------------------------------------------------


class Suggested(msgspec.Struct, frozen=True, kw_only=True):
    """Theorems that may help, by name, the best first; they need not be there. namesakes: of other types, called alike. rewrites: as `rw`
    is told them (`← f`). injections: of the form `f a = f b ↔ a = b`. principles: of induction."""

    namesakes: Sequence[str] = ()
    rewrites: Sequence[str] = ()
    applies: Sequence[str] = ()
    injections: Sequence[str] = ()
    principles: Sequence[str] = ()


_NOT_UNFOLDED = {"ite", "dite", "Not", "Ne", "GT.gt", "GE.ge", "id", "Iff", "And", "Or", "outParam", "optParam", "autoParam", "bne"}
_NOT_PROJECTED = {"", "Eq", "HEq", "Iff", "And", "Or", "Not", "Exists", "True", "False", "Nat.le", "List.Mem"}
"""Propositions that closers take apart anyway, or that have no first part."""

_NO_INVARIANT = {"", "Nat", "Int", "Bool", "List", "Array", "Option", "Prod", "Char", "String", "Sum", "Rat"}
"""Types whose values carry no proof of anything, or none that a lemma asks for."""

_AT_MOST = {"x": 3, "namesake": 12, "injection": 3, "rewrite": 12, "apply": 12, "premise": PREMISES}
"""Choices. Of the variables the last ones: recursion is mostly over these."""


def scripts(line: Line, hints: Hints, suggested: Suggested = Suggested()) -> Iterator[Script]:
    """What a line comes to on a goal: nothing, where it speaks of what is not there."""
    choices = {
        "x": [held.name for held in hints.held if held.type and not held.is_proof][::-1],
        "namesake": suggested.namesakes, "injection": suggested.injections, "rewrite": suggested.rewrites, "apply": suggested.applies,
        "premise": hints.premises}
    lists = {
        "definitions": [name for name in hints.definitions if name not in _NOT_UNFOLDED][:6],
        "lemmas": [*(rule for rule in suggested.rewrites if not rule.startswith("←")), *suggested.applies][:12],
        "premises": hints.premises[:8]}
    known = {"close": _closers(hints), "inductions": _inductions(hints, suggested.principles),
             **{name: ", ".join(values) for name, values in lists.items()}}
    names = list(dict.fromkeys(re.findall(r"\{(\w+)\}", "\n".join(line.script))))
    if not all(known[name] for name in names if name in known):
        return
    open_ = [name for name in names if name in choices]
    for chosen in itertools.product(*(choices[name][:_AT_MOST[name]] for name in open_)):
        values = {**known, **dict(zip(open_, chosen, strict=True))}
        yield tuple(re.sub(r"\{(\w+)\}", lambda match, values=values: values[match[1]], tactic) for tactic in line.script)


def _inductions(hints: Hints, principles: Sequence[str]) -> str:
    """Induction on each variable that one of the principles is for: `T.inductionOn` is for those of type `T`."""
    return " <;> ".join(f"induction {held.name} using {principle}" for held in hints.held for principle in principles
                        if held.type == principle.rpartition(".")[0])


def _closers(hints: Hints) -> str:
    """What closes a goal that a lemma leaves: hypotheses, the first parts of these, the invariants that variables carry, decision
    procedures."""
    parts = [f"exact {held.name}.1" for held in hints.held if held.is_proof and held.type not in _NOT_PROJECTED]
    invariants = [f"exact {held.name}.2" for held in hints.held if not held.is_proof and held.type not in _NO_INVARIANT]
    return "first | " + " | ".join(["assumption", *parts[:4], *invariants[:3], "omega", "simp_all"])


# --- naming what was used -------------------------------------------------------------------------------------------------------

_ASKING = {"simp": "simp?", "simp_all": "simp_all?", "grind": "grind?"}
"""Tactics that can say what they used."""

_PLAINER = {"eq_refl": "rfl", "exact Iff.rfl": "rfl"}
"""What a person writes. `rfl` itself looks several times where these look once."""


def alternatives(closer: str) -> list[str]:
    """Those of `first | a | b`."""
    return closer.removeprefix("first | ").split(" | ") if closer.startswith("first | ") else [closer]


def plainer(tactic: str) -> list[str]:
    """The tactic, after what a person would rather write."""
    return [_PLAINER[tactic], tactic] if tactic in _PLAINER else [tactic]


def asking(tactic: str) -> str | None:
    """The form of a tactic that says what it used: `simp_all [f]` is asked as `simp_all? [f]`. None where there is none."""
    name, _, rest = tactic.partition(" ")
    return f"{_ASKING[name]} {rest}".rstrip() if name in _ASKING and "<;>" not in tactic else None


def suggestions(said: Sequence[str]) -> list[str]:
    """The tactics in messages such as `Try this: simp only [h]`; those with anchors (`#9426`) say nothing to a reader and are left out."""
    found: list[str] = []
    for message in said:
        if not message.startswith("Try this"):
            continue
        for part in re.split(r"\[apply\]", message.partition(":")[2]):
            tactic = re.sub(r"\s*\n\s+", " ", part).strip()
            if tactic and "#" not in tactic:
                found.append(tactic)
    return found
