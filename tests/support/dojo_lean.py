"""A `lean` and a `lake` on the PATH that replace the Lean side of LeanDojo. They only build and trace the repository
`pears` as `dojo_format.py` describes it, and implement the protocol of LeanDojo's `Lean4Repl.lean` for a Lean with four tactics.

This file is both programs; the name under which it is called decides which. Their arguments are recorded in a file next to them.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import dojo_format
from toolchain import write_program

GOALS = {"both": "h : 1 = 1\n⊢ 1 = 1 ∧ 1 = 1", "add_zero": "n : Nat\n⊢ n + 0 = n"}


def put_on_path(folder: Path, version: str) -> Path:
    """Makes a folder with the two programs. version: the version of Lean that they report."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("lean", "lake"):
        write_program(folder / name, f"import dojo_lean\ndojo_lean.note({str(folder)!r})\n"
                                     f"sys.exit(dojo_lean.{name}(sys.argv[1:], {version!r}, {str(folder)!r}))\n")
    return folder


def note(folder: str) -> None:
    with open(f"{folder}/called", "a") as file:
        print(os.getpid(), Path(sys.argv[0]).name, *sys.argv[1:], file=file)


def called(folder: Path) -> list[str]:
    """The recorded arguments, without process ids."""
    file = folder / "called"
    return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []


def lean(arguments: list[str], version: str, folder: str) -> int:
    match arguments:
        case ["--version"]:
            print(f"Lean (version {version}, x86_64-unknown-linux-gnu, commit 38f3c0c45b8d, Release)")
        case ["--print-prefix"]:
            (Path(folder) / "prefix" / "lib").mkdir(parents=True, exist_ok=True)
            print(f"{folder}/prefix")
        case _:
            raise SystemExit(f"lean {arguments}: not needed so far")
    return 0


def lake(arguments: list[str], version: str, folder: str) -> int:
    print("info: lake speaks on stdout")
    match arguments:
        case ["exe", "cache", "get"]:
            return 1  # not Mathlib
        case ["build"] | ["build", "Lean4Repl"]:
            return int((Path.cwd() / "does-not-build").exists())
        case ["env", "lean", "--threads", _, "--run", "ExtractData.lean", "noDeps"]:
            dojo_format.put_traces(Path.cwd())
        case ["env", "lean", "--threads=1", memory, file]:
            assert re.fullmatch(r"--memory=\d+", memory)
            text = Path(file).read_text()
            return repl(text) if "lean_dojo_repl" in text else compiles(file, text)
        case _:
            raise SystemExit(f"error: unknown command '{' '.join(arguments)}'")
    return 0


def compiles(file: str, text: str) -> int:
    """Reports an error if the file contains this word."""
    if "wrong" in text:
        print(f"{file}:3:2: error: unknown identifier 'wrong'")
        return 1
    return 0


def repl(text: str) -> int:
    """The protocol loop. Each request is a tactic on a state; a state is a list of goals."""
    name = re.search(r"(?:theorem|lemma) (\w+)[^\n]*:=\s*by\n  lean_dojo_repl", text)[1]
    states = [[GOALS[name]]]
    say({"sid": 0, "tacticState": states[0][0], "error": None})
    for line in sys.stdin:
        request = json.loads(line)
        goals = after(states[request["sid"]], request["cmd"])
        if isinstance(goals, str):
            say({"sid": None, "tacticState": None, "error": goals})
        else:
            states.append(goals)
            shown = "\n\n".join(goals) or "no goals"
            say({"sid": len(states) - 1, "tacticState": f"2 goals\n{shown}" if len(goals) == 2 else shown, "error": None})
    return 0


def after(goals: list[str], tactic: str) -> list[str] | str:
    """The goals after a tactic, or Lean's error."""
    context, _, conclusion = goals[0].rpartition("⊢ ")
    match tactic.split("\n")[0]:
        case "constructor" if "∧" in conclusion:
            left, right = conclusion.split(" ∧ ")
            return [f"case left\n{context}⊢ {left}", f"case right\n{context}⊢ {right}", *goals[1:]]
        case "rfl":
            return goals[1:]
        case "exact h?":
            return "proof contains `sorry`"
        case "loop":
            time.sleep(600)
        case "die":
            os._exit(3)
        case "speak":
            print("it speaks", flush=True)
            return [*goals]
        case "die once" if not (mark := Path(sys.argv[0]).with_name("died")).exists():
            mark.touch()
            os._exit(3)
        case "die once":
            return goals[1:]
    return f"unknown tactic {tactic!r}"


def say(reply: dict) -> None:
    print(f"REPL> {json.dumps(reply, ensure_ascii=False)}", flush=True)
