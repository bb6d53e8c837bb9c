"""One engine: a Lean process that answers one request at a time.

Silence is never trusted. A process that died, missed its deadline, exceeded its memory limit or replied out
of order is killed together with its children, and the exception names the request and the cause.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import psutil

from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble
from lean_alchemy.lean_workspace.lines import LineReader, pipes_of
from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION, Envelope, Ready, ReplyT, Request


class EngineDied(Trouble, OfOneItem):
    """The process ended or was killed. cause: `ended`, `deadline`, `memory`, `out of step` (a reply that does not fit), or `killed` (from
    outside, so the request need not be the reason)."""

    def __init__(self, request: str, cause: str, detail: str = ""):
        super().__init__(f"the engine died at `{request}`: {cause}{f' ({detail})' if detail else ''}")
        self.request, self.cause, self.detail = request, cause, detail

    def __reduce__(self) -> tuple:
        """For pickling: by default an exception is rebuilt from its message alone, and this one is sent between processes."""
        return EngineDied, (self.request, self.cause, self.detail)


class EngineRefused(Mistake, OfOneItem):
    """The engine replied that it can't do what was asked: an unknown name, a missing library."""


class EngineMismatch(Trouble):
    """Python and the engine have different versions, or the engine lacks a kind of mutation."""


class Launch(msgspec.Struct, frozen=True):
    """How to start an embedded or native Lean. describe: what to call it in messages. maps_library: does it map the library's files? These
    are shared by all engines and do not count as its memory."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    describe: str
    maps_library: bool = False


class Limits(msgspec.Struct, frozen=True):
    """Limits of one engine."""

    memory_gb: float = 2.5  # an engine holds 1.3 after its start; a heavy target adds some hundred MB
    start_deadline_s: float = 180.0  # 6 s on a free machine; minutes on a loaded one


class Engine:
    """A running engine, in a folder and a process group of its own, which `close` removes. requests: number of requests so far."""

    def __init__(self, launch: Launch, limits: Limits = Limits()):
        self._limits, self._maps_library = limits, launch.maps_library
        self._scratch = _scratch_folder()
        self._stderr = open(Path(self._scratch) / "stderr", "w+b")  # noqa: SIM115 (closed with the engine)
        self._last_id = 0
        self._closed = False
        self.requests = 0
        # The shell raises the stack limit, which Lean's recursion needs, then execs the engine.
        raise_stack = 'ulimit -s 1048576 2>/dev/null || ulimit -s "$(ulimit -H -s)"; exec "$@"'
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", raise_stack, "alchemy-engine", *launch.argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, cwd=self._scratch,
            env={**os.environ, **launch.env, "LEAN_HOST_WRITE": self._scratch}, start_new_session=True)
        self._stdin, self._stdout = pipes_of(self._process)
        self.pid, self._lines = self._process.pid, LineReader(self._stdout)
        try:
            line = self._line("start", limits.start_deadline_s)
            self.ready = _read_ready(line, launch)
        except BaseException:
            self.close()
            raise

    def ask(self, request: Request[ReplyT], *, deadline_s: float) -> ReplyT:
        """The engine's reply, as the struct `request.Reply`. After the deadline the process is killed, because
        a late reply would be taken for the answer to the next request. Raises EngineDied, EngineRefused.
        """
        self._last_id += 1
        self.requests += 1
        name = tag_of(request)
        if self._closed or not self.alive:
            raise self._dead(name, "ended")
        request = msgspec.structs.replace(request, id=self._last_id)
        try:
            self._stdin.write(msgspec.json.encode(request) + b"\n")
            self._stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._dead(name, "ended") from None
        line = self._line(name, deadline_s)
        try:
            envelope = msgspec.json.decode(line, type=Envelope)
            if envelope.id != self._last_id:
                raise self._dead(name, "out of step")
            if not bytes(envelope.ok):
                raise EngineRefused(envelope.error or "the engine gave no reason")
            return msgspec.json.decode(envelope.ok, type=cast("type[ReplyT]", request.Reply))
        except msgspec.DecodeError as error:
            raise self._dead(name, "out of step", f"{error}: {line[:200]!r}") from None

    @property
    def memory_gb(self) -> float:
        """Resident memory of the process, in GB, without the library's files if it maps them; 0 after its end."""
        try:
            process = psutil.Process(self.pid)
            if not self._maps_library:
                return process.memory_info().rss / 1e9
            memory = process.memory_info()
            return (memory.rss - memory.shared if hasattr(memory, "shared") else process.memory_full_info().uss) / 1e9
        except psutil.Error:
            return 0.0

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Kills the process and its children. Can be called twice."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._stdin, self._stdout, self._stderr):
            with contextlib.suppress(OSError):
                stream.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self, request: str, deadline_s: float) -> bytes:
        def watch() -> None:
            if self.memory_gb > self._limits.memory_gb:
                raise self._dead(request, "memory", f"more than {self._limits.memory_gb} GB")

        try:
            return self._lines.next(deadline_s, watch)
        except TimeoutError:
            raise self._dead(request, "deadline", f"{deadline_s:.0f} s") from None
        except EOFError:
            raise self._dead(request, "ended") from None

    def _dead(self, request: str, cause: str, detail: str = "") -> EngineDied:
        if self._closed:
            return EngineDied(request, cause, "it was closed before")
        if cause == "ended":
            status = self._process.wait()
            cause = "killed" if status == -signal.SIGKILL else cause
            detail = f"exit status {status}; {self._stderr_tail()}"
        self.close()
        return EngineDied(request, cause, detail)

    def _stderr_tail(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return " | ".join(lines[-3:]) or "no output on stderr"


def _scratch_folder() -> str:
    """A folder for one engine, with our process id in its name. Folders of processes that no longer exist are removed."""
    parent = Path(os.path.realpath(tempfile.gettempdir()))
    for folder in parent.glob("alchemy-engine-*-*"):
        owner = folder.name.split("-")[2]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"alchemy-engine-{os.getpid()}-", dir=parent)


def _read_ready(line: bytes, launch: Launch) -> Ready:
    try:
        ready = msgspec.json.decode(line, type=dict[str, Ready])["ready"]
    except (msgspec.DecodeError, KeyError):
        # The line may be an error of Lean before `main` starts.
        raise EngineMismatch(f"{launch.describe} does not start the engine: {line[:400].decode(errors='replace')}") from None
    if ready.engine != ENGINE_VERSION:
        raise EngineMismatch(f"{launch.describe} has version {ready.engine} of the engine, and Python expects {ENGINE_VERSION}: run "
                             "`alchemy setup`")
    return ready


def tag_of(request: Request[Any]) -> str:
    """What a request is called on the line."""
    return str(request.__struct_config__.tag)


def require_kinds(ready: Ready, kinds: Sequence[str]) -> None:
    """Raises EngineMismatch if the engine lacks a kind of mutation."""
    if missing := set(kinds) - set(ready.kinds):
        raise EngineMismatch(f"the engine ({ready.toolchain}) lacks the kinds {', '.join(sorted(missing))}: it has "
                             f"{', '.join(ready.kinds)}. Run `alchemy setup`")
