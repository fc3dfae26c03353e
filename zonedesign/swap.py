"""Swap: a folder, or a file, is replaced whole or not at all.

The new folder is built beside the old one, under a hidden name, and then takes its place. On Linux and macOS
the two names are exchanged in one step, so whoever looks finds the old folder or the new one, at any moment.
Where the system has no such step (Windows, some network drives) the old one is moved aside first: a kill
between the two moves leaves it under its hidden name, and `recover` puts it back the next time that place is
written to.
"""

from __future__ import annotations

import ctypes
import glob
import logging
import os
import platform
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

_AT_CURRENT_FOLDER = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS


def replace_folder(out: Path, build: Callable[[Path], None]) -> None:
    """Put the folder that `build` fills in the place of `out`, whole, creating the folders above it.

    Whatever goes wrong, `out` stays as it was and nothing is left beside it; raises what `build` or the
    system raise.
    """
    made = _make_parents(out.parent)
    new = _beside(out, "new")
    try:
        clear_leftovers(out)
        new.mkdir()
        build(new)
        _settle(new)
        _put_in_place(new, out)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Put the file that `write` makes in the place of `path`, whole; on failure `path` stays as it was."""
    part = _beside(path, "part")
    try:
        write(part)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def try_place(out: Path) -> None:
    """Make and remove a folder where `out` is to stand, or above it; OSError where that cannot be."""
    while not out.parent.exists():
        out = out.parent
    trial = _beside(out, "trial")
    trial.mkdir()
    trial.rmdir()


def recover(out: Path) -> None:
    """Put back the folder that a kill between two moves left under its hidden name."""
    for aside in _leftovers(out, "old"):
        if not out.exists():
            aside.rename(out)
            log.warning("%s was being replaced when its run ended; the folder from before is back", out)


def clear_leftovers(out: Path) -> None:
    """Delete what killed runs left beside `out`; a run that is still writing is left alone."""
    recover(out)
    for folder in _leftovers(out, "*"):
        writer = folder.name.rsplit("-", 2)[1]
        if writer.isdigit() and int(writer) != os.getpid() and _runs(int(writer)):
            continue
        gone = _beside(out, "gone")
        with suppress(
            OSError
        ):  # it ended up elsewhere in the meantime, or is in use: the next run sees to it
            # Taken under another name first: no other run can put it in place while it is being emptied.
            folder.rename(gone)
            shutil.rmtree(gone)


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f".{out.name}.zonedesign-{what}-{os.getpid()}-{secrets.token_hex(4)}")


def _leftovers(out: Path, what: str) -> list[Path]:
    return sorted(out.parent.glob(f".{glob.escape(out.name)}.zonedesign-{what}-*-*"))


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above it, and return the ones that were made, outermost first."""
    absent = [each for each in (folder, *folder.parents) if not each.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return absent


def _settle(folder: Path) -> None:
    """Have the system write every file, and each folder itself, to the disk before anything is moved."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            _settle(path)
            continue
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    if os.name != "nt":  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _put_in_place(new: Path, out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        out.rmdir()
    if not out.exists():
        new.rename(out)
        return
    if _exchange(new, out):
        aside = new
    else:
        aside = _beside(out, "old")
        out.rename(aside)
        try:
            new.rename(out)
        except BaseException:
            aside.rename(out)
            raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two names in one step, and return whether this system could."""
    system = platform.system()
    first, second = os.fsencode(a), os.fsencode(b)
    try:
        if system == "Linux":
            here = _AT_CURRENT_FOLDER
            return bool(ctypes.CDLL(None).renameat2(here, first, here, second, _EXCHANGE) == 0)
        if system == "Darwin":
            return bool(ctypes.CDLL(None).renamex_np(first, second, _EXCHANGE) == 0)
    except AttributeError:  # a C library from before these calls
        return False
    return False


def _runs(process: int) -> bool:
    """Return whether a process of that number runs; on Windows, where asking would end it, never."""
    if os.name == "nt":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
