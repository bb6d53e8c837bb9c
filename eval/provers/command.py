"""A program of the user's as a prover: JSON lines over its stdin and stdout."""

import json
import shlex
import subprocess
from collections.abc import Sequence

import msgspec

from lean_alchemy.eval.prover import Candidate, Query
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.lines import Lines

COMMAND_DEADLINE_S = 300.0


class Command:
    """A program that is asked over its stdin and answers over its stdout, a line of JSON each:

    {"id": 1, "count": 8, "states": ["n : Nat\\n⊢ n + 0 = n"]}
    {"id": 1, "candidates": [[{"tactic": "rfl", "log_prob": -0.1}]]}

    A list of candidates for each state, in their order; log-probabilities are at most 0. What it writes to stderr goes to ours. It ends
    when its stdin does. One that answers nothing for five minutes, or something else, ends the run."""

    expansions = None

    def __init__(self, command: str):
        self._command, self._number = command, 0
        try:
            self._process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except (OSError, ValueError) as error:
            raise Trouble(f"can't start the prover {command!r}: {error}") from None
        self._lines = Lines(self._process.stdout)

    def propose(self, queries: Sequence[Query], count: int) -> list[list[Candidate]]:
        self._number += 1
        asked = {"id": self._number, "count": count, "states": [query.state.text for query in queries]}
        try:
            self._process.stdin.write(json.dumps(asked, ensure_ascii=False).encode() + b"\n")
            self._process.stdin.flush()
            answer = msgspec.json.decode(self._line(), type=_Answer)
        except OSError:
            raise self._broken("it has ended") from None
        except msgspec.DecodeError as error:
            raise self._broken(f"its answer can't be read: {error}") from None
        if answer.id != self._number or len(answer.candidates) != len(queries):
            raise self._broken("its answer does not fit the request")
        if any(c.log_prob > 0 for found in answer.candidates for c in found):
            raise self._broken("its answer has a log-probability above 0")
        return [found[:count] for found in answer.candidates]

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _line(self) -> bytes:
        try:
            return self._lines.next(COMMAND_DEADLINE_S)
        except TimeoutError:
            raise self._broken(f"it has not answered for {COMMAND_DEADLINE_S:.0f} s") from None
        except EOFError:
            raise self._broken("it has ended") from None

    def _broken(self, why: str) -> Trouble:
        self._process.kill()
        return Trouble(f"the prover {self._command!r}: {why}")


class _Answer(msgspec.Struct):
    id: int
    candidates: list[list[Candidate]]
