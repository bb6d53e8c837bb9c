"""A corpus in a folder and in an object store: the same functions, and the same corpus."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from commands import LIBRARY, program, summary, synthesize, table, without_package
from upath import UPath

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.pipelines.runtime import parquet, run_log, storage
from lean_alchemy.pipelines.runtime.storage import Occupied, UnknownLocation, location_of


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The URL of an S3 bucket, served by this process."""
    from moto.server import ThreadedMotoServer

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    set_ = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in set_.items():
            patch.setenv(name, value)
        UPath("s3://bucket").fs.mkdir("bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(params=["folder", "store"])
def place(request, tmp_path) -> storage.Location:
    if request.param == "folder":
        (tmp_path / "out").mkdir()
        return location_of(str(tmp_path / "out"))
    return location_of(f"{request.getfixturevalue('store')}/{tmp_path.name}")


def test_a_result_is_moved_to_its_place_once(place):
    for content in ("first", "second"):
        with storage.scratch(place) as made:
            (made / "shard").mkdir()
            (made / "shard" / "a.txt").write_text(content)
            (made / "shard" / "deep").mkdir()
            (made / "shard" / "deep" / "b.txt").write_text(content)
            storage.settle(made / "shard", place / "shards" / "one")
    came = {(place / "shards" / "one" / name).read_text() for name in ("a.txt", "deep/b.txt")}
    assert len(came) == 1 and came <= {"first", "second"}
    storage.remove(place / "shards")
    assert not (place / "shards" / "one" / "a.txt").exists()
    storage.remove(place / "shards")  # a missing folder is no error


def test_a_table_replaces_another(place):
    for n in (3, 1):
        for i in range(n):
            (place / "made").mkdir(parents=True, exist_ok=True)
            parquet.write(pa.table({"a": [n]}), place / "made" / f"{i}.parquet")
        storage.exchange(place / "made", place / "table")
        storage.remove(place / "made")
        assert storage.table_of(place / "table").to_table().column("a").to_pylist() == [n] * n


def test_a_damaged_table_is_an_error(place):
    place.mkdir(exist_ok=True)
    file = place / "table.parquet"
    assert not parquet.is_whole(file)
    parquet.write(pa.table({"a": [1]}), file)
    assert parquet.is_whole(file) and parquet.load_columns(file, ["a"]).num_rows == 1
    file.write_bytes(file.read_bytes()[:50])
    assert not parquet.is_whole(file)


def test_a_location_is_downloaded(place, tmp_path):
    (place / "deep").mkdir(parents=True)
    (place / "deep" / "b.txt").write_text("b")
    (tmp_path / "here").mkdir()
    storage.download(place, tmp_path / "here")
    assert (tmp_path / "here" / "deep" / "b.txt").read_text() == "b"


def test_one_run_at_a_time_holds_the_lock(place):
    with storage.held(place), pytest.raises(Occupied), storage.held(place):
        pass
    with storage.held(place):
        pass


def test_an_expired_lease_can_be_taken(store):
    place = location_of(f"{store}/left")
    lease = storage._Lease("dead", time.time() - storage.EXPIRED_S - 1)
    (place / "lease.json").write_bytes(msgspec.json.encode(lease))
    with storage.held(place):
        pass


def test_the_log_in_an_object_store_is_complete_at_the_end(store):
    file = location_of(f"{store}/log/run.log")
    for _ in range(2):
        log = run_log.RunLog(file)
        with log.run():
            log.note("shard", key="a")
    assert [line["event"] for line in run_log.read(file)] == ["begin", "shard", "end"] * 2


@pytest.mark.parametrize("url", [
    "nothing://bucket/corpus", "s3://", "s3:///corpus", "s3://no-such-bucket/corpus", "memory://corpus", "https://host/corpus", "file://host/corpus"])
def test_a_url_that_cannot_be_opened_is_an_error(store, url):
    with pytest.raises(UnknownLocation, match=f"can't open {url}"):
        location_of(url)


def test_a_store_whose_package_is_missing_is_reported_with_its_extra(monkeypatch):
    without_package(monkeypatch, "s3fs")
    with pytest.raises(Mistake, match=r"s3://bucket/corpus needs s3fs: pip install 'lean-alchemy\[cluster\]'"):
        location_of("s3://bucket/corpus")


def test_a_command_reports_an_invalid_url(store):
    done = program("verify", "s3://no-such-bucket/corpus")
    assert done.returncode == 2 and "can't open" in done.stderr and "Traceback" not in done.stderr
    done = program("verify", f"{store}/nothing")
    assert done.returncode == 2 and "holds no variants" in done.stderr


def test_a_lost_lease_is_not_renewed(store):
    place = location_of(f"{store}/taken")
    with storage.held(place) as require:
        require()
        storage.write_whole(place / "lease.json", msgspec.json.encode(storage._Lease("another", time.time())))
        with pytest.raises(Occupied):
            require()
    assert (place / "lease.json").exists(), "it is the other run's"


def rows_in(url: str, name: str, *without: str) -> list[dict]:
    rows = storage.table_of(location_of(url) / name).to_table().to_pylist()
    return sorted(({k: v for k, v in row.items() if k not in {"elapsed_ms", *without}} for row in rows), key=repr)


@pytest.mark.slow
def test_a_corpus_in_an_object_store_equals_one_in_a_folder(corpus, store):
    """Made in two runs, and a third one after a shard was damaged."""
    url = f"{store}/corpus"
    first = summary(synthesize(url, "--targets", "20", "--workers", "1", run=program))
    again = summary(synthesize(url, "--targets", "60", "--workers", "2", run=program))
    assert first["targets"] == 20 and again["targets"] == 60 and again["checked"] == again["valid"] == 20
    for name in ("theorems", "variants", "rejects"):
        assert rows_in(url, name) == table(corpus[0], name)
    assert summary(program("verify", url, "--sample", "5", "--json"))["valid"] == 5
    page = location_of(summary(program("report", url, "--json"))["page"]).read_text()
    assert f"{corpus[1]['variants']:,} variants of {LIBRARY}" in page
    damaged = next(iter(sorted((location_of(url) / ".work" / "mutate").iterdir(), key=str))) / "variants.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    summary(synthesize(url, "--targets", "60", run=program))
    assert rows_in(url, "variants") == table(corpus[0], "variants")
    assert not Path("s3:").exists()
