"""The engine's files joined into one Lean module.

The engine is a lake library (`engine/`) that a native Lean builds as it stands. For the embedded Lean, which compiles one
module at a time, the files follow each other in the order of their imports, with the imports of Lean in front.
"""

import hashlib
import re
from importlib import resources
from pathlib import Path

ENGINE = Path(str(resources.files("lean_workspace"))) / "engine"
MODULE = "AlchemyEngine"
"""The joined module."""

LAUNCHER = """\
module
public section
@[extern "l_Alchemy_serve"] meta opaque Alchemy.serve (args : List String) : IO Unit
meta def main (args : List String) : IO Unit := Alchemy.serve args
"""
"""What Lean runs: `serve` stands for the compiled engine's."""

ENTRY_POINTS = (f"initialize_{MODULE}", "l_Alchemy_serve___boxed")
"""What Lean asks the compiled engine for: what makes its constants, and what `main` calls."""

_IMPORT = re.compile(r"^import (\S+)\n", re.MULTILINE)


def _in_order(module: str, seen: dict[str, str]) -> None:
    """Adds `module` after what it imports; seen: module → source."""
    if module in seen:
        return
    source = (ENGINE / f"{module.replace('.', '/')}.lean").read_text()
    for imported in _IMPORT.findall(source):
        if imported.startswith("Alchemy"):
            _in_order(imported, seen)
    seen[module] = source


def joined() -> str:
    """The engine as one module."""
    sources: dict[str, str] = {}
    _in_order("Alchemy", sources)
    imports = {name for source in sources.values() for name in _IMPORT.findall(source) if not name.startswith("Alchemy")}
    header = "".join(f"public import {name}\n" for name in sorted(imports))
    return f"module\n{header}\npublic section\n" + "\n".join(_IMPORT.sub("", source) for source in sources.values())


def digest() -> str:
    """Names the engine: 16 hexadecimal digits over its files and over how they are joined."""
    return hashlib.blake2b((joined() + LAUNCHER).encode(), digest_size=8).hexdigest()
