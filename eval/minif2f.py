"""miniF2F with Mathlib, as it is stated, and in a Lean without it.

The problems (Zheng, Han and Polu, 2021, arXiv 2109.00110; for Lean 4: yangky11/miniF2F-lean4) are stated with Mathlib's names. The ones
whose statements mean the same in Lean's own library are listed in `minif2f.yaml`, each read by a person; they are run without Mathlib. All
others are not: they speak of real or complex numbers, of sums over finite sets, or of what Lean's library has under another name.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from lean_alchemy.pipelines.runtime.manifest import UsageError

LISTED = Path(__file__).parent / "minif2f.yaml"

_WORDS = {"ℕ": "Nat", "ℤ": "Int", "ℚ": "Rat"}
"""Mathlib's notations for types that Lean itself has."""

_OPEN = re.compile(r"^open +(?!.*\bin$)([\w. ]+)$", re.MULTILINE)

_ABSENT = {"ℝ": "real numbers", "ℂ": "complex numbers", "∑": "a sum over a finite set", "∏": "a product over a finite set"}


class Row(msgspec.Struct, frozen=True):
    """A line of the file. lean: the problem as a Lean file."""

    name: str
    lean: str
    split: str = ""


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """same: by name, what a reader should know (mostly nothing). changed: why what it states in Lean's own library is something else than
    in Mathlib, by name."""

    same: dict[str, str]
    changed: dict[str, str]


class Stated(msgspec.Struct, frozen=True):
    """text: what stands between the name and `:=`. opens: the namespaces that are open there."""

    text: str
    opens: str = ""


class Read(msgspec.Struct, frozen=True):
    """statements: of the problems that are run, by name. not_run: why, by name."""

    version: str
    statements: dict[str, Stated]
    not_run: dict[str, str]


def listed() -> Listed:
    return msgspec.yaml.decode(LISTED.read_bytes(), type=Listed)


def read(place: Path, part: Literal["train", "val", "test"], with_mathlib: bool = False) -> Read:
    """place: a JSON lines file, or a checkout with the problems as Lean files in folders `Valid` and `Test`. part: `val` or `test`; a file
    that says no split is taken as it is. with_mathlib: all of them, as they are stated. Raises UsageError."""
    rows = [row for row in _rows(place) if row.split in ("", {"val": "valid"}.get(part, part))]
    if not rows:
        raise UsageError(f"{place} holds no problems of the part {part}")
    known, statements, not_run = listed(), {}, {}
    for row in rows:
        statement = _statement(row)
        if with_mathlib:
            statements[row.name] = Stated(statement, "\n".join(_OPEN.findall(row.lean)))
        elif row.name in known.same:
            statements[row.name] = Stated(_in_leans_words(statement))
        else:
            not_run[row.name] = known.changed.get(row.name) or _why_not(statement)
    digest = hashlib.sha256(msgspec.json.encode(sorted((row.name, row.lean) for row in rows))).hexdigest()
    return Read(digest[:12], statements, not_run)


def _rows(place: Path) -> Iterator[Row]:
    if place.is_dir():
        files = sorted(file for file in place.rglob("*.lean") if file.parent.name.lower() in ("valid", "test"))
        for file in files:
            yield Row(file.stem, file.read_text(), file.parent.name.lower())
        return
    try:
        lines = place.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"can't read {place}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield msgspec.json.decode(line, type=Row)
        except msgspec.DecodeError as error:
            raise UsageError(f"{place}, line {number}: no problem of miniF2F: {error}") from None


def _statement(row: Row) -> str:
    """What stands between the name and `:=`."""
    found = re.search(rf"\btheorem\s+{re.escape(row.name)}\b(.*?):=\s*(?:by\b.*)?$", row.lean, re.DOTALL)
    if found is None:
        raise UsageError(f"{row.name}: there is no `theorem {row.name} … :=` in it")
    return found[1].strip()


def _in_leans_words(statement: str) -> str:
    return re.sub(rf"(?<!\w)([{''.join(_WORDS)}])(?!\w)", lambda match: _WORDS[match[1]], statement)


def _why_not(statement: str) -> str:
    absent = [word for sign, word in _ABSENT.items() if sign in statement]
    return f"speaks of {absent[0]}" if absent else "is not stated in the words of Lean's own library"
