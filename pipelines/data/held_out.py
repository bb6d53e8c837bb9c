"""The theorems that are kept out of a corpus, because provers are evaluated on them."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from lean_alchemy.pipelines.runtime.manifest import UsageError


class HeldOut(msgspec.Struct, frozen=True):
    """The held-out theorems. names: their names. keys: their statement keys. premises: the names of theorems that may not be lemmas."""

    names: frozenset[str]
    keys: frozenset[str]
    premises: frozenset[str] = frozenset()

    @staticmethod
    def read(file: Path, keys_of: Mapping[str, str | None], premises: bool = False) -> "HeldOut":
        """Reads a file with one theorem name or statement key per line. keys_of: the statement keys of the library's theorems, by name.
        premises: are the named theorems also excluded as lemmas? Raises UsageError for an unknown name."""
        names, keys = set(), set()
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise UsageError(f"{file} is not a UTF-8 text file; it should hold one theorem name or statement key per line") from None
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
        """The reason to exclude a theorem or a variant; None if it may come in."""
        if target in self.names:
            return "held out"
        if statement_key in self.keys:
            return "states what is held out"
        return "held-out premise" if lemma in self.premises else None
