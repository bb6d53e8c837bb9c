"""`OUT/manifest.json`: what OUT holds and what made it. It is written last, so OUT is whole when it is there."""

from typing import TypeVar

import msgspec

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION
from lean_alchemy.pipelines.runtime.storage import Location

SCHEMA_VERSION = 2
"""Of the tables (`data/schema.py`). Raise it when a column changes its meaning or goes away."""

MADE_BY = {"variants": "synthesize", "proofs": "harvest"}
"""The command that makes a table."""

Kind = TypeVar("Kind", bound=msgspec.Struct)


class UsageError(Mistake):
    """The command was called wrongly; the message says what to do. Exit status 2."""


class JobError(Trouble):
    """The job can't be done or was not done. Exit status 1."""


class Manifest(msgspec.Struct, kw_only=True):
    """options: as the command's options struct writes them."""

    library: list[str]
    toolchain: str
    versions: dict[str, str]
    seed: int
    options: msgspec.Raw
    counts: dict[str, int]
    rejects: dict[str, int]
    shards: list[str]
    schema_version: int
    seconds: float

    def options_as(self, kind: type[Kind]) -> Kind:
        """Raises UsageError where they are not of this kind."""
        try:
            return msgspec.json.decode(self.options, type=kind)
        except msgspec.DecodeError as error:
            raise UsageError(f"the options in manifest.json can't be read: {error}") from None


def manifest_at(out: Location, table: str = "variants") -> Manifest:
    """Raises UsageError where OUT is not finished, or has no such table."""
    file = out / "manifest.json"
    made = MADE_BY[table]
    if not file.is_file():
        raise UsageError(f"{out} holds no {table}: it has no manifest.json. Make them with `alchemy {made} {out}`.")
    manifest = decoded(file)
    if table not in manifest.counts:
        raise UsageError(f"{out} holds no {table}, but {', '.join(manifest.counts)}: name a folder of `alchemy {made}`.")
    return manifest


def decoded(file: Location) -> Manifest:
    """Raises UsageError."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} can't be read: {error}") from None


def encoded_options(options: msgspec.Struct) -> msgspec.Raw:
    """Options as a manifest holds them."""
    return msgspec.Raw(msgspec.json.encode(options))


def versions() -> dict[str, str]:
    """What made a result: the engine (its version and the digest of its text), this package, and the libraries that it depends on."""
    from importlib.metadata import version

    return {"engine": f"{ENGINE_VERSION}-{engine_source.digest()}", **{name: version(name) for name in ("lean-alchemy", "ray", "pyarrow")}}
