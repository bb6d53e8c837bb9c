"""Commands that make a corpus and check it: `synthesize`, `mutate`, `verify`, `grade`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import (
    Json,
    Kinds,
    Lemma,
    LibraryNames,
    Limit,
    MaxFailures,
    Module,
    Out,
    RetryFailed,
    Sample,
    Seed,
    SkipTarget,
    TargetNames,
    Targets,
    Workers,
    WorkspaceFolder,
    count_of,
    kinds_of,
    libraries_of,
    retries_of,
    workers_of,
    workspace_of,
)

if TYPE_CHECKING:
    from lean_alchemy.pipelines.runtime.storage import Location


def synthesize(
    out: Out,
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    targets: Targets = "300",
    seed: Seed = 0,
    kinds: Kinds = "rw,apply",
    workers: Workers = None,
    target: TargetNames = [],
    skip_target: SkipTarget = [],
    module: Module = None,
    forward: Annotated[bool, typer.Option(help="Use `apply` forward: the conclusion is replaced by what it implies.")] = True,
    side_conditions: Annotated[bool, typer.Option(
        help="Use `rw` with lemmas that have side conditions. These become hypotheses of the variant.")] = True,
    occurrences: Annotated[bool, typer.Option(help="Use `rw` at every instance of a pattern, not only the first.")] = True,
    new_variables: Annotated[bool, typer.Option(
        help="Use lemmas with variables that the target does not determine. These become variables of the variant.")] = True,
    depth: Annotated[int, typer.Option(min=1, max=8, help="Number of mutations in a row: the best variants are mutated again.")] = 1,
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Keep variants that the quality rules would reject.")] = False,
    without: Annotated[list[str], typer.Option(help="Switch off the quality rule of this name; repeatable.")] = [],
    target_cap: Annotated[int, typer.Option(min=0, help="Maximum number of variants per target, the best by score; 0: no limit.")] = 250,
    foreign_cap: Annotated[int, typer.Option(
        min=0, help="Maximum number of variants per target that only add an unrelated subject, the best by score; 0: no limit.")] = 12,
    lemma_cap: Annotated[int, typer.Option(min=0, help="Maximum number of variants per lemma, the best by score; 0: no limit.")] = 200,
    held_out: Annotated[Path | None, typer.Option(
        exists=True, dir_okay=False, help="A file with one theorem name or statement key per line. These theorems are kept out of the "
                                          "corpus.")] = None,
    held_out_premises: Annotated[bool, typer.Option(
        "--held-out-premises", help="Do not use the held-out theorems as lemmas either (novel premises).")] = False,
    refute: Annotated[bool, typer.Option(
        "--refute", help="Also make the table `refuted`: false statements that look like variants, with proofs of their "
                         "negations.")] = False,
    verify: Annotated[int, typer.Option(min=1, help="Number of variants to verify in a fresh engine at the end.")] = 200,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate time, memory and disk from a sample.")] = False,
    max_failures: MaxFailures = 100,
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Makes a corpus of verified variants in OUT. Run again, it resumes."""
    import hashlib

    from lean_alchemy.pipelines.commands.printing import finish, print_estimate, print_funnel, print_next, progress, tell
    from lean_alchemy.pipelines.corpus.options import Options
    from lean_alchemy.pipelines.corpus.synthesize import synthesize as run
    from lean_alchemy.pipelines.runtime.job import Job

    if held_out_premises and not held_out:
        raise typer.BadParameter("--held-out-premises needs --held-out FILE")
    if target and module:
        raise typer.BadParameter("--target and --module can't be combined")
    options = Options(
        library=libraries_of(library), workspace=workspace_of(workspace), targets=None if target else count_of(targets),
        seed=seed, kinds=kinds_of(kinds), target=target, skip_target=sorted(set(skip_target)), module=module,
        forward=forward, side_conditions=side_conditions, occurrences=occurrences, new_variables=new_variables,
        depth=depth, keep_all=keep_all, without=sorted(set(without)), target_cap=target_cap or None, foreign_cap=foreign_cap or None,
        lemma_cap=lemma_cap or None, refute=refute, held_out_premises=held_out_premises,
        held_out=hashlib.sha256(held_out.read_bytes()).hexdigest() if held_out else None)
    engines = workers_of(workers, options.workspace)
    if dry_run:
        from lean_alchemy.pipelines.corpus.estimate import estimate

        with progress() as report:
            found = estimate(Job(out, options), engines, report)
        if not json:
            print_estimate(found)
        finish(found, json)
        return
    with progress() as report:
        made = run(Job(out, options), engines, verify, held_out, report, retries_of(max_failures, retry_failed))
    _tell_problems(made.problems)
    counts, verified = made.manifest.counts, made.verified
    valid = verified.checked - len(verified.invalid)
    summary = {
        **{name: counts[name] for name in ("targets", "candidates", "kernel_checked", "elaborated", "variants")},
        "rejects": made.manifest.rejects, "seconds": round(made.seconds, 1),
        **{name: counts[name] for name in ("changed", "refuted") if name in counts},
        "seconds_in_all": round(made.seconds_in_all, 1), "checked": verified.checked, "valid": valid}
    if not json:
        print_funnel(summary)
        _print_examples(out)
    if refute:
        tell(f"{counts['refuted']:,} of {counts['changed']:,} changed statements are refuted")
    tell(f"a fresh engine found {valid:,} of {verified.checked:,} texts valid")
    _tell_invalid(verified.invalid)
    if not json:
        print_next(out)
    finish(summary, json, made.failures, failed=bool(verified.invalid) or not verified.checked)


def verify(
    out: Out,
    sample: Sample = "200",
    seed: Seed = 0,
    workers: Workers = None,
    max_failures: MaxFailures = 100,
    json: Json = False,
) -> None:
    """Checks variants again: a fresh engine elaborates only their text."""
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell
    from lean_alchemy.pipelines.corpus.extract import install_if_missing
    from lean_alchemy.pipelines.corpus.options import Options
    from lean_alchemy.pipelines.corpus.verify import verify as run
    from lean_alchemy.pipelines.runtime import pool
    from lean_alchemy.pipelines.runtime.job import Job
    from lean_alchemy.pipelines.runtime.manifest import manifest_at

    size = count_of(sample)
    job = Job(out, manifest_at(out).options_as(Options))
    install_if_missing(job.options.workspace)
    engines = workers_of(workers, job.options.workspace)
    with progress() as report, job.begin(), pool.cluster(engines):
        found = run(job, size, seed, engines, report, retries_of(max_failures, True))
    valid = found.checked - len(found.invalid)
    tell(f"{valid:,} of {found.checked:,} texts are valid")
    _tell_invalid(found.invalid)
    finish({"checked": found.checked, "valid": valid}, json, found.failures, failed=bool(found.invalid) or not found.checked,
           advice="They are in the table failures; run the command again to check them again")


def grade(
    out: Out,
    sample: Sample = "all",
    workers: Workers = None,
    max_failures: MaxFailures = 100,
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Records the cheapest automation that proves each variant. `--sample all` (the default) writes the table `grades`."""
    from lean_alchemy.pipelines.commands.printing import finish, print_grades, progress, tell
    from lean_alchemy.pipelines.corpus.extract import install_if_missing
    from lean_alchemy.pipelines.corpus.grade import grade as run
    from lean_alchemy.pipelines.corpus.options import Options
    from lean_alchemy.pipelines.runtime.manifest import manifest_at

    size = count_of(sample)
    workspace = manifest_at(out).options_as(Options).workspace
    with progress() as report:
        install_if_missing(workspace)
        grades = run(out, size, workers_of(workers, workspace), report, retries_of(max_failures, retry_failed))
    summary = {"variants": grades.variants, "graded": grades.graded, "closed_by": grades.closed_by, "unknown": grades.unknown,
               "seconds": round(grades.seconds, 1)}
    if not json:
        print_grades(summary)
    if size is not None and size < grades.variants:
        tell("only a sample was graded; `--sample all` writes the table")
    finish(summary, json, grades.failures)


def mutate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A theorem, such as `Nat.add_comm`.")],
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    kinds: Kinds = "rw,apply",
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Keep variants that the quality rules would reject.")] = False,
    lemma: Lemma = None,
    explain: Annotated[bool, typer.Option(
        "--explain", help="With --lemma: print for each use of the lemma why it gives a variant or not.")] = False,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Prints one theorem and its variants."""
    from lean_alchemy.pipelines.commands.printing import err, finish, out, print_explanation, print_variant, progress
    from lean_alchemy.pipelines.corpus.explain import explanations
    from lean_alchemy.pipelines.corpus.one_theorem import variants_of_one

    if explain:
        if lemma is None:
            raise typer.BadParameter("--explain needs --lemma")
        with progress() as report:
            uses = explanations(name, lemma, libraries_of(library), workspace_of(workspace), kinds_of(kinds), report)
        for use in uses:
            if not json:
                print_explanation(use)
        finish({"target": name, "lemma": lemma, "uses": uses}, json)
        return
    with progress() as report:
        found = variants_of_one(name, libraries_of(library), workspace_of(workspace), kinds_of(kinds), report, keep_all=keep_all)
    _tell_problems(found.problems)
    variants = [variant for variant in found.variants if lemma in (None, variant.lemma)]
    for variant in variants[:limit]:
        if not json:
            print_variant(variant, found.statement, found.lemmas)
    if not json:
        out.print(f"-- {len(variants)} variants of {name}" + (
            f", {limit} shown (--limit {len(variants)} shows all)" if len(variants) > limit else ""), highlight=False, soft_wrap=True)
    for reason, n in sorted(found.rejects.items(), key=lambda item: -item[1]):
        err.print(f"{n:6} rejected — {reason}", style="dim", highlight=False)
    finish({"target": name, "statement": found.statement, "variants": variants, "rejects": found.rejects}, json, found.failures,
           advice="No variant of them is shown")


def _print_examples(out: "Location") -> None:
    """Prints variants of three targets."""
    from lean_alchemy.pipelines.browse.selection import Selection
    from lean_alchemy.pipelines.commands.printing import print_variant

    selection = Selection(out)
    variants = selection.of_different_targets(3)
    statements = selection.statements(name for variant in variants for name in (variant.target, variant.lemma))
    for variant in variants:
        print_variant(variant, statements.get(variant.target, ""), statements)


def _tell_problems(problems: list[str]) -> None:
    """Prints the errors in the user's files. The theorems with these errors were skipped."""
    from lean_alchemy.pipelines.commands.printing import tell

    for problem in problems:
        tell(f"skipped: {problem}")


def _tell_invalid(invalid: list) -> None:
    from lean_alchemy.pipelines.commands.printing import SHOWN, tell

    for one in invalid[:SHOWN]:
        tell(f"{one.variant_id}: {one.reason}")
