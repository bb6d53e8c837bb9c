"""Finetuning: from goal states to tactics, where the tactic alone is to be predicted.

trl's SFTTrainer: it computes the loss in chunks, without the logits of a whole row, which for a vocabulary of 49,000 are more than the
model itself; and it says how often the most probable token is the right one. What it would do to the data is done already
(`training/data.py`): its own packing knows no mixture and no order of updates.
"""

from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer


def trainer(model: Any, arguments: dict[str, Any], rows: Dataset, collate: Any, tokenizer: Any, callbacks: list) -> SFTTrainer:
    settings = SFTConfig(**arguments, gradient_checkpointing=None, max_length=None, dataset_kwargs={"skip_prepare_dataset": True})
    return SFTTrainer(model=model, args=settings, train_dataset=rows, data_collator=collate, processing_class=tokenizer,
                      callbacks=callbacks)
