"""The library to open in a Lean."""

from pathlib import Path

import msgspec

LeanOption = tuple[str, bool | int | str]
"""Name and value, as in the `leanOptions` of a lakefile."""


class Library(msgspec.Struct, frozen=True):
    """Modules of Lean (`Init`, `Std`) or of a workspace (`Mathlib`), and files of the user that import them. workspace: the folder of a
    lake project; None: the embedded Lean. proofs: record the proofs in the files (`file_proofs.py`)? source_of: the module whose source
    the single file is; the source is elaborated with `options`."""

    modules: tuple[str, ...]
    files: tuple[str, ...] = ()
    workspace: str | None = None
    proofs: bool = False
    source_of: str | None = None
    options: tuple[LeanOption, ...] = ()

    def folders(self) -> tuple[Path, ...]:
        """The folders that an engine must be able to read."""
        return tuple(sorted({Path(f).resolve().parent for f in self.files}))

    def __str__(self) -> str:
        return " + ".join((*self.modules, *(Path(f).name for f in self.files)))
