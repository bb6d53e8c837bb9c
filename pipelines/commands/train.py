"""`alchemy train`: trains a model as a recipe describes."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Set


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe of the package (`tiny`, `smollm2`), or a YAML file.")],
    out: Annotated[Path, typer.Option(help="The folder to write to. An interrupted run resumes; a finished one is not overwritten.")],
    set_: Set = [],
    json: Json = False,
) -> None:
    """Trains a model: continual pretraining and finetuning, as described by a recipe."""
    from lean_alchemy.pipelines.runtime.extras import require_extra
    from lean_alchemy.training.recipe import load_recipe
    from lean_alchemy.training.run_folder import require_usable

    followed = load_recipe(recipe, set_)
    require_usable(out.resolve(), followed)
    require_extra("train", "training")
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.training.run import train as run

    with progress() as report:
        done = run(followed, out.resolve(), report)
    for name, phase in done.phases.items():
        losses = "; ".join(f"{source} {phase.before.get(source, 0):.3f} → {loss:.3f} (unigrams {phase.unigram[source]:.3f})"
                           for source, loss in phase.loss.items())
        tell(f"{name}: {phase.updates:,} updates, {phase.tokens:,} tokens, {phase.seconds:,.0f} s; held-out loss: {losses}")
    tell(f"the model is in {out / 'model'}")
    finish(done, json)
