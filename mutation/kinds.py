"""The kinds of mutation, as values: at which sites each is tried, and with which lemmas.

The other half of a kind, the attempt, is in the engine (`engine/Alchemy/Attempts/Rewrite.lean`, `Apply.lean`).
"""

from collections.abc import Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Direction, KindName


class Use(msgspec.Struct, frozen=True):
    """One way to use a lemma: in this direction, at the conclusion, at hypotheses, or both."""

    direction: Direction
    at_conclusion: bool
    at_hypothesis: bool


class Kind(msgspec.Struct, frozen=True):
    name: KindName
    uses: tuple[Use, ...]
    side_conditions: bool
    """May antecedents of the lemma stay open? They become hypotheses."""
    new_variables: bool = False
    """May variables of the lemma stay undetermined? They become variables of the variant."""
    occurrences: int = 1
    """How many instances of a pattern are tried at a site, each as one attempt."""


FORWARD_AT_CONCLUSION = Use("forward", at_conclusion=True, at_hypothesis=False)

REWRITE = Kind(
    name="rw",
    uses=(Use("forward", at_conclusion=True, at_hypothesis=True), Use("backward", at_conclusion=True, at_hypothesis=True)),
    side_conditions=False)

APPLY = Kind(
    name="apply",
    uses=(Use("backward", at_conclusion=False, at_hypothesis=True),),
    side_conditions=True)

KINDS = (REWRITE, APPLY)
"""The paper's four mutations: `rw` at the conclusion and at hypotheses, in both directions, and `apply` at hypotheses."""
BY_NAME = {kind.name: kind for kind in KINDS}

MAX_OCCURRENCES = 8
"""Further instances of one pattern at one site add nothing new."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Which extensions of the paper's mutations are on."""

    forward: bool = True
    """`apply` at the conclusion, which is replaced by what it implies."""
    side_conditions: bool = True
    """`rw` with a lemma that has side conditions: they become hypotheses."""
    occurrences: bool = True
    """`rw` at each instance of the pattern, not only at the first."""
    new_variables: bool = True
    """Lemmas with variables that the target does not determine, which become variables of the variant: the middle of
    `a < b → b < c → a < c`, or the `z` of `(x + y * z) % y = x % y` used backward."""


THE_PAPER = Reach(forward=False, side_conditions=False, occurrences=False, new_variables=False)


def kinds_within(names: Sequence[str], reach: Reach) -> tuple[Kind, ...]:
    """The kinds of these names, with the extensions of `reach`."""
    rewrite = msgspec.structs.replace(
        REWRITE, side_conditions=reach.side_conditions, new_variables=reach.new_variables,
        occurrences=MAX_OCCURRENCES if reach.occurrences else 1)
    uses = (*APPLY.uses, FORWARD_AT_CONCLUSION) if reach.forward else APPLY.uses
    apply = msgspec.structs.replace(APPLY, new_variables=reach.new_variables, uses=uses)
    return tuple(kind for kind in (rewrite, apply) if kind.name in names)
