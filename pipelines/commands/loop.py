"""`alchemy loop`: corpus, training and evaluation, with one table of results."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import (
    Candidates,
    Expansions,
    Json,
    Sample,
    Seed,
    Set,
    Targets,
    Workers,
    count_of,
    workers_of,
)


def loop(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for all results.")],
    recipe: Annotated[str, typer.Option(help="Recipe of both trainings, with equal numbers of updates.")] = "tiny",
    set_: Set = [],
    targets: Targets = "800",
    sample: Sample = "150",
    expansions: Expansions = 32,
    candidates: Candidates = 8,
    minif2f: Annotated[Path | None, typer.Option(
        help="Path of miniF2F, to evaluate on its problems as well; see `--data` of `alchemy eval`.")] = None,
    rebuild_benchmark: Annotated[bool, typer.Option(
        "--rebuild-benchmark", help="Harvest proofs again and build the benchmark from them (about half an hour).")] = False,
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Trains a model with the corpus and one without, and evaluates both. Run again, it resumes."""
    from lean_alchemy.eval.loop import Loop, run_loop
    from lean_alchemy.pipelines.commands.printing import finish, tell
    from lean_alchemy.pipelines.commands.printing import out as stdout
    from lean_alchemy.pipelines.runtime.extras import require_extra

    require_extra("train", "the loop")
    place, problems = out.absolute(), minif2f.absolute() if minif2f else None
    for number in (targets, sample):
        count_of(number)
    done = run_loop(Loop(place, recipe, tuple(set_), targets, sample, expansions, candidates, problems, rebuild_benchmark, seed,
                         workers_of(workers)))
    if not json:
        stdout.print((place / "loop.md").read_text(encoding="utf-8"), markup=False, soft_wrap=True)
    tell(f"the table is {place / 'loop.md'}")
    finish({name: command.summary for name, command in done.items()}, json)
