"""The wheel and the source package: what they hold, and that each installs in an empty environment and runs there. They need the package
index: building asks it for setuptools, installing for what the base needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from functools import partial
from pathlib import Path

import pytest
from places import ROOT

from lean_alchemy.lean_workspace.embedded import install

pytestmark = pytest.mark.slow

TOP = [link.name for link in (ROOT / "lean_alchemy").iterdir() if link.is_symlink()]
"""The rooms at the top of the checkout."""

OUTSIDE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""An environment in which the checkout is not found."""

NEEDS = {
    "report": (("report", "corpus"), ("bench", "index", "--out", "bench"), ("bench", "search", "--out", "bench"),
               ("eval", "compare", "one", "other", "--plot", "plot.png")),
    "train": (("train", "tiny", "--out", "run"), ("loop", "loop"), ("eval", "steps", "model"),
              ("eval", "--benchmark", "core", "--model", "model")),
    "hub": (("publish", "corpus", "owner/name"),),
    "cluster": (("show", "s3://bucket/corpus"),),
    "dojo": (("trace", "traced", "--repo", "repo"),),
}
"""Commands that the base can't do, by the extra that they need."""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=cwd, env={**OUTSIDE, "ALCHEMY_HOME": str(install.home())}, capture_output=True, encoding="utf-8")


def done(*command: str | Path, cwd: Path) -> str:
    """The command's stdout, after it has ended well."""
    ended = run(*command, cwd=cwd)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
    return ended.stdout


def tracked(*folders: str) -> list[str]:
    """The files in git."""
    return done("git", "ls-files", "-z", *folders, cwd=ROOT).split("\0")[:-1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the files in git, as they are now: building in place would use what an earlier build has left."""
    place = tmp_path_factory.mktemp("checkout")
    for name in tracked():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    return place


@pytest.fixture(scope="module")
def packages(checkout, tmp_path_factory) -> dict[str, Path]:
    """The source package, and the wheel that is built from it."""
    place = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--outdir", place, checkout, cwd=place)
    (wheel,), (source,) = place.glob("*.whl"), place.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": source}


def contents(wheel: Path) -> dict[str, int]:
    """The files, with a check sum of each."""
    return {file.filename: file.CRC for file in zipfile.ZipFile(wheel).infolist()}


def test_the_wheel_holds_the_rooms_and_nothing_else(packages):
    names = set(contents(packages["wheel"]))
    rooms = {f"lean_alchemy/{name}" for name in tracked(*TOP)} | {name for name in tracked("lean_alchemy") if name.endswith(".py")}
    assert {name for name in names if ".dist-info/" not in name} == rooms
    assert f"lean_alchemy/{install.shipped_engine().relative_to(install.HOST.parents[2])}" in names
    assert {name.partition("/licenses/")[2] for name in names if "/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_the_source_package_makes_the_wheel_of_the_checkout(packages, checkout, tmp_path):
    done(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, checkout, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert contents(wheel) == contents(packages["wheel"])
    with tarfile.open(packages["sdist"]) as source:
        inside = {name.partition("/")[2] for name in source.getnames()}
    assert {"README.md", "LICENSE", "NOTICE", "pyproject.toml"} <= inside and not {name for name in inside if name.startswith("tests")}


def test_what_the_container_image_is_built_from_makes_the_wheel(packages, checkout, tmp_path):
    (tmp_path / "source").mkdir()
    for name in re.findall(r"^!(.+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE):
        copy = partial(shutil.copytree, symlinks=True) if (checkout / name).is_dir() else shutil.copy2
        copy(checkout / name, tmp_path / "source" / name)
    done(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, tmp_path / "source", cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert contents(wheel) == contents(packages["wheel"])


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def base(request, packages, tmp_path_factory) -> Path:
    """The programs of an environment with the package and what its base needs."""
    place = tmp_path_factory.mktemp(request.param)
    venv.create(place / "venv", with_pip=True)
    done(place / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", packages[request.param], cwd=place)
    return place / "venv" / "bin"


def test_a_package_runs_without_the_checkout(lean, base, tmp_path):
    findings = json.loads(done(base / "alchemy", "doctor", "--json", cwd=tmp_path).splitlines()[-1])
    assert findings["embedded_lean"]["ok"] and not findings["torch"]["ok"] and not findings["extra_engine"]["ok"]
    found = json.loads(done(base / "alchemy", "demo", "--json", cwd=tmp_path).splitlines()[-1])
    assert len(found["variants"]) == 3


def test_what_the_base_lacks_is_reported_with_its_extra(base, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", encoding="utf-8")
    for extra, commands in NEEDS.items():
        for command in commands:
            ended = run(base / "alchemy", *command, cwd=tmp_path)
            assert ended.returncode == 2 and f"pip install 'lean-alchemy[{extra}]'" in ended.stderr, (command, ended.stderr[-2000:])
            assert "Traceback" not in ended.stderr, command
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
