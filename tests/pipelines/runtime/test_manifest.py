"""`OUT/manifest.json` as the commands that read OUT find it."""

import json

import pytest
from made import manifest

from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.runtime.manifest import UsageError, manifest_at

OPTIONS = Options(library=["Init"], targets=3, kinds=["rw"], seed=5)


def test_a_manifest_has_the_options_of_its_run(tmp_path):
    manifest(tmp_path, OPTIONS, {"variants": 7}, {})
    found = manifest_at(tmp_path)
    assert found.options_as(Options) == OPTIONS and found.counts == {"variants": 7} and found.seed == 5


def test_a_folder_without_a_manifest_is_not_finished(tmp_path):
    with pytest.raises(UsageError, match=r"holds no proofs: it has no manifest.json. Run `alchemy harvest"):
        manifest_at(tmp_path, "proofs")


def test_a_folder_of_another_command_names_what_it_holds(tmp_path):
    manifest(tmp_path, OPTIONS, {"proofs": 1, "steps": 4}, {})
    with pytest.raises(UsageError, match=r"holds no variants, but proofs, steps: give a folder that `alchemy synthesize` made"):
        manifest_at(tmp_path)


def test_tables_of_another_version_are_not_read(tmp_path):
    """Their columns may mean something else."""
    manifest(tmp_path, OPTIONS, {"variants": 7}, {})
    file = tmp_path / "manifest.json"
    found = json.loads(file.read_bytes())
    file.write_text(json.dumps({**found, "schema_version": found["schema_version"] - 1}))
    with pytest.raises(UsageError, match=r"have version 1, and this version of lean-alchemy reads 2: .* `alchemy synthesize`"):
        manifest_at(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", "[1]"])
def test_a_manifest_that_is_none_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=r"manifest.json can't be read"):
        manifest_at(tmp_path)
