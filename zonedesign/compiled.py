"""Compiled kernels: functions that numba turns into machine code, kept in the user's cache folder.

Only kernels import this room, and they are imported where they are used: numba is slow to import.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from zonedesign.interrupts import undisturbed
from zonedesign.provenance import cache_folder

log = logging.getLogger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])


def _cache() -> Path | None:
    """Return the folder for machine code, made where it is not there, or None to do without.

    numba looks only at the file that a kernel stands in, not at those it calls: a folder for every state
    of all of them keeps it from running what was compiled from older ones.
    """
    if os.environ.get("ZONEDESIGN_NO_CACHE"):
        return None
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("_*.py")):
        source = path.read_bytes()
        if b"zonedesign.compiled import" in source:
            digest.update(source)
    folder = cache_folder() / "numba" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.debug("kernels are not cached: %s", error)
        return None
    return folder if os.access(folder, os.W_OK) else None


_CACHE = _cache()


def compiled(function: Function) -> Function:
    """Return a function compiled by numba on first use, cached outside the package's own folder.

    numba would write beside the source. It reads its setting when a function is wrapped, so the setting is
    lent for that moment only; a folder that the user has set for numba stays. Ctrl-C waits until the function
    is compiled or taken from the cache.
    """
    settings: Any = numba.config
    before = settings.CACHE_DIR
    if _CACHE is not None and not before:
        settings.CACHE_DIR = str(_CACHE)
    try:
        made: Any = numba.njit(nogil=True, cache=_CACHE is not None)(function)
    finally:
        settings.CACHE_DIR = before
    made.compile = _undisturbed(made.compile)
    return cast("Function", made)


_here = threading.local()


def _undisturbed(compile_: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Have Ctrl-C wait for a kernel: numba would swallow it, or print a trace for what is half made."""

    def compiling(signature: Any) -> Any:
        if getattr(_here, "compiling", False):  # numba is in the middle of a kernel that calls this one
            return compile_(signature)
        _here.compiling = True
        try:
            with undisturbed():
                return compile_(signature)
        finally:
            _here.compiling = False

    return compiling


def inner(function: Function) -> Function:
    """Return a function that other kernels call: without wrappers for Python it compiles in half the time."""
    jit: Any = numba.njit  # whose stated type leaves these two settings out
    return cast("Function", jit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function))


def lean(function: Function) -> Function:
    """Return a function that other kernels call and that makes no arrays: it does not count who holds them.

    Counting took most of the time of small kernels: each call went through every array it was handed, twice.
    """
    jit: Any = numba.njit  # whose stated type leaves these settings out
    made = jit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
    return cast("Function", made(function))
