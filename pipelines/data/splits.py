"""Which rows are for training and which for validation: the target's name alone decides, so that all tables and all readers agree, and
a corpus that grows moves no row from one to the other."""

import hashlib
from typing import Literal

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")

VALIDATION_PERCENT = 2
"""Of the targets: some 500 of Init's and Std's, with 15,000 variants."""


def split_of(target: str) -> Split:
    """Where what comes of a target belongs, by a digest of its name. No target is in both."""
    digest = hashlib.blake2b(target.encode(), digest_size=8).digest()
    return "validation" if int.from_bytes(digest, "big") % 100 < VALIDATION_PERCENT else "train"
