"""The format of the LeanDojo benchmark: reading it, writing it, and the splits that it defines.

LeanDojo (Yang et al., 2023, arXiv 2306.15626, section 4.1 and appendix A.2) lays a benchmark out as

    corpus.jsonl                            a file of the library a line: its imports and the premises in it, in order
    metadata.json
    {random,novel_premises}/{train,val,test}.json

Our own benchmarks are in this format; what it has no place for stands in fields of its own, which other readers ignore. A benchmark is
a folder, or a `.tar.xz` of one.
"""

import hashlib
import io
import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.runtime.manifest import UsageError

CORE = Path(__file__).parent / "core.tar.xz"
"""The benchmark that ships with the package."""

SplitName = Literal["random", "novel_premises"]
PartName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("random", "novel_premises")
PARTS: tuple[PartName, ...] = ("train", "val", "test")

Position = tuple[int, int]
"""Line and column, from 1."""


class Premise(msgspec.Struct, frozen=True):
    """A declaration of the library, and where it stands in its file."""

    full_name: str
    code: str
    start: Position
    end: Position
    kind: str


class File(msgspec.Struct, frozen=True):
    """A file of the library. It stands after those that it imports."""

    path: str
    imports: list[str]
    premises: list[Premise]


class Reference(msgspec.Struct, frozen=True):
    """A premise that a tactic names."""

    full_name: str
    def_path: str
    def_pos: Position
    def_end_pos: Position


class TracedTactic(msgspec.Struct, frozen=True):
    """annotated_tactic: the tactic with `<a>…</a>` around the premises that it names, and these."""

    tactic: str
    annotated_tactic: tuple[str, list[Reference]]
    state_before: str
    state_after: str


class TracedTheorem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A theorem with its proof. The fields from `statement` on are ours alone: what stands between the theorem's name and `:=`, the names
    of its universes, how the proof was found (`pipelines.harvest.Proof`), and what is equal for equal statements."""

    url: str
    commit: str
    file_path: str
    full_name: str
    start: Position
    end: Position
    traced_tactics: list[TracedTactic]
    statement: str | None = None
    level_params: list[str] = []
    round: int | None = None
    line: str | None = None
    statement_key: str | None = None

    @property
    def premises(self) -> set[str]:
        return {reference.full_name for tactic in self.traced_tactics for reference in tactic.annotated_tactic[1]}


class _Named(msgspec.Struct):
    full_name: str | None


def place_of(name: str) -> Path:
    """Of `core`, or of a benchmark on disk."""
    return CORE if name == "core" else Path(name)


class Benchmark:
    """A benchmark on disk. Its parts are read when they are asked for: those of LeanDojo Benchmark 4 are large."""

    def __init__(self, place: Path):
        """Raises UsageError where there is none."""
        self._place = place
        self._packed: dict[str, bytes] | None = None
        if place.is_file():
            self._packed = _unpacked(place)
        elif not place.is_dir():
            raise UsageError(f"there is no benchmark {place}")

    def metadata(self) -> dict:
        return self._decoded("metadata.json", dict)

    def corpus(self) -> Iterator[File]:
        for number, line in enumerate(self._bytes("corpus.jsonl").splitlines(), 1):
            yield self._decode(f"corpus.jsonl, line {number}", line, File)

    def part(self, split: SplitName, part: PartName) -> list[TracedTheorem]:
        """LeanDojo has rows for what looks like a theorem in a macro, too, whose name is null; these are left out."""
        name = f"{split}/{part}.json"
        rows = self._decoded(name, list[msgspec.Raw])
        return [self._decode(name, row, TracedTheorem) for row in rows if self._decode(name, row, _Named).full_name is not None]

    def theorems(self) -> list[TracedTheorem]:
        """Of all parts of the random split, which are all of the benchmark's."""
        return [theorem for part in PARTS for theorem in self.part("random", part)]

    def novel_premises(self) -> set[str]:
        """What proofs in val and test of the split of that name use, and none in train."""
        used = {part: {name for theorem in self.part("novel_premises", part) for name in theorem.premises} for part in PARTS}
        return (used["val"] | used["test"]) - used["train"]

    def held_out(self, novel_premises: bool) -> HeldOut:
        """The theorems in val and test of both splits. novel_premises: keeps out as lemmas what the proofs of `novel_premises` use there
        and none in train."""
        out = [theorem for split in SPLITS for part in ("val", "test") for theorem in self.part(split, part)]
        return HeldOut(frozenset(t.full_name for t in out), frozenset(t.statement_key for t in out if t.statement_key),
                       frozenset(self.novel_premises()) if novel_premises else frozenset())

    def unpack(self, folder: Path) -> None:
        """Writes it out as a folder. Raises UsageError where that is there."""
        if self._packed is None:
            raise UsageError(f"{self._place} is a folder already")
        if folder.exists():
            raise UsageError(f"{folder} is there: name another folder")
        for name, content in self._packed.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    def _bytes(self, name: str) -> bytes:
        if self._packed is not None:
            found = self._packed.get(name)
        else:
            file = self._place / name
            found = file.read_bytes() if file.is_file() else None
        if found is None:
            raise UsageError(f"{self._place} is no benchmark in LeanDojo's format: it has no {name}")
        return found

    def _decoded(self, name: str, kind: Any) -> Any:
        return self._decode(name, self._bytes(name), kind)

    def _decode(self, name: str, content: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise UsageError(f"{self._place}, {name}: not in LeanDojo's format: {error}") from None


def _unpacked(file: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(file, "r:xz") as archive:
            return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f"{file} can't be read as a packed benchmark: {error}") from None


# --- splits ---------------------------------------------------------------------------------------------------------------------

Split = Mapping[PartName, list[TracedTheorem]]


def random_split(theorems: Sequence[TracedTheorem], held_out: int, seed: int) -> Split:
    """held_out: theorems in val, and as many in test. The order, and so the split, depends on the seed and the names alone."""
    drawn = sorted(theorems, key=lambda theorem: _draw(seed, theorem.full_name))
    return _parts(drawn[:2 * held_out], drawn[2 * held_out:], held_out)


def novel_premises_split(theorems: Sequence[TracedTheorem], held_out: int, seed: int) -> Split:
    """Each proof in val and test uses a premise that no proof in train uses: the theorems of a premise stay together, and the premises
    that few theorems use go out of train first."""
    users: dict[str, list[TracedTheorem]] = defaultdict(list)
    for theorem in theorems:
        for premise in theorem.premises:
            users[premise].append(theorem)
    out: dict[str, TracedTheorem] = {}
    for premise in sorted(users, key=lambda premise: (len(users[premise]), _draw(seed, premise))):
        if len(out) >= 2 * held_out:
            break
        out.update((theorem.full_name, theorem) for theorem in users[premise])
    drawn = sorted(out.values(), key=lambda theorem: _draw(seed, theorem.full_name))
    left = sorted((t for t in theorems if t.full_name not in out), key=lambda theorem: _draw(seed, theorem.full_name))
    return _parts(drawn, left, len(drawn) // 2)


def _parts(out: list[TracedTheorem], train: list[TracedTheorem], count: int) -> Split:
    return {"train": train, "val": out[:count], "test": out[count:]}


def _draw(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode()).digest()


# --- annotated tactics ----------------------------------------------------------------------------------------------------------

_PART = r"(?:«[^»]*»|[^\W\d][\w'!?]*)"
_NAME = re.compile(rf"(?<![\w.'!?«»]){_PART}(?:\.{_PART})*")


def annotated(tactic: str, premises: Iterable[str]) -> tuple[str, list[str]]:
    """The tactic with `<a>…</a>` around the premises where they are named, and these, in order. `h.symm` names `h`."""
    known = list(premises)
    named: list[str] = []

    def mark(match: re.Match) -> str:
        parts = match[0].split(".")
        for length in range(len(parts), 0, -1):
            written = ".".join(parts[:length])
            full = next((p for p in known if p == written.removeprefix("_root_.")), None) or next(
                (p for p in known if p.endswith(f".{written}")), None)
            if full is not None:
                named.append(full)
                return f"<a>{written}</a>{match[0][len(written):]}"
        return match[0]

    return _NAME.sub(mark, tactic), named


# --- writing --------------------------------------------------------------------------------------------------------------------


def files_of(corpus: Iterable[File], splits: Mapping[SplitName, Split], metadata: dict, card: str) -> dict[str, bytes]:
    """The files of a benchmark, by name. The same benchmark is the same bytes."""
    files = {"corpus.jsonl": b"".join(msgspec.json.encode(file) + b"\n" for file in corpus)}
    for split, parts in splits.items():
        for part in PARTS:
            files[f"{split}/{part}.json"] = msgspec.json.encode(parts[part])
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + content for name, content in sorted(files.items()))).hexdigest()
    files["metadata.json"] = json.dumps({**metadata, "sha256": digest}, indent=2, ensure_ascii=False).encode() + b"\n"
    files["README.md"] = card.encode()
    return files


def packed(files: Mapping[str, bytes]) -> bytes:
    """A `.tar.xz` of the files, without times and owners."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:xz", preset=9, format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return made.getvalue()
