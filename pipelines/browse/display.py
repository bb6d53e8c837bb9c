"""A variant beside its target, for a terminal and for a notebook. What is printed is Lean: all but the theorem is in comments."""

from collections.abc import Mapping, Sequence
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from rich.syntax import Syntax
from rich.text import Text

from lean_alchemy.pipelines.browse.changes import Piece, marked, word_diff
from lean_alchemy.pipelines.data.schema import Step, Variant

PROVENANCE = ("variant_id", "module", "library", "kind", "site", "lemma", "direction", "occurrence", "depth", "parents", "score",
              "print_options", "axioms", "statement_key", "toolchain")


def use_of(variant: Variant) -> str:
    """How the lemma was used: `rw ← Nat.gcd_mul_lcm at the conclusion`."""
    arrow = "← " if variant.kind == "rw" and variant.direction == "backward" else ""
    occurrence = f", occurrence {variant.occurrence}" if variant.occurrence > 1 else ""
    before = f", after {len(variant.parents)} other steps" if variant.parents else ""
    return f"{variant.kind} {arrow}{variant.lemma} at {_place(variant.site)}{occurrence}{before}"


def _place(site: str) -> str:
    return "the conclusion" if site == "conclusion" else f"the hypothesis {site}"


def variant_text(variant: Variant, target: str, statements: Mapping[str, str] = {}, in_colour: bool = True) -> Text:
    """The variant below its target. What differs is coloured, or marked as `[-old-]{+new+}` in the comment.

    target: the statement of the target. statements: of lemmas, by name; the variant's lemma is printed if it is there.
    """
    text = Text(f"-- {use_of(variant)}\n", style="dim" if in_colour else "")
    if lemma := statements.get(variant.lemma):
        text.append(_comment(f"{variant.lemma} {lemma}"))
    if not in_colour:
        text.append(_comment(f"{variant.target} {word_diff(target, variant.statement)}") + variant.theorem + "\n")
        return text
    before, after = marked(target, variant.statement)
    text.append(f"-- {variant.target} ")
    for piece in before:
        text.append(piece.text.replace("\n", "\n--   "), "red" if piece.changed else "")
    text.append("\n")
    theorem = Syntax("", "lean4", background_color="default").highlight(variant.theorem)
    if (start := variant.theorem.find(variant.statement)) >= 0:
        for begin, end in _changed(after, start):
            theorem.stylize("bold green", begin, end)
    return Text.assemble(text, theorem)


def _comment(text: str) -> str:
    return "-- " + text.replace("\n", "\n--   ") + "\n"


def _changed(pieces: Sequence[Piece], start: int) -> list[tuple[int, int]]:
    """Begin and end of the changed pieces in a text that has them from `start` on."""
    found = []
    for piece in pieces:
        if piece.changed:
            found.append((start, start + len(piece.text)))
        start += len(piece.text)
    return found


def steps_text(steps: Sequence[Step]) -> str:
    """The steps of a proof as comments: each state, the tactic below it, and what is left at the end."""
    if not steps:
        return _comment("no steps: the proof did not replay (see the table `failures`)")
    lines = [f"{_comment(step.state_before)}{_comment(f'▸ {step.tactic}')}" for step in steps]
    return "".join(lines) + _comment(steps[-1].state_after)


def provenance_text(variant: Variant) -> str:
    """Where the variant comes from, as comments."""
    fields = ((name, getattr(variant, name)) for name in PROVENANCE)
    return "".join(_comment(f"{name}: {', '.join(value) if isinstance(value, list) else value}") for name, value in fields
                   if value not in ([], None))


# --- notebooks ------------------------------------------------------------------------------------------------------------------

_HTML = HtmlFormatter(noclasses=True, nowrap=True, style="default")


def lean_html(text: str) -> str:
    """Lean with its syntax highlighted, as an element of a page."""
    return f'<pre style="white-space:pre-wrap;margin:.3em 0">{highlight(text, get_lexer_by_name("lean4"), _HTML).rstrip()}</pre>'


def variant_html(variant: Variant, target: str) -> str:
    """A variant below its target: what differs in the statements is marked."""
    before, after = marked(target, variant.statement)
    return (f'<div style="margin:.8em 0"><div style="opacity:.7">{escape(use_of(variant))}</div>'
            f'<pre style="white-space:pre-wrap;margin:.3em 0">{escape(variant.target)} {_marked_html(before, "#f7c6c5")}\n'
            f'{escape(variant.variant_id)} {_marked_html(after, "#bfe3bf")}</pre>'
            f'<details><summary>theorem and proof</summary>{lean_html(variant.theorem)}</details></div>')


def _marked_html(pieces: Sequence[Piece], colour: str) -> str:
    return "".join(f'<mark style="background:{colour};color:#000">{escape(piece.text)}</mark>' if piece.changed else escape(piece.text)
                   for piece in pieces)
