"""Whole commands, as a user calls them, on a small library."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds

LIBRARY = "Init.Data.Nat.Basic"
ALCHEMY = [sys.executable, "-m", "lean_alchemy"]


def alchemy(*arguments: str, **how) -> subprocess.CompletedProcess:
    return subprocess.run([*ALCHEMY, *arguments], capture_output=True, text=True, timeout=600, **how)


def bench(*arguments: str) -> dict:
    return summary(alchemy("bench", *arguments, "--library", LIBRARY, "--json"))


def synthesize(out: Path, *more: str, **how) -> subprocess.CompletedProcess:
    return alchemy("synthesize", str(out), "--library", LIBRARY, "--verify", "20", "--json", *more, **how)


def summary(done: subprocess.CompletedProcess) -> dict:
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def table(out: Path, name: str, *without: str) -> list[dict]:
    """The rows, sorted, without what depends on the clock."""
    rows = ds.dataset(out / name, format="parquet").to_table().to_pylist()
    return sorted(({k: v for k, v in row.items() if k not in {"elapsed_ms", *without}} for row in rows), key=repr)


def same(one: Path, other: Path) -> bool:
    return all(table(one, name) == table(other, name) for name in ("theorems", "variants", "rejects"))


def work_of(corpus: Path, out: Path) -> None:
    """The shards of a corpus for another one: they do not depend on what is selected of them."""
    for name in ("mutate", "extract"):
        shutil.copytree(corpus / ".work" / name, out / ".work" / name)
