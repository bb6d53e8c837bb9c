"""Pass rate against budget, for one run or several."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lean_alchemy.eval.prove import Result
from lean_alchemy.eval.score import by_budget
from lean_alchemy.pipelines.publishing.plots import caption, pyplot

_COLOURS = ("#2a7f9e", "#e0a030", "#8c6bb1", "#c4572f", "#45506b")


def plot_budget(runs: Mapping[str, Sequence[Result]], picture: Path) -> None:
    """Writes a PNG file. runs: the results of each run, by its name."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(6.2, 3.8))
    for (name, results), colour in zip(runs.items(), _COLOURS * len(runs), strict=False):
        axes.step(*zip(*by_budget(results), strict=True), where="post", color=colour, label=name)
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("expansions per theorem")
    axes.set_ylabel("share of theorems proved")
    axes.legend(frameon=False)
    caption(axes, "pass rate against budget")
    figure.tight_layout()
    figure.savefig(picture, dpi=130)
    plt.close(figure)
