"""Puts the compiled engine of this source into the package, so that no user has to compile it.

    python -m lean_alchemy.lean_workspace.embedded.ship

Run it before a release (`make engine`). A test compiles the engine anew and compares: on Linux x86-64 the same source gives the same bytes.
"""

import lzma
from pathlib import Path

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.embedded import install


def ship() -> Path:
    """Writes the installed engine of this source, which is compiled if it is missing, in place of the shipped one. Raises SetupError,
    CompilerError."""
    install.setup()
    module = (install.engine_folder() / f"{engine_source.MODULE}.wasm").read_bytes()
    install.SHIPPED_ENGINES.mkdir(exist_ok=True)
    for old in install.SHIPPED_ENGINES.glob("*.wasm.xz"):
        old.unlink()
    install.shipped_engine().write_bytes(lzma.compress(module, preset=9 | lzma.PRESET_EXTREME))
    return install.shipped_engine()


if __name__ == "__main__":
    print(ship())
