"""The portfolio: what automation tries on a theorem, as data.

A line is a script of tactics in which placeholders stand for what the goal offers (`Hints`): `{x}` a variable that can be taken apart,
`{p}` a theorem that is relevant, `{definitions}` and `{premises}` the lists. A line with `{x}` or `{p}` stands for one script for each.
Lines stand from the cheapest to the dearest; the first that proves a theorem is its line.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from lean_workspace.episodes import Hints

Script = tuple[str, ...]

CLOSERS = ("rfl", "omega", "simp_all", "grind")


class Line(msgspec.Struct, frozen=True):
    """What it is called in the table of proofs, and its tactics."""

    name: str
    script: Script

    @property
    def asks_for_premises(self) -> bool:
        return any("{p}" in tactic or "{premises}" in tactic for tactic in self.script)


QUICK = (
    *(Line(closer, (closer,)) for closer in CLOSERS),
    Line("cases, simp_all", ("cases {x} <;> simp_all",)),
    Line("induction, simp_all", ("induction {x} <;> simp_all",)),
    Line("cases, grind", ("cases {x} <;> grind",)),
    Line("cases, rfl", ("cases {x} <;> rfl",)),
    Line("induction, grind", ("induction {x} <;> grind",)),
    Line("simp_all with definitions", ("simp_all [{definitions}]",)),
    Line("grind with definitions", ("grind [{definitions}]",)),
    Line("ext, simp_all", ("ext <;> simp_all",)),
    Line("ext, grind", ("ext <;> grind",)),
    Line("split, simp_all", ("split <;> simp_all",)),
    Line("constructor, simp_all", ("constructor <;> simp_all",)),
)
"""Needs no premises."""

THOROUGH = (
    Line("grind with premises", ("grind [{premises}]",)),
    Line("simp_all with premises", ("simp_all [{premises}]",)),
    Line("apply", ("apply {p} <;> first | assumption | omega | simp_all",)),
    Line("rw", ("rw [{p}]",)),
    Line("rw backward", ("rw [← {p}]",)),
    Line("rw, simp_all", ("rw [{p}]", "simp_all")),
    Line("cases, simp_all with definitions", ("cases {x} <;> simp_all [{definitions}]",)),
    Line("induction, simp_all with definitions", ("induction {x} <;> simp_all [{definitions}]",)),
    Line("simp_all with definitions, omega", ("simp only [{definitions}] at *", "omega")),
    Line("induction, simp_all with premises", ("induction {x} <;> simp_all [{premises}]",)),
)
"""With theorems that MePo finds relevant."""

PREMISES = 12
"""How many theorems are asked for; `{premises}` is the first eight."""

TAKEN_APART = 3
"""Of the variables, the last ones: recursion is mostly over these."""

_NOT_UNFOLDED = {"ite", "dite", "Not", "Ne", "GT.gt", "GE.ge", "id", "Iff", "And", "Or", "outParam", "optParam", "autoParam", "bne"}


def scripts(lines: Sequence[Line], hints: Hints) -> Iterator[tuple[Line, Script]]:
    """What the lines come to on a goal. A line that lacks what it speaks of comes to nothing."""
    variables = [held.name for held in hints.held if held.type and not held.is_proof][::-1][:TAKEN_APART]
    definitions = [name for name in hints.definitions if name not in _NOT_UNFOLDED][:6]
    lists = {"definitions": ", ".join(definitions), "premises": ", ".join(hints.premises[:8])}
    for line in lines:
        text = "\n".join(line.script)
        if any("{" + name + "}" in text and not value for name, value in lists.items()):
            continue
        choices = [{}]
        if "{x}" in text:
            choices = [{"x": name} for name in variables]
        elif "{p}" in text:
            choices = [{"p": name} for name in hints.premises]
        for choice in choices:
            yield line, tuple(_filled(tactic, {**lists, **choice}) for tactic in line.script)


def _filled(tactic: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], tactic)


# --- naming what was used -------------------------------------------------------------------------------------------------------

_ASKING = {"simp": "simp?", "simp_all": "simp_all?", "grind": "grind?"}
"""Tactics that can say what they used."""


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
