"""The integer program of a problem: the rules written for PuLP, and HiGHS to solve them.

Hess's assignment model (Hess et al. 1965) with levels: a binary column for every unit and centre that a plan
may join, and one for every centre and level. Contiguity and the longest way between two units are cuts in
rounds. This is the only room that knows PuLP and HiGHS.
"""

from zonedesign.model.engine import Ended, Engine, Solved
from zonedesign.model.locks import Locks, locks_of, restricted
from zonedesign.model.program import Cut, Program, state

__all__ = ["Cut", "Ended", "Engine", "Locks", "Program", "Solved", "locks_of", "restricted", "state"]
