"""The style of all plots."""

from typing import Any

INK = "#22303c"
COLOURS = {"brute": "#b8c4ce", "indexed": "#2a7f9e", "oracle": "#e0a030",
           "unification": "#2a7f9e", "instances": "#7fb7a4", "typing": "#e0a030", "closing": "#b8c4ce",
           "kernel": "#c4572f", "printing": "#8c6bb1", "elaboration": "#45506b"}


def caption(axes: Any, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10.5, color=INK)


def pyplot() -> Any:
    """`matplotlib.pyplot` without a display, in our style."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 9.5, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#8a97a3",
                         "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK})
    return plt
