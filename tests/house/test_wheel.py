"""The package installs elsewhere and runs there."""

import os
import subprocess
import sys
import venv
import zipfile

import pytest
from places import ROOT

from lean_alchemy.lean_workspace.embedded import install


@pytest.mark.slow
def test_a_wheel_runs_without_the_sources(lean, tmp_path):
    """Built from an sdist, which has to hold everything, too."""
    without_checkout = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    build = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=without_checkout)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    suffixes = {".lean", ".cjs", ".js", ".h", ".toml"}
    sources = {f"lean_alchemy/{f.relative_to(ROOT)}" for f in (ROOT / "lean_workspace").rglob("*") if f.suffix in suffixes}
    assert sources and sources <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"lean_alchemy"}
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(wheel)], check=True, capture_output=True, env=without_checkout)
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "alchemy", "mutate", "and_comm", "--library", "Init.Core", "--json"],
        cwd=tmp_path, env={**without_checkout, "ALCHEMY_HOME": str(install.home())}, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
