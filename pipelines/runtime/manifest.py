"""`OUT/manifest.json`: the contents of OUT and the versions that made it. It is written last: if it exists, OUT is complete."""

from typing import TypeVar

import msgspec

from lean_alchemy.lean_workspace import engine_source
from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.lean_workspace.protocol import ENGINE_VERSION
from lean_alchemy.pipelines.runtime.storage import Location

SCHEMA_VERSION = 2
"""Version of the tables (`data/schema.py`). Raise it when a column changes its meaning or is removed."""

MADE_BY = {"variants": "synthesize", "proofs": "harvest"}
"""The command that makes each table."""

OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)


class UsageError(Mistake):
    """The command was called wrongly; the message says what to do. Exit status 2."""


class JobError(Trouble):
    """The job can't be done, or was not finished. Exit status 1."""


class Manifest(msgspec.Struct, kw_only=True):
    """options: the JSON of the command's options struct, such as `corpus.options.Options`."""

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

    def options_as(self, kind: type[OptionsT]) -> OptionsT:
        """The options as a struct. Raises UsageError if they are not of this kind."""
        try:
            return msgspec.json.decode(self.options, type=kind)
        except msgspec.DecodeError as error:
            raise UsageError(f"the options in manifest.json can't be read: {error}") from None


def manifest_at(out: Location, table: str = "variants") -> Manifest:
    """The manifest of OUT. Raises UsageError if OUT is not finished, has no such table, or has tables of another version."""
    file = out / "manifest.json"
    made = MADE_BY[table]
    if not file.is_file():
        raise UsageError(f"{out} holds no {table}: it has no manifest.json. Run `alchemy {made} {out}`.")
    manifest = decoded(file)
    if table not in manifest.counts:
        raise UsageError(f"{out} holds no {table}, but {', '.join(manifest.counts)}: give a folder that `alchemy {made}` made.")
    if manifest.schema_version != SCHEMA_VERSION:
        raise UsageError(f"the tables of {out} have version {manifest.schema_version}, and this version of lean-alchemy reads "
                         f"{SCHEMA_VERSION}: use the version that made them, {manifest.versions.get('lean-alchemy', 'unknown')}, or make "
                         f"them again with `alchemy {made}`.")
    return manifest


def decoded(file: Location) -> Manifest:
    """The manifest in a file. Raises UsageError if it can't be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} can't be read: {error}") from None


def encoded_options(options: msgspec.Struct) -> msgspec.Raw:
    """The options as JSON, for a manifest."""
    return msgspec.Raw(msgspec.json.encode(options))


def package_versions() -> dict[str, str]:
    """The versions that made a result: the engine (version and digest of its source), this package, Ray and Arrow."""
    from importlib.metadata import version

    return {"engine": f"{ENGINE_VERSION}-{engine_source.digest()}", **{name: version(name) for name in ("lean-alchemy", "ray", "pyarrow")}}
