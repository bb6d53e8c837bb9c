"""Reads the output of another process line by line, with deadlines."""

import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import IO

_TICK_S = 0.5


def pipes_of(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout of a process that was started with a pipe for each."""
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


class LineReader:
    """The lines of a stream. Nothing else may read from it."""

    def __init__(self, stream: IO[bytes]):
        self._stream, self._rest = stream, b""

    def next(self, deadline_s: float, watch: Callable[[], None] = lambda: None) -> bytes:
        """The next line, without the newline. watch: called twice a second while waiting; what it raises ends the wait. Raises
        TimeoutError after the deadline, EOFError at the end of the stream."""
        end = time.monotonic() + deadline_s
        chunks = [self._rest]
        while b"\n" not in chunks[-1]:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if select.select([self._stream], [], [], min(left, _TICK_S))[0]:
                chunk = os.read(self._stream.fileno(), 1 << 20)
                if not chunk:
                    raise EOFError
                chunks.append(chunk)
            else:
                watch()
        line, _, self._rest = b"".join(chunks).partition(b"\n")
        return line
