"""The part of WebAssembly's binary format that the set-up needs: sections, imports and exports.

Source of the format: WebAssembly Core Specification, *Binary Format*.
"""

from collections.abc import Iterator

IMPORTS, TABLES, EXPORTS = 2, 4, 7
FUNCTION, TABLE, MEMORY, GLOBAL, TAG = range(5)
HEADER = 8
"""Bytes of the magic number and the version."""


class UnknownModule(Exception):
    """The module has another structure than this file expects."""


def sections(module: bytes) -> Iterator[tuple[int, memoryview]]:
    """The number and the body of each section, in order."""
    at = HEADER
    while at < len(module):
        number = module[at]
        size, at = read_number(module, at + 1)
        yield number, memoryview(module)[at:at + size]
        at += size


def read_number(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def number(value: int) -> bytes:
    """The value as unsigned LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _text(value: str) -> bytes:
    return number(len(value.encode())) + value.encode()


def _read_text(data: memoryview, at: int) -> tuple[str, int]:
    size, at = read_number(data, at)
    return bytes(data[at:at + size]).decode(), at + size


def imports(module: bytes) -> Iterator[tuple[str, str, int]]:
    """Module, name and kind of each import."""
    for section, body in sections(module):
        if section != IMPORTS:
            continue
        count, at = read_number(body, 0)
        for _ in range(count):
            origin, at = _read_text(body, at)
            name, at = _read_text(body, at)
            kind = body[at]
            at = _after_type(body, at + 1, kind)
            yield origin, name, kind


def _after_type(body: memoryview, at: int, kind: int) -> int:
    if kind in (FUNCTION, TAG):
        return read_number(body, at + (kind == TAG))[1]
    if kind == GLOBAL:
        return at + 2
    at += kind == TABLE  # the type of its elements
    has_maximum = body[at] & 1
    _, at = read_number(body, at + 1)
    return read_number(body, at)[1] if has_maximum else at


def exports(module: bytes) -> Iterator[str]:
    """The names of all exports."""
    for section, body in sections(module):
        if section != EXPORTS:
            continue
        count, at = read_number(body, 0)
        for _ in range(count):
            name, at = _read_text(body, at)
            yield name
            _, at = read_number(body, at + 1)


def with_table_imported(module: bytes) -> tuple[bytes, int]:
    """The module changed so that it imports its one table as `env.__indirect_function_table`, and the size that the table
    must have. No other index changes, as tables are numbered separately. Raises UnknownModule."""
    tables = [bytes(body) for section, body in sections(module) if section == TABLES]
    if len(tables) != 1 or tables[0][0] != 1:
        raise UnknownModule("the program does not have exactly one table")
    table = tables[0][1:]
    out = [module[:HEADER]]
    for section, body in sections(module):
        if section == TABLES:
            continue
        if section == IMPORTS:
            count, at = read_number(body, 0)
            added = _text("env") + _text("__indirect_function_table") + bytes([TABLE]) + table
            body = number(count + 1) + bytes(body[at:]) + added
        out += [bytes([section]), number(len(body)), body]
    return b"".join(out), read_number(table, 2)[0]
