"""The engine as compiled code.

Lean writes the engine as C; the clang and the linker of the PyPI package ziglang make of it a module that the program loads
beside itself (Emscripten's side module, `dylink.0`). It calls the program's functions as Lean's own compiled code does, and
shares its memory. Interpreted, the same engine needs three times as long for an attempt.
"""

import subprocess
from importlib import resources
from pathlib import Path

from lean_alchemy.lean_workspace.embedded import wasm
from lean_alchemy.lean_workspace.errors import Trouble

INCLUDE = Path(str(resources.files("lean_alchemy.lean_workspace.embedded"))) / "include"
"""`lean/lean.h`: what C of Lean's inlines."""

_TARGET = ("-target", "wasm32-emscripten", "-fPIC", "-matomics", "-mbulk-memory")
COMPILE = ("cc", *_TARGET, "-c", "-O2", "-g0", "-fvisibility=hidden", "-Wno-everything", f"-I{INCLUDE}")
LINK = ("wasm-ld", "-shared", "--experimental-pic", "--shared-memory", "--no-entry", "--gc-sections", "--strip-all",
        "--unresolved-symbols=import-dynamic")


class CompilerError(Trouble):
    """The engine can't be compiled; the message says why."""


def compiler() -> Path:
    """The zig of the package ziglang."""
    try:
        import ziglang
    except ImportError:
        raise CompilerError("the package ziglang is missing: pip install ziglang") from None
    return Path(ziglang.__file__).parent / "zig"


def build(source: Path, module: Path, program: Path, exported: tuple[str, ...]) -> None:
    """Compiles the C file `source` into the side module `module` of the WebAssembly `program`. exported: the functions that the
    program asks for by name. Raises CompilerError."""
    object_file = source.with_suffix(".o")
    _run(source.parent, *COMPILE, str(source), "-o", str(object_file))
    _run(source.parent, *LINK, *(f"--export={name}" for name in (*exported, "_emscripten_tls_init")), str(object_file), "-o", str(module))
    object_file.unlink()
    # What is missing would end the process that calls it.
    wanted = {name for origin, name, kind in wasm.imports(module.read_bytes())
              if origin.startswith("GOT.") or (origin == "env" and kind == wasm.FUNCTION)}
    if missing := wanted.difference(wasm.exports(program.read_bytes())):
        raise CompilerError(f"the engine calls what this Lean does not have: {', '.join(sorted(missing)[:5])}")


def _run(folder: Path, *command: str) -> None:
    # zig keeps what it compiled below the user's cache unless told otherwise; an engine is compiled once.
    cache = str(folder / "zig")
    done = subprocess.run([str(compiler()), *command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600,
                          env={"PATH": "/usr/bin:/bin", "HOME": cache, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache})
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise CompilerError(f"the engine does not compile: {' | '.join(said[:3]) or f'exit status {done.returncode}'}")
