"""Amounts on the command line: seconds, shares and whole numbers, refused in words where they are none."""

from __future__ import annotations

import argparse


def seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    value = _float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return value


def share(text: str) -> float:
    """Return a share from 0 up to 1."""
    value = _float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a share from 0 up to 1, such as 0.01 for one per cent"
        )
    return value


def some(text: str) -> float:
    """Return a share above 0 and at most 1."""
    value = _float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share above 0 and at most 1, such as 0.05")
    return value


def more(text: str) -> float:
    """Return a share above 0."""
    value = _float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a share above 0, such as 0.1 for a tenth longer")
    return value


def natural(text: str) -> int:
    """Return a whole number from 0 up."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 up")
    return int(text)


def positive(text: str) -> int:
    """Return a whole number from 1 up."""
    value = natural(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 up")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
