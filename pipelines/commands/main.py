"""The command line. Each command reads its arguments, runs a job and prints what came of it; heavy imports stand inside the commands, so
that `--help` answers at once."""

import os
import sys
from collections.abc import Sequence

import typer

from lean_alchemy.pipelines.commands.bench import bench
from lean_alchemy.pipelines.commands.benchmark import benchmark
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

for command in (setup, doctor, synthesize, mutate, verify, grade, report, publish, harvest, steps, trace, train, loop):
    app.command()(command)
app.add_typer(evaluate, name="eval")
app.add_typer(benchmark, name="benchmark")
app.add_typer(bench, name="bench")

RENAMED = {
    ("benchmark", "build"): {"--held-out": "--test-size"},
    ("eval",): {"--refute": "--negate"},
    ("harvest",): {"--fresh": "--no-known"},
    ("loop",): {"--fresh": "--rebuild-benchmark"},
}
"""Old names of options, by command. They go on working, with a warning."""

_INTERRUPTED = 130
"""How Typer ends a command after Ctrl-C."""


def main() -> None:
    """Runs a command. An error that a user can mend is a sentence, with exit status 1 or 2, and no traceback."""
    _use_utf8()
    from lean_alchemy.lean_workspace.errors import Mistake, Trouble
    from lean_alchemy.pipelines.runtime import interrupt

    interrupt.watch()
    try:
        app(args=_renamed(sys.argv[1:]), prog_name="alchemy")
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _fail("interrupted. What was done is kept; run the command again to resume.", 1)
        raise
    except Mistake as error:
        _fail(error, 2)
    except Trouble as error:
        _fail(error, 1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror or error}{where}. What was done before is kept; run the command again.", 1)


def _use_utf8() -> None:
    """Lean's names and texts are UTF-8. Python started under another encoding is started again; stdout and stderr escape what their
    encoding lacks."""
    import codecs
    import io
    import locale

    if not sys.flags.utf8_mode and codecs.lookup(locale.getencoding()).name != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "lean_alchemy", *sys.argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _renamed(arguments: Sequence[str]) -> list[str]:
    """The arguments with the present names of options."""
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


def _fail(error: object, status: int) -> None:
    """Prints the error; with --json an object as well."""
    _tell(error)
    if "--json" in sys.argv:
        from lean_alchemy.pipelines.commands.printing import print_json

        print_json({"error": str(error)})
    sys.exit(status)


def _tell(error: object) -> None:
    from rich.console import Console

    Console(stderr=True).print(f"alchemy: {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)
