"""Records SIGINT, because Python drops KeyboardInterrupt raised in destructors and in Ray's callbacks.

There Python prints the exception and continues, and a run of days would ignore a Ctrl-C. So the signal handler also sets a flag, and
loops that wait for a long time call `check`.
"""

import signal
from types import FrameType

_came = False


def watch() -> None:
    """Installs the signal handler; call it from the main thread. A process that ignores SIGINT (a job in the background) still does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)


def check() -> None:
    """Raises KeyboardInterrupt if a SIGINT was recorded."""
    global _came
    if _came:
        _came = False
        raise KeyboardInterrupt


def _note(_signal: int, _frame: FrameType | None) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt
