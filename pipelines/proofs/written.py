"""Opens source files and records the proofs in them, step by step: a user's files, and the sources of the modules of a workspace.

The source of a module is elaborated instead of loading its `.olean` file, in an engine that imports what the module imports. So the memory
needed depends on the module, not on the library, and its proofs are available as soon as it is elaborated. Each proof is replayed in the
gym tactic by tactic, and must give the goals that Lean recorded. So the states of a step are what a prover would see.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from lean_alchemy.lean_workspace import lake
from lean_alchemy.lean_workspace.file_proofs import NotPlayed, NumberedProof, proofs_in, replay
from lean_alchemy.lean_workspace.gym import Gym, GymStatement, NotOpened, Played, Proved
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.pipelines.data.schema import Proof, Step
from lean_alchemy.pipelines.proofs.steps import steps_as_written
from lean_alchemy.pipelines.runtime.open_lean import opened

WRITTEN = "written"
"""The `line` of proofs and the `form` of steps that are in a source file."""

WRITTEN_S = 300.0
"""Time limit of a tactic in a source file, in seconds. It may be a whole proof, for which Lean has the heartbeats of a command."""


class Missing(msgspec.Struct, frozen=True):
    """The reason why a theorem has no proof. message: Lean's error message."""

    reason: str
    message: str | None = None


def library_source(library: Library, module: str) -> str | None:
    """The source file of a module of a workspace; None for the embedded Lean, which has no sources."""
    if library.workspace is None:
        return None
    source = lake.workspace_at(Path(library.workspace)).source_of(module)
    return None if source is None else str(source)


def library_of_source(workspace: str, module: str, source: str) -> Library:
    """The library to open to elaborate the source of a module. Raises NativeError."""
    options = lake.workspace_at(Path(workspace)).options_for(Path(source))
    return Library((), (source,), workspace, proofs=True, source_of=module, options=tuple(options))


class OpenedFiles:
    """Opens source files and records the proofs in them. gym: to search for proofs in the same engine."""

    def __init__(self, library: Library):
        """Raises EngineDied, EngineRefused."""
        self.workspace = opened(library)
        self.gym, self._player = Gym(self.workspace), Gym(self.workspace, WRITTEN_S)
        try:
            self._written = proofs_in(self.workspace)
        except BaseException:
            self.close()
            raise

    def written(self, theorem: str) -> NumberedProof | None:
        """The proof of a theorem in the files; None if it is not proved there."""
        return self._written.get(theorem)

    def record(self, theorem: str, module: str) -> tuple[Proof, list[Step]] | Missing:
        """The proof in the file with its steps, or the reason why it can't be recorded. Raises EngineDied, NotReplayed."""
        if (written := self._written.get(theorem)) is None:
            return Missing("not written", self._first_problem)
        try:
            made = replay(self._player, written)
            statement = self._statement(theorem, written.proof.statement)
        except NotPlayed as reason:
            return Missing(str(reason))
        except EngineRefused as error:
            return Missing("not played", str(error))
        whose = {"form": WRITTEN, "variant_id": None, "theorem": theorem, "target": theorem, "module": module}
        steps = steps_as_written(made, written.proof, **whose)
        return played_proof(theorem, module, 1, WRITTEN, statement, made, steps), steps

    def close(self) -> None:
        self.workspace.close()

    def _statement(self, theorem: str, written: str) -> GymStatement:
        """The statement in a form that elaborates without open namespaces; if there is none, as in the file."""
        (number,) = self.workspace.find(theorem)
        try:
            return GymStatement(written.strip()) if number is None else self.gym.theorem(number)
        except (NotOpened, EngineRefused):
            return GymStatement(written.strip())

    @property
    def _first_problem(self) -> str | None:
        problems = self.workspace.opened.problems
        return f"{problems[0].file}:{problems[0].line}: {problems[0].message}" if problems else None


def played_proof(theorem: str, module: str, round_: int, line: str, statement: GymStatement, made: Sequence[Played],
                 steps: Sequence[Step]) -> Proof:
    """The row of `proofs` for a proof that was played."""
    proved = made[-1].outcome
    assert isinstance(proved, Proved), "only complete proofs are recorded"
    return Proof(
        theorem=theorem, module=module, round=round_, line=line, statement=statement.text, level_params=list(statement.levels),
        tactics=[step.tactic for step in steps], text=proved.theorem, axioms=list(proved.axioms),
        premises=list(dict.fromkeys(premise for step in steps for premise in step.premises)))
