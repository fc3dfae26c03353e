"""Interrupts: a Ctrl-C that comes where it would be swallowed, as numba and Python's imports do."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

_NOTICED: list[list[int]] = []
"""What each `noticed` that is open has heard."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have Ctrl-C wait until kernels are compiled, and raise it then: numba would swallow it on the way."""
    with _listening(lambda _number, _frame: None) as came:
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def heeded() -> Iterator[None]:
    """Let Ctrl-C end the work at once, and raise it at the end where something on the way swallowed it.

    Whoever ignores Ctrl-C goes on ignoring it.
    """
    with _listening() as came:
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the work at once, and tell whether one came since the outermost of these began.

    For runs that ask now and then whether to go on: what an import swallowed before them stops them too.
    """
    with _listening() as came, ExitStack() as after:
        if threading.current_thread() is threading.main_thread():  # no other hears of Ctrl-C
            _NOTICED.append(came)
            after.callback(_NOTICED.pop)
        yield lambda: any(_NOTICED)


@contextmanager
def _listening(heard: Callable[[int, FrameType | None], Any] | None = None) -> Iterator[list[int]]:
    """Note every Ctrl-C and hand it on, by default to whoever had it before; not where it is ignored."""
    before, came = signal.getsignal(signal.SIGINT), list[int]()
    heard = heard or (before if callable(before) else None)
    if threading.current_thread() is not threading.main_thread() or before is None or heard is None:
        yield came
        return
    hand_on = heard

    def hear(number: int, frame: FrameType | None) -> None:
        came.append(number)
        hand_on(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
