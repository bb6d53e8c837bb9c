"""The whole loop: a corpus, two models that are trained alike but for it, both judged, one table.

Every stage is a command that a user could type; it is printed before it runs. What a command summed up is kept beside the others in
`OUT/loop`, so that the loop, run again, goes on with the first that is not done.
"""

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.pipelines.benchmarks.leandojo import SPLITS
from lean_alchemy.pipelines.runtime.storage import write_whole
from lean_alchemy.training.recipe import Recipe, differences, load

WITH, WITHOUT, RANDOM = "with variants", "originals alone", "random tactics"


class Loop(msgspec.Struct, frozen=True):
    """targets: of the corpus. sample: theorems of each split. minif2f: where its problems lie. fresh: the benchmark is made anew, which
    takes half an hour, instead of the one that ships with the package."""

    out: Path
    recipe: str
    settings: tuple[str, ...]
    targets: int
    sample: int
    expansions: int
    candidates: int
    minif2f: Path | None
    fresh: bool
    seed: int
    workers: int

    @property
    def benchmark(self) -> str:
        return str(self.out / "harvest" / "benchmark") if self.fresh else "core"


class Command(msgspec.Struct, frozen=True):
    """A stage: its name, and what `alchemy` is told."""

    name: str
    arguments: tuple[str, ...]


def commands(loop: Loop) -> Iterator[Command]:
    """In their order."""
    out, workers = loop.out, ("--workers", str(loop.workers))
    library = ("--library", "Init", "--library", "Std")
    yield Command("corpus", ("synthesize", f"{out}/corpus", *library, "--targets", str(loop.targets), "--seed", str(loop.seed), *workers))
    yield Command("steps", ("steps", f"{out}/corpus", *workers))
    if loop.fresh:
        yield Command("harvest", ("harvest", f"{out}/harvest", *library, "--targets", "all", "--portfolio", "none", *workers))
        yield Command("benchmark", ("benchmark", "build", f"{out}/harvest", *workers))
    for name, corpora in ((WITHOUT, ""), (WITH, f"{out}/corpus")):
        told = (f"data.benchmark={loop.benchmark}", f"data.corpora=[{corpora}]", *loop.settings)
        yield Command(f"train {name}", ("train", loop.recipe, "--out", str(run_of(loop, name)), *(w for s in told for w in ("--set", s))))
    data = ("--data", loop.benchmark) if loop.fresh else ()
    for name in (WITHOUT, WITH):
        for split in SPLITS:
            yield Command(f"held-out steps, {split}, {name}", ("eval", "steps", str(run_of(loop, name)), "--split", split, *data))
    budget = ("--expansions", str(loop.expansions), "--candidates", str(loop.candidates), "--seed", str(loop.seed))
    for name in (WITHOUT, WITH, RANDOM):
        prover = ("--model", "random" if name == RANDOM else str(run_of(loop, name)))
        for split in SPLITS:
            yield Command(f"core {split}, {name}", (
                "eval", "--benchmark", "core", *data, "--split", split, "--sample", str(loop.sample), *prover, *budget, *workers,
                "--out", str(results_of(loop, split, name))))
        if loop.minif2f is not None:
            yield Command(f"minif2f, {name}", (
                "eval", "--benchmark", "minif2f", "--data", str(loop.minif2f), "--part", "val", *prover, *budget, *workers,
                "--out", str(results_of(loop, "minif2f", name))))
    for what in sets_of(loop):
        yield Command(f"compare {what}", (
            "eval", "compare", str(results_of(loop, what, WITHOUT)), str(results_of(loop, what, WITH)),
            "--plot", f"{out}/{what}.png"))


def sets_of(loop: Loop) -> list[str]:
    return [*SPLITS, *(["minif2f"] if loop.minif2f is not None else [])]


def run_of(loop: Loop, name: str) -> Path:
    return loop.out / "models" / name.replace(" ", "-")


def results_of(loop: Loop, what: str, name: str) -> Path:
    """Named by the budget: an evaluation with another one is another."""
    return loop.out / "results" / f"{what}-{name.replace(' ', '-')}-{loop.expansions}x{loop.candidates}"


class Noted(msgspec.Struct, frozen=True):
    """A command that was done, and its summary."""

    arguments: tuple[str, ...]
    summary: dict[str, Any]


def go_round(loop: Loop) -> dict[str, Noted]:
    """Every command, or what it summed up when it was done before. Raises Mistake where the folder was begun with another recipe, Trouble
    where a command fails."""
    _claim(loop)
    done: dict[str, Noted] = {}
    every = list(commands(loop))
    for number, command in enumerate(every, 1):
        file = loop.out / "loop" / f"{command.name.replace(' ', '-').replace(',', '')}.json"
        if file.is_file() and (noted := msgspec.json.decode(file.read_bytes(), type=Noted)).arguments == command.arguments:
            done[command.name] = noted
            continue
        print(f"[{number}/{len(every)}] alchemy {shlex.join(command.arguments)}", file=sys.stderr, flush=True)
        done[command.name] = Noted(command.arguments, _run(command))
        write_whole(file, msgspec.json.encode(done[command.name]))
    write_whole(loop.out / "loop.md", as_markdown(loop, done).encode())
    return done


def _claim(loop: Loop) -> None:
    """What was trained by a recipe says nothing about one that has changed since."""
    file, mine = loop.out / "loop" / "recipe.json", load(loop.recipe, list(loop.settings))
    if file.is_file() and (other := differences(msgspec.json.decode(file.read_bytes(), type=Recipe), mine)):
        raise Mistake(f"{loop.out} was begun with another recipe ({'; '.join(other)}): name another folder")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, msgspec.json.format(msgspec.json.encode(mine), indent=2))


def _run(command: Command) -> dict[str, Any]:
    """In a session of its own, so that a Ctrl-C comes by way of us, once, and it can keep what it has before it ends."""
    with subprocess.Popen([sys.executable, "-m", "lean_alchemy", *command.arguments, "--json"], stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as run:
        try:
            said, _ = run.communicate()
        except KeyboardInterrupt:
            run.send_signal(signal.SIGINT)
            run.wait()
            raise
    if run.returncode:
        raise Trouble(f"{command.name}: `alchemy {shlex.join(command.arguments)}` ended with {run.returncode}; its words stand above. "
                      "Run the loop again to go on")
    return msgspec.json.decode(said.splitlines()[-1])


# --- the table ------------------------------------------------------------------------------------------------------------------


def as_markdown(loop: Loop, done: Mapping[str, Noted]) -> str:
    """A row for each prover; then what the variants changed."""
    found = {name: noted.summary for name, noted in done.items()}
    sets = {what: f"core {what}" if what in SPLITS else what for what in sets_of(loop)}
    head = ["trained on", *sets.values(), *(f"steps of {split}: bits a byte, exact" for split in SPLITS)]
    lines = [_row(head), _row(["---"] * len(head))]
    for name in (WITHOUT, WITH, RANDOM):
        rates = [_rate(found[f"{called}, {name}"]) for called in sets.values()]
        steps = [_steps(found.get(f"held-out steps, {split}, {name}")) for split in SPLITS]
        lines.append(_row([name, *rates, *steps]))
    differences = [_difference(found[f"compare {what}"]) for what in sets]
    lines.append(_row(["difference that the variants make", *differences, *[""] * len(SPLITS)]))
    trained, corpus = found[f"train {WITH}"], found["corpus"]
    note = (f"{trained['recipe']}: {trained['parameters']:,} parameters, {trained['steps']:,} updates and {trained['tokens']:,} tokens "
            f"each; {corpus['variants']:,} variants of {corpus['targets']:,} targets; {loop.expansions} expansions of {loop.candidates} "
            "tactics a theorem. Intervals: 95 %.")
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
