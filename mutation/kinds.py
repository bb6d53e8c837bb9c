"""The kinds of mutation, as values: where each may be used, and what the index says about it.

The other half of a kind, the attempt, stands in the engine (`engine/Alchemy/Rewrite.lean`, `Apply.lean`).
"""

import msgspec

from lean_workspace.protocol import Direction, KindName


class Use(msgspec.Struct, frozen=True):
    """One way to use a lemma: direction of the lemma, at the conclusion or at a hypothesis."""

    direction: Direction
    at_conclusion: bool
    at_hypothesis: bool


class Kind(msgspec.Struct, frozen=True):
    name: KindName
    uses: tuple[Use, ...]
    side_conditions: bool
    """May propositions stay open? They become hypotheses."""


REWRITE = Kind(
    name="rw",
    uses=(Use("forward", at_conclusion=True, at_hypothesis=True), Use("backward", at_conclusion=True, at_hypothesis=True)),
    side_conditions=False)

APPLY = Kind(
    name="apply",
    uses=(Use("backward", at_conclusion=False, at_hypothesis=True), Use("forward", at_conclusion=True, at_hypothesis=False)),
    side_conditions=True)

KINDS = (REWRITE, APPLY)
BY_NAME = {kind.name: kind for kind in KINDS}
