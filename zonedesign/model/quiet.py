"""Quiet: HiGHS made without a word, for standard output belongs to whoever called."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any


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


def quiet_engine(**options: object) -> Any:
    """Return a silent HiGHS with these options."""
    engine = _quiet_class()()
    for option, value in options.items():
        engine.setOptionValue(option, value)
    return engine


def run_apart(engine: Any) -> None:
    """Run HiGHS in a thread of its own, for each thread that has run it keeps a scheduler."""
    import highspy  # noqa: PLC0415

    failed: list[BaseException] = []

    def work() -> None:
        try:
            engine.run()
            highspy.Highs.resetGlobalScheduler(False)  # noqa: FBT003
        except BaseException as error:  # noqa: BLE001  (raised again below)
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
