"""The format of the LeanDojo benchmark: reading, writing, and its two splits.

LeanDojo (Yang et al., 2023, arXiv 2306.15626, section 4.1 and appendix A.2) has these files:

    corpus.jsonl                            one line per file of the library: its imports and its premises, in order
    metadata.json
    {random,novel_premises}/{train,val,test}.json

Our own benchmarks use this format, with additional fields that other readers ignore. A benchmark is a folder, or a `.tar.xz` of one.
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
from lean_alchemy.pipelines.data.splits import draw_order
from lean_alchemy.pipelines.runtime.manifest import UsageError

CORE = Path(__file__).parent / "core.tar.xz"
"""The benchmark that ships with the package."""

SplitName = Literal["random", "novel_premises"]
PartName = Literal["train", "val", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("random", "novel_premises")
PART_NAMES: tuple[PartName, ...] = ("train", "val", "test")

Position = tuple[int, int]
"""Line and column, from 1."""


class Premise(msgspec.Struct, frozen=True):
    """A declaration of the library, and its position in its file."""

    full_name: str
    code: str
    start: Position
    end: Position
    kind: str


class CorpusFile(msgspec.Struct, frozen=True):
    """A file of the library. In `corpus.jsonl` it comes after the files that it imports."""

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
    """annotated_tactic: the tactic with `<a>…</a>` around each premise that it names, and the list of these premises."""

    tactic: str
    annotated_tactic: tuple[str, list[Reference]]
    state_before: str
    state_after: str


class TracedTheorem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A theorem with its proof. The fields from `statement` on are ours. statement: the text between the theorem's name and `:=`.
    level_params: its universe parameters. round, line: how the proof was found (`pipelines.data.schema.Proof`). statement_key: equal for
    equal statements."""

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


class _NameOnly(msgspec.Struct):
    full_name: str | None


def benchmark_path(name: str) -> Path:
    """The path of a benchmark: `core` is in the package, any other name is a path."""
    return CORE if name == "core" else Path(name)


class Benchmark:
    """A benchmark on disk. Parts are read on demand, because those of LeanDojo Benchmark 4 are large."""

    def __init__(self, place: Path):
        """Raises UsageError if there is none."""
        self._place = place
        self._packed: dict[str, bytes] | None = None
        if place.is_file():
            self._packed = _unpacked(place)
        elif not place.is_dir():
            raise UsageError(f"there is no benchmark {place}: give `core`, a folder, or a .tar.xz file")

    def metadata(self) -> dict:
        return self._decoded("metadata.json", dict)

    def corpus(self) -> Iterator[CorpusFile]:
        for number, line in enumerate(self._bytes("corpus.jsonl").splitlines(), 1):
            yield self._decode(f"corpus.jsonl, line {number}", line, CorpusFile)

    def part(self, split: SplitName, part: PartName) -> list[TracedTheorem]:
        """The theorems of a part. LeanDojo's rows without a name are left out: they come from theorems inside macros."""
        name = f"{split}/{part}.json"
        rows = self._decoded(name, list[msgspec.Raw])
        return [self._decode(name, row, TracedTheorem) for row in rows if self._decode(name, row, _NameOnly).full_name is not None]

    def theorems(self) -> list[TracedTheorem]:
        """All theorems of the benchmark: those of all parts of the random split."""
        return [theorem for part in PART_NAMES for theorem in self.part("random", part)]

    def novel_premises(self) -> set[str]:
        """The premises that proofs in val and test of the split `novel_premises` use, and no proof in train."""
        used = {part: {name for theorem in self.part("novel_premises", part) for name in theorem.premises} for part in PART_NAMES}
        return (used["val"] | used["test"]) - used["train"]

    def held_out(self, novel_premises: bool) -> HeldOut:
        """The theorems in val and test of both splits. novel_premises: also hold out, as lemmas, what `novel_premises()` returns."""
        theorems = [theorem for split in SPLIT_NAMES for part in ("val", "test") for theorem in self.part(split, part)]
        return HeldOut(frozenset(t.full_name for t in theorems), frozenset(t.statement_key for t in theorems if t.statement_key),
                       frozenset(self.novel_premises()) if novel_premises else frozenset())

    def unpack(self, folder: Path) -> None:
        """Writes a packed benchmark as a folder. Raises UsageError if it is not packed, or if the folder exists."""
        if self._packed is None:
            raise UsageError(f"{self._place} is a folder already, so there is nothing to unpack")
        if folder.exists():
            raise UsageError(f"{folder} exists: name another folder")
        for name, content in self._packed.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    def _bytes(self, name: str) -> bytes:
        if self._packed is not None:
            content = self._packed.get(name)
        else:
            file = self._place / name
            content = file.read_bytes() if file.is_file() else None
        if content is None:
            raise UsageError(f"{self._place} is not a benchmark in LeanDojo's format: it has no {name}")
        return content

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
            return {member.name: content.read() for member in archive
                    if member.isfile() and (content := archive.extractfile(member)) is not None}
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f"{file} can't be read as a packed benchmark: {error}") from None


# --- splits ---------------------------------------------------------------------------------------------------------------------

TheoremsByPart = Mapping[PartName, list[TracedTheorem]]


def random_split(theorems: Sequence[TracedTheorem], held_out: int, seed: int) -> TheoremsByPart:
    """held_out: number of theorems in val, and also in test. The split depends on the seed and the names alone."""
    drawn = sorted(theorems, key=lambda theorem: draw_order(seed, theorem.full_name))
    return _parts(drawn[:2 * held_out], drawn[2 * held_out:], held_out)


def novel_premises_split(theorems: Sequence[TracedTheorem], held_out: int, seed: int) -> TheoremsByPart:
    """Each proof in val and test uses a premise that no proof in train uses. All theorems that use a premise are moved out of train
    together, beginning with the premises that the fewest theorems use."""
    users: dict[str, list[TracedTheorem]] = defaultdict(list)
    for theorem in theorems:
        for premise in theorem.premises:
            users[premise].append(theorem)
    moved: dict[str, TracedTheorem] = {}
    for premise in sorted(users, key=lambda premise: (len(users[premise]), draw_order(seed, premise))):
        if len(moved) >= 2 * held_out:
            break
        moved.update((theorem.full_name, theorem) for theorem in users[premise])
    drawn = sorted(moved.values(), key=lambda theorem: draw_order(seed, theorem.full_name))
    train = sorted((t for t in theorems if t.full_name not in moved), key=lambda theorem: draw_order(seed, theorem.full_name))
    return _parts(drawn, train, len(drawn) // 2)


def _parts(held_out: list[TracedTheorem], train: list[TracedTheorem], count: int) -> TheoremsByPart:
    return {"train": train, "val": held_out[:count], "test": held_out[count:]}


# --- annotated tactics ----------------------------------------------------------------------------------------------------------

_PART = r"(?:«[^»]*»|[^\W\d][\w'!?]*)"
_NAME = re.compile(rf"(?<![\w.'!?«»]){_PART}(?:\.{_PART})*")


def annotated(tactic: str, premises: Iterable[str]) -> tuple[str, list[str]]:
    """The tactic with `<a>…</a>` around each premise that it names, and these premises in order. `h.symm` names `h`."""
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


def files_of(corpus: Iterable[CorpusFile], splits: Mapping[SplitName, TheoremsByPart], metadata: dict, card: str) -> dict[str, bytes]:
    """The files of a benchmark, by name. The same benchmark gives the same bytes."""
    files = {"corpus.jsonl": b"".join(msgspec.json.encode(file) + b"\n" for file in corpus)}
    for split, parts in splits.items():
        for part in PART_NAMES:
            files[f"{split}/{part}.json"] = msgspec.json.encode(parts[part])
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + content for name, content in sorted(files.items()))).hexdigest()
    files["metadata.json"] = json.dumps({**metadata, "sha256": digest}, indent=2, ensure_ascii=False).encode() + b"\n"
    files["README.md"] = card.encode()
    return files


def packed(files: Mapping[str, bytes]) -> bytes:
    """A `.tar.xz` of the files, without times and owners, so that the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=9, format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()
