"""What every command prints: progress while it works, and a summary at its end."""

import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import pyarrow.dataset as ds
from rich.console import Console
from rich.panel import Panel
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
from rich.syntax import Syntax
from rich.table import Table

from lean_alchemy.pipelines.data.tables import Variant
from lean_alchemy.pipelines.runtime.stage import Report
from lean_alchemy.pipelines.runtime.storage import Location, table_of

err = Console(stderr=True)
out = Console()


QUIET_S = 30.0
"""Seconds between two lines about a stage where stderr is no terminal."""


@contextmanager
def progress() -> Iterator[Report]:
    """What a job tells its progress to: a bar for each stage on a terminal, and elsewhere a line now and then."""
    if not err.is_terminal:
        yield Lines().report
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=err, transient=False,
    ) as bars:
        stages: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int, note: str = "") -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total, note=note)
            bars.update(stages[stage], completed=done, total=total, note=note)

        yield report


class Lines:
    """Progress as lines of a log."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}
        self._said: dict[str, float] = {}

    def report(self, stage: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        began, before = self._began.setdefault(stage, (now, done))
        if done < total and now - self._said.get(stage, began) < QUIET_S:
            return
        self._said[stage] = now
        left = (now - began) * (total - done) / (done - before) if before < done < total else 0.0
        parts = [f"{stage}: {done:,} of {total:,}", *note.splitlines(), *([f"{_clock(left)} left"] if left else [])]
        err.print("; ".join(filter(None, parts)), highlight=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{s:02}"


def finish(summary: Mapping[str, Any], json: bool) -> None:
    """With --json the summary is the last line of stdout."""
    if json:
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        sys.stdout.flush()


def print_funnel(summary: Mapping[str, Any]) -> None:
    table = Table(title="from candidates to variants", show_header=False, title_justify="left")
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, label in (
        ("targets", "targets"), ("candidates", "candidates tried in Lean"),
        ("kernel_checked", "accepted by the kernel"), ("elaborated", "read back from text as the same statement"),
        ("variants", "distinct variants"),
    ):
        table.add_row(label, f"{summary[name]:,}")
    table.add_section()
    for reason, n in sorted(summary["rejects"].items(), key=lambda item: -item[1]):
        table.add_row(f"not kept — {reason}", f"{n:,}", style="dim")
    out.print(table)


def print_grades(summary: Mapping[str, Any]) -> None:
    """The table of `grade`: each variant counts where it is closed first."""
    graded = summary["graded"]
    table = Table(title=f"what proves {graded:,} of {summary['variants']:,} variants alone", title_justify="left")
    table.add_column("cheapest automation", no_wrap=True)
    for column in ("variants", "share", "so far"):
        table.add_column(column, justify="right")
    so_far = 0
    for name, n in summary["closed_by"].items():
        so_far += n
        if name == "nothing":
            table.add_section()
        table.add_row(name, f"{n:,}", f"{n / max(graded, 1):.1%}", f"{so_far / max(graded, 1):.1%}")
    out.print(table)
    if summary["unknown"]:
        out.print(f"{summary['unknown']:,} variants have an automation without a verdict: the engine died of it", highlight=False)


def print_examples(corpus: Location, n: int) -> None:
    """Some variants of different targets, and where the others are."""
    variants = table_of(corpus / "variants")
    by_target = {row["target"]: row["variant_id"] for row in variants.to_table(columns=["target", "variant_id"]).to_pylist()}
    drawn = random.Random(0).sample(sorted(by_target), min(n, len(by_target)))
    chosen = variants.to_table(filter=ds.field("variant_id").isin([by_target[t] for t in drawn])).to_pylist()
    theorems = table_of(corpus / "theorems")
    rows = theorems.to_table(columns=["name", "statement"], filter=ds.field("name").isin(drawn)).to_pylist()
    statements = {row["name"]: row["statement"] or "" for row in rows}
    for row in chosen:
        print_variant(msgspec.convert(row, Variant), statements[row["target"]])
    out.print(f"the corpus is in {corpus}: theorems, variants and rejects as Parquet, and manifest.json", highlight=False)


def print_variant(variant: Variant, target: str) -> None:
    """A variant beside its target: `target` is the target's statement."""
    arrow = "←" if variant.direction == "backward" and variant.kind == "rw" else ""
    title = f"{variant.kind} {arrow}{variant.lemma} at {variant.site}"
    text = f"-- {variant.target} {target}\n{variant.theorem}"
    out.print(Panel(Syntax(text, "lean4", word_wrap=True, background_color="default"), title=title, title_align="left", border_style="dim"))
