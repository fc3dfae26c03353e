"""Certify: the whole integer program in rounds, until its bound meets a plan."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import Status, StoppedBy, relative_gap
from zonedesign.model import Ended, Engine, state
from zonedesign.plan import Plan
from zonedesign.progress import silent
from zonedesign.solve.cuts import Ground, cuts_of, fractional_cuts
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.reduced import closed_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.model import Cut, Program
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)
