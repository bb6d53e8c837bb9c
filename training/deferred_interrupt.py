"""Ctrl-C during training: the current update is finished and a checkpoint written before the run stops."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGINT (Ctrl-C) or SIGTERM (how clusters stop a job) was received. A second one raises
    KeyboardInterrupt. Outside the main thread, where Python can't handle signals, it always says no."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def defer(number: int, _frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    for number, previous in before.items():
        if previous is not signal.SIG_IGN:
            signal.signal(number, defer)
    try:
        yield lambda: bool(received)
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
