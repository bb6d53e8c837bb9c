"""Runs whole commands on a small library, as a user would."""

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
from importlib import metadata
from pathlib import Path

import pyarrow.dataset as ds
import pytest

LIBRARY = "Init.Data.Nat.Basic"
ALCHEMY = [sys.executable, "-m", "lean_alchemy"]


def program(*arguments: str, **how) -> subprocess.CompletedProcess:
    """Runs a command in its own process, for tests of signals, environment variables and start-up."""
    return subprocess.run([*ALCHEMY, *arguments], capture_output=True, encoding="utf-8", timeout=600, **how)


def alchemy(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Runs a command in this process. Imports and Ray are reused, which saves half the time of a small command."""
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
    """Gives the command the state of a fresh process, and restores the old state afterwards."""
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
    """Starts Ray once per session; commands use the running cluster."""
    import ray

    if not ray.is_initialized():
        ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False,
                 object_store_memory=200_000_000)


def bench(*arguments: str) -> dict:
    return summary(alchemy("bench", *arguments, "--library", LIBRARY, "--json"))


def synthesize(out: Path, *more: str, run: Callable[..., subprocess.CompletedProcess] = alchemy, **how) -> subprocess.CompletedProcess:
    """Runs with one worker, because starting an engine takes longer than the work."""
    return run("synthesize", str(out), "--library", LIBRARY, "--verify", "20", "--workers", "1", "--json", *more, **how)


HARVESTED = "Init.Data.List.Basic"


def harvest(out: Path, *more: str, workers: int = 1) -> subprocess.CompletedProcess:
    """Runs on thirty theorems of a small library. Their proofs in `core` are not used unless `more` names them."""
    known = () if "--known" in more else ("--no-known",)
    return alchemy("harvest", str(out), "--library", HARVESTED, "--module", HARVESTED, "--targets", "30", "--rounds", "2",
                   "--workers", str(workers), "--json", *known, *more)


def summary(done: subprocess.CompletedProcess) -> dict:
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def table(out: Path, name: str, *without: str) -> list[dict]:
    """The sorted rows, without columns of times."""
    rows = ds.dataset(out / name, format="parquet").to_table().to_pylist()
    return sorted(({k: v for k, v in row.items() if k not in {"elapsed_ms", *without}} for row in rows), key=repr)


def same(one: Path, other: Path) -> bool:
    return all(table(one, name) == table(other, name) for name in ("theorems", "variants", "rejects"))


def work_of(corpus: Path, out: Path) -> None:
    """Copies the shards of a corpus to another one. They do not depend on the selection."""
    for name in ("mutate", "extract"):
        shutil.copytree(corpus / ".work" / name, out / ".work" / name)


def without_package(patch: pytest.MonkeyPatch, name: str) -> None:
    """As if this package of an extra were not installed."""
    version = metadata.version

    def missing(asked: str) -> str:
        if asked == name:
            raise metadata.PackageNotFoundError(asked)
        return version(asked)

    patch.setattr(metadata, "version", missing)
