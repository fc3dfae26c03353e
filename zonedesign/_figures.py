"""The figures of the named profiles, each with its source: a publication, or the words `our choice`.

Free flow. Cars that nothing holds up average 69 mph on motorways, 50 mph on single carriageways under
the national limit and 31 mph on 30 mph roads (DFT_SPEEDS, 2019), measured away from bends, hills and
junctions. Whole local A roads of England, junctions included, run at 36 mph in free flow: 25.3 mph on
average, less a delay of 43.1 s a mile (DFT_A_ROADS). What the Department for Transport (DfT) does not
measure follows the order of the classes in OSRM's car.lua (90 motorway, 85 trunk, 65 primary, 55
secondary, 40 tertiary, 25 residential).

Time of day. Local A roads lose 43.1 s a mile on a free flow of 99 s: they keep 0.70 of the free-flow
speed over all hours. Urban ones lose 1.64 times the mean (75.5 s a mile against 45.9 s,
DFT_A_ROADS_2016), so the share is lower when built up and higher when rural. The strategic network runs
at 59.0 mph, 9.4 s a mile below its limits (DFT_A_ROADS): it keeps 0.85. How the day's mean divides into
its hours is our choice, and so is half the delay of main roads on minor ones, which nobody measures.
"""

from __future__ import annotations

from typing import Final

Pair = tuple[float, float]
"""A figure when built up, and when rural."""

MODES: Final = ("car", "foot", "cycle")

DFT_SPEEDS: Final = "DfT, Vehicle speed compliance statistics for Great Britain, 2019"
DFT_A_ROADS: Final = (
    "DfT, Travel time measures for the Strategic Road Network and local A roads, April 2018 to March 2019"
)
DFT_A_ROADS_2016: Final = "DfT, Travel time measures for local A roads, 2016"
DFT_JOURNEYS: Final = "DfT, Journey Time Statistics"
OSRM: Final = "OSRM"
WEBSTER: Final = "Webster, Road Research Technical Paper 39, 1958"
OURS: Final = "our choice"

_BETWEEN = f"{OURS}, between the free flow of local A roads ({DFT_A_ROADS}) and car.lua of {OSRM}"
_PRIMARY = f"rural: {DFT_SPEEDS}, 50 mph (80 km/h), less 5 % for bends ({OURS}); built up: {_BETWEEN}"
_ORDER = f"{OURS}, in the order of car.lua of {OSRM}"
_SLIP = f"{OURS}: two thirds to nine tenths of the road it leads to"

CAR: dict[str, tuple[float, float, str]] = {  # class: km/h built up, km/h rural, source; by importance
    "motorway": (108.0, 108.0, f"{DFT_SPEEDS}: 69 mph (111 km/h), less 3 % for hills and bends ({OURS})"),
    "motorway_link": (72.0, 80.0, _SLIP),
    "trunk": (64.0, 92.0, f"{OURS}, rural: between 50 and 70 mph, single and dual carriageways"),
    "trunk_link": (48.0, 64.0, _SLIP),
    "primary": (44.0, 76.0, _PRIMARY),
    "primary_link": (40.0, 56.0, _SLIP),
    "secondary": (42.0, 68.0, _BETWEEN),
    "secondary_link": (38.0, 52.0, _SLIP),
    "tertiary": (40.0, 60.0, _ORDER),
    "tertiary_link": (36.0, 48.0, _SLIP),
    "unclassified": (34.0, 50.0, _ORDER),
    "residential": (32.0, 40.0, f"{OURS}, between 25 km/h (car.lua of {OSRM}) and 31 mph ({DFT_SPEEDS})"),
    "living_street": (16.0, 16.0, f"{OURS}: 10 mph (car.lua of {OSRM}: 10 km/h)"),
    "road": (30.0, 45.0, f"{OURS}: of a class nobody has recorded yet"),
    "ferry": (15.0, 15.0, f"{OURS}, where no duration is recorded; asked for by name only"),
}  # fmt: skip

PATHS = ("service", "track", "cycleway", "bridleway", "pedestrian", "footway", "path", "steps")
"""Classes that walkers and cyclists use and cars do not, here."""

ROAD_CLASSES = (*CAR, *PATHS)

WALK_KPH = 4.8
CYCLE_KPH = 16.0
_WALKED = f"{DFT_JOURNEYS}: walking at 4.8 km/h (foot.lua of {OSRM}: 5)"
_RIDDEN = f"{DFT_JOURNEYS}: cycling at 16 km/h (bicycle.lua of {OSRM}: 15)"
_SHARED = f"bicycle.lua of {OSRM}: 12 km/h on paths and tracks"

FOOT: dict[str, tuple[float, float, str]] = {
    **dict.fromkeys(ROAD_CLASSES, (WALK_KPH, WALK_KPH, _WALKED)),
    "ferry": CAR["ferry"],
    "steps": (2.4, 2.4, f"{OURS}: half the walking speed, going by the length on the map"),
}
CYCLE: dict[str, tuple[float, float, str]] = {
    **dict.fromkeys(ROAD_CLASSES, (CYCLE_KPH, CYCLE_KPH, _RIDDEN)),
    "ferry": CAR["ferry"],
    **dict.fromkeys(("track", "bridleway", "path"), (12.0, 12.0, _SHARED)),
    **dict.fromkeys(("footway", "pedestrian"), (12.0, 12.0, f"{OURS}: as on paths")),
    "steps": (2.0, 2.0, f"bicycle.lua of {OSRM}: pushed at 2 km/h"),
}

STRATEGIC = ("motorway", "motorway_link", "trunk", "trunk_link")
MAIN = ("primary", "primary_link", "secondary", "secondary_link")
UNHURRIED = ("living_street", "ferry")
_HOURS = f"{DFT_A_ROADS}; urban against rural: {DFT_A_ROADS_2016}; by hour: {OURS}"
_SRN = f"{DFT_A_ROADS}: 59.0 mph, 9.4 s a mile; by hour: {OURS}"
_MINOR = f"{OURS}: half the delay of main roads"

# Share of the free-flow speed that is kept: strategic, then main and minor roads as (built up, rural).
SHARES: dict[str, tuple[float, Pair, Pair]] = {
    "free-flow": (1.00, (1.00, 1.00), (1.00, 1.00)),
    "am-peak": (0.80, (0.58, 0.73), (0.73, 0.84)),
    "midday": (0.85, (0.62, 0.75), (0.77, 0.86)),
    "pm-peak": (0.79, (0.57, 0.72), (0.73, 0.84)),
    "evening": (0.95, (0.80, 0.88), (0.89, 0.94)),
}

JUNCTIONS = ("none", "equal", "roundabout", "give_way", "signals", "crossing")
"""What an edge ends in; the position is the code that networks store."""

_WAIT = f"{WEBSTER}: C (1 - g)^2 / 2 for a cycle C of 60 s, half of it green (g)"
_WALKERS_WAIT = f"{OURS}: a third of the 15 s that 18 s of green in 60 make one wait; foot.lua of {OSRM}: 2 s"
_SLOWING = f"{OURS}: from 30 mph to a crawl or a stop and back at 1.5 m/s2 loses 3 to 9 s"
JUNCTION_SECONDS: dict[str, dict[str, tuple[float, str]]] = {
    "car": {
        "equal": (2.0, f"{OURS}, less than giving way"),
        "roundabout": (3.0, f"{OURS}, less than giving way"),
        "give_way": (5.0, _SLOWING),
        "signals": (7.5, _WAIT),
    },
    "foot": {
        "signals": (5.0, _WALKERS_WAIT),
        "crossing": (2.0, f"{OURS}: a look both ways"),
    },
    "cycle": {
        "signals": (7.5, f"as cars: {_WAIT}; bicycle.lua of {OSRM}: 5 s"),
        "crossing": (0.0, f"{OURS}: walkers wait there, cyclists seldom"),
    },
}

_TURN = f"{OURS}, within the 7.5 s that car.lua of {OSRM} gives to the sharpest turn"
TURN_SECONDS: dict[str, dict[str, tuple[float, str]]] = {
    "car": {
        "straight": (0.0, OURS),
        "left": (2.0, _TURN),
        "right": (5.0, f"{_TURN}; oncoming traffic has to be crossed"),
        "u_turn": (20.0, f"car.lua of {OSRM}"),
    },
    **{mode: dict.fromkeys(("straight", "left", "right", "u_turn"), (0.0, OURS)) for mode in MODES[1:]},
}
"""What a turn takes beside the junction, where turn delays are asked for; traffic keeps left."""

MAXSPEED_FACTOR = 0.9
MAXSPEED_SOURCE = (
    f"{OURS}: 27 mph under a limit of 30, where {DFT_SPEEDS} has 31 away from bends and junctions"
)


def share_of(profile: str, kind: str) -> tuple[Pair, str]:
    """Return the share of its free-flow speed that a class keeps at that time of day, and the source."""
    strategic, main, minor = SHARES[profile]
    if profile == "free-flow" or kind in UNHURRIED:
        return (1.0, 1.0), ""  # traffic does not slow what is slow already
    if kind in STRATEGIC:
        return (strategic, strategic), _SRN
    return (main, _HOURS) if kind in MAIN else (minor, _MINOR)
