"""Continual pretraining: on the texts of theorems, where every token is to be predicted."""

from typing import Any

from datasets import Dataset
from transformers import Trainer, TrainingArguments


def trainer(model: Any, arguments: dict[str, Any], rows: Dataset, collate: Any, tokenizer: Any, callbacks: list) -> Trainer:
    return Trainer(model=model, args=TrainingArguments(**arguments), train_dataset=rows, data_collator=collate, processing_class=tokenizer,
                   callbacks=callbacks)
