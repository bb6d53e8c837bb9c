"""*tabulate*: the shards go in; the tables and the manifest come out, all of them or none."""

from collections import Counter

import msgspec

from lean_alchemy.pipelines.corpus import deduplicate as select
from lean_alchemy.pipelines.corpus import refute
from lean_alchemy.pipelines.corpus.extract import Catalogue
from lean_alchemy.pipelines.corpus.mutate import Shard, tally_of
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.partitions import Each, write
from lean_alchemy.pipelines.data.tables import Reject, Theorem
from lean_alchemy.pipelines.runtime.job import Job, Manifest, versions
from lean_alchemy.pipelines.runtime.storage import draft, exchange, remove, write_whole


def tabulate(job: Job, library: Catalogue, shards: list[Shard], held_out: HeldOut | None, seconds: float, each: Each = map) -> Manifest:
    """Can be run again at any time. seconds: what all runs on OUT took so far."""
    policy = job.options.policy
    places = [job.mutate_folder / shard.key for shard in shards]
    with draft(job.work) as made:
        write(tables.to_table(map(library.record, library.theorems), Theorem), made / "theorems" / "part-0.parquet")
        write(tables.schema_of(Reject).empty_table(), made / "rejects" / "none.parquet")  # the table has its schema even when empty
        sifted = select.sift(select.Sieve(made, held_out, policy.near_duplicates), places, policy.lemma_cap, each)
        dropped, tally = Counter(sifted.dropped), tally_of(places)
        counts = {"theorems": len(library.theorems), "targets": tally.targets, "candidates": tally.candidates,
                  "kernel_checked": tally.kernel_checked, "elaborated": tally.elaborated, "variants": sifted.kept}
        named = ["theorems", "variants", "rejects"]
        if job.options.refute:
            places = [refute.place_of(job, shard) for shard in shards]
            refuted = refute.sift(refute.Sieve(made, held_out), places, each)
            dropped.update(refuted.dropped)
            counts |= {"changed": tally_of(places, refute.RefuteTally).changed, "refuted": refuted.kept}
            named.append("refuted")
        manifest = Manifest(
            library=job.options.library, toolchain=library.described.toolchain, versions=versions(), seed=job.options.seed,
            options=job.options, schema_version=tables.SCHEMA_VERSION, shards=sorted(s.key for s in shards), seconds=seconds,
            rejects=dict(sorted(dropped.items())), counts=counts)
        job.require_hold()
        job.manifest_file.unlink(missing_ok=True)  # between the tables of two selections there is no corpus
        for table in ("grades", "steps", "refuted"):  # of other variants; what they were made of is kept below .work
            remove(job.out / table)
        for table in named:
            exchange(made / table, job.out / table)
        write_whole(job.manifest_file, msgspec.json.encode(manifest))
        return manifest
