"""The engine's files joined into one Lean module.

The engine is a lake library (`engine/`) that a native Lean builds as it stands. For the embedded Lean, which compiles one
module at a time, the files follow each other in the order of their imports, with the imports of Lean in front.
"""

import hashlib
import re
from importlib import resources
from pathlib import Path

ENGINE = Path(str(resources.files("lean_alchemy.lean_workspace"))) / "engine"
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
    source = (ENGINE / f"{module.replace('.', '/')}.lean").read_text(encoding="utf-8")
    for imported in _IMPORT.findall(source):
        if imported.startswith("Alchemy"):
            _in_order(imported, seen)
    seen[module] = source


def joined() -> str:
    """The engine as one module. Each file is a section of it, so that what a file opens ends with the file, as it does in lake's build."""
    sources: dict[str, str] = {}
    _in_order("Alchemy", sources)
    imports = {name for source in sources.values() for name in _IMPORT.findall(source) if not name.startswith("Alchemy")}
    header = "".join(f"public import {name}\n" for name in sorted(imports))
    sections = (f"section\n{_IMPORT.sub('', source)}\nend\n" for source in sources.values())
    return f"module\n{header}\npublic section\n" + "".join(sections)


def digest() -> str:
    """Names what is compiled: 16 hexadecimal digits over the joined files without their comments."""
    return hashlib.blake2b((without_comments(joined()) + LAUNCHER).encode(), digest_size=8).hexdigest()


_COMMENT_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.[^\']*)\'|--[^\n]*|/-|-/', re.DOTALL)


def without_comments(source: str) -> str:
    """Lean source with its comments and docstrings taken out; block comments nest. What stands in a string or a character stays."""
    kept: list[str] = []
    depth = start = at = 0
    while found := _COMMENT_OR_STRING.search(source, at):
        token, at = found[0], found.end()
        if depth:
            depth += {"/-": 1, "-/": -1}.get(token, 0)
            if token not in ("/-", "-/"):
                at = found.start() + 1  # quotes and dashes mean nothing in a comment
            start = at
        elif token == "/-" or token.startswith("--"):
            kept.append(source[start:found.start()])
            depth, start = int(token == "/-"), at
    kept.append(source[start:])
    return "\n".join(line for line in map(str.rstrip, "".join(kept).split("\n")) if line)
