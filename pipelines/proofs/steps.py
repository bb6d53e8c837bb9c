"""*steps*: the proofs of variants go in; what each of their tactics did comes out, a row a tactic.

Every proof is run in the gym, as it stands in the corpus; where it can be written so, from the goal backwards
; and where a proof of the target is known, with that in it (`mutation/proof_forms/`). Rows come only of a
proof that the gym accepts to its end. What is done is kept below `OUT/.work/steps`, named by the texts and by what made it; the table is
put together part by part, without the leading process having it in hand.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec
import pyarrow as pa

from lean_alchemy.lean_workspace import gym as gym_
from lean_alchemy.lean_workspace.gym import Advanced, Gym, NotOpened, Played, Refused, Statement, proves, text_of
from lean_alchemy.lean_workspace.gym_protocol import WrittenProof
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.lean_workspace.workspace import Lost
from lean_alchemy.mutation.proof_forms import goal_directed as goal_directed_
from lean_alchemy.mutation.proof_forms import inlined as inlined_
from lean_alchemy.mutation.proof_forms.goal_directed import goal_directed, tactics_of
from lean_alchemy.mutation.proof_forms.inlined import Original, inlined
from lean_alchemy.pipelines.corpus.mutate import tally_of
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.tables import Step
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, stage_digest
from lean_alchemy.pipelines.runtime.lean import opened, sized
from lean_alchemy.pipelines.runtime.stage import History, Report, Stage, Sums, silent
from lean_alchemy.pipelines.runtime.storage import Location, draft, exchange, make, remove, write_whole

CHUNK = 100
"""Variants: some ten seconds of work, which is what a crash costs."""

PROOF, GOAL_DIRECTED, INLINED = "proof", "goal-directed", "inlined"


class Proof(msgspec.Struct, frozen=True):
    """What *steps* needs of a variant."""

    variant_id: str
    target: str
    module: str
    lemma: str
    statement: str
    proof: str
    theorem: str

    @property
    def levels(self) -> tuple[str, ...]:
        """The names of the universes: `theorem v.{u, w} …`."""
        between = self.theorem.partition(" ")[2].removesuffix(f" {self.statement} := {self.proof}").partition(".{")[2]
        return tuple(name.strip() for name in between.removesuffix("}").split(",")) if between else ()


class Chunk(msgspec.Struct, frozen=True):
    """Some variants, the known proofs of their targets, and the name of the folder that holds what comes of them: a digest of all that."""

    name: str
    proofs: list[Proof]
    originals: dict[str, Original]


class StepsTally(Sums):
    """variants = with_steps + the lost ones. goal_directed, inlined: variants that have that form, too. lost: by the reason."""

    variants: int = 0
    with_steps: int = 0
    goal_directed: int = 0
    inlined: int = 0
    rows: int = 0
    lost: dict[str, int] = msgspec.field(default_factory=dict)


class Stepper:
    """Holds an engine; runs the proofs of one chunk after the other."""

    def __init__(self, job: Job):
        self._job = job
        self._workspace = opened(job.library)
        self._gym = Gym(self._workspace)

    def __call__(self, chunk: Chunk, history: History) -> StepsTally:
        """Runs the proofs and leaves their steps on disk."""
        tally, rows = StepsTally(), []
        for variant in chunk.proofs:
            tally.variants += 1
            statement = Statement(variant.statement, variant.levels)
            whose = {"variant_id": variant.variant_id, "theorem": None, "target": variant.target, "module": variant.module}
            came = recorded(self._gym, statement, tactics := tactics_of(variant.proof), form=PROOF, **whose)
            if isinstance(came, str):
                tally.lost[came] = tally.lost.get(came, 0) + 1
                continue
            tally.with_steps += 1
            rows += came
            if found := self._other_form(statement, goal_directed(tactics, variant.lemma), form=GOAL_DIRECTED, **whose):
                tally.goal_directed += 1
                rows += found
            original = chunk.originals.get(variant.target)
            if original and (found := self._other_form(statement, inlined(tactics, variant.target, original), form=INLINED, **whose)):
                tally.inlined += 1
                rows += found
        tally.rows = len(rows)
        with self._job.folder(folder_of(self._job) / chunk.name) as made:
            tables.write(tables.to_table(rows, Step), made / "steps.parquet")
            write_whole(made / "tally.json", msgspec.json.encode(tally))
        return tally

    def _other_form(self, statement: Statement, tactics: list[str] | None, **whose: str | None) -> list[Step]:
        """The rows of a proposal; none where there is none, or Lean refuses it."""
        came = recorded(self._gym, statement, tactics, **whose) if tactics else []
        return [] if isinstance(came, str) else came

    def close(self) -> None:
        self._workspace.close()


def recorded(gym: Gym, statement: Statement, tactics: Sequence[str], **whose: str | None) -> list[Step] | str:
    """A row a tactic of a proof, or why it does not go through. whose: the other fields of the rows."""
    try:
        played = list(gym.play(gym.start(statement), tactics))
    except (NotOpened, EngineRefused):
        return "not opened"
    except EngineDied as died:
        return died.cause
    if proves(played):
        return rows_of(played, **whose)
    match played[-1].outcome if played else None:
        case Refused(stage=stage):
            return stage
        case Lost(cause=cause):
            return cause
        case _:
            return "not finished"


def rows_of(played: Sequence[Played], **whose: str | None) -> list[Step]:
    """The rows of a proof. whose: their other fields."""
    return [Step(**whose, step=number, state_before=step.before.text, tactic=step.tactic, premises=list(step.outcome.premises),
                 state_after=text_of(step.outcome.state.goals if isinstance(step.outcome, Advanced) else ()))
            for number, step in enumerate(played)]


def rows_as_written(played: Sequence[Played], proof: WrittenProof, **whose: str | None) -> list[Step]:
    """The rows of a proof in a file of the user: goals and premises are those that Lean recorded there. A proof that is a term left no
    record."""
    rows = rows_of(played, **whose)
    return [msgspec.structs.replace(row, state_before=text_of(step.before), state_after=text_of(step.after), premises=list(step.premises))
            for row, step in zip(rows, proof.steps, strict=True)] if proof.steps else rows


STEPS = Stage(name="steps", worker=Stepper)


def folder_of(job: Job) -> Location:
    """Where what is done is kept: by the engine, the library, and the code of this stage."""
    return job.work / "steps" / stage_digest(job.library, __file__, gym_.__file__, goal_directed_.__file__, inlined_.__file__)


class Plan(msgspec.Struct, frozen=True):
    """files: of the table of variants. originals: known proofs, by theorem."""

    job: Job
    files: list[Location]
    originals: dict[str, Original]

    def chunks_of(self, file: Location) -> Iterator[Chunk]:
        """The variants of a file, some at a time."""
        proofs = tables.read([file], Proof)
        for start in range(0, len(proofs), CHUNK):
            some = proofs[start:start + CHUNK]
            known = {proof.target: self.originals[proof.target] for proof in some if proof.target in self.originals}
            named = msgspec.json.encode([[proof.theorem for proof in some], known], order="deterministic")
            yield Chunk(hashlib.blake2b(named, digest_size=8).hexdigest(), some, known)

    def chunks(self) -> Iterator[Chunk]:
        for file in self.files:
            yield from self.chunks_of(file)

    def is_done(self, chunk: Chunk) -> bool:
        place = folder_of(self.job) / chunk.name
        return tables.are_whole(place, "steps") and (place / "tally.json").is_file()


def steps(out: Location, workers: int, originals: dict[str, Original] | None = None, report: Report = silent) -> tuple[StepsTally, float]:
    """Writes the table `steps` of a corpus: its figures, and the seconds that it took. originals: known proofs of targets, by name. Raises
    UsageError for a folder that is no corpus, Unfinished where a chunk failed."""
    start = time.monotonic()
    manifest = Job.manifest_at(out)
    job = Job(out, manifest.options)
    plan = Plan(job, sorted((out / "variants").glob("*.parquet"), key=str), originals or {})
    with job.begin(), pool.cluster(workers):
        make(folder_of(job))
        _work(plan, manifest.counts["variants"], workers, report)
        with draft(job.work) as made:
            named = ((file.name, [chunk.name for chunk in plan.chunks_of(file)]) for file in plan.files)
            for _ in pool.tasks(partial(_assemble, folder_of(job), made), named):
                pass
            exchange(made, job.out / "steps")
        tally = tally_of((folder_of(job) / chunk.name for chunk in plan.chunks()), StepsTally)
    return tally, time.monotonic() - start


def _work(plan: Plan, variants: int, workers: int, report: Report) -> None:
    done = sum(len(chunk.proofs) for chunk in plan.chunks() if plan.is_done(chunk))
    report("steps", done, variants, "")
    tally = StepsTally()
    for event in pool.finish(sized(STEPS, plan.job.library), plan.job, _missing(plan), workers, lambda chunk: chunk.proofs[0].variant_id):
        tally.add(event.summary)
        report("steps", done + tally.variants, variants, f"{tally.rows:,} steps, {sum(tally.lost.values()):,} proofs lost")


def _missing(plan: Plan) -> Iterator[Chunk]:
    for chunk in plan.chunks():
        if not plan.is_done(chunk):
            remove(folder_of(plan.job) / chunk.name)  # one that can't be read
            yield chunk


def _assemble(done: Location, made: Location, named: tuple[str, list[str]]) -> None:
    """The steps of one file of variants. named: the file, and the folders of its chunks."""
    file, chunks = named
    found = [tables.load(done / chunk / "steps.parquet") for chunk in chunks]
    tables.write(pa.concat_tables([tables.schema_of(Step).empty_table(), *found]), made / file)
