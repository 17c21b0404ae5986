"""Ctrl-C and the scheduler's SIGTERM: training stops after the batch it is at, everything else at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

PATIENCE = 3.5  # seconds for the batch that is running; a checkpoint and the record take some more of the five


class Interrupted(KeyboardInterrupt):
    """The user pressed Ctrl-C. Exit code 130."""

    reason = "interrupted"


class Terminated(SystemExit):
    """A scheduler or a person ended the process with SIGTERM. Exit code 143."""

    reason = "terminated (SIGTERM)"

    def __init__(self):
        super().__init__(128 + signal.SIGTERM)


class Stop:
    """Turns the two signals into exceptions while it is entered; only in the main thread, where Python handles them.

    A signal that is not at Python's default, because the program around has a use for it, is left alone.

    Attributes:
      asked: The signal that asked to stop, None before.
    """

    def __init__(self):
        self.asked: int | None = None
        self._gentle = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
            for number, default in defaults.items():
                if signal.getsignal(number) == default:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    @contextlib.contextmanager
    def gentle(self) -> Iterator[None]:
        """Inside, the first signal only sets `asked`, for the training to see; one that does not look is cut off."""
        self._gentle = True
        try:
            yield
        finally:
            self._gentle = False

    def check(self) -> None:
        """Raises what a signal asked for, if one came."""
        if self.asked is not None:
            raise self.error()

    def error(self) -> BaseException:
        """The exception of the signal that came."""
        return Terminated() if self.asked == signal.SIGTERM else Interrupted()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self.asked = self.asked is not None, number
        if not self._gentle or again:
            self._gentle = False
            raise self.error()
        timer = threading.Timer(PATIENCE, self._cut, [number])
        timer.daemon = True
        timer.start()

    def _cut(self, number: int) -> None:
        if self._gentle:
            os.kill(os.getpid(), number)
