"""An evaluation in a folder of its own: settings, results as a table, and their score. The same command run again resumes it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from lean_alchemy.eval.benchmarks import BenchmarkName, Suite, suite_of
from lean_alchemy.eval.prove import CHECK, PROVE, Budget, Result, SearchSettings, prove
from lean_alchemy.eval.prover import Spec
from lean_alchemy.eval.score import Score, score_results
from lean_alchemy.pipelines.benchmarks.leandojo import PartName, SplitName
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.runtime import parquet, pool
from lean_alchemy.pipelines.runtime.job import Job, JobOptions
from lean_alchemy.pipelines.runtime.manifest import UsageError, package_versions
from lean_alchemy.pipelines.runtime.runner import Retries, write_failures
from lean_alchemy.pipelines.runtime.stage import Failure, Report
from lean_alchemy.pipelines.runtime.storage import Location, exchange, new_folder, write_whole


class EvalSettings(msgspec.Struct, frozen=True):
    """The settings that identify an evaluation; with other settings it is another one. model: a digest of the model's files, or the
    prover's name. workspace: where Mathlib comes from, as another workspace may have another version."""

    benchmark: BenchmarkName
    version: str
    split: str
    part: str
    sample: int | None
    seed: int
    prover: Spec
    model: str
    budget: Budget
    negate: bool = msgspec.field(name="refute")
    workspace: str | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """`evaluation.json`. not_run: the reason for each problem without a result, by name. versions: of the software."""

    settings: EvalSettings
    score: Score
    not_run: dict[str, str]
    versions: dict[str, str]


def evaluate(out: Location, benchmark: BenchmarkName, data: Path | None, split: SplitName, part: PartName, sample: int | None, seed: int,
             spec: Spec, budget: Budget, negate: bool, workers: int, report: Report, workspace: str | None = None,
             retries: Retries = Retries()) -> tuple[Evaluation, list[Failure]]:
    """The evaluation, and a failure for each problem that has no result because engines died. workspace: the folder of a lake project that
    has the benchmark's library. Raises UsageError if something is missing, or if the folder holds another evaluation."""
    full = suite_of(benchmark, data, split, part, with_mathlib=workspace is not None)
    if benchmark == "leandojo" and workspace is None:
        raise UsageError("this benchmark needs Mathlib, which the embedded Lean does not have: give a workspace with it by --workspace "
                         "(docs/mathlib.md), or use --benchmark core")
    settings = EvalSettings(benchmark, full.version, full.split, part, sample, seed, spec, model_digest(spec), budget, negate, workspace)
    _require_same(out, settings)
    job = Job(out, JobOptions(library=full.library, workspace=workspace))
    with job.begin(), pool.cluster(workers):
        full = full.within(extracted(job, workers, report).numbers)
        suite = full.sample(sample, seed)
        if not suite.problems:
            raise UsageError(f"there is nothing to prove in {benchmark}: none of its {len(suite.not_run)} problems can be stated in this "
                             "Lean. Use a workspace whose library has them (--workspace)")
        job.accept()
        write_whole(out / "settings.json", msgspec.json.encode(settings))
        results, failures = prove(SearchSettings(job, spec, budget, seed, negate, settings.model), suite, workers, report, retries)
        not_run = {**suite.not_run, **{failure.item: failure.what for failure in failures}}
        score = score_results(results, _not_run(suite, full, sample) + len(failures))
        evaluation = Evaluation(settings, score, not_run, package_versions())
        for stage in (PROVE, CHECK):
            write_failures(job, stage.name, [failure for failure in failures if failure.stage == stage.name])
        with new_folder(job.work) as folder:
            parquet.write(parquet.to_table(results, Result), folder / "results.parquet")
            exchange(folder, out / "results")
        write_whole(out / "evaluation.json", msgspec.json.format(msgspec.json.encode(evaluation), indent=2))
    return evaluation, failures


def _not_run(suite: Suite, full: Suite, sample: int | None) -> int:
    """The number of problems that count as not run: none in a sample, which is drawn from those that can be run."""
    return len(suite.not_run) if sample is None or sample >= len(full.problems) else 0


def _require_same(out: Location, settings: EvalSettings) -> None:
    file = out / "settings.json"
    if not file.exists():
        return
    try:
        old = msgspec.json.decode(file.read_bytes(), type=EvalSettings)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{file} can't be read ({error}): name another folder") from None
    new, old = (msgspec.to_builtins(s) for s in (settings, old))
    if changed := [f"{name} was {old[name]}, is {new[name]}" for name in new if new[name] != old[name]]:
        raise UsageError(f"{out} holds an evaluation with other settings: {'; '.join(changed)}. Name another folder")


def model_digest(spec: Spec) -> str:
    """For a model 16 hexadecimal digits, a digest of its files' contents; for another prover its name."""
    if spec.kind != "model":
        return spec.name
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(Path(spec.place).iterdir()):
        if file.suffix in (".json", ".safetensors", ".bin"):
            with file.open("rb") as stream:
                digest.update(file.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def evaluation_at(out: Location) -> tuple[Evaluation, list[Result]]:
    """A finished evaluation and its results. Raises UsageError if there is none."""
    file = out / "evaluation.json"
    if not file.is_file():
        raise UsageError(f"{out} holds no finished evaluation: run `alchemy eval --out {out}`")
    try:
        return (msgspec.json.decode(file.read_bytes(), type=Evaluation), parquet.read([out / "results" / "results.parquet"], Result))
    except msgspec.MsgspecError as error:
        raise UsageError(f"{file} can't be read: {error}") from None


def label_of(settings: EvalSettings) -> str:
    """What to call an evaluation in tables and plots: `core novel_premises, tiny`."""
    return " ".join(filter(None, (settings.benchmark, settings.split))) + f", {settings.prover.name}"


def as_summary(evaluation: Evaluation) -> Mapping[str, object]:
    """The keys of `--json`."""
    settings, score = evaluation.settings, evaluation.score
    return {"benchmark": settings.benchmark, "split": settings.split, "prover": settings.prover.name, **msgspec.to_builtins(score),
            "search_share": round(score.search_share, 4)}
