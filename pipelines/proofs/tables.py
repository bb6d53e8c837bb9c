"""Writes the tables `proofs`, `steps` and `rejects` of a harvest or a trace from its shards."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec

from lean_alchemy.pipelines.data.schema import Proof, Reject, Step
from lean_alchemy.pipelines.runtime import parquet, pool
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.shards import is_done, place_of
from lean_alchemy.pipelines.runtime.stage import Failure, Shard, Stage, chunks
from lean_alchemy.pipelines.runtime.storage import Location, exchange, make, new_folder, remove

PROOF_TABLES: dict[str, type[msgspec.Struct]] = {"proofs": Proof, "steps": Step, "rejects": Reject}

GROUPS_AT_ONCE = 20
"""Number of groups of shards (modules of a harvest) per file of a table."""


class Tabulated(msgspec.Struct, frozen=True):
    """proved: theorems by round. rejects: theorems by reason. with_premises: proofs that name a premise. damaged: unreadable shards."""

    proved: dict[int, int]
    rejects: dict[str, int]
    with_premises: int
    damaged: list[Failure]


def write_proof_tables(job: Job, stage: Stage, groups: Sequence[Sequence[Shard]]) -> Tabulated:
    """Writes the tables, all or none; call it within `pool.cluster`. groups: the shards of the same theorems, in the order of their rounds.
    While old tables are replaced, there is no manifest."""
    keys = [[shard.key for shard in group] for group in groups]
    files = chunks(keys, GROUPS_AT_ONCE)
    proved, rejects, with_premises, damaged = Counter[int](), Counter[str](), 0, list[Failure]()
    with new_folder(job.work) as made:
        for table in PROOF_TABLES:
            make(made / table)
        for part in pool.tasks(partial(_write_file, job, stage, made), enumerate(files)):
            proved.update(part.proved)
            rejects.update(part.rejects)
            with_premises += part.with_premises
            damaged += part.damaged
        job.manifest_file.unlink(missing_ok=True)
        for table in PROOF_TABLES:
            exchange(made / table, job.out / table)
    return Tabulated(dict(proved), dict(rejects), with_premises, damaged)


def _write_file(job: Job, stage: Stage, made: Location, numbered: tuple[int, list[list[str]]]) -> Tabulated:
    """Writes one file of each table. A theorem without a proof is rejected with the reason of its last round."""
    number, groups = numbered
    proofs, steps, rejects, damaged = list[Proof](), list[Step](), list[Reject](), list[Failure]()
    for keys in groups:
        last: dict[str, tuple[Location, list[Reject]]] = {}
        for place in (place_of(job, stage, key) for key in keys):
            if not is_done(place, stage):
                continue
            try:
                new = parquet.read([place / "proofs.parquet"], Proof)
                made_steps = parquet.read([place / "steps.parquet"], Step)
                refused = parquet.read([place / "rejects.parquet"], Reject)
            except parquet.DamagedTable as error:
                damaged.append(Failure.of(stage.name, f"shard {place.name}", error))
                remove(place)  # so that the next run makes it again
                continue
            proofs += new
            steps += made_steps
            for reject in refused:
                at, of_this_shard = last.get(reject.target, (None, []))
                last[reject.target] = place, [*(of_this_shard if at == place else []), reject]
            for proof in new:
                last.pop(proof.theorem, None)
        rejects += [reject for _, of_target in last.values() for reject in of_target]
    for table, found in zip(PROOF_TABLES, (proofs, steps, rejects), strict=True):
        parquet.write(parquet.to_table(found, PROOF_TABLES[table]), made / table / f"part-{number:04}.parquet")
    return Tabulated(Counter(proof.round for proof in proofs), Counter(row.reason for row in rejects),
                     sum(bool(proof.premises) for proof in proofs), damaged)
