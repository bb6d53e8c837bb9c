"""`alchemy trace`: the proofs that people wrote, by LeanDojo."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Out


def trace(
    out: Out,
    repo: Annotated[str | None, typer.Option(metavar="URL", help="A git repository of Lean, by URL or path, to build and trace.")] = None,
    commit: Annotated[str, typer.Option(metavar="REV", help="Of that repository: a commit, tag or branch.")] = "HEAD",
    traced: Annotated[Path | None, typer.Option(
        exists=True, file_okay=False, help="A folder that LeanDojo traced, in its cache OWNER-NAME-COMMIT/NAME; nothing is built.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Files at once.")] = 2,
    json: Json = False,
) -> None:
    """Records the proofs that people wrote in a repository, step by step, with LeanDojo (pip install 'lean-alchemy[dojo]')."""
    from lean_alchemy.lean_workspace.dojo import traces as dojo_traces
    from lean_alchemy.pipelines.commands.printing import err, finish, progress
    from lean_alchemy.pipelines.proofs.trace import reasons
    from lean_alchemy.pipelines.proofs.trace import trace as run

    if (repo is None) == (traced is None):
        raise typer.BadParameter("name one of --repo and --traced")
    dojo_traces.require_package()
    if traced is None:
        source = dojo_traces.cloned(repo, commit)
        traced = dojo_traces.traced(source, workers)
    else:
        traced = traced.resolve()
        source = dojo_traces.source_of(traced)
    with progress() as report:
        tally, seconds = run(out, traced, source, workers, report)
    left_out = "".join(f"; {reason}: {n:,}" for reason, n in reasons(tally))
    err.print(f"{tally.steps:,} steps of {tally.proved:,} of {tally.theorems:,} theorems in {tally.files:,} files{left_out}",
              highlight=False, soft_wrap=True)
    finish({"theorems": tally.theorems, "proved": tally.proved, "steps": tally.steps, "rejects": tally.rejects, "files": tally.files,
            "files_lost": tally.lost, "seconds": round(seconds, 1)}, json)
    if tally.lost:
        err.print(f"{tally.lost:,} of {tally.files:,} files could not be read: they are in the table rejects, with the reason",
                  highlight=False, soft_wrap=True)
        raise typer.Exit(1)
