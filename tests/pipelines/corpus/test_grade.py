"""Grades: the cheapest automation of the portfolio that proves a variant, or none."""

import os
import re
import shutil
from pathlib import Path

import golden
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from commands import alchemy, summary, table
from made import manifest, put, variant

from lean_alchemy.lean_workspace import engine_source, workspace
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.protocol import AUTOMATIONS, AskGrade
from lean_alchemy.lean_workspace.workspace import Difficulty, Workspace
from lean_alchemy.pipelines.corpus import grade as grade_
from lean_alchemy.pipelines.corpus.grade import GRADE, Grade, KeyedGrade, MissingGrades, Ungraded, VariantsToGrade
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.stage import Failure

GRADED = [
    ("rfl", "Nat.add_comm", "v (n : Nat) : n + 0 = n"),
    ("assumption", "Nat.add_comm", "v (a b : Nat) (h : a < b) : a < b"),
    ("simp", "Nat.add_comm", "v.{u} {α : Type u} (xs : List α) : (xs ++ []).length = xs.length"),
    ("omega", "Nat.add_comm", "v (a b c : Nat) (h : a < b) (k : b < c) : a + 2 ≤ c"),
    ("grind", "Nat.add_comm", "v (a b : Nat) (f : Nat → Nat) (h : a = b) (k : f b = 3) : f a = 3"),
    # A hypothesis of the target in other words, and the hypotheses in another order.
    ("exact target", "Nat.div_eq_iff_eq_mul_right", "v {a b c : Nat} (H' : b ∣ a) (H : Nat.lt 0 b) : a / b = c ↔ a = b * c"),
    # Differ from their target by simp lemmas: in the conclusion, in a hypothesis.
    ("simpa using target", "Nat.lt_iff_lt_of_mul_eq_mul",
     "v {a b d c e : Nat} (ha : a ≠ 0) (hbd : a = b * d) (hce : a = c * e) : c.blt b = true ↔ d < e"),
    ("simpa using target", "List.replicate_count_eq_of_count_eq_length",
     "v.{u} {α : Type u} [BEq α] [LawfulBEq α] {a : α} {l : List α} (h : List.count a l = l.attach.length) : "
     "List.replicate (List.count a l) a = l"),
    (None, "Int.sub_fdiv_of_dvd", "v (a : Int) {b c : Int} (hcb : c ∣ b) : a.fdiv c - b.fdiv c ≤ (a - b).fdiv c"),
    (None, "Nat.add_comm", "v (a b : Nat) : a + b = b"),
    (None, "Nat.add_comm", "v : False"),
]


@pytest.mark.parametrize(("closed_by", "target", "signature"), GRADED)
def test_the_cheapest_automation_is_the_grade(engine, closed_by, target, signature):
    assert engine.workspace.grade(signature, target) == Difficulty(closed_by, [])


def test_a_statement_with_auxiliary_definitions_can_be_graded(engine):
    assert engine.workspace.grade("v (n : Nat) : (match n with | 0 => 0 | k + 1 => k + 1) = n", "Nat.add_comm").closed_by


@pytest.mark.parametrize(("target", "statement"), [
    ("«odd names».«a b»", "(m : Nat) : m + 1 = 1 + m"),
    ("end", "(«from» : Nat) : «from» + 0 = «from»"),
    ("Small.dependent", "{xs : Array Nat} (i : Nat) (h : i < xs.size) (e : xs[i] = 0) : xs[i] + 0 = 0"),
    ("Small.lt_three", "{Small : Nat} {b : Nat} (h : Small < b) (k : b < 3) : Small + 1 < 3"),
])
def test_a_target_of_any_name_is_found(engine, target, statement):
    request = AskGrade(signature=f"v {statement}", target=target, tactics=["exact target"])
    assert engine.workspace.ask(request).closed_by == "exact target"


def test_the_verdict_is_the_one_on_the_whole_text(engine):
    for _, target, signature in GRADED:
        for name, tactic in (("rfl", "rfl"), ("simp", "simp"), ("omega", "omega"), ("grind", "grind"),
                             ("exact target", f"apply {target} <;> assumption")):
            closed = engine.workspace.ask(AskGrade(signature=signature, target=target, tactics=[name])).closed_by == name
            assert closed == (engine.refused(f"theorem {signature} := by\n  intros\n  {tactic}") is None), (signature, name)


@pytest.mark.parametrize(("signature", "target"), [
    ("v (a : Nat) : a = b", "Nat.add_comm"),
    ("v (a : Nat : a = a", "Nat.add_comm"),
    ("Nat.add_comm (a : Nat) : a = a", "Nat.add_comm"),
    ("v (a : Nat) : a = a", "Nat.no_such_theorem"),
])
def test_a_statement_that_lean_can_not_elaborate_has_no_grade(engine, signature, target):
    with pytest.raises(EngineRefused):
        engine.workspace.grade(signature, target)


@pytest.mark.slow
def test_a_tactic_that_kills_the_engine_is_unknown_and_the_others_count(lean, tmp_path, monkeypatch):
    """A user's file can redefine a tactic; here `omega` sleeps for ten minutes."""
    mine = tmp_path / "Sleepy.lean"
    mine.write_text("prelude\nimport Init.Grind\nmacro_rules | `(tactic| omega) => `(tactic| sleep 600000)\n")
    monkeypatch.setattr(workspace, "BATCH_DEADLINE_S", 3.0)
    monkeypatch.setattr(workspace, "ALONE_S", 5.0)
    with Workspace(install.launch, Library((), (str(mine),))) as sleepy:
        signature = "v (a b : Nat) (f : Nat → Nat) (h : a = b) (k : f b = 3) : f a = 3"
        assert sleepy.grade(signature, "Nat.add_comm") == Difficulty("grind", ["omega"])
        assert sleepy.deaths == 2


def test_python_and_lean_have_the_same_portfolio():
    source = (engine_source.ENGINE / "Alchemy" / "Judging" / "Grade.lean").read_text(encoding="utf-8")
    assert tuple(re.findall(r'\{ name := "(.+?)"', source)) == AUTOMATIONS


@pytest.mark.slow
def test_grade_resumes_and_has_a_row_for_every_variant(corpus, tmp_path):
    """First a sample, then all of a smaller corpus with one damaged file of grades, then nothing is left to do."""
    (tmp_path / "variants").mkdir()
    (tmp_path / "manifest.json").write_bytes((corpus[0] / "manifest.json").read_bytes())
    rows = ds.dataset(corpus[0] / "variants", format="parquet").to_table().sort_by("variant_id").slice(0, 40)
    pq.write_table(rows, tmp_path / "variants" / "part.parquet")
    kept = tmp_path / ".work" / "grade"

    said = summary(alchemy("grade", str(tmp_path), "--sample", "10", "--workers", "1", "--json"))
    assert said["variants"] == 40 and said["graded"] == sum(said["closed_by"].values()) == 10 and said["unknown"] == 0
    assert not (tmp_path / "grades").exists()
    (first,) = kept.glob("*/*/grades.parquet")
    found = first.read_bytes()
    shutil.copytree(first.parent, first.parent.with_name("damaged"))
    os.truncate(first.parent.with_name("damaged") / "grades.parquet", 100)

    said = summary(alchemy("grade", str(tmp_path), "--workers", "1", "--json"))
    grades = {row["variant_id"]: row for row in table(tmp_path, "grades")}
    assert said["graded"] == len(grades) == 40 and set(grades) == set(rows["variant_id"].to_pylist())
    assert said["closed_by"] == {name: sum(row["closed_by"] == (None if name == "nothing" else name) for row in grades.values())
                                 for name in said["closed_by"]}
    assert said["closed_by"]["nothing"] > 0 and sum(n > 0 for n in said["closed_by"].values()) > 2
    assert first.read_bytes() == found

    shown = alchemy("grade", str(tmp_path))
    assert shown.returncode == 0 and "(40 of 40 graded)" in " ".join(shown.stdout.split()) and "nothing" in shown.stdout
    assert {row["variant_id"]: row for row in table(tmp_path, "grades")} == grades


def test_grade_results_match_the_golden_ones_and_a_variant_of_an_unknown_target_is_a_failure(corpus, tmp_path):
    """On twelve variants and one more, whose target is not in the library."""
    wrong, *others = ds.dataset(corpus[0] / "variants", format="parquet").to_table().sort_by("variant_id").slice(0, 13).to_pylist()
    (tmp_path / "variants").mkdir()
    pq.write_table(pa.Table.from_pylist([{**wrong, "target": "No.such.theorem"}, *others]), tmp_path / "variants" / "part.parquet")
    (tmp_path / "manifest.json").write_bytes((corpus[0] / "manifest.json").read_bytes())
    done = alchemy("grade", str(tmp_path), "--workers", "1")
    assert done.returncode == 1 and wrong["variant_id"] in done.stderr and "No.such.theorem" in done.stderr
    assert "Traceback" not in done.stderr
    (failure,) = table(tmp_path, "failures")
    assert failure["item"] == wrong["variant_id"] and failure["stage"] == "grade" and "No.such.theorem" in failure["what"]
    assert {grade["variant_id"] for grade in table(tmp_path, "grades")} == {row["variant_id"] for row in others}
    golden.check(GRADE, table(tmp_path, "grades"))


# --- which variants are graded, and the table: without an engine ----------------------------------------------------------------


def corpus_of(out: Path, number: int) -> Job:
    """A corpus of so many variants, in three files; the variants 0, 3, 6, … are in the first."""
    rows = [variant(i, f"Nat.t{i}", theorem=f"theorem variant_{i:016x} : {i} = {i} := by\n  rfl") for i in range(number)]
    put(out, rows, Variant, "variants")
    options = Options(library=["Init"], targets=number, kinds=["rw"])
    manifest(out, options, {"targets": number, "variants": number}, {})
    return Job(out, options)


def test_the_signature_of_a_variant_stands_between_theorem_and_the_proof():
    row = Ungraded("v", "Nat.add_comm", "theorem v {n : Nat} (h : n = (by exact n)) : n = n := by\n  rfl", "by\n  rfl")
    assert row.signature == "v {n : Nat} (h : n = (by exact n)) : n = n"
    assert row.key == Ungraded("w", "Nat.add_comm", row.theorem, row.proof).key
    assert row.key != Ungraded("v", "Nat.mul_comm", row.theorem, row.proof).key


def test_only_variants_without_a_grade_are_graded(tmp_path):
    """Of 180 variants 10 have a grade and one can't be read. 50 of a file make a shard."""
    job = corpus_of(tmp_path, 180)
    first = tmp_path / "variants" / "part-0.parquet"
    rows = pq.read_table(first).to_pylist()
    pq.write_table(pa.Table.from_pylist([{**rows[0], "proof": None}, *rows[1:]]), first)
    variants = VariantsToGrade(tmp_path, None, 0)
    every = [row for part in variants.parts() for row in part if isinstance(row, Ungraded)]
    missing = MissingGrades(job, variants, frozenset(row.key for row in every[:10]))
    for _ in range(2):  # the runner iterates more than once
        shards = list(missing)
        assert [len(shard.items) for shard in shards] == [49, 50, 10, 50, 10]
        assert [row for shard in shards for row in shard.items] == every[10:]
        assert len({shard.key for shard in shards}) == 5
        assert [failure.item for failure in missing.unread] == ["variants/part-0.parquet, row 0"]


@pytest.mark.parametrize(("size", "count", "are_all"), [(None, 30, True), (30, 30, True), (31, 30, True), (29, 29, False), (7, 7, False)])
def test_a_sample_or_all_variants(tmp_path, size, count, are_all):
    corpus_of(tmp_path, 30)
    variants = VariantsToGrade(tmp_path, size, 0)
    assert variants.in_corpus == 30 and variants.are_all == are_all
    assert len({row.variant_id for part in variants.parts() for row in part}) == count


@pytest.mark.parametrize("size", [None, 4])
def test_the_table_has_the_grades_of_all_variants_and_a_sample_makes_none(tmp_path, monkeypatch, size):
    corpus_of(tmp_path, 9)
    every = [row for part in VariantsToGrade(tmp_path, None, 0).parts() for row in part]
    by_id = {row.variant_id: row for row in every}
    closing = ["rfl", "omega", None]
    kept = {row.key: KeyedGrade(row.key, closing[int(row.variant_id, 16) % 3], ["grind"] * (row is every[0])) for row in every}
    lost = kept.pop(every[-1].key)
    monkeypatch.setattr(grade_, "_grade_missing", lambda *_: [Failure.of("grade", "v", "planted")])
    monkeypatch.setattr(grade_, "_known", lambda job: kept)
    said = grade_.grade(tmp_path, size, 1)
    assert said.variants == 9 and [failure.item for failure in said.failures] == ["v"] and said.seconds > 0
    assert sum(said.closed_by.values()) == said.graded and set(said.closed_by) == {*AUTOMATIONS, "nothing"}
    assert pq.read_table(tmp_path / "failures" / "grade.parquet").num_rows == 1
    if size:
        assert not (tmp_path / "grades").exists() and said.graded in (3, 4)
        return
    rows = parquet.read(sorted((tmp_path / "grades").glob("*.parquet")), Grade)
    assert {row.variant_id: row for row in rows} == {row.variant_id: kept[row.key].of(row) for row in by_id.values() if row.key != lost.key}
    assert said.graded == 8 and said.unknown == 1
    assert said.closed_by["nothing"] == sum(row.closed_by is None for row in rows) and said.closed_by["rfl"] == 3


def test_grades_are_found_in_whole_shards_only(tmp_path):
    job = corpus_of(tmp_path, 3)
    assert grade_._known(job) == {}
    rows = [KeyedGrade("a", "rfl", []), KeyedGrade("b", None, ["grind"])]
    for name, row in zip(("whole", "truncated"), rows, strict=True):
        place = job.work / "grade" / job.key(GRADE) / name
        place.mkdir(parents=True)
        parquet.write(parquet.to_table([row], KeyedGrade), place / "grades.parquet")
        parquet.write(parquet.to_table([], Failure), place / "failures.parquet")
        (place / "tally.json").write_text('{"failures": 0, "tally": {"graded": 1}}')
    os.truncate(job.work / "grade" / job.key(GRADE) / "truncated" / "grades.parquet", 50)
    assert grade_._known(job) == {"a": rows[0]}
