"""*tabulate*: writes the tables and the manifest from the shards, all of them or none."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from lean_alchemy.pipelines.corpus import deduplicate, refute
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.mutate import MUTATE
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.refute import REFUTE
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.partitions import Each, StepResult
from lean_alchemy.pipelines.data.schema import Reject, Theorem
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import SCHEMA_VERSION, Manifest, encoded_options, package_versions
from lean_alchemy.pipelines.runtime.shards import is_done, place_of, summary_at
from lean_alchemy.pipelines.runtime.stage import Failure, Shard, Stage
from lean_alchemy.pipelines.runtime.storage import Location, ask_all, exchange, new_folder, remove, write_whole


def tabulate(job: Job[Options], library: Catalogue, mutated: Sequence[Shard], refuted: Sequence[Shard], held_out: HeldOut | None,
             failures: int, each: Each = map) -> tuple[Manifest, list[Failure]]:
    """Writes the tables and the manifest; it can be run again at any time. It returns a failure for each unreadable shard. Such shards are
    left out and removed, so that the next run makes them again. failures: the number of failures before this step."""
    options = job.options
    with new_folder(job.work) as made:
        parquet.write(parquet.to_table(map(library.record, library.theorems), Theorem), made / "theorems" / "part-0.parquet")
        # a table without rows has its schema
        parquet.write(parquet.schema_of(Reject).empty_table(), made / "rejects" / "none.parquet")
        variants = deduplicate.VariantPartitions(made, held_out, options.policy.near_duplicates)
        places = _places(job, MUTATE, mutated)
        result = deduplicate.write_table(variants, places, options.policy.lemma_cap, each)
        dropped, damaged = Counter(result.dropped), _set_aside(MUTATE, places, result)
        whole = sorted(place.name for place in places if place.name not in result.damaged)
        tally = _tally(MUTATE, places, result)
        counts = {"theorems": len(library.theorems), "targets": tally.targets, "candidates": tally.candidates,
                  "kernel_checked": tally.kernel_checked, "elaborated": tally.elaborated, "variants": result.kept}
        tables = ["theorems", "variants", "rejects"]
        if options.refute:
            places = _places(job, REFUTE, refuted)
            result = refute.write_table(refute.RefutedPartitions(made, held_out), places, each)
            dropped.update(result.dropped)
            damaged += _set_aside(REFUTE, places, result)
            counts |= {"changed": _tally(REFUTE, places, result).changed, "refuted": result.kept}
            tables.append("refuted")
        manifest = Manifest(
            library=options.library, toolchain=library.described.toolchain, versions=package_versions(), seed=options.seed,
            options=encoded_options(options), schema_version=SCHEMA_VERSION, shards=whole,
            seconds=job.note_seconds(), rejects=dict(sorted(dropped.items())), counts={**counts, "failures": failures + len(damaged)})
        job.require_hold()
        job.manifest_file.unlink(missing_ok=True)  # without a manifest nobody reads a mixture of old and new tables
        for table in ("grades", "steps", "refuted"):  # they describe the old variants; their shards stay below .work
            remove(job.out / table)
        for table in tables:
            exchange(made / table, job.out / table)
        write_whole(job.manifest_file, msgspec.json.encode(manifest))
        return manifest, damaged


def _places(job: Job, stage: Stage, shards: Sequence[Shard]) -> list[Location]:
    """The shards that are on disk."""
    places = [place_of(job, stage, shard.key) for shard in shards]
    return [place for place, there in zip(places, ask_all(lambda place: is_done(place, stage), places), strict=True) if there]


def _tally(stage: Stage, places: Sequence[Location], result: StepResult) -> Any:
    tally = stage.tally()
    for summary in ask_all(lambda place: summary_at(place, stage), [place for place in places if place.name not in result.damaged]):
        tally.add(summary.tally)
    return tally


def _set_aside(stage: Stage, places: Sequence[Location], result: StepResult) -> list[Failure]:
    for place in places:
        if place.name in result.damaged:
            remove(place)
    return [Failure.of(stage.name, f"shard {name}", f"{what}. It is left out, and made again by the next run")
            for name, what in sorted(result.damaged.items())]
