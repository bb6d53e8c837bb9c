"""`alchemy eval`: evaluates provers on benchmarks, and compares two evaluations."""

from pathlib import Path
from typing import Annotated, Literal

import typer
import typer.core

from lean_alchemy.pipelines.commands.arguments import (
    BenchmarkData,
    Candidates,
    Expansions,
    Json,
    MaxFailures,
    RetryFailed,
    Sample,
    Seed,
    Workers,
    WorkspaceFolder,
    count_of,
    retries_of,
    workers_of,
    workspace_of,
)


class DefaultCommand(typer.core.TyperGroup):
    """A group with a default command: `alchemy eval --benchmark core` means `alchemy eval run --benchmark core`. Options without the name
    of a command go to the first command of the group, `--help` included; the parser then requires the options of that command."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        first = next(iter(self.commands))
        if not args or args[0].startswith("-"):
            args = [first, *args]
        return super().parse_args(ctx, args)


SplitOption = Annotated[Literal["random", "novel_premises"], typer.Option(help="Split of the benchmark.")]
PartOption = Annotated[Literal["test", "val"], typer.Option(help="Part of the split.")]

evaluate = typer.Typer(cls=DefaultCommand, help="Evaluates a prover on a benchmark with best-first search, and compares two evaluations.")


@evaluate.command(epilog="Other commands: `alchemy eval compare A B` compares two evaluations; `alchemy eval steps MODEL` scores a "
                         "model on the steps of held-out proofs.")
def run(
    benchmark: Annotated[Literal["core", "leandojo", "minif2f"], typer.Option(help="Benchmark to prove.")],
    model: Annotated[str, typer.Option(
        help="Prover: the folder of a model or of a run of `alchemy train`, `automation`, `random`, or a command that uses the JSON "
             "protocol of `eval/provers/command.py`.")],
    out: Annotated[Path | None, typer.Option(
        help="The folder to write to. An interrupted evaluation resumes.", show_default="results/BENCHMARK-SPLIT-PROVER")] = None,
    data: BenchmarkData = None,
    split: SplitOption = "random",
    part: PartOption = "test",
    sample: Sample = "all",
    seed: Seed = 0,
    expansions: Expansions = 32,
    candidates: Candidates = 8,
    heartbeats: Annotated[int, typer.Option(min=1, help="Heartbeat limit per tactic, in thousands; 5000 is about a second.")] = 5000,
    negate: Annotated[bool, typer.Option("--negate", help="Also try to prove the negations of theorems that were not proved.")] = False,
    workspace: WorkspaceFolder = None,
    workers: Workers = None,
    max_failures: MaxFailures = 100,
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Runs a prover on the theorems of a benchmark, and writes a table of results and the pass rate with a 95 % interval."""
    size = count_of(sample)
    from lean_alchemy.eval.evaluate import as_summary, evaluation_at, label_of
    from lean_alchemy.eval.evaluate import evaluate as follow
    from lean_alchemy.eval.plots import plot_budget
    from lean_alchemy.eval.prove import Budget
    from lean_alchemy.eval.prover import spec_of
    from lean_alchemy.eval.result_tables import score_table
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.pipelines.commands.printing import out as stdout
    from lean_alchemy.pipelines.corpus.extract import install_if_missing
    from lean_alchemy.pipelines.runtime.extras import missing_packages, require_extra

    spec = spec_of(model)
    if spec.kind == "model":
        require_extra("train", "a model as prover")
    place = out or Path("results") / "-".join(filter(None, (benchmark, split if benchmark != "minif2f" else "", _slug(spec.name))))
    library = workspace_of(workspace)
    with progress() as report:
        install_if_missing(library)
        made, failures = follow(
            place.absolute(), benchmark, data, split, part, size, seed, spec, Budget(expansions, candidates, heartbeats), negate,
            workers_of(workers, library), report, library, retries_of(max_failures, retry_failed))
    if missing_packages("report"):
        tell("budget.png is not drawn: pip install 'lean-alchemy[report]'")
    else:
        plot_budget({label_of(made.settings): evaluation_at(place)[1]}, place / "budget.png")
    if not json:
        stdout.print(score_table(made.score))
    found = made.score
    tell(f"{label_of(made.settings)}: {found.proved:,} of {found.attempted:,} proved ({found.pass_rate:.1%}); the results are in {place}")
    finish(as_summary(made), json, failures)


def _slug(name: str) -> str:
    import re

    return re.sub(r"[^\w.-]+", "_", name).strip("_")[:60]


@evaluate.command()
def steps(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a model or of a run of `alchemy train`.")],
    data: BenchmarkData = None,
    split: SplitOption = "random",
    part: PartOption = "test",
    json: Json = False,
) -> None:
    """Scores a model on all steps of held-out proofs: its loss, and how often its first tactic is the one of the proof (exact match)."""
    from lean_alchemy.pipelines.runtime.extras import require_extra

    require_extra("train", "scoring a model")
    from lean_alchemy.eval.held_out_steps import score_steps
    from lean_alchemy.eval.prover import model_at
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell

    with progress() as report:
        found = score_steps(model_at(model), str(data or "core"), split, part, report)
    tell(f"{found.steps:,} steps: loss {found.loss:.3f} nats per token, {found.bits_per_byte:.3f} bits per byte of the tactics, "
         f"exact {found.exact:.1%} ({found.interval.low:.1%} to {found.interval.high:.1%})")
    finish(found, json)


@evaluate.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of the first evaluation.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of the second evaluation, on the same theorems.")],
    plot: Annotated[Path | None, typer.Option(help="PNG file to write: pass rate against budget.")] = None,
    json: Json = False,
) -> None:
    """Compares two evaluations, paired by theorem: what each proved, McNemar's test, the difference of the pass rates with its interval."""
    import msgspec

    from lean_alchemy.eval.evaluate import evaluation_at, label_of
    from lean_alchemy.eval.plots import plot_budget
    from lean_alchemy.eval.result_tables import comparison_table
    from lean_alchemy.eval.score import compare as pair
    from lean_alchemy.pipelines.commands.printing import finish, out
    from lean_alchemy.pipelines.runtime.extras import require_extra
    from lean_alchemy.pipelines.runtime.manifest import UsageError

    if plot is not None:
        require_extra("report", "--plot")
    (one, mine), (two, its) = evaluation_at(first), evaluation_at(second)
    try:
        found = pair(mine, its)
    except ValueError as error:
        raise UsageError(f"{first} and {second} can't be paired: {error}") from None
    names = (f"{label_of(one.settings)} ({first.name})", f"{label_of(two.settings)} ({second.name})")
    if plot is not None:
        plot_budget(dict(zip(names, (mine, its), strict=True)), plot)
    if not json:
        out.print(comparison_table(found, *names))
    finish({"first": str(first), "second": str(second), **msgspec.to_builtins(found)}, json)
