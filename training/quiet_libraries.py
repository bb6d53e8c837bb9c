"""Libraries that keep to themselves what is for their callers."""

import logging


def quiet() -> None:
    """Progress is reported by us: the libraries' own bars and advice for their callers would stand between."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    for name in ("trl", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
