"""The losses of a run as a picture."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from lean_alchemy.pipelines.publishing.plots import caption, pyplot

LOSS_COLOURS = {"training": "#b8c4ce", "original": "#22303c", "rw": "#2a7f9e", "apply": "#e0a030"}


def plot_losses(metrics: Path, unigram: Mapping[str, Mapping[str, float]], picture: Path) -> None:
    """One panel per phase: training loss, validation loss of each source, and the unigram baseline (dashed). unigram: by phase and
    source."""
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    phases = list(dict.fromkeys(row["phase"] for row in rows))
    plt = pyplot()
    figure, panels = plt.subplots(1, len(phases), figsize=(5.5 * len(phases), 3.6), squeeze=False)
    for panel, phase in zip(panels[0], phases, strict=True):
        training = [(row["update"], row["loss"]) for row in rows if row["phase"] == phase and "loss" in row]
        panel.plot(*zip(*training, strict=True), color=LOSS_COLOURS["training"], lw=1, label="training")
        sources: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for row in rows:
            if row["phase"] == phase and "source" in row:
                sources[row["source"]].append((row["update"], row["validation_loss"]))
        for source, points in sources.items():
            panel.plot(*zip(*points, strict=True), color=LOSS_COLOURS[source], marker="o", ms=3, label=f"{source}, held out")
            panel.axhline(unigram[phase][source], color=LOSS_COLOURS[source], ls="--", lw=0.8)
        panel.set_ylim(bottom=0)
        panel.set_xlabel("updates")
        panel.set_ylabel("nats per token")
        panel.legend(frameon=False)
        caption(panel, phase)
    figure.tight_layout()
    figure.savefig(picture, dpi=130)
    plt.close(figure)
