"""What differs between the statement of a target and that of its variant."""

import difflib
import re
from collections.abc import Iterable, Sequence

import msgspec


class Piece(msgspec.Struct, frozen=True):
    """A part of a text. changed: is it missing in the other text?"""

    text: str
    changed: bool


_TOKENS = re.compile(r"[\w.'!?₀-₉]+|\s+|[^\w\s]")


def marked(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, with the differences marked as changed."""
    a, b = _TOKENS.findall(before), _TOKENS.findall(after)
    left: list[Piece] = []
    right: list[Piece] = []
    for change, i, j, k, m in _changes(a, b):
        for pieces, tokens in ((left, a[i:j]), (right, b[k:m])):
            if tokens:
                pieces.append(Piece("".join(tokens), change != "equal"))
    return left, right


def word_diff(before: str, after: str) -> str:
    """Both texts in one, as `git diff --word-diff` prints them: `0 < [-n * m-]{+n.gcd m * n.lcm m+}`."""
    a, b = _TOKENS.findall(before), _TOKENS.findall(after)
    return "".join("".join(a[i:j]) if change == "equal" else _mark("[-", a[i:j], "-]") + _mark("{+", b[k:m], "+}")
                   for change, i, j, k, m in _changes(a, b))


def _mark(begin: str, tokens: Iterable[str], end: str) -> str:
    return begin + text + end if (text := "".join(tokens)) else ""


def _changes(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """The opcodes of `difflib.SequenceMatcher`. Changes with nothing but spaces between them are one change."""
    found: list[tuple[str, int, int, int, int]] = []
    for change in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        kind, _, j, _, m = change
        if kind != "equal" and len(found) > 1 and found[-1][0] == "equal" and not "".join(a[found[-1][1]:found[-1][2]]).strip():
            found.pop()
            _, i, _, k, _ = found.pop()
            change = ("replace", i, j, k, m)
        found.append(change)
    return found
