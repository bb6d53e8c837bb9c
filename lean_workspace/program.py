"""The engine's files joined into one Lean module.

The engine is a lake library (`engine/`) that a native Lean builds as it stands. The embedded Lean runs
one module: the files in the order of their imports, with the imports of Lean in front. Everything in it
is marked `meta`, which makes Lean store its interpretable code in the `.olean` file, and a last command
writes that file: the generated helpers (closures, specialisations) get names there as well, or the
interpreter would not find them. A program that was written once starts without being elaborated again.
"""

import hashlib
import re
from importlib import resources
from pathlib import Path

ENGINE = Path(str(resources.files("lean_workspace"))) / "engine"
MODULE = "AlchemyEngine"
"""The joined module, and the name of its `.olean` file."""

LAUNCHER = f"""\
module
public meta import {MODULE}
public meta def main (args : List String) : IO Unit := Alchemy.serve args
"""

_IMPORT = re.compile(r"^import (\S+)\n", re.MULTILINE)

_PACK = """
end

namespace Alchemy.Pack
open Lean

/-- Marks all compiled code as needed at elaboration time, which is when it is interpreted. -/
meta def markAll : List IR.Decl → Environment → Environment
  | [], env => env
  | d :: ds, env => markAll ds (setDeclMeta env d.name)

/-- Helpers of the compiler are no constants, and the interpreter looks for code by the module of a
constant: give each a constant that says nothing. -/
meta def nameHelpers (env : Environment) : List IR.Decl → ModuleData → ModuleData
  | [], data => data
  | d :: ds, data => nameHelpers env ds <|
    if env.contains d.name && !isPrivateName d.name then data
    else { data with
      constNames := data.constNames.push d.name
      constants := data.constants.push (.axiomInfo { name := d.name, levelParams := [], type := .sort .zero, isUnsafe := true }) }

end Alchemy.Pack

open Lean Elab Command in
run_cmd do
  modifyEnv fun env => Alchemy.Pack.markAll (IR.getDecls env) env
  let env ← getEnv
  let data ← liftM (m := IO) (mkModuleData env .exported)
  liftM (m := IO) (saveModuleData "PLACE" env.mainModule (Alchemy.Pack.nameHelpers env (IR.getDecls env) data))
"""


def _in_order(module: str, seen: dict[str, str]) -> None:
    """Adds `module` after what it imports; seen: module → source."""
    if module in seen:
        return
    source = (ENGINE / f"{module.replace('.', '/')}.lean").read_text()
    for imported in _IMPORT.findall(source):
        if imported.startswith("Alchemy"):
            _in_order(imported, seen)
    seen[module] = source


def joined(place: Path) -> str:
    """The engine as one module that writes itself to `place` when it is elaborated."""
    sources: dict[str, str] = {}
    _in_order("Alchemy", sources)
    imports = {"Lean.Compiler.MetaAttr", "Lean.Compiler.IR.CompilerM", "Lean.Elab.Command"}
    imports |= {name for source in sources.values() for name in _IMPORT.findall(source) if not name.startswith("Alchemy")}
    header = "".join(f"public import {name}\npublic meta import {name}\n" for name in sorted(imports))
    body = "\n".join(_IMPORT.sub("", source) for source in sources.values())
    return f"module\n{header}\npublic meta section\n{body}{_PACK.replace('PLACE', str(place))}"


def digest() -> str:
    """Names the engine: 16 hexadecimal digits over its files and over how they are joined."""
    return hashlib.blake2b((joined(Path("PLACE")) + LAUNCHER).encode(), digest_size=8).hexdigest()
