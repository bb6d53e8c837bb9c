"""Commands that record proofs step by step: `harvest`, `steps`, `trace`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lean_alchemy.pipelines.commands.arguments import (
    Json,
    LibraryNames,
    MaxFailures,
    Module,
    Out,
    RetryFailed,
    Seed,
    SkipTarget,
    Targets,
    Workers,
    WorkspaceFolder,
    count_of,
    libraries_of,
    retries_of,
    workers_of,
    workspace_of,
)


def harvest(
    out: Out,
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    targets: Targets = "200",
    seed: Seed = 0,
    module: Module = None,
    skip_target: SkipTarget = [],
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds; a round may use theorems proved in earlier ones.")] = 3,
    portfolio: Annotated[Literal["none", "quick", "lemmas", "premises", "search"], typer.Option(
        help="Tactics to try: `none` (known proofs only), `quick`, `lemmas` (also with theorems that the index finds), `premises` (also "
             "with "
             "theorems that MePo selects), `search` (`lemmas`, then a short proof search).")] = "lemmas",
    known: Annotated[list[Path], typer.Option(
        help="Known proofs to try first: the OUT of another harvest, or a benchmark; repeatable.", show_default="the benchmark core")] = [],
    no_known: Annotated[bool, typer.Option("--no-known", help="Do not use known proofs.")] = False,
    workers: Workers = None,
    max_failures: MaxFailures = 100,
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Finds proofs of a library's theorems (or takes those in your `.lean` files), and records them step by step."""
    from lean_alchemy.pipelines.benchmarks.leandojo import CORE
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.pipelines.commands.printing import out as stdout
    from lean_alchemy.pipelines.corpus.options import TargetOptions
    from lean_alchemy.pipelines.proofs.harvest import harvest as run
    from lean_alchemy.pipelines.proofs.known_proofs import known_in
    from lean_alchemy.pipelines.publishing.harvest_areas import areas_of, as_table
    from lean_alchemy.pipelines.runtime.job import Job

    if no_known and known:
        raise typer.BadParameter("--no-known and --known can't be combined")
    proofs = [proof for place in (known or ([] if no_known else [CORE])) for proof in known_in(place)]
    options = TargetOptions(library=libraries_of(library), workspace=workspace_of(workspace), targets=count_of(targets), seed=seed,
                            module=module, skip_target=sorted(set(skip_target)))
    with progress() as report:
        found = run(Job(out, options), workers_of(workers, options.workspace), rounds, portfolio, proofs, report,
                    retries_of(max_failures, retry_failed))
    if not json:
        stdout.print(as_table(areas_of(out)))
    proved = sum(found.proved)
    tell(f"{proved:,} of {found.theorems:,} theorems proved, by round {found.proved}; {found.with_premises:,} proofs name a premise; "
         f"{found.leaks} do not replay in a fresh engine")
    finish({"theorems": found.theorems, "proved": proved, "proved_by_round": found.proved, "with_premises": found.with_premises,
            "leaks": found.leaks, "rejects": found.rejects, "seconds": round(found.seconds, 1)}, json, found.failures)


def steps(
    out: Out,
    proofs: Annotated[list[str], typer.Option(
        help="Known proofs of targets, inlined into the proofs of their variants (form `inlined`): the OUT of `harvest` or `trace`, a "
             "benchmark, or `core`; repeatable.")] = [],
    workers: Workers = None,
    max_failures: MaxFailures = 100,
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Runs the proof of every variant in the gym, and records the goal states before and after each tactic in the table `steps`."""
    from lean_alchemy.pipelines.benchmarks.leandojo import benchmark_path
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.pipelines.corpus.extract import install_if_missing
    from lean_alchemy.pipelines.corpus.options import Options
    from lean_alchemy.pipelines.proofs.known_proofs import originals_in
    from lean_alchemy.pipelines.proofs.steps import steps as run
    from lean_alchemy.pipelines.runtime.manifest import manifest_at
    from lean_alchemy.pipelines.runtime.storage import location_of

    workspace = manifest_at(out).options_as(Options).workspace
    with progress() as report:
        install_if_missing(workspace)
        known = originals_in([benchmark_path(name) if name == "core" else location_of(name) for name in proofs])
        tally, failures, seconds = run(out, workers_of(workers, workspace), known, report, retries_of(max_failures, retry_failed))
    tell(f"{tally.rows:,} steps of {tally.with_steps:,} of {tally.variants:,} variants; {tally.goal_directed:,} variants also in "
         f"goal-directed form, {tally.inlined:,} with the target's proof inlined")
    finish({"variants": tally.variants, "with_steps": tally.with_steps, "goal_directed": tally.goal_directed, "inlined": tally.inlined,
            "steps": tally.rows, "seconds": round(seconds, 1)}, json, failures)


def trace(
    out: Out,
    repo: Annotated[str | None, typer.Option(metavar="URL", help="URL or path of a git repository of Lean to build and trace.")] = None,
    commit: Annotated[str, typer.Option(metavar="REV", help="Commit, tag or branch of the repository.")] = "HEAD",
    traced: Annotated[Path | None, typer.Option(
        exists=True, file_okay=False, help="A folder that LeanDojo has already traced, such as OWNER-NAME-COMMIT/NAME in its cache; "
                                           "nothing is built.")] = None,
    workers: Workers = None,
    max_failures: MaxFailures = 100,
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Records the proofs in a git repository step by step, with LeanDojo (pip install 'lean-alchemy[dojo]')."""
    from lean_alchemy.lean_workspace.dojo import traces as dojo_traces
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.pipelines.proofs.trace import reasons
    from lean_alchemy.pipelines.proofs.trace import trace as run

    if (repo is None) == (traced is None):
        raise typer.BadParameter("give exactly one of --repo and --traced")
    dojo_traces.require_package()
    processes = workers_of(workers)
    if traced is not None:
        folder = traced.resolve()
        source = dojo_traces.repository_of(folder)
    else:
        source = dojo_traces.cloned(repo or "", commit)
        folder = dojo_traces.traced(source, processes)
    with progress() as report:
        tally, failures, seconds = run(out, folder, source, processes, report, retries_of(max_failures, retry_failed))
    left_out = "".join(f"; {reason}: {n:,}" for reason, n in reasons(tally))
    tell(f"{tally.steps:,} steps of {tally.proved:,} of {tally.theorems:,} theorems in {tally.files:,} files{left_out}")
    if tally.lost:
        tell(f"{tally.lost:,} of {tally.files:,} files are unreadable")
    finish({"theorems": tally.theorems, "proved": tally.proved, "steps": tally.steps, "rejects": tally.rejects, "files": tally.files,
            "files_lost": tally.lost, "seconds": round(seconds, 1)}, json, failures)
