"""The loop: its commands, resuming, and its table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from commands import program
from places import ROOT

from lean_alchemy.eval import loop as loop_
from lean_alchemy.eval.loop import WITH, WITHOUT, Command, FinishedCommand, Loop, as_markdown, commands, run_loop
from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.pipelines.commands.main import app


def loop(out: Path, **fields) -> Loop:
    return Loop(**{"out": out, "recipe": "tiny", "settings": ("finetune.updates=9",), "targets": "5", "sample": "4", "expansions": 3,
                   "candidates": 2, "minif2f": Path("m.jsonl"), "rebuild_benchmark": False, "seed": 7, "workers": 1, **fields})


@pytest.mark.parametrize("rebuilt", [False, True])
def test_every_stage_of_the_loop_is_an_alchemy_command(tmp_path, rebuilt):
    every = list(commands(loop(tmp_path, rebuild_benchmark=rebuilt)))
    assert len({command.name for command in every}) == len(every)
    assert any(command.arguments[0] == "harvest" for command in every) == rebuilt
    for command in every:
        at, arguments = typer.main.get_command(app), list(command.arguments)
        while arguments and arguments[0] in getattr(at, "commands", {}):
            at = at.commands[arguments.pop(0)]
        at.make_context(command.name, [*arguments, "--json"])  # raises an error for an unknown option


def test_the_two_trainings_differ_only_in_the_corpus(tmp_path):
    told = {command.name: command.arguments for command in commands(loop(tmp_path))}
    differing = [pair for pair in zip(told[f"train {WITH}"], told[f"train {WITHOUT}"], strict=True) if pair[0] != pair[1]]
    assert [pair[0] for pair in differing] == [str(tmp_path / "models" / "with-variants"), f"data.corpora=[{tmp_path}/corpus]"]


def summary_of(command: Command) -> dict:
    return {"interval": [0.1, 0.3], "proved": 1, "attempted": 5, "pass_rate": 0.2, "bits_per_byte": 1.25, "exact": 0.5, "difference": 0.05,
            "p_value": 0.25, "recipe": "tiny", "parameters": 5_700_000, "steps": 450, "tokens": 1_000_000, "variants": 120, "targets": 5}


def test_the_loop_resumes_with_unfinished_commands(tmp_path, monkeypatch):
    ran: list[str] = []

    def run(command: Command) -> dict:
        if command.name == f"train {WITH}" and len(ran) < 5:
            ran.append("failed")
            raise Trouble("out of memory")
        ran.append(command.name)
        return summary_of(command)

    monkeypatch.setattr(loop_, "_run", run)
    with pytest.raises(Trouble):
        run_loop(loop(tmp_path))
    assert ran == ["corpus", "steps", f"train {WITHOUT}", "failed"] and not (tmp_path / "loop.md").exists()
    ran.append("again")
    run_loop(loop(tmp_path))
    assert ran[5] == f"train {WITH}" and ran.count("corpus") == 1
    before = len(ran)
    run_loop(loop(tmp_path))
    assert len(ran) == before
    run_loop(loop(tmp_path, expansions=9))  # another budget repeats only the searches and comparisons
    searched = {name.split(",")[0].removeprefix("compare ").removeprefix("core ") for name in ran[before:]}
    assert searched == {"random", "novel_premises", "minif2f"}


def test_another_recipe_needs_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(loop_, "_run", summary_of)
    run_loop(loop(tmp_path))
    with pytest.raises(Mistake, match=r"finetune\.updates: 9, 8"):
        run_loop(loop(tmp_path, settings=("finetune.updates=8",)))


def test_the_table_has_a_row_for_each_prover(tmp_path):
    the = loop(tmp_path)
    text = as_markdown(the, {command.name: FinishedCommand(command.arguments, summary_of(command)) for command in commands(the)})
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 6 and len({row.count("|") for row in rows}) == 1
    assert "1 of 5: 20.0% (10.0%–30.0%)" in rows[2] and "1.250, 50.0%" in rows[3] and "+5.0%" in rows[5] and "5,700,000" in text


def test_a_command_that_fails_ends_the_loop(tmp_path):
    (tmp_path / "file").write_text("no folder for a Lean", encoding="utf-8")
    done = program("loop", str(tmp_path / "loop"), "--targets", "1", env={**os.environ, "ALCHEMY_HOME": str(tmp_path / "file" / "home")})
    assert done.returncode == 1 and "alchemy synthesize" in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_waits_for_the_running_command(tmp_path):
    """The command gets one signal, and the loop waits for it."""
    command = tmp_path / "command"
    command.write_text(f"#!/bin/sh\ntrap 'sleep 1; echo told >> {tmp_path}/kept; exit 1' INT\ntouch {tmp_path}/begun\n"
                       "while :; do sleep 0.1; done\n", encoding="utf-8")
    command.chmod(0o755)
    code = ("import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from lean_alchemy.eval import loop; "
            f"sys.executable = {str(command)!r}; loop._run(loop.Command('x', ()))")
    run = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, cwd=ROOT, encoding="utf-8")
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert run.poll() is None and time.monotonic() < deadline, run.stderr.read()
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in run.communicate(timeout=60)[1]
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "told\n"
