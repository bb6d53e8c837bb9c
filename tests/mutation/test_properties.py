"""What holds of every statement: a key forgets names and orders, and a variant is never its target.

Statements, theorems and candidates are drawn; Lean is real. The draws are the same in every run, so that the suite
says the same twice.
"""

import re

import msgspec
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from lean_alchemy.lean_workspace.protocol import TheoremRow, Written
from lean_alchemy.lean_workspace.workspace import Draft
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.kinds import Reach, kinds_within
from lean_alchemy.mutation.policy.rules import NewStatement, first_objection
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.mutation.terms import statement_key

numbers = st.integers(0, 23_700)
"""A theorem of `Init`, by its number: whatever stands in the user's file, the same ones are drawn."""


def drawn(examples: int) -> settings:
    """Without shrinking: the number of a theorem is not simpler where it is smaller."""
    return settings(max_examples=examples, derandomize=True, database=None, phases=(Phase.generate,))


def is_handy(row: TheoremRow) -> bool:
    """A few statements of monadic iterators take a minute each to prepare."""
    return row.term is not None and len(row.term) < 3000


def key_of(engine, text: str) -> str | None:
    """The statement key of a theorem's text; None where it is refused."""
    verdict = engine.workspace.check(text)
    return statement_key(verdict.term) if verdict.refused is None else None


# --- statements that are made ---------------------------------------------------------------------

TYPES = ["Type {u}", "Type {v}"]
HYPOTHESES = [
    "{a} < {b}", "{b} < {a} + {k}", "{a} = {k}", "∀ {i} : Nat, {i} < {a} → {i} ≠ {b}", "∃ {i} : Nat, {a} + {i} = {b}", "{x} = {x}",
    "{xs}.length = {a}", "{xs} ≠ []", "Nonempty ({α} × {β})", "{a} ≤ {b} ∨ {xs} = []", "(fun {i} => {i} + {a}) = fun {j} => {j} + {k}"]
VARIABLES = ["α", "β", "a", "b", "x", "y", "xs", "i", "j"]
BINDERS = ["{α} : Type {u}", "{β} : Type {v}", "{a} : Nat", "{b} : Nat", "{x} : {α}", "{y} : {β}", "{xs} : List {α}"]
identifiers = st.sampled_from(["n", "m", "k", "p", "q", "t", "γ", "δ", "ι", "zs", "e", "as", "bs", "n'", "n₁", "«end»", "_w", "A", "Nat'"])

hypotheses = st.lists(st.tuples(st.sampled_from(HYPOTHESES), st.integers(0, 3)), max_size=5)


@st.composite
def writings(draw, hypotheses: list[tuple[str, int]], conclusion: tuple[str, int]) -> str:
    """One of the ways to write the same theorem: names, kinds of binders, order of hypotheses, universes."""
    names = dict(zip(VARIABLES, draw(st.lists(identifiers, min_size=len(VARIABLES), max_size=len(VARIABLES), unique=True)), strict=True))
    levels = dict(zip("uv", draw(st.permutations(["u", "v"])), strict=True))

    def write(template: str, k: int = 0) -> str:
        return template.format(**names, **levels, k=k)

    binders = [("({})" if draw(st.booleans()) else "{{{}}}").format(write(binder)) for binder in BINDERS]
    ordered = draw(st.permutations(hypotheses))
    named = draw(st.integers(0, len(ordered)))
    binders += [f"(h{i} : {write(*h)})" for i, h in enumerate(ordered[:named])]
    arrows = "".join(f"({write(*h)}) → " for h in ordered[named:])
    intros = "".join(" _" for _ in ordered[named:])
    proof = f"fun{intros} => Or.inr trivial" if intros else "Or.inr trivial"
    universes = ", ".join(draw(st.permutations(["u", "v"])))
    return f"theorem v.{{{universes}}} {' '.join(binders)} : {arrows}({write(*conclusion)}) ∨ True := {proof}"


@st.composite
def statement_twice(draw) -> tuple[str, str, str]:
    """A theorem in two ways, and another theorem."""
    premises, conclusion = draw(hypotheses), (draw(st.sampled_from(HYPOTHESES)), draw(st.integers(0, 3)))
    other = draw(st.sampled_from([
        ([*premises, ("{a} + {k} = {b}", 7)], conclusion), (premises, ("{a} + {k} = {b}", 7))]))
    return draw(writings(premises, conclusion)), draw(writings(premises, conclusion)), draw(writings(*other))


def test_a_key_forgets_names_kinds_of_binders_order_of_hypotheses_and_universes(engine):
    @drawn(60)
    @given(statement_twice())
    def holds(texts):
        one, two, other = (key_of(engine, text) for text in texts)
        assert one is not None and one == two != other and other is not None, texts

    holds()


# --- theorems of the library ----------------------------------------------------------------------

_PARTS = re.compile(r"[(\[{⦃]|[)\]}⦄]")


def groups(statement: str) -> tuple[list[str], str]:
    """The binders before the colon, and what follows it: `(a b : Nat) : a = b` has one group."""
    found, depth, start = [], 0, 0
    for i, letter in enumerate(statement):
        if letter in "([{⦃":
            start, depth = (i if depth == 0 else start), depth + 1
        elif letter in ")]}⦄":
            depth -= 1
            if depth == 0:
                found.append(statement[start:i + 1])
        elif depth == 0 and letter == ":":
            return found, statement[i + 1:].strip()
    raise ValueError(statement)


def names_of(group: str) -> list[str]:
    """`{a b : Nat}` has two names, `[BEq α]` has one without."""
    names, colon, _ = group[1:-1].partition(" : ")
    return names.split() if colon and not set(names) & set("([{") else ["_"]


def renamed(text: str, names: dict[str, str]) -> str:
    """Whole identifiers, and no field, part of a name, or name of an argument."""
    any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pattern = r"(?<![\w«'✝])(?:(?<!\.)|(?<=\.\.\.))(" + any_name + r")(?![\w'!?✝])(?! :=)"
    return re.sub(pattern, lambda m: names[m[1]], text) if names else text


def told_again(row: TheoremRow, independent: list[str], names: dict[str, str], order: list[int]) -> str:
    """The theorem as a text of its own, in other names; the independent hypotheses last, in this order."""
    signature, conclusion = groups(row.statement)
    movable = [group for group in signature if names_of(group)[0] in independent and len(names_of(group)) == 1]
    staying = [group for group in signature if group not in movable]
    moved = [movable[i] for i in sorted(range(len(movable)), key=lambda i: order[i % len(order)])]
    statement = renamed(" ".join([*staying, *moved, ":", conclusion]), names)
    arguments = " ".join(names.get(name, name) for group in signature for name in (["_"] if group[0] == "[" else names_of(group)))
    levels = [names.get(level, level) for level in reversed(row.level_params)]
    return f"theorem v{'.{' + ', '.join(levels) + '}' if levels else ''} {statement} := @{row.name} {arguments}"


def test_a_theorem_of_the_library_in_other_names_and_another_order_has_its_key(engine):
    kept: list[str] = []

    @drawn(120)
    @given(numbers, st.permutations(range(6)))
    def holds(number, order):
        (row,) = engine.workspace.theorems(number, 1)
        assume(row.statement is not None and is_handy(row) and "✝" not in row.statement)
        own = [name for group in groups(row.statement)[0] for name in names_of(group) if name != "_"] + row.level_params
        independent = [s.name for s in engine.workspace.target(number).sites if s.site]
        assume(key_of(engine, told_again(row, [], {}, order)) == statement_key(row.term))  # it reads back as it stands
        text = told_again(row, independent, {name: f"renamed{i}" for i, name in enumerate(own)}, order)
        assert key_of(engine, text) == statement_key(row.term), text
        kept.append(row.name)

    holds()
    assert len(kept) > 40


@pytest.mark.parametrize("name", [
    "Nat.lt_of_lt_of_le", "Nat.div_lt_one_iff", "List.map_map", "beq_eq_false_iff_ne", "List.mem_iff_getElem"])
def test_a_lemma_in_other_names_has_the_same_keys(engine, name):
    here, again = ([Key(*row) for row in engine.workspace.keys(engine.number(n), 1).rows] for n in (name, f"Small.Again.{name}"))
    assert len(here) > 1
    assert [of_any_lemma(key) for key in here] == [of_any_lemma(key) for key in again]


def of_any_lemma(key: Key) -> dict:
    """All of a key but the number of its lemma."""
    return {field: value for field, value in msgspec.structs.asdict(key).items() if field != "lemma"}


# --- variants -------------------------------------------------------------------------------------

LEMMAS = [
    "and_comm", "or_comm", "not_not", "iff_self", "eq_comm", "ne_eq", "Decidable.not_not", "forall_exists_index", "Nat.add_comm",
    "Nat.mul_comm", "Nat.add_assoc", "Nat.add_zero", "Nat.succ_le_iff", "Nat.lt_succ_iff", "Nat.not_le", "Nat.not_lt",
    "Nat.pos_iff_ne_zero", "Nat.le_of_lt", "Nat.lt_of_lt_of_le", "Nat.le_antisymm", "Nat.le_trans", "Nat.lt_of_succ_lt",
    "Nat.succ_le_of_lt", "Nat.add_lt_add", "Nat.add_sub_cancel'", "Int.add_comm", "Int.mul_comm", "Int.add_one_le_of_lt",
    "Int.lt_of_lt_of_le", "Int.le_of_lt", "Int.not_lt", "Int.neg_neg", "Int.sub_eq_add_neg", "List.append_assoc", "List.length_append",
    "List.reverse_reverse", "List.map_map", "List.mem_append", "List.append_nil", "List.length_reverse", "Bool.and_comm", "Bool.or_comm",
    "Bool.not_not", "beq_iff_eq", "Option.some_inj", "BitVec.add_comm", "Array.size_push", "Eq.symm", "Iff.symm", "le_of_eq"]


@pytest.fixture(scope="module")
def lemmas(engine) -> Lemmas:
    """An index over some lemmas of much use."""
    found = [n for n in engine.workspace.find(*LEMMAS) if n is not None]
    keys = [Key(*row) for number in found for row in engine.workspace.keys(number, 1).rows]
    return Lemmas(keys, kinds_within(["rw", "apply"], Reach()), set(found), rules=(), classes=Classes(engine.workspace.instances()))


def test_a_variant_never_equals_its_target(engine, lemmas):
    """Not as Lean reads it; nor, where the rules have nothing against it, as a reader does who takes `b = a` for `a = b`."""
    drafts: list[str] = []
    written: list[str] = []

    @drawn(80)
    @given(numbers, st.data())
    def holds(number, data):
        (row,) = engine.workspace.theorems(number, 1)
        assume(is_handy(row))
        prepared = engine.workspace.target(number)
        candidates = lemmas.candidates(number, prepared.sites)
        assume(candidates)
        chosen = data.draw(st.lists(st.sampled_from(candidates), max_size=12, unique=True))
        made = [outcome for _, outcome in prepared.attempt(chosen) if isinstance(outcome, Draft)]
        target = terms.parse(row.term)
        for draft in made:
            statement = terms.parse(draft.term)
            assert statement_key(draft.term) != statement_key(row.term), (row.name, draft.candidate)
            if first_objection(NewStatement(statement, target)) is None:
                assert terms.near_key(statement) != terms.near_key(target), (row.name, draft.candidate)
            drafts.append(draft.term)
        for draft, text in prepared.write([(draft, "v") for draft in made[:1]]):
            if isinstance(text, Written):
                assert key_of(engine, text.theorem) == statement_key(text.term) != statement_key(row.term), (row.name, draft.candidate)
                written.append(text.theorem)

    holds()
    assert len(drafts) > 100 and len(written) > 20
