"""The only module that imports lean_dojo, run as a process of its own: `python -m lean_alchemy.lean_workspace.dojo.child ROLE …`.

Importing lean_dojo runs git, reads a `.env`, replaces the log handlers, and with a token calls GitHub; its functions start Ray and change
the working directory. The separate process keeps all that away from ours. Replies go to the original stdout. Everything else that
lean_dojo, lake or Lean print goes to stderr.

    versions TOOLCHAIN…    replies one Package
    trace FOLDER COMMIT    builds and traces a clone at that commit (lean_dojo 4.20.0, `trace.py`), replies one Traced
    read FOLDER            replies to each ReadFile with the theorems of that file, then FileEnd
    dojo FOLDER            handles Enter, then RunTactic; CheckProof

A repository is never loaded as a whole, as `TracedRepo.load_from_disk` keeps all files in memory and asks GitHub for leanprover/lean4.
Files are read one by one with the package's `TracedFile`.
"""

import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from lean_alchemy.lean_workspace.dojo.messages import (
    CheckProof,
    DojoRequest,
    Enter,
    Error,
    FileEnd,
    Finished,
    GivenUp,
    Goals,
    LeanDojoFailed,
    Package,
    ReadFile,
    Reply,
    RunTactic,
    SourceTheorem,
    Tactic,
    Traced,
    Unread,
    Verdict,
)


def versions(*toolchains: str) -> Iterator[Reply]:
    """The package's version, and which of the toolchains (`leanprover/lean4:v4.9.0`) it claims to support."""
    from lean_dojo import __version__

    yield Package(__version__, [toolchain for toolchain in toolchains if _is_accepted(toolchain)])


def _is_accepted(toolchain: str) -> bool:
    from lean_dojo.data_extraction.lean import get_lean4_version_from_config, is_supported_version

    try:
        return is_supported_version(get_lean4_version_from_config(toolchain))
    except (AssertionError, ValueError):  # a custom toolchain, a nightly
        return False


def trace_repository(folder: str, commit: str) -> Iterator[Reply]:
    """Builds and traces a clone whose HEAD is the commit, unless the cache has the result. `_trace` is the part of `get_traced_repo_path`
    before it reads all files back. The folder is moved into the cache when it is complete."""
    from lean_dojo import LeanGitRepo
    from lean_dojo.constants import CACHE_DIR, TMP_DIR
    from lean_dojo.data_extraction.trace import _trace
    from lean_dojo.utils import working_directory

    repo = LeanGitRepo(folder, commit)
    place = CACHE_DIR / repo.get_cache_dirname()
    if not place.exists():
        temporary = Path(tempfile.mkdtemp(dir=TMP_DIR))
        try:
            with working_directory(temporary):
                _trace(repo, build_deps=False)
            os.replace(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    yield Traced(str(place / repo.name))


# --- reading --------------------------------------------------------------------------------------------------------------------


class ReadFileHandler:
    """Handles ReadFile."""

    def __init__(self, folder: str):
        self._root = Path(folder).resolve()

    def __call__(self, request: ReadFile) -> Iterator[Reply]:
        theorems = _opened(self._root, request.file).get_traced_theorems()
        for theorem in theorems:
            try:
                yield _in_source(theorem)
            except Exception as error:
                yield Unread(theorem.theorem.full_name, _text_of(error))
        yield FileEnd(len(theorems))

    def close(self) -> None:
        """Does nothing: no process is open."""


def _opened(root: Path, file: str) -> Any:
    """A TracedFile without a LeanGitRepo: making that copies the folder, and it only provides names that are not used here."""
    from lean_dojo import TracedFile, TracedRepo

    none: Any = None
    opened = (TracedFile.from_xml(root, root / file, none) if file.endswith(".trace.xml")
              else TracedFile.from_traced_file(root, Path(file), none))
    opened.traced_repo = TracedRepo(none, {}, root, [], None)
    return opened


def _in_source(traced: Any) -> SourceTheorem:
    """The children of a `theorem` node are keyword, name, signature and proof; those of a Mathlib `lemma` are one level deeper, after the
    modifiers."""
    from lean_dojo.data_extraction.ast import CommandTheoremNode

    source = traced.traced_file.lean_file
    node = traced.ast if isinstance(traced.ast, CommandTheoremNode) else traced.ast.children[1]
    keyword, name, signature = node.children[:3]
    start, end = traced.locate_proof()
    levels = re.findall(r"[^\s,{}.]+", source[name.children[0].end:name.end])
    return SourceTheorem(
        full_name=traced.theorem.full_name, file=str(traced.file_path), start=tuple(traced.start), end=tuple(traced.end),
        level_params=levels, statement=source[name.end:signature.end].strip(), proof=source[start:end], text=source[keyword.start:end],
        is_private=str(traced.is_private) == "True",  # from XML it is a string
        is_tactic_proof=traced.has_tactic_proof(), tactics=[_tactic(tactic) for tactic in traced.get_traced_tactics() if _is_step(tactic)])


def _is_step(tactic: Any) -> bool:
    """As in LeanDojo Benchmark 4, a `·` block is no step; the tactics in it are."""
    return tactic.state_before != "no goals" and "·" not in tactic.tactic


def _tactic(traced: Any) -> Tactic:
    _, premises = traced.get_annotated_tactic()
    return Tactic(traced.state_before, traced.tactic, traced.state_after, list(dict.fromkeys(p["full_name"] for p in premises)))


# --- playing --------------------------------------------------------------------------------------------------------------------


class Player:
    """Handles Enter, RunTactic and CheckProof in a traced folder."""

    def __init__(self, folder: str):
        import lean_dojo
        from lean_dojo.interaction import dojo

        root = Path(folder).resolve()
        # Dojo and check_proof use a repository only to find its traced folder, and we know that folder.
        dojo.get_traced_repo_path = lambda repo, build_deps=True: root
        self._package: Any = lean_dojo
        self._dojo: Any = None
        self._states: dict[int, lean_dojo.TacticState] = {}

    def __call__(self, request: DojoRequest) -> Iterator[Reply]:
        match request:
            case Enter(file=file, theorem=name, timeout_s=timeout_s):
                self._dojo = self._package.Dojo(self._theorem(file, name), timeout=timeout_s)
                yield self._reply(self._dojo.__enter__()[1])
            case RunTactic(state=state, tactic=tactic):
                yield self._reply(self._dojo.run_tac(self._states[state], tactic))
            case CheckProof(file=file, theorem=name, proof=proof):
                yield Verdict(self._package.check_proof(self._theorem(file, name), proof))

    def close(self) -> None:
        if hasattr(self._dojo, "proc"):  # only if Lean was started
            self._dojo.__exit__(None, None, None)

    def _theorem(self, file: str, name: str) -> Any:
        return self._package.Theorem(None, Path(file), name)

    def _reply(self, result: Any) -> Reply:
        match result:
            case self._package.TacticState():
                self._states[result.id] = result
                return Goals(result.id, result.pp, result.message or "")
            case self._package.ProofFinished():
                return Finished(result.message or "")
            case self._package.ProofGivenUp():
                return GivenUp()
            case self._package.LeanError():
                return Error(result.error)
        raise AssertionError(f"unexpected result of lean_dojo: {result!r}")


# --- the process ----------------------------------------------------------------------------------------------------------------


def _text_of(error: BaseException) -> str:
    """The class and the text, as many of lean_dojo's assertions have no text."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


ONCE = {"versions": versions, "trace": trace_repository}
SERVED = {"read": ReadFileHandler, "dojo": Player}


def main(role: str, *arguments: str) -> int:
    """Runs a role until stdin is closed. Exit status 1 if the role could not start, or if the reader of its replies is gone."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        if role in ONCE:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
            _send(replies, ONCE[role](*arguments))
            return 0
        responder = SERVED[role](*arguments)
    except Exception as error:
        _send(replies, [LeanDojoFailed(type(error).__name__, _text_of(error))])
        return 1
    try:
        for line in sys.stdin.buffer:
            try:
                _send(replies, responder(msgspec.json.decode(line, type=DojoRequest)))
            except BrokenPipeError:
                return 1
            except Exception as error:
                _send(replies, [LeanDojoFailed(type(error).__name__, _text_of(error))])
    finally:
        responder.close()
    return 0


def _end_with_stdin() -> None:
    """For roles that read no requests: when stdin is closed, our parent has ended, so this process and its children end, too."""
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _send(replies: BinaryIO, messages: Iterable[Reply]) -> None:
    for message in messages:
        replies.write(msgspec.json.encode(message) + b"\n")
        replies.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
