"""The loss on packed rows."""

from contextlib import nullcontext
from typing import Any

import torch
from datasets import Dataset


def device_of(model: Any) -> torch.device:
    return next(model.parameters()).device


def autocast(precision: str, device: torch.device) -> Any:
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def loss_on(model: Any, rows: Dataset, collate: Any, precision: str) -> float:
    """Mean loss in nats per predicted token. Every token counts the same, whatever row it is in: this is no mean of means."""
    nats, tokens = nats_on(model, rows, collate, precision)
    return nats / max(tokens, 1)


@torch.no_grad()
def nats_on(model: Any, rows: Dataset, collate: Any, precision: str) -> tuple[float, int]:
    """Summed loss in nats over all predicted tokens, and their number."""
    device, was_training = device_of(model), model.training
    model.eval()
    nats, tokens = 0.0, 0
    for row in rows:
        batch = {name: value.to(device) for name, value in collate([row]).items()}
        labels = batch.pop("labels")[0, 1:]
        with autocast(precision, device):
            logits = model(**batch, use_cache=False).logits
        nats += float(torch.nn.functional.cross_entropy(logits[0, :-1].float(), labels, ignore_index=-100, reduction="sum"))
        tokens += int((labels != -100).sum())
    model.train(was_training)
    return nats, tokens
