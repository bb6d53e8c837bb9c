"""The comparison of golden results: it must be able to fail. (The tests of mutate, harvest and eval compare
their results with `check`.)"""

import json

import pytest
from golden import FILE, digest, objection

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
    assert set(json.loads(FILE.read_text(encoding="utf-8"))) == {"mutate", "harvest", "eval"}
