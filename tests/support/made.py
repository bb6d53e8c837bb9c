"""Artificial corpora: tables as `synthesize` would write them."""

from pathlib import Path

import msgspec

from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Step, Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import SCHEMA_VERSION, Manifest

TOOLCHAIN = "4.28.0, commit 38f3"


def variant(number: int, target: str, **fields) -> Variant:
    return Variant(**{
        "variant_id": f"{number:016x}", "target": target, "library": "Init", "module": "Init.Data.Nat.Basic", "toolchain": TOOLCHAIN,
        "kind": "rw", "site": "conclusion", "lemma": "Nat.add_comm", "direction": "forward", "occurrence": 1, "depth": 1, "parents": [],
        "statement": ": 1 + n = n + 1", "proof": "by\n  rfl", "theorem": f"theorem variant_{number:016x} : … := by\n  rfl",
        "statement_key": f"{number:032x}", "kernel_checked": True, "elaborated": True, "print_options": [], "axioms": [], "elapsed_ms": 1.5,
        "near_key": f"{number:032x}", "score": 0.5, **fields})


def step(row: Variant, form: str, **fields) -> Step:
    return Step(**{"variant_id": row.variant_id, "theorem": None, "target": row.target, "module": row.module, "form": form, "step": 0,
                   "state_before": "⊢ p", "tactic": "rfl", "state_after": "no goals", "premises": ["Nat.add_comm"], **fields})


def put(out: Path, rows: list[msgspec.Struct], record: type, table: str, files: int = 3) -> None:
    (out / table).mkdir(parents=True)
    for part in range(files):
        parquet.write(parquet.to_table(rows[part::files], record), out / table / f"part-{part}.parquet")


def manifest(out: Path, options: Options, counts: dict[str, int], rejects: dict[str, int]) -> None:
    (out / "manifest.json").write_bytes(msgspec.json.encode(Manifest(
        library=options.library, toolchain=TOOLCHAIN, versions={"engine": "e", "lean-alchemy": "0.1.0"}, seed=options.seed, options=options,
        counts=counts, rejects=rejects, shards=["a"], schema_version=SCHEMA_VERSION, seconds=1.0)))


def learnable(out: Path) -> Path:
    """A corpus with variants of held-out theorems, of equal theorems, with a novel premise, and of a hundred other targets."""
    core = Benchmark(CORE)
    held_out = core.held_out(novel_premises=True)
    test = core.part("random", "test")[0].full_name
    premise = min(held_out.premises)
    rows = [variant(number, f"Nat.t{number // 3}", kind="rw" if number % 2 else "apply",
                    theorem=f"theorem variant_{number:016x} (n : Nat) : n + {number} = {number} + n := by\n  exact Nat.add_comm n {number}")
            for number in range(300)]
    rows += [variant(1000, test), variant(1001, "Nat.innocent", lemma=premise)]
    put(out, rows, Variant, "variants")
    put(out, [step(row, form, state_before=f"n : Nat\n⊢ n + {i} = {i} + n", tactic=f"exact Nat.add_comm n {i}")
              for i, row in enumerate(rows) for form in ("proof", "goal-directed")], Step, "steps")
    manifest(out, Options(library=["Init"], targets=102, kinds=["rw", "apply"]), {"variants": len(rows)}, {})
    return out
