"""A variant's proof with the original proof of its target in it, as the paper has it (section 3.2: the target is stated by `have`, with its
own proof, and what the lemma makes of it follows).

So a prover sees the whole proof, and no name of the theorem that was mutated. It is a proposal: an original proof may depend on what was
open where it stands. Lean has to accept it.
"""

import re

import msgspec

LOCAL = "original"
"""What the target is called inside."""

_LETTER = r"[\w.!?'✝«»₀-₉]"


class Original(msgspec.Struct, frozen=True):
    """A theorem of the library. statement: what stands between its name and `:=`. tactics: of its proof, or its text, after `:=`."""

    statement: str
    tactics: list[str] | str


def inlined(tactics: list[str], target: str, original: Original) -> list[str] | None:
    """The tactics of a variant's proof after the target's own proof; None where they do not name the target."""
    named = re.compile(rf"(?<!{_LETTER}){re.escape(target)}(?!{_LETTER})")
    renamed = [named.sub(LOCAL, tactic) for tactic in tactics]
    if renamed == tactics:
        return None
    proof = original.tactics if isinstance(original.tactics, str) else "by\n" + "\n".join(map(_indented, original.tactics))
    return [f"have {LOCAL} {original.statement} := {proof}", *renamed]


def _indented(tactic: str) -> str:
    return "  " + tactic.replace("\n", "\n  ")
