"""Arguments and options that commands share, and how they are read. An option means the same in every command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from lean_alchemy.pipelines.runtime.runner import Retries
    from lean_alchemy.pipelines.runtime.storage import Location


def _location(text: str) -> "Location":
    from lean_alchemy.pipelines.runtime.storage import location_of

    return location_of(text)


Out = Annotated[Any, typer.Argument(parser=_location, metavar="OUT", help="The folder, or a URL such as `s3://bucket/corpus`.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary object as the last line of stdout.")]
Workers = Annotated[int | None, typer.Option(
    min=1, help="Engines that run at once, one core and 2.5 GB each (5 GB with a workspace).", show_default="what fits the machine")]
Seed = Annotated[int, typer.Option(help="Of every random choice.")]
LibraryNames = Annotated[list[str], typer.Option(
    "--library", help="A module (`Init`, `Std`), a `.lean` file of yours, or a folder of such files, with a `/` in its name; repeatable.")]
WorkspaceFolder = Annotated[Path | None, typer.Option(
    "--workspace", help="A lake project, such as one with Mathlib: its own Lean opens the library.", show_default="the embedded Lean")]
Kinds = Annotated[str, typer.Option(help="Kinds of mutation, separated by commas: `rw`, `apply`.")]
Module = Annotated[str | None, typer.Option(help="Only theorems of this module and those below it.")]
Sample = Annotated[str, typer.Option(help="How many, chosen by the seed, or `all`.")]
MaxFailures = Annotated[int, typer.Option(min=0, help="Items that may fail before the run ends; 0: any number.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try items again that failed in an earlier run.")]
Expansions = Annotated[int, typer.Option(min=1, help="States that are expanded for a theorem, at most.")]
Candidates = Annotated[int, typer.Option(min=1, help="Tactics that are tried on a state.")]
Set = Annotated[list[str], typer.Option(
    "--set", metavar="KEY=VALUE", help="A value instead of the recipe's: `data.corpora=[corpus]`, `finetune.updates=200`; repeatable.")]
SkipTarget = Annotated[list[str], typer.Option(help="Leave this theorem out; repeatable.")]


Number = TypeVar("Number", int, float)


def workers_of(asked: int | None, workspace: str | None = None) -> int:
    """As many as are asked for, else as many as there are cores and memory for."""
    if asked is not None:
        return asked
    from lean_alchemy.pipelines.runtime.lean import workers_that_fit

    return workers_that_fit(workspace)


def retries_of(max_failures: int, retry_failed: bool) -> "Retries":
    from lean_alchemy.pipelines.runtime.runner import Retries

    return Retries(max_failures=max_failures or None, retry_failed=retry_failed)


def count_of(text: str) -> int | None:
    """`all` is None."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither a positive number nor `all`")
    return int(text)


def numbers_of(option: str, text: str, kind: type[Number]) -> list[Number]:
    """`8,64`, each above zero."""
    try:
        found = [kind(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or any(number <= 0 for number in found):
        raise typer.BadParameter(f"{option}: {text!r} must be numbers above zero, separated by commas")
    return found


def workspace_of(folder: Path | None) -> str | None:
    return None if folder is None else str(folder.resolve())


def libraries_of(names: list[str]) -> list[str]:
    """Files by their full path, as OUT is read again from other folders; for a folder the `.lean` files below it, without those of its
    build and of its packages (`.lake`) and without its `lakefile.lean`."""
    return [place for name in names for place in _places(name)]


def _places(name: str) -> list[str]:
    place = Path(name)
    if name.endswith(".lean"):
        return [str(place.resolve())]
    if "/" not in name:
        return [name]  # a module, even where a folder has its name
    if not place.is_dir():
        raise typer.BadParameter(f"there is no folder {name}")
    files = sorted(file for file in place.resolve().rglob("*.lean")
                   if file.name != "lakefile.lean" and not any(part.startswith(".") for part in file.relative_to(place.resolve()).parts))
    if not files:
        raise typer.BadParameter(f"there is no .lean file below {name}")
    return [str(file) for file in files]


def kinds_of(text: str) -> list[str]:
    from lean_alchemy.mutation.kinds import BY_NAME

    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown or not names:
        raise typer.BadParameter(f"there is no kind {', '.join(unknown) or repr(text)}; there are {', '.join(BY_NAME)}")
    return [name for name in BY_NAME if name in names]
