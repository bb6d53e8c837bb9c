"""`alchemy bench` on a small library."""

import json
import subprocess
import sys

import pytest
from commands import bench

from lean_alchemy.lean_workspace.attempt_protocol import AttemptCost
from lean_alchemy.pipelines.bench.costs import Costs, Parts, meaning_of
from lean_alchemy.pipelines.bench.index import exponent
from lean_alchemy.pipelines.bench.search import RecallCount, SearchComparison, WayTotals

ALCHEMY = [sys.executable, "-m", "lean_alchemy", "bench"]


def test_the_index_finds_what_brute_force_finds(lean, tmp_path):
    said = bench("search", "--targets", "3", "--seed", "1", "--out", str(tmp_path))
    assert said["targets"] == 3 and said["missed"] == [] and said["set_aside"] == {}
    assert set(said["recall"].values()) <= {1.0, None}
    assert min(said["rows"][way]["usable"] for way in ("rw-conclusion", "rw-hypothesis", "apply-hypothesis")) > 5
    assert all(way["tried"] >= way["tried_usable"] > 0 and way["unsteady"] == 0 for way in said["ways"].values())
    assert said["brute_ratio"] > 1 and said["oracle_ratio"] >= 0.5
    usable, written = (said["costs_us"]["rw-conclusion"][outcome] for outcome in ("usable", "written"))
    assert usable["unification"] > 0 and min(written[part] for part in ("kernel", "printing", "elaboration")) > 0
    assert json.loads((tmp_path / "bench-search.json").read_bytes())["recall"] == said["recall"]
    assert (tmp_path / "bench-search.png").read_bytes().startswith(b"\x89PNG")
    again = bench("search", "--targets", "3", "--seed", "1", "--out", str(tmp_path))
    assert again["ways"] == said["ways"], "a finished batch is not measured again, so its times are the same"


@pytest.mark.slow
def test_targets_are_drawn_until_the_named_ways_have_enough_pairs(lean):
    said = bench("search", "--pairs", "5", "--targets", "45", "--seed", "1", "--way", "rw-hypothesis", "--way", "apply-hypothesis")
    assert said["targets"] == 20  # one batch is enough: each kind and site has five pairs
    assert set(said["ways"]) == {"rw-hypothesis", "apply-hypothesis"}
    assert min(said["rows"][name]["usable"] for name in said["ways"]) >= 5


def test_an_unknown_way_is_an_error_before_anything_runs():
    done = subprocess.run([*ALCHEMY, "search", "--way", "rw-everywhere"], capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert done.returncode == 2 and "choose among rw-conclusion, rw-hypothesis, apply-hypothesis" in done.stderr


@pytest.mark.slow
def test_the_index_is_built_loaded_and_queried(lean, tmp_path):
    said = bench("index", "--targets", "5", "--workers", "1", "--out", str(tmp_path))
    assert said["theorems"] == said["sizes"][-1]["theorems"] == said["build"]["growth"][-1][0]
    assert said["build"]["keys"] == said["sizes"][-1]["keys"] > said["theorems"]
    assert said["load"]["memory_mb"] > 0 and said["forms_ms"]["median"] < said["prepare_ms"]["median"]
    assert (tmp_path / "bench-index.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_throughput_reports_where_the_time_goes(lean):
    said = bench("throughput", "--targets", "20", "--seed", "2", "--workers", "1")
    assert said["verified"] > 50 and said["workers"] == 1 and said["one_worker"] is None
    assert said["verified_per_second"] == pytest.approx(said["verified"] / said["seconds"], rel=0.05)
    assert 0.5 < said["lean_share"] < 1 and said["wall_s"] > said["seconds"]
    assert sum(said["parts_ms"].values()) == pytest.approx(1000 * said["seconds"] / said["verified"], rel=0.1)


def test_missing_pairs_lower_the_recall():
    one = SearchComparison(rows={"rw-conclusion": RecallCount(4, 3), "apply-hypothesis": RecallCount()}, targets=1,
                   ways={"rw-conclusion": WayTotals(tried=10, tried_usable=3, indexed_s=2.0, oracle_s=1.0, brute_s=8.0)})
    both = SearchComparison()
    both.add(one)
    both.add(one)
    assert both.targets == 2 and both.rows["rw-conclusion"] == RecallCount(8, 6)
    assert both.recall == {"rw-conclusion": 0.75, "apply-hypothesis": None} and both.precision == {"rw-conclusion": 0.3}
    assert both.ratio("indexed_s", "oracle_s") == 2.0 and both.ratio("brute_s", "indexed_s") == 4.0
    assert both.ratio("indexed_s", "oracle_s", ["apply-hypothesis"]) is None


def test_the_parts_of_an_attempt_add_up_to_it():
    parts = Parts()
    parts.count(AttemptCost("draft", 1000, 300, 200, 100))
    assert (parts.unification, parts.instances, parts.typing, parts.closing) == (400, 300, 200, 100)
    assert Costs({"rw-conclusion": {"usable": parts}}).means()["rw-conclusion"]["usable"]["unification"] == 0.4
    assert meaning_of("Tactic `rewrite` failed: motive is not type correct:\n …") == "motive"


@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_the_exponent_of_a_power_is_found(power):
    assert exponent([(n, 3 * n ** power) for n in (1, 2, 4, 8)]) == pytest.approx(power)


def test_bench_gym_reports_the_cost_of_a_step(lean):
    said = bench("gym", "--episodes", "12", "--theorems", "12")
    assert said["episodes"] == 12 and said["engines"] == 1 and said["steps"] == sum(
        n for row in said["tactics"].values() for word, n in row.items() if word != "ms")
    assert said["steps_per_second"] > 1 and 0.3 < said["lean_share"] <= 1 and all(gb > 0.5 for gb in said["memory_gb"])
    assert sum(row.get("proved", 0) for row in said["tactics"].values()) > 0
