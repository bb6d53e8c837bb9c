"""What is said if a package of an extra is missing."""

import tomllib

import pytest
from commands import without_package
from places import ROOT

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.pipelines.runtime.extras import PURPOSES, fits_this_python, missing_packages, require_extra


def test_an_extra_that_is_there_is_not_reported():
    assert missing_packages("train") == missing_packages("hub") == []


def test_a_missing_package_is_reported_with_the_command_that_installs_it(monkeypatch):
    without_package(monkeypatch, "trl")
    with pytest.raises(Mistake, match=r"^training needs trl: pip install 'lean-alchemy\[train\]'"):
        require_extra("train", "training")


def test_an_extra_within_another_counts(monkeypatch):
    without_package(monkeypatch, "matplotlib")
    assert missing_packages("train") == ["matplotlib"] and missing_packages("hub") == []


def test_a_version_that_is_too_old_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.1")
    assert "transformers" in missing_packages("train")


def test_an_unknown_extra_is_an_error():
    with pytest.raises(KeyError):
        missing_packages("trian")


def test_each_extra_for_users_has_a_purpose():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(PURPOSES) == set(project["optional-dependencies"]) - {"dev", "docs"}


def test_an_extra_for_another_python_is_not_offered(monkeypatch):
    needs = ['lean-dojo>=4; python_version < "3" and extra == "dojo"', 'huggingface_hub>=1; extra == "hub"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needs)
    assert fits_this_python("hub") and not fits_this_python("dojo")
