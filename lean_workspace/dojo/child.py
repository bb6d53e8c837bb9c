"""The one module that imports lean_dojo, run as a process of its own: `python -m lean_alchemy.lean_workspace.dojo.child ROLE …`.

The import runs git, reads a `.env`, takes over the log, and with a token asks GitHub; what it offers starts a Ray and changes the current
folder. None of that reaches the process that asks. Replies go to what was stdout when it began; whatever else is printed, by lean_dojo,
lake or Lean, goes to stderr.

    versions TOOLCHAIN…    one Package
    trace FOLDER COMMIT    one Traced: a clone of the repository at that commit is built and traced (lean_dojo 4.20.0, `trace.py`)
    read FOLDER            for each ReadFile the theorems of that file, then FileEnd
    dojo FOLDER            Enter, then RunTactic; CheckProof

A repository is never loaded as a whole (`TracedRepo.load_from_disk` holds all files, and asks GitHub for leanprover/lean4): files are read
one by one by the package's `TracedFile`, each forgotten before the next.
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
    Enter,
    Error,
    Failed,
    FileEnd,
    Finished,
    GivenUp,
    Goals,
    Package,
    ReadFile,
    Reply,
    Request,
    RunTactic,
    Tactic,
    Theorem,
    Traced,
    Unread,
    Verdict,
)


def versions(*toolchains: str) -> Iterator[Reply]:
    """What the package is, and which toolchains (`leanprover/lean4:v4.9.0`) it says it supports."""
    from lean_dojo import __version__

    yield Package(__version__, [toolchain for toolchain in toolchains if _is_accepted(toolchain)])


def _is_accepted(toolchain: str) -> bool:
    from lean_dojo.data_extraction.lean import get_lean4_version_from_config, is_supported_version

    try:
        return is_supported_version(get_lean4_version_from_config(toolchain))
    except (AssertionError, ValueError):  # a toolchain of one's own, a nightly
        return False


def trace(folder: str, commit: str) -> Iterator[Reply]:
    """Builds and traces a clone whose HEAD is the commit, or finds that it was done. `_trace` is the part of `get_traced_repo_path` before
    it reads all files back; the folder takes its place in the cache when it is whole."""
    from lean_dojo import LeanGitRepo
    from lean_dojo.constants import CACHE_DIR, TMP_DIR
    from lean_dojo.data_extraction.trace import _trace
    from lean_dojo.utils import working_directory

    repo = LeanGitRepo(folder, commit)
    place = CACHE_DIR / repo.get_cache_dirname()
    if not place.exists():
        made = Path(tempfile.mkdtemp(dir=TMP_DIR))
        try:
            with working_directory(made):
                _trace(repo, build_deps=False)
            os.replace(made, place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    yield Traced(str(place / repo.name))


# --- reading --------------------------------------------------------------------------------------------------------------------


class Reader:
    """Answers ReadFile."""

    def __init__(self, folder: str):
        self._root = Path(folder).resolve()

    def __call__(self, request: ReadFile) -> Iterator[Reply]:
        theorems = _opened(self._root, request.file).get_traced_theorems()
        for theorem in theorems:
            try:
                yield _as_written(theorem)
            except Exception as error:
                yield Unread(theorem.theorem.full_name, _told(error))
        yield FileEnd(len(theorems))

    def close(self) -> None:
        """Nothing is open."""


def _opened(root: Path, file: str) -> Any:
    """A TracedFile. No LeanGitRepo stands behind it: making one copies the folder, and only names that are not looked at come from it."""
    from lean_dojo import TracedFile, TracedRepo

    opened = (TracedFile.from_xml(root, root / file, None) if file.endswith(".trace.xml")
              else TracedFile.from_traced_file(root, Path(file), None))
    opened.traced_repo = TracedRepo(None, {}, root, [], None)
    return opened


def _as_written(traced: Any) -> Theorem:
    """The children of a theorem are `theorem`, its name, its signature, its proof; those of a Mathlib `lemma` are one deeper, after its
    modifiers."""
    from lean_dojo.data_extraction.ast import CommandTheoremNode

    source = traced.traced_file.lean_file
    node = traced.ast if isinstance(traced.ast, CommandTheoremNode) else traced.ast.children[1]
    keyword, name, signature = node.children[:3]
    start, end = traced.locate_proof()
    levels = re.findall(r"[^\s,{}.]+", source[name.children[0].end:name.end])
    return Theorem(
        full_name=traced.theorem.full_name, file=str(traced.file_path), start=tuple(traced.start), end=tuple(traced.end),
        level_params=levels, statement=source[name.end:signature.end].strip(), proof=source[start:end], text=source[keyword.start:end],
        is_private=str(traced.is_private) == "True",  # out of XML it is a string
        is_tactic_proof=traced.has_tactic_proof(), tactics=[_tactic(one) for one in traced.get_traced_tactics() if _is_a_step(one)])


def _is_a_step(tactic: Any) -> bool:
    """As LeanDojo Benchmark 4 has it: a block after `·` is told by the tactics in it."""
    return tactic.state_before != "no goals" and "·" not in tactic.tactic


def _tactic(traced: Any) -> Tactic:
    _, premises = traced.get_annotated_tactic()
    return Tactic(traced.state_before, traced.tactic, traced.state_after, list(dict.fromkeys(p["full_name"] for p in premises)))


# --- playing --------------------------------------------------------------------------------------------------------------------


class Player:
    """Answers Enter, RunTactic and CheckProof in a traced folder."""

    def __init__(self, folder: str):
        import lean_dojo
        from lean_dojo.interaction import dojo

        root = Path(folder).resolve()
        # The one use that Dojo and check_proof make of a repository is to find its traced folder, which is here.
        dojo.get_traced_repo_path = lambda repo, build_deps=True: root
        self._package, self._dojo = lean_dojo, None
        self._states: dict[int, lean_dojo.TacticState] = {}

    def __call__(self, request: Request) -> Iterator[Reply]:
        match request:
            case Enter(file=file, theorem=name, timeout_s=timeout_s):
                self._dojo = self._package.Dojo(self._theorem(file, name), timeout=timeout_s)
                yield self._reply(self._dojo.__enter__()[1])
            case RunTactic(state=state, tactic=tactic):
                yield self._reply(self._dojo.run_tac(self._states[state], tactic))
            case CheckProof(file=file, theorem=name, proof=proof):
                yield Verdict(self._package.check_proof(self._theorem(file, name), proof))

    def close(self) -> None:
        if hasattr(self._dojo, "proc"):  # Lean was started
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
        raise AssertionError(f"lean_dojo answers {result!r}")


# --- the process ----------------------------------------------------------------------------------------------------------------


def _told(error: BaseException) -> str:
    """Many of lean_dojo's assertions have no text."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


ONCE = {"versions": versions, "trace": trace}
SERVED = {"read": Reader, "dojo": Player}


def main(role: str, *arguments: str) -> int:
    """Plays a role until its input ends. Exit status 1 where it could not begin."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        if role in ONCE:
            threading.Thread(target=_end_with_the_input, daemon=True).start()
            _say(replies, ONCE[role](*arguments))
            return 0
        served = SERVED[role](*arguments)
    except Exception as error:
        _say(replies, [Failed(type(error).__name__, _told(error))])
        return 1
    try:
        for line in sys.stdin.buffer:
            try:
                _say(replies, served(msgspec.json.decode(line, type=Request)))
            except BrokenPipeError:
                return 1
            except Exception as error:
                _say(replies, [Failed(type(error).__name__, _told(error))])
    finally:
        served.close()
    return 0


def _end_with_the_input() -> None:
    """Of a role that asks nothing: whoever began it is gone, so it goes, too, with what it started."""
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _say(replies: BinaryIO, messages: Iterable[Reply]) -> None:
    for message in messages:
        replies.write(msgspec.json.encode(message) + b"\n")
        replies.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
