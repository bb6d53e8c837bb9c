"""An evaluation in a folder of its own: options, results as a table, and what they come to. The command run again goes on."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from lean_alchemy.eval.benchmarks import BenchmarkName, Suite, suite_of
from lean_alchemy.eval.prove import CHECK, PROVE, Budget, Result, prove
from lean_alchemy.eval.prove import Settings as SearchSettings
from lean_alchemy.eval.prover import Spec
from lean_alchemy.eval.score import Score, score
from lean_alchemy.pipelines.benchmarks.leandojo import PartName, SplitName
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.runtime import parquet, pool
from lean_alchemy.pipelines.runtime.job import Job, JobOptions
from lean_alchemy.pipelines.runtime.manifest import UsageError, versions
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.stage import Failure, Report
from lean_alchemy.pipelines.runtime.storage import Location, draft, exchange, write_whole


class Settings(msgspec.Struct, frozen=True):
    """What an evaluation is: other settings are another one. model: a digest of a model's files, or the command."""

    benchmark: BenchmarkName
    version: str
    split: str
    part: str
    sample: int | None
    seed: int
    prover: Spec
    model: str
    budget: Budget
    refute: bool
    workspace: str | None = None
    """Where Mathlib comes from: another one may be another version."""


class Evaluation(msgspec.Struct, frozen=True):
    """`evaluation.json`: the settings, what came of them, and what made it. not_run: why, by name."""

    settings: Settings
    score: Score
    not_run: dict[str, str]
    versions: dict[str, str]


def evaluate(out: Location, benchmark: BenchmarkName, data: Path | None, split: SplitName, part: PartName, sample: int | None, seed: int,
             spec: Spec, budget: Budget, refute: bool, workers: int, report: Report, workspace: str | None = None,
             retries: Retries = Retries()) -> tuple[Evaluation, list[Failure]]:
    """The evaluation, and problems without a result because engines died. workspace: the folder of a lake project that has the benchmark's
    library. Raises UsageError where something is missing, or the folder holds another evaluation."""
    whole = suite_of(benchmark, data, split, part, with_mathlib=workspace is not None)
    if benchmark == "leandojo" and workspace is None:
        raise UsageError("the embedded Lean has no Mathlib, which this benchmark is about: name a workspace that has it with --workspace "
                         "(docs/mathlib.md), or take --benchmark core")
    settings = Settings(benchmark, whole.version, whole.split, part, sample, seed, spec, model_digest(spec), budget, refute, workspace)
    _require_same(out, settings)
    job = Job(out, JobOptions(library=whole.library, workspace=workspace))
    with job.begin(), pool.cluster(workers):
        whole = whole.within(extracted(job, workers, report).numbers)
        suite = whole.sample(sample, seed)
        if not suite.problems:
            raise UsageError(f"there is nothing to prove in {benchmark}: none of its {len(suite.not_run)} problems can be stated in this "
                             "Lean")
        job.accept()
        write_whole(out / "settings.json", msgspec.json.encode(settings))
        results, failures = prove(SearchSettings(job, spec, budget, seed, refute, settings.model), suite, workers, report, retries)
        not_run = {**suite.not_run, **{failure.item: failure.what for failure in failures}}
        made = Evaluation(settings, score(results, _not_run(suite, whole, sample) + len(failures)), not_run, versions())
        for stage in (PROVE, CHECK):
            write_failures(job, stage.name, [failure for failure in failures if failure.stage == stage.name])
        with draft(job.work) as folder:
            parquet.write(parquet.to_table(results, Result), folder / "results.parquet")
            exchange(folder, out / "results")
        write_whole(out / "evaluation.json", msgspec.json.format(msgspec.json.encode(made), indent=2))
    return made, failures


def _not_run(suite: Suite, whole: Suite, sample: int | None) -> int:
    """A sample is drawn from what can be run."""
    return len(suite.not_run) if sample is None or sample >= len(whole.problems) else 0


def _require_same(out: Location, settings: Settings) -> None:
    file = out / "settings.json"
    if not file.exists():
        return
    try:
        old = msgspec.json.decode(file.read_bytes(), type=Settings)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{file} can't be read ({error}): name another folder") from None
    mine, its = (msgspec.to_builtins(s) for s in (settings, old))
    if differing := [f"{name} was {its[name]}, is {mine[name]}" for name in mine if mine[name] != its[name]]:
        raise UsageError(f"{out} holds another evaluation: {'; '.join(differing)}. Name another folder")


def model_digest(spec: Spec) -> str:
    """Of a model's files, by their contents; of another prover, what it is called."""
    if spec.kind != "model":
        return spec.name
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(Path(spec.place).iterdir()):
        if file.suffix in (".json", ".safetensors", ".bin"):
            with file.open("rb") as stream:
                digest.update(file.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def evaluation_at(out: Location) -> tuple[Evaluation, list[Result]]:
    """What an evaluation left. Raises UsageError where it is not done."""
    file = out / "evaluation.json"
    if not file.is_file():
        raise UsageError(f"{out} holds no evaluation that is done: make one with `alchemy eval --out {out}`")
    try:
        return (msgspec.json.decode(file.read_bytes(), type=Evaluation), parquet.read([out / "results" / "results.parquet"], Result))
    except msgspec.MsgspecError as error:
        raise UsageError(f"{file} can't be read: {error}") from None


def named(settings: Settings) -> str:
    """`core novel_premises, tiny`."""
    return " ".join(filter(None, (settings.benchmark, settings.split))) + f", {settings.prover.name}"


def as_summary(made: Evaluation) -> Mapping[str, object]:
    """The keys of `--json`."""
    found = msgspec.to_builtins(made.score)
    return {"benchmark": made.settings.benchmark, "split": made.settings.split, "prover": made.settings.prover.name, **found,
            "search_share": round(made.score.search_share, 4)}
