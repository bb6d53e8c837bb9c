"""Verdicts on whole texts: a theorem, proved, with the statement that it should have, from the standard axioms alone."""

import msgspec

from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.mutation import terms

AXIOMS = frozenset({"propext", "Quot.sound", "Classical.choice"})


class TheoremText(msgspec.Struct, frozen=True):
    """variant_id: of a variant, or of a false statement whose negation `theorem` proves."""

    variant_id: str
    theorem: str
    statement_key: str


def objection_to_text(workspace: Workspace, text: TheoremText) -> str | None:
    """What is wrong with a text; None if it is valid. Raises EngineDied."""
    verdict = workspace.check(text.theorem)
    if verdict.refused:
        return f"{verdict.refused.stage}: {verdict.refused.message}"
    if verdict.term is None or terms.statement_key(verdict.term) != text.statement_key:
        return "statement: the text states something else"
    if strange := set(verdict.axioms) - AXIOMS:
        return f"axioms: {', '.join(sorted(strange))}"
    return None
