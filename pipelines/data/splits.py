"""Which rows are for training and which for validation. Only the name of the target decides. So all tables agree, and rows stay in their
split when the corpus grows."""

import hashlib
from typing import Literal

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")

VALIDATION_PERCENT = 2
"""Percentage of the targets: about 500 of Init and Std, with 15,000 variants."""


def split_of(target: str) -> Split:
    """The split of a target and of all its rows, by a digest of its name."""
    digest = hashlib.blake2b(target.encode(), digest_size=8).digest()
    return "validation" if int.from_bytes(digest, "big") % 100 < VALIDATION_PERCENT else "train"
