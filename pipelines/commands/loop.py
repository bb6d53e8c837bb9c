"""`alchemy loop`: corpus, training, evaluation, one table."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Candidates, Expansions, Json, Seed, Set, Workers, workers_of


def loop(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for all of it.")],
    recipe: Annotated[str, typer.Option(help="What is trained, once with the corpus and once without, for as many updates.")] = "tiny",
    set_: Set = [],
    targets: Annotated[int, typer.Option(min=1, help="Theorems of Init and Std to mutate.")] = 800,
    sample: Annotated[int, typer.Option(min=1, help="Theorems of each split of the benchmark to prove.")] = 150,
    expansions: Expansions = 32,
    candidates: Candidates = 8,
    minif2f: Annotated[Path | None, typer.Option(help="Problems of miniF2F, to prove them as well: see `alchemy eval`.")] = None,
    rebuild_benchmark: Annotated[bool, typer.Option(
        "--rebuild-benchmark", help="Harvest, and build the benchmark from that, which takes half an hour.")] = False,
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """What a corpus is worth: a model trained with it and one without, both judged. Run again, it goes on where it stopped."""
    from lean_alchemy.eval.loop import Loop, run_loop
    from lean_alchemy.pipelines.commands.printing import finish, tell
    from lean_alchemy.pipelines.commands.printing import out as stdout
    from lean_alchemy.pipelines.runtime.extras import require

    require("train")
    place, problems = out.absolute(), minif2f.absolute() if minif2f else None
    done = run_loop(Loop(place, recipe, tuple(set_), targets, sample, expansions, candidates, problems, rebuild_benchmark, seed,
                         workers_of(workers)))
    if not json:
        stdout.print((place / "loop.md").read_text(encoding="utf-8"), markup=False, soft_wrap=True)
    tell(f"the table is {place / 'loop.md'}")
    finish({name: command.summary for name, command in done.items()}, json)
