"""The command line. Each command reads its arguments, runs a job and prints what came of it; heavy imports stand inside the commands, so
that `--help` answers at once."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer import rich_utils

from lean_alchemy.pipelines.commands.bench import bench
from lean_alchemy.pipelines.commands.benchmark import benchmark
from lean_alchemy.pipelines.commands.browse import demo, show
from lean_alchemy.pipelines.commands.corpus import grade, mutate, synthesize, verify
from lean_alchemy.pipelines.commands.eval import evaluate
from lean_alchemy.pipelines.commands.loop import loop
from lean_alchemy.pipelines.commands.proofs import harvest, steps, trace
from lean_alchemy.pipelines.commands.publish import publish, report
from lean_alchemy.pipelines.commands.setup import doctor, setup
from lean_alchemy.pipelines.commands.train import train

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False,
    help="Multiplies the theorems of a Lean library: mutates them with `rw` and `apply`, and lets Lean verify every one.")

for command in (demo, setup, doctor, synthesize, mutate, show, verify, grade, report, publish, harvest, steps, trace, train, loop):
    app.command()(command)
app.add_typer(evaluate, name="eval")
app.add_typer(benchmark, name="benchmark")
app.add_typer(bench, name="bench")

RENAMED = {
    ("benchmark", "build"): {"--held-out": "--test-size", "--version": "--benchmark-version"},
    ("eval",): {"--refute": "--negate"},
    ("harvest",): {"--fresh": "--no-known"},
    ("loop",): {"--fresh": "--rebuild-benchmark"},
}
"""Old names of options, by command. They still work, with a warning."""

_INTERRUPTED = 130
"""How Typer ends a command after Ctrl-C."""

_WrongUse: Any = typer.BadParameter.__base__
"""All that Typer says of arguments. (Which module it comes from depends on Typer's version.)"""

_OF_A_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EEXIST, errno.EROFS, errno.ELOOP,
              errno.ENAMETOOLONG}
"""Errors of a path that the user named; the others are of a disk or a network."""


_RESTARTED = "ALCHEMY_RESTARTED"
"""Set for the restart in UTF-8, so that it happens once even if the user's own flags switch UTF-8 off again."""


def main() -> None:
    """Runs a command. An error that a user can fix is a sentence, with exit status 1 or 2, and no traceback. With `--json` every failure
    prints an object."""
    _use_utf8()
    from lean_alchemy.lean_workspace.errors import Mistake, Trouble
    from lean_alchemy.pipelines.runtime import interrupt

    interrupt.watch()
    try:
        status = app(args=_renamed(sys.argv[1:]), prog_name="alchemy", standalone_mode=False)
        if status == _INTERRUPTED:
            _fail("interrupted. What was done is kept; run the command again to resume.", 1)
        sys.exit(status or 0)
    except _WrongUse as error:
        rich_utils.rich_format_error(error)
        _end_with(error.format_message() or "a command is missing", error.exit_code)
    except Mistake as error:
        _fail(error, 2)
    except Trouble as error:
        _fail(error, 1)
    except OSError as error:
        what = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
        if error.errno in _OF_A_PATH:
            _fail(what, 2)
        _fail(f"{what}. What was done before is kept; run the command again.", 1)
    except Exception as error:
        if "--json" in sys.argv:
            _print_error(f"{type(error).__name__}: {error}")
        raise


def _use_utf8() -> None:
    """Lean's names and texts are UTF-8. Python started under another encoding is started again, once; stdout and stderr escape what their
    encoding lacks."""
    import codecs
    import io
    import locale

    is_restarted = os.environ.pop(_RESTARTED, None)
    if not sys.flags.utf8_mode and not is_restarted and codecs.lookup(locale.getencoding()).name != "utf-8":
        os.environ |= {_RESTARTED: "1", "PYTHONUTF8": "1"}  # PYTHONUTF8 is for the workers
        os.execv(sys.executable, [sys.executable, "-X", "utf8=1", *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _renamed(arguments: Sequence[str]) -> list[str]:
    """The arguments, with the new names of options."""
    for command, names in RENAMED.items():
        if tuple(arguments[:len(command)]) == command:
            return [_present(word, names) for word in arguments]
    return list(arguments)


def _present(word: str, names: dict[str, str]) -> str:
    name, equals, value = word.partition("=")
    if name not in names:
        return word
    _tell(f"{name} is now called {names[name]}")
    return f"{names[name]}{equals}{value}"


def _fail(error: object, status: int) -> NoReturn:
    """Prints the error; with --json an object as well."""
    _tell(error)
    _end_with(error, status)


def _end_with(error: object, status: int) -> NoReturn:
    if "--json" in sys.argv:
        _print_error(error)
    sys.exit(status)


def _print_error(error: object) -> None:
    from lean_alchemy.pipelines.commands.printing import print_json

    print_json({"error": str(error)})


def _tell(error: object) -> None:
    from rich.console import Console

    Console(stderr=True).print(f"alchemy: {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)
