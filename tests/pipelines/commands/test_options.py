"""Options mean the same in every command, missing arguments are errors, and --json prints an object on failure, too."""

import json
import os
import subprocess
import sys
import typing
from collections import defaultdict
from pathlib import Path

import pytest
import typer.main
from commands import LIBRARY, alchemy
from places import ROOT
from typer.core import TyperCommand, TyperGroup, TyperOption

from lean_alchemy.pipelines.commands.main import RENAMED, app

COMMANDS: dict[tuple[str, ...], TyperCommand] = {}


def _walk(command: TyperCommand | TyperGroup, path: tuple[str, ...]) -> None:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            _walk(child, (*path, name))
    else:
        COMMANDS[path] = command


_walk(typer.main.get_command(app), ())

CONTRACT = {"demo", "setup", "doctor", "synthesize", "mutate", "show", "verify", "grade", "report", "publish", "harvest", "steps", "trace",
            "train", "loop", "eval", "benchmark", "bench"}


def options_of(command: TyperCommand) -> list[TyperOption]:
    return [parameter for parameter in command.params if isinstance(parameter, TyperOption)]


def test_every_command_is_there_and_has_json():
    assert {path[0] for path in COMMANDS} == CONTRACT
    for path, command in COMMANDS.items():
        assert any("--json" in option.opts for option in options_of(command)), path
        assert command.help and command.help.strip().endswith((".", ")", "`")), path


MEANINGS = {
    "--out": "The folder to write to",  # how the help begins; the files in it follow
    "--workspace": None,  # `setup` makes a workspace, the other commands open one
    "--dry-run": None,  # of a corpus, or of a repository
}
"""Options whose help differs between commands, and how the help begins. None: the words differ, and the meaning is the same."""


def test_an_option_means_one_thing_everywhere():
    said: dict[str, set[str]] = defaultdict(set)
    for command in COMMANDS.values():
        for option in options_of(command):
            for name in option.opts:
                said[name].add(option.help or "")
    for name, helps in said.items():
        if name not in MEANINGS:
            assert len(helps) == 1, (name, helps)
        elif begins := MEANINGS[name]:
            assert all(begins in help or "to write to" in help for help in helps), (name, helps)


def test_an_option_has_one_type_everywhere():
    types: dict[str, set[str]] = defaultdict(set)
    for command in COMMANDS.values():
        annotations = typing.get_type_hints(command.callback.__wrapped__)
        for option in options_of(command):
            types[option.opts[0]].add(str(annotations[option.name] | None))
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


def test_a_default_is_the_same_everywhere():
    defaults: dict[str, set[str]] = defaultdict(set)
    for name in ("--workers", "--seed", "--max-failures", "--retry-failed", "--kinds", "--workspace", "--json", "--module"):
        for path, command in COMMANDS.items():
            for option in options_of(command):
                if name in option.opts and path not in (("bench", "search"), ("setup",)):
                    defaults[name].add(repr(option.default))
        assert len(defaults[name]) == 1, (name, defaults[name])


def test_stage_commands_have_failure_options():
    for path in (("synthesize",), ("grade",), ("steps",), ("harvest",), ("trace",), ("eval", "run")):
        names = {name for option in options_of(COMMANDS[path]) for name in option.opts}
        assert {"--max-failures", "--retry-failed", "--workers"} <= names, path


@pytest.mark.parametrize(("arguments", "missing"), [
    (["eval"], "--benchmark"), (["eval", "--benchmark", "core"], "--model"), (["eval", "compare", "a"], "B"), (["eval", "steps"], "MODEL"),
    (["synthesize"], "OUT"), (["train", "tiny"], "--out"), (["publish", "out"], "REPO"), (["mutate"], "NAME")])
def test_a_missing_required_argument_is_an_error(arguments, missing):
    done = alchemy(*arguments)
    assert done.returncode == 2 and "Missing" in done.stderr and missing in done.stderr, done.stderr


def test_an_old_name_of_an_option_works_with_a_warning(tmp_path):
    done = alchemy("harvest", str(tmp_path / "out"), "--fresh", "--known", "x", "--json")
    assert done.returncode == 2 and "--fresh is now called --no-known" in done.stderr and (
        "--no-known and --known can't be combined" in done.stderr)
    for command, names in RENAMED.items():
        present = {name for path in COMMANDS if path[:len(command)] == command
                   for option in options_of(COMMANDS[path]) for name in option.opts}
        assert set(names.values()) <= present and not set(names) & present


@pytest.mark.parametrize(("arguments", "status"), [
    (["verify", "{tmp}/none", "--json"], 2), (["eval", "--benchmark", "core", "--model", "nobody", "--json"], 2),
    (["benchmark", "unpack", "{tmp}", "--json"], 2), (["verify", "--json"], 2), (["verify", "{tmp}", "--sample", "some", "--json"], 2),
    (["synthesize", "--nonsense", "--json"], 2), (["nonsense", "--json"], 2), (["eval", "compar", "a", "b", "--json"], 2),
    (["mutate", "Nat.add", "--explain", "--json"], 2)])
def test_json_prints_an_object_on_failure(tmp_path, arguments, status):
    done = alchemy(*(word.replace("{tmp}", str(tmp_path)) for word in arguments))
    said = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == status and set(said) == {"version", "error"} and said["version"] == 1
    assert "".join(said["error"].split()) in "".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("flag", ["-Xutf8=0", "-E", "-I"])
def test_a_flag_that_switches_utf8_off_does_not_restart_for_ever(flag):
    """-E and -I hide PYTHONUTF8."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHONUTF8", "PYTHONCOERCE"))}
    start = [sys.executable, flag, "-c", "from lean_alchemy.pipelines.commands.main import main; main()", "--help"]
    done = subprocess.run(start, env={**clean, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, capture_output=True, encoding="utf-8",
                          timeout=60, cwd=ROOT)
    assert done.returncode == 0 and "synthesize" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("environment", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}])
def test_another_encoding_gives_no_traceback(corpus, tmp_path, environment):
    """A name with characters outside ASCII, in an argument and in the message about it. The library was extracted for the corpus."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHONIO", "PYTHONUTF8"))}
    (tmp_path / "typer.py").write_text("raise SystemExit('the user\'s own typer')")
    command = [sys.executable, Path(sys.executable).with_name("alchemy"), "mutate", "Nat.αβ", "--library", LIBRARY, "--json"]
    done = subprocess.run(command, cwd=tmp_path, env={**clean, **environment}, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "there is no theorem" in done.stderr, done.stderr
    assert "Nat.αβ" in json.loads(done.stdout.splitlines()[-1])["error"]
