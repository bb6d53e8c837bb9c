"""The consoles for stdout and stderr, and progress on stderr: a bar per stage on a terminal, otherwise a line every 30 seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lean_alchemy.pipelines.runtime.stage import Report

err = Console(stderr=True)
out = Console()

QUIET_S = 30.0
"""Seconds between two lines about a stage if stderr is not a terminal."""


@contextmanager
def progress(console: Console = err) -> Iterator[Report]:
    """Yields the function to which a job reports its progress."""
    if not console.is_terminal:
        yield ProgressLines(console).report
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console, transient=False,
    ) as bars:
        stages: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int, note: str = "") -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total, note=note)
            bars.update(stages[stage], completed=done, total=total, note=note)

        yield report


class ProgressLines:
    """Progress as lines of a log, such as `mutate: 120 of 400; 1,810 variants; 0:01:20 left`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, tuple[float, int]] = {}
        self._last_line: dict[str, float] = {}

    def report(self, stage: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        began, before = self._began.setdefault(stage, (now, done))
        if done < total and now - self._last_line.get(stage, began) < QUIET_S:
            return
        self._last_line[stage] = now
        left = (now - began) * (total - done) / (done - before) if before < done < total else 0.0
        parts = [f"{stage}: {done:,} of {total:,}", *note.splitlines(), *([f"{_clock(left)} left"] if left else [])]
        self._console.print("; ".join(filter(None, parts)), highlight=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{s:02}"
