"""Which sides of lemmas are indexed. Patterns are written as their tokens, without the root."""

import pytest

from lean_alchemy.mutation.policy.patterns import PATTERN_RULES, Pattern

EQ, NEGATED = "c:Eq/3 c:UInt32/0 ?0 ?1", "c:Eq/3 c:UInt32/0 c:Neg.neg/3 c:UInt32/0 * ?0 c:Neg.neg/3 c:UInt32/0 * ?1"
LT, LE, DVD = (f"c:{name}/4 c:Nat/0 * ?0 ?1" for name in ("LT.lt", "LE.le", "Dvd.dvd"))
LENGTH = "c:List.length/2 ?0 ?1"
AND, ADD = "c:HAnd.hAnd/6 * * * * ?0 ?1", "c:HAdd.hAdd/6 ?2 ?2 ?2 * ?0 ?1"
DIV = "c:HDiv.hDiv/6 c:Int/0 c:Int/0 c:Int/0 * ?0 ?1"


def rw(tokens: str, other: str | None = None, variables: int = 2, **about: bool) -> Pattern:
    """A pattern that `rw` replaces by the other side."""
    def side(text):
        head, *rest = text.split(" ")
        return [f"R:{head}", head, *rest]

    return Pattern("rw", "backward", variables, side(tokens), other and side(other), **about)


def apply(tokens: str, variables: int = 2, **about: bool) -> Pattern:
    """A pattern of a hypothesis or a conclusion."""
    return Pattern("apply", "backward", variables, tokens.split(" "), **about)


def objection(pattern: Pattern) -> str | None:
    return next((rule.name for rule in PATTERN_RULES if rule.objects(pattern)), None)


@pytest.mark.parametrize(("words", "pattern", "expected"), [
    ("C, in False → C", apply("?0"), "bare variable"), ("any proof", apply("*"), "bare variable"),
    ("a < b", apply(LT), None), ("n is even", apply("c:Even/1 ?0"), None),
    ("a = b", rw("c:Eq/3 ?0 ?1 ?2"), "bare relation"), ("a = b, applied", apply("c:Eq/3 ?0 ?1 ?2"), "bare relation"),
    ("p ↔ q", apply("c:Iff/2 ?0 ?1"), "bare relation"), ("a ≍ b", rw("c:HEq/4 ?0 ?1 ?2 ?3"), "bare relation"),
    ("a ≠ b", rw("c:Ne/3 * ?1 ?2"), "bare relation"), ("¬p", rw("c:Not/1 ?0"), "bare relation"),
    ("a = b of one type", rw(EQ), None), ("f a = b", rw("c:Eq/3 ?0 c:f/1 ?1 ?2"), None), ("p ∧ q", rw("c:And/2 ?0 ?1"), None),
])
def test_patterns_that_fit_every_proposition_or_equation(words, pattern, expected):
    assert objection(pattern) == expected, words


@pytest.mark.parametrize(("words", "pattern", "expected"), [
    ("a = b as -a = -b", rw(EQ, NEGATED), "wraps both sides"),
    ("-a = -b as a = b", rw(NEGATED, EQ), None),
    ("a < b as k / b < k / a", rw(LT, "c:LT.lt/4 c:Nat/0 * c:f/2 ?2 ?1 c:f/2 ?2 ?0"), "wraps both sides"),
    ("a < b as succ a < succ b", rw(LT, "c:LT.lt/4 c:Nat/0 * c:Nat.succ/1 ?0 c:Nat.succ/1 ?1"), "wraps both sides"),
    ("a / b as f a / f b", rw(DIV, DIV.replace("?0", "c:f/1 ?0").replace("?1", "c:f/1 ?1")), "wraps both sides"),
    ("a < b as f a < g b", rw(LT, "c:LT.lt/4 c:Nat/0 * c:f/1 ?0 c:g/1 ?1"), None),
    ("a < b as g a < f b", rw(LT, "c:LT.lt/4 c:Nat/0 * c:g/1 ?0 c:f/1 ?1"), None),
    ("a < b as f a < b", rw(LT, "c:LT.lt/4 c:Nat/0 * c:f/1 ?0 ?1"), None),
    ("a < b as f k < f b", rw(LT, "c:LT.lt/4 c:Nat/0 * c:f/1 ?2 c:f/1 ?1"), None),
    ("a < b as f b < f k", rw(LT, "c:LT.lt/4 c:Nat/0 * c:f/1 ?1 c:f/1 ?2"), None),
    ("a < b as b > a", rw(LT, "c:GT.gt/4 c:Nat/0 * ?1 ?0"), None),
    ("a ≤ a as a ∣ a", rw("c:LE.le/4 c:Nat/0 * ?0 ?0", "c:Dvd.dvd/4 c:Nat/0 * ?0 ?0"), None),
    ("f 0 = a as h 0 = h a", rw("c:Eq/3 c:Nat/0 c:Nat.zero/0 ?0", "c:Eq/3 c:Nat/0 c:h/1 c:Nat.zero/0 c:h/1 ?0"), None),
    ("a = 0 as h a = h 0", rw("c:Eq/3 c:Nat/0 ?0 c:Nat.zero/0", "c:Eq/3 c:Nat/0 c:h/1 ?0 c:h/1 c:Nat.zero/0"), None),
    ("a = f b as h a = h (f b)", rw("c:Eq/3 c:Nat/0 ?0 c:f/1 ?1", "c:Eq/3 c:Nat/0 c:h/1 ?0 c:h/1 c:f/1 ?1"), None),
    ("f a = b as h (f a) = h b", rw("c:Eq/3 c:Nat/0 c:f/1 ?0 ?1", "c:Eq/3 c:Nat/0 c:h/1 c:f/1 ?0 c:h/1 ?1"), None),
    ("f (g a b) as f (h a b)", rw("c:f/2 c:Nat/0 c:g/2 ?0 ?1", "c:f/2 c:h/1 ?0 c:h/1 ?1"), None),
    ("a is even as -a is even", rw("c:Even/1 ?0", "c:Even/1 c:Neg.neg/1 ?0"), None),
    ("a ∣ b as b % a is zero", rw(DVD, "c:IsZero/1 c:f/2 ?1 ?0"), None),
    ("n is even as n + n = n + n", rw("c:Even/1 ?0", "c:Eq/3 c:Nat/0 c:f/1 ?0 c:f/1 ?0"), None),
    ("a < b, by what is no equation", rw(LT), None),
])
def test_a_function_around_both_sides(words, pattern, expected):
    assert objection(pattern) == expected, words


ALL, EXISTS = "P/2 ?0 L/1 ?1", "c:Exists/2 ?0 L/1 ?1"


@pytest.mark.parametrize(("words", "pattern", "expected"), [
    ("a < b as a new variable", rw(LT, data=True), "renames"),
    ("a < b as c < d", rw(LT, "c:LT.lt/4 c:Nat/0 * ?2 ?3", data=True), "renames"),
    ("a < b as a < c", rw(LT, "c:LT.lt/4 c:Nat/0 * ?0 ?2", data=True), None),
    ("l.length as l'.length", rw(LENGTH, "c:List.length/2 ?0 ?2", data=True), None),
    ("∀ x, p x as ∀ x, q x", rw(ALL, "P/2 ?0 L/1 ?2", data=True), "renames"),
    ("∃ x, p x as ∃ x, q x", rw(EXISTS, "c:Exists/2 ?0 L/1 ?2", data=True), "renames"),
    ("∀ x, p x as ∀ x, p x ∧ q", rw(ALL, "P/2 ?0 L/1 c:And/2 ?1 ?2", data=True), None),
    ("∀ x, p x ∧ q as ∀ x, p x", rw("P/2 ?0 L/1 c:And/2 ?1 ?2", ALL, data=True), None),
    ("∀ x, p x as ∀ x, q x, where all variables are known", rw(ALL, "P/2 ?0 L/1 ?1"), None),
    ("a < b, applied", apply(LT, data=True), None),
    ("a < b as c < d, where both are known", rw(LT, "c:LT.lt/4 c:Nat/0 * ?2 ?3"), None),
])
def test_new_names_for_what_is_there(words, pattern, expected):
    assert objection(pattern) == expected, words


@pytest.mark.parametrize(("words", "pattern", "expected"), [
    ("0", rw("c:OfNat.ofNat/3 c:Int/0 n:0 *", variables=0), "constant"),
    ("any numeral", rw("c:OfNat.ofNat/3 c:Int/0 ?0 *", variables=1), "constant"),
    ("[]", rw("c:List.nil/1 ?0", variables=0), "constant"),
    ("l.length", rw(LENGTH, variables=1), None), ("s ∪ t", rw("c:Union.union/4 ?0 * ?1 ?2"), None), ("a < b", rw(LT), None),
    ("a = b as a closed hypothesis", apply("c:Nonempty/1 c:Nat/0", variables=0), None),
])
def test_constants(words, pattern, expected):
    assert objection(pattern) == expected, words


@pytest.mark.parametrize(("words", "pattern", "expected"), [
    ("a / b as Int.div a b", rw(DIV, "c:Int.div/2 ?0 ?1"), "implementation"),
    ("Int.div a b as a / b", rw("c:Int.div/2 ?0 ?1", DIV), None),
    ("a &&& b as BitVec.and a b", rw(AND, "c:BitVec.and/3 * ?0 ?1"), "implementation"),
    ("a + b as add b a", rw(ADD, "c:add/2 ?1 ?0"), "implementation"),
    ("a + b as add a b with an instance", rw(ADD, "c:add/3 ?0 ?1 *"), "implementation"),
    ("a + b as add b c", rw(ADD, "c:add/2 ?1 ?3"), None), ("a + b as add c a", rw(ADD, "c:add/2 ?3 ?0"), None),
    ("a + b as add c b", rw(ADD, "c:add/2 ?3 ?1"), None),
    ("a &&& b as min (f a) b", rw(AND, "c:Min.min/4 * c:f/1 ?0 ?1"), None),
    ("a + b as add Nat a b", rw(ADD, "c:add/3 c:Nat/0 ?0 ?1"), None),
    ("a &&& b as a ||| b", rw(AND, "c:HOr.hOr/6 * * * * ?0 ?1"), None), ("a < b as b ∣ a", rw(LT, "c:Dvd.dvd/4 c:Nat/0 * ?1 ?0"), None),
    ("f a b as g a b", rw("c:f/2 ?0 ?1", "c:g/2 ?0 ?1"), None),
    ("a / b, by what is no equation", rw(DIV), None), ("a < b as a + 1 ≤ b", rw(LT, "c:LE.le/4 c:Nat/0 * off ?1"), None),
])
def test_a_notation_and_the_function_behind_it(words, pattern, expected):
    assert objection(pattern) == expected, words


@pytest.mark.parametrize(("words", "pattern", "expected"), [
    ("fun _ => n", rw("L/1 ?0", variables=1), "any function"),
    ("fun _ => f n", rw("L/1 c:f/1 ?0", variables=1), None), ("f n", rw("c:f/1 ?0", variables=1), None),
    ("a ≤ b", apply(LE), None), ("a ≤ b with a proof in the rest of the lemma", apply(LE, dependent=True), "proof in the statement"),
])
def test_functions_and_proofs(words, pattern, expected):
    assert objection(pattern) == expected, words
