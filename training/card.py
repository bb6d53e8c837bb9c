"""The card of a model: what it is, what it was trained on, and its losses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from lean_alchemy.training.data import TokenReport
from lean_alchemy.training.recipe import Recipe

_TEMPLATE = jinja2.Template((Path(__file__).parent / "templates" / "card.md").read_text(encoding="utf-8"), keep_trailing_newline=True,
                            trim_blocks=True)


def model_card(recipe: Recipe, run: Any, data: Mapping[str, TokenReport], versions: Mapping[str, str]) -> str:
    """The card as Markdown. run: a `training.run.Run`. Of local folders it gives the last part of the path only."""
    corpora = [Path(out).name for out in recipe.data.corpora]
    base = recipe.base.package or recipe.base.model
    return _TEMPLATE.render(recipe=recipe, run=run, data=data, versions=versions, corpora=corpora, base=Path(base).name if base else None,
                            phases={name: msgspec.structs.asdict(fitted) for name, fitted in run.phases.items()})
