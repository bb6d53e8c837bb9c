"""What hosts of the project run: the workflows, the container image. Their syntax is checked, and that the commands in them exist."""

import re
import subprocess
import sys
import tomllib

import pytest
import typer.main
import yaml
from places import ROOT

from lean_alchemy.pipelines.commands.main import app

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
IMAGE = ROOT / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_is_valid(file):
    """The schema is the one that check-jsonschema holds. Actions are pinned by their major version, and every job has a time limit."""
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)],
                          capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert all(re.search(r"@(v\d+|release/v\d+)$", step["uses"]) for step in steps(workflow) if "uses" in step)
    assert all("timeout-minutes" in job and set(job.get("needs", "").split()) <= set(workflow["jobs"]) for job in workflow["jobs"].values())


@pytest.mark.parametrize("file", [*WORKFLOWS, IMAGE], ids=lambda file: file.name)
def test_the_commands_in_it_exist(file):
    text = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"(?<!-)\balchemy ([a-z]+)", text)) <= set(typer.main.get_command(app).commands)
    assert re.search(r"\b(make|alchemy) [a-z]", text)


def test_pythons_of_the_tests_are_those_of_the_package():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    assert f">={jobs['test']['strategy']['matrix']['python'][0]}" == PROJECT["requires-python"]


def test_a_release_is_published_only_after_its_package_was_tested():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]
    assert jobs["publish"]["needs"] == "test" and jobs["test"]["needs"] == "build"
    assert [name for name, job in jobs.items() if job.get("permissions")] == ["publish"]
    names = {step["with"]["name"] for step in steps({"jobs": jobs}) if "artifact" in step.get("uses", "")}
    assert len(names) == 1, "what is built, tested and published is the same"


def test_the_image_runs_as_a_user_without_rights():
    lines = IMAGE.read_text(encoding="utf-8").splitlines()
    (user,) = [line for line in lines if line.startswith("USER")]
    assert user != "USER root" and not [line for line in lines[lines.index(user):] if "pip install" in line]
