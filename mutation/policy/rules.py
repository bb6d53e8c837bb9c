"""The policy: rules on what to try and what to keep, each with a name, a reason and a real example.

Theorem rules apply to targets and lemmas, pattern rules (`mutation/policy/patterns.py`) to one side of a lemma, statement
rules to a variant beside its target, text rules to how a variant is printed. The first rule that objects gives the reason.
`mutation/policy/generality.py` measures what no rule can tell; `mutation/policy/score.py` ranks what is left.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec

from lean_alchemy.mutation.policy.arithmetic import has_large_numeral, idle_parts, is_decided, literal
from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, PatternRule
from lean_alchemy.mutation.terms import Statement, Term, arguments, is_constant, is_instance, near_key, premises, sides, subterms


class TheoremRule(msgspec.Struct, frozen=True):
    """objects(name, tags, term) is true for theorems that are neither targets nor lemmas. term: the statement in
    canonical form."""

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
        name="generated", reason="Lean generated it with a definition; nobody states it",
        example="Prod.mk.injEq", objects=lambda name, tags, term: bool(_GENERATED.search(name))),
    TheoremRule(
        name="instance", reason="it is found by instance resolution and never named in a proof",
        example="Nat.instCommutativeHAdd", objects=lambda name, tags, term: "instance" in tags),
    TheoremRule(
        name="automation", reason="it is internal to a tactic, about the tactic's own data structures",
        example="Nat.Linear.Poly.denote_fuse", objects=lambda name, tags, term: bool(_AUTOMATION.search(name))),
    TheoremRule(
        name="deprecated", reason="its replacement should be used",
        example="Array.get_set_ne, Std.Legacy.Range", objects=lambda name, tags, term: "deprecated" in tags or ".Legacy." in term),
    TheoremRule(
        name="internal constant", reason="its statement mentions a constant that Lean generated",
        example="Vector.mk_append_mk", objects=lambda name, tags, term: "._" in term),
)


class NewStatement(msgspec.Struct, frozen=True, dict=True):
    """A new statement beside its target. lemmas: the statements of the lemmas used, in canonical form; empty where they
    are unknown."""

    statement: Statement
    target: Statement
    lemmas: str = ""

    @cached_property
    def new_constants(self) -> frozenset[str]:
        """The constants of the statement that its target lacks."""
        return self.statement.constants - self.target.constants


class StatementRule(msgspec.Struct, frozen=True):
    """objects(new) is true for new statements that are not worth keeping."""

    name: str
    reason: str
    example: str
    objects: Callable[[NewStatement], bool]


_REFLEXIVE = (("LE.le", 4), ("Dvd.dvd", 4), ("HasSubset.Subset", 4), ("List.Sublist", 3), ("List.Perm", 3))


def _is_reflexive(conclusion: Term) -> bool:
    """`a = a`, `p ↔ p`, `a ≤ a`, `a ∣ a`."""
    pair = sides(conclusion) or next((args[-2:] for name, n in _REFLEXIVE if (args := arguments(conclusion, name, n))), None)
    return pair is not None and pair[0] == pair[1]


def _is_tautology(new: NewStatement) -> bool:
    conclusion = new.statement.conclusion
    return (is_constant(conclusion, "True") or _is_reflexive(conclusion) or conclusion in premises(new.statement)
            or (is_decided(conclusion) and not is_decided(new.target.conclusion)))


def _is_vacuous(new: NewStatement) -> bool:
    return any(is_constant(h, "False") for h in premises(new.statement))


_INTERNAL = re.compile(
    r"(^|\.)(_|match_\d|casesOn$|recOn$|brecOn$|rec$|below$|noConfusion|Internal\.|Impl\.|Raw₀|(go|loop)(\.|$)|\w*Impl$)|^Nat\.(ble|blt|beq)$"
    r"|^(Nat|Int|Rat|Fin|BitVec|U?Int(8|16|32|64)|[UI]Size|String|List|Array|Vector)\.(add|sub|mul|div|mod|pow|neg|append|lt|le)$")
_TRANSPORT = frozenset({
    "HEq", "cast", "Eq.mp", "Eq.mpr", "Eq.rec", "Eq.ndrec", "id", "inferInstance", "inferInstanceAs", "autoParam", "wfParam"})


def _introduces_internal(new: NewStatement) -> bool:
    return any(_INTERNAL.search(name) or _AUTOMATION.search(name) for name in new.new_constants)


def _is_idle_hypothesis(hypothesis: Term) -> bool:
    """Does it hold, or fail, for all values of its variables: a variable-free proposition, `a = a`, `m + n + 1 = m`?"""
    if not any(part[0] == "#" for part in subterms(hypothesis)) or is_decided(hypothesis):
        return True
    for name, n in (("Eq", 3), ("Iff", 2), ("LE.le", 4), ("LT.lt", 4), ("Ne", 3), ("Dvd.dvd", 4)):
        if (args := arguments(hypothesis, name, n)) and args[-1] == args[-2]:
            return True
    return False


def _has_idle_hypothesis(new: NewStatement) -> bool:
    old = set(new.target.hypotheses)
    return any(h not in old and _is_idle_hypothesis(h) for h in new.statement.hypotheses)


def _has_idle_part(new: NewStatement) -> bool:
    count = sum(map(idle_parts, new.statement.parts))
    return count > 0 and count > sum(map(idle_parts, new.target.parts))


_BOUNDED = re.compile(r"^(Array|ByteArray|FloatArray)\.(any|all|filter|filterMap|foldl|foldr|for|forRev)M?$")


def _spells_bounds_out(term: Term) -> bool:
    """Is it `xs.any p 0 n`, where a reader writes `xs.any p`? The last two arguments default to 0 and the size."""
    if term[0] != "@" or term[1][0] != "c" or not _BOUNDED.match(term[1][1]) or len(term) < 6:
        return False
    *others, start, stop = term[2:]
    size = next((args[-1] for bound in (start, stop) for n in (1, 2) for name in ("Array.size", "ByteArray.size", "FloatArray.size")
                 if (args := arguments(bound, name, n))), None)
    return not (size in others and 0 in (literal(start), literal(stop)))


def _has_default_argument(new: NewStatement) -> bool:
    def spelled_out(statement: Statement) -> int:
        return sum(_spells_bounds_out(part) for top in statement.parts for part in subterms(top))

    return (count := spelled_out(new.statement)) > 0 and count > spelled_out(new.target)


def _has_large_numeral(new: NewStatement) -> bool:
    return any(map(has_large_numeral, new.statement.parts)) and not any(map(has_large_numeral, new.target.parts))


def _repeats_hypothesis(new: NewStatement) -> bool:
    def repeated(statement: Statement) -> int:
        return len(statement.hypotheses) - len(set(statement.hypotheses))

    return repeated(new.statement) > repeated(new.target)


def _restates_target(new: NewStatement) -> bool:
    return near_key(new.statement) == near_key(new.target)


_NUMERAL = "OfNat.ofNat"
_SUM = "HAdd.hAdd"
_LESS = "LT.lt"


def _unfolds(new: NewStatement) -> bool:
    if not new.lemmas:
        return False
    known = {_NUMERAL, *new.lemmas.split("\t")}
    if _LESS in new.target.constants:
        known.add(_SUM)  # every reader knows that `a < b` is `a + 1 ≤ b`
    return any(name not in known and not is_instance(name) for name in new.new_constants)


MAX_GROWTH = 3
MAX_NEW_NODES = 48
MAX_NODES = 400


def _grows_too_much(new: NewStatement) -> bool:
    size, old_size = new.statement.size, new.target.size
    return size > max(MAX_GROWTH * old_size, old_size + MAX_NEW_NODES) or size > max(MAX_NODES, old_size)


def _is_power(term: Term) -> bool:
    return arguments(term, "HPow.hPow", 6) is not None and not any(part[0] == "#" for part in subterms(term))


def _has_wide_type(new: NewStatement) -> bool:
    return any(
        (args := arguments(part, name, 1)) and _is_power(args[0])
        for top in new.statement.parts for part in subterms(top) for name in ("BitVec", "Fin"))


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
        name="idle part", reason="it adds an operation or a comparison that any reader would simplify",
        example="l.length + 0, 1 * a, a - a, n + 1 + 1, l ++ [], b && true, !true, ¬a ≠ b, p = False, ((1 : Nat) : Int), 2 = 0 ∨ p, "
                "if h : p then a else b that does not use h", objects=_has_idle_part),
    StatementRule(
        name="default argument", reason="it writes out the bounds of a fold over an array, which readers leave at their defaults",
        example="xs.any p 0 (xs.push a).size in place of xs.any p", objects=_has_default_argument),
    StatementRule(
        name="large numeral", reason="it adds a numeral whose digits a reader would have to count",
        example="a.toNat % 18446744073709551616 for a.toNat % 2 ^ 64", objects=_has_large_numeral),
    StatementRule(
        name="repeated hypothesis", reason="two hypotheses are the same",
        example="(h₁ : n < m) (h₂ : n < m) : n ≠ m", objects=_repeats_hypothesis),
    StatementRule(
        name="internal constant",
        reason="it adds a constant that Lean generated, that is in an internal namespace, or that implements a notation or a definition",
        example="List.attach_congr._proof_1, Nat.pow.match_1, Nat.ble, Nat.lt, Array.extract.loop, Array.toListImpl",
        objects=_introduces_internal),
    StatementRule(
        name="transport", reason="it adds an equality between different types, or a cast along a proof",
        example="a ≍ b, cast h a = b", objects=lambda new: bool(_TRANSPORT & new.new_constants)),
    StatementRule(
        name="unfolded", reason="it mentions a constant that neither the target nor the lemma has: unification unfolded a definition",
        example="Array.mk l = Array.mk l' for l = l'; String.Pos.Raw.mk m < String.Pos.Raw.mk n for m < n", objects=_unfolds),
    StatementRule(
        name="restates its target", reason="it differs from the target only by the symmetry of =, ↔ or a commutative operation",
        example="b + a = a + b for a + b = b + a", objects=_restates_target),
    StatementRule(
        name="too large", reason=f"it is more than {MAX_GROWTH:g} times as large as its target, or larger than {MAX_NODES} symbols",
        example="`n + 1` replaced by a sum over a range in a one-line target", objects=_grows_too_much),
    StatementRule(
        name="wide type", reason="it has a bit vector or Fin type of a size that is itself a large power: evaluation never ends",
        example="(x : BitVec (2 ^ 63)) : x.toNat = 0", objects=_has_wide_type),
)


class PrintedStatement(msgspec.Struct, frozen=True):
    """How a variant's statement is printed."""

    statement: str
    print_options: Sequence[str]


class TextRule(msgspec.Struct, frozen=True):
    """objects(text) is true for statements that are hard to read."""

    name: str
    reason: str
    example: str
    objects: Callable[[PrintedStatement], bool]


EXPLICIT = "explicit as a whole"
MATCHER = "match as a function"
"""Under these two rules the engine does not even print such texts."""

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
        name=MATCHER, reason="a `match` that reads back only as the function that Lean generated for it",
        example="Array.foldl_filterMap'.match_1 (fun x => Bool) (f a) …", objects=lambda text: ".match_" in text.statement),
)


def objection(name: str, tags: Sequence[str], term: str, rules: Sequence[TheoremRule] = THEOREM_RULES) -> TheoremRule | None:
    """The first rule that objects to a theorem; None for an ordinary theorem."""
    return next((rule for rule in rules if rule.objects(name, tags, term)), None)


def first_objection(new: NewStatement, rules: Sequence[StatementRule] = STATEMENT_RULES) -> StatementRule | None:
    """The first rule that objects to a new statement; None where it is kept."""
    return next((rule for rule in rules if rule.objects(new)), None)


GENERIC = "generic lemma"
NEAR_DUPLICATE = "near duplicate"
LEMMA_CAP = "lemma cap"
FOREIGN_CAP = "foreign cap"
TARGET_CAP = "target cap"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules and limits of a run. Each can be switched off by its name (`policy_without`)."""

    theorems: tuple[TheoremRule, ...] = THEOREM_RULES
    patterns: tuple[PatternRule, ...] = PATTERN_RULES
    statements: tuple[StatementRule, ...] = STATEMENT_RULES
    texts: tuple[TextRule, ...] = TEXT_RULES
    generic_share: float | None = 0.08
    """Patterns that fit a larger share of the targets are not used."""
    target_cap: int | None = 250
    """At most so many variants of one target, the best by score."""
    lemma_cap: int | None = 200
    """At most so many variants by one lemma, the best by score."""
    foreign_cap: int | None = 12
    """At most so many variants of one target that bring in a subject unrelated to it."""
    near_duplicates: bool = True
    """Is only one kept of variants that a reader takes for the same?"""

    def admits(self, name: str, tags: Sequence[str], term: str | None) -> bool:
        """May a theorem be a target and a lemma? term: None, for one too large to be written, is not admitted."""
        return term is not None and objection(name, tags, term, self.theorems) is None


EVERYTHING = Policy(theorems=(), patterns=(), statements=(), texts=(), generic_share=None, target_cap=None, lemma_cap=None,
                    foreign_cap=None, near_duplicates=False)
"""Keeps every verified variant (`--keep-all`)."""

POLICY_PARTS = (GENERIC, TARGET_CAP, FOREIGN_CAP, LEMMA_CAP, NEAR_DUPLICATE,
                *(rule.name for rules in (THEOREM_RULES, PATTERN_RULES, STATEMENT_RULES, TEXT_RULES) for rule in rules))
"""The names that `policy_without` accepts."""


def policy_without(names: Sequence[str], policy: Policy = Policy()) -> Policy:
    """The policy without the rules and limits of these names. Raises ValueError for an unknown name."""
    if unknown := [name for name in names if name not in POLICY_PARTS]:
        raise ValueError(f"there is no rule {unknown[0]!r}; choose among {', '.join(dict.fromkeys(POLICY_PARTS))}")

    def kept(rules):
        return tuple(rule for rule in rules if rule.name not in names)

    return Policy(
        theorems=kept(policy.theorems), patterns=kept(policy.patterns), statements=kept(policy.statements), texts=kept(policy.texts),
        generic_share=None if GENERIC in names else policy.generic_share,
        target_cap=None if TARGET_CAP in names else policy.target_cap,
        lemma_cap=None if LEMMA_CAP in names else policy.lemma_cap,
        foreign_cap=None if FOREIGN_CAP in names else policy.foreign_cap,
        near_duplicates=policy.near_duplicates and NEAR_DUPLICATE not in names)
