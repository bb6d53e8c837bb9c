"""What is drawn by name: the order of theorems, and which rows are for training and which for validation. Only the names decide. So all
tables agree, and rows stay in their split when the corpus grows."""

import hashlib
from typing import Literal

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")

VALIDATION_PERCENT = 2
"""Percentage of the targets: about 500 of Init and Std, with 15,000 variants."""


def draw_order(seed: int, name: str) -> bytes:
    """The sort key by which names are drawn at random: the first 300 of a seed are among its first 1,000, in every run."""
    return hashlib.blake2b(f"{seed}\0{name}".encode()).digest()


def split_of(target: str) -> Split:
    """The split of a target and of all its rows, by a digest of its name."""
    digest = hashlib.blake2b(target.encode(), digest_size=8).digest()
    return "validation" if int.from_bytes(digest, "big") % 100 < VALIDATION_PERCENT else "train"
