"""What is opened in a Lean."""

from pathlib import Path

import msgspec

LeanOption = tuple[str, bool | int | str]
"""Name and value, as a lakefile's `leanOptions` have them."""


class Library(msgspec.Struct, frozen=True):
    """What is studied: modules of Lean (`Init`, `Std`) or of a workspace (`Mathlib`), and files of the user on top of them. workspace: the
    folder of a lake project; None for the embedded Lean. proofs: are those in the files recorded (`written.py`)? source_of: the module
    that the one file is the source of, elaborated with these options."""

    modules: tuple[str, ...]
    files: tuple[str, ...] = ()
    workspace: str | None = None
    proofs: bool = False
    source_of: str | None = None
    options: tuple[LeanOption, ...] = ()

    def folders(self) -> tuple[Path, ...]:
        """What an engine must be able to read."""
        return tuple(sorted({Path(f).resolve().parent for f in self.files}))

    def __str__(self) -> str:
        return " + ".join((*self.modules, *(Path(f).name for f in self.files)))
