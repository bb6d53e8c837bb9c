"""The rules of the house: who may import whom, what stays in git, and the engine as one program."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from lean_alchemy.lean_workspace import engine_source

ROOMS = ("lean_workspace", "mutation", "pipelines", "training", "eval")
FRONT_DOOR = sorted((ROOT / "pipelines").glob("cli*.py"))
FILES = [f for room in ROOMS for f in sorted((ROOT / room).rglob("*.py"))]


def imported(file: Path, inside_functions: bool) -> set[str]:
    tree = ast.parse(file.read_text())
    nodes = ast.walk(tree) if inside_functions else tree.body
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_room_imports_only_from_the_rooms_before_it(file):
    """The front door opens on all of them, inside its commands."""
    room = ROOMS.index(file.relative_to(ROOT).parts[0])
    later = set(ROOMS[room + 1:])
    assert not {name.split(".")[0] for name in imported(file, inside_functions=file not in FRONT_DOOR)} & later


def test_mutation_knows_no_process_no_ray_and_no_arrow():
    for file in (ROOT / "mutation").glob("*.py"):
        names = {name.split(".")[0] for name in imported(file, inside_functions=True)}
        assert not names & {"ray", "pyarrow", "subprocess", "psutil"}
        assert not {n for n in imported(file, True) if n.startswith("lean_workspace") and n != "lean_workspace.protocol"}


def test_only_the_pool_speaks_to_ray():
    for file in FILES:
        if file != ROOT / "pipelines" / "pool.py":
            assert not any(name.split(".")[0] == "ray" for name in imported(file, inside_functions=True)), file


def test_only_its_child_process_imports_lean_dojo():
    """The import runs git, reads a `.env`, replaces the log's handlers, and with a token asks GitHub."""
    for inside_functions, importing in ((True, ["dojo_child.py"]), (False, [])):
        assert importing == [
            file.name for file in FILES if any(name.split(".")[0] == "lean_dojo" for name in imported(file, inside_functions))]


def test_the_front_door_imports_nothing_heavy():
    for file in FRONT_DOOR:
        names = imported(file, inside_functions=False)
        assert names <= {"sys", "pathlib", "typing", "typer", *(f"pipelines.{f.stem}" for f in FRONT_DOOR)}, file


def test_help_does_not_load_ray_arrow_or_lean():
    code = ("import sys; sys.argv = ['alchemy', '--help']\nfrom pipelines.cli import main\ntry: main()\nexcept SystemExit: pass\n"
            "print(sorted({'ray', 'pyarrow', 'torch', 'lean_workspace.process'} & set(sys.modules)))")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.strip().endswith("[]"), said.stdout + said.stderr


def test_a_file_fits_in_a_readers_head():
    for file in FILES + sorted((ROOT / "lean_workspace" / "engine").rglob("*.lean")):
        assert len(file.read_text().splitlines()) <= 400, file


LEAN = sorted((ROOT / "lean_workspace" / "engine").rglob("*.lean"))
DEFINITION = re.compile(
    r"^(?:@\[[^\]]*\] ?)?(?:unsafe |partial |noncomputable )*(?:def|structure|inductive|abbrev|opaque|initialize)\s+([^\s:]+)", re.MULTILINE)


@pytest.mark.parametrize("file", LEAN + sorted((ROOT / "tests").rglob("*.lean")), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_line_of_lean_has_at_most_100_columns(file):
    assert [i for i, line in enumerate(file.read_text().split("\n"), 1) if len(line) > 100] == []


def test_a_folder_of_the_engine_fits_on_a_screen():
    for folder in {file.parent for file in LEAN}:
        assert len(list(folder.iterdir())) <= 15, folder


def test_every_lean_definition_says_what_comes_back():
    """A docstring stands before each definition that another file uses."""
    sources = {file: file.read_text() for file in LEAN if file.parent.name != "engine"}
    words = {file: set(re.findall(r"[^\W\d][\w'!?]*", engine_source.without_comments(source))) for file, source in sources.items()}
    for file, source in sources.items():
        assert re.match(r"(import .*\n)+\n/-!", source), f"{file} has no module docstring"
        for found in DEFINITION.finditer(source):
            name = found[1].split(".")[-1]
            if any(name in others for other, others in words.items() if other != file):
                assert re.search(r"/--(?:(?!-/)[\s\S])*-/\s*\Z", source[:found.start()]), f"{file.name}: {found[1]} has no docstring"


def test_the_engine_joins_into_one_program():
    source = engine_source.joined()
    assert source.index("namespace Alchemy") > source.index("public import Lean.Elab.Command")
    assert not re.search(r"^import ", source, re.MULTILINE)
    for file in (engine_source.ENGINE / "Alchemy").rglob("*.lean"):
        body = re.sub(r"^import .*\n", "", file.read_text(), flags=re.MULTILINE)
        assert source.count(body) == 1, file.name


def test_both_sides_are_of_one_version():
    from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION

    source = (engine_source.ENGINE / "Alchemy" / "Portable" / "Versions.lean").read_text()
    assert re.search(r'def engineVersion : String := "(.+)"', source).group(1) == ENGINE_VERSION
