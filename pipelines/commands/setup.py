"""`alchemy setup` and `alchemy doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json


def setup(
    mathlib: Annotated[str | None, typer.Option(
        metavar="REV", help="Make a workspace with Mathlib at this tag, such as v4.28.0 (needs elan).")] = None,
    workspace: Annotated[Path, typer.Option(help="The folder of that workspace.")] = Path("mathlib-workspace"),
    json: Json = False,
) -> None:
    """Installs the embedded Lean below $ALCHEMY_HOME (once), or makes a workspace with Mathlib for your own Lean."""
    import time

    from lean_alchemy.lean_workspace.embedded import install
    from lean_alchemy.pipelines.commands.printing import finish, progress, tell

    start = time.monotonic()
    if mathlib is not None:
        from lean_alchemy.lean_workspace.lake import engine_for, make_workspace, workspace_at

        make_workspace(workspace.resolve(), mathlib, tell)
        lean = workspace_at(workspace.resolve())
        tell("building the engine")
        engine_for(lean)
        tell(f"Lean {lean.version} with Mathlib {mathlib} is in {workspace}")
        seconds = round(time.monotonic() - start, 1)
        finish({"installed": True, "workspace": str(lean.folder), "lean": lean.version, "seconds": seconds}, json)
        return
    with progress() as report:
        installed = install.setup(lambda step, share: report(step, round(100 * share), 100, ""))
    tell(f"Lean is in {install.prefix()}" if installed else f"Lean is already installed in {install.prefix()}")
    finish({"installed": installed, "home": str(install.home()), "seconds": round(time.monotonic() - start, 1)}, json)


def doctor(json: Json = False) -> None:
    """Prints what is installed, what is missing, and how to install it."""
    from lean_alchemy.pipelines.commands.doctor import examine, show
    from lean_alchemy.pipelines.commands.printing import finish

    findings = examine()
    show(findings)
    finish({finding.key: {"ok": finding.ok, "found": finding.found, "advice": finding.advice} for finding in findings}, json,
           failed=any(finding.needed and not finding.ok for finding in findings))
