"""The page of `alchemy report`: the plots, and the HTML page that contains them (`templates/report.html`)."""

import base64
import io
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import resources
from typing import Any

import jinja2
import numpy as np

from lean_alchemy.pipelines.corpus.mutate import MUTATE
from lean_alchemy.pipelines.publishing.figures import SIZE_EDGES, ReportFigures
from lean_alchemy.pipelines.publishing.plots import COLOURS, caption, pyplot
from lean_alchemy.pipelines.runtime.storage import Location, make, write_whole

MB = 1e6


def write_report(figures: ReportFigures, folder: Location) -> Location:
    """Writes `report.html`, which embeds its plots, and a PNG file for each plot. Returns the page's path."""
    make(folder)
    plots: dict[str, str] = {}
    for name, draw in PLOTS.items():
        if (image := _rendered(draw, figures)) is not None:
            write_whole(folder / f"{name}.png", image)
            plots[name] = "data:image/png;base64," + base64.b64encode(image).decode()
    template = resources.files("lean_alchemy.pipelines.publishing").joinpath("templates/report.html").read_text(
        encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["n"] = lambda x: f"{x:,.0f}" if isinstance(x, (int, float)) else x
    page = environment.from_string(template).render(
        f=figures, m=figures.manifest, plots=plots, rejects=sorted(figures.manifest.rejects.items(), key=lambda item: -item[1]),
        size_mb=sum(figures.bytes.values()) / MB)
    write_whole(folder / "report.html", page.encode())
    return folder / "report.html"


def _rendered(draw: Callable[[Any, ReportFigures], bool], figures: ReportFigures) -> bytes | None:
    """A plot as PNG; None if it has nothing to show."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7.2, 3.9), constrained_layout=True)
    try:
        if not draw(axes, figures):
            return None
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=140)
        return image.getvalue()
    finally:
        plt.close(figure)


def _bars(axes: Any, values: Mapping[str, float], colour: str, unit: str, log: bool = False, form: str = "{:,.0f}") -> None:
    """Horizontal bars, the first on top, each labelled with its value."""
    names = list(values)
    axes.barh(range(len(names)), list(values.values()), 0.7, color=colour)
    for y, value in enumerate(values.values()):
        axes.text(value, y, "  " + form.format(value), va="center", fontsize=8.5)
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel=unit)
    axes.invert_yaxis()
    axes.margins(x=0.16)
    if log:
        axes.set_xscale("log")
    elif max(values.values(), default=0) >= 10_000:
        axes.xaxis.set_major_formatter("{x:,.0f}")  # from here on matplotlib would use an offset such as 1e6
        axes.locator_params(axis="x", nbins=5)


def _funnel(axes: Any, f: ReportFigures) -> bool:
    counts, rejects = f.manifest.counts, f.manifest.rejects
    lean = sum(n for reason, n in rejects.items() if reason.startswith("attempt: "))
    _bars(axes, {"candidates of the index": counts["candidates"], "accepted by Lean": counts["candidates"] - lean,
                 "admitted by the policy,\naccepted by the kernel": counts["kernel_checked"],
                 "read back as\nthe same statement": counts["elaborated"], "kept": counts["variants"]}, COLOURS["indexed"], "")
    caption(axes, "From candidates to variants")
    return True


def _rejects(axes: Any, f: ReportFigures) -> bool:
    most = sorted(f.manifest.rejects.items(), key=lambda item: -item[1])[:16]
    _bars(axes, {reason: max(n, 1) for reason, n in most}, COLOURS["brute"], "", log=True)
    axes.tick_params(axis="y", labelsize=8)
    caption(axes, "Reasons for rejecting candidates (logarithmic)")
    return bool(most)


def _targets(axes: Any, f: ReportFigures) -> bool:
    counts = np.array(f.per_target)
    edges = np.unique(np.concatenate([[0, 1], np.round(np.geomspace(2, max(3, counts.max() + 1), 24)).astype(int)]))
    heights, _ = np.histogram(counts, edges)
    axes.bar(range(len(heights)), heights, 0.9, color=COLOURS["indexed"])
    labels = [str(a) if b == a + 1 else f"{a}–{b - 1}" for a, b in itertools.pairwise(edges)]
    axes.set_xticks(range(len(heights)), labels, rotation=60, fontsize=7.5, ha="right", rotation_mode="anchor")
    axes.set(xlabel="variants of one target", ylabel="targets")
    caption(axes, f"Variants per target: mean {counts.mean():.1f}, median {np.median(counts):.0f}")
    return True


def _uses(axes: Any, f: ReportFigures) -> bool:
    names = {("rw", "conclusion"): "rw at the conclusion", ("rw", "hypothesis"): "rw at a hypothesis",
             ("apply", "conclusion"): "apply at the conclusion", ("apply", "hypothesis"): "apply at a hypothesis"}
    left = np.zeros(len(names))
    for direction, colour in (("forward", "indexed"), ("backward", "oracle")):
        values = np.array([f.uses[(*use, direction)] for use in names])
        axes.barh(range(len(names)), values, 0.6, left=left, color=COLOURS[colour], label=direction)
        left += values
    for y, value in enumerate(left):
        axes.text(value, y, f"  {value:,.0f}", va="center", fontsize=8.5)
    axes.set(yticks=range(len(names)), yticklabels=names.values())
    axes.invert_yaxis()
    axes.margins(x=0.16)
    axes.legend(frameon=False, fontsize=9)
    caption(axes, "Kinds, sites and directions")
    return True


def _most(counts: Mapping[str, int], n: int) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n])


def _modules(axes: Any, f: ReportFigures) -> bool:
    _bars(axes, _most(f.modules, 16), COLOURS["instances"], "variants")
    axes.tick_params(axis="y", labelsize=8)
    caption(axes, "Areas of the targets" + (f": the largest 16 of {len(f.modules):,}" if len(f.modules) > 16 else ""))
    return True


def _lemmas(axes: Any, f: ReportFigures) -> bool:
    _bars(axes, _most(f.lemmas, 16), COLOURS["typing"], "variants")
    axes.tick_params(axis="y", labelsize=8)
    caption(axes, f"The most used of {len(f.lemmas):,} lemmas")
    return True


def _sizes(axes: Any, f: ReportFigures) -> bool:
    middles = np.sqrt(SIZE_EDGES[:-1] * SIZE_EDGES[1:])
    for name, colour in (("targets", "brute"), ("variants", "indexed")):
        total = f.sizes[name].sum()
        if total:
            axes.step(middles, 100 * f.sizes[name] / total, where="mid", color=COLOURS[colour], label=name)
            axes.fill_between(middles, 100 * f.sizes[name] / total, step="mid", color=COLOURS[colour], alpha=0.25)
    axes.set(xscale="log", xlabel="characters of the statement", ylabel="% of statements")
    axes.set_xticks([10, 30, 100, 300, 1000], ["10", "30", "100", "300", "1,000"])
    axes.minorticks_off()
    axes.legend(frameon=False)
    caption(axes, "Size")
    return True


def _time(axes: Any, f: ReportFigures) -> bool:
    if f.tally is None or not f.tally.seconds:
        return False
    lean = dict(f.tally.lean_s)
    write_s = lean.pop("write", 0.0)
    labels = {"target": "preparing targets, with their keys", "try": "attempts", "start": "restarting engines"}
    parts = {labels.get(name, name): s for name, s in lean.items()}
    parts |= {{"kernel": "kernel checks", "print": "printing texts", "elaborate": "reading texts back"}[name]: s
              for name, s in f.tally.write_s.items()}
    parts["writing: the rest"] = max(0.0, write_s - sum(f.tally.write_s.values()))
    parts["Python: queries, rules, tables"] = max(0.0, f.tally.seconds - sum(f.tally.lean_s.values()))
    share = {name: 100 * s / f.tally.seconds for name, s in sorted(parts.items(), key=lambda item: -item[1])}
    _bars(axes, share, COLOURS["closing"], "% of the workers' time", form="{:.1f}")
    rate = f.tally.elaborated / f.tally.seconds
    hours = f.tally.seconds / 3600
    total = f"{hours:,.1f} worker-hours" if hours >= 1 else f"{60 * hours:.1f} worker-minutes"
    caption(axes, f"Time: {total}, {rate:.0f} verified variants per second and worker")
    return True


def _runs(axes: Any, f: ReportFigures) -> bool:
    """Variants over time, the runs joined, and the memory of the driver process."""
    minutes, total, variants, memory, last = 0.0, 0, [(0.0, 0)], [], None
    for line in f.log:
        now = datetime.fromisoformat(line["time"])
        if line["event"] == "begin":
            last = now
        if last is None or line["event"] not in ("shard", "end"):
            continue
        minutes += (now - last).total_seconds() / 60
        last = now
        if line["event"] == "shard" and line.get("stage") == MUTATE.name:
            total += line["tally"]["elaborated"]
            variants.append((minutes, total))
            memory.append((minutes, line["driver_mb"]))
    if len(variants) < 3:
        return False
    axes.plot(*zip(*variants, strict=True), color=COLOURS["indexed"])
    axes.set(xlabel="minutes", ylabel="verified variants")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    right = axes.twinx()
    right.plot(*zip(*memory, strict=True), color=COLOURS["oracle"], linewidth=1)
    right.set_ylabel("memory of the driver, MB", color=COLOURS["oracle"])
    right.set_ylim(0, 1.6 * max(mb for _, mb in memory))
    right.spines["right"].set_visible(True)
    caption(axes, "Progress of the runs")
    return True


def _grades(axes: Any, f: ReportFigures) -> bool:
    if not f.grades:
        return False
    total = sum(f.grades.values())
    _bars(axes, {name: 100 * n / total for name, n in f.grades.most_common()}, COLOURS["printing"], "% of the variants", form="{:.1f}")
    caption(axes, "The cheapest automation that proves a variant alone")
    return True


PLOTS: dict[str, Callable[[Any, ReportFigures], bool]] = {
    "funnel": _funnel, "targets": _targets, "uses": _uses, "rejects": _rejects, "modules": _modules, "lemmas": _lemmas,
    "sizes": _sizes, "grades": _grades, "time": _time, "runs": _runs}
"""In the order of the page. Each function returns whether it has something to show."""
