"""Makes the prover that a `Spec` names. To add one, write a class that implements `Prover`, and a case here."""

from pathlib import Path

from lean_alchemy.eval.prover import Prover, Spec
from lean_alchemy.eval.provers.automation import Automation
from lean_alchemy.eval.provers.command import CommandProver
from lean_alchemy.eval.provers.context import Context
from lean_alchemy.eval.provers.random_tactics import Random


def prover_of(spec: Spec, context: Context) -> Prover:
    """Raises Trouble if a command can't be started."""
    match spec.kind:
        case "model":
            from lean_alchemy.eval.provers.model import Model  # here, because it imports torch

            return Model(Path(spec.place))
        case "automation":
            return Automation(context)
        case "random":
            return Random(context)
        case _:
            return CommandProver(spec.place)
