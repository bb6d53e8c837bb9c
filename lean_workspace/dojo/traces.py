"""Tracing with LeanDojo (Yang et al., 2023, arXiv 2306.15626): a repository in, its theorems with the proofs in their source out. lean_dojo
itself runs in a process of its own (`child.py`).

Versions of Lean. lean-dojo 4.20.0 claims to support v4.3.0-rc2 and later. In fact its files set two narrower limits:

- *tracing*: `ExtractData.lean` expects compiled files where Lake puts them since Lean 4.18, and the type that module headers have since
  4.20; from 4.28 on it does not compile (LeanDojo-v2 #6: `String.Pos`);
- *playing*: from 4.19 on Lean captures the output of its REPL as messages (LeanDojo #250), and rejects `lean --memory`, which Dojo always
  passes (lean4 #9879; accepted again since 4.23, #10086).

So this package can't play in the folders that it traces. It can play in folders traced by an older lean-dojo, whose format is the same.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from lean_alchemy.lean_workspace.dojo.messages import FileEnd, LeanDojoFailed, Package, ReadFile, Reply, SourceTheorem, Traced, Unread
from lean_alchemy.lean_workspace.dojo.process import LeanDojo, dojo_home
from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble
from lean_alchemy.lean_workspace.process import EngineDied

PLAYS_BELOW = (4, 19)
TRACES_FROM, TRACES_BELOW = (4, 20), (4, 28)

ANSWER_S = 120.0
READ_S = 1800.0
"""Per theorem of a file; before the first one the file's whole syntax tree is read."""
TRACE_S = 7 * 24 * 3600.0
GIT_S = 3600.0

IR = Path(".lake/build/ir")
"""Where the traces of the repository's own files are in a traced folder."""
OLEANS = Path(".lake/build/lib/lean")


Expected = TypeVar("Expected", Package, Traced, FileEnd)
"""The types of replies that come one at a time."""


class DojoUnsupported(Mistake):
    """LeanDojo can't do this here; the message says what can."""


class DojoFailed(Trouble, OfOneItem):
    """LeanDojo, git, lake or Lean failed; the message quotes their output."""


# --- versions -------------------------------------------------------------------------------------------------------------------


def require_package() -> None:
    """Raises DojoUnsupported if lean_dojo is missing."""
    if importlib.util.find_spec("lean_dojo") is None:
        raise DojoUnsupported("lean-dojo is not installed: pip install 'lean-alchemy[dojo]' (it needs Python below 3.13)")


def check_versions(toolchains: Sequence[str]) -> Package:
    """The installed lean_dojo, and which of the toolchains (`leanprover/lean4:v4.9.0`) it claims to support. Raises DojoUnsupported."""
    require_package()
    with LeanDojo("versions", *toolchains) as child:
        reply = _expected(child.reply(ANSWER_S), Package)
    return reply


def lean_version(toolchain: str) -> tuple[int, int] | None:
    """Major and minor version; None for a nightly or a custom toolchain."""
    match = re.search(r"lean4:v?(\d+)\.(\d+)\.", toolchain)
    return (int(match[1]), int(match[2])) if match else None


def require_playable(toolchain: str) -> None:
    """Raises DojoUnsupported if Dojo does not run with this Lean."""
    version = lean_version(toolchain)
    if version is None or version >= PLAYS_BELOW:
        raise DojoUnsupported(f"LeanDojo's Dojo runs with Lean before {_text(PLAYS_BELOW)}, and this is {toolchain}: later ones reject its "
                              "--memory option and capture its replies as messages. Use the default gym, lean_workspace.gym.Gym")


def require_traceable(toolchain: str) -> None:
    """Raises DojoUnsupported if LeanDojo's extractor does not compile with this Lean, or would find no compiled files."""
    version = lean_version(toolchain)
    if version is None or not TRACES_FROM <= version < TRACES_BELOW:
        raise DojoUnsupported(f"LeanDojo's extractor compiles neither before Lean {_text(TRACES_FROM)} nor from {_text(TRACES_BELOW)} on, "
                              f"and this is {toolchain}. For an older Lean trace with an older lean-dojo, and give its folder by --traced. "
                              "For a newer Lean use `alchemy harvest --library FILE.lean`, which records the proofs in the source")


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


# --- traced folders -------------------------------------------------------------------------------------------------------------


def toolchain_of(folder: Path) -> str:
    """The content of the folder's lean-toolchain. Raises DojoUnsupported if there is none."""
    file = folder / "lean-toolchain"
    if not file.is_file():
        raise DojoUnsupported(f"{folder} has no lean-toolchain: name the root of a Lean repository")
    return file.read_text(encoding="utf-8").strip()


class Repository(msgspec.Struct, frozen=True):
    """A repository at a commit. repository: a URL or a path, for git. folder: a clone with that commit checked out."""

    repository: str
    commit: str
    folder: Path


def repository_of(folder: Path) -> Repository:
    """The origin and commit of a folder, as far as git knows them."""
    if not (folder / ".git").exists():
        return Repository(str(folder), "unknown", folder)
    try:
        repository = _git(folder, "remote", "get-url", "origin").strip()
    except DojoFailed:
        repository = str(folder)
    return Repository(repository, _git(folder, "rev-parse", "HEAD").strip(), folder)


def cloned(repository: str, revision: str) -> Repository:
    """A clone of the repository at a revision, made once per commit. LeanDojo gets this clone, because of a local repository it copies all
    build products and only takes HEAD, and for one on GitHub it calls GitHub's API. Raises DojoFailed."""
    if Path(repository).is_dir():
        repository = str(Path(repository).resolve())
    sources = dojo_home() / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=sources, prefix="part-"))
    name = re.sub(r"\.git$", "", repository.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]) or "repository"
    try:
        clone = temporary / name
        _git(None, "clone", "--quiet", "--no-checkout", "--", repository, str(clone))
        commit = _commit_in(clone, revision)
        folder = sources / f"{name}-{commit}"
        if not folder.exists():
            _git(clone, "checkout", "--quiet", "--detach", commit)
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Repository(repository, commit, folder / name)


def _commit_in(clone: Path, revision: str) -> str:
    """The commit of a tag, a commit or a branch. In a clone the repository's branches are called `origin/…`."""
    for name in (revision, f"origin/{revision}"):
        try:
            return _git(clone, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
        except DojoFailed:
            continue
    raise DojoFailed(f"the repository has no revision {revision}: give a branch, a tag or a commit")


def _git(folder: Path | None, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
                              timeout=GIT_S, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DojoFailed(f"git {arguments[0]}: {error}") from None
    if done.returncode:
        output = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise DojoFailed(f"git {arguments[0]} ended with exit status {done.returncode}: {output}")
    return done.stdout


def traced(source: Repository, workers: int) -> Path:
    """The folder of the traced repository, built and traced once per commit. workers: files to trace at once, with 1 to 2 GB each if they
    import Mathlib. The output of lake goes to stderr. Raises DojoUnsupported, DojoFailed."""
    require_package()
    require_traceable(toolchain_of(source.folder))
    with LeanDojo("trace", str(source.folder), source.commit, workers=workers, show_output=True) as child:
        return Path(_expected(child.reply(TRACE_S), Traced).folder)


class TracedFile(msgspec.Struct, frozen=True):
    """A compiled module of the repository. trace: its trace, relative to the folder; None if LeanDojo made none."""

    module: str
    trace: str | None


def files_in(folder: Path) -> list[TracedFile]:
    """The repository's own modules, sorted by name. Raises DojoUnsupported if none is traced."""
    traces: dict[str, str | None] = {}
    for below, ending in ((OLEANS, ".olean"), (IR, ".trace.xml"), (IR, ".ast.json")):
        for file in (folder / below).rglob(f"*{ending}"):
            parts = file.relative_to(folder / below).as_posix().removesuffix(ending).split("/")
            traces[".".join(parts)] = None if ending == ".olean" else file.relative_to(folder).as_posix()
    traces.pop("Lean4Repl", None)  # LeanDojo's own
    if not any(traces.values()):
        raise DojoUnsupported(f"{folder} is not a folder that LeanDojo traced: it has no {IR}/**/*.ast.json. In LeanDojo's cache such "
                              "folders are ~/.cache/lean_dojo/OWNER-NAME-COMMIT/NAME")
    return [TracedFile(module, trace) for module, trace in sorted(traces.items())]


class TraceReader:
    """Reads the files of a traced folder, one at a time."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._child: LeanDojo | None = None

    def theorems(self, file: str) -> Iterator[SourceTheorem | Unread]:
        """The theorems of one file, in order. Raises DojoFailed if the file can't be read to its end; other files can still be read."""
        if self._child is None or not self._child.alive:
            self._child = LeanDojo("read", str(self._folder))
        seen = 0
        try:
            for reply in self._child.ask_all(ReadFile(file), FileEnd, READ_S):
                if isinstance(reply, SourceTheorem | Unread):
                    seen += 1
                    yield reply
                elif (end := _expected(reply, FileEnd)).theorems != seen:
                    raise DojoFailed(f"only {seen} of {end.theorems} theorems were received")
        except EngineDied as died:
            raise DojoFailed(f"{died.cause}: {died.detail}") from None

    def close(self) -> None:
        if self._child is not None:
            self._child.close()


def _expected(reply: Reply, kind: type[Expected]) -> Expected:
    if isinstance(reply, kind):
        return reply
    raise DojoFailed(f"LeanDojo: {reply.message}" if isinstance(reply, LeanDojoFailed) else f"unexpected reply of LeanDojo: {reply}")
