"""How to change a target into a statement that looks like a variant but need not follow from it.

A lemma `P → Q` is used the wrong way round: a hypothesis `P` becomes the weaker `Q`, a conclusion `Q` the stronger `P`.
The engine finds the changes without a lemma: a dropped hypothesis, another numeral, two variables exchanged
(`engine/Alchemy/FalseStatements/Change.lean`).
"""

from collections.abc import Iterable, Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Change, ChangeKind, ChangePlace, Direction, Site
from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, Pattern, PatternRule, arguments_of
from lean_alchemy.mutation.policy.rules import NewStatement, StatementRule
from lean_alchemy.mutation.search.candidates import Key, id_of
from lean_alchemy.mutation.search.classes import Classes, FromTarget, needs_of
from lean_alchemy.mutation.search.index import Index
from lean_alchemy.mutation.terms import is_instance

MAX_ANTECEDENTS = 2
"""As in the engine. More antecedents, joined by `∧`, do not look like the target."""


class ChangeWord(msgspec.Struct, frozen=True):
    """What a change is called in the table, by its kind and whether it is at the conclusion."""

    kind: ChangeKind
    at_conclusion: bool
    word: str
    direction: Direction | None


WORDS = (
    ChangeWord("apply", True, "stronger conclusion", "backward"),
    ChangeWord("apply", False, "weaker hypothesis", "forward"),
    ChangeWord("drop", False, "dropped hypothesis", None),
    ChangeWord("numeral", True, "larger numeral", None),
    ChangeWord("exchange", True, "exchanged variables", None),
)
_BY_PLACE = {(word.kind, word.at_conclusion): word for word in WORDS}


def word_of(change: Change) -> ChangeWord:
    """The name of a change in the table."""
    return _BY_PLACE[change.kind, change.site == 0]


_SIDES = {"c:Eq/3": (1, 2), "c:HEq/4": (1, 3)}
"""Which arguments of an equation are its sides."""


def _is_any_equation(pattern: Pattern) -> bool:
    sides = _SIDES.get(pattern.tokens[0])
    if pattern.direction != "backward" or sides is None:
        return False
    arguments = arguments_of(pattern.tokens)
    return all(len(arguments[side]) == 1 and arguments[side][0][0] in "?*" for side in sides)


WRONG_WAY_RULES = (
    *PATTERN_RULES,
    PatternRule(
        name="any equation", reason="it proves every equation of a type, and its antecedents do not look like the equation",
        example="Nat.eq_of_dvd_of_div_eq_one : a ∣ b → b / a = 1 → a = b", objects=_is_any_equation),
)

_PLAIN = frozenset({
    "Eq", "Ne", "Not", "And", "Or", "Iff", "LE.le", "LT.lt", "GE.ge", "GT.gt", "HAdd.hAdd", "OfNat.ofNat", "Membership.mem", "True",
    "Bool.true", "Bool.false", "Dvd.dvd", "Nat", "Int", "Bool"})
"""Constants that a changed statement may add."""


def _speaks_of_something_else(new: NewStatement) -> bool:
    return any(name not in _PLAIN and not is_instance(name) for name in new.new_constants)


def _is_closed(new: NewStatement) -> bool:
    return not new.statement.binders and not new.statement.hypotheses


FALSE_RULES = (
    StatementRule(
        name="speaks of something else", reason="it adds a function that the target lacks, so it does not look like a variant",
        example="(H : 0 % b = 0) for (H : 0 < b)", objects=_speaks_of_something_else),
    StatementRule(
        name="closed", reason="it has no variables, so evaluation decides it",
        example="ByteArray.empty.size = 1", objects=_is_closed),
)
"""False statements that are not worth learning from."""

MAX_ALIKE = 3
"""False statements kept per target, change and site, the shortest first: one hypothesis can be weakened in twenty ways."""


class WrongWay:
    """An index of `apply` patterns that is queried at the wrong end: lemmas are found where using them proves nothing."""

    def __init__(self, keys: Iterable[Key], admitted: set[int], rules: Sequence[PatternRule] = WRONG_WAY_RULES,
                 *, classes: Classes):
        """admitted: the numbers of the lemmas that the policy admits. rules: which patterns are left out. classes: the
        library's instances."""
        self._classes = classes
        self._conclusions, self._antecedents = Index(), Index()
        for key in keys:
            if key.kind != "apply" or key.lemma not in admitted or key.data:
                continue
            pattern = Pattern(key.kind, key.direction, key.variables, key.tokens.split("\t"), dependent=key.dependent)
            if any(rule.objects(pattern) for rule in rules):
                continue
            if key.direction == "backward" and 1 <= key.propositions <= MAX_ANTECEDENTS:
                self._conclusions.add(pattern.tokens, (key.lemma, 0), needs_of(key.needs))
            elif key.direction == "forward" and key.propositions == 0:
                self._antecedents.add(pattern.tokens, (key.lemma, key.occurrence), needs_of(key.needs))

    def places(self, target: int, sites: Sequence[Site]) -> list[tuple[int, int, int]]:
        """(site, lemma, occurrence) of each candidate, in an order that depends on the target alone."""
        found = set()
        holds = FromTarget(self._classes, sites)
        for site in sites:
            index = self._antecedents if site.site else self._conclusions
            found |= {(site.site, lemma, occurrence) for lemma, occurrence in index.matching(site.apply, holds) if lemma != target}
        return sorted(found)


def refuted_id(target: str, place: ChangePlace, site_name: str, lemma: str | None) -> str:
    """16 hexadecimal digits, a digest of the provenance: the same change has the same id in every run."""
    return id_of(target, place.kind, site_name, lemma or "", str(place.occurrence))


def refuted_name(refuted_id: str) -> str:
    """The name of the theorem that states the negation."""
    return f"refuted_{refuted_id}"
