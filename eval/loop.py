"""The whole loop: a corpus, two models trained alike, with and without it, and their evaluations in one table.

Every stage is a command that a user could type; it is printed before it runs. The summary of each command is kept in `OUT/loop`, so that
the loop, run again, resumes with the first command that is not done.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

import lean_alchemy
from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.pipelines.benchmarks.leandojo import SPLIT_NAMES
from lean_alchemy.pipelines.runtime.storage import write_whole
from lean_alchemy.training.recipe import Recipe, differences, load_recipe

WITH, WITHOUT, RANDOM = "with variants", "originals alone", "random tactics"


class Loop(msgspec.Struct, frozen=True):
    """The options of a loop. recipe, settings: of both trainings. targets: of the corpus; sample: theorems to prove of each split; each a
    number or `all`. expansions, candidates: of each search. minif2f: a file or folder with its problems. rebuild_benchmark: build a new
    benchmark, which takes half an hour, instead of using `core`."""

    out: Path
    recipe: str
    settings: tuple[str, ...]
    targets: str
    sample: str
    expansions: int
    candidates: int
    minif2f: Path | None
    rebuild_benchmark: bool
    seed: int
    workers: int

    @property
    def benchmark(self) -> str:
        return str(self.out / "harvest" / "benchmark") if self.rebuild_benchmark else "core"


class Command(msgspec.Struct, frozen=True):
    """A stage: its name, and the arguments of `alchemy`."""

    name: str
    arguments: tuple[str, ...]


def commands(loop: Loop) -> Iterator[Command]:
    """All commands of the loop, in order."""
    out, workers = loop.out, ("--workers", str(loop.workers))
    library = ("--library", "Init", "--library", "Std")
    yield Command("corpus", ("synthesize", f"{out}/corpus", *library, "--targets", loop.targets, "--seed", str(loop.seed), *workers))
    yield Command("steps", ("steps", f"{out}/corpus", *workers))
    if loop.rebuild_benchmark:
        yield Command("harvest", ("harvest", f"{out}/harvest", *library, "--targets", "all", "--portfolio", "none", *workers))
        yield Command("benchmark", ("benchmark", "build", f"{out}/harvest", *workers))
    for name, corpora in ((WITHOUT, ""), (WITH, f"{out}/corpus")):
        settings = (f"data.benchmark={loop.benchmark}", f"data.corpora=[{corpora}]", *loop.settings)
        options = (word for setting in settings for word in ("--set", setting))
        yield Command(f"train {name}", ("train", loop.recipe, "--out", str(run_of(loop, name)), *options))
    data = ("--data", loop.benchmark) if loop.rebuild_benchmark else ()
    for name in (WITHOUT, WITH):
        for split in SPLIT_NAMES:
            yield Command(f"held-out steps, {split}, {name}", ("eval", "steps", str(run_of(loop, name)), "--split", split, *data))
    budget = ("--expansions", str(loop.expansions), "--candidates", str(loop.candidates), "--seed", str(loop.seed))
    for name in (WITHOUT, WITH, RANDOM):
        prover = ("--model", "random" if name == RANDOM else str(run_of(loop, name)))
        for split in SPLIT_NAMES:
            yield Command(f"core {split}, {name}", (
                "eval", "--benchmark", "core", *data, "--split", split, "--sample", loop.sample, *prover, *budget, *workers,
                "--out", str(results_of(loop, split, name))))
        if loop.minif2f is not None:
            yield Command(f"minif2f, {name}", (
                "eval", "--benchmark", "minif2f", "--data", str(loop.minif2f), "--part", "val", *prover, *budget, *workers,
                "--out", str(results_of(loop, "minif2f", name))))
    for test_set in test_sets(loop):
        yield Command(f"compare {test_set}", (
            "eval", "compare", str(results_of(loop, test_set, WITHOUT)), str(results_of(loop, test_set, WITH)),
            "--plot", f"{out}/{test_set}.png"))


def test_sets(loop: Loop) -> list[str]:
    """What the provers are evaluated on: the splits of the benchmark, and miniF2F if it is given."""
    return [*SPLIT_NAMES, *(["minif2f"] if loop.minif2f is not None else [])]


def run_of(loop: Loop, name: str) -> Path:
    return loop.out / "models" / name.replace(" ", "-")


def results_of(loop: Loop, test_set: str, name: str) -> Path:
    """The folder of an evaluation. The budget is in its name: with another budget it is another evaluation."""
    return loop.out / "results" / f"{test_set}-{name.replace(' ', '-')}-{loop.expansions}x{loop.candidates}"


class FinishedCommand(msgspec.Struct, frozen=True):
    """A command that was run, and its `--json` summary."""

    arguments: tuple[str, ...]
    summary: dict[str, Any]


def run_loop(loop: Loop) -> dict[str, FinishedCommand]:
    """Runs every command that is not done yet; the summaries by the command's name. Raises Mistake if the folder was started with another
    recipe, Trouble if a command fails."""
    _claim(loop)
    done: dict[str, FinishedCommand] = {}
    every = list(commands(loop))
    for number, command in enumerate(every, 1):
        file = loop.out / "loop" / f"{command.name.replace(' ', '-').replace(',', '')}.json"
        if file.is_file() and (earlier := msgspec.json.decode(file.read_bytes(), type=FinishedCommand)).arguments == command.arguments:
            done[command.name] = earlier
            continue
        print(f"[{number}/{len(every)}] alchemy {shlex.join(command.arguments)}", file=sys.stderr, flush=True)
        done[command.name] = FinishedCommand(command.arguments, _run(command))
        write_whole(file, msgspec.json.encode(done[command.name]))
    write_whole(loop.out / "loop.md", as_markdown(loop, done).encode())
    return done


def _claim(loop: Loop) -> None:
    """Records the recipe, or checks it against the recorded one: models trained by an older recipe must not be mixed in."""
    file, recipe = loop.out / "loop" / "recipe.json", load_recipe(loop.recipe, list(loop.settings))
    if file.is_file() and (changed := differences(msgspec.json.decode(file.read_bytes(), type=Recipe), recipe)):
        raise Mistake(f"{loop.out} was started with another recipe (setting: there, now): {'; '.join(changed)}. Name another folder")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, msgspec.json.format(msgspec.json.encode(recipe), indent=2))


def _run(command: Command) -> dict[str, Any]:
    """In a session of its own: Ctrl-C reaches the command once, through us, and it can save its work before it ends."""
    # -P: not what lies in the current folder; this package, wherever it was found.
    path = os.pathsep.join(filter(None, [str(Path(lean_alchemy.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen([sys.executable, "-P", "-m", "lean_alchemy", *command.arguments, "--json"], stdout=subprocess.PIPE, text=True,
                          encoding="utf-8", env={**os.environ, "PYTHONPATH": path}, start_new_session=True) as run:
        try:
            output, _ = run.communicate()
        except KeyboardInterrupt:
            run.send_signal(signal.SIGINT)
            run.wait()
            raise
    if run.returncode:
        raise Trouble(f"{command.name}: `alchemy {shlex.join(command.arguments)}` ended with exit status {run.returncode}; its message is "
                      "above. Run the loop again to resume")
    return msgspec.json.decode(output.splitlines()[-1])


# --- the table ------------------------------------------------------------------------------------------------------------------


def as_markdown(loop: Loop, done: Mapping[str, FinishedCommand]) -> str:
    """A table with a row for each prover, then the difference that the variants make."""
    summaries = {name: command.summary for name, command in done.items()}
    sets = {test_set: f"core {test_set}" if test_set in SPLIT_NAMES else test_set for test_set in test_sets(loop)}
    head = ["trained on", *sets.values(), *(f"steps of {split}: bits per byte, exact" for split in SPLIT_NAMES)]
    lines = [_row(head), _row(["---"] * len(head))]
    for name in (WITHOUT, WITH, RANDOM):
        rates = [_rate(summaries[f"{title}, {name}"]) for title in sets.values()]
        steps = [_steps(summaries.get(f"held-out steps, {split}, {name}")) for split in SPLIT_NAMES]
        lines.append(_row([name, *rates, *steps]))
    differences = [_difference(summaries[f"compare {test_set}"]) for test_set in sets]
    lines.append(_row(["difference made by the variants", *differences, *[""] * len(SPLIT_NAMES)]))
    trained, corpus = summaries[f"train {WITH}"], summaries["corpus"]
    note = (f"{trained['recipe']}: {trained['parameters']:,} parameters, {trained['steps']:,} updates and {trained['tokens']:,} tokens "
            f"each; {corpus['variants']:,} variants of {corpus['targets']:,} targets; {loop.expansions} expansions per theorem, "
            f"{loop.candidates} tactics per expansion. Intervals: 95 %.")
    return "\n".join([*lines, "", note, ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rate(summary: Mapping[str, Any]) -> str:
    low, high = summary["interval"]
    return f"{summary['proved']} of {summary['attempted']}: {summary['pass_rate']:.1%} ({low:.1%}–{high:.1%})"


def _steps(summary: Mapping[str, Any] | None) -> str:
    if summary is None:
        return "–"
    low, high = summary["interval"]
    return f"{summary['bits_per_byte']:.3f}, {summary['exact']:.1%} ({low:.1%}–{high:.1%})"


def _difference(summary: Mapping[str, Any]) -> str:
    low, high = summary["interval"]
    return f"{summary['difference']:+.1%} ({low:+.1%} to {high:+.1%}), p = {summary['p_value']:.2g}"
