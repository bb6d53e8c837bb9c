"""A Lean of the user's: elan, lake, and a workspace whose modules are opened.

A *workspace* is a lake project: a folder with `lean-toolchain`, a lakefile, and what it requires below `.lake/packages`. The engine is a
lake library, too; it is built once for each toolchain, below `$ALCHEMY_HOME`, by the toolchain's own lake, as an executable. It is started
with the variables that `lake env` prints in the workspace (Lake's manual, *Command-Line Interface*), which say where the modules of the
workspace and of its packages lie. So lake itself, which reads and checks the whole configuration, runs once and not for each engine.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import filelock
import msgspec

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.embedded.install import home
from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.lean_workspace.library import LeanOption
from lean_alchemy.lean_workspace.process import Launch

OLDEST, NEWEST = (4, 28), (4, 35)
"""Versions of Lean that the engine is written for: built here against the first, its use of Lean's API looked up in the sources and release
notes up to the last (docs/mathlib.md)."""

RANGE = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"

ELAN = "curl https://elan.lean-lang.org/elan-init.sh -sSf | sh"

NO_IMPORTS = '{"imports":[],"isModule":false}'
"""A header for `lake setup-file`, in place of the file's own: else Lake looks whether all that it imports is up to date."""

BUILD_S = 1800
ASK_S = 300
MAKE_S = 6 * 3600

_PASSED_ON = ("LEAN_PATH", "LEAN_SRC_PATH", "LEAN_SYSROOT", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class NoWorkspace(Mistake):
    """The folder is no workspace, or one that can't be used; the message says what to do."""


class NativeError(Trouble):
    """elan, lake or Lean failed; the message holds what they said."""


class NativeLean(msgspec.Struct, frozen=True, dict=True):
    """A workspace that can be used. toolchain: as in its file; version: what its Lean says of itself; build: all of what it says, which a
    nightly and a toolchain of one's own change under one name. variables: of `lake env`."""

    folder: Path
    toolchain: str
    version: str
    build: str
    variables: dict[str, str]

    @property
    def search_path(self) -> list[Path]:
        """Where its modules lie, compiled."""
        return [Path(place) for place in self.variables.get("LEAN_PATH", "").split(os.pathsep) if place] + [self.sysroot / "lib" / "lean"]

    @property
    def sysroot(self) -> Path:
        return Path(self.variables["LEAN_SYSROOT"])

    @cached_property
    def contents(self) -> str:
        """Names what the workspace holds: its own sources, its lakefile, and the packages that its manifest pins."""
        own = (file for file in sorted(self.folder.rglob("*.lean")) if ".lake" not in file.relative_to(self.folder).parts)
        digest = hashlib.sha256()
        for file in (*own, self.folder / "lakefile.toml", self.folder / "lake-manifest.json"):
            if file.is_file():
                digest.update(f"{file.relative_to(self.folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def has_module(self, name: str) -> bool:
        return any((place / Path(*name.split("."))).with_suffix(".olean").is_file() for place in self.search_path)

    def source_of(self, module: str) -> Path | None:
        """The file that a module was compiled from."""
        places = [Path(place) for place in self.variables.get("LEAN_SRC_PATH", "").split(os.pathsep) if place]
        found = ((place / Path(*module.split("."))).with_suffix(".lean") for place in (*places, self.folder, self.sysroot / "src" / "lean"))
        return next((file for file in found if file.is_file()), None)

    def options_for(self, source: Path) -> list[LeanOption]:
        """What the lakefile says with `leanOptions` of a module, by its source: Lake tells an editor so (`lake setup-file`). Raises
        NativeError."""
        asked = [tool("lake"), "setup-file", str(source), NO_IMPORTS, "--no-build"]
        said = _run(self.folder, asked, ASK_S, f"lake can't say the options of {source}")
        try:
            return list(msgspec.json.decode(said, type=_Setup).options.items())
        except msgspec.DecodeError as error:
            raise NativeError(f"`lake setup-file {source}` says {said.strip()[:200]!r}: {error}") from None


class _Setup(msgspec.Struct):
    """Of Lean's `ModuleSetup`, what is needed here."""

    options: dict[str, bool | int | str] = {}


@lru_cache(maxsize=8)
def workspace_at(folder: Path) -> NativeLean:
    """Looks at a workspace. Raises NoWorkspace for a folder that is none, a toolchain that the engine is not written for, a library that is
    not built; NativeError where lake fails."""
    toolchain_file = folder / "lean-toolchain"
    if not any((folder / name).is_file() for name in ("lakefile.toml", "lakefile.lean")):
        raise NoWorkspace(f"{folder} is no lake project: it has no lakefile. `alchemy setup --mathlib REV --workspace {folder}` makes one "
                          "with Mathlib")
    if not toolchain_file.is_file():
        raise NoWorkspace(f"{folder} has no lean-toolchain: write the toolchain that it is built with into that file, such as "
                          "leanprover/lean4:v4.28.0")
    toolchain = toolchain_file.read_text().strip()
    _require_supported(_version_in(toolchain), toolchain)
    version, build = _version_of(folder)
    _require_supported(_version_in(version), version)
    variables = _variables(folder)
    return NativeLean(folder, toolchain, version, build, variables)


def launch(lean: NativeLean, readable: tuple[Path, ...] = ()) -> Launch:
    """How the engine is started in a workspace; it is built first where it is missing. readable: not needed, as a native Lean reads what
    its user may. Raises NativeError."""
    return Launch(argv=(str(engine_for(lean)), str(lean.sysroot)), env={**lean.variables, "LEAN_NUM_THREADS": "1"}, maps_library=True,
                  describe=f"Lean {lean.version} in {lean.folder}")


def engine_for(lean: NativeLean) -> Path:
    """The executable for the toolchain of a workspace. Raises NativeError."""
    build = hashlib.sha256(lean.build.encode()).hexdigest()[:8]
    place = home() / f"native-{engine_source.digest()}-{re.sub(r'[^A-Za-z0-9.]+', '-', lean.toolchain)}-{build}"
    executable = place / ".lake" / "build" / "bin" / "engine"
    if executable.is_file():
        return executable
    home().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(home() / "native.lock"):
        if not executable.is_file():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(engine_source.ENGINE, place, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
            (place / "lean-toolchain").write_text(lean.toolchain + "\n")
            _run(place, [tool("lake"), "build", "engine"], BUILD_S, f"the engine does not build with {lean.toolchain}")
            if not executable.is_file():
                raise NativeError(f"lake built no {executable}")
    return executable


LAKEFILE = """\
name = "workspace"
defaultTargets = ["Workspace"]

[[require]]
name = "mathlib"
git = "https://github.com/leanprover-community/mathlib4"
rev = "{revision}"

[[lean_lib]]
name = "Workspace"
"""

Said = Callable[[str], None]
"""Told each command before it runs."""


def make_workspace(folder: Path, revision: str, said: Said = lambda command: None) -> None:
    """A workspace with Mathlib, compiled files out of its cache. revision: a tag `v4.28.0`, which names the toolchain too. Run again, it
    goes on: lake does what is missing. Raises NoWorkspace for a folder that holds something else or a revision that is no such tag,
    NativeError where lake fails."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+(-rc\d+)?", revision):
        raise NoWorkspace(f"{revision} is no tag of Mathlib's such as v4.28.0, which says its toolchain, too. For another revision make "
                          "the workspace yourself: docs/mathlib.md")
    toolchain = f"leanprover/lean4:{revision}"
    _require_supported(_version_in(revision), toolchain)
    files = {"lakefile.toml": LAKEFILE.format(revision=revision), "lean-toolchain": f"{toolchain}\n", "Workspace.lean": "import Mathlib\n"}
    is_mine = all((folder / name).is_file() and (folder / name).read_text() == text for name, text in files.items())
    if not is_mine:
        if folder.exists() and any(folder.iterdir()):
            raise NoWorkspace(f"{folder} holds something else: name a folder that is not there")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    for arguments in (["update"], ["exe", "cache", "get"], ["build"]):
        said(f"lake {' '.join(arguments)}")
        _run(folder, [tool("lake"), *arguments], MAKE_S, "the workspace can't be made")


def _version_in(text: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+)\.(\d+)\.\d+", text)
    return (int(found[1]), int(found[2])) if found else None


def _require_supported(version: tuple[int, int] | None, said: str) -> None:
    """A nightly or a toolchain of one's own says no version: Lean is asked for it then."""
    if version is not None and not OLDEST <= version <= NEWEST:
        raise NoWorkspace(f"{said}: the engine is written for Lean {RANGE}, and this is {version[0]}.{version[1]}. Use a workspace with "
                          "one of those, or another version of lean-alchemy")


def supports(said: str) -> bool:
    """Is the engine written for the Lean that says this of itself?"""
    version = _version_in(said)
    return version is None or OLDEST <= version <= NEWEST


def _version_of(folder: Path) -> tuple[str, str]:
    said = _run(folder, [tool("lake"), "env", "lean", "--version"], ASK_S, "lake can't say which Lean it runs")
    found = re.search(r"Lean \(version ([^,)]+)", said)
    if found is None:
        raise NativeError(f"`lake env lean --version` in {folder} says {said.strip()[:200]!r}, and no version")
    return found[1], said.strip()


def _variables(folder: Path) -> dict[str, str]:
    said = _run(folder, [tool("lake"), "env"], ASK_S, "lake can't read the workspace")
    found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    if "LEAN_SYSROOT" not in found:
        raise NativeError(f"`lake env` in {folder} names no LEAN_SYSROOT: {said.strip()[:200]!r}")
    return {name: found[name] for name in _PASSED_ON if found.get(name)}


def tool(name: str) -> str:
    """Where `lean` or `lake` is: elan puts its tools in a folder of its own, and on the path of new shells only. Raises NoWorkspace."""
    place = shutil.which(name) or shutil.which(name, path=str(Path.home() / ".elan" / "bin"))
    if place is None:
        raise NoWorkspace(f"there is no {name} on the path, and none in ~/.elan/bin: install elan with `{ELAN}`")
    return place


def _run(folder: Path, command: Sequence[str], limit_s: float, failed: str) -> str:
    """What a command says. Raises NativeError with the end of what it said where it fails."""
    called = " ".join([Path(command[0]).name, *command[1:]])
    try:
        # a toolchain that the caller's environment names would go before the workspace's
        environment = {name: value for name, value in os.environ.items() if name != "ELAN_TOOLCHAIN"}
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=limit_s, env=environment)
    except subprocess.TimeoutExpired:
        raise NativeError(f"{failed}: `{called}` in {folder} took more than {limit_s:.0f} s") from None
    except OSError as error:
        raise NativeError(f"{failed}: {called}: {error.strerror}") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise NativeError(f"{failed}: `{called}` in {folder} ended with {done.returncode}: {' | '.join(said) or 'it said nothing'}")
    return done.stdout
