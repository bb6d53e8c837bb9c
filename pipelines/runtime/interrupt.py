"""A Ctrl-C that can't get lost.

Python raises KeyboardInterrupt wherever it happens to be: in a destructor, or in a callback of Ray, it is printed and forgotten, and
a run of days goes on. So that it came is noted as well, and what waits long asks for it.
"""

import signal
from types import FrameType

_came = False


def watch() -> None:
    """From now on in this process; call it from the main thread. Where Ctrl-C is ignored (a job in the background) it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)


def check() -> None:
    """Raises KeyboardInterrupt where one came and got lost."""
    global _came
    if _came:
        _came = False
        raise KeyboardInterrupt


def _note(_signal: int, _frame: FrameType | None) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt
