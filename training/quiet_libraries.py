"""Silences progress bars and warnings of Hugging Face libraries."""

import logging


def silence_libraries() -> None:
    """Switches off their progress bars and all messages below errors, which would break up our own progress display."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    for name in ("trl", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
