"""Interrupts: a Ctrl-C that comes while kernels are compiled, where numba would swallow it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have Ctrl-C wait until kernels are compiled, and raise it then: numba would swallow it on the way."""
    with _listening(lambda _number, _frame: None):
        yield


@contextmanager
def heeded() -> Iterator[None]:
    """Let Ctrl-C end the work at once, and raise it at the end where something on the way swallowed it.

    Whoever ignores Ctrl-C goes on ignoring it.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    with _listening(before):
        yield


@contextmanager
def _listening(heard: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    came: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        came.append(number)
        heard(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
