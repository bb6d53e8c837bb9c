"""Evaluations as tables for the terminal."""

from rich.table import Table

from lean_alchemy.eval.score import Comparison, Interval, Score


def score_table(found: Score) -> Table:
    table = Table(title=f"how {found.attempted:,} theorems ended", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for ending, n in found.endings.items():
        table.add_row(ending, f"{n:,}")
    if found.theorems > found.attempted:
        table.add_row("not run: can't be stated in this Lean", f"{found.theorems - found.attempted:,}", style="dim")
    table.add_section()
    table.add_row("pass rate, 95 % interval", f"{found.pass_rate:.1%} {_span(found.interval)}")
    table.add_row("expansions, tactics tried", f"{found.expansions:,}, {found.tried:,}")
    table.add_row("of these rejected by Lean, syntax errors among them", f"{found.refused:,}, {found.unparsed:,}")
    table.add_row("seconds in the model, in Lean, elsewhere", f"{found.model_seconds:,.0f}, {found.lean_seconds:,.0f}, "
                  f"{max(0.0, found.seconds - found.model_seconds - found.lean_seconds):,.0f}")
    return table


def comparison_table(found: Comparison, first: str, second: str) -> Table:
    table = Table(title=f"{found.theorems:,} theorems, two runs", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for label, n in (("proved by both", found.both), (f"only by {first}", found.only_first), (f"only by {second}", found.only_second),
                     ("by neither", found.neither)):
        table.add_row(label, f"{n:,}")
    table.add_section()
    table.add_row("difference of the pass rates, 95 % interval", f"{found.difference:+.1%} {_span(found.interval)}")
    table.add_row("McNemar's exact test, p", f"{found.p_value:.3g}")
    return table


def _span(interval: Interval) -> str:
    return f"({interval.low:.1%} to {interval.high:.1%})"
