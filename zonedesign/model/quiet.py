"""Quiet: HiGHS made without a word, for standard output belongs to whoever called."""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from zonedesign.errors import SolverError

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def _quiet_class() -> Any:
    import highspy  # noqa: PLC0415

    made: Any = highspy.Highs

    class Quiet(made):  # type: ignore[misc]
        """HiGHS that is silent from its first step on: since 1.16 it greets when its callbacks are set."""

        def enableCallbacks(self) -> None:  # noqa: N802  (HiGHS's name)
            self.setOptionValue("output_flag", False)  # noqa: FBT003
            super().enableCallbacks()

    return Quiet


def quiet_engine(*, stoppable: bool = False, **options: object) -> Any:
    """Return a silent HiGHS with these options; one that is `stoppable` listens to `cancelSolve`."""
    engine = _quiet_class()()
    if stoppable:
        engine.HandleUserInterrupt = True
    for option, value in options.items():
        engine.setOptionValue(option, value)
    return engine


SECONDS_TO_END = 60.0
"""How long Python waits at its end for HiGHS to come to a place where it can stop."""
_at_work: set[AtWork] = set()


class AtWork:
    """HiGHS at work in a thread of its own; a thread that has run HiGHS keeps a scheduler, which is ended."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._done = threading.Event()
        self._status: Any = None
        _at_work.add(self)
        threading.Thread(target=self._work, name="HiGHS", daemon=True).start()

    def _work(self) -> None:
        import highspy  # noqa: PLC0415

        try:
            self._status = self._engine.run()
            highspy.Highs.resetGlobalScheduler(False)  # noqa: FBT003
        finally:
            self._done.set()
            _at_work.discard(self)

    def to_the_end(self, stop: Callable[[], bool] | None = None) -> None:
        """Wait for the end; where `stop` says so, or something breaks in, HiGHS is told to stop.

        It listens where it was made `stoppable`. Raises `SolverError` where HiGHS failed.
        """
        try:
            while not self.through(0.2):
                if stop is not None and stop():
                    self._engine.cancelSolve()
        except BaseException:
            self._engine.cancelSolve()
            raise

    def through(self, seconds: float | None = None) -> bool:
        """Wait for the end, at most so long; return whether it came. Raises `SolverError` where HiGHS failed.

        Not the thread's own join: a Ctrl-C in it makes Python 3.11 take the thread for dead.
        """
        import highspy  # noqa: PLC0415

        if not self._done.wait(seconds):
            return False
        if self._status is None or self._status == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS failed with model status {self._engine.getModelStatus().name}")
        return True


def at_work() -> bool:
    """Return whether HiGHS is still at work somewhere, told to stop as it may be."""
    return bool(_at_work)


@atexit.register
def _wait_for_the_last() -> None:
    """Wait for HiGHS that was told to stop and is still at work: it would abort the process as it ends."""
    for each in list(_at_work):
        with suppress(SolverError):
            each.through(SECONDS_TO_END)
