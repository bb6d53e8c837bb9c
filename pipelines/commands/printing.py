"""What commands print: progress and messages on stderr, tables and the summary on stdout."""

import json as json_
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from lean_alchemy.pipelines.browse.display import variant_text
from lean_alchemy.pipelines.corpus.estimate import Estimate
from lean_alchemy.pipelines.corpus.explain import Explanation
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.runtime.progress import err, out, progress
from lean_alchemy.pipelines.runtime.stage import Failure
from lean_alchemy.pipelines.runtime.storage import Location, as_typed

__all__ = ["err", "finish", "out", "progress", "tell"]

SUMMARY_VERSION = 1
"""Version of the objects that `--json` prints. Raise it when a key changes its meaning or is removed."""

SHOWN = 5
"""Number of failures that are printed; the table `failures` has all of them."""

def tell(text: str) -> None:
    """Prints a line on stderr, without markup."""
    err.print(text, highlight=False, markup=False, soft_wrap=True)


def finish(summary: Mapping[str, Any] | msgspec.Struct, json: bool, failures: Sequence[Failure] | None = None, failed: bool = False,
           advice: str = "They are in the table `failures`; `--retry-failed` retries them") -> None:
    """Ends a command. With --json it prints the summary as the last line of stdout. Exit status 1 if items failed, or if `failed`.
    failures: None for a command without items. advice: what to do about them."""
    if failures:
        tell(f"{len(failures):,} items failed. {advice}:")
        for failure in failures[:SHOWN]:
            tell(f"  {failure.stage} {failure.item}: {failure.what.splitlines()[0][:300]}")
    if json:
        fields = msgspec.to_builtins(summary)
        print_json({**fields, **({} if failures is None else {"failures": len(failures)})})
    if failures or failed:
        raise typer.Exit(1)


def print_json(fields: Mapping[str, Any]) -> None:
    """Prints a line of JSON; non-ASCII characters are escaped if stdout is not UTF-8."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json_.dumps({"version": SUMMARY_VERSION, **fields}, ensure_ascii=not is_unicode) + "\n")
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
        table.add_row(f"rejected — {reason}", f"{n:,}", style="dim")
    out.print(table)


def print_estimate(found: Estimate) -> None:
    """The table of `synthesize --dry-run`: each amount with its sampling error."""
    table = Table(title=f"{found.targets:,} targets with {found.workers} workers, extrapolated from {found.sampled}", show_header=False,
                  title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("verified variants", f"{found.variants.value:,.0f} ± {found.variants.error:,.0f}")
    table.add_row("time", f"{found.hours.value:,.2f} ± {found.hours.error:,.2f} hours")
    table.add_row("disk", f"{found.disk_gb.value:,.3f} ± {found.disk_gb.error:,.3f} GB")
    table.add_row("memory", f"{found.memory_gb:,.1f} GB")
    out.print(table)


def print_grades(summary: Mapping[str, Any]) -> None:
    """The table of `grade`: a variant counts for the cheapest automation that proves it."""
    graded = summary["graded"]
    table = Table(title=f"cheapest automation that proves a variant alone ({graded:,} of {summary['variants']:,} graded)",
                  title_justify="left")
    table.add_column("cheapest automation", no_wrap=True)
    for column in ("variants", "share", "cumulative"):
        table.add_column(column, justify="right")
    so_far = 0
    for name, n in summary["closed_by"].items():
        so_far += n
        if name == "nothing":
            table.add_section()
        table.add_row(name, f"{n:,}", f"{n / max(graded, 1):.1%}", f"{so_far / max(graded, 1):.1%}")
    out.print(table)
    if summary["unknown"]:
        tell(f"{summary['unknown']:,} variants have a tactic without a verdict, because it killed the engine")


def print_variant(variant: Variant, target: str, statements: Mapping[str, str] = {}) -> None:
    """Prints a variant below its target. target: the statement of the target. statements: of lemmas, by name."""
    out.print(variant_text(variant, target, statements, in_colour=out.color_system is not None), soft_wrap=True)


def print_next(corpus: Location) -> None:
    """Prints what to do with a new corpus."""
    name = shlex.quote(as_typed(corpus))
    lists = shlex.quote(f"data.corpora=[{name}]")
    out.print(f"""next:
  alchemy show {name} --random 5           more variants beside their targets
  alchemy report {name}                    a page with plots           (pip install 'lean-alchemy[report]')
  alchemy train tiny --out run --set {lists}    a small model    (pip install 'lean-alchemy[train]')""",
              highlight=False, markup=False, soft_wrap=True)


def print_explanation(use: Explanation) -> None:
    """Prints one use of a lemma, and why it gives a variant or not."""
    where = f"{use.kind} {use.direction} at {use.site}" + (f", occurrence {use.occurrence}" if use.occurrence > 1 else "")
    candidate = "" if use.is_candidate else "  (the index does not propose it)"
    out.print(f"[bold]{where}[/]: {escape(use.outcome)}{candidate}", highlight=False)
    for line in [*([use.message] if use.message else []), *use.trace]:
        out.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)
