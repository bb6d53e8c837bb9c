"""A `lean` and a `lake` on the PATH that run the embedded Lean, so that code for a native Lean is tested with a real one.

They support the commands that the launcher uses, as documented in Lake's manual: `lake env [cmd]`, `lake build [engine]`, `lake exe cache
get`, `lean --version`. This file is both programs; the name under which it is called decides which.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.embedded import install

VERSION = "4.28.0"


def put_on_path(folder: Path, version: str = VERSION) -> Path:
    """Makes a folder with the two programs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("lean", "lake"):
        write_program(folder / name, f"import toolchain\ntoolchain.VERSION = {version!r}\nsys.exit(toolchain.{name}(sys.argv[1:]))\n")
    return folder


def write_program(file: Path, code: str) -> None:
    """Writes a Python program with the import path of this process."""
    file.write_text(f"#!{sys.executable}\nimport sys\nsys.path[:0] = {[p for p in sys.path if p]!r}\n{code}")
    file.chmod(0o755)


def lean(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(f"Lean (version {VERSION}, x86_64-unknown-linux-gnu, commit 38f3c0c45b8d, Release)")
        return 0
    raise SystemExit(f"lean {arguments}: not needed so far")


def lake(arguments: list[str]) -> int:
    folder = Path.cwd()
    match arguments:
        case ["env"]:
            print("\n".join(f"{name}={value}" for name, value in variables(folder).items()))
        case ["env", *command]:
            return subprocess.run(command, env={**os.environ, **variables(folder)}).returncode
        case ["setup-file", file, header, "--no-build"] if json.loads(header) == {"imports": [], "isModule": False}:
            setup_file(folder, Path(file))
        case ["build", "engine"]:
            build_engine(folder)
        case ["build"]:
            return build(folder)
        case _:
            raise SystemExit(f"error: unknown command '{' '.join(arguments)}'")
    return 0


def setup_file(folder: Path, source: Path) -> None:
    """Writes Lean's `ModuleSetup` with the options of the lakefile."""
    assert source.is_file()
    options = tomllib.loads((folder / "lakefile.toml").read_text()).get("leanOptions", {})
    print(json.dumps({"name": source.stem, "isModule": True, "importArts": {}, "dynlibs": [], "plugins": [], "options": flat(options)}))


def flat(options: dict, before: str = "") -> dict:
    """The names of options: `pp.unicode.fun = true` in TOML is a nested table."""
    found = {}
    for name, value in options.items():
        found |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def variables(folder: Path) -> dict[str, str]:
    return {"LAKE": "lake", "LEAN_SYSROOT": str(install.prefix()), "LEAN_PATH": str(library_of(folder)), "LEAN_SRC_PATH": str(folder),
            "PATH": os.environ["PATH"]}


def library_of(folder: Path) -> Path:
    return folder / ".lake" / "build" / "lib" / "lean"


def build_engine(folder: Path) -> None:
    """Copies the embedded engine, which was built from the same files."""
    mine = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.lean")}
    ours = {file.relative_to(engine_source.ENGINE): file.read_bytes() for file in engine_source.ENGINE.rglob("*.lean")}
    assert mine == ours, "another engine"
    launch = install.launch()
    executable = folder / ".lake" / "build" / "bin" / "engine"
    executable.parent.mkdir(parents=True)
    command = " ".join(f"'{word}'" for word in launch.argv)
    executable.write_text(
        f"#!/bin/sh\nexport LEAN_HOST_ENGINE='{launch.env['LEAN_HOST_ENGINE']}' "
        f"LEAN_HOST_READ=\"$LEAN_PATH:$LEAN_SRC_PATH:{launch.env['LEAN_HOST_READ']}\" "
        f"LEAN_PATH=\"$LEAN_PATH:{install.prefix() / 'lib' / 'lean'}\"\n"
        f"exec {command}\n")
    executable.chmod(0o755)


def build(folder: Path) -> int:
    """Compiles the modules of the folder in the order of their imports."""
    sources = {file.relative_to(folder).with_suffix("").as_posix().replace("/", "."): file for file in sorted(folder.rglob("*.lean"))
               if file.name != "lakefile.lean" and ".lake" not in file.parts}
    done: set[str] = set()

    def compile_(module: str) -> None:
        if module in done:
            return
        done.add(module)
        for name in re.findall(r"^(?:public )?import (\S+)", sources[module].read_text(), re.MULTILINE):
            if name in sources:
                compile_(name)
        run_lean(folder, sources[module], (library_of(folder) / Path(*module.split("."))).with_suffix(".olean"))

    shutil.rmtree(library_of(folder), ignore_errors=True)
    try:
        for module in sources:
            compile_(module)
    except subprocess.CalledProcessError as error:
        print("\n".join(line for line in error.stdout.splitlines() if "error" in line), file=sys.stderr)
        return 1
    return 0


def run_lean(folder: Path, source: Path, olean: Path) -> None:
    olean.parent.mkdir(parents=True, exist_ok=True)
    launch = install.launch((folder,))
    at = launch.argv.index(str(install.prefix())) + 1
    subprocess.run(
        ["/bin/sh", "-c", 'ulimit -s 1048576 2>/dev/null || ulimit -s "$(ulimit -H -s)"; exec "$@"', "lean",
         *launch.argv[:at], *install.LEAN_FLAGS, f"--root={folder}", "-o", str(olean), str(source)],
        cwd=library_of(folder), check=True, capture_output=True, text=True, env={
            **os.environ, **launch.env, "LEAN_HOST_WRITE": str(library_of(folder)),
            "LEAN_PATH": f"{library_of(folder)}:{install.prefix() / 'lib' / 'lean'}"})
