"""`alchemy publish`: a corpus as a data set on the Hugging Face hub, or, to look at it first, as a folder."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Out


def publish(
    out: Out,
    repo: Annotated[str, typer.Argument(metavar="REPO", help="`owner/name` on the hub.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only write the repository, as the folder --out.")] = False,
    folder: Annotated[Path | None, typer.Option("--out", help="With --dry-run: a folder that is not there, or empty.")] = None,
    json: Json = False,
) -> None:
    """Publishes a corpus or a harvest on the Hugging Face hub, with its data card. HF_TOKEN (or `hf auth login`) says who you are."""
    import tempfile

    from lean_alchemy.pipelines.commands.printing import err, finish, progress
    from lean_alchemy.pipelines.publishing import hub
    from lean_alchemy.pipelines.publishing.repository import require_name, write

    if dry_run != (folder is not None):
        raise typer.BadParameter("--dry-run writes the folder that --out names: give both, or neither")
    require_name(repo)
    if folder is not None:
        with progress() as report:
            written = write(out, repo, folder.absolute(), report)
        done = {"folder": str(folder)}
    else:
        hub.require()
        with tempfile.TemporaryDirectory(prefix="alchemy-") as place, progress() as report:
            written = write(out, repo, Path(place) / "repository", report)
            done = {"commit": hub.upload(Path(place) / "repository", repo)}
    err.print(f"{written.rows:,} rows in {written.files} files are " + (f"in {folder}" if folder else f"published as {repo}"),
              highlight=False, soft_wrap=True)
    finish({"repo": written.repo, "files": written.files, "rows": written.rows, "bytes": written.bytes, "tables": written.tables, **done},
           json)
