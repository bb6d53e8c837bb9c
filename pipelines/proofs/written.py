"""Proofs as they are written, recorded step by step: those of a user's files, and those of a workspace's modules, whose sources are read.

A module's source is elaborated in the place of what it was compiled to, by an engine of its own that imports what the module does. So a
module's proofs cost the memory of that module, whatever the size of the library, and are at hand as soon as it is read. Each proof is
played in the gym, one tactic after the other, and must meet the goals that Lean recorded: what a step says is then what a prover would see.
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
from lean_alchemy.pipelines.runtime.lean import opened

WRITTEN = "written"
"""Of proofs and steps: a person's."""

WRITTEN_S = 300.0
"""For a tactic that a person wrote: it may be all of a proof, and Lean gave it a command's budget."""


class Missing(msgspec.Struct, frozen=True):
    """Why there is no proof of a theorem. message: Lean's."""

    reason: str
    message: str | None = None


def source_of(library: Library, module: str) -> str | None:
    """The file that a module of a workspace was compiled from. The embedded Lean brings no sources."""
    if library.workspace is None:
        return None
    source = lake.workspace_at(Path(library.workspace)).source_of(module)
    return None if source is None else str(source)


def library_of_source(workspace: str, module: str, source: str) -> Library:
    """What is opened to read a module's source. Raises NativeError."""
    options = lake.workspace_at(Path(workspace)).options_for(Path(source))
    return Library((), (source,), workspace, proofs=True, source_of=module, options=tuple(options))


class Files:
    """Files that are open in an engine, and the proofs that stand in them. gym: for who looks for proofs there."""

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
        """The proof of a theorem that is proved in the files."""
        return self._written.get(theorem)

    def record(self, theorem: str, module: str) -> tuple[Proof, list[Step]] | Missing:
        """The proof that stands in the file, or why it can't be recorded. Raises EngineDied, NotReplayed."""
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
        return proof_of(theorem, module, 1, WRITTEN, statement, made, steps), steps

    def close(self) -> None:
        self.workspace.close()

    def _statement(self, theorem: str, written: str) -> GymStatement:
        """In words that read back anywhere; where there are none, as it stands in its file."""
        (number,) = self.workspace.find(theorem)
        try:
            return GymStatement(written.strip()) if number is None else self.gym.theorem(number)
        except (NotOpened, EngineRefused):
            return GymStatement(written.strip())

    @property
    def _first_problem(self) -> str | None:
        problems = self.workspace.opened.problems
        return f"{problems[0].file}:{problems[0].line}: {problems[0].message}" if problems else None


def proof_of(theorem: str, module: str, round_: int, line: str, statement: GymStatement, made: Sequence[Played],
             steps: Sequence[Step]) -> Proof:
    """The proof that was played, whose steps are these."""
    proved = made[-1].outcome
    assert isinstance(proved, Proved), "only what proves is recorded"
    return Proof(
        theorem=theorem, module=module, round=round_, line=line, statement=statement.text, level_params=list(statement.levels),
        tactics=[step.tactic for step in steps], text=proved.theorem, axioms=list(proved.axioms),
        premises=list(dict.fromkeys(premise for step in steps for premise in step.premises)))
