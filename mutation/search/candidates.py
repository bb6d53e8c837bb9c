"""Which candidates to try on a target: the lemmas that the index finds at each of its sites."""

import hashlib
import itertools
from collections.abc import Container, Iterable, Sequence

import msgspec

from lean_alchemy.lean_workspace.protocol import Candidate, Direction, KindName, Site
from lean_alchemy.mutation.kinds import Kind
from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, Pattern, PatternRule
from lean_alchemy.mutation.search.classes import Classes, FromTarget, needs_of
from lean_alchemy.mutation.search.index import Holds, Index


class Key(msgspec.Struct, frozen=True, array_like=True):
    """One pattern of a lemma. lemma: its number. data: would using it leave variables undetermined? propositions:
    how many antecedents stay open. variables: how many variables of the pattern stand for data. dependent: does the rest
    of the lemma mention the proof of this antecedent? needs: see `mutation/search/classes.py`. tokens: separated by tabs."""

    lemma: int
    kind: KindName
    direction: Direction
    occurrence: int
    data: bool
    propositions: int
    variables: int
    dependent: bool
    needs: str
    tokens: str


class Lemmas:
    """The index over the patterns of all lemmas that the policy admits."""

    def __init__(self, keys: Iterable[Key], kinds: Sequence[Kind], admitted: Container[int],
                 rules: Sequence[PatternRule] = PATTERN_RULES, generic: Container[tuple[int, str, str]] = frozenset(),
                 *, classes: Classes):
        """keys: grouped by lemma. admitted: the numbers of the lemmas that the policy admits. rules: which patterns are left
        out. generic: (lemma, kind, direction) that fit too many targets. classes: the library's instances."""
        self._classes = classes
        self._kinds = {kind.name: kind for kind in kinds}
        self._indexes: dict[tuple[str, str], Index] = {
            (kind.name, use.direction): Index() for kind in kinds for use in kind.uses}
        for lemma, own in itertools.groupby(keys, key=lambda key: key.lemma):
            if lemma in admitted:
                self._add(list(own), rules, generic)

    def _add(self, keys: list[Key], rules: Sequence[PatternRule], generic: Container[tuple[int, str, str]]) -> None:
        """keys: all of one lemma."""
        sides = {key.direction: key.tokens.split("\t") for key in keys if key.kind == "rw"}
        for key in keys:
            index = self._indexes.get((key.kind, key.direction))
            if index is None or (key.lemma, key.kind, key.direction) in generic:
                continue
            kind = self._kinds[key.kind]
            if (key.data and not kind.new_variables) or (key.propositions and not kind.side_conditions):
                continue
            other = sides.get("backward" if key.direction == "forward" else "forward") if key.kind == "rw" else None
            pattern = Pattern(key.kind, key.direction, key.variables, key.tokens.split("\t"), other, key.dependent, key.data)
            if not any(rule.objects(pattern) for rule in rules):
                index.add(pattern.tokens, (key.lemma, key.occurrence), needs_of(key.needs))

    def candidates(self, target: int, sites: Sequence[Site]) -> list[Candidate]:
        """The candidates for a target, each once, in an order that depends on the target alone. A target is never
        its own lemma."""
        found: set[Candidate] = set()
        holds = FromTarget(self._classes, sites)
        for site in sites:
            for kind in self._kinds.values():
                found.update(self._at(site, kind, target, holds))
        return sorted(found, key=lambda c: (c.site, c.kind, c.lemma, c.backward, c.occurrence))

    def at_conclusion(self, target: int, sites: Sequence[Site]) -> tuple[set[tuple[int, bool]], set[int]]:
        """Lemmas that may help to prove the target: (lemma, is it used backward?) for `rw` at its conclusion, and the lemmas whose
        conclusion may be the target's. sites: those of the target, the conclusion first."""
        holds, site = FromTarget(self._classes, sites), sites[0]
        rewrites = {(lemma, direction == "backward") for (kind, direction), index in self._indexes.items() if kind == "rw"
                    for lemma, _ in index.under_roots(site.rw, holds) if lemma != target}
        applies = {lemma for lemma, _ in self._indexes["apply", "backward"].matching(site.apply, holds) if lemma != target}
        return rewrites, applies

    def _at(self, site: Site, kind: Kind, target: int, holds: Holds) -> Iterable[Candidate]:
        for use in kind.uses:
            if not (use.at_conclusion if site.site == 0 else use.at_hypothesis):
                continue
            index = self._indexes[kind.name, use.direction]
            backward = use.direction == "backward"
            if kind.name == "rw":
                for (lemma, _), terms in index.under_roots(site.rw, holds).items():
                    if lemma != target:
                        yield Candidate(site.site, kind.name, lemma, backward, 0)
                        for occurrence in range(2, min(terms, kind.occurrences) + 1):
                            yield Candidate(site.site, kind.name, lemma, backward, occurrence)
            else:
                for lemma, occurrence in index.matching(site.apply, holds):
                    if lemma != target:
                        yield Candidate(site.site, kind.name, lemma, backward, occurrence)
            for lemma, occurrence in index.always:
                if lemma != target:
                    yield Candidate(site.site, kind.name, lemma, backward, occurrence)


def id_of(*provenance: str) -> str:
    """16 hexadecimal digits, a digest of the parts."""
    return hashlib.blake2b("\0".join(provenance).encode(), digest_size=8).hexdigest()


def variant_id(target: str, lemma: str, candidate: Candidate, site_name: str) -> str:
    """16 hexadecimal digits, a digest of the provenance: the same variant has the same id in every run."""
    return id_of(target, candidate.kind, site_name, lemma, str(candidate.backward), str(candidate.occurrence))


def variant_name(variant_id: str) -> str:
    """The name of the theorem in the variant's text."""
    return f"variant_{variant_id}"
