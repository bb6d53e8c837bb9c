"""A program of the user as a prover: JSON lines over its stdin and stdout."""

import json
import shlex
import subprocess
from collections.abc import Sequence

import msgspec

from lean_alchemy.eval.prover import Query, ScoredTactic
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.lines import LineReader, pipes_of

COMMAND_DEADLINE_S = 300.0


class CommandProver:
    """A program that reads requests from stdin and writes replies to stdout, one line of JSON each:

    {"id": 1, "count": 8, "states": ["n : Nat\\n⊢ n + 0 = n"]}
    {"id": 1, "candidates": [[{"tactic": "rfl", "log_prob": -0.1}]]}

    A reply has a list of candidates for each state, in the same order; log-probabilities are at most 0. Its stderr goes to ours. It should
    end when its stdin is closed. If it does not reply within five minutes, or replies something else, the run ends with an error."""

    expansions = None

    def __init__(self, command: str):
        self._command, self._number = command, 0
        try:
            self._process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except (OSError, ValueError) as error:
            raise Trouble(f"can't start the prover {command!r}: {error}") from None
        self._stdin, stdout = pipes_of(self._process)
        self._lines = LineReader(stdout)

    def propose(self, queries: Sequence[Query], count: int) -> list[list[ScoredTactic]]:
        """Raises Trouble, after killing the program, if it ends, does not reply in time, or replies something else."""
        self._number += 1
        request = {"id": self._number, "count": count, "states": [query.state.text for query in queries]}
        try:
            self._stdin.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            self._stdin.flush()
            reply = msgspec.json.decode(self._line(), type=_Reply)
        except OSError:
            raise self._broken("it has ended") from None
        except msgspec.DecodeError as error:
            raise self._broken(f"its reply is invalid: {error}") from None
        if reply.id != self._number or len(reply.candidates) != len(queries):
            raise self._broken(f"its reply does not fit the request: expected id {self._number} and {len(queries)} lists of candidates")
        if any(c.log_prob > 0 for candidates in reply.candidates for c in candidates):
            raise self._broken("its reply has a log-probability above 0")
        return [candidates[:count] for candidates in reply.candidates]

    def close(self) -> None:
        self._stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _line(self) -> bytes:
        try:
            return self._lines.next(COMMAND_DEADLINE_S)
        except TimeoutError:
            raise self._broken(f"it has not replied for {COMMAND_DEADLINE_S:.0f} s") from None
        except EOFError:
            raise self._broken("it has ended") from None

    def _broken(self, why: str) -> Trouble:
        self._process.kill()
        return Trouble(f"the prover {self._command!r}: {why}")


class _Reply(msgspec.Struct):
    id: int
    candidates: list[list[ScoredTactic]]
