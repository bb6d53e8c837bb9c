"""What must not come into a corpus: the theorems that a prover is judged by."""

from pathlib import Path

import msgspec

from pipelines.extract import Catalogue
from pipelines.job import UsageError


class HeldOut(msgspec.Struct, frozen=True):
    """Theorems that must not come in: by name, and by what they state."""

    names: frozenset[str]
    keys: frozenset[str]
    premises: bool
    """Are the theorems kept out as lemmas, too?"""

    @staticmethod
    def read(file: Path, library: Catalogue, premises: bool = False) -> "HeldOut":
        """file: a name of a theorem or a statement key a line. Raises UsageError for a name that is unknown."""
        names, keys = set(), set()
        try:
            lines = file.read_text().splitlines()
        except UnicodeDecodeError:
            raise UsageError(f"{file} is no text: it should hold a theorem's name or a statement key a line") from None
        for line in filter(None, map(str.strip, lines)):
            if line in library.numbers:
                names.add(line)
                keys.add(library.theorems[library.numbers[line]].statement_key)
            elif len(line) == 32 and set(line) <= set("0123456789abcdef"):
                keys.add(line)
            else:
                raise UsageError(f"{file}: {line!r} is neither a theorem of the library nor a statement key")
        return HeldOut(frozenset(names), frozenset(keys), premises)

    def objection(self, row: dict) -> str | None:
        if row["target"] in self.names or row["statement_key"] in self.keys:
            return "held out"
        return "held-out premise" if self.premises and row["lemma"] in self.names else None
