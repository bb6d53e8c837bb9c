"""What is worth trying and what is worth keeping, as rules: a name, a reason, a real example.

A rule about theorems speaks of targets and lemmas; one about patterns of lemmas that fit nearly everything;
one about statements of a variant beside its target. The first rule that objects gives the reason.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

from mutation.terms import Statement, constants, is_constant, premises, sides, unoriented_key


class TheoremRule(msgspec.Struct, frozen=True):
    """objects(name, tags, term) is true for theorems that are left out, as targets and as lemmas. term: the
    statement in canonical form."""

    name: str
    reason: str
    example: str
    objects: Callable[[str, Sequence[str], str], bool]


_GENERATED = re.compile(
    r"\.(injEq|inj|sizeOf_spec|sizeOf_eq|congr_simp|hcongr_\d+|eq_\d+|eq_def|eq_unfold|noConfusion\w*|recOn|casesOn|brecOn|below"
    r"|ctorIdx\w*|ctorElim\w*|toCtorIdx|splitter|match_\d+\w*|proof_\d+|induct(_unfolding)?|fun_cases(_unfolding)?|mutual_induct"
    r"|binductionOn)(\.|$)|\._|\b_|\.(instLawful\w*|inst[A-Z]\w*)$|^inst[A-Z]")
_AUTOMATION = re.compile(
    r"^(Lean|Std\.Tactic|Std\.Do|Int\.Linear|Nat\.Linear|Nat\.SOM|Nat\.ToInt|Int\.OfNat|BitVec\.BV|Std\.Sat|Lake|DerivingHelpers)\.|\.(Internal|Impl|Linear|SOM)\.")

THEOREM_RULES = (
    TheoremRule(
        name="generated", reason="Lean made it beside a definition; nobody states it",
        example="Prod.mk.injEq", objects=lambda name, tags, term: bool(_GENERATED.search(name))),
    TheoremRule(
        name="instance", reason="it is found by instance resolution and never named in a proof",
        example="Nat.instCommutativeHAdd", objects=lambda name, tags, term: "instance" in tags),
    TheoremRule(
        name="automation", reason="it serves the inside of a tactic, and speaks of its data structures",
        example="Nat.Linear.Poly.denote_fuse", objects=lambda name, tags, term: bool(_AUTOMATION.search(name))),
    TheoremRule(
        name="deprecated", reason="a reader is told to use another one",
        example="Array.get_set_ne", objects=lambda name, tags, term: "deprecated" in tags),
    TheoremRule(
        name="internal constant", reason="its statement speaks of a constant that Lean made for itself",
        example="Vector.mk_append_mk", objects=lambda name, tags, term: "._" in term),
)


class Pattern(msgspec.Struct, frozen=True):
    """One side of a lemma as the index sees it. variables: how many of its variables stand for data."""

    kind: str
    direction: str
    variables: int
    tokens: list[str]


class PatternRule(msgspec.Struct, frozen=True):
    """objects(pattern) is true for patterns that are not indexed."""

    name: str
    reason: str
    example: str
    objects: Callable[[Pattern], bool]


_RELATIONS = ("c:Eq/3", "c:Iff/2", "c:HEq/4", "c:Ne/3", "c:Not/1")


def _is_wild(token: str) -> bool:
    return token[0] in "?*"


def _is_bare_relation(pattern: Pattern) -> bool:
    head, *arguments = pattern.tokens[1:] if pattern.kind == "rw" else pattern.tokens
    return head in _RELATIONS and all(map(_is_wild, arguments))


def _wraps_both_sides(pattern: Pattern) -> bool:
    head, *arguments = pattern.tokens[1:] if pattern.kind == "rw" else pattern.tokens
    return (pattern.kind, pattern.direction, head) == ("rw", "backward", "c:Eq/3") and all(map(_is_wild, arguments[-2:]))


def _is_constant(pattern: Pattern) -> bool:
    return pattern.kind == "rw" and (pattern.variables == 0 or pattern.tokens[0] == "R:c:OfNat.ofNat/3")


PATTERN_RULES = (
    PatternRule(
        name="bare variable", reason="it fits every proposition and says nothing of it",
        example="False.elim : False → C", objects=lambda pattern: _is_wild(pattern.tokens[0])),
    PatternRule(
        name="bare relation", reason="it fits every equation (iff, negation, …) and wraps its sides or turns it around",
        example="Option.some_inj : some a = some b ↔ a = b, backward", objects=_is_bare_relation),
    PatternRule(
        name="wraps both sides", reason="it fits every equation of a type, and puts a function around its sides",
        example="UInt32.neg_inj : -a = -b ↔ a = b, backward", objects=_wraps_both_sides),
    PatternRule(
        name="constant", reason="it turns a constant such as `0` or `[]` into another closed term",
        example="Int.sign_zero : Int.sign 0 = 0, backward", objects=_is_constant),
)


class Judged(msgspec.Struct, frozen=True):
    """A new statement beside its target."""

    statement: Statement
    target: Statement


class StatementRule(msgspec.Struct, frozen=True):
    name: str
    reason: str
    example: str
    objects: Callable[[Judged], bool]


def _is_tautology(judged: Judged) -> bool:
    conclusion = judged.statement.conclusion
    pair = sides(conclusion)
    return is_constant(conclusion, "True") or (pair is not None and pair[0] == pair[1]) or conclusion in premises(judged.statement)


def _is_vacuous(judged: Judged) -> bool:
    return any(is_constant(h, "False") for h in premises(judged.statement))


def _is_internal(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _introduces_internal(judged: Judged) -> bool:
    old = {name for part in (*premises(judged.target), judged.target.conclusion) for name in constants(part)}
    return any(_is_internal(name) and name not in old
               for part in (*premises(judged.statement), judged.statement.conclusion) for name in constants(part))


def _restates_target(judged: Judged) -> bool:
    return unoriented_key(judged.statement) == unoriented_key(judged.target)


STATEMENT_RULES = (
    StatementRule(
        name="tautology", reason="`a = a`, `p ↔ p`, or a conclusion that is a hypothesis",
        example="a + b = a + b", objects=_is_tautology),
    StatementRule(
        name="vacuous", reason="a hypothesis is False",
        example="(h : False) : a = b", objects=_is_vacuous),
    StatementRule(
        name="internal constant", reason="it speaks of a constant that Lean made for itself",
        example="List.attach_congr._proof_1", objects=_introduces_internal),
    StatementRule(
        name="restates its target", reason="it differs from the target by the symmetry of = or ↔ alone",
        example="b + a = a + b for a + b = b + a", objects=_restates_target),
)


def objection(name: str, tags: Sequence[str], term: str, rules: Sequence[TheoremRule] = THEOREM_RULES) -> TheoremRule | None:
    """The first rule that leaves a theorem out; None for an ordinary theorem."""
    return next((rule for rule in rules if rule.objects(name, tags, term)), None)


def first_objection(judged: Judged, rules: Sequence[StatementRule] = STATEMENT_RULES) -> StatementRule | None:
    return next((rule for rule in rules if rule.objects(judged)), None)
