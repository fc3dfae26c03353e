"""Interrupts: a Ctrl-C that comes where it would be swallowed, as numba and Python's imports do."""

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
    with _listening(lambda _number, _frame: None) as ear:
        yield
    if ear.came:
        raise KeyboardInterrupt


@contextmanager
def heeded() -> Iterator[None]:
    """Let Ctrl-C end the work at once, and raise it at the end where something on the way swallowed it.

    Whoever ignores Ctrl-C goes on ignoring it.
    """
    with _listening() as ear:
        yield
    if ear.came:
        raise KeyboardInterrupt


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the work at once, and tell whether one came since the outermost of all these began.

    For runs that ask now and then whether to go on: what an import swallowed before them stops them too.
    """
    with _listening() as ear:
        ears = [ear]
        while isinstance(ears[-1].before, _Ear):
            ears.append(ears[-1].before)
        yield lambda: any(each.came for each in ears)


class _Ear:
    """A handler that notes every Ctrl-C and hands it on; `before` is the handler in whose place it stands."""

    def __init__(self, before: Any, hand_on: Callable[[int, FrameType | None], Any] | None) -> None:
        self.before, self.came = before, False
        self.hand_on = hand_on or (before if callable(before) else None)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        if self.hand_on is not None:
            self.hand_on(number, frame)


@contextmanager
def _listening(hand_on: Callable[[int, FrameType | None], Any] | None = None) -> Iterator[_Ear]:
    """Note every Ctrl-C and hand it on, by default to whoever had it before; not where it is ignored."""
    before = signal.getsignal(signal.SIGINT)
    ear = _Ear(before, hand_on)
    if threading.current_thread() is not threading.main_thread() or before is None or ear.hand_on is None:
        yield ear
        return
    signal.signal(signal.SIGINT, ear)
    try:
        yield ear
    finally:
        signal.signal(signal.SIGINT, before)
