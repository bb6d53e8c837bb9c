"""What the project needs: what is installed, what is missing, and how to install it."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import msgspec
import psutil
from rich.markup import escape
from rich.table import Table

from lean_alchemy.lean_workspace import lake
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.lean_workspace.process import Engine
from lean_alchemy.pipelines.commands.printing import err
from lean_alchemy.pipelines.runtime.extras import DISTRIBUTION, PURPOSES, fits_this_python, missing_packages
from lean_alchemy.pipelines.runtime.open_lean import WORKER_GB


class Finding(msgspec.Struct, frozen=True):
    """needed: `alchemy synthesize` does not work without it."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True

    @property
    def key(self) -> str:
        """The name as a JSON key, such as `embedded_lean`."""
        return self.name.lower().replace(" ", "_").replace("-", "_")


def examine() -> list[Finding]:
    return [_python(), _embedded(), _native(), _ray(), _torch(), _disk(), _memory(), *map(_extra, PURPOSES)]


def show(findings: list[Finding]) -> None:
    table = Table(show_header=False, box=None)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]missing[/]" if finding.needed else "[yellow]not installed[/]"
        table.add_row(mark, finding.name, escape("\n".join(filter(None, (finding.found, finding.advice)))))
    err.print(table)


def _python() -> Finding:
    return Finding("Python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.system()} {platform.machine()}",
                   "" if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")


def _embedded() -> Finding:
    if not install.is_installed():
        return Finding("embedded Lean", False, f"not below {install.home()}", "run `alchemy setup`")
    start = time.monotonic()
    try:
        with Engine(install.launch()) as engine:
            return Finding("embedded Lean", True, f"Lean {engine.ready.toolchain.split(',')[0]}, engine {engine.ready.engine}, "
                           f"started in {time.monotonic() - start:.1f} s, {engine.memory_gb:.2f} GB")
    except (Trouble, OSError) as error:
        return Finding("embedded Lean", False, str(error), f"remove {install.home()} and run `alchemy setup`")


def _native() -> Finding:
    try:
        lean = lake.tool("lean")
    except lake.NoWorkspace:
        return Finding("native Lean", False, "no `lean` on the PATH", "not needed; Mathlib needs one (elan)", needed=False)
    try:
        said = subprocess.run([lean, "--version"], capture_output=True, encoding="utf-8", timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("native Lean", False, str(error), "not needed; Mathlib needs one (elan)", needed=False)
    advice = "" if lake.supports(said) else f"the engine supports Lean {lake.RANGE}"
    return Finding("native Lean", True, said, advice, needed=False)


def _ray() -> Finding:
    try:
        return Finding("ray", True, version("ray"))
    except PackageNotFoundError:
        return Finding("ray", False, "not installed; it runs the workers in parallel", "pip install ray")


def _extra(extra: str) -> Finding:
    name, purpose = f"extra {extra}", PURPOSES[extra]
    if not fits_this_python(extra):
        return Finding(name, False, f"not for Python {platform.python_version()}; {purpose}", needed=False)
    if missing := missing_packages(extra):
        return Finding(name, False, f"without {', '.join(missing)}; {purpose}", f"pip install '{DISTRIBUTION}[{extra}]'", needed=False)
    return Finding(name, True, purpose, needed=False)


def _torch() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("torch", False, "not installed; training needs it", needed=False)
    import torch

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return Finding("torch", True, f"{torch.__version__} on {device}", needed=False)


def _disk() -> Finding:
    place = next(p for p in (install.home(), *install.home().parents) if p.exists())
    free = shutil.disk_usage(place).free / 1e9
    return Finding("disk", free > 1, f"{free:.0f} GB free at {place}", "" if free > 1 else "the embedded Lean needs 600 MB, a corpus more")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    workers = int(free // WORKER_GB)
    return Finding("memory", workers > 0, f"{free:.0f} GB free, enough for {workers} workers; {os.cpu_count()} cores",
                   "" if workers else f"a worker needs {WORKER_GB} GB")
