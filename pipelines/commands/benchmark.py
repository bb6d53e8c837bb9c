"""`alchemy benchmark`: theorems with proofs, in LeanDojo's format."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Out, Seed, Workers, workers_of

benchmark = typer.Typer(no_args_is_help=True, help="Benchmarks: theorems with proofs and splits, in LeanDojo's format.")


@benchmark.command()
def build(
    out: Out,
    name: Annotated[str, typer.Option(help="Name of the benchmark.")] = "core",
    benchmark_version: Annotated[int, typer.Option(min=1, help="Version number; raise it when the theorems change.")] = 1,
    test_size: Annotated[int, typer.Option(min=1, help="Number of theorems in test and in val, each.")] = 500,
    seed: Seed = 0,
    pack: Annotated[Path | None, typer.Option(help="Also write this `.tar.xz` file.")] = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Makes a benchmark from a harvest: the folder OUT/benchmark, with its data card."""
    from lean_alchemy.pipelines.benchmarks.build import build_benchmark as run
    from lean_alchemy.pipelines.benchmarks.build import write_benchmark
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell

    with progress() as report:
        built = run(out, name, benchmark_version, test_size, seed, workers_of(workers), report)
    write_benchmark(built.files, out / "benchmark", pack)
    tell(f"the benchmark is in {out / 'benchmark'}" + (f" and {pack}" if pack else ""))
    finish({"theorems": built.theorems, "premises": built.premises, "unresolved": len(built.unresolved),
            "seconds": round(built.seconds, 1)}, json)


@benchmark.command()
def unpack(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to create.")],
    source: Annotated[Path | None, typer.Option(
        "--from", help="The packed benchmark, a `.tar.xz` file.", show_default="the benchmark core")] = None,
    json: Json = False,
) -> None:
    """Unpacks a benchmark into a folder, for programs that read LeanDojo's format."""
    from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
    from lean_alchemy.pipelines.commands.printing import finish, tell

    packed = Benchmark(source or CORE)
    packed.unpack(folder)
    metadata = packed.metadata()
    tell(f"{metadata.get('name')}, version {metadata.get('version')}, is in {folder}")
    finish({"folder": str(folder), "theorems": metadata.get("theorems")}, json)
