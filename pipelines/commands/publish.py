"""`alchemy report`: a page about a corpus. `alchemy publish`: a dataset on the Hugging Face Hub, or first in a local folder."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Out, Seed


def report(
    out: Out,
    examples: Annotated[int, typer.Option(min=0, help="Number of example variants.")] = 12,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Writes a report about a corpus: OUT/report/report.html, a self-contained page, and its plots as PNG files."""
    from lean_alchemy.pipelines.commands.printing import finish, tell
    from lean_alchemy.pipelines.publishing.figures import collect_figures
    from lean_alchemy.pipelines.publishing.report_page import write_report
    from lean_alchemy.pipelines.runtime.extras import require_extra

    require_extra("report", "a report")
    figures = collect_figures(out, examples, seed)
    page = write_report(figures, out / "report")
    tell(f"the page is {page}")
    finish({"page": str(page), "plots": sorted(str(file) for file in page.parent.glob("*.png")),
            "examples": [example.variant.variant_id for example in figures.examples]}, json)


def publish(
    out: Out,
    repo: Annotated[str, typer.Argument(metavar="REPO", help="`owner/name` on the Hub.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only write the repository to the folder --out; upload nothing.")] = False,
    folder: Annotated[Path | None, typer.Option("--out", help="With --dry-run: a new or empty folder to write to.")] = None,
    json: Json = False,
) -> None:
    """Publishes a corpus or a harvest on the Hugging Face Hub, with its data card. HF_TOKEN (or `hf auth login`) provides your token."""
    import tempfile

    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.pipelines.publishing import hub
    from lean_alchemy.pipelines.publishing.repository import require_name, write_repository

    if dry_run != (folder is not None):
        raise typer.BadParameter("--dry-run and --out FOLDER go together: give both, or neither")
    require_name(repo)
    if folder is not None:
        with progress() as report:
            written = write_repository(out, repo, folder.absolute(), report)
        done = {"folder": str(folder)}
    else:
        hub.require_hub()
        with tempfile.TemporaryDirectory(prefix="alchemy-") as place, progress() as report:
            written = write_repository(out, repo, Path(place) / "repository", report)
            done = {"commit": hub.upload(Path(place) / "repository", repo)}
    tell(f"{written.rows:,} rows in {written.files} files are " + (f"in {folder}" if folder else f"published as {repo}"))
    finish({"repo": written.repo, "files": written.files, "rows": written.rows, "bytes": written.bytes, "tables": written.tables, **done},
           json)
