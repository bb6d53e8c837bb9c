"""Starts and controls the process that runs LeanDojo (`child.py`): its environment, its deadlines, its end."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

import lean_alchemy
from lean_alchemy.lean_workspace.dojo.messages import DojoRequest, LeanDojoFailed, Reply
from lean_alchemy.lean_workspace.embedded.install import home
from lean_alchemy.lean_workspace.lines import LineReader, pipes_of
from lean_alchemy.lean_workspace.process import EngineDied

_PACKAGES = Path(lean_alchemy.__file__).parent.parent
"""The folder of this package, which the child must be able to import."""
CHILD = "lean_alchemy.lean_workspace.dojo.child"
_END_S = 5.0
"""How long a process may take to end after its stdin was closed."""


def dojo_home() -> Path:
    """LeanDojo's working folder: `sources/` (clones), `traced/` (its cache), `tmp/`. Symbolic links are resolved, because Dojo compares
    resolved paths with others."""
    return (home() / "leandojo").resolve()


def environment(workers: int = 1, memory_gb: int = 8) -> dict[str, str]:
    """The variables that lean_dojo reads (its `constants.py`), without those of our Ray. workers: files to trace at once. memory_gb: limit
    for a Lean that runs tactics.

    lean_dojo takes an empty GITHUB_ACCESS_TOKEN for none. If the variable were missing, lean_dojo would read one from a `.env` and call
    GitHub during its import. Nothing here needs GitHub's API: git clones the repositories."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**kept, "GITHUB_ACCESS_TOKEN": "", "DISABLE_REMOTE_CACHE": "1",
            "CACHE_DIR": str(dojo_home() / "traced"), "TMP_DIR": str(dojo_home() / "tmp"), "NUM_PROCS": str(workers),
            "TACTIC_CPU_LIMIT": "1", "TACTIC_MEMORY_LIMIT": f"{memory_gb}g",
            "PATH": os.pathsep.join([kept.get("PATH", os.defpath), str(Path.home() / ".elan" / "bin")]),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGES), kept.get("PYTHONPATH")]))}


class LeanDojo:
    """A running child, in a process group of its own. It ends when its stdin is closed."""

    def __init__(self, role: str, *arguments: str, workers: int = 1, memory_gb: int = 8, show_output: bool = False):
        """show_output: pass the output of LeanDojo, lake and Lean to our stderr; else EngineDied quotes its last lines."""
        self._role = role
        for folder in ("traced", "tmp"):
            (dojo_home() / folder).mkdir(parents=True, exist_ok=True)
        self._scratch = tempfile.mkdtemp(prefix="alchemy-leandojo-")
        self._stderr = None if show_output else open(Path(self._scratch) / "stderr", "w+b")  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", CHILD, role, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr,
            cwd=self._scratch, env=environment(workers, memory_gb), start_new_session=True)
        self._stdin, self._stdout = pipes_of(self._process)
        self.pid, self._lines = self._process.pid, LineReader(self._stdout)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: DojoRequest, deadline_s: float) -> Reply:
        """The reply to a request that has one. Raises EngineDied; after the deadline the process is killed."""
        self.send(request)
        return self.reply(deadline_s)

    def ask_all(self, request: DojoRequest, end: type, deadline_s: float) -> Iterator[Reply]:
        """Replies up to and including one of the type `end` or LeanDojoFailed. deadline_s: for each reply. Raises EngineDied."""
        self.send(request)
        while True:
            yield (reply := self.reply(deadline_s))
            if isinstance(reply, (end, LeanDojoFailed)):
                return

    def send(self, request: DojoRequest) -> None:
        """Raises EngineDied."""
        try:
            self._stdin.write(msgspec.json.encode(request) + b"\n")
            self._stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._dead("ended") from None

    def reply(self, deadline_s: float) -> Reply:
        """The next reply. Raises EngineDied; after the deadline the process is killed."""
        line = self._line(deadline_s)
        try:
            return msgspec.json.decode(line, type=Reply)
        except msgspec.DecodeError as error:
            raise self._dead("out of step", f"{error}: {line[:200]!r}") from None

    def close(self) -> None:
        """Lets the process end, then kills it and all it started. pexpect starts Lean in a session of its own, which a signal to the
        process group does not reach. Can be called twice."""
        if self._stdin.closed:
            return
        with contextlib.suppress(OSError):
            self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        self._kill()

    def __enter__(self) -> "LeanDojo":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _kill(self) -> None:
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._stdin, self._stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _line(self, deadline_s: float) -> bytes:
        try:
            return self._lines.next(deadline_s)
        except TimeoutError:
            raise self._dead("deadline", f"{deadline_s:.0f} s") from None
        except EOFError:
            raise self._dead("ended") from None

    def _dead(self, cause: str, detail: str = "") -> EngineDied:
        if self._stdin.closed:
            return EngineDied(f"LeanDojo {self._role}", cause, "it was closed before")
        if cause == "ended":
            status = self._process.wait()
            cause = "killed" if status == -signal.SIGKILL else cause
            detail = f"exit status {status}; {self._stderr_tail()}"
        self._kill()
        return EngineDied(f"LeanDojo {self._role}", cause, detail)

    def _stderr_tail(self) -> str:
        if self._stderr is None:
            return "its output is above"
        self._stderr.seek(0)
        return " | ".join(self._stderr.read().decode(errors="replace").strip().splitlines()[-3:]) or "no output on stderr"
