"""What is worth trying and what is worth keeping, as rules: a name, a reason, a real example.

A rule about theorems speaks of targets and lemmas; one about patterns (`mutation/policy/patterns.py`) of one side of a lemma;
one about statements of a variant beside its target; one about texts of how a variant is written. The first rule that
objects gives the reason. `mutation/policy/generality.py` measures what no rule can tell, `mutation/policy/score.py` orders what is left.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec

from lean_alchemy.mutation.policy.arithmetic import has_large_numeral, idle_parts, is_decided, literal
from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, PatternRule
from lean_alchemy.mutation.terms import Statement, Term, arguments, is_constant, is_instance, near_key, premises, sides, subterms


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
    r"^(Lean|Nat\.Simproc|Std\.Tactic|Std\.Do|Int\.Linear|Nat\.Linear|Nat\.SOM|Nat\.ToInt|Int\.OfNat|BitVec\.BV|Std\.Sat|Lake|DerivingHelpers"
    r"|Mathlib\.(Tactic|Meta|Util|Linter)|Batteries\.(Tactic|Linter|CodeAction)|Aesop|Plausible|ProofWidgets|Qq)\."
    r"|\.(Internal|Impl|Linear|SOM)\.|_cert$")

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
        example="Array.get_set_ne, Std.Legacy.Range", objects=lambda name, tags, term: "deprecated" in tags or ".Legacy." in term),
    TheoremRule(
        name="internal constant", reason="its statement speaks of a constant that Lean made for itself",
        example="Vector.mk_append_mk", objects=lambda name, tags, term: "._" in term),
)


class Judged(msgspec.Struct, frozen=True, dict=True):
    """A new statement beside its target. lemmas: what the lemmas used state, in canonical form; empty where that is not
    known."""

    statement: Statement
    target: Statement
    lemmas: str = ""

    @cached_property
    def new_constants(self) -> frozenset[str]:
        """What the statement speaks of and its target does not."""
        return self.statement.constants - self.target.constants


class StatementRule(msgspec.Struct, frozen=True):
    name: str
    reason: str
    example: str
    objects: Callable[[Judged], bool]


_REFLEXIVE = (("LE.le", 4), ("Dvd.dvd", 4), ("HasSubset.Subset", 4), ("List.Sublist", 3), ("List.Perm", 3))


def _is_reflexive(conclusion: Term) -> bool:
    """`a = a`, `p ↔ p`, `a ≤ a`, `a ∣ a`."""
    pair = sides(conclusion) or next((found[-2:] for name, n in _REFLEXIVE if (found := arguments(conclusion, name, n))), None)
    return pair is not None and pair[0] == pair[1]


def _is_tautology(judged: Judged) -> bool:
    conclusion = judged.statement.conclusion
    return (is_constant(conclusion, "True") or _is_reflexive(conclusion) or conclusion in premises(judged.statement)
            or (is_decided(conclusion) and not is_decided(judged.target.conclusion)))


def _is_vacuous(judged: Judged) -> bool:
    return any(is_constant(h, "False") for h in premises(judged.statement))


_INTERNAL = re.compile(
    r"(^|\.)(_|match_\d|casesOn$|recOn$|brecOn$|rec$|below$|noConfusion|Internal\.|Impl\.|Raw₀|(go|loop)(\.|$)|\w*Impl$)|^Nat\.(ble|blt|beq)$"
    r"|^(Nat|Int|Rat|Fin|BitVec|U?Int(8|16|32|64)|[UI]Size|String|List|Array|Vector)\.(add|sub|mul|div|mod|pow|neg|append|lt|le)$")
_TRANSPORT = frozenset({
    "HEq", "cast", "Eq.mp", "Eq.mpr", "Eq.rec", "Eq.ndrec", "id", "inferInstance", "inferInstanceAs", "autoParam", "wfParam"})


def _introduces_internal(judged: Judged) -> bool:
    return any(_INTERNAL.search(name) or _AUTOMATION.search(name) for name in judged.new_constants)


def _is_idle_hypothesis(hypothesis: Term) -> bool:
    """Does it hold or fail whatever the variables are: a proposition without variables, or `a = a`, `m + n + 1 = m`?"""
    if not any(part[0] == "#" for part in subterms(hypothesis)) or is_decided(hypothesis):
        return True
    for name, n in (("Eq", 3), ("Iff", 2), ("LE.le", 4), ("LT.lt", 4), ("Ne", 3), ("Dvd.dvd", 4)):
        if (found := arguments(hypothesis, name, n)) and found[-1] == found[-2]:
            return True
    return False


def _has_idle_hypothesis(judged: Judged) -> bool:
    old = set(judged.target.hypotheses)
    return any(h not in old and _is_idle_hypothesis(h) for h in judged.statement.hypotheses)


def _has_idle_part(judged: Judged) -> bool:
    new = sum(map(idle_parts, judged.statement.parts))
    return new > 0 and new > sum(map(idle_parts, judged.target.parts))


_BOUNDED = re.compile(r"^(Array|Subarray|ByteArray|FloatArray|Vector)\.(any|all|filter|filterMap|foldl|foldr|for|forRev)M?$")


def _spells_bounds_out(term: Term) -> bool:
    """`xs.any p 0 n`, where a reader writes `xs.any p`: the last two arguments are 0 and the size, if nothing is said."""
    if term[0] != "@" or term[1][0] != "c" or not _BOUNDED.match(term[1][1]) or len(term) < 6:
        return False
    *others, start, stop = term[2:]
    size = next((found[-1] for bound in (start, stop) for n in (1, 2) for name in ("Array.size", "ByteArray.size", "FloatArray.size")
                 if (found := arguments(bound, name, n))), None)
    return not (size in others and 0 in (literal(start), literal(stop)))


def _has_default_argument(judged: Judged) -> bool:
    def spelled_out(statement: Statement) -> int:
        return sum(_spells_bounds_out(part) for top in statement.parts for part in subterms(top))

    return (new := spelled_out(judged.statement)) > 0 and new > spelled_out(judged.target)


def _has_large_numeral(judged: Judged) -> bool:
    return any(map(has_large_numeral, judged.statement.parts)) and not any(map(has_large_numeral, judged.target.parts))


def _repeats_hypothesis(judged: Judged) -> bool:
    new, old = judged.statement.hypotheses, judged.target.hypotheses
    return len(new) - len(set(new)) > len(old) - len(set(old))


def _restates_target(judged: Judged) -> bool:
    return near_key(judged.statement) == near_key(judged.target)


_NUMERAL = "OfNat.ofNat"
_SUM = "HAdd.hAdd"
_LESS = "LT.lt"


def _unfolds(judged: Judged) -> bool:
    if not judged.lemmas:
        return False
    known = {_NUMERAL, *judged.lemmas.split("\t")}
    if _LESS in judged.target.constants:
        known.add(_SUM)  # `a < b` is `a + 1 ≤ b` to any reader
    return any(name not in known and not is_instance(name) for name in judged.new_constants)


MAX_GROWTH = 3
MAX_NEW_NODES = 48
MAX_NODES = 400


def _grows_too_much(judged: Judged) -> bool:
    new, old = judged.statement.size, judged.target.size
    return new > max(MAX_GROWTH * old, old + MAX_NEW_NODES) or new > max(MAX_NODES, old)


def _is_power(term: Term) -> bool:
    return arguments(term, "HPow.hPow", 6) is not None and not any(part[0] == "#" for part in subterms(term))


def _has_wide_type(judged: Judged) -> bool:
    return any(
        (found := arguments(part, name, 1)) and _is_power(found[0])
        for top in judged.statement.parts for part in subterms(top) for name in ("BitVec", "Fin"))


STATEMENT_RULES = (
    StatementRule(
        name="tautology", reason="`a = a`, `p ↔ p`, `a ≤ a + b`, or a conclusion that is a hypothesis",
        example="a + b = a + b", objects=_is_tautology),
    StatementRule(
        name="vacuous", reason="a hypothesis is False",
        example="(h : False) : a = b", objects=_is_vacuous),
    StatementRule(
        name="idle hypothesis", reason="a new hypothesis holds or fails whatever the variables are",
        example="(h : 0 < 1) (h₁ : n ≤ m) : n < m + 1; (h : m + n + 1 = m)", objects=_has_idle_hypothesis),
    StatementRule(
        name="idle part", reason="it brings in an operation or a comparison that any reader computes away",
        example="l.length + 0, 1 * a, a - a, n + 1 + 1, l ++ [], b && true, !true, ¬a ≠ b, p = False, ((1 : Nat) : Int), 2 = 0 ∨ p, "
                "if h : p then a else b where nobody speaks of h", objects=_has_idle_part),
    StatementRule(
        name="default argument", reason="it changes the bounds of a fold over an array, which a reader leaves to their defaults",
        example="xs.any p 0 (xs.push a).size in place of xs.any p", objects=_has_default_argument),
    StatementRule(
        name="large numeral", reason="it brings in a numeral that a reader would have to count",
        example="a.toNat % 18446744073709551616 for a.toNat % 2 ^ 64", objects=_has_large_numeral),
    StatementRule(
        name="repeated hypothesis", reason="two hypotheses are the same",
        example="(h₁ : n < m) (h₂ : n < m) : n ≠ m", objects=_repeats_hypothesis),
    StatementRule(
        name="internal constant",
        reason="it brings in a constant that Lean made for itself, of an internal namespace, or what runs behind a notation or a "
               "definition",
        example="List.attach_congr._proof_1, Nat.pow.match_1, Nat.ble, Nat.lt, Array.extract.loop, Array.toListImpl",
        objects=_introduces_internal),
    StatementRule(
        name="transport", reason="it brings in equality of different types, or a cast along a proof",
        example="a ≍ b, cast h a = b", objects=lambda judged: bool(_TRANSPORT & judged.new_constants)),
    StatementRule(
        name="unfolded", reason="it speaks of something that neither the target nor the lemma does: unification unfolded a definition",
        example="Array.mk l = Array.mk l' for l = l'; String.Pos.Raw.mk m < String.Pos.Raw.mk n for m < n", objects=_unfolds),
    StatementRule(
        name="restates its target", reason="it differs from the target by the symmetry of =, ↔ or a commutative operation alone",
        example="b + a = a + b for a + b = b + a", objects=_restates_target),
    StatementRule(
        name="too large", reason=f"it is more than {MAX_GROWTH:g} times as large as its target, or larger than {MAX_NODES} symbols",
        example="`n + 1` replaced by a sum over a range in a one-line target", objects=_grows_too_much),
    StatementRule(
        name="wide type", reason="it speaks of words whose width is itself a large power: evaluation never ends",
        example="(x : BitVec (2 ^ 63)) : x.toNat = 0", objects=_has_wide_type),
)


class Text(msgspec.Struct, frozen=True):
    """How a variant is written."""

    statement: str
    print_options: Sequence[str]


class TextRule(msgspec.Struct, frozen=True):
    """objects(text) is true for variants whose text is hard to read."""

    name: str
    reason: str
    example: str
    objects: Callable[[Text], bool]


EXPLICIT = "explicit as a whole"
MATCHER = "match as a function"
"""Where these two rules hold, such texts are not even written."""

MAX_EXPLICIT = 2

TEXT_RULES = (
    TextRule(
        name=EXPLICIT, reason="the statement reads back only with every argument written out, if at all",
        example="@Eq.{1} Nat (@List.length.{u} α (@List.nil.{u} α)) …", objects=lambda text: "pp.explicit" in text.print_options),
    TextRule(
        name="explicit in many places", reason=f"more than {MAX_EXPLICIT} subterms have every argument written out",
        example="(@foldl Id β α …) = @map Id …",
        objects=lambda text: sum(option.startswith("pp.explicit@") for option in text.print_options) > MAX_EXPLICIT),
    TextRule(
        name=MATCHER, reason="a `match` that reads back only as the function that Lean made of it",
        example="Array.foldl_filterMap'.match_1 (fun x => Bool) (f a) …", objects=lambda text: ".match_" in text.statement),
)


def objection(name: str, tags: Sequence[str], term: str, rules: Sequence[TheoremRule] = THEOREM_RULES) -> TheoremRule | None:
    """The first rule that leaves a theorem out; None for an ordinary theorem."""
    return next((rule for rule in rules if rule.objects(name, tags, term)), None)


def first_objection(judged: Judged, rules: Sequence[StatementRule] = STATEMENT_RULES) -> StatementRule | None:
    return next((rule for rule in rules if rule.objects(judged)), None)


GENERIC = "generic lemma"
NEAR_DUPLICATE = "near duplicate"
LEMMA_CAP = "lemma cap"
FOREIGN_CAP = "foreign cap"
TARGET_CAP = "target cap"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out. Each part can be switched off by its name."""

    theorems: tuple[TheoremRule, ...] = THEOREM_RULES
    patterns: tuple[PatternRule, ...] = PATTERN_RULES
    statements: tuple[StatementRule, ...] = STATEMENT_RULES
    texts: tuple[TextRule, ...] = TEXT_RULES
    generic_share: float | None = 0.08
    """Patterns that fit a larger share of the targets are not used."""
    target_cap: int | None = 250
    """Variants of one target, the best by score."""
    lemma_cap: int | None = 200
    """Variants by one lemma, the best by score."""
    foreign_cap: int | None = 12
    """Of these, variants that bring in a subject which has nothing to do with the target's."""
    near_duplicates: bool = True
    """Is one kept of those that a reader takes for the same?"""

    def admits(self, name: str, tags: Sequence[str], term: str | None) -> bool:
        """Is a theorem an ordinary one, as target and as lemma?"""
        return term is not None and objection(name, tags, term, self.theorems) is None


EVERYTHING = Policy(theorems=(), patterns=(), statements=(), texts=(), generic_share=None, target_cap=None, lemma_cap=None,
                    foreign_cap=None, near_duplicates=False)
"""Keeps all that is verified (`--keep-all`)."""

PARTS = (GENERIC, TARGET_CAP, FOREIGN_CAP, LEMMA_CAP, NEAR_DUPLICATE,
         *(rule.name for rules in (THEOREM_RULES, PATTERN_RULES, STATEMENT_RULES, TEXT_RULES) for rule in rules))
"""The names by which `policy_without` switches parts off."""


def policy_without(names: Sequence[str], policy: Policy = Policy()) -> Policy:
    """The policy without the parts of these names. Raises ValueError for a name that is none."""
    if unknown := [name for name in names if name not in PARTS]:
        raise ValueError(f"there is no rule {unknown[0]!r}; there are {', '.join(dict.fromkeys(PARTS))}")

    def left(rules):
        return tuple(rule for rule in rules if rule.name not in names)

    return Policy(
        theorems=left(policy.theorems), patterns=left(policy.patterns), statements=left(policy.statements), texts=left(policy.texts),
        generic_share=None if GENERIC in names else policy.generic_share,
        target_cap=None if TARGET_CAP in names else policy.target_cap,
        lemma_cap=None if LEMMA_CAP in names else policy.lemma_cap,
        foreign_cap=None if FOREIGN_CAP in names else policy.foreign_cap,
        near_duplicates=policy.near_duplicates and NEAR_DUPLICATE not in names)
