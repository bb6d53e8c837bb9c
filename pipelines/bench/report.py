"""The results of the benchmarks as tables, JSON files and plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from lean_alchemy.pipelines.bench.costs import Costs
from lean_alchemy.pipelines.bench.gym import GymRun
from lean_alchemy.pipelines.bench.index import MATHLIB, IndexResult
from lean_alchemy.pipelines.bench.scale import PAPER_CORE_HOURS, Scale
from lean_alchemy.pipelines.bench.search import WAYS, SearchComparison
from lean_alchemy.pipelines.bench.throughput import Throughput
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.publishing.plots import COLOURS, INK, caption, pyplot
from lean_alchemy.pipelines.runtime.progress import out
from lean_alchemy.pipelines.runtime.storage import write_whole

# --- bench search -----------------------------------------------------------------------------------


def search_summary(compared: SearchComparison, options: Options, pairs: int | None) -> dict[str, Any]:
    """The object of `--json`."""
    return {
        "targets": compared.targets, "library": options.library, "seed": options.seed, "pairs": pairs,
        "recall": compared.recall, "precision": compared.precision,
        "oracle_ratio": compared.ratio("indexed_s", "oracle_s"), "brute_ratio": compared.ratio("brute_s", "indexed_s"),
        "ratios": {name: {"oracle": compared.ratio("indexed_s", "oracle_s", [name]),
                          "brute": compared.ratio("brute_s", "indexed_s", [name])} for name in compared.ways},
        "missed": compared.missed, "rows": compared.rows, "ways": compared.ways, "costs_us": compared.costs.means(),
        "prepare_s": compared.prepare_s, "forms_s": compared.forms_s, "set_aside": compared.set_aside}


def write_search(compared: SearchComparison, options: Options, pairs: int | None, folder: Path | None) -> None:
    """Writes `bench-search.json` and `bench-search.png`. folder: None: nothing is written."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    summary = search_summary(compared, options, pairs)
    write_whole(folder / "bench-search.json", msgspec.json.format(msgspec.json.encode(summary)))
    _draw_search(compared, " + ".join(options.library), folder / "bench-search.png")


def print_search(compared: SearchComparison) -> None:
    table = Table(title=f"search on {compared.targets} targets: usable pairs", title_justify="left")
    table.add_column(no_wrap=True)
    for column in ("usable", "found", "recall"):
        table.add_column(column, justify="right")
    for name in _in_order(compared.rows):
        row = compared.rows[name]
        table.add_row(name, f"{row.usable:,}", f"{row.found:,}", _percent(compared.recall[name]))
    out.print(table)
    table = Table(title="candidates of the index, and seconds of attempts in Lean, including pairs with conditions", title_justify="left")
    table.add_column(no_wrap=True)
    for column in ("tried", "usable", "brute", "index", "oracle", "index/\noracle", "brute/\nindex"):
        table.add_column(column, justify="right", min_width=6)
    for name in _in_order(compared.ways):
        way = compared.ways[name]
        table.add_row(name, f"{way.tried:,}", _percent(compared.precision[name], 0),
                      f"{way.brute_s:.1f}", f"{way.indexed_s:.2f}", f"{way.oracle_s:.2f}",
                      _ratio(compared.ratio("indexed_s", "oracle_s", [name])), _ratio(compared.ratio("brute_s", "indexed_s", [name])))
    table.add_section()
    table.add_row("the paper's", "", "", "", "", "", _ratio(compared.ratio("indexed_s", "oracle_s")),
                  _ratio(compared.ratio("brute_s", "indexed_s")))
    out.print(table)
    _print_costs(compared.costs)
    for name in _in_order(compared.ways):
        beside = ", ".join(f"{n:,} {reason}" for reason, n in sorted(compared.ways[name].beside.items(), key=lambda item: -item[1]))
        if beside:
            out.print(f"{name}: accepted and not usable: {beside}", highlight=False)
    query_s = sum(way.query_s for way in compared.ways.values())
    out.print(f"not counted above: preparing the targets {compared.prepare_s:.1f} s, of which their keys in Lean "
              f"{compared.forms_s:.1f} s; queries {query_s:.2f} s", highlight=False)
    for miss in compared.missed:
        out.print(f"missed: {miss.lemma} ({miss.direction}) at {miss.site} of {miss.target}: {miss.reason}", highlight=False)
    for name, reason in compared.set_aside.items():
        out.print(f"not measured: {name}: {reason}", highlight=False)


def _print_costs(costs: Costs) -> None:
    table = Table(title="mean microseconds of an attempt with empty caches, and of a written variant", title_justify="left")
    table.add_column(no_wrap=True)
    parts = ("unification", "instances", "typing", "closing", "kernel", "printing", "elaboration")
    for column in ("n", "unify", "inst.", "type", "close", "kernel", "print", "elab."):
        table.add_column(column, justify="right", min_width=5)
    for way, outcomes in costs.means().items():
        table.add_section()
        table.add_row(way)
        for outcome, means in sorted(outcomes.items(), key=lambda item: -item[1]["n"]):
            table.add_row(f"  {outcome[:24]}", f"{means['n']:.0f}", *(f"{means[p]:,.0f}" if p in means else "" for p in parts))
    out.print(table)


def _in_order(names: Mapping[str, Any]) -> list[str]:
    order = [name for way in WAYS for name in (way.name, f"{way.name}+conditions")]
    return sorted(names, key=order.index)


def _percent(share: float | None, digits: int = 2) -> str:
    return "" if share is None else f"{share:.{digits}%}"


def _ratio(x: float | None) -> str:
    return "" if x is None else f"{x:.2f}"


def _draw_search(compared: SearchComparison, library: str, file: Path) -> None:
    plt = pyplot()
    figure, ((recall, times), (attempts, variants)) = plt.subplots(2, 2, figsize=(14.5, 8.8), constrained_layout=True)
    figure.suptitle(f"Search over {library}: {compared.targets:,} random targets", fontsize=14, x=0.01, ha="left", color=INK)

    names = [name for name in _in_order(compared.rows) if compared.rows[name].usable]
    for y, name in enumerate(names):
        row, precision = compared.rows[name], compared.precision.get(name)
        recall.barh(y - 0.2, 100 * row.found / row.usable, 0.38, color=COLOURS["indexed"], label="recall" if y == 0 else None)
        recall.text(101, y - 0.2, f"{row.found / row.usable:.2%} of {row.usable:,}", va="center", fontsize=8.5)
        if precision is not None:
            recall.barh(y + 0.2, 100 * precision, 0.38, color=COLOURS["brute"], label="precision" if y == 0 else None)
            recall.text(100 * precision + 1, y + 0.2, f"{precision:.0%}", va="center", fontsize=8.5)
    recall.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 135), xlabel="%", xticks=range(0, 101, 20))
    recall.invert_yaxis()
    caption(recall, "Recall and precision of the index")
    recall.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=9)

    ways = _in_order(compared.ways)
    for x, name in enumerate(ways):
        way = compared.ways[name]
        for i, label in enumerate(("brute", "indexed", "oracle")):
            value = 1000 * getattr(way, f"{label}_s") / max(way.targets, 1)
            if value > 0:
                times.bar(x + 0.27 * (i - 1), value, 0.25, color=COLOURS[label],
                          label={"brute": "brute force", "indexed": "index", "oracle": "oracle"}[label] if x == 0 else None)
                times.text(x + 0.27 * (i - 1), value * 1.08, f"{value:,.0f}", ha="center", fontsize=8)
    labels = [name.replace("-", "\n") for name in ways]
    times.set(yscale="log", xticks=range(len(ways)), xticklabels=labels, ylabel="ms per target, attempts in Lean")
    times.margins(y=0.25)
    caption(times, f"Time (paper's mutations: index {_ratio(compared.ratio('indexed_s', 'oracle_s'))} × oracle, "
                  f"brute force {_ratio(compared.ratio('brute_s', 'indexed_s'))} × index)")
    times.yaxis.set_major_formatter("{x:,.0f}")
    times.yaxis.set_minor_formatter("")
    times.legend(frameon=False, fontsize=9, ncols=3, loc="upper center")

    means = compared.costs.means()
    bars = [(f"{way}: {outcome}", parts) for way in ways for outcome, parts in means.get(way, {}).items()
            if outcome != "written" and (outcome == "usable" or parts["n"] >= 5)]
    _stack(attempts, bars, ("unification", "instances", "typing", "closing"), "Time of an attempt with empty caches")
    bars = [(way, means[way]["written"]) for way in ways if "written" in means.get(way, {})]
    _stack(variants, bars, ("kernel", "printing", "elaboration"), "Time of a variant: kernel check, printing, reading back")
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _stack(axes: Any, bars: Sequence[tuple[str, Mapping[str, float]]], parts: Sequence[str], title: str) -> None:
    for y, (_, means) in enumerate(bars):
        left = 0.0
        for part in parts:
            axes.barh(y, means[part], 0.62, left=left, color=COLOURS[part], label=part if y == 0 else None)
            left += means[part]
        axes.text(left, y, f"  {left:,.0f}", va="center", fontsize=8.5)
    axes.set(yticks=range(len(bars)), yticklabels=[name for name, _ in bars], xlabel="µs (mean)")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    caption(axes, title)
    if bars:
        axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=len(parts))


# --- bench index ------------------------------------------------------------------------------------


def write_index(measured: IndexResult, folder: Path) -> None:
    """Writes `bench-index.json` and `bench-index.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "bench-index.json", msgspec.json.format(msgspec.json.encode(measured.summary())))
    _draw_index(measured, folder / "bench-index.png")


def print_index(measured: IndexResult) -> None:
    build, load = measured.build, measured.load
    table = Table(title=f"the index of {' + '.join(measured.library)}: {measured.theorems:,} theorems, {build.keys:,} keys",
                  title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    for label, value in (
        (f"build: keys in Lean, {build.engines} engines", f"{build.keys_s:.1f} s"),
        ("build: start of the engines", f"{build.start_s:.1f} s"),
        ("build: trie", f"{build.trie_s:.1f} s"),
        ("build: memory of an engine, of this process", f"{build.engine_gb:.2f} GB, {build.process_gb:.2f} GB"),
        ("load: reading theorems and keys", f"{load.read_s:.1f} s"), ("load: trie", f"{load.trie_s:.1f} s"),
        ("load: memory", f"{load.memory_mb:,.0f} MB"),
        (f"target: its keys in Lean, median and p95 of {measured.targets}",
         f"{measured.forms_ms.median:.1f}, {measured.forms_ms.p95:.1f} ms"),
        ("target: preparing, printing and reading back, median and p95",
         f"{measured.prepare_ms.median:.1f}, {measured.prepare_ms.p95:.1f} ms"),
        ("target: query, median and p95", f"{measured.sizes[-1].query_ms.median:.2f}, {measured.sizes[-1].query_ms.p95:.2f} ms"),
    ):
        table.add_row(label, value)
    out.print(table)
    curves, extrapolated = measured.curves(), measured.extrapolated(MATHLIB)
    table = Table(title="growth with the library", title_justify="left")
    table.add_column(no_wrap=True)
    for size in measured.sizes:
        table.add_column(f"{size.theorems:,}", justify="right")
    table.add_column("exponent", justify="right")
    table.add_column(f"{MATHLIB:,} (extrapolated)", justify="right")
    for name, slope in measured.exponents().items():
        table.add_row(_CURVES[name], *(f"{y:,.2f}" for _, y in curves[name]), _ratio(slope),
                      f"{extrapolated[name]:,.1f}" if name in extrapolated else "")
    out.print(table)


_CURVES = {
    "keys_in_lean_s": "keys in Lean, s", "trie_s": "trie, s", "query_ms_median": "query, ms (median)", "query_ms_p95": "query, ms (p95)",
    "candidates_median": "candidates (median)"}
"""The growing quantities of `IndexResult.curves`, as a reader calls them."""


def _draw_index(measured: IndexResult, file: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), constrained_layout=True)
    figure.suptitle(f"The index of {' + '.join(measured.library)} as the library grows", fontsize=14, x=0.01, ha="left", color=INK)
    curves, slopes, extrapolated = measured.curves(), measured.exponents(), measured.extrapolated(MATHLIB)
    colours = ("indexed", "oracle")
    for panel, (title, unit, names) in zip(axes, (
        ("Building", "seconds", ("keys_in_lean_s", "trie_s")),
        ("Query for one target", "milliseconds", ("query_ms_median", "query_ms_p95")),
        ("Candidates of one target", "candidates", ("candidates_median",)),
    ), strict=True):
        for name, colour in zip(names, colours, strict=False):
            points, slope = curves[name], slopes[name]
            label = _CURVES[name].removesuffix(", s").replace(", ms", "") + ("" if slope is None else f": exponent {slope:.2f}")
            panel.plot(*zip(*points, strict=True), "o-", color=COLOURS[colour], label=label)
            if name in extrapolated:
                value = extrapolated[name]
                panel.plot([points[-1][0], MATHLIB], [points[-1][1], value], "--", color=COLOURS[colour], linewidth=1)
                panel.plot([MATHLIB], [value], "o", color="white", markeredgecolor=COLOURS[colour])
                panel.annotate(f"{value:,.1f}", (MATHLIB, value), textcoords="offset points", xytext=(-4, 7), ha="right", fontsize=8.5)
        panel.set(xscale="log", yscale="log", xlabel=f"theorems (hollow: extrapolated to {MATHLIB:,})", ylabel=unit)
        caption(panel, title)
        panel.legend(frameon=False, fontsize=9)
    figure.savefig(file, dpi=130)
    plt.close(figure)


# --- bench throughput -------------------------------------------------------------------------------


def print_throughput(measured: Sequence[Throughput]) -> None:
    table = Table(title="verified variants, and milliseconds of a worker per variant", title_justify="left")
    table.add_column(no_wrap=True)
    for run in measured:
        table.add_column(f"{run.workers} worker{'s' if run.workers > 1 else ''}", justify="right")

    def row(label: str, values: Sequence[str]) -> None:
        table.add_row(label, *values)

    row("targets, candidates tried", [f"{run.tally.targets:,}, {run.tally.candidates:,}" for run in measured])
    row("verified variants", [f"{run.tally.elaborated:,}" for run in measured])
    row("per second, all workers", [f"{run.per_second:.1f}" for run in measured])
    row("share of the time in Lean", [_percent(run.lean_share, 1) for run in measured])
    row("wall-clock seconds, with start and end", [f"{run.wall_s:.1f}" for run in measured])
    table.add_section()
    for part in sorted(measured[-1].parts_ms, key=lambda part: -measured[-1].parts_ms[part]):
        row(part.replace("_", ": ", 1), [f"{run.parts_ms.get(part, 0):.2f} ms" for run in measured])
    out.print(table)
    if len(measured) > 1 and measured[0].per_second:
        out.print(f"{measured[-1].workers} workers are {measured[-1].per_second / measured[0].per_second:.2f} times as fast as one")


# --- bench gym --------------------------------------------------------------------------------------


def print_gym(played: GymRun) -> None:
    table = Table(title=f"{played.per_second:.0f} steps per second, {played.episodes:,} episodes", title_justify="left")
    table.add_column("tactic", no_wrap=True)
    for column in ("steps", "ms", "advanced", "proved", "refused"):
        table.add_column(column, justify="right")
    for tactic, steps in played.steps.items():
        table.add_row(tactic, f"{steps.count:,}", f"{1000 * steps.seconds / steps.count:.2f}",
                      *(f"{steps.outcomes[outcome]:,}" for outcome in ("advanced", "proved", "refused")))
    out.print(table)
    out.print(f"{_percent(played.lean_share, 1)} of the time in Lean; {played.memory_gb[0]:.2f} GB after a tenth of the episodes, "
              f"{played.memory_gb[1]:.2f} GB at the end; {played.engines} engine{'s' if played.engines > 1 else ''}")


# --- bench scale ------------------------------------------------------------------------------------------------------------------


def write_scale(scale: Scale, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "bench-scale.json", msgspec.json.format(msgspec.json.encode(scale.summary())))


def print_scale(scale: Scale) -> None:
    measured, mean = scale.measured, scale.measured.mean
    out.print(f"{' + '.join(measured.library)}: {measured.theorems:,} theorems, {measured.ordinary:,} of them possible targets; means "
              f"of {len(measured.costs)} targets: {mean.candidates:.0f} candidates, {mean.variants:.0f} variants, "
              f"{mean.total:.2f} s of one core",
              highlight=False, soft_wrap=True)
    table = Table(title=f"extrapolated to {scale.theorems:,} theorems, {scale.targets:,} targets: median (90 % interval of the simulation)",
                  title_justify="left")
    for column in ("Lean per term", "cores", "hours", "core-hours", "of the paper's"):
        table.add_column(column, justify="right")
    for run in scale.runs:
        slower = "as fast as here" if run.slower == 1 else f"{run.slower:g} times slower"
        table.add_row(slower, f"{run.workers:,}", str(run.hours), str(run.core_hours), f"1/{PAPER_CORE_HOURS / run.core_hours.median:,.0f}")
    out.print(table)
    out.print(f"candidates grow with the library's size to the power {scale.growth}; per target {scale.candidates} candidates and "
              f"{scale.variants} variants. The paper: {PAPER_CORE_HOURS:,} core-hours", highlight=False, soft_wrap=True)
