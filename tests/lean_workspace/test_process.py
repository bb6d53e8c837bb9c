"""An engine that dies, stalls or grows does not affect others."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import Engine, EngineDied, EngineMismatch, EngineRefused, Launch, Limits, require_kinds
from lean_alchemy.lean_workspace.protocol import Check
from lean_alchemy.lean_workspace.workspace import Draft, Retirement, Workspace
from lean_alchemy.mutation.policy.rules import Policy
from lean_alchemy.pipelines.corpus.extract import by_halves, entry_of, lost_row

SLOW = "theorem v : (List.range 100000).foldl (· + ·) 0 = 1 := by\n  decide +kernel"
QUICK = "theorem v (a b : Nat) : a + b = b + a := by\n  omega"


@pytest.fixture(scope="module")
def workspace(lean):
    """An engine that tests may kill."""
    with Workspace(install.launch, Library(("Init",))) as workspace:
        yield workspace


def test_the_engine_reports_its_version_and_kinds(workspace):
    assert workspace.ready.toolchain.startswith("4.28.0")
    require_kinds(workspace.ready, ["rw", "apply"])
    with pytest.raises(EngineMismatch, match="simp"):
        require_kinds(workspace.ready, ["rw", "simp"])


def test_an_engine_fits_in_a_gigabyte_and_a_half(workspace):
    assert workspace.memory_gb < 1.5


def test_a_killed_engine_is_replaced_and_its_request_answered(workspace):
    os.kill(workspace.pid, signal.SIGKILL)
    assert workspace.check(QUICK).refused is None


def kill(pid: int) -> None:
    """Kills the engine and waits until it is gone."""
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
        time.sleep(0.05)


def test_an_engine_killed_between_the_steps_of_a_target_loses_nothing(workspace):
    (number, lemma) = workspace.find("Nat.mul_pos", "Nat.mul_comm")
    from lean_alchemy.lean_workspace.protocol import Candidate, Written

    target = workspace.target(number)
    kill(workspace.pid)
    ((_, draft),) = target.attempt([Candidate(0, "rw", lemma, False, 0)])
    assert isinstance(draft, Draft)
    kill(workspace.pid)
    ((_, written),) = target.write([(draft, "v")])
    assert isinstance(written, Written)


def test_a_deadline_ends_the_engine_and_the_next_request_finds_another(workspace):
    with pytest.raises(EngineDied, match="deadline") as died:
        workspace.ask_once(Check(text=SLOW), deadline_s=1.0)
    assert died.value.request == "check"
    assert workspace.check(QUICK).refused is None


def test_after_a_refusal_the_engine_lives(workspace):
    pid = workspace.pid
    with pytest.raises(EngineRefused, match="no such theorem"):
        workspace.target(10_000_000)
    assert workspace.pid == pid


def test_an_engine_that_dies_at_its_start_is_tried_again(lean):
    launches = [Launch(("/bin/sh", "-c", "exit 3"), {}, "a shell"), install.launch()]
    with Workspace(lambda readable: launches.pop(0), Library(("Init.Core",))) as workspace:
        assert workspace.deaths == 1 and workspace.check("theorem v : True := trivial").refused is None


def test_an_unknown_module_is_an_error_with_its_name(lean):
    with pytest.raises(EngineRefused, match="Nowhere"):
        Workspace(install.launch, Library(("Nowhere",)))


def test_an_engine_retires_between_two_targets(lean):
    with Workspace(install.launch, Library(("Init.Core",)), retirement=Retirement(requests=2)) as workspace:
        first = workspace.pid
        for _ in range(3):
            workspace.target(0)
        assert workspace.pid != first


def test_an_engine_above_its_memory_limit_is_ended(lean):
    with pytest.raises(EngineDied, match="memory"):
        Engine(install.launch(), Limits(memory_gb=0.8))  # a started engine already uses more


def test_a_program_that_is_not_an_engine_is_rejected(lean):
    silent = Launch(("/bin/sh", "-c", "exit 3"), {}, "a shell")
    with pytest.raises(EngineDied, match="exit status 3"):
        Engine(silent)
    chatty = Launch(("/bin/echo", "error: no such file"), {}, "an echo")
    with pytest.raises(EngineMismatch, match="no such file"):
        Engine(chatty)
    ready = '{"ready":{"engine":"0","toolchain":"4.0","kinds":[],"requests":[]}}'
    old = Launch(("/bin/sh", "-c", f"echo '{ready}'; cat"), {}, "an old engine")
    with pytest.raises(EngineMismatch, match="alchemy setup"):
        Engine(old)


ORPHAN = """
import os, signal, sys
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.process import Engine
from lean_alchemy.lean_workspace.protocol import Check, Open, Request
import msgspec
engine = Engine(install.launch())
engine.ask(Open(modules=["Init"]), deadline_s=60)
print(engine.pid, flush=True)
if sys.argv[1] == "busy":
    engine._process.stdin.write(msgspec.json.encode(Check(text=sys.argv[2])) + b"\\n")
    engine._process.stdin.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_an_engine_ends_with_its_worker(lean, state):
    worker = subprocess.run([sys.executable, "-c", ORPHAN, state, SLOW], capture_output=True, text=True, timeout=120, encoding="utf-8")
    assert worker.returncode == -signal.SIGKILL, worker.stderr
    pid = int(worker.stdout)
    end = time.monotonic() + 15
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
        time.sleep(0.2)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


READS = """module
public meta import Lean.Elab.Command
open Lean Elab Command
run_cmd do
  let text ← liftM (m := IO) (IO.FS.readFile "PLACE")
  liftM (m := IO) (IO.println text)
"""


def test_a_text_can_not_read_other_files(lean, tmp_path):
    """Code in a text can read the given file, and no other file of the machine."""
    (tmp_path / "given").write_text("what it was given", encoding="utf-8")

    def reading(place: str) -> str:
        (tmp_path / "Reads.lean").write_text(READS.replace("PLACE", place), encoding="utf-8")
        launch = install.launch((tmp_path,))
        argv = [*launch.argv[:launch.argv.index("--run")], str(tmp_path / "Reads.lean")]
        done = subprocess.run(["/bin/sh", "-c", 'ulimit -s 1048576; exec "$@"', "lean", *argv], env={**os.environ, **launch.env},
                              cwd=tmp_path, capture_output=True, text=True, timeout=120, encoding="utf-8")
        return done.stdout + done.stderr

    assert "what it was given" in reading(str(tmp_path / "given"))
    said = reading("/etc/passwd")
    assert "root:" not in said and "no such file" in said.lower(), said


def test_a_theorem_that_kills_the_engine_costs_one_row_of_an_extraction():
    """The page is halved until the theorem is alone."""
    asked = []

    def ask(first: int, count: int) -> list[int]:
        asked.append((first, count))
        if first <= 5 < first + count:
            raise EngineDied("theorems", "memory")
        return list(range(first, first + count))

    assert by_halves(ask, 0, 8, lambda number: [-number]) == [0, 1, 2, 3, 4, -5, 6, 7]
    assert asked[0] == (0, 8) and (5, 1) in asked and len(asked) == 7
    (row,) = lost_row(5)
    assert entry_of(row, ["M"]).term is None and not Policy().admits(row.name, row.tags, row.term)
