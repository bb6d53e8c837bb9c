"""The comparison of golden results: it must be able to fail. (The tests of each stage compare its results with `check`.)"""

import ast
import json

import pytest
from golden import FILE, digest, objection
from places import ROOT, TESTS

KEPT = {"stage_version": 1, "engine_version": "14", "digest": "a"}


@pytest.mark.parametrize(("now", "says"), [
    ({}, None),
    ({"digest": "b"}, "its results changed and its version did not"),
    ({"digest": "b", "stage_version": 2}, "a version was raised"),
    ({"digest": "b", "engine_version": "15"}, "a version was raised"),
    ({"stage_version": 2}, "a version was raised"),
])
def test_changed_results_need_another_version(now, says):
    found = objection(KEPT, {**KEPT, **now})
    assert found is None if says is None else says in found


def test_one_changed_value_changes_the_digest():
    rows = [{"statement": "a = b", "score": 0.5}, {"statement": "b = a", "score": 0.25}]
    assert digest(rows) == digest([dict(reversed(row.items())) for row in rows])
    assert digest(rows) != digest([rows[0], {**rows[1], "score": 0.2501}])


def test_every_recorded_stage_exists():
    assert set(json.loads(FILE.read_text(encoding="utf-8"))) == {"extract", "mutate", "refute", "grade", "steps", "harvest", "eval"}


def test_make_golden_selects_every_comparison():
    """`make golden` selects tests by a part of their names."""
    files = [file for file in TESTS.rglob("test_*.py") if file.parent.name != "golden"]
    comparing = [node.name for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body
                 if isinstance(node, ast.FunctionDef) and "golden.check(" in ast.unparse(node)]
    assert len(comparing) == len(json.loads(FILE.read_text(encoding="utf-8")))
    assert all("golden_ones" in name for name in comparing) and "pytest -k golden_ones" in (ROOT / "Makefile").read_text(encoding="utf-8")
