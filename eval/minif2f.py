"""miniF2F with Mathlib, and the part of it that can be stated without.

The problems (Zheng, Han and Polu, 2021, arXiv 2109.00110; for Lean 4: yangky11/miniF2F-lean4) are stated with Mathlib's names.
`minif2f.yaml` lists those whose statements mean the same in Lean's own library; a person has read each of them. Only these are run without
Mathlib. The others need real or complex numbers, sums over finite sets, or names that Lean's own library does not have.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from lean_alchemy.pipelines.runtime.manifest import UsageError

LISTED = Path(__file__).parent / "minif2f.yaml"

_NOTATIONS = {"ℕ": "Nat", "ℤ": "Int", "ℚ": "Rat"}
"""Mathlib's notations for types of Lean's own library."""

_OPEN = re.compile(r"^open +(?!.*\bin$)([\w. ]+)$", re.MULTILINE)

_ABSENT = {"ℝ": "real numbers", "ℂ": "complex numbers", "∑": "a sum over a finite set", "∏": "a product over a finite set"}


class ProblemRow(msgspec.Struct, frozen=True):
    """A line of the JSON lines file. lean: the problem as a Lean file. split: `valid`, `test`, or empty."""

    name: str
    lean: str
    split: str = ""


class Reviewed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`minif2f.yaml`. same: problems that mean the same without Mathlib, with a remark (mostly empty). changed: problems that would mean
    something else, with the reason."""

    same: dict[str, str]
    changed: dict[str, str]


class ProblemText(msgspec.Struct, frozen=True):
    """text: the statement, between the name and `:=`. opens: the namespaces to open, one `open` per line."""

    text: str
    opens: str = ""


class ProblemSet(msgspec.Struct, frozen=True):
    """version: a digest of the problems. statements: of the problems that can be run, by name. not_run: the reason for each of the others,
    by name."""

    version: str
    statements: dict[str, ProblemText]
    not_run: dict[str, str]


def reviewed() -> Reviewed:
    return msgspec.yaml.decode(LISTED.read_bytes(), type=Reviewed)


def read(place: Path, part: Literal["train", "val", "test"], with_mathlib: bool = False) -> ProblemSet:
    """place: a JSON lines file, or a checkout with Lean files in folders `Valid` and `Test`. part: `val` or `test`; rows without a split
    belong to both. with_mathlib: run all problems, as they are stated. Raises UsageError if there are none, or they can't be read."""
    rows = [row for row in _rows(place) if row.split in ("", {"val": "valid"}.get(part, part))]
    if not rows:
        raise UsageError(f"{place} holds no problems of the part {part}")
    known, statements, not_run = reviewed(), {}, {}
    for row in rows:
        statement = _statement(row)
        if with_mathlib:
            statements[row.name] = ProblemText(statement, "\n".join(_OPEN.findall(row.lean)))
        elif row.name in known.same:
            statements[row.name] = ProblemText(_without_notations(statement))
        else:
            not_run[row.name] = known.changed.get(row.name) or _why_not(statement)
    digest = hashlib.sha256(msgspec.json.encode(sorted((row.name, row.lean) for row in rows))).hexdigest()
    return ProblemSet(digest[:12], statements, not_run)


def _rows(place: Path) -> Iterator[ProblemRow]:
    if place.is_dir():
        files = sorted(file for file in place.rglob("*.lean") if file.parent.name.lower() in ("valid", "test"))
        for file in files:
            yield ProblemRow(file.stem, file.read_text(encoding="utf-8"), file.parent.name.lower())
        return
    try:
        lines = place.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"can't read {place}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield msgspec.json.decode(line, type=ProblemRow)
        except msgspec.DecodeError as error:
            raise UsageError(f"{place}, line {number}: expected an object with `name` and `lean`: {error}") from None


def _statement(row: ProblemRow) -> str:
    """The text between the name and `:=`."""
    match = re.search(rf"\btheorem\s+{re.escape(row.name)}\b(.*?):=\s*(?:by\b.*)?$", row.lean, re.DOTALL)
    if match is None:
        raise UsageError(f"problem {row.name}: its Lean text has no `theorem {row.name} … :=`")
    return match[1].strip()


def _without_notations(statement: str) -> str:
    return re.sub(rf"(?<!\w)([{''.join(_NOTATIONS)}])(?!\w)", lambda match: _NOTATIONS[match[1]], statement)


def _why_not(statement: str) -> str:
    missing = [meaning for sign, meaning in _ABSENT.items() if sign in statement]
    return f"needs {missing[0]}" if missing else "uses names of Mathlib"
