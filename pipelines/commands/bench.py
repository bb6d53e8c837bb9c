"""`alchemy bench`: measurements of the index, of throughput, of the gym, and of larger libraries."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import (
    Json,
    Kinds,
    LibraryNames,
    OneWorker,
    Seed,
    Targets,
    TargetsOrPairs,
    Workers,
    WorkspaceFolder,
    count_of,
    kinds_of,
    libraries_of,
    numbers_of,
    workers_of,
    workspace_of,
)

bench = typer.Typer(no_args_is_help=True, help="Measures the index, throughput, the gym, and larger libraries.")


NOT_MEASURED = "They are not in the measurement"


@bench.command()
def search(
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    targets: TargetsOrPairs = None,
    pairs: Annotated[int | None, typer.Option(
        min=1, help="Draw targets until each kind and site has this many usable pairs of target and lemma.")] = None,
    seed: Seed = 0,
    kinds: Kinds = "rw,apply",
    way: Annotated[list[str], typer.Option(help="Measure only this kind and site, such as `apply-hypothesis`; repeatable.")] = [],
    workers: OneWorker = 1,
    out: Annotated[Path | None, typer.Option(
        help="The folder to write to: `bench-search.json` and `.png`. An interrupted run resumes.")] = None,
    json: Json = False,
) -> None:
    """Compares brute force, the index and an oracle on every site of random targets."""
    from lean_alchemy.pipelines.bench.report import print_search, search_summary, write_search
    from lean_alchemy.pipelines.bench.search import measure_search as run
    from lean_alchemy.pipelines.bench.search import ways_of
    from lean_alchemy.pipelines.commands.printing import finish, progress
    from lean_alchemy.pipelines.corpus.extract import on_library
    from lean_alchemy.pipelines.runtime.extras import require_extra

    if out is not None:
        require_extra("report", "--out, which also draws a plot,")
    ways, number = ways_of(way, kinds_of(kinds)), count_of(targets or ("all" if pairs else "10"))
    with progress() as report, on_library(libraries_of(library), kinds_of(kinds), report, targets=number, seed=seed, out=out,
                                          workspace=workspace_of(workspace)) as (job, catalogue):
        compared, failures = run(job, catalogue, ways, pairs, workers_of(workers, job.options.workspace), report,
                                 lambda so_far: write_search(so_far, job.options, pairs, out))
    if not json:
        print_search(compared)
    finish(search_summary(compared, job.options, pairs), json, failures, advice=NOT_MEASURED)


@bench.command()
def index(
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    targets: Targets = "200",
    seed: Seed = 0,
    workers: Workers = None,
    out: Annotated[Path | None, typer.Option(
        file_okay=False, help="The folder to write to: `bench-index.json` and `bench-index.png`.")] = None,
    json: Json = False,
) -> None:
    """Measures building, loading and querying the index, and how the costs grow with the library."""
    from lean_alchemy.pipelines.bench.index import measure_index
    from lean_alchemy.pipelines.bench.report import print_index, write_index
    from lean_alchemy.pipelines.commands.printing import finish, progress
    from lean_alchemy.pipelines.corpus.extract import on_library
    from lean_alchemy.pipelines.runtime.extras import require_extra

    if out is not None:
        require_extra("report", "--out, which also draws a plot,")
    with progress() as report, on_library(libraries_of(library), ["rw", "apply"], report, targets=count_of(targets), seed=seed,
                                          workspace=workspace_of(workspace)) as (job, catalogue):
        measured = measure_index(job, catalogue, workers_of(workers, job.options.workspace), report)
    if out is not None:
        write_index(measured, out)
    if not json:
        print_index(measured)
    finish(measured.summary(), json)


@bench.command()
def throughput(
    library: LibraryNames = ["Init", "Std"],
    workspace: WorkspaceFolder = None,
    targets: Targets = "200",
    seed: Seed = 0,
    kinds: Kinds = "rw,apply",
    workers: Workers = None,
    scaling: Annotated[bool, typer.Option(help="Also measure one worker on the same targets.")] = True,
    json: Json = False,
) -> None:
    """Measures verified variants per second, and where the time goes."""
    from lean_alchemy.pipelines.bench.report import print_throughput
    from lean_alchemy.pipelines.bench.throughput import measure_throughput
    from lean_alchemy.pipelines.commands.printing import finish, progress
    from lean_alchemy.pipelines.corpus.extract import on_library

    most = workers_of(workers, workspace_of(workspace))
    numbers = [1, most] if scaling and most > 1 else [most]
    with progress() as report, on_library(libraries_of(library), kinds_of(kinds), report, targets=count_of(targets), seed=seed,
                                          workspace=workspace_of(workspace)) as (job, _):
        measured = measure_throughput(job, numbers, report)
    if not json:
        print_throughput(measured)
    alone, all_ = measured[0], measured[-1]
    finish({**all_.summary(), "one_worker": alone.summary() if alone is not all_ else None,
            "scaling": round(all_.per_second / alone.per_second, 3) if alone is not all_ and alone.per_second else None}, json,
           all_.failures, advice=NOT_MEASURED)


@bench.command()
def gym(
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    episodes: Annotated[int, typer.Option(min=10, help="Number of episodes; each tries tactics on the first states of a theorem.")] = 300,
    theorems: Annotated[int, typer.Option(min=1, help="Number of random theorems to start from, in turn.")] = 200,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Measures steps per second of one engine, with states printed, and how its memory grows."""
    from lean_alchemy.pipelines.bench.gym import measure_gym
    from lean_alchemy.pipelines.bench.report import print_gym
    from lean_alchemy.pipelines.commands.printing import finish, progress
    from lean_alchemy.pipelines.corpus.extract import on_library
    from lean_alchemy.pipelines.corpus.targets import draw_targets

    with progress() as report, on_library(libraries_of(library), ["rw", "apply"], report, targets=theorems, seed=seed,
                                          workspace=workspace_of(workspace)) as (job, catalogue):
        played = measure_gym(job.library, draw_targets(job.options, catalogue)[:theorems], episodes, report)
    if not json:
        print_gym(played)
    finish(played.summary(), json)


@bench.command()
def scale(
    library: LibraryNames = ["Init", "Std"],
    workspace: WorkspaceFolder = None,
    targets: Targets = "200",
    seed: Seed = 0,
    kinds: Kinds = "rw,apply",
    to_theorems: Annotated[int, typer.Option(min=1, help="Theorems of the larger library and of its imports.")] = 300_000,
    to_targets: Annotated[int, typer.Option(min=1, help="Targets of the larger library.")] = 150_000,
    cores: Annotated[str, typer.Option(help="Numbers of cores (one worker each) to estimate for, separated by commas.")] = "8,64,512",
    slower: Annotated[str, typer.Option(help="Assumed slowdowns of Lean on the larger library's terms, separated by commas.")] = "1,3,10",
    out: Annotated[Path | None, typer.Option(file_okay=False, help="The folder to write to: `bench-scale.json`.")] = None,
    json: Json = False,
) -> None:
    """Estimates the time for a larger library on more cores."""
    from lean_alchemy.pipelines.bench.report import print_scale, write_scale
    from lean_alchemy.pipelines.bench.scale import extrapolate, measure_scale
    from lean_alchemy.pipelines.commands.printing import finish, progress
    from lean_alchemy.pipelines.corpus.extract import on_library

    counts, factors = numbers_of("--cores", cores, int), numbers_of("--slower", slower, float)
    number = count_of(targets)
    if number is not None and number < 20:
        raise typer.BadParameter("--targets: at least 20 are needed for an estimate")
    with progress() as report, on_library(libraries_of(library), kinds_of(kinds), report, targets=number, seed=seed,
                                          workspace=workspace_of(workspace)) as (job, catalogue):
        extrapolated = extrapolate(measure_scale(job, catalogue, report), to_theorems, to_targets, counts, factors, seed)
    if out is not None:
        write_scale(extrapolated, out)
    if not json:
        print_scale(extrapolated)
    finish(extrapolated.summary(), json)
