"""A job on a Ray cluster of several nodes while parts of it are killed: the corpus is the same."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from commands import ALCHEMY, LIBRARY, alchemy, program, same, summary, synthesize

pytestmark = pytest.mark.slow

TARGETS = ("--targets", "60")


@contextmanager
def raylets(n: int) -> Iterator[list]:
    """A head node without cores, and nodes of one core each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(num_cpus=1, memory=4_000_000_000) for _ in range(n)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_ADDRESS", cluster.address)
            yield [cluster, *nodes]
    finally:
        cluster.shutdown()


def children(run: subprocess.Popen, word: str) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            if any(word in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def one_of(run: subprocess.Popen, word: str, seed: int) -> psutil.Process:
    found = children(run, word)
    assert found
    return random.Random(seed).choice(found)


def disturbed(out: Path, disturb: Callable[[subprocess.Popen], None], *more: str) -> None:
    """A whole run that is disturbed after its first shard."""
    run = subprocess.Popen([*ALCHEMY, "synthesize", str(out), "--library", LIBRARY, "--verify", "20", *TARGETS, *more],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 300
        while run.poll() is None and time.monotonic() < end and not list((out / ".work" / "mutate").glob("*")):
            time.sleep(0.1)
        assert run.poll() is None, run.stderr.read()
        disturb(run)
        assert run.wait(timeout=600) == 0, run.stderr.read()[-2000:]
    finally:
        run.kill()


def test_a_dead_node_does_not_change_the_corpus(corpus, tmp_path):
    with raylets(2) as (cluster, first, _):
        disturbed(tmp_path / "c", lambda run: cluster.remove_node(first, allow_graceful=False), "--workers", "2")
    assert same(corpus[0], tmp_path / "c")


def test_a_killed_ray_worker_does_not_change_the_corpus(corpus, tmp_path):
    disturbed(tmp_path / "c", lambda run: one_of(run, "ray::_Actor", 0).kill(), "--workers", "2")
    assert same(corpus[0], tmp_path / "c")


def test_twenty_killed_engines_do_not_change_the_corpus(corpus, tmp_path):
    killed = []

    def kill(run: subprocess.Popen) -> None:
        draw = random.Random(1)
        while run.poll() is None and len(killed) < 20:
            time.sleep(draw.uniform(0.5, 4.0))
            engines = children(run, "host.cjs")
            if engines:
                victim = draw.choice(engines)
                victim.kill()
                killed.append(victim.pid)

    disturbed(tmp_path / "c", kill, "--workers", "2")
    assert len(killed) >= 5 and same(corpus[0], tmp_path / "c")


def test_an_engine_that_hangs_is_replaced(corpus, tmp_path):
    """The engine gets SIGSTOP, so only the deadline of its request detects it."""
    disturbed(tmp_path / "c", lambda run: one_of(run, "host.cjs", 2).suspend(), "--workers", "2")
    assert same(corpus[0], tmp_path / "c")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
def test_an_engine_without_memory_is_replaced(corpus, tmp_path):
    """Its next allocation fails, as if a target used all memory."""
    def starve(run: subprocess.Popen) -> None:
        engine = one_of(run, "host.cjs", 3)
        engine.rlimit(psutil.RLIMIT_DATA, (1, 1))
        engine.wait(timeout=240)

    disturbed(tmp_path / "c", starve, "--workers", "2")
    assert same(corpus[0], tmp_path / "c")


def test_a_statement_that_uses_all_memory_is_rejected(tmp_path):
    """A bit vector of 2 ^ 63 bits, which Lean writes out as a number. (A quality rule normally rejects it.)"""
    said = summary(alchemy("synthesize", str(tmp_path / "c"), "--library", "Init", "--target", "ISize.toNatClampNeg_lt", "--keep-all",
                           "--verify", "20", "--json"))
    assert said["valid"] == 20 and said["variants"] > 500
    assert sum(said["rejects"].get(f"verify: {cause}", 0) for cause in ("ended", "memory")) >= 1, said["rejects"]


def test_a_full_disk_ends_the_run_and_finished_shards_are_kept(corpus, tmp_path):
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs the right to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1800k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        ended = synthesize(disk / "c", *TARGETS, run=program)
        assert ended.returncode == 1 and "No space left" in ended.stderr and "Traceback" not in ended.stderr, ended.stderr[-2000:]
        assert not (disk / "c" / "manifest.json").exists()
        subprocess.run(["mount", "-o", "remount,size=300m", str(disk)], check=True)
        summary(synthesize(disk / "c", *TARGETS))
        assert same(corpus[0], disk / "c")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
