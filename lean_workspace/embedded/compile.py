"""Compiles the engine to WebAssembly.

Lean translates the engine to C. The clang and the linker of the PyPI package ziglang compile that to a module which the program loads
at run time (Emscripten's side module, `dylink.0`). It calls the program's functions as Lean's own compiled code does, and
shares its memory. Interpreted, the same engine takes three times as long for an attempt.
"""

import subprocess
from importlib import resources
from pathlib import Path

from lean_alchemy.lean_workspace.embedded import wasm
from lean_alchemy.lean_workspace.errors import Trouble

INCLUDE = Path(str(resources.files("lean_alchemy.lean_workspace.embedded"))) / "include"
"""Holds `lean/lean.h`, the functions that Lean's C code inlines."""

_TARGET = ("-target", "wasm32-emscripten", "-fPIC", "-matomics", "-mbulk-memory")
COMPILE = ("cc", *_TARGET, "-c", "-O2", "-g0", "-fvisibility=hidden", "-Wno-everything", f"-I{INCLUDE}")
LINK = ("wasm-ld", "-shared", "--experimental-pic", "--shared-memory", "--no-entry", "--gc-sections", "--strip-all",
        "--unresolved-symbols=import-dynamic")


class CompilerError(Trouble):
    """Compiling the engine failed; the message says why."""


def compiler() -> Path:
    """The path of zig in the package ziglang. Raises CompilerError if it is missing."""
    try:
        import ziglang
    except ImportError:
        raise CompilerError("the engine's source was changed since an engine was shipped, and ziglang, which compiles it, is missing: "
                            "pip install 'lean-alchemy[engine]'") from None
    return Path(ziglang.__file__).parent / "zig"


def build(source: Path, module: Path, program: Path, exported: tuple[str, ...]) -> None:
    """Compiles the C file `source` to `module`, a side module of the WebAssembly `program`. exported: the functions that the
    program looks up by name. Raises CompilerError."""
    object_file = source.with_suffix(".o")
    _run(source.parent, *COMPILE, str(source), "-o", str(object_file))
    _run(source.parent, *LINK, *(f"--export={name}" for name in (*exported, "_emscripten_tls_init")), str(object_file), "-o", str(module))
    object_file.unlink()
    # A call of a missing function would end the process, so look for them now.
    wanted = {name for origin, name, kind in wasm.imports(module.read_bytes())
              if origin.startswith("GOT.") or (origin == "env" and kind == wasm.FUNCTION)}
    if missing := wanted.difference(wasm.exports(program.read_bytes())):
        raise CompilerError(f"the engine calls functions that this Lean does not have: {', '.join(sorted(missing)[:5])}")


def _run(folder: Path, *command: str) -> None:
    # By default zig fills a cache in the user's home. It would be of no use: an engine is compiled once.
    cache = str(folder / "zig")
    done = subprocess.run([str(compiler()), *command], capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
                          timeout=600, env={"PATH": "/usr/bin:/bin", "HOME": cache, "ZIG_GLOBAL_CACHE_DIR": cache,
                                            "ZIG_LOCAL_CACHE_DIR": cache})
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise CompilerError(f"compiling the engine failed: {' | '.join(errors[:3]) or f'exit status {done.returncode}'}")
