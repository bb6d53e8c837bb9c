"""Corpora made by hand: tables as `synthesize` would leave them."""

from pathlib import Path

import msgspec

from pipelines import tables
from pipelines.job import Manifest, Options
from pipelines.tables import Step, Variant

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
        tables.write(tables.to_table(rows[part::files], record), out / table / f"part-{part}.parquet")


def manifest(out: Path, options: Options, counts: dict[str, int], rejects: dict[str, int]) -> None:
    (out / "manifest.json").write_bytes(msgspec.json.encode(Manifest(
        library=options.library, toolchain=TOOLCHAIN, versions={"engine": "e", "lean-alchemy": "0.1.0"}, seed=options.seed, options=options,
        counts=counts, rejects=rejects, shards=["a"], schema_version=2, seconds=1.0)))
