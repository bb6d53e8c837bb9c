"""Evaluations as tables for the terminal, and single results as Lean."""

from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lean_alchemy.eval.prove import Result
from lean_alchemy.eval.score import Comparison, Interval, Score


def score_table(score: Score) -> Table:
    table = Table(title=f"how {score.attempted:,} theorems ended", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for ending, n in score.endings.items():
        table.add_row(ending, f"{n:,}")
    if score.theorems > score.attempted:
        table.add_row("not run: can't be stated in this Lean", f"{score.theorems - score.attempted:,}", style="dim")
    table.add_section()
    table.add_row("pass rate, 95 % interval", f"{score.pass_rate:.1%} {_span(score.interval)}")
    table.add_row("expansions, tactics tried", f"{score.expansions:,}, {score.tried:,}")
    table.add_row("of these rejected by Lean, syntax errors among them", f"{score.refused:,}, {score.unparsed:,}")
    table.add_row("seconds in the model, in Lean, elsewhere", f"{score.model_seconds:,.0f}, {score.lean_seconds:,.0f}, "
                  f"{max(0.0, score.seconds - score.model_seconds - score.lean_seconds):,.0f}")
    return table


def comparison_table(comparison: Comparison, first: str, second: str) -> Table:
    table = Table(title=f"{comparison.theorems:,} theorems, two runs", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for label, n in (("proved by both", comparison.both), (f"only by {first}", comparison.only_first),
                     (f"only by {second}", comparison.only_second), ("by neither", comparison.neither)):
        table.add_row(label, f"{n:,}")
    table.add_section()
    table.add_row("difference of the pass rates, 95 % interval", f"{comparison.difference:+.1%} {_span(comparison.interval)}")
    table.add_row("McNemar's exact test, p", f"{comparison.p_value:.3g}")
    return table


def result_text(result: Result, in_colour: bool = True) -> Text:
    """A theorem of an evaluation: how it ended, and its proof; what is not Lean is in comments."""
    why = f": {result.message}" if result.message else ""
    head = (f"-- {result.name}: {result.ending}{why}".replace("\n", "\n--   ") +
            f"\n-- {result.expansions:,} states expanded, {result.tried:,} tactics tried ({result.refused:,} rejected by Lean, "
            f"{result.unparsed:,} of them with syntax errors), {result.seconds:.1f} s\n")
    text = Text(head, style="dim" if in_colour else "")
    lean = result.proof or f"example {result.statement} := by sorry" if result.statement else "-- without a statement"
    return text.append_text(Syntax("", "lean4", background_color="default").highlight(lean)) if in_colour else text.append(lean + "\n")


def _span(interval: Interval) -> str:
    return f"({interval.low:.1%} to {interval.high:.1%})"
