"""Compiles the engine of this source and puts it into the package, so that no user has to compile it.

    python -m lean_alchemy.lean_workspace.embedded.ship

Run it before a release (`make engine`). A test compiles the engine anew and compares.
"""

import lzma
import tempfile
from pathlib import Path

from lean_alchemy.lean_workspace.embedded import install


def compressed() -> bytes:
    """The compiled engine, as .xz. The same source gives the same bytes on Linux x86-64. Raises SetupError, CompilerError."""
    install.setup()
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "engine.wasm"
        install.compile_engine(module)
        return lzma.compress(module.read_bytes(), preset=9 | lzma.PRESET_EXTREME)


def ship() -> Path:
    """Writes the engine of this source in place of the shipped one."""
    content = compressed()
    install.SHIPPED.mkdir(exist_ok=True)
    for old in install.SHIPPED.glob("*.wasm.xz"):
        old.unlink()
    install.shipped_engine().write_bytes(content)
    return install.shipped_engine()


if __name__ == "__main__":
    print(ship())
