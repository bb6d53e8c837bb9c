"""The two phases of a training, each as the trainer that it runs.

*pretrain*: continual pretraining on the texts of theorems, where every token is to be predicted. *finetune*: from goal states to tactics,
where the tactic alone is to be predicted. Both get rows that are packed already (`training/data.py`).
"""

from typing import Any

from datasets import Dataset
from transformers import Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer


def pretrainer(model: Any, arguments: dict[str, Any], rows: Dataset, collate: Any, tokenizer: Any, callbacks: list) -> Trainer:
    return Trainer(model=model, args=TrainingArguments(**arguments), train_dataset=rows, data_collator=collate, processing_class=tokenizer,
                   callbacks=callbacks)


def finetuner(model: Any, arguments: dict[str, Any], rows: Dataset, collate: Any, tokenizer: Any, callbacks: list) -> SFTTrainer:
    """trl's SFTTrainer computes the loss in chunks, without the logits of a whole row, which for a vocabulary of 49,000 are more than the
    model itself, and counts how often the most probable token is the right one. Its own packing knows no mixture of sources and no order
    of updates, so it is switched off."""
    settings = SFTConfig(**arguments, gradient_checkpointing=None, max_length=None, dataset_kwargs={"skip_prepare_dataset": True})
    return SFTTrainer(model=model, args=settings, train_dataset=rows, data_collator=collate, processing_class=tokenizer,
                      callbacks=callbacks)


PHASES = {"pretrain": pretrainer, "finetune": finetuner}
