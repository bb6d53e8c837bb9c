"""Tables are complete or absent, and their schemas are derived from the structs."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lean_alchemy.pipelines.corpus.catalogue import Entry
from lean_alchemy.pipelines.data.schema import Refuted, Reject, Theorem, Variant
from lean_alchemy.pipelines.runtime import parquet

REJECT = Reject(target="t", library="Init", module="Init", stage="attempt", reason="refused", n=3)


@pytest.mark.parametrize("record", [Theorem, Variant, Refuted, Reject, Entry])
def test_a_schema_has_the_fields_of_its_struct(record):
    schema = parquet.schema_of(record)
    assert schema.names == list(record.__struct_fields__)
    assert parquet.to_table([], record).schema == schema


def test_none_is_allowed_only_where_the_struct_says_so():
    schema = parquet.schema_of(Reject)
    assert schema.field("lemma").nullable and not schema.field("target").nullable
    assert schema.field("n").type == pa.int64() and parquet.schema_of(Variant).field("axioms").type == pa.list_(pa.string())


def test_rows_are_read_as_they_were_written(tmp_path):
    parquet.write(parquet.to_table([REJECT], Reject), tmp_path / "rejects.parquet")
    assert parquet.read([tmp_path / "rejects.parquet"], Reject) == [REJECT]
    assert [p.name for p in tmp_path.iterdir()] == ["rejects.parquet"]
    assert pq.ParquetFile(tmp_path / "rejects.parquet").metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_truncated_file_is_not_whole(tmp_path):
    file = tmp_path / "rejects.parquet"
    assert not parquet.is_whole(file)
    parquet.write(parquet.to_table([REJECT], Reject), file)
    assert parquet.is_whole(file)
    file.write_bytes(file.read_bytes()[:-10])
    assert not parquet.is_whole(file)


LAST = """
import sys
from pathlib import Path
from lean_alchemy.pipelines.runtime import parquet
parquet.load_columns(Path(sys.argv[1]))
"""


def test_a_process_that_reads_a_table_last_exits_normally(tmp_path):
    """A thread that still reads when Python exits may abort the process: it happened in four of ten runs with such a file."""
    file = tmp_path / "many.parquet"
    pq.write_table(pa.table({f"c{i}": range(2000) for i in range(40)}), file, row_group_size=20)
    ends = [subprocess.run([sys.executable, "-c", LAST, str(file)], capture_output=True, text=True) for _ in range(15)]
    assert {(end.returncode, end.stderr) for end in ends} == {(0, "")}


FULL = """
import random, resource, sys
from pathlib import Path
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Reject
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
job = Job(Path(sys.argv[1]), Options(library=["Init"], targets=1, kinds=["rw"]))
rows = [Reject(target=str(random.random()), library="", module="", stage="", reason="") for _ in range(10_000)]
with job.begin(), job.folder(job.work / "mutate" / "shard") as part:
    parquet.write(parquet.to_table(rows, Reject), part / "rejects.parquet")
"""


def test_a_full_disk_leaves_no_incomplete_file(tmp_path):
    """A limit on the file size simulates a full disk."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1 and "OSError" in done.stderr, done.stderr
    assert {p.name for p in (tmp_path / ".work").iterdir()} == {"lock"}
