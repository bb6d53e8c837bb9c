"""The front door. A command builds a job, runs it and prints a summary; heavy imports live inside commands,
so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import (
    Json,
    Kinds,
    LibraryNames,
    Out,
    Workers,
    WorkspaceFolder,
    count_of,
    kinds_of,
    libraries_of,
    workspace_of,
)
from lean_alchemy.pipelines.commands.bench import bench
from lean_alchemy.pipelines.commands.benchmark import benchmark
from lean_alchemy.pipelines.commands.eval import evaluate
from lean_alchemy.pipelines.commands.loop import loop
from lean_alchemy.pipelines.commands.publish import publish
from lean_alchemy.pipelines.commands.trace import trace
from lean_alchemy.pipelines.commands.train import train

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False,
    help="Multiplies the theorems of a Lean library: mutates them with `rw` and `apply`, and lets Lean verify every one.")

app.add_typer(bench, name="bench")
app.add_typer(benchmark, name="benchmark")
app.add_typer(evaluate, name="eval")


@app.command()
def setup(
    mathlib: Annotated[str | None, typer.Option(metavar="REV", help="Make a workspace with Mathlib at this tag, such as v4.28.0.")] = None,
    workspace: Annotated[Path, typer.Option(help="The folder of that workspace.")] = Path("mathlib-workspace"),
    json: Json = False,
) -> None:
    """Installs the embedded Lean below $ALCHEMY_HOME, once; or makes a workspace with Mathlib for a Lean of yours (elan)."""
    import time

    from lean_alchemy.lean_workspace.embedded import install
    from lean_alchemy.pipelines.commands.printing import err, finish, progress

    start = time.monotonic()
    if mathlib is not None:
        from lean_alchemy.lean_workspace.native import engine_for, make_workspace, workspace_at

        make_workspace(workspace.resolve(), mathlib, lambda command: err.print(command, highlight=False))
        lean = workspace_at(workspace.resolve())
        err.print("the engine", highlight=False)
        engine_for(lean)
        err.print(f"Lean {lean.version} with Mathlib {mathlib} is in {workspace}", highlight=False, soft_wrap=True)
        seconds = round(time.monotonic() - start, 1)
        finish({"installed": True, "workspace": str(lean.folder), "lean": lean.version, "seconds": seconds}, json)
        return
    with progress() as report:
        installed = install.setup(lambda step, share: report(step, round(100 * share), 100, ""))
    err.print(f"Lean is in {install.prefix()}" if installed else f"nothing to do: Lean is in {install.prefix()}")
    finish({"installed": installed, "home": str(install.home()), "seconds": round(time.monotonic() - start, 1)}, json)


@app.command()
def doctor(json: Json = False) -> None:
    """Says what is there, what is missing, and what to do about it."""
    from lean_alchemy.pipelines.commands.doctor import examine, show
    from lean_alchemy.pipelines.commands.printing import finish

    findings = examine()
    show(findings)
    finish({finding.name: {"ok": finding.ok, "found": finding.found, "advice": finding.advice} for finding in findings}, json)
    if any(finding.needed and not finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def synthesize(
    out: Out,
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    targets: Annotated[str, typer.Option(help="How many theorems to mutate, drawn by the seed, or `all`.")] = "300",
    seed: Annotated[int, typer.Option(help="Draws the targets.")] = 0,
    kinds: Kinds = "rw,apply",
    workers: Workers = 2,
    target: Annotated[list[str], typer.Option(help="Mutate this theorem; repeatable.")] = [],
    module: Annotated[str | None, typer.Option(help="Only targets of this module and those below it.")] = None,
    forward: Annotated[bool, typer.Option(help="`apply` at the conclusion, which becomes what it implies.")] = True,
    side_conditions: Annotated[bool, typer.Option(help="`rw` with lemmas that ask for something, which becomes a hypothesis.")] = True,
    occurrences: Annotated[bool, typer.Option(help="`rw` at each instance of a pattern, not at the first alone.")] = True,
    new_variables: Annotated[bool, typer.Option(help="Lemmas that speak of more, which becomes a variable.")] = True,
    depth: Annotated[int, typer.Option(min=1, max=8, help="Mutations in a row: the best variants are targets in their turn.")] = 1,
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Keep what the quality rules would leave out.")] = False,
    without: Annotated[list[str], typer.Option(help="Switch a quality rule off, by its name; repeatable.")] = [],
    target_cap: Annotated[int, typer.Option(min=0, help="Variants of one target, the best by score; 0: all.")] = 250,
    foreign_cap: Annotated[int, typer.Option(
        min=0, help="Variants of one target that bring in foreign subjects alone, the best by score; 0: all.")] = 12,
    lemma_cap: Annotated[int, typer.Option(min=0, help="Variants by one lemma, the best by score; 0: all.")] = 200,
    held_out: Annotated[Path | None, typer.Option(
        exists=True, dir_okay=False, help="Theorem names and statement keys, one a line, to keep out.")] = None,
    held_out_premises: Annotated[bool, typer.Option(
        "--held-out-premises", help="Keep held-out theorems out as lemmas, too (novel premises).")] = False,
    refute: Annotated[bool, typer.Option(
        "--refute", help="Make a table of statements that look like variants and are false, with the proof that they are.")] = False,
    verify: Annotated[int, typer.Option(min=1, help="Variants that a fresh engine reads again at the end.")] = 200,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say, from a sample, what it would take.")] = False,
    json: Json = False,
) -> None:
    """Makes a corpus of verified variants in OUT. Run again, it goes on where it stopped."""
    import hashlib

    from lean_alchemy.pipelines.commands.printing import err, finish, print_examples, print_funnel, progress
    from lean_alchemy.pipelines.corpus.synthesize import synthesize as run
    from lean_alchemy.pipelines.runtime.job import Job, Options

    if held_out_premises and not held_out:
        raise typer.BadParameter("--held-out-premises speaks of the theorems in --held-out FILE")
    if target and module:
        raise typer.BadParameter("--target names the targets; --module can't narrow them")
    options = Options(
        library=libraries_of(library), workspace=workspace_of(workspace), targets=None if target else count_of(targets),
        seed=seed, kinds=kinds_of(kinds), target=target, module=module,
        forward=forward, side_conditions=side_conditions, occurrences=occurrences, new_variables=new_variables,
        depth=depth, keep_all=keep_all, without=sorted(set(without)), target_cap=target_cap or None, foreign_cap=foreign_cap or None,
        lemma_cap=lemma_cap or None,
        refute=refute, held_out_premises=held_out_premises,
        held_out=hashlib.sha256(held_out.read_bytes()).hexdigest() if held_out else None)
    if dry_run:
        from lean_alchemy.pipelines.corpus.estimate import estimate, show

        with progress() as report:
            found = estimate(Job(out, options), workers, report)
        if not json:
            show(found)
        finish(_plain(found), json)
        return
    with progress() as report:
        result = run(Job(out, options), workers, verify, held_out, report)
    _tell_problems(result.problems)
    counts = result.manifest.counts
    summary = {
        **{name: counts[name] for name in ("targets", "candidates", "kernel_checked", "elaborated", "variants")},
        "rejects": result.manifest.rejects, "seconds": round(result.seconds, 1),
        **{name: counts[name] for name in ("changed", "refuted") if name in counts},
        "seconds_in_all": round(result.seconds_in_all, 1), "checked": result.checked, "valid": result.checked - len(result.invalid)}
    if not json:
        print_funnel(summary)
        print_examples(out, 3)
    if refute:
        err.print(f"{counts['refuted']:,} of {counts['changed']:,} changed statements are refuted")
    err.print(f"a fresh engine found {summary['valid']:,} of {summary['checked']:,} texts valid")
    finish(summary, json)
    _fail_on(result.invalid, result.checked)


@app.command()
def verify(
    out: Out,
    sample: Annotated[str, typer.Option(help="How many variants, drawn by the seed, or `all`.")] = "200",
    seed: Annotated[int, typer.Option(help="Draws the sample.")] = 0,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Checks variants again, from their text alone, in a fresh engine."""
    from lean_alchemy.pipelines.commands.printing import err, finish, progress
    from lean_alchemy.pipelines.corpus.synthesize import install_if_missing, run_verify
    from lean_alchemy.pipelines.runtime import pool
    from lean_alchemy.pipelines.runtime.job import Job

    size = count_of(sample)
    options = Job.manifest_at(out).options
    install_if_missing(options.workspace)
    with progress() as report, pool.cluster(workers):
        checked, invalid = run_verify(out, Job(out, options).library, size, seed, workers, report)
    err.print(f"{checked - len(invalid):,} of {checked:,} texts are valid")
    finish({"checked": checked, "valid": checked - len(invalid)}, json)
    _fail_on(invalid, checked)


@app.command()
def grade(
    out: Out,
    sample: Annotated[str, typer.Option(help="How many variants, drawn at random, or `all`, which writes the table.")] = "all",
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Records the cheapest automation that proves each variant, as the table `grades`."""
    from lean_alchemy.pipelines.commands.printing import err, finish, print_grades, progress
    from lean_alchemy.pipelines.corpus.grade import grade as run
    from lean_alchemy.pipelines.corpus.synthesize import install_if_missing
    from lean_alchemy.pipelines.runtime.job import Job

    size = count_of(sample)
    with progress() as report:
        install_if_missing(Job.manifest_at(out).options.workspace)
        grades = run(out, size, workers, report)
    summary = {"variants": grades.variants, "graded": grades.graded, "closed_by": grades.closed_by, "unknown": grades.unknown,
               "seconds": round(grades.seconds, 1)}
    if not json:
        print_grades(summary)
    if grades.graded < grades.variants:
        err.print("a sample: `--sample all` writes the table")
    finish(summary, json)


@app.command()
def steps(
    out: Out,
    proofs: Annotated[list[str], typer.Option(
        help="Proofs of targets, which are put into those of their variants as a form of their own: OUT of `harvest` or `trace`, a "
             "benchmark, or `core`; repeatable.")] = [],
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Runs the proof of every variant in the gym, and records what each tactic did, as the table `steps`."""
    from lean_alchemy.pipelines.benchmarks.leandojo import place_of
    from lean_alchemy.pipelines.commands.printing import err, finish, progress
    from lean_alchemy.pipelines.corpus.synthesize import install_if_missing
    from lean_alchemy.pipelines.proofs.known import originals_in
    from lean_alchemy.pipelines.proofs.steps import steps as run
    from lean_alchemy.pipelines.runtime.job import Job
    from lean_alchemy.pipelines.runtime.storage import location_of

    with progress() as report:
        install_if_missing(Job.manifest_at(out).options.workspace)
        known = originals_in([place_of(name) if name == "core" else location_of(name) for name in proofs])
        tally, seconds = run(out, workers, known, report)
    lost = "".join(f"; {reason}: {n:,}" for reason, n in sorted(tally.lost.items(), key=lambda item: -item[1]))
    err.print(f"{tally.rows:,} steps of {tally.with_steps:,} of {tally.variants:,} variants; of {tally.goal_directed:,} from the goal "
              f"backwards as well, of {tally.inlined:,} with the target's own proof in it{lost}", highlight=False, soft_wrap=True)
    finish({"variants": tally.variants, "with_steps": tally.with_steps, "goal_directed": tally.goal_directed, "inlined": tally.inlined,
            "steps": tally.rows, "lost": tally.lost, "seconds": round(seconds, 1)}, json)


@app.command()
def report(
    out: Out,
    examples: Annotated[int, typer.Option(min=0, help="Variants to show beside their targets, drawn at random.")] = 12,
    seed: Annotated[int, typer.Option(help="Draws the examples.")] = 0,
    json: Json = False,
) -> None:
    """Draws a page about a corpus: OUT/report/report.html, which needs nothing beside it, and its plots as PNG files."""
    from lean_alchemy.pipelines.commands.printing import err, finish
    from lean_alchemy.pipelines.publishing.figures import collect
    from lean_alchemy.pipelines.publishing.report_page import write_report

    figures = collect(out, examples, seed)
    page = write_report(figures, out / "report")
    err.print(f"the page is {page}", highlight=False, soft_wrap=True)
    finish({"page": str(page), "plots": sorted(str(file) for file in page.parent.glob("*.png")),
            "examples": [example.variant.variant_id for example in figures.examples]}, json)


@app.command()
def harvest(
    out: Out,
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    targets: Annotated[str, typer.Option(help="How many theorems to prove, drawn by the seed, or `all`.")] = "200",
    seed: Annotated[int, typer.Option(help="Draws the theorems.")] = 0,
    module: Annotated[str | None, typer.Option(help="Only theorems of this module and those below it.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="What a round proved may be used in the next.")] = 3,
    portfolio: Annotated[str, typer.Option(
        help="What is tried: `none` (known proofs only), `quick`, `lemmas` (with theorems that the index finds), `premises` (with MePo's, "
             "too), `search` (`lemmas`, then a short search).")] = "lemmas",
    known: Annotated[list[Path], typer.Option(
        help="Proofs to try first: OUT of another harvest, or a benchmark; repeatable.", show_default="the benchmark core")] = [],
    fresh: Annotated[bool, typer.Option("--fresh", help="Know no proofs.")] = False,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Finds proofs of a library's own theorems, each in the environment before it, and records what their tactics did."""
    from lean_alchemy.pipelines.benchmarks.leandojo import CORE
    from lean_alchemy.pipelines.commands.printing import err, finish, progress
    from lean_alchemy.pipelines.commands.printing import out as stdout
    from lean_alchemy.pipelines.proofs.harvest import harvest as run
    from lean_alchemy.pipelines.proofs.known import known_in
    from lean_alchemy.pipelines.publishing.areas import areas_of, as_table
    from lean_alchemy.pipelines.runtime.job import Job, Options

    if fresh and known:
        raise typer.BadParameter("--fresh and --known exclude each other")
    proofs = [proof for place in (known or ([] if fresh else [CORE])) for proof in known_in(place)]
    options = Options(library=libraries_of(library), workspace=workspace_of(workspace), kinds=[], targets=count_of(targets), seed=seed,
                      module=module)
    with progress() as report:
        found = run(Job(out, options), workers, rounds, portfolio, proofs, report)
    if not json:
        stdout.print(as_table(areas_of(out)))
    proved = sum(found.proved)
    err.print(f"{proved:,} of {found.theorems:,} theorems proved, by round {found.proved}; {found.with_premises:,} proofs name a premise; "
              f"{len(found.leaks)} do not go through again", highlight=False, soft_wrap=True)
    finish({"theorems": found.theorems, "proved": proved, "rounds": found.proved, "with_premises": found.with_premises,
            "leaks": len(found.leaks), "rejects": found.rejects, "seconds": round(found.seconds, 1)}, json)
    if found.leaks:
        err.print(f"do not go through in a fresh engine: {', '.join(found.leaks[:5])}")
        raise typer.Exit(1)


@app.command()
def mutate(
    name: Annotated[str, typer.Argument(help="A theorem, such as `Nat.add_comm`.")],
    library: LibraryNames = ["Init"],
    workspace: WorkspaceFolder = None,
    kinds: Kinds = "rw,apply",
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Show what the quality rules would leave out, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many variants to print.")] = 20,
    json: Json = False,
) -> None:
    """Shows the variants of one theorem beside it."""
    from lean_alchemy.pipelines.commands.printing import err, finish, out, print_variant, progress
    from lean_alchemy.pipelines.corpus.one_theorem import variants_of_one

    with progress() as report:
        found = variants_of_one(name, libraries_of(library), workspace_of(workspace), kinds_of(kinds), keep_all, report)
    _tell_problems(found.problems)
    for variant in found.variants[:limit]:
        if not json:
            print_variant(variant, found.statement)
    if not json:
        out.print(f"{len(found.variants)} variants of {name}" + (
            f", {limit} shown (--limit {len(found.variants)} shows all)" if len(found.variants) > limit else ""))
    for reason, n in sorted(found.rejects.items(), key=lambda item: -item[1]):
        err.print(f"{n:6} not kept — {reason}", style="dim", highlight=False)
    finish({"target": name, "statement": found.statement, "variants": found.variants, "rejects": found.rejects}, json)


app.command()(trace)
app.command()(train)
app.command()(loop)
app.command()(publish)


_INTERRUPTED = 130
"""How Typer ends a command after Ctrl-C."""


def main() -> None:
    """Runs a command. What a user can mend is told in a sentence; exit status 1 or 2, no traceback."""
    from lean_alchemy.lean_workspace.errors import Mistake, Trouble
    from lean_alchemy.pipelines.runtime import interrupt

    interrupt.watch()
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _tell("interrupted. What was done is kept; run the command again to go on.")
            sys.exit(1)
        raise
    except Mistake as error:
        _tell(error)
        sys.exit(2)
    except Trouble as error:
        _tell(error)
        sys.exit(1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _tell(f"{error.strerror or error}{where}. What was done before is kept; run the command again.")
        sys.exit(1)


def _tell(error: object) -> None:
    from rich.console import Console

    Console(stderr=True).print(f"alchemy: {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)


def _tell_problems(problems: list[str]) -> None:
    """What is wrong in files of the user: it is skipped, and said."""
    for problem in problems:
        _tell(f"skipped: {problem}")


def _plain(record: object) -> dict:
    """A struct as the object that --json prints."""
    import msgspec

    return msgspec.to_builtins(record)


def _fail_on(invalid: list, checked: int) -> None:
    if invalid or not checked:
        for one in invalid[:5]:
            _tell(f"{one.variant_id}: {one.reason}")
        raise typer.Exit(1)
