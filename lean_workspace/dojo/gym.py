"""LeanDojo's `Dojo` with the interface of our gym: start, step, play. The default gym is `lean_workspace/gym.py`. This one is for folders
that LeanDojo traced with a Lean before 4.19 (`traces.py` says why), and it checks proofs less thoroughly: see `DojoGym`.
"""

import json
import re
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

from lean_alchemy.lean_workspace.dojo.messages import (
    UNKNOWN,
    CheckProof,
    Enter,
    Error,
    Finished,
    GivenUp,
    Goals,
    LeanDojoFailed,
    Reply,
    RunTactic,
    SourceTheorem,
    Verdict,
)
from lean_alchemy.lean_workspace.dojo.process import LeanDojo
from lean_alchemy.lean_workspace.dojo.traces import (
    DojoFailed,
    DojoUnsupported,
    TraceReader,
    files_in,
    require_package,
    require_playable,
    toolchain_of,
)
from lean_alchemy.lean_workspace.gym import Advanced, Move, NotOpened, NotReplayed, OtherStart, Played, Proved, Refused, State, dedented
from lean_alchemy.lean_workspace.process import EngineDied
from lean_alchemy.lean_workspace.workspace import Lost

ENTER_S = 600.0
"""For opening a theorem: Lean elaborates its file up to there."""
STEP_S = 60.0

MAX_LINE = 4_000
"""Bytes of a request. Dojo sends it through a terminal, which cuts lines at 4,095 bytes."""

LEAVE_OPEN = ("sorry", "admit", "stop", "sorryAx")
TRUST_THE_COMPILER = ("native_decide", "native", "ofReduceBool", "ofReduceNat", "trustCompiler")
FORBIDDEN = (*LEAVE_OPEN, *TRUST_THE_COMPILER, "lcProof", "lcUnreachable", "unsafeCast", "unsafe", "run_tac", "by_elab", "set_option",
             "sleep", "exact?", "apply?", "rw?", "try?")
"""The words of the syntax that our engine forbids (`engine/Alchemy/Gym/AllowedTactics.lean`). There is no Lean parser here,
so a hypothesis with such a name is rejected, too."""

_FORBIDDEN = re.compile("(?<![\\w'])(" + "|".join(map(re.escape, sorted(FORBIDDEN, key=len, reverse=True))) + ")(?![\\w'!?])")


def forbidden(tactic: str) -> str | None:
    """The first forbidden word in a tactic; None if there is none."""
    match = _FORBIDDEN.search(tactic)
    return match[1] if match else None


class DojoStatement(OtherStart, frozen=True):
    """A theorem of a traced repository. head: its text up to `:=`."""

    file: str
    theorem: str
    head: str


class DojoGym:
    """Starts proofs and applies tactics in a traced folder, with the folder's own Lean (`lake env lean`).

    *Proved* is LeanDojo's ProofFinished: no goal is left, the proof term has the type of the goal, the kernel accepted it, and there is no
    `sorry`. The whole text is not elaborated again, and axioms are not checked (`axioms` is `unknown`). `check` compiles the file with the
    proof in it.

    The tactics that lead to a state are kept, so a state outlives the process that made it. Only one theorem is open at a time.
    """

    def __init__(self, folder: Path, deadline_s: float = STEP_S, open_s: float = ENTER_S, memory_gb: int = 8):
        """folder: of a traced repository. deadline_s: per tactic, as Dojo counts no heartbeats. open_s: for opening a theorem. memory_gb:
        limit for Lean. Raises DojoUnsupported, before anything is started, if Dojo does not run with this Lean, if the folder was not
        traced, or if lean_dojo is missing."""
        require_playable(toolchain_of(folder))
        require_package()
        self._folder, self._deadline_s, self._open_s, self._memory_gb = folder.resolve(), deadline_s, open_s, memory_gb
        self._files = {file.module: file.trace for file in files_in(folder)}
        if not (folder / "Lean4Repl.lean").is_file():
            raise DojoUnsupported(f"{folder} has no Lean4Repl.lean, so LeanDojo did not finish tracing it: trace it again")
        self._reader = TraceReader(self._folder)
        self._child: LeanDojo | None = None
        self._generation = 0
        self._numbers: weakref.WeakKeyDictionary[State, tuple[int, int]] = weakref.WeakKeyDictionary()
        """(generation of the process, number of the state in it)"""

    def theorem(self, name: str, file: str) -> DojoStatement:
        """A theorem of a file of the repository, such as `Mathlib/Order/Basic.lean`. Raises NotOpened if the file does not have it."""
        trace = self._files.get(file.removesuffix(".lean").replace("/", "."))
        if trace is None:
            raise NotOpened(f"{file} is not a traced file of {self._folder}")
        matches = [reply for reply in self._reader.theorems(trace) if isinstance(reply, SourceTheorem) and reply.full_name == name]
        if not matches:
            raise NotOpened(f"{file} has no theorem {name}")
        theorem = min(matches, key=lambda match: match.is_private)  # LeanDojo makes the same choice
        return DojoStatement(file, name, theorem.text.removesuffix(theorem.proof).rstrip().removesuffix(":=") + ":=")

    def start(self, statement: DojoStatement) -> State:
        """The first state. Raises NotOpened, with LeanDojo's reason."""
        try:
            reply = self._enter(statement)
        except EngineDied as died:
            raise NotOpened(str(died)) from None
        if not isinstance(reply, Goals):
            raise NotOpened(f"LeanDojo: {reply.message}" if isinstance(reply, LeanDojoFailed) else f"unexpected reply of LeanDojo: {reply}")
        return self._state(statement, (), reply)

    def step(self, state: State, tactic: str) -> Advanced | Proved | Refused | Lost:
        """Applies one tactic to a state, which is not changed by that. Lost: the tactic killed its Lean twice, or missed its deadline."""
        move = Move(dedented(tactic), heartbeats=0)
        if word := forbidden(move.tactic):
            return Refused("forbidden", f"{word} is not allowed in a proof", 0.0)
        if len(json.dumps({"sid": 10**9, "cmd": move.tactic}, ensure_ascii=False).encode()) > MAX_LINE:
            return Refused("size", f"for LeanDojo a tactic may have at most {MAX_LINE} bytes", 0.0)
        for is_last in (False, True):  # the first Lean may have died because of earlier requests
            try:
                return self._outcome(state, move)
            except EngineDied as died:
                if is_last or died.cause == "deadline":
                    return Lost(died.cause)
        raise AssertionError("the second try returns")

    def play(self, state: State, tactics: Sequence[str]) -> Iterator[Played]:
        """Applies tactics in order, up to the first whose outcome is not Advanced."""
        for tactic in tactics:
            outcome = self.step(state, tactic)
            yield Played(state, tactic, outcome)
            if not isinstance(outcome, Advanced):
                return
            state = outcome.state

    def check(self, statement: DojoStatement, proof: str) -> bool:
        """Does the theorem's file compile with this proof (the text after `:=`) in place of its own? By LeanDojo's `check_proof`, which
        rejects `sorry` but checks no axioms. Raises DojoFailed."""
        if word := forbidden(proof):
            raise DojoFailed(f"{word} is not allowed in a proof")
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
        """Opens the theorem in a new process and ends the one before."""
        self._leave()
        self._generation += 1
        self._child = LeanDojo("dojo", str(self._folder), memory_gb=self._memory_gb)
        # After LeanDojo's own timeout a late reply would answer the next request (LeanDojo #218). Our deadlines, which kill, are shorter.
        timeout_s = int(max(self._open_s, self._deadline_s)) + 60
        return self._child.ask(Enter(statement.file, statement.theorem, timeout_s), self._open_s)

    def _outcome(self, state: State, move: Move) -> Advanced | Proved | Refused:
        number, start = self._number(state), time.monotonic()
        reply = self._run(number, move)
        statement, earlier = _path_of(state)
        moves, seconds = (*earlier, move), time.monotonic() - start
        match reply:
            case Goals():
                return Advanced(self._state(statement, moves, reply), (), _lines(reply.messages), seconds)
            case Finished(messages=messages):
                return Proved(_text(statement, moves), moves, UNKNOWN, (), _lines(messages), seconds)
            case GivenUp():
                return Refused("sorry", "the proof contains sorry", seconds)
            case Error(message=message):
                return Refused("error", message, seconds)
        raise AssertionError(f"unexpected reply of LeanDojo: {reply}")

    def _run(self, number: int, move: Move) -> Reply:
        """Raises EngineDied. If only Lean died, the child process is ended as well."""
        assert self._child is not None, "no theorem is open"
        reply = self._child.ask(RunTactic(number, move.tactic), self._deadline_s)
        if isinstance(reply, LeanDojoFailed):
            self._leave()
            raise EngineDied(move.tactic, "ended", reply.message)
        return reply

    def _number(self, state: State) -> int:
        """The state's number in the process. If the process is not the one that made the state, the moves are replayed."""
        generation, number = self._numbers[state]
        return number if generation == self._generation and self._child is not None and self._child.alive else self._replay(state)

    def _replay(self, state: State) -> int:
        statement, moves = _path_of(state)
        reply = self._enter(statement)
        for move in moves:
            if isinstance(reply, Goals):
                reply = self._run(reply.state, move)
        if not isinstance(reply, Goals) or _goals(reply) != state.goals:
            raise NotReplayed(f"replaying {list(state.moves)} gave {reply} instead of {list(state.goals)}")
        self._numbers[state] = (self._generation, reply.state)
        return reply.state

    def _state(self, statement: DojoStatement, moves: tuple[Move, ...], reply: Goals) -> State:
        goals = _goals(reply)
        state = State(statement, moves, goals, independent=len(goals) == 1)  # LeanDojo does not tell whether goals share a metavariable
        self._numbers[state] = (self._generation, reply.state)
        return state


def _path_of(state: State) -> tuple[DojoStatement, tuple[Move, ...]]:
    """What led to a state of this gym, which has no focus."""
    assert isinstance(state.statement, DojoStatement), "a state of another gym"
    return state.statement, tuple(move for move in state.moves if isinstance(move, Move))


def _goals(reply: Goals) -> tuple[str, ...]:
    return tuple(reply.text.split("\n\n"))


def _text(statement: DojoStatement, moves: Sequence[Move]) -> str:
    """The theorem with these tactics as its proof; this text has not been elaborated."""
    return f"{statement.head} by\n  " + "\n".join(move.tactic for move in moves).replace("\n", "\n  ")


def _lines(messages: str) -> tuple[str, ...]:
    return tuple(line for line in messages.splitlines() if line.strip())
