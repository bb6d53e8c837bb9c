"""LeanDojo's `Dojo` behind the interface of our gym: start, step, play. Our gym (`gym.py`) is the default; this one is for folders that
LeanDojo traced with a Lean before 4.19 (`dojo_traces.py` says why), and what it calls a proof is less: see `DojoGym`.
"""

import json
import re
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace.dojo.messages import (
    UNKNOWN,
    CheckProof,
    Enter,
    Error,
    Failed,
    Finished,
    GivenUp,
    Goals,
    Reply,
    RunTactic,
    Theorem,
    Verdict,
)
from lean_alchemy.lean_workspace.dojo.process import LeanDojo
from lean_alchemy.lean_workspace.dojo.traces import (
    DojoFailed,
    DojoUnsupported,
    Reader,
    files_in,
    require_package,
    require_playable,
    toolchain_of,
)
from lean_alchemy.lean_workspace.gym import Advanced, Move, NotOpened, NotReplayed, Played, Proved, Refused, State, outdented
from lean_alchemy.lean_workspace.process import EngineDied
from lean_alchemy.lean_workspace.workspace import Lost

OPEN_S = 600.0
"""Until the theorem is reached: Lean elaborates its file up to there."""
STEP_S = 60.0

MAX_LINE = 4_000
"""Bytes of a request: Dojo writes it to a terminal, which cuts a line at 4,095."""

LEAVE_OPEN = ("sorry", "admit", "stop", "sorryAx")
TRUST_THE_COMPILER = ("native_decide", "native", "ofReduceBool", "ofReduceNat", "trustCompiler")
FORBIDDEN = (*LEAVE_OPEN, *TRUST_THE_COMPILER, "lcProof", "lcUnreachable", "unsafeCast", "unsafe", "run_tac", "by_elab", "set_option",
             "sleep", "exact?", "apply?", "rw?", "try?")
"""What our engine forbids as syntax (`engine/Alchemy/Gym/AllowedTactics.lean`), as words: there is no parser of Lean here, so that a hypothesis of such
a name is refused, too."""

_WORDS = re.compile("(?<![\\w'])(" + "|".join(map(re.escape, sorted(FORBIDDEN, key=len, reverse=True))) + ")(?![\\w'!?])")


def forbidden(tactic: str) -> str | None:
    """The first word in a tactic that no proof may hold."""
    found = _WORDS.search(tactic)
    return found[1] if found else None


class DojoStatement(msgspec.Struct, frozen=True):
    """A theorem of a traced repository. head: its text up to `:=`."""

    file: str
    theorem: str
    head: str


class DojoGym:
    """Starts and steps in a traced folder, whose Lean plays (`lake env lean`).

    *Proved* means what LeanDojo means by ProofFinished: its REPL found no goal left, compared the type of the term that the tactics made
    with the goal's, and had the kernel check it, without `sorry`. Nobody elaborated the whole text again, and nobody looked at axioms
    (`axioms` is `unknown`). `check` has the file compiled with the proof in it.

    The lines that lead to a state are kept, so that a state outlives the process that it was made in. One theorem is open at a time.
    """

    def __init__(self, folder: Path, deadline_s: float = STEP_S, open_s: float = OPEN_S, memory_gb: int = 8):
        """folder: a traced one. deadline_s: for a tactic; Dojo counts no heartbeats. open_s: for Lean to reach the theorem. memory_gb: of
        Lean. Raises DojoUnsupported, before anything starts: for a version of Lean that Dojo does not run with, a folder that is none, a
        missing package."""
        require_playable(toolchain_of(folder))
        require_package()
        self._folder, self._deadline_s, self._open_s, self._memory_gb = folder.resolve(), deadline_s, open_s, memory_gb
        self._files = {file.module: file.trace for file in files_in(folder)}
        if not (folder / "Lean4Repl.lean").is_file():
            raise DojoUnsupported(f"{folder} has no Lean4Repl.lean: LeanDojo did not finish tracing it")
        self._reader = Reader(self._folder)
        self._child: LeanDojo | None = None
        self._generation = 0
        self._numbers: weakref.WeakKeyDictionary[State, tuple[int, int]] = weakref.WeakKeyDictionary()
        """The process that a state is kept in, and its number there."""

    def theorem(self, name: str, file: str) -> DojoStatement:
        """A theorem of a file of the repository, such as `Mathlib/Order/Basic.lean`. Raises NotOpened where it is not in it."""
        trace = self._files.get(file.removesuffix(".lean").replace("/", "."))
        if trace is None:
            raise NotOpened(f"{file} is no traced file of {self._folder}")
        named = [found for found in self._reader.theorems(trace) if isinstance(found, Theorem) and found.full_name == name]
        if not named:
            raise NotOpened(f"{file} has no theorem {name}")
        found = min(named, key=lambda theorem: theorem.is_private)  # as LeanDojo chooses
        return DojoStatement(file, name, found.text.removesuffix(found.proof).rstrip().removesuffix(":=") + ":=")

    def start(self, statement: DojoStatement) -> State:
        """Raises NotOpened, with LeanDojo's reason."""
        try:
            reply = self._enter(statement)
        except EngineDied as died:
            raise NotOpened(str(died)) from None
        if not isinstance(reply, Goals):
            raise NotOpened(f"LeanDojo: {reply.message}" if isinstance(reply, Failed) else f"LeanDojo answers {reply}")
        return self._state(statement, (), reply)

    def step(self, state: State, tactic: str) -> Advanced | Proved | Refused | Lost:
        """One tactic on the goals of a state, which stays as it is. Lost: it killed its Lean twice, or ran past its deadline."""
        move = Move(outdented(tactic), heartbeats=0)
        if word := forbidden(move.tactic):
            return Refused("forbidden", f"{word} is no part of a proof", 0.0)
        if len(json.dumps({"sid": 10**9, "cmd": move.tactic}, ensure_ascii=False).encode()) > MAX_LINE:
            return Refused("size", f"LeanDojo takes a tactic of at most {MAX_LINE} bytes", 0.0)
        for is_last in (False, True):  # what went before may have brought the first Lean down
            try:
                return self._outcome(state, move)
            except EngineDied as died:
                if is_last or died.cause == "deadline":
                    return Lost(died.cause)
        raise AssertionError("the second try returns")

    def play(self, state: State, tactics: Sequence[str]) -> Iterator[Played]:
        """Tactics one after the other. Ends with the first that does not advance."""
        for tactic in tactics:
            outcome = self.step(state, tactic)
            yield Played(state, tactic, outcome)
            if not isinstance(outcome, Advanced):
                return
            state = outcome.state

    def check(self, statement: DojoStatement, proof: str) -> bool:
        """Does the theorem's file compile with this proof (what stands after `:=`) in place of its own? LeanDojo's `check_proof`, which
        looks for `sorry`, and at no axiom. Raises DojoFailed."""
        if word := forbidden(proof):
            raise DojoFailed(f"{word} is no part of a proof")
        with LeanDojo("dojo", str(self._folder), memory_gb=self._memory_gb) as child:
            try:
                reply = child.ask(CheckProof(statement.file, statement.theorem, proof), self._open_s)
            except EngineDied as died:
                raise DojoFailed(str(died)) from None
        if not isinstance(reply, Verdict):
            raise DojoFailed(f"LeanDojo: {reply}")
        return reply.holds

    def close(self) -> None:
        self._reader.close()
        self._leave()

    def _leave(self) -> None:
        if self._child is not None:
            self._child.close()

    def __enter__(self) -> "DojoGym":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enter(self, statement: DojoStatement) -> Reply:
        """A process of its own for the theorem; the one before ends."""
        self._leave()
        self._generation += 1
        self._child = LeanDojo("dojo", str(self._folder), memory_gb=self._memory_gb)
        # Past LeanDojo's own timeout a late reply answers the next question (LeanDojo #218): our deadlines, which kill, come first.
        timeout_s = int(max(self._open_s, self._deadline_s)) + 60
        return self._child.ask(Enter(statement.file, statement.theorem, timeout_s), self._open_s)

    def _outcome(self, state: State, move: Move) -> Advanced | Proved | Refused:
        number, start = self._number(state), time.monotonic()
        reply = self._run(number, move)
        moves, seconds = (*state.moves, move), time.monotonic() - start
        match reply:
            case Goals():
                return Advanced(self._state(state.statement, moves, reply), (), _lines(reply.said), seconds)
            case Finished(said=said):
                return Proved(_text(state.statement, moves), moves, UNKNOWN, (), _lines(said), seconds)
            case GivenUp():
                return Refused("sorry", "the proof holds a sorry", seconds)
            case Error(message=message):
                return Refused("error", message, seconds)
        raise AssertionError(f"LeanDojo answers {reply}")

    def _run(self, number: int, move: Move) -> Reply:
        """Raises EngineDied; where Lean died alone, the process that held it ends, too."""
        reply = self._child.ask(RunTactic(number, move.tactic), self._deadline_s)
        if isinstance(reply, Failed):
            self._leave()
            raise EngineDied(move.tactic, "ended", reply.message)
        return reply

    def _number(self, state: State) -> int:
        """Of the state in the process; where that is another one than it was made in, its moves are made again."""
        generation, number = self._numbers[state]
        return number if generation == self._generation and self._child.alive else self._replay(state)

    def _replay(self, state: State) -> int:
        reply = self._enter(state.statement)
        for move in state.moves:
            if isinstance(reply, Goals):
                reply = self._run(reply.state, move)
        if not isinstance(reply, Goals) or _goals(reply) != state.goals:
            raise NotReplayed(f"{list(state.moves)} leads elsewhere now: {reply} instead of {list(state.goals)}")
        self._numbers[state] = (self._generation, reply.state)
        return reply.state

    def _state(self, statement: DojoStatement, moves: tuple[Move, ...], reply: Goals) -> State:
        goals = _goals(reply)
        made = State(statement, moves, goals, apart=len(goals) == 1)  # LeanDojo does not say whether goals share a metavariable
        self._numbers[made] = (self._generation, reply.state)
        return made


def _goals(reply: Goals) -> tuple[str, ...]:
    return tuple(reply.text.split("\n\n"))


def _text(statement: DojoStatement, moves: Sequence[Move]) -> str:
    """The theorem with these tactics as its proof. Nobody elaborated it."""
    return f"{statement.head} by\n  " + "\n".join(move.tactic for move in moves).replace("\n", "\n  ")


def _lines(said: str) -> tuple[str, ...]:
    return tuple(line for line in said.splitlines() if line.strip())
