"""A variant's proof with the original proof of its target inlined, as in the paper (section 3.2): `have` states the target with its own
proof, and the steps with the lemma follow.

So a prover sees the whole proof and not the name of the target. It is only a proposal, which Lean has to accept: an original proof may
depend on the namespaces that are open at its place in the source.
"""

import re

import msgspec

LOCAL = "original"
"""The target's name in the inlined proof."""

_LETTER = r"[\w.!?'✝«»₀-₉]"


class Original(msgspec.Struct, frozen=True):
    """A theorem of the library. statement: the text between its name and `:=`. tactics: of its proof, or the proof's text after `:=`."""

    statement: str
    tactics: list[str] | str


def inlined(tactics: list[str], target: str, original: Original) -> list[str] | None:
    """The `have` of the target with its own proof, then the tactics of the variant's proof; None where these do not use the target."""
    named = re.compile(rf"(?<!{_LETTER}){re.escape(target)}(?!{_LETTER})")
    renamed = [named.sub(LOCAL, tactic) for tactic in tactics]
    if renamed == tactics:
        return None
    proof = original.tactics if isinstance(original.tactics, str) else "by\n" + "\n".join(map(_indented, original.tactics))
    return [f"have {LOCAL} {original.statement} := {proof}", *renamed]


def _indented(tactic: str) -> str:
    return "  " + tactic.replace("\n", "\n  ")
