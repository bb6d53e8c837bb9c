"""A corpus as a dataset on the Hugging Face Hub: its files, how `datasets` loads it, and the upload."""

import hashlib
import os
import shlex
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from commands import alchemy, program, summary, without_package
from loopback_hub import TOKEN, Hub
from made import manifest, put, step, variant
from typer.testing import CliRunner
from upath import UPath

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.pipelines.commands.main import app
from lean_alchemy.pipelines.corpus.grade import Grade
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Proof, Reject, Step, Theorem, Variant
from lean_alchemy.pipelines.data.splits import split_of
from lean_alchemy.pipelines.proofs.steps import GOAL_DIRECTED, PROOF
from lean_alchemy.pipelines.publishing import hub
from lean_alchemy.pipelines.publishing import repository as publish
from lean_alchemy.pipelines.publishing.card import command_of, commit, size_category
from lean_alchemy.pipelines.publishing.repository import PUBLISHED_TABLES, ROW_GROUP, require_name, write_repository
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError

TARGETS = [f"Nat.t{i}" for i in range(150)]


def variants() -> list[Variant]:
    return [variant(3 * i + n, target, kind="rw" if n else "apply", site="conclusion" if n % 2 else "h₁",
                    print_options=["pp.explicit@1"] if n == 2 else [], axioms=["propext"] if n == 1 else [])
            for i, target in enumerate(TARGETS) for n in range(3)]


def steps(rows: list[Variant]) -> list[Step]:
    return [step(row, form) for row in rows for form in (PROOF, GOAL_DIRECTED)]


def theorem(name: str) -> Theorem:
    return Theorem(name=name, library="Init", module="Init.Data.Nat.Basic", module_index=1, statement=f"(n : Nat) : {name} = n",
                   level_params=[], tags=["simp"], statement_key=hashlib.blake2b(name.encode(), digest_size=16).hexdigest(),
                   docstring=None, position=None)


def corpus_at(out: Path, **options) -> Path:
    rows = variants()
    put(out, rows, Variant, "variants")
    put(out, steps(rows), Step, "steps")
    put(out, [Grade(row.variant_id, None if i % 4 else "simp", []) for i, row in enumerate(rows)], Grade, "grades")
    put(out, [theorem(name) for name in [*TARGETS, "Nat.add_comm"]], Theorem, "theorems", files=1)
    put(out, [], Reject, "rejects", files=1)
    counts = {"theorems": 151, "targets": 160, "candidates": 900, "kernel_checked": 460, "elaborated": 455, "variants": 450}
    manifest(out, Options(**{"library": ["Init"], "targets": 160, "kinds": ["rw", "apply"], **options}), counts,
             {"quality: duplicate": 5, "attempt: refused": 440})
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A corpus; its table of rejects is empty."""
    return corpus_at(tmp_path_factory.mktemp("publish") / "corpus")


@pytest.fixture(scope="module")
def folder(made) -> Path:
    write_repository(made, "owner/name", made.parent / "folder")
    return made.parent / "folder"


def rows_of(place: Path, pattern: str = "*.parquet") -> list[dict]:
    return sorted((row for file in place.glob(pattern) for row in pq.read_table(file).to_pylist()), key=repr)


def content(place: Path) -> dict[str, bytes]:
    return {file.relative_to(place).as_posix(): file.read_bytes() for file in place.rglob("*") if file.is_file()}


def card_of(place: Path) -> tuple[dict, str]:
    """The metadata and the text of the card."""
    _, metadata, text = (place / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(metadata), text


CONFIGS = ("variants", "steps", "grades", "theorems")

# --- what is written ------------------------------------------------------------------------------------------------------------


def test_each_table_is_a_config_with_all_its_rows(made, folder):
    assert {place.name for place in (folder / "data").iterdir()} == set(CONFIGS)  # a table without rows is left out
    for config in CONFIGS:
        assert rows_of(folder / "data" / config) == rows_of(made / config)
    assert {name for name in content(folder) if "/variants/" in name} == {
        "data/variants/train-00000-of-00001.parquet", "data/variants/validation-00000-of-00001.parquet"}


def test_all_rows_of_a_target_are_in_one_split(folder):
    ids = {}
    for split in ("train", "validation"):
        for config in ("variants", "steps"):
            found = rows_of(folder / "data" / config, f"{split}-*")
            assert found and {split_of(row["target"]) for row in found} == {split}
        ids[split] = {row["variant_id"] for row in rows_of(folder / "data" / "variants", f"{split}-*")}
        assert {row["variant_id"] for row in rows_of(folder / "data" / "grades", f"{split}-*")} == ids[split]
    assert not list((folder / "data" / "theorems").glob("validation-*"))


def test_the_card_says_how_to_split(folder):
    rule = next(line for line in card_of(folder)[1].splitlines() if "blake2b" in line)
    for name in [f"List.t{i}" for i in range(2000)]:
        assert eval(rule, {"hashlib": hashlib, "name": name}) == (split_of(name) == "validation")
    assert 20 < sum(split_of(f"List.t{i}") == "validation" for i in range(2000)) < 70


@pytest.mark.parametrize("config", CONFIGS)
def test_datasets_loads_the_same_rows_and_features(made, folder, config, tmp_path):
    datasets = pytest.importorskip("datasets")
    came = datasets.load_dataset(str(folder), config, cache_dir=str(tmp_path))
    streamed = datasets.load_dataset(str(folder), config, streaming=True, cache_dir=str(tmp_path))
    assert sorted((row for split in came.values() for row in split), key=repr) == rows_of(made / config)
    features = datasets.Features.from_arrow_schema(pq.read_schema(made / config / "part-0.parquet"))
    for split in came:
        assert came[split].features == streamed[split].features == features
        assert list(streamed[split]) == list(came[split])


def test_the_same_corpus_gives_the_same_bytes(made, folder, tmp_path):
    write_repository(made, "owner/name", tmp_path / "again")
    assert content(tmp_path / "again") == content(folder)


def test_a_large_table_is_several_files_in_order(made, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "ROW_GROUP", 100)
    written = write_repository(made, "owner/name", tmp_path / "folder", shard_bytes=10_000)
    files = sorted((tmp_path / "folder" / "data" / "variants").glob("train-*"))
    assert [file.name for file in files] == [f"train-{i:05}-of-{len(files):05}.parquet" for i in range(len(files))] and len(files) > 1
    (whole,) = (folder / "data" / "variants").glob("train-*")
    assert [row for file in files for row in pq.read_table(file).to_pylist()] == pq.read_table(whole).to_pylist()
    assert all(pq.ParquetFile(file).metadata.row_group(0).num_rows <= 100 for file in files) and ROW_GROUP > 100
    metadata, _ = card_of(tmp_path / "folder")
    assert metadata["configs"][0]["data_files"][0]["path"] == f"data/variants/train-*-of-{len(files):05}.parquet"
    assert written.files == len(content(tmp_path / "folder"))


def test_a_corpus_in_an_object_store_gives_the_same_repository(made, folder, tmp_path):
    store = UPath("memory://bucket/corpus")
    for name, file in content(made).items():
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(file)
    write_repository(store, "owner/name", tmp_path / "folder")
    assert content(tmp_path / "folder") == content(folder)


def test_a_harvest_is_published_by_theorem(tmp_path):
    proofs = [Proof(theorem=name, module="Init.Data.Nat.Basic", round=1, line="rfl", statement=": p", level_params=[], tactics=["rfl"],
                    text="theorem alchemy_goal : p := by\n  rfl", axioms=[], premises=[]) for name in TARGETS]
    put(tmp_path / "out", proofs, Proof, "proofs")
    put(tmp_path / "out", [Step(variant_id=None, theorem=p.theorem, target=p.theorem, module=p.module, form="harvest", step=0, premises=[],
                                state_before="⊢ p", tactic="rfl", state_after="no goals") for p in proofs], Step, "steps")
    put(tmp_path / "out", [Reject(target="Nat.open", library="Init", module="Init", stage="harvest", reason="open")], Reject, "rejects", 1)
    manifest(tmp_path / "out", Options(library=["Init"], targets=None, kinds=[]),
             {"targets": 151, "proofs": 150, "with_premises": 0, "leaks": 0}, {"open": 1})
    written = write_repository(tmp_path / "out", "owner/proofs", tmp_path / "folder")
    for split in ("train", "validation"):
        for config in ("proofs", "steps"):
            found = {row["theorem"] for row in rows_of(tmp_path / "folder" / "data" / config, f"{split}-*")}
            assert found == {name for name in TARGETS if split_of(name) == split}
    metadata, text = card_of(tmp_path / "folder")
    assert [c["config_name"] for c in metadata["configs"] if c.get("default")] == ["proofs"] and written.rows == 301
    assert "alchemy harvest OUT --library Init --targets all --seed 0\n" in text


# --- the card -------------------------------------------------------------------------------------------------------------------


def test_the_metadata_is_what_the_hub_reads(folder):
    metadata, _ = card_of(folder)
    assert metadata["license"] == "apache-2.0" and metadata["language"] == ["en"] and metadata["size_categories"] == ["1K<n<10K"]
    assert metadata["task_categories"] == ["text-generation"]
    assert set(metadata["tags"]) == {"lean4", "theorem-proving", "formal-mathematics", "synthetic"}
    assert [config["config_name"] for config in metadata["configs"] if config.get("default")] == ["variants"]
    sizes = {info["config_name"]: info["download_size"] for info in metadata["dataset_info"]}
    assert sizes == {config: sum(f.stat().st_size for f in (folder / "data" / config).iterdir()) for config in CONFIGS}


def test_the_counts_on_the_card_are_right(folder):
    _, text = card_of(folder)
    for line in ("alchemy synthesize OUT --library Init --targets 160 --seed 0 --kinds rw,apply", "| candidates tried in Lean | 900 |",
                 "| attempt: refused | 440 |", "| targets; of these without any variant | 160; 10 |",
                 "| variants per target: median, mean, maximum | 3, 2.8, 3 |",
                 "| variants by `apply` at a hypothesis, forward | 150 (33.3%) |",
                 "| variants printed as Lean prints them, with nothing made explicit | 300 (66.7%) |",
                 "| proofs in `steps` in the form `goal-directed` | 450 (100.0%) |",
                 "| variants that no automation proves alone | 337 (74.9%) |",
                 "300 rows use none, 150 rows use `propext`", "0 rows state the same as another row", "No theorem was held out"):
        assert line.lower() in text.lower(), line
    assert (commit() or "unknown").split(",")[0] in text
    assert "theorem variant_" in text and "-- the target: Nat.t" in text and "arXiv 2410.15748" in text


@pytest.mark.parametrize(("rows", "category"), [
    (0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (1_000_000, "1M<n<10M")])
def test_sizes_have_the_hubs_names(rows, category):
    assert size_category(rows) == category


def test_held_out_theorems_are_on_the_card(tmp_path):
    write_repository(corpus_at(tmp_path / "corpus", held_out="5eed", held_out_premises=True), "owner/name", tmp_path / "folder")
    _, text = card_of(tmp_path / "folder")
    assert "`5eed`" in text and "None is a lemma, either" in text and "--held-out FILE --held-out-premises" in text


def test_a_users_file_is_named_without_its_folder_and_has_its_own_licence(tmp_path):
    write_repository(corpus_at(tmp_path / "corpus", library=["Init", "/home/somebody/secret/Own.lean"]), "owner/name", tmp_path / "folder")
    metadata, text = card_of(tmp_path / "folder")
    assert metadata["license"] == "unknown" and "--library Init --library Own.lean" in text
    assert "secret" not in text and str(tmp_path) not in text


OPTIONS = [
    {"library": ["Init", "Std"]}, {"targets": 7}, {"targets": None}, {"kinds": ["rw"]}, {"seed": 5}, {"module": "Init.Data.Nat"},
    {"target": ["Nat.add_comm", "a.«b c»"], "targets": None}, {"forward": False}, {"side_conditions": False}, {"occurrences": False},
    {"new_variables": False}, {"depth": 2}, {"keep_all": True}, {"without": ["near duplicate", "transport"]}, {"target_cap": 9},
    {"foreign_cap": None}, {"lemma_cap": None}, {"held_out": hashlib.sha256(b"Nat.add_comm").hexdigest(), "held_out_premises": True},
    {"refute": True}, {"skip_target": ["Nat.add_comm", "Nat.le_trans"]}]


@pytest.mark.parametrize("changed", OPTIONS, ids=str)
def test_the_command_on_the_card_has_the_options_of_the_corpus(changed, tmp_path, monkeypatch):
    """It is parsed by the command line."""
    class Read(Exception):
        pass

    read: list[Options] = []

    def stop(job, *_):
        read.append(job.options)
        raise Read

    monkeypatch.setattr("lean_alchemy.pipelines.corpus.synthesize.synthesize", stop)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("Nat.add_comm", encoding="utf-8")
    options = Options(**{"library": ["Init"], "targets": 300, "kinds": ["rw", "apply"], **changed})
    done = CliRunner().invoke(app, shlex.split(command_of(options, "synthesize"))[1:])
    assert isinstance(done.exception, Read), done.output
    assert read == [options]


def test_a_workspace_is_named_without_its_folder():
    options = Options(library=["Mathlib"], targets=9, kinds=["rw"], workspace="/home/me/mathlib4")
    assert "--workspace mathlib4 " in command_of(options, "synthesize") and "/home" not in command_of(options, "synthesize")


def test_every_option_is_on_the_card():
    assert set(Options.__struct_fields__) == {"workspace", *(name for changed in OPTIONS for name in changed)}


# --- what is refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["name", "a/b/c", "/name", "owner/", "owner/na me", "owner/-name", "owner/name.", "owner/a--b", "o/n.git",
                                  "../name", "owner/" + "n" * 100, "https://hub/owner/name"])
def test_an_invalid_repository_name_is_refused(name):
    with pytest.raises(UsageError, match="owner/name"):
        require_name(name)


def test_a_folder_that_is_not_empty_is_refused(made, tmp_path):
    (tmp_path / "there").mkdir()
    write_repository(made, "o/n", tmp_path / "there")  # an empty folder is allowed
    before = content(tmp_path / "there")
    with pytest.raises(UsageError, match="is not overwritten"):
        write_repository(made, "o/n", tmp_path / "there")
    assert content(tmp_path / "there") == before


@pytest.mark.parametrize(("damage", "message"), [
    (lambda out: (out / "variants" / "part-1.parquet").write_bytes(b"PAR1"), "part-1.parquet is damaged"),
    (lambda out: (out / "variants" / "part-1.parquet").unlink(), "has 300 rows, and the manifest says 450"),
    (lambda out: pq.write_table(pa.table({"target": ["t"]}), out / "variants" / "part-1.parquet"), "has other columns"),
    (lambda out: _spoil(out / "variants" / "part-1.parquet"), "part-1.parquet is damaged")])
def test_a_damaged_corpus_leaves_no_files(tmp_path, damage, message):
    out = corpus_at(tmp_path / "corpus")
    damage(out)
    with pytest.raises(JobError, match=message):
        write_repository(out, "owner/name", tmp_path / "place" / "folder")
    assert not (tmp_path / "place").exists() or not list((tmp_path / "place").iterdir())


def _spoil(file: Path) -> None:
    """Overwrites the pages of a file, and leaves its footer."""
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * 2000 + whole[2004:])


def test_a_harvest_without_a_proof_is_not_published(tmp_path):
    put(tmp_path / "out", [], Proof, "proofs")
    manifest(tmp_path / "out", Options(library=["Init"], targets=1, kinds=[]), {"targets": 1, "proofs": 0}, {"open": 1})
    with pytest.raises(UsageError, match="nothing to publish"):
        write_repository(tmp_path / "out", "owner/name", tmp_path / "folder")


def test_wrong_use_is_an_error(made, tmp_path):
    for only in (("--dry-run",), ("--out", str(tmp_path / "x"))):
        done = CliRunner().invoke(app, ["publish", str(made), "owner/name", *only])
        assert done.exit_code == 2 and "give both, or neither" in " ".join(done.output.replace("│", " ").split())
    done = alchemy("publish", str(tmp_path), "owner/name", "--dry-run", "--out", str(tmp_path / "x"))
    assert done.returncode == 2 and "holds no variants" in done.stderr and "Traceback" not in done.stderr


def test_a_dry_run_reports_what_it_wrote(made, folder, tmp_path):
    said = summary(alchemy("publish", str(made), "owner/name", "--dry-run", "--out", str(tmp_path / "folder"), "--json"))
    assert said["repo"] == "owner/name" and said["files"] == len(content(folder)) and said["rows"] == 450 + 900 + 450 + 151
    assert list(said["tables"]) == [table for table in PUBLISHED_TABLES if table in CONFIGS]
    assert content(tmp_path / "folder") == content(folder)


# --- over the wire --------------------------------------------------------------------------------------------------------------

@pytest.fixture
def server() -> Iterator[Hub]:
    pytest.importorskip("huggingface_hub")
    with Hub() as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


def asking(url: str, home: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1"}


def test_publishing_uploads_what_a_dry_run_writes(made, folder, server, tmp_path):
    done = program("publish", str(made), "owner/name", "--json", env=os.environ | asking(server.url, tmp_path / "home"))
    said = summary(done)
    assert said["files"] == len(content(folder)) and said["commit"] == "c0ffee"
    assert server.files == {**content(folder), ".gitattributes": b""}  # the old shard is removed
    assert TOKEN not in done.stdout + done.stderr and not any(TOKEN.encode() in file for file in server.files.values())
    assert not any(TOKEN.encode() in file for file in content(tmp_path).values())


@pytest.mark.parametrize(("refusal", "message"), [
    (401, "does not accept the token"), (403, "does not let this token write to owner/name"), (400, "with status 400: no, Bearer …")])
def test_a_refusal_of_the_hub_is_reported_without_the_token(folder, server, tmp_path, monkeypatch, refusal, message):
    server.refusal = refusal
    with pytest.raises(hub.NotPublished, match=message) as refused:
        _uploaded(folder, server.url, monkeypatch)
    assert TOKEN not in str(refused.value) and "\n" not in str(refused.value)


def test_an_unreachable_hub_is_reported(made, tmp_path):
    pytest.importorskip("huggingface_hub")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = program("publish", str(made), "owner/name", env=os.environ | asking(url, tmp_path / "home"))
    assert done.returncode == 1 and "can't publish owner/name at 127.0.0.1" in done.stderr and "Traceback" not in done.stderr


def _uploaded(folder: Path, url: str, monkeypatch) -> str:
    """Uploads in this process, where the library has already read its environment variables."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return hub.upload(folder, "owner/name")


def test_missing_requirements_of_publishing_are_reported(monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Mistake, match=r"needs huggingface_hub: pip install 'lean-alchemy\[hub\]'"):
        without_package(patch, "huggingface_hub")
        hub.require_hub()
    monkeypatch.setattr(pytest.importorskip("huggingface_hub"), "get_token", lambda: None)
    with pytest.raises(hub.NotPublished, match="set HF_TOKEN"):
        hub.require_hub()
