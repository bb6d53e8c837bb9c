"""The two phases of training, each with its trainer.

*pretrain*: continual pretraining on the texts of theorems; every token is predicted. *finetune*: from goal states to tactics; only the
tactic is predicted. Both get packed rows (`training/data.py`).
"""

from typing import Any

from datasets import Dataset
from transformers import Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer  # pyright: ignore[reportPrivateImportUsage] (trl loads what it exports lazily)


def pretrainer(model: Any, arguments: dict[str, Any], rows: Dataset, collate: Any, tokenizer: Any, callbacks: list) -> Trainer:
    return Trainer(model=model, args=TrainingArguments(**arguments), train_dataset=rows, data_collator=collate, processing_class=tokenizer,
                   callbacks=callbacks)


def finetuner(model: Any, arguments: dict[str, Any], rows: Dataset, collate: Any, tokenizer: Any, callbacks: list) -> SFTTrainer:
    """trl's SFTTrainer computes the loss in chunks. It never holds the logits of a whole row, which for a vocabulary of 49,000 are larger
    than the model itself. It also measures token accuracy. Its own packing is off: it has no weighted sources and no fixed order."""
    settings = SFTConfig(
        **arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True},
        gradient_checkpointing=None)  # pyright: ignore[reportArgumentType] (trl declares a bool; None is transformers' own default)
    return SFTTrainer(model=model, args=settings, train_dataset=rows, data_collator=collate, processing_class=tokenizer,
                      callbacks=callbacks)


PHASES = {"pretrain": pretrainer, "finetune": finetuner}
