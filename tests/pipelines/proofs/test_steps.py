"""Steps of variants: one row per tactic of proofs that the gym accepts, also in the goal-directed and inlined forms."""

import json
from itertools import groupby, pairwise
from pathlib import Path

import golden
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from commands import alchemy, summary, table

from lean_alchemy.mutation.proof_forms.goal_directed import tactics_of
from lean_alchemy.pipelines.benchmarks.leandojo import CORE
from lean_alchemy.pipelines.proofs.known_proofs import originals_in
from lean_alchemy.pipelines.proofs.steps import STEPS


@pytest.fixture(scope="module")
def stepped(corpus, tmp_path_factory) -> tuple[Path, dict]:
    """A small corpus with its steps."""
    out = tmp_path_factory.mktemp("steps")
    (out / "variants").mkdir()
    (out / "manifest.json").write_bytes((corpus[0] / "manifest.json").read_bytes())
    rows = ds.dataset(corpus[0] / "variants", format="parquet").to_table().sort_by("variant_id").slice(0, 120)
    for i in range(2):
        pq.write_table(rows.slice(60 * i, 60), out / "variants" / f"part-{i}.parquet")
    return out, steps(out)


def steps(out: Path) -> dict:
    return summary(alchemy("steps", str(out), "--proofs", "core", "--workers", "1", "--json"))


def chains(rows: list[dict]) -> list[list[dict]]:
    rows = sorted(rows, key=lambda row: (row["variant_id"], row["form"], row["step"]))
    return [list(chain) for _, chain in groupby(rows, key=lambda row: (row["variant_id"], row["form"]))]


def test_steps_results_match_the_golden_ones(stepped):
    """On 120 variants, in all forms."""
    golden.check(STEPS, table(stepped[0], "steps"))


def test_every_variant_has_steps_and_most_have_a_goal_directed_form(stepped):
    out, said = stepped
    variants = {row["variant_id"]: row for row in table(out, "variants")}
    rows = table(out, "steps")
    assert said["variants"] == len(variants) == 120 and said["steps"] == len(rows)
    assert said["with_steps"] == len({row["variant_id"] for row in rows}) and said["with_steps"] == 120 and table(out, "failures") == []
    assert said["goal_directed"] >= 90
    for row in rows:
        assert row["target"] == variants[row["variant_id"]]["target"] and row["theorem"] is None


def test_the_steps_of_a_proof_follow_each_other_to_its_end(stepped):
    variants = {row["variant_id"]: row for row in table(stepped[0], "variants")}
    for chain in chains(table(stepped[0], "steps")):
        assert [row["step"] for row in chain] == list(range(len(chain)))
        assert chain[-1]["state_after"] == "no goals" and "⊢" in chain[0]["state_before"]
        assert all(before["state_after"] == after["state_before"] for before, after in pairwise(chain))
        if chain[0]["form"] == "proof":
            tactics = tactics_of(variants[chain[0]["variant_id"]]["proof"])
            assert [row["tactic"] for row in chain] == tactics[:len(chain)]


def test_the_goal_directed_form_names_the_lemma_and_the_target(stepped):
    variants = {row["variant_id"]: row for row in table(stepped[0], "variants")}
    backwards = [chain for chain in chains(table(stepped[0], "steps")) if chain[0]["form"] == "goal-directed"]
    named = [{premise for row in chain for premise in row["premises"]} for chain in backwards]
    asked = [variants[chain[0]["variant_id"]] for chain in backwards]
    both = sum({variant["lemma"], variant["target"]} <= names for names, variant in zip(named, asked, strict=True))
    assert both >= 0.95 * len(named)


def test_the_inlined_form_does_not_name_the_target(stepped):
    """As in the paper: the proof of the target replaces its name."""
    out, said = stepped
    variants, known = {row["variant_id"]: row for row in table(out, "variants")}, originals_in([CORE])
    with_proof = [row for row in variants.values() if row["target"] in known]
    whole = [chain for chain in chains(table(out, "steps")) if chain[0]["form"] == "inlined"]
    assert said["inlined"] == len(whole) >= 0.95 * len(with_proof) > 0
    for chain in whole:
        target = variants[chain[0]["variant_id"]]["target"]
        assert chain[0]["tactic"].startswith("have original") and known[target].tactics[-1].splitlines()[-1] in chain[0]["tactic"]
        assert not any(target in row["premises"] for row in chain)


def test_a_place_without_proofs_is_an_error(stepped, tmp_path):
    done = alchemy("steps", str(stepped[0]), "--proofs", str(tmp_path))
    assert done.returncode == 2 and "holds no proofs" in done.stderr


def test_steps_resume(stepped, tmp_path):
    out, said = stepped
    before = table(out, "steps")
    done = sorted(out.glob(".work/steps/*/steps.parquet"))
    assert len(done) == 2
    done[0].write_bytes(done[0].read_bytes()[:50])
    again = steps(out)
    assert {**again, "seconds": 0} == {**said, "seconds": 0} and table(out, "steps") == before


def test_a_proof_that_does_not_replay_is_a_failure_and_the_run_continues(stepped, tmp_path):
    rows = ds.dataset(stepped[0] / "variants", format="parquet").to_table().to_pylist()[:3]
    rows[0]["proof"] = "by\n  exact rfl"
    (tmp_path / "variants").mkdir()
    (tmp_path / "manifest.json").write_bytes((stepped[0] / "manifest.json").read_bytes())
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "variants" / "part-0.parquet")
    done = alchemy("steps", str(tmp_path), "--proofs", "core", "--workers", "1", "--json")
    assert done.returncode == 1 and json.loads(done.stdout.splitlines()[-1])["with_steps"] == 2
    (failure,) = table(tmp_path, "failures")
    assert failure["stage"] == "steps" and failure["item"] == rows[0]["variant_id"] and "does not replay: error" in failure["what"]
