"""A run with planted failures ends, reports them, exits with 1, and has all other rows as without them."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from commands import LIBRARY, alchemy, program, same, summary, synthesize, table, work_of
from places import TESTS

from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.targets import draw_targets

pytestmark = pytest.mark.slow


def environment(what: dict[str, str | int]) -> dict[str, str]:
    return {**os.environ, "ALCHEMY_PLANTED": json.dumps(what),
            "PYTHONPATH": os.pathsep.join([str(TESTS / "support" / "planted"), os.environ["PYTHONPATH"]])}


def planted(out: Path, what: dict[str, str | int], *more: str):
    return synthesize(out, "--targets", "60", "--workers", "2", *more, run=program, env=environment(what))


def without(rows: list[dict], *, targets: set[str] = frozenset(), ids: set[str] = frozenset()) -> list[dict]:
    return [row for row in rows if row["target"] not in targets and row["variant_id"] not in ids]


@pytest.fixture(scope="module")
def disturbed(corpus, tmp_path_factory) -> tuple[Path, dict, dict[str, str]]:
    """A run with three planted failures, its output, and the failures."""
    rows = table(corpus[0], "variants")
    first, second, third = sorted({row["target"] for row in rows})[:3]
    what = {"raises": first, "killed": second, "audit": next(row["variant_id"] for row in rows if row["target"] == third)}
    out = tmp_path_factory.mktemp("failures") / "corpus"
    done = planted(out, what)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr[-2000:]
    assert all(name in done.stderr for name in (first, second, third))
    return out, json.loads(done.stdout.splitlines()[-1]), what


def test_each_failure_is_a_row_and_the_summary_counts_them(disturbed, corpus):
    out, said, what = disturbed
    target_of = {row["variant_id"]: row["target"] for row in table(corpus[0], "variants")}
    failures = {row["item"]: row for row in table(out, "failures")}
    assert said["failures"] == len(failures) == 3
    assert failures[what["raises"]]["what"] == "ValueError: planted" and "in failing_variants_of" in failures[what["raises"]]["trace"]
    assert "killed" in failures[what["killed"]]["what"]
    assert "audit" in failures[target_of[what["audit"]]]["what"] and what["audit"] in failures[target_of[what["audit"]]]["what"]
    assert all(row["stage"] == "mutate" for row in failures.values())
    assert json.loads((out / "manifest.json").read_bytes())["counts"]["failures"] == 3


def test_other_rows_are_as_without_the_failures(disturbed, corpus):
    """Duplicates of a missing variant, and its near duplicates, may come in instead."""
    out, _, what = disturbed
    gone = {"targets": {what["raises"], what["killed"]}, "ids": {what["audit"]}}
    kept, expected = table(out, "variants"), without(table(corpus[0], "variants"), **gone)
    assert [row for row in expected if row not in kept] == []
    assert {row["target"] for row in kept} == {row["target"] for row in expected}
    gone_keys = {row[key] for row in table(corpus[0], "variants") if row not in expected for key in ("statement_key", "near_key")}
    assert [row for row in kept if row not in expected and row["statement_key"] not in gone_keys and row["near_key"] not in gone_keys] == []


def test_a_second_run_remembers_the_failures_and_a_retry_resolves_them(disturbed, corpus):
    out, _, _ = disturbed
    again = synthesize(out, "--targets", "60")
    assert again.returncode == 1 and json.loads(again.stdout.splitlines()[-1])["failures"] == 3
    summary(synthesize(out, "--targets", "60", "--retry-failed"))
    assert same(corpus[0], out) and not table(out, "failures")


def test_too_many_failures_end_the_run(corpus, tmp_path):
    first, second = sorted({row["target"] for row in table(corpus[0], "variants")})[:2]
    done = planted(tmp_path / "c", {"raises": first, "killed": second}, "--max-failures", "1")
    assert done.returncode == 1 and "more than 1 items failed" in done.stderr and "--max-failures" in done.stderr
    assert table(tmp_path / "c", "failures") and not (tmp_path / "c" / "manifest.json").exists()


def test_a_skipped_target_changes_only_its_own_shard(corpus, tmp_path):
    name = table(corpus[0], "variants")[0]["target"]
    work_of(corpus[0], tmp_path / "c")
    before = {folder.name for folder in (tmp_path / "c" / ".work" / "mutate").iterdir()}
    summary(synthesize(tmp_path / "c", "--targets", "60", "--skip-target", name))
    assert len({folder.name for folder in (tmp_path / "c" / ".work" / "mutate").iterdir()} - before) == 1
    assert not any(row["target"] == name for row in table(tmp_path / "c", "variants"))


def test_a_shard_with_a_damaged_page_is_reported_left_out_and_made_again(corpus, tmp_path):
    out = tmp_path / "c"
    work_of(corpus[0], out)
    shard = sorted((out / ".work" / "mutate").iterdir())[0]
    file, lost = shard / "variants.parquet", pq.read_table(shard / "variants.parquet").column("variant_id").to_pylist()
    content = bytearray(file.read_bytes())
    content[len(content) // 3:len(content) // 3 + 200] = bytes(200)
    file.write_bytes(content)
    done = synthesize(out, "--targets", "60")
    assert done.returncode == 1 and shard.name in done.stderr and "Traceback" not in done.stderr
    assert not {row["variant_id"] for row in table(out, "variants")} & set(lost) and table(out, "variants")
    assert [row["item"] for row in table(out, "failures")] == [f"shard {shard.name}"]
    summary(synthesize(out, "--targets", "60"))
    assert same(corpus[0], out)


def some(corpus: Path, out: Path, number: int) -> list[dict]:
    """A corpus of a few variants, in two files."""
    rows = ds.dataset(corpus / "variants", format="parquet").to_table().sort_by("variant_id").slice(0, number)
    (out / "variants").mkdir(parents=True)
    for part in range(2):
        pq.write_table(rows.slice(part * number // 2, number // 2), out / "variants" / f"part-{part}.parquet")
    (out / "manifest.json").write_bytes((corpus / "manifest.json").read_bytes())
    return rows.to_pylist()


def test_an_unreadable_row_does_not_affect_others(corpus, tmp_path):
    rows = some(corpus[0], tmp_path, 6)
    first = pq.read_table(tmp_path / "variants" / "part-0.parquet")
    broken = [{**row, "proof": None if i == 1 else row["proof"]} for i, row in enumerate(first.to_pylist())]
    pq.write_table(pa.Table.from_pylist(broken), tmp_path / "variants" / "part-0.parquet")
    done = alchemy("grade", str(tmp_path), "--workers", "1", "--json")
    assert done.returncode == 1 and "part-0.parquet, row 1" in done.stderr
    assert {row["variant_id"] for row in table(tmp_path, "grades")} == {row["variant_id"] for i, row in enumerate(rows) if i != 1}


def test_a_proof_that_does_not_replay_is_a_failure_and_does_not_affect_others(corpus, tmp_path):
    rows = some(corpus[0], tmp_path, 6)
    first = pq.read_table(tmp_path / "variants" / "part-0.parquet").to_pylist()
    wrong = {**first[0], "proof": "by\n  exact nonsense", "theorem": first[0]["theorem"].replace(first[0]["proof"], "by\n  exact nonsense")}
    pq.write_table(pa.Table.from_pylist([wrong, *first[1:]]), tmp_path / "variants" / "part-0.parquet")
    done = alchemy("steps", str(tmp_path), "--workers", "1", "--json")
    assert done.returncode == 1 and "does not replay" in done.stderr
    assert {row["variant_id"] for row in table(tmp_path, "steps")} == {row["variant_id"] for row in rows[1:]}
    assert [row["item"] for row in table(tmp_path, "failures")] == [wrong["variant_id"]]


def test_a_failed_slice_ends_the_extraction_and_the_next_run_makes_it_alone(lean, tmp_path):
    file = tmp_path / f"{tmp_path.name.replace('-', '_')}.lean"
    file.write_text(f"prelude\nimport Init.Data.Nat.Basic\n/-! {tmp_path} -/\n"
                    "theorem shown (a b c : Nat) (h : a < b) : a + c < b + c := Nat.add_lt_add_right h c\n")
    command = ["synthesize", str(tmp_path / "c"), "--library", str(file), "--targets", "all", "--workers", "1"]
    done = program(*command, env=environment({"slice": 3}))
    assert done.returncode == 1 and "the library was not extracted: slice 3: ValueError: planted" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "c" / "manifest.json").exists()
    (extraction,) = (tmp_path / "c" / ".work" / "extract").iterdir()
    made = {folder.name: (folder / "tally.json").stat().st_mtime_ns for folder in extraction.iterdir()}
    done = program(*command)
    assert done.returncode == 0 and "shown" in {row["name"] for row in table(tmp_path / "c", "theorems")}, done.stderr
    again = {folder.name: (folder / "tally.json").stat().st_mtime_ns for folder in extraction.iterdir() if folder.is_dir()}
    assert {name for name, when in again.items() if made.get(name) != when} == {"03"}


def test_a_benchmark_goes_on_after_a_target_that_failed(corpus, tmp_path):
    (folder,) = (corpus[0] / ".work" / "extract").iterdir()
    options = Options(library=[LIBRARY], kinds=["rw", "apply"], targets=3, seed=1)
    first, *others = draw_targets(options, Catalogue(folder, [LIBRARY]))
    command = ["bench", "search", "--library", LIBRARY, "--targets", "3", "--seed", "1", "--workers", "1", "--json", "--out", str(tmp_path)]
    done = program(*command, env=environment({"compared": first}))
    said = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1 and first in done.stderr and "ValueError: planted" in done.stderr and "Traceback" not in done.stderr
    assert said["targets"] == len(others) == 2 and said["failures"] == 1 and min(way["tried"] for way in said["ways"].values()) > 0
    again = summary(alchemy(*command))
    assert again["targets"] == 3 and again["failures"] == 0 and again["missed"] == []
