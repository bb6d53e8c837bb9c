"""The benchmark of the search, on a small library."""

import json
import subprocess
import sys

from pipelines.bench import Measured, SearchResult

ALCHEMY = [sys.executable, "-c", "from pipelines.cli import main; main()", "bench", "search"]


def test_the_index_finds_what_brute_force_finds(lean):
    done = subprocess.run([*ALCHEMY, "--library", "Init.Data.Nat.Basic", "--targets", "3", "--seed", "1", "--json"],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["targets"] == 3 and said["missed"] == []
    assert said["rows"]["rw-conclusion"]["usable"] > 20 and set(said["recall"].values()) <= {1.0, None}
    assert said["brute_ratio"] > 1 and said["oracle_ratio"] >= 0.5


def test_what_is_not_found_lowers_the_recall():
    result = SearchResult(1, 0.0, {"rw-conclusion": Measured(usable=4, found=3, indexed_s=2.0, oracle_s=1.0, brute_s=8.0),
                                   "apply-hypothesis": Measured()}, [])
    assert result.recall == {"rw-conclusion": 0.75, "apply-hypothesis": None}
    assert result.ratio("indexed_s", "oracle_s") == 2.0 and result.ratio("brute_s", "indexed_s") == 4.0
