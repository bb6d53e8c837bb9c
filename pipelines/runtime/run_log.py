"""`OUT/run.log`: the events of all runs on a corpus, one line of JSON per event, in order.

    {"time": "2026-11-24T12:00:00Z", "event": "shard", "driver_mb": 210, "stage": "mutate", "key": "…", "items": 20, "tally": {…}, …}

Events: `begin` (options, workers, versions), `stage`, `shard`, `lost` (a shard whose worker processes died), `end` (outcome: `done`, or
the error that ended the run).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psutil

from lean_alchemy.pipelines.runtime.storage import Location, is_local, write_whole

STORED_S = 60.0
"""An object can't be appended to. In an object store the log is rewritten at most this often (seconds), and at the end."""


class RunLog:
    def __init__(self, file: Location):
        self._file = file
        self._process = psutil.Process()
        self._lines = bytearray(file.read_bytes() if not is_local(file) and file.exists() else b"")
        self._stored = 0.0

    def note(self, event: str, **fields: Any) -> None:
        """Writes one line. driver_mb: resident memory of the driver process."""
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": event,
                "driver_mb": round(self._process.memory_info().rss / 1e6), **fields}
        text = msgspec.json.encode(line) + b"\n"
        if is_local(self._file):
            with self._file.open("ab") as file:
                file.write(text)
            return
        self._lines += text
        if time.monotonic() - self._stored > STORED_S or event == "end":
            write_whole(self._file, bytes(self._lines))
            self._stored = time.monotonic()

    @contextmanager
    def run(self, **begin: Any) -> Iterator[None]:
        """Writes `begin` before the block and `end` after it, also if the block raises an error."""
        start = time.monotonic()
        self.note("begin", **begin)
        outcome = "done"
        try:
            yield
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}".strip(": ")
            raise
        finally:
            self.note("end", outcome=outcome, seconds=round(time.monotonic() - start, 1))


def read(file: Location) -> list[dict[str, Any]]:
    """The lines of a log. A last line that is incomplete (after a kill, or with a full disk) is skipped."""
    lines = file.read_bytes().splitlines() if file.is_file() else []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line))
        except msgspec.DecodeError:
            continue
    return found
