"""Multiplies the theorems of a Lean library by symbolic mutation, verified by Lean, to train theorem provers.

    import lean_alchemy as la

    with la.open("Init") as library:
        print(library.theorem("Nat.mul_pos").mutate()[0])

`open` opens a library in a Lean, `corpus` a corpus that `alchemy synthesize` made. They are imported when they are first used.

All code is imported from here: `lean_alchemy.mutation`, `lean_alchemy.pipelines`, … The rooms lie at the top of the checkout; the
links beside this file lead to them, so that a checkout, an installed package, an editor and Ray's workers see the same modules, and no
folder `training/` or `eval/` of a user's project can be taken for ours.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lean_alchemy.opened import Episode, LeanError, LibraryTheorem, OpenLibrary, open
    from lean_alchemy.tables import Corpus, CorpusVariants, FoundVariant, Variants, VariantTable, corpus

__all__ = ["Corpus", "CorpusVariants", "Episode", "FoundVariant", "LeanError", "LibraryTheorem", "OpenLibrary", "VariantTable", "Variants",
           "corpus", "open"]

_IN_OPENED = ("Episode", "LeanError", "OpenLibrary", "LibraryTheorem", "open")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{'opened' if name in _IN_OPENED else 'tables'}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
