"""`alchemy show` and what it is made of: which variants, what changed, how it is printed."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from commands import alchemy, summary
from made import manifest, put, step, variant

from lean_alchemy.eval.evaluate import EvalSettings, Evaluation
from lean_alchemy.eval.prove import Budget, Result
from lean_alchemy.eval.prover import spec_of
from lean_alchemy.eval.score import score_results
from lean_alchemy.pipelines.browse.changes import marked, word_diff
from lean_alchemy.pipelines.browse.demo import three_of
from lean_alchemy.pipelines.browse.display import variant_html, variant_text
from lean_alchemy.pipelines.browse.selection import Selection, VariantFilter
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Step, Theorem, Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import UsageError


def theorem(name: str, statement: str) -> Theorem:
    return Theorem(name=name, library="Init", module="Init.Core", module_index=0, statement=statement, level_params=[], tags=[],
                   statement_key=name, docstring=None, position=None)


ROWS = [
    variant(1, "Nat.mul_pos", lemma="Nat.gcd_mul_lcm", direction="backward", score=0.3, statement="{n : Nat} : 0 < n.gcd n * n",
            theorem="theorem variant_1 {n : Nat} : 0 < n.gcd n * n := by\n  simp"),
    variant(2, "Nat.mul_pos", lemma="Nat.lt_of_lt_of_le", kind="apply", site="hn", score=0.9, statement=": 0 < m"),
    *(variant(10 + i, f"Nat.t{i}", score=0.5, statement=f": {i} = {i}") for i in range(20))]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    out = tmp_path / "a corpus"
    put(out, ROWS, Variant, "variants")
    put(out, [theorem("Nat.mul_pos", "{n : Nat} : 0 < n * n"), theorem("Nat.gcd_mul_lcm", ": gcd m n * lcm m n = m * n"),
              *(theorem(f"Nat.t{i}", f": {i} = {i}") for i in range(20))], Theorem, "theorems")
    manifest(out, Options(library=["Init"], targets=21, kinds=["rw", "apply"]), {"variants": len(ROWS)}, {})
    return out


# --- what changed ---------------------------------------------------------------------------------------------------------------


def test_a_word_diff_marks_what_differs():
    assert word_diff("(h : 0 < n * m) : p", "(h : 0 < n.gcd m * n.lcm m) : p") == "(h : 0 < [-n-]{+n.gcd m+} *{+ n.lcm+} m) : p"
    assert word_diff("a b c", "a b c") == "a b c"
    assert word_diff("", "x") == "{+x+}" and word_diff("x", "") == "[-x-]"


def test_changes_with_only_a_space_between_them_are_one():
    assert word_diff("a b = c", "x y = c") == "[-a b-]{+x y+} = c"
    before, after = marked("a b = c", "x y = c")
    assert [(piece.text, piece.changed) for piece in before] == [("a b", True), (" = c", False)]
    assert "".join(piece.text for piece in after) == "x y = c"


# --- which variants -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "numbers"), [
    (VariantFilter(targets=("Nat.mul_pos",)), [2, 1]),  # the best by score first
    (VariantFilter(lemma="Nat.gcd_mul_lcm"), [1]),
    (VariantFilter(targets=("Nat.mul_pos",), kind="apply", site="hn"), [2]),
    (VariantFilter(text="n.gcd n * n := by\n"), [1]),
    (VariantFilter(text=".*"), []),  # not a regular expression
    (VariantFilter(targets=("Nat.t3",), kind="apply"), [])])
def test_a_selection_has_the_variants_for_which_all_holds(made, wanted, numbers):
    selection = Selection(made, wanted)
    assert selection.count == len(numbers)
    assert selection.best(10) == [ROWS[number - 1] for number in numbers]


def test_a_name_that_does_not_occur_is_an_error_that_names_close_ones(made):
    with pytest.raises(UsageError, match=r"no variant in .*a corpus has the target Nat\.mul_poss; did you mean Nat\.mul_pos\?"):
        Selection(made, VariantFilter(targets=("Nat.mul_poss",)))
    with pytest.raises(UsageError, match="kind simp; it has apply, rw"):
        Selection(made, VariantFilter(kind="simp"))
    with pytest.raises(UsageError, match=r"target Nat\.nope"):
        Selection(made, VariantFilter(targets=("Nat.mul_pos", "Nat.nope")))


def test_random_variants_depend_on_the_seed_alone_and_reach_every_row(made):
    selection = Selection(made)
    assert selection.at_random(5, seed=1) == selection.at_random(5, seed=1)
    assert {row.variant_id for seed in range(30) for row in selection.at_random(5, seed)} == {row.variant_id for row in ROWS}
    assert len(selection.at_random(100)) == len(ROWS)
    assert len({row.target for row in selection.of_different_targets(21)}) == 21


def test_a_damaged_table_is_named(made):
    (made / "variants" / "part-0.parquet").write_bytes(b"PAR1")
    done = alchemy("show", str(made))
    assert done.returncode == 2 and "variants can't be read" in done.stderr and "Traceback" not in done.stderr


# --- the command ----------------------------------------------------------------------------------------------------------------


def test_what_is_printed_is_lean_with_the_changes_in_comments(made):
    done = alchemy("show", str(made), "--lemma", "Nat.gcd_mul_lcm", "--provenance")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.rstrip().splitlines()
    assert lines[:5] == ["-- rw ← Nat.gcd_mul_lcm at the conclusion", "-- Nat.gcd_mul_lcm : gcd m n * lcm m n = m * n",
                         "-- Nat.mul_pos {n : Nat} : 0 < {+n.gcd +}n * n", "theorem variant_1 {n : Nat} : 0 < n.gcd n * n := by",
                         "  simp"]
    assert lines[6:] and all(line.startswith("-- ") for line in lines[6:]) and "-- module: Init.Data.Nat.Basic" in lines
    assert "1 of 1 variants shown" in done.stderr


def test_json_has_the_number_and_the_rows(made):
    found = summary(alchemy("show", str(made), "--target", "Nat.mul_pos", "--limit", "1", "--json"))
    assert found["variants"] == 2 and [row["variant_id"] for row in found["shown"]] == [ROWS[1].variant_id]
    assert len(summary(alchemy("show", str(made), "--random", "5", "--json"))["shown"]) == 5


def test_nothing_found_is_no_success(made):
    done = alchemy("show", str(made), "--text", "no such text", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["variants"] == 0


def test_steps_are_shown_after_the_stage_made_them(made):
    done = alchemy("show", str(made), "--steps")
    assert done.returncode == 2 and "run `alchemy steps" in done.stderr
    put(made, [step(ROWS[0], "proof", tactic="simp", state_before="n : Nat\n⊢ 0 < n"), step(ROWS[0], "inlined", tactic="omega")],
        Step, "steps")
    shown = alchemy("show", str(made), "--target", "Nat.mul_pos", "--steps").stdout
    assert "-- n : Nat\n--   ⊢ 0 < n\n-- ▸ simp\n-- no goals\n" in shown and "omega" not in shown
    assert "-- no steps" in shown  # of the other variant


@pytest.mark.parametrize("arguments", [["--failed"], ["--random", "0"], ["--limit", "0"]])
def test_wrong_use_of_show(made, arguments):
    assert alchemy("show", str(made), *arguments).returncode == 2


def test_no_corpus(tmp_path):
    done = alchemy("show", str(tmp_path / "nothing"), "--json")
    assert done.returncode == 2 and "Run `alchemy synthesize" in json.loads(done.stdout)["error"]


# --- evaluations ----------------------------------------------------------------------------------------------------------------


def result(name: str, ending: str, **fields) -> Result:
    return Result(**{"name": name, "module": "Init.Core", "ending": ending, "message": None, "statement": f": {name} = {name}",
                     "proof": None, "tactics": [], "axioms": [], "expansions": 32, "tried": 200, "refused": 150, "unparsed": 3,
                     "lean_seconds": 1.0, "model_seconds": 1.0, "seconds": 2.5, **fields})


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    out = tmp_path / "results"
    rows = [result("a", "proved", proof="theorem a : a = a := by\n  rfl"), result("b", "stuck"),
            result("c", "not opened", message="unknown\nidentifier", statement=None)]
    parquet.write(parquet.to_table(rows, Result), out / "results" / "results.parquet")
    settings = EvalSettings("core", "1", "random", "test", None, 0, spec_of("random"), "random", Budget(32, 8, 5000), False)
    evaluation = Evaluation(settings, score_results(rows, 0), {}, {})
    (out / "settings.json").write_bytes(msgspec.json.encode(settings))
    (out / "evaluation.json").write_bytes(msgspec.json.encode(evaluation))
    return out


def test_the_theorems_that_were_not_proved(evaluation):
    done = alchemy("show", str(evaluation), "--failed")
    assert done.returncode == 0, done.stderr
    assert "-- b: stuck\n" in done.stdout and "example : b = b := by sorry" in done.stdout
    assert "-- c: not opened: unknown\n--   identifier\n" in done.stdout and "theorem a" not in done.stdout
    assert "theorem a : a = a := by" in alchemy("show", str(evaluation), "--target", "a").stdout
    assert alchemy("show", str(evaluation), "--target", "d").returncode == 2
    assert alchemy("show", str(evaluation), "--lemma", "d").returncode == 2


# --- the demo, and colours ------------------------------------------------------------------------------------------------------


def test_the_three_of_the_demo_differ_in_tactic_and_site():
    one, two, three = (variant(1, "t", site="h", score=0.9, statement="(h : p) : q"), variant(2, "t", direction="backward", site="h₁",
                       statement="(h : p) : r", score=0.6), variant(3, "t", kind="apply", statement="(h : p) : s", score=0.2))
    more = variant(4, "t", kind="apply", site="h", score=0.99, statement="(h : p) : s")
    longer = variant(5, "t", kind="apply", score=0.8, statement="(h : p) (h' : p) : s")
    assert set(map(id, three_of([longer, three, more, two, one], "(h : p) : t"))) == {id(one), id(two), id(three)}
    assert three_of([longer, more], "(h : p) : t") == [more, longer]


def test_in_colour_and_in_a_notebook_the_changes_are_marked():
    text = variant_text(ROWS[0], "{n : Nat} : 0 < n * n", in_colour=True)
    assert any(text.plain[span.start:span.end] == "n.gcd " and "green" in str(span.style) for span in text.spans)
    page = variant_html(variant(1, "t", statement=": a < c <b>"), ": a < b")
    assert ">c &lt;</mark>b<mark" in page and "<b>" not in page


def test_the_demo_shows_three_ways_to_change_euclids_lemma(lean):
    done = alchemy("demo")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith(("-- rw", "-- apply"))] == [
        "-- rw Nat.coprime_iff_gcd_eq_one at the hypothesis H1", "-- apply Nat.lcm_eq_left at the conclusion",
        "-- rw ← Nat.gcd_eq_left_iff_dvd at the hypothesis H2"]
    assert re.search(r"three of 1\d\d variants of Nat\.Coprime\.dvd_of_dvd_mul_left, found in all of Init", done.stderr)
