"""A native Lean of the user: elan, lake, and a workspace whose modules are opened.

A *workspace* is a lake project: a folder with `lean-toolchain`, a lakefile, and its dependencies below `.lake/packages`. The engine is a
lake library, too. For each toolchain it is built once, as an executable below `$ALCHEMY_HOME`, by the toolchain's own lake. It runs with
the variables that `lake env` prints in the workspace (Lake's manual, *Command-Line Interface*), which say where the compiled modules are.
So lake, which reads and checks the whole configuration, runs once and not for each engine.
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
"""Versions of Lean that the engine supports. It is tested with the first; up to the last, the API that it uses was compared in Lean's
sources and release notes (docs/mathlib.md)."""

RANGE = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"

ELAN = "curl https://elan.lean-lang.org/elan-init.sh -sSf | sh"

NO_IMPORTS = '{"imports":[],"isModule":false}'
"""A header for `lake setup-file` in place of the file's own, so that Lake does not check whether all imports are up to date."""

BUILD_S = 1800
QUERY_S = 300
MAKE_S = 6 * 3600

_PASSED_ON = ("LEAN_PATH", "LEAN_SRC_PATH", "LEAN_SYSROOT", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class NoWorkspace(Mistake):
    """The folder is no workspace, or can't be used; the message says what to do."""


class NativeError(Trouble):
    """elan, lake or Lean failed; the message quotes their output."""


class NativeLean(msgspec.Struct, frozen=True, dict=True):
    """A usable workspace. toolchain: the content of `lean-toolchain`. version: of its Lean. build: the whole output of `lean --version`, as
    nightlies and custom toolchains change without changing their name. variables: those of `lake env`."""

    folder: Path
    toolchain: str
    version: str
    build: str
    variables: dict[str, str]

    @property
    def search_path(self) -> list[Path]:
        """The folders of compiled modules."""
        return [Path(place) for place in self.variables.get("LEAN_PATH", "").split(os.pathsep) if place] + [self.sysroot / "lib" / "lean"]

    @property
    def sysroot(self) -> Path:
        return Path(self.variables["LEAN_SYSROOT"])

    @cached_property
    def contents(self) -> str:
        """64 hexadecimal digits, a digest of the workspace: its own sources, its lakefile, and the packages that its manifest pins."""
        own = (file for file in sorted(self.folder.rglob("*.lean")) if ".lake" not in file.relative_to(self.folder).parts)
        digest = hashlib.sha256()
        for file in (*own, self.folder / "lakefile.toml", self.folder / "lake-manifest.json"):
            if file.is_file():
                digest.update(f"{file.relative_to(self.folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def has_module(self, name: str) -> bool:
        return any((place / Path(*name.split("."))).with_suffix(".olean").is_file() for place in self.search_path)

    def source_of(self, module: str) -> Path | None:
        """The source file of a module; None if there is none."""
        folders = [Path(folder) for folder in self.variables.get("LEAN_SRC_PATH", "").split(os.pathsep) if folder]
        files = ((folder / Path(*module.split("."))).with_suffix(".lean")
                 for folder in (*folders, self.folder, self.sysroot / "src" / "lean"))
        return next((file for file in files if file.is_file()), None)

    def options_for(self, source: Path) -> list[LeanOption]:
        """The `leanOptions` of the lakefile for a source file, from `lake setup-file`, which editors use. Raises NativeError."""
        command = [tool("lake"), "setup-file", str(source), NO_IMPORTS, "--no-build"]
        output = _run(self.folder, command, QUERY_S, f"lake can't tell the options of {source}")
        try:
            return list(msgspec.json.decode(output, type=_Setup).options.items())
        except msgspec.DecodeError as error:
            raise NativeError(f"unexpected output of `lake setup-file {source}`: {output.strip()[:200]!r}: {error}") from None


class _Setup(msgspec.Struct):
    """The part of Lean's `ModuleSetup` that is needed here."""

    options: dict[str, bool | int | str] = {}


@lru_cache(maxsize=8)
def workspace_at(folder: Path) -> NativeLean:
    """The workspace in a folder. Raises NoWorkspace if the folder is not a lake project or its toolchain is not supported, NativeError if
    lake fails."""
    toolchain_file = folder / "lean-toolchain"
    if not any((folder / name).is_file() for name in ("lakefile.toml", "lakefile.lean")):
        raise NoWorkspace(f"{folder} is not a lake project: it has no lakefile. `alchemy setup --mathlib REV --workspace {folder}` makes "
                          "one with Mathlib")
    if not toolchain_file.is_file():
        raise NoWorkspace(f"{folder} has no lean-toolchain: write the toolchain that it is built with into that file, such as "
                          "leanprover/lean4:v4.28.0")
    toolchain = toolchain_file.read_text(encoding="utf-8").strip()
    _require_supported(_version_in(toolchain), toolchain)
    version, build = _version_of(folder)
    _require_supported(_version_in(version), version)
    variables = _variables(folder)
    return NativeLean(folder, toolchain, version, build, variables)


def launch(lean: NativeLean, readable: tuple[Path, ...] = ()) -> Launch:
    """How to start the engine in a workspace; it is built first if it is missing. readable: ignored, as a native Lean may read all files of
    its user. Raises NativeError."""
    return Launch(argv=(str(engine_for(lean)), str(lean.sysroot)), env={**lean.variables, "LEAN_NUM_THREADS": "1"}, maps_library=True,
                  describe=f"Lean {lean.version} in {lean.folder}")


def engine_for(lean: NativeLean) -> Path:
    """The engine's executable for the toolchain of a workspace, built if it is missing. Raises NativeError."""
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
            (place / "lean-toolchain").write_text(lean.toolchain + "\n", encoding="utf-8")
            _run(place, [tool("lake"), "build", "engine"], BUILD_S, f"building the engine with {lean.toolchain} failed")
            if not executable.is_file():
                raise NativeError(f"`lake build engine` succeeded, but there is no {executable}")
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

Announce = Callable[[str], None]
"""Called with each command before it runs."""


def make_workspace(folder: Path, revision: str, announce: Announce = lambda command: None) -> None:
    """Makes a workspace with Mathlib; compiled files come from Mathlib's cache. revision: a tag such as `v4.28.0`, which is also the
    version of the toolchain. Run again, it resumes: lake does what is missing. Raises NoWorkspace if the folder holds something else or
    the revision is no such tag, NativeError if lake fails."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+(-rc\d+)?", revision):
        raise NoWorkspace(f"{revision} is not a tag of Mathlib such as v4.28.0. For a revision without a tag make the workspace yourself: "
                          "docs/mathlib.md")
    toolchain = f"leanprover/lean4:{revision}"
    _require_supported(_version_in(revision), toolchain)
    files = {"lakefile.toml": LAKEFILE.format(revision=revision), "lean-toolchain": f"{toolchain}\n", "Workspace.lean": "import Mathlib\n"}
    is_ours = all((folder / name).is_file() and (folder / name).read_text(encoding="utf-8") == text for name, text in files.items())
    if not is_ours:
        if folder.exists() and any(folder.iterdir()):
            raise NoWorkspace(f"{folder} holds something else: name a folder that does not exist")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    for arguments in (["update"], ["exe", "cache", "get"], ["build"]):
        announce(f"lake {' '.join(arguments)}")
        _run(folder, [tool("lake"), *arguments], MAKE_S, "making the workspace failed")


def _version_in(text: str) -> tuple[int, int] | None:
    match = re.search(r"(\d+)\.(\d+)\.\d+", text)
    return (int(match[1]), int(match[2])) if match else None


def _require_supported(version: tuple[int, int] | None, source: str) -> None:
    """Raises NoWorkspace for an unsupported version. None passes: the name of a nightly or a custom toolchain shows no version, so
    `lean --version` is checked as well. source: where the version was found."""
    if version is not None and not OLDEST <= version <= NEWEST:
        raise NoWorkspace(f"{source}: the engine supports Lean {RANGE}, and this is {version[0]}.{version[1]}. Use a workspace with "
                          "a supported version, or another version of lean-alchemy")


def supports(output: str) -> bool:
    """Does the engine support the Lean with this output of `lean --version`?"""
    version = _version_in(output)
    return version is None or OLDEST <= version <= NEWEST


def _version_of(folder: Path) -> tuple[str, str]:
    output = _run(folder, [tool("lake"), "env", "lean", "--version"], QUERY_S, "finding the version of Lean failed")
    match = re.search(r"Lean \(version ([^,)]+)", output)
    if match is None:
        raise NativeError(f"`lake env lean --version` in {folder} printed no version: {output.strip()[:200]!r}")
    return match[1], output.strip()


def _variables(folder: Path) -> dict[str, str]:
    output = _run(folder, [tool("lake"), "env"], QUERY_S, "lake can't read the workspace")
    variables = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    if "LEAN_SYSROOT" not in variables:
        raise NativeError(f"`lake env` in {folder} printed no LEAN_SYSROOT: {output.strip()[:200]!r}")
    return {name: variables[name] for name in _PASSED_ON if variables.get(name)}


def tool(name: str) -> str:
    """The path of `lean` or `lake`. elan puts them into its own folder, which is on the PATH of new shells only, so that folder is searched
    as well. Raises NoWorkspace."""
    place = shutil.which(name) or shutil.which(name, path=str(Path.home() / ".elan" / "bin"))
    if place is None:
        raise NoWorkspace(f"there is no {name} on the PATH or in ~/.elan/bin: install elan with `{ELAN}`")
    return place


def _run(folder: Path, command: Sequence[str], limit_s: float, failure: str) -> str:
    """The output of a command. Raises NativeError, with the end of its output, if it fails. failure: the beginning of the message."""
    shown = " ".join([Path(command[0]).name, *command[1:]])
    try:
        # ELAN_TOOLCHAIN would override the workspace's toolchain
        environment = {name: value for name, value in os.environ.items() if name != "ELAN_TOOLCHAIN"}
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
                              timeout=limit_s, env=environment)
    except subprocess.TimeoutExpired:
        raise NativeError(f"{failure}: `{shown}` in {folder} took more than {limit_s:.0f} s") from None
    except OSError as error:
        raise NativeError(f"{failure}: {shown}: {error.strerror}") from None
    if done.returncode:
        output = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise NativeError(f"{failure}: `{shown}` in {folder} ended with exit status {done.returncode}: {' | '.join(output) or 'no output'}")
    return done.stdout
