"""*steps*: runs the proofs of variants, and records the goal states before and after each tactic, one row per tactic.

Every proof is run in the gym in up to three forms (`mutation/proof_forms/`): as in the corpus; goal-directed, if it has such a form; and
with the target's proof inlined, if a proof of the target is known. Only proofs that the gym accepts completely give rows.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa

from lean_alchemy.lean_workspace.gym import Advanced, Gym, GymStatement, NotOpened, Played, Refused, proves, text_of
from lean_alchemy.lean_workspace.gym_protocol import WrittenProof
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.workspace import Lost
from lean_alchemy.mutation.proof_forms.goal_directed import goal_directed, tactics_of
from lean_alchemy.mutation.proof_forms.inlined import Original, inlined
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.samples import rows_of
from lean_alchemy.pipelines.data.schema import Step
from lean_alchemy.pipelines.runtime import parquet, pool, runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import manifest_at
from lean_alchemy.pipelines.runtime.open_lean import opened, sized
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.shards import is_done, place_of
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums, chunks, silent
from lean_alchemy.pipelines.runtime.storage import Location, exchange, new_folder, remove

VARIANTS_PER_SHARD = 100
"""Variants per shard: about ten seconds of work."""

PROOF, GOAL_DIRECTED, INLINED = "proof", "goal-directed", "inlined"


class VariantProof(msgspec.Struct, frozen=True):
    """The columns of a variant that *steps* reads."""

    variant_id: str
    target: str
    module: str
    lemma: str
    statement: str
    proof: str
    theorem: str

    @property
    def levels(self) -> tuple[str, ...]:
        """The names of the universe parameters: `u` and `w` in `theorem v.{u, w} …`."""
        between = self.theorem.partition(" ")[2].removesuffix(f" {self.statement} := {self.proof}").partition(".{")[2]
        return tuple(name.strip() for name in between.removesuffix("}").split(",")) if between else ()


class Item(msgspec.Struct, frozen=True):
    """A variant, and the known proof of its target, if there is one."""

    variant: VariantProof
    original: Original | None


class StepsTally(Sums):
    """variants = with_steps + failures. goal_directed, inlined: numbers of variants that also have that form."""

    variants: int = 0
    with_steps: int = 0
    goal_directed: int = 0
    inlined: int = 0
    rows: int = 0


class Stepper:
    """Holds an engine; runs the proofs of variants."""

    def __init__(self, library: Library):
        self._workspace = opened(library)
        self._gym = Gym(self._workspace)

    def __call__(self, items: Sequence[Item]) -> Iterator[Step | Failure | StepsTally]:
        for item in items:
            yield from self._steps(item.variant, item.original)

    def _steps(self, variant: VariantProof, original: Original | None) -> Iterator[Step | Failure | StepsTally]:
        tally = StepsTally(variants=1)
        statement = GymStatement(variant.statement, variant.levels)
        whose = {"variant_id": variant.variant_id, "theorem": None, "target": variant.target, "module": variant.module}
        rows = recorded(self._gym, statement, tactics := tactics_of(variant.proof), form=PROOF, **whose)
        if isinstance(rows, str):
            yield Failure.of(STEPS.name, variant.variant_id, f"its proof does not replay: {rows}")
            yield tally
            return
        tally.with_steps = 1
        if backwards := self._other_form(statement, goal_directed(tactics, variant.lemma), form=GOAL_DIRECTED, **whose):
            tally.goal_directed = 1
        if own := self._other_form(statement, inlined(tactics, variant.target, original) if original else None, form=INLINED, **whose):
            tally.inlined = 1
        rows = [*rows, *backwards, *own]
        tally.rows = len(rows)
        yield from rows
        yield tally

    def _other_form(self, statement: GymStatement, tactics: list[str] | None, **whose: Any) -> list[Step]:
        """The rows of another form of the proof; an empty list if it has no such form, or Lean rejects it."""
        came = recorded(self._gym, statement, tactics, **whose) if tactics else []
        return [] if isinstance(came, str) else came

    def close(self) -> None:
        self._workspace.close()


STEPS = Stage(name="steps", version=1, worker=Stepper, tally=StepsTally, tables={"steps": Step},
              name_of=lambda item: item.variant.variant_id)


def recorded(gym: Gym, statement: GymStatement, tactics: Sequence[str], **whose: Any) -> list[Step] | str:
    """One row per tactic of a proof, or the reason why the proof fails. whose: the other fields of the rows. Raises EngineDied."""
    try:
        played = list(gym.play(gym.start(statement), tactics))
    except (NotOpened, EngineRefused) as error:
        return f"not opened: {error}"
    if proves(played):
        return played_steps(played, **whose)
    match played[-1].outcome if played else None:
        case Refused(stage=stage, message=message):
            return f"{stage}: {message}"
        case Lost(cause=cause):
            return cause
        case _:
            return "not finished"


def played_steps(played: Sequence[Played], **whose: Any) -> list[Step]:
    """The rows of a proof that was played. whose: the other fields of the rows."""
    return [Step(**whose, step=number, state_before=step.before.text, tactic=step.tactic,
                 premises=[] if isinstance(step.outcome, Refused | Lost) else list(step.outcome.premises),
                 state_after=text_of(step.outcome.state.goals if isinstance(step.outcome, Advanced) else ()))
            for number, step in enumerate(played)]


def steps_as_written(played: Sequence[Played], proof: WrittenProof, **whose: Any) -> list[Step]:
    """The rows of a proof from a source file, with the goals and premises that Lean recorded there. For a proof term Lean records
    nothing."""
    rows = played_steps(played, **whose)
    return [msgspec.structs.replace(row, state_before=text_of(step.before), state_after=text_of(step.after), premises=list(step.premises))
            for row, step in zip(rows, proof.steps, strict=True)] if proof.steps else rows


def steps(out: Location, workers: int, originals: dict[str, Original] | None = None, report: Report = silent,
          retries: Retries = Retries()) -> tuple[StepsTally, list[Failure], float]:
    """Writes the table `steps` of a corpus, and returns the tally, the failures, and the seconds. originals: known proofs of targets, by
    name. Raises UsageError for a folder that is not a corpus."""
    start = time.monotonic()
    manifest = manifest_at(out)
    job = Job(out, manifest.options_as(Options))
    variants = VariantShards(job, sorted((out / "variants").glob("*.parquet"), key=str), originals or {})
    with job.begin(), pool.cluster(workers):
        ran = runner.run(job, sized(STEPS, job.library), job.library, variants, workers, report, retries=retries,
                         note=lambda tally: f"{tally.rows:,} steps")
        failures = variants.unread + ran.failures
        with new_folder(job.work) as made:
            named = ((file.name, [shard.key for shard in variants.of(file)]) for file in variants.files)
            for damaged in pool.tasks(partial(_assemble, job, made), named):
                failures += damaged
            exchange(made, job.out / "steps")
        write_failures(job, STEPS.name, failures)
    return ran.tally, failures, time.monotonic() - start


class VariantShards:
    """The shards of a corpus. Each iteration reads the files again, to save memory. unread: failures of rows that could not be read."""

    def __init__(self, job: Job, files: list[Location], originals: dict[str, Original]):
        self._job, self.files, self._originals = job, files, originals
        self.unread: list[Failure] = []

    def __iter__(self) -> Iterator[Shard]:
        self.unread = []
        for file in self.files:
            yield from self.of(file)

    def of(self, file: Location) -> Iterator[Shard]:
        rows = list(rows_of(STEPS.name, file, VariantProof))
        self.unread += [row for row in rows if isinstance(row, Failure)]
        items = [Item(row, self._originals.get(row.target)) for row in rows if isinstance(row, VariantProof)]
        for chunk in chunks(items, VARIANTS_PER_SHARD):
            yield Shard(self._job.key(STEPS, [(item.variant.theorem, item.original) for item in chunk]), chunk)


def _assemble(job: Job, made: Location, named: tuple[str, list[str]]) -> list[Failure]:
    """Writes the steps of one file of variants, and returns a failure per unreadable shard. named: the file and the keys of its shards."""
    file, keys = named
    tables, damaged = [parquet.schema_of(Step).empty_table()], list[Failure]()
    for place in (place_of(job, STEPS, key) for key in keys):
        try:
            tables += [parquet.load_columns(place / "steps.parquet")] if is_done(place, STEPS) else []
        except parquet.DamagedTable as error:
            damaged.append(Failure.of(STEPS.name, f"shard {place.name}", error))
            remove(place)  # so that the next run makes it again
    parquet.write(pa.concat_tables(tables), made / file)
    return damaged
