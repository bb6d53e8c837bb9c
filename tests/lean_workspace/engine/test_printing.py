"""The default text of a statement may elaborate to another statement, or not at all; then options are set for one subterm."""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.protocol import Candidate, Refusal, Style, Written
from lean_alchemy.lean_workspace.workspace import Draft
from lean_alchemy.mutation.terms import statement_key


def write(engine, target: str, kind: str, lemma: str, **where):
    """A draft, and its text under the name `v`."""
    prepared, draft = engine.draft(target, kind, lemma, **where)
    ((_, written),) = prepared.write([(draft, "v")])
    assert isinstance(written, Written), written
    return draft, written


MONADIC = (
    "{m : Type u_1 → Type u_2} {α : Type u_3} {β : Type u_1} [Monad m] [LawfulMonad m] {xs : Array α} {a : α} {f : β → α → m β} {b : β} "
    "{stop : Nat} (w : stop = xs.size + 1) :\n")


@pytest.mark.parametrize(("target", "kind", "lemma", "where", "default", "statement", "options"), [
    pytest.param(
        "Fin.eq_or_lt_of_le", "rw", "Fin.lt_def", {},
        "{n : Nat} {a b : Fin n} (h : a ≤ b) : a = b ∨ ↑a < ↑b",
        "{n : Nat} {a b : Fin n} (h : a ≤ b) : a = b ∨ (↑a : Nat) < ↑b",
        ["pp.analysis.needsType"],
        id="a cast into a type that is not determined"),
    pytest.param(
        "Nat.mul_pos", "rw", "Int.natCast_pos", {"at": "hn", "backward": True},
        "{n m : Nat} (hn : 0 < ↑n) (hm : 0 < m) : 0 < n * m",
        "{n m : Nat} (hn : (0 : Int) < ↑n) (hm : 0 < m) : 0 < n * m",
        ["pp.analysis.needsType"],
        id="a numeral next to a cast"),
    pytest.param(
        "Int.mul_emod_mul_of_pos", "apply", "Std.Roi.lower_le_of_mem", {"at": "H", "backward": True},
        "{a : Int} (b c : Int) (h : a ∈ 0<...*) : a * b % (a * c) = a * (b % c)",
        "{a : Int} (b c : Int) (h : a ∈ (0 : Int)<...*) : a * b % (a * c) = a * (b % c)",
        ["pp.analysis.needsType"],
        id="a numeral under a notation"),
    pytest.param(
        "Int.eq_ofNat_of_zero_le", "rw", "Int.not_lt", {"at": "h", "backward": True},
        "{a : Int} (h : ¬a < 0) : ∃ n, a = ↑n",
        "{a : Int} (h : ¬a < 0) : ∃ (n : Nat), a = ↑n",
        ["pp.funBinderTypes"],
        id="the type of a bound variable"),
    pytest.param(
        "Array.exists_push_of_ne_empty", "rw", "Array.size_pos_iff", {"at": "h", "backward": True},
        "{α : Type u_1} {xs : Array α} (h : 0 < xs.size) : ∃ ys, ∃ a, xs = ys.push a",
        "{α : Type u_1} {xs : Array α} (h : 0 < xs.size) : ∃ (ys : Array α), ∃ a, xs = ys.push a",
        ["pp.funBinderTypes"],
        id="the type of a bound variable, of two"),
    pytest.param(
        "Nat.two_pow_pred_lt_two_pow", "apply", "BitVec.getElem_reverse", {"occurrence": 1},
        "{w : Nat} (h : 0 < w) (x : BitVec (2 ^ w)) : x.reverse[2 ^ (w - 1)] = x.getMsbD (2 ^ (w - 1))",
        "{w : Nat} (h : 0 < w) (x : BitVec (2 ^ w)) : "
        "x.reverse[2 ^ (w - 1)]'(@Nat.two_pow_pred_lt_two_pow w h) = x.getMsbD (2 ^ (w - 1))",
        ["-pp.notation", "pp.explicit"],
        id="an access whose proof Lean does not find"),
    pytest.param(
        "Array.mapIdx_empty", "apply", "List.toArray_inj", {"occurrence": 1},
        "{α : Type u_1} {β : Type u_2} {f : Nat → α → β} : [] = []",
        "{α : Type u_1} {β : Type u_2} {f : Nat → α → β} : @List.nil β = []",
        ["pp.explicit"],
        id="an implicit argument"),
    pytest.param(
        "Small.unit", "rw", "Nat.add_comm", {"at": "h"},
        "(n : Nat) (h : 2 + n = 5) : Nonempty (PUnit × Fin n)",
        "(n : Nat) (h : 2 + n = 5) : Nonempty (PUnit.{u + 1} × Fin n)",
        ["pp.universes"],
        id="a universe"),
    pytest.param(
        "BitVec.getMsbD_ofNatLT", "rw", "Bool.and_comm", {},
        "{n x i : Nat} (h : x < 2 ^ n) : (x#'h).getMsbD i = (x.testBit (n - 1 - i) && decide (i < n))",
        "{n x i : Nat} (h : x < 2 ^ n) : (BitVec.ofNatLT x h).getMsbD i = (x.testBit (n - 1 - i) && decide (i < n))",
        ["-pp.notation"],
        id="a notation that only its own file may use"),
    pytest.param(
        "Int.lcm_mul_left_dvd_mul_lcm", "rw", "Nat.mul_comm", {},
        "(k m n : Nat) : (↑m * ↑n).lcm ↑k ∣ (↑n).lcm ↑k * (↑m).lcm ↑k",
        "(k m n : Nat) : Int.lcm (↑m * ↑n) ↑k ∣ Int.lcm ↑n ↑k * Int.lcm ↑m ↑k",
        ["-pp.notation"] * 3,
        id="methods of casts"),
    pytest.param(
        "Std.Iter.reverse_toListRev", "rw", "List.reverse_eq_iff", {},
        "{α β : Type u_1} [Std.Iterator α Id β] [Std.Iterators.Finite α Id] {it : Std.Iter β} : it.toListRev = it.toList.reverse",
        "{α β : Type u_1} [Std.Iterator α Id β] [Std.Iterators.Finite α Id] {it : @Std.Iter α β} : it.toListRev = it.toList.reverse",
        ["pp.explicit"],
        id="a type with an argument that is not determined"),
    pytest.param(
        "List.mem_of_mem_getLast?", "rw", "List.mem_iff_getElem?", {},
        "{α : Type u_1} {l : List α} {a : α} (h : a ∈ l.getLast?) : ∃ i, l[i]? = some a",
        "{α : Type u_1} {l : List α} {a : α} (h : a ∈ l.getLast?) : ∃ (i : Nat), l[i]? = some a",
        ["pp.funBinderTypes"],
        id="the type of an index"),
    pytest.param(
        "Array.foldlM_push'", "rw", "Array.foldlM_toList", {"backward": True, "occurrence": 1},
        MONADIC + "  Array.foldlM f b (xs.push a) 0 stop = do\n    let b ← List.foldlM f b xs.toList\n    f b a",
        MONADIC + "  (Array.foldlM f b (xs.push a) 0 stop = do\n    let b ← List.foldlM f b xs.toList\n    f b a)",
        ["parentheses"],
        id="a block at the end that would continue into the proof"),
])
def test_if_the_default_text_fails_one_subterm_gets_options(engine, target, kind, lemma, where, default, statement, options):
    draft, written = write(engine, target, kind, lemma, **where)
    assert written.statement == statement
    assert [option.split("@")[0] for option in written.print_options] == options
    assert written.term == draft.term
    again = engine.workspace.check(written.theorem)
    assert again.refused is None and statement_key(again.term) == statement_key(draft.term)
    plain = engine.workspace.check(written.theorem.replace(f" {statement} :=", f" {default} :="))
    assert plain.refused is not None or statement_key(plain.term) != statement_key(draft.term)


def test_a_mark_names_the_position_of_its_subterm(engine):
    """The type of the theorem is at 5, its body below a binder at 4 · 5 + 1, and so on (`Lean.SubExpr.Pos`)."""
    _, written = write(engine, "Int.eq_ofNat_of_zero_le", "rw", "Int.not_lt", at="h", backward=True)
    exists_in_the_body = ((5 * 4 + 1) * 4 + 1) * 4 + 1  # below `a` and `h`, the argument of `Exists`
    assert written.print_options == [f"pp.funBinderTypes@{exists_in_the_body}"]


def test_a_text_that_elaborates_by_default_has_no_marks(engine):
    for target, lemma in (("Nat.mul_pos", "Nat.mul_comm"), ("List.map_map", "List.map_eq_foldr"), ("Small.dependent", "Nat.add_comm")):
        assert write(engine, target, "rw", lemma)[1].print_options == []


def test_dot_notation_needs_no_mark_if_the_receiver_gives_the_type(engine):
    assert write(engine, "Nat.log2_eq_iff", "rw", "eq_comm")[1].print_options == []
    _, text = write(engine, "String.length_empty", "apply", "Nat.le_of_eq", occurrence=1)
    assert (text.statement, text.print_options) == (': "".length ≤ 0', [])
    _, numeral = write(engine, "UInt64.or_eq_zero_iff", "rw", "UInt64.toBitVec_inj", backward=True)
    assert numeral.statement.count("UInt64.toBitVec 0") == 1 and numeral.print_options == []


def test_the_style_decides_whether_a_match_may_be_printed_as_a_function(engine):
    def written(style: Style) -> Written | Refusal:
        prepared = engine.workspace.target(engine.number("List.countP_pmap"), style=style)
        assert prepared.reads_back
        ((_, draft),) = prepared.attempt([Candidate(0, "rw", engine.number("List.countP_reverse"), True, 0)])
        ((_, outcome),) = prepared.write([(draft, "v")])
        return outcome

    assert ".match_" in written(Style()).statement
    assert written(Style(matchers=False)).stage == "match"


def test_a_text_with_another_inner_proof_is_accepted_with_its_own_term(engine):
    """`Classical.epsilon` contains a proof that its type is not empty; elaboration of the text finds another proof."""
    draft, written = write(engine, "Nat.dvd_mul_left_of_dvd", "apply", "Classical.epsilon_spec", occurrence=1)
    assert written.statement == "{a b : Nat} (h : a ∣ b) (c : Nat) : c * b = a * Classical.epsilon fun y => c * b = a * y"
    assert written.term != draft.term
    assert engine.workspace.check(written.theorem).term == written.term


def test_a_target_says_whether_its_statement_reads_back(engine):
    for name in ("Nat.add_comm", "Small.unit", "Int.eq_ofNat_of_zero_le", "Vector.mapIdx_eq_mapFinIdx"):
        assert engine.workspace.target(engine.number(name)).reads_back, name


def test_writing_reports_its_times(engine):
    kernel, printing, elaboration = write(engine, "Nat.mul_pos", "rw", "Nat.mul_comm")[1].micros
    assert min(kernel, printing, elaboration) > 0


MARKED = [
    "Nat.add_comm", "Nat.le_antisymm", "Nat.sub_add_cancel", "Nat.pos_iff_ne_zero", "Nat.cast_ofNat", "Int.eq_ofNat_of_zero_le",
    "Int.natCast_pos", "Int.natCast_dvd_natCast", "Int.neg_add", "Fin.lt_def", "Fin.val_lt_of_le", "List.map_map", "List.mem_append",
    "List.append_assoc", "List.length_append", "List.exists_mem_cons_of_exists", "Array.size_push", "Option.some_inj", "Bool.eq_or_self",
    "funext_iff", "exists_comm", "and_comm", "beq_iff_eq", "BitVec.add_comm", "List.map_id"]
"""Casts, numerals, binders, notations, constructors, instances, universes; no statement contains a proof."""


def interpreted(source: str) -> str:
    """Code that is interpreted must be marked for it."""
    source = re.sub(r"^public import (\S+)$", r"public import \1\npublic meta import \1", source, flags=re.MULTILINE)
    return source.replace("public section", "public meta section", 1)


@pytest.mark.slow
def test_with_any_marks_a_text_states_the_theorem_or_is_rejected(lean, tmp_path):
    """Marks at random positions and of random strength: most are harmless, some make the text invalid, none makes it another theorem."""
    draw = random.Random(0)
    asked = [f"{name} {' '.join(str(draw.randrange(10_000)) for _ in range(draw.choice((0, 1, 1, 2, 4, 8))))}"
             for name in MARKED for _ in range(6)]
    source = tmp_path / "Marks.lean"
    marks = (Path(__file__).parent / "Marks.lean").read_text(encoding="utf-8")
    source.write_text(interpreted(engine_source.joined()) + marks, encoding="utf-8")
    launch = install.launch()
    *before, _, root = launch.argv  # `--run Launch.lean root`
    answered = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -s 1048576; exec "$@"', "lean", *before, str(source), root],
        input="\n".join(asked) + "\n", env={**os.environ, **launch.env}, cwd=tmp_path, capture_output=True, text=True,
        encoding="utf-8", timeout=300)
    told = [json.loads(line) for line in answered.stdout.splitlines() if line.startswith("{") or line == "null"]
    assert len(told) == len(asked), answered.stdout[:2000]
    judged = [(ask, told) for ask, told in zip(asked, told, strict=True) if told is not None]
    assert len(judged) > len(asked) * 0.8
    for ask, verdict in judged:
        assert verdict["accepted"] in (None, verdict["term"]), (ask, verdict["statement"])
        assert verdict["read"] != verdict["term"] or verdict["accepted"] is not None, (ask, verdict["statement"])
    accepted = [ask for ask, verdict in judged if verdict["accepted"]]
    assert len(judged) * 0.4 < len(accepted) < len(judged)
    assert len({verdict["statement"] for _, verdict in judged}) > 2 * len(MARKED)


@pytest.mark.parametrize(("target", "kind", "lemmas"), [
    pytest.param("Array.getElem_swapIfInBounds_of_size_le_left", "rw", ["Array.getElem_swapIfInBounds_of_ne_of_ne", "Array.getElem_set_ne"],
                 id="an access whose proof is searched among all hypotheses"),
    pytest.param("Int.Nonneg.natCast", "apply", ["Int.natAbs_sub_of_nonneg_of_le", "Int.tdiv_eq_zero_of_lt", "Int.emod_eq_of_lt",
                                                 "Int.natAbs_of_nonneg", "Int.ediv_eq_zero_of_lt", "Int.toNat_of_nonneg"],
                 id="casts that the target does not determine")])
def test_the_text_of_a_variant_does_not_depend_on_earlier_ones(engine, target, kind, lemmas):
    """After a restart, an engine continues with the second half of a batch without having seen the first."""
    prepared = engine.workspace.target(engine.number(target))
    candidates = [Candidate(0, kind, engine.number(name), kind == "rw", occurrence) for name in lemmas for occurrence in (0, 1, 2)]
    drafts = [(draft, f"v{i}") for i, (_, draft) in enumerate(prepared.attempt(candidates)) if isinstance(draft, Draft)]

    def texts(orders) -> dict[str, str]:
        return {name: written.theorem for (_, name), (_, written) in zip(orders, prepared.write(orders), strict=True)
                if isinstance(written, Written)}

    together = texts(drafts)
    alone = {}
    for one in drafts:
        prepared.forget()
        alone |= texts([one])
    assert len(together) >= 2
    assert together == alone
