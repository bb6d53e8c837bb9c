"""What must not come into a corpus: the theorems that a prover is judged by."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from lean_alchemy.pipelines.runtime.manifest import UsageError


class HeldOut(msgspec.Struct, frozen=True):
    """Theorems that must not come in: by name, and by what they state. premises: theorems that must not come in as lemmas."""

    names: frozenset[str]
    keys: frozenset[str]
    premises: frozenset[str] = frozenset()

    @staticmethod
    def read(file: Path, keys_of: Mapping[str, str | None], premises: bool = False) -> "HeldOut":
        """file: a theorem's name or a statement key a line. keys_of: the statement keys of the library's theorems, by name. premises: are
        the theorems kept out as lemmas, too? Raises UsageError for a name that is unknown."""
        names, keys = set(), set()
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise UsageError(f"{file} is no text: it should hold a theorem's name or a statement key a line") from None
        for line in filter(None, map(str.strip, lines)):
            if line in keys_of:
                names.add(line)
                keys.add(keys_of[line])
            elif len(line) == 32 and set(line) <= set("0123456789abcdef"):
                keys.add(line)
            else:
                raise UsageError(f"{file}: {line!r} is neither a theorem of the library nor a statement key")
        return HeldOut(frozenset(names), frozenset(keys), frozenset(names) if premises else frozenset())

    def objection(self, target: str, statement_key: str | None, lemma: str | None = None) -> str | None:
        """Why a theorem or a variant does not come in."""
        if target in self.names:
            return "held out"
        if statement_key in self.keys:
            return "states what is held out"
        return "held-out premise" if lemma in self.premises else None
