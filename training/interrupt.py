"""A Ctrl-C that is heard and does not tear: the training ends after the update that it is in, with a checkpoint."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def heard_interrupt() -> Iterator[Callable[[], bool]]:
    """What it yields says whether one came. A second one tears. SIGTERM, by which clusters stop a job, is heard likewise."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def hear(number: int, _frame: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, hear)
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
