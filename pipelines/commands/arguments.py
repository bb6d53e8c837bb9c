"""Arguments and options that commands share, and how they are read. An option means the same in every command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from lean_alchemy.pipelines.runtime.runner import Retries
    from lean_alchemy.pipelines.runtime.storage import Location


def _location(text: str) -> "Location":
    from lean_alchemy.pipelines.runtime.storage import location_of

    return location_of(text)


Out = Annotated[Path, typer.Argument(
    parser=_location, metavar="OUT", help="Folder of the corpus or harvest, or a URL such as `s3://bucket/corpus`.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary object as the last line of stdout.")]
_WORKERS = "Number of processes that work in parallel. Each needs one core, and with an engine 2.5 GB of memory (5 GB with a workspace)."
Workers = Annotated[int | None, typer.Option("--workers", min=1, help=_WORKERS, show_default="as many as fit this machine")]
OneWorker = Annotated[int | None, typer.Option("--workers", min=1, help=_WORKERS, show_default="1, so that none waits for another")]
_TARGETS = "Number of theorems, drawn at random, or `all`."
Targets = Annotated[str, typer.Option(help=_TARGETS)]
TargetsOrPairs = Annotated[str | None, typer.Option("--targets", help=_TARGETS, show_default="10, or all with --pairs")]
TargetNames = Annotated[list[str], typer.Option("--target", help="Only this theorem; repeatable.")]
Lemma = Annotated[str | None, typer.Option(help="Only variants made with this lemma.")]
Limit = Annotated[int, typer.Option(min=1, help="Maximum number to print.")]
BenchmarkData = Annotated[Path | None, typer.Option(
    "--data", help="Path of the benchmark.",
    show_default="the `core` of this package")]
Seed = Annotated[int, typer.Option(help="Random seed.")]
LibraryNames = Annotated[list[str], typer.Option(
    "--library", help="A module (`Init`, `Std`), a `.lean` file, or a folder of `.lean` files (write it with a `/`, as in `./Foo`); "
                      "repeatable.")]
WorkspaceFolder = Annotated[Path | None, typer.Option(
    "--workspace", help="A Lake project, for example one with Mathlib. Its own Lean opens the library.", show_default="the embedded Lean")]
Kinds = Annotated[str, typer.Option(help="Kinds of mutation, separated by commas: `rw`, `apply`.")]
Module = Annotated[str | None, typer.Option(help="Only theorems of this module and those below it.")]
Sample = Annotated[str, typer.Option(help="Number to draw at random, or `all`.")]
MaxFailures = Annotated[int, typer.Option(min=0, help="End the run after more failures than this; 0: never.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Retry items that failed in an earlier run.")]
Expansions = Annotated[int, typer.Option(min=1, help="Maximum number of states to expand per theorem.")]
Candidates = Annotated[int, typer.Option(min=1, help="Number of tactics to try per state.")]
Set = Annotated[list[str], typer.Option(
    "--set", metavar="KEY=VALUE", help="Override a value of the recipe: `data.corpora=[corpus]`, `finetune.updates=200`; repeatable.")]
SkipTarget = Annotated[list[str], typer.Option(help="Skip this theorem; repeatable.")]


Number = TypeVar("Number", int, float)


def workers_of(asked: int | None, workspace: str | None = None) -> int:
    """The number that the user gave, or as many as this machine has cores and memory for."""
    if asked is not None:
        return asked
    from lean_alchemy.pipelines.runtime.open_lean import workers_that_fit

    return workers_that_fit(workspace)


def retries_of(max_failures: int, retry_failed: bool) -> "Retries":
    from lean_alchemy.pipelines.runtime.runner import Retries

    return Retries(max_failures=max_failures or None, retry_failed=retry_failed)


def count_of(text: str) -> int | None:
    """The number in an option such as `--sample 200`; None for `all`. Raises BadParameter for anything else."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither a positive number nor `all`")
    return int(text)


def numbers_of(option: str, text: str, kind: type[Number]) -> list[Number]:
    """The numbers in `8,64`. Each must be above zero. Raises BadParameter."""
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
    from lean_alchemy.pipelines.runtime.job import named_libraries

    return named_libraries(names)


def kinds_of(text: str) -> list[str]:
    from lean_alchemy.pipelines.corpus.options import named_kinds

    return named_kinds([name.strip() for name in text.split(",") if name.strip()])
