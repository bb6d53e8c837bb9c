"""Golden results: the results of a stage may change only with its version or the engine's version.

`tests/golden/results.json` has for some stages their version, the engine's version, and a digest of their results on a small library.
`make golden` records them again.
"""

import hashlib
import json
import os
from collections.abc import Sequence

from places import TESTS

from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION
from lean_alchemy.pipelines.runtime.stage import Stage

FILE = TESTS / "golden" / "results.json"


def digest(rows: Sequence[dict]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def check(stage: Stage, *tables: Sequence[dict]) -> None:
    """Compares the results of a stage with the recorded ones. tables: rows without columns of times."""
    now = {"stage_version": stage.version, "engine_version": ENGINE_VERSION, "digest": digest([row for rows in tables for row in rows])}
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    if os.environ.get("ALCHEMY_GOLDEN") == "record":
        assert CHANGED not in (objection(kept.get(stage.name, now), now) or ""), f"{stage.name}: {CHANGED}: raise it first"
        FILE.write_text(json.dumps({**kept, stage.name: now}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return
    assert stage.name in kept, f"no results of {stage.name} are recorded: run `make golden`"
    assert not (complaint := objection(kept[stage.name], now)), f"{stage.name}: {complaint}"


CHANGED = "its results changed and its version did not"


def objection(kept: dict, now: dict) -> str | None:
    """The error to report; None if the results are the recorded ones."""
    if kept == now:
        return None
    is_same_version = all(kept[name] == now[name] for name in ("stage_version", "engine_version"))
    if kept["digest"] != now["digest"] and is_same_version:
        return (f"{CHANGED}. If that was not meant, fix it; else raise the stage's `version` (or ENGINE_VERSION, where the engine changed) "
                "and run `make golden`")
    return "a version was raised: run `make golden` to record the results"
