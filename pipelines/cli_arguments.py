"""Arguments and options that commands share, and how they are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipelines.storage import Location


def _location(text: str) -> "Location":
    from pipelines.storage import location_of

    return location_of(text)


Out = Annotated[Any, typer.Argument(parser=_location, metavar="OUT", help="The folder of the corpus, or a URL such as `s3://bucket/corpus`.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary object as the last line of stdout.")]
Workers = Annotated[int, typer.Option(min=1, help="Engines at work, one core and 1.5 GB each.")]
LibraryNames = Annotated[list[str], typer.Option(
    "--library", help="A module (`Init`, `Std`) or a `.lean` file of yours; repeatable.")]
Kinds = Annotated[str, typer.Option(help="Kinds of mutation, separated by commas: `rw`, `apply`.")]


def count_of(text: str) -> int | None:
    """`all` is None."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither a positive number nor `all`")
    return int(text)


def one_of(option: str, value: str, *known: str) -> None:
    if value not in known:
        raise typer.BadParameter(f"{option}: {value!r} is none of {', '.join(known)}")


def libraries_of(names: list[str]) -> list[str]:
    """Files by their full path: OUT is read again from other folders."""
    return [str(Path(name).resolve()) if name.endswith(".lean") else name for name in names]


def kinds_of(text: str) -> list[str]:
    from mutation.kinds import BY_NAME

    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown or not names:
        raise typer.BadParameter(f"there is no kind {', '.join(unknown) or repr(text)}; there are {', '.join(BY_NAME)}")
    return [name for name in BY_NAME if name in names]
