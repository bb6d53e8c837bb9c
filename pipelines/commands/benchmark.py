"""`alchemy benchmark`: theorems with proofs, in LeanDojo's format."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Out, Seed, Workers, workers_of

benchmark = typer.Typer(no_args_is_help=True, help="Theorems with proofs and their splits, in LeanDojo's format.")


@benchmark.command()
def build(
    out: Out,
    name: Annotated[str, typer.Option(help="What it is called.")] = "core",
    version: Annotated[int, typer.Option(min=1, help="Another version for other theorems.")] = 1,
    test_size: Annotated[int, typer.Option(min=1, help="Theorems in test, and as many in val.")] = 500,
    seed: Seed = 0,
    pack: Annotated[Path | None, typer.Option(help="A `.tar.xz` to write as well.")] = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Makes a benchmark of a harvest: OUT/benchmark, with its data card."""
    from lean_alchemy.pipelines.benchmarks.build import build as run
    from lean_alchemy.pipelines.benchmarks.build import write
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell

    with progress() as report:
        built = run(out, name, version, test_size, seed, workers_of(workers), report)
    write(built.files, out / "benchmark", pack)
    tell(f"the benchmark is in {out / 'benchmark'}" + (f" and {pack}" if pack else ""))
    finish({"theorems": built.theorems, "premises": built.premises, "unresolved": len(built.unresolved),
            "seconds": round(built.seconds, 1)}, json)


@benchmark.command()
def unpack(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    source: Annotated[Path | None, typer.Option("--from", help="A packed benchmark.", show_default="the benchmark core")] = None,
    json: Json = False,
) -> None:
    """Writes a packed benchmark out as a folder, for readers of LeanDojo's format."""
    from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
    from lean_alchemy.pipelines.commands.printing import finish, tell

    packed = Benchmark(source or CORE)
    packed.unpack(folder)
    metadata = packed.metadata()
    tell(f"{metadata.get('name')}, version {metadata.get('version')}, is in {folder}")
    finish({"folder": str(folder), "theorems": metadata.get("theorems")}, json)
