"""What LeanDojo (Yang et al., 2023, arXiv 2306.15626) traces: a repository goes in, its theorems come out with the proofs that people
wrote. lean_dojo itself runs in a process of its own (`dojo_child.py`).

Versions of Lean. lean-dojo 4.20.0 says that it takes v4.3.0-rc2 and later. Two narrower limits are in its files:

- *tracing*: `ExtractData.lean` looks for compiled files where Lake puts them since Lean 4.18, and gives a module's header the type that it
  has since 4.20; from 4.28 on it does not compile (LeanDojo-v2 #6: `String.Pos`);
- *playing*: from 4.19 on what its REPL prints is captured as messages (LeanDojo #250), and `lean --memory`, which Dojo always passes, is
  rejected (lean4 #9879; taken again since 4.23, #10086).

So what this package traces it can't play; it plays in folders that an older lean-dojo traced, whose format is the same.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace.dojo.messages import Failed, FileEnd, Package, ReadFile, Reply, Theorem, Traced, Unread
from lean_alchemy.lean_workspace.dojo.process import LeanDojo, place
from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble
from lean_alchemy.lean_workspace.process import EngineDied

PLAYS_BELOW = (4, 19)
TRACES_FROM, TRACES_BELOW = (4, 20), (4, 28)

ANSWER_S = 120.0
READ_S = 1800.0
"""For the theorems of one file: its whole syntax tree is read first."""
TRACE_S = 7 * 24 * 3600.0
GIT_S = 3600.0

IR = Path(".lake/build/ir")
"""Where the traces of a repository's own files lie in a traced folder."""
OLEANS = Path(".lake/build/lib/lean")


class DojoUnsupported(Mistake):
    """LeanDojo can't do this here; the message says what does."""


class DojoFailed(Trouble, OfOneItem):
    """LeanDojo, git, lake or Lean failed; the message holds what they said."""


# --- versions -------------------------------------------------------------------------------------------------------------------


def require_package() -> None:
    """Raises DojoUnsupported where lean_dojo is missing."""
    if importlib.util.find_spec("lean_dojo") is None:
        raise DojoUnsupported("lean-dojo is not installed: pip install 'lean-alchemy[dojo]' (it asks for Python below 3.13)")


def check_versions(toolchains: Sequence[str]) -> Package:
    """The installed lean_dojo, and which of the toolchains (`leanprover/lean4:v4.9.0`) it says it supports. Raises DojoUnsupported."""
    require_package()
    with LeanDojo("versions", *toolchains) as child:
        reply = _expected(child.reply(ANSWER_S), Package)
    return reply


def lean_version(toolchain: str) -> tuple[int, int] | None:
    """None for a nightly, or a toolchain of one's own."""
    found = re.search(r"lean4:v?(\d+)\.(\d+)\.", toolchain)
    return (int(found[1]), int(found[2])) if found else None


def require_playable(toolchain: str) -> None:
    """Raises DojoUnsupported where Dojo does not run with this Lean."""
    version = lean_version(toolchain)
    if version is None or version >= PLAYS_BELOW:
        raise DojoUnsupported(f"LeanDojo's Dojo runs with Lean before {_text(PLAYS_BELOW)}, and this is {toolchain}: later ones reject its "
                              "--memory option, and capture its replies as messages. Use the default gym, lean_workspace.gym.Gym")


def require_traceable(toolchain: str) -> None:
    """Raises DojoUnsupported where LeanDojo's extractor does not compile with this Lean, or finds no compiled files."""
    version = lean_version(toolchain)
    if version is None or not TRACES_FROM <= version < TRACES_BELOW:
        raise DojoUnsupported(f"LeanDojo's extractor compiles neither before Lean {_text(TRACES_FROM)} nor from {_text(TRACES_BELOW)} on, "
                              f"and this is {toolchain}. Before: trace with an older lean-dojo, and name its folder with --traced. "
                              "After: `alchemy harvest --library FILE.lean` records proofs as they are written")


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


# --- traced folders -------------------------------------------------------------------------------------------------------------


def toolchain_of(folder: Path) -> str:
    """Raises DojoUnsupported for a folder without one."""
    file = folder / "lean-toolchain"
    if not file.is_file():
        raise DojoUnsupported(f"{folder} has no lean-toolchain: name the root of a Lean repository")
    return file.read_text().strip()


class Source(msgspec.Struct, frozen=True):
    """A repository at a commit. repository: a URL or a path, as git knows it. folder: a clone with that commit checked out."""

    repository: str
    commit: str
    folder: Path


def source_of(folder: Path) -> Source:
    """What a folder was cloned of, as far as it says so."""
    if not (folder / ".git").exists():
        return Source(str(folder), "unknown", folder)
    try:
        repository = _git(folder, "remote", "get-url", "origin").strip()
    except DojoFailed:
        repository = str(folder)
    return Source(repository, _git(folder, "rev-parse", "HEAD").strip(), folder)


def cloned(repository: str, revision: str) -> Source:
    """A clone of the repository at a revision, made once for a commit. It is what LeanDojo gets, for it copies a local repository with all
    that was built in it, takes none but its HEAD, and asks GitHub's API about one there. Raises DojoFailed."""
    if Path(repository).is_dir():
        repository = str(Path(repository).resolve())
    sources = place() / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=sources, prefix="part-"))
    name = re.sub(r"\.git$", "", repository.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]) or "repository"
    try:
        clone = made / name
        _git(None, "clone", "--quiet", "--no-checkout", "--", repository, str(clone))
        commit = _commit_in(clone, revision)
        folder = sources / f"{name}-{commit}"
        if not folder.exists():
            _git(clone, "checkout", "--quiet", "--detach", commit)
            os.replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return Source(repository, commit, folder / name)


def _commit_in(clone: Path, revision: str) -> str:
    """A branch is one of the repository's, so it has `origin/` before its name in a clone."""
    for name in (revision, f"origin/{revision}"):
        try:
            return _git(clone, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
        except DojoFailed:
            continue
    raise DojoFailed(f"the repository has no revision {revision}")


def _git(folder: Path | None, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=GIT_S,
                              env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DojoFailed(f"git {arguments[0]}: {error}") from None
    if done.returncode:
        raise DojoFailed(f"git {arguments[0]} ended with {done.returncode}: {' | '.join(done.stderr.strip().splitlines()[-3:])}")
    return done.stdout


def traced(source: Source, workers: int) -> Path:
    """The traced folder of a repository: built and traced, once for a commit. workers: files at once, 1 to 2 GB each with Mathlib open.
    What lake prints goes to stderr. Raises DojoUnsupported, DojoFailed."""
    require_package()
    require_traceable(toolchain_of(source.folder))
    with LeanDojo("trace", str(source.folder), source.commit, workers=workers, shows=True) as child:
        return Path(_expected(child.reply(TRACE_S), Traced).folder)


class TracedFile(msgspec.Struct, frozen=True):
    """A compiled module of the repository. trace: relative to the folder; None where LeanDojo left none."""

    module: str
    trace: str | None


def files_in(folder: Path) -> list[TracedFile]:
    """The repository's own modules, in order. A module is named by its file. Raises DojoUnsupported where none is traced."""
    found: dict[str, str | None] = {}
    for below, ending in ((OLEANS, ".olean"), (IR, ".trace.xml"), (IR, ".ast.json")):
        for file in (folder / below).rglob(f"*{ending}"):
            parts = file.relative_to(folder / below).as_posix().removesuffix(ending).split("/")
            found[".".join(parts)] = None if ending == ".olean" else file.relative_to(folder).as_posix()
    found.pop("Lean4Repl", None)  # LeanDojo's own
    if not any(found.values()):
        raise DojoUnsupported(f"{folder} is no folder that LeanDojo traced: there is no {IR}/**/*.ast.json in it. Its cache has them at "
                              "~/.cache/lean_dojo/OWNER-NAME-COMMIT/NAME")
    return [TracedFile(module, trace) for module, trace in sorted(found.items())]


class Reader:
    """Reads the files of a traced folder, one after the other."""

    def __init__(self, folder: Path):
        self._folder, self._child = folder, None

    def theorems(self, file: str) -> Iterator[Theorem | Unread]:
        """Of one file, in order. Raises DojoFailed where it can't be read to its end; the next file can be."""
        if self._child is None or not self._child.alive:
            self._child = LeanDojo("read", str(self._folder))
        seen = 0
        try:
            for reply in self._child.ask_all(ReadFile(file), FileEnd, READ_S):
                if isinstance(reply, Theorem | Unread):
                    seen += 1
                    yield reply
                elif (end := _expected(reply, FileEnd)).theorems != seen:
                    raise DojoFailed(f"{seen} of {end.theorems} theorems came")
        except EngineDied as died:
            raise DojoFailed(f"{died.cause}: {died.detail}") from None

    def close(self) -> None:
        if self._child is not None:
            self._child.close()


def _expected(reply: Reply, kind: type) -> Reply:
    if isinstance(reply, kind):
        return reply
    raise DojoFailed(f"LeanDojo: {reply.message}" if isinstance(reply, Failed) else f"LeanDojo answers out of turn: {reply}")
