"""Whole commands, as a user calls them, on a small library."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.dataset as ds

LIBRARY = "Init.Data.Nat.Basic"
ALCHEMY = [sys.executable, "-m", "lean_alchemy"]


def program(*arguments: str, **how) -> subprocess.CompletedProcess:
    """A command in a process of its own: for signals, environments and what happens at the start of a process."""
    return subprocess.run([*ALCHEMY, *arguments], capture_output=True, encoding="utf-8", timeout=600, **how)


def alchemy(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """A command in this process, which keeps Python's imports and Ray from one command to the next: half of what a small command takes."""
    from lean_alchemy.pipelines.commands.main import main

    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    status: int | str | None = 0
    with _as_started(["alchemy", *arguments], cwd), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            main()
        except SystemExit as end:
            status = end.code
        except BaseException:
            status = 1
            traceback.print_exc()
    said = [stream.buffer.getvalue().decode() for stream in (stdout, stderr)]
    return subprocess.CompletedProcess(arguments, status or 0, *said)


@contextlib.contextmanager
def _as_started(argv: list[str], cwd: Path | None) -> Iterator[None]:
    """What a process has for itself, as a fresh one would have it, and as it was afterwards."""
    before, on_interrupt = sys.argv, signal.getsignal(signal.SIGINT)
    sys.argv = argv
    _start_ray()
    try:
        with contextlib.chdir(cwd or os.getcwd()):
            yield
    finally:
        sys.argv = before
        signal.signal(signal.SIGINT, on_interrupt)


def _start_ray() -> None:
    """Once a session; commands take the cluster that is there."""
    import ray

    if not ray.is_initialized():
        ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False,
                 object_store_memory=200_000_000)


def bench(*arguments: str) -> dict:
    return summary(alchemy("bench", *arguments, "--library", LIBRARY, "--json"))


def synthesize(out: Path, *more: str, run: Callable[..., subprocess.CompletedProcess] = alchemy, **how) -> subprocess.CompletedProcess:
    """With one worker: each has an engine, whose start takes longer than the work."""
    return run("synthesize", str(out), "--library", LIBRARY, "--verify", "20", "--workers", "1", "--json", *more, **how)


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
