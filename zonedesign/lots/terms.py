"""Terms: how lots are let, as values: who provides, at what rate, for how long, under which caps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zonedesign._customers import FUNDING
from zonedesign.errors import ScenarioError, listed, nearest_name, require_number
from zonedesign.lots.rates import ByLevel, Floor, Rate, Results, settled, shares_settled

if TYPE_CHECKING:
    from collections.abc import Iterable

RESERVE = "reserve"
"""The role that stands behind every lot, with any number of providers: a dynamic market or open framework."""
COUNCIL = "council"
"""Who pays where a customer's row does not say."""
STAY, SOME, TRANSFER = "stay", "some", "transfer"
"""What becomes of existing packages: they stay where they are, those of some providers move, or all do."""


@dataclass(frozen=True)
class Viability:
    """What keeps a branch alive, in hours a week and customers, and what a worker works.

    `start_hours` and `established_hours` are (min, max), `branch` the hours that a branch may add from others
    (private, NHS), as shares of the lot's own. A worker's `worker_hours` are of `worker_time`: "contact", or
    "paid", which counts travel too.
    """

    start_hours: tuple[float, float] = (150.0, 175.0)
    established_hours: tuple[float, float] = (750.0, 1000.0)
    start_customers: float = 10.0
    established_customers: float = 50.0
    worker_hours: float = 30.0
    worker_time: str = "contact"
    branch: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for what in ("start_hours", "established_hours"):
            band = tuple(getattr(self, what))
            for end in band:
                require_number(f"lots: viability {what}", end, "hours, 0 or more", lambda v: v >= 0)
            if len(band) != 2 or band[0] > band[1]:
                raise ScenarioError(
                    f"lots: viability {what} is {list(band)}; write [min, max], the smaller first"
                )
            object.__setattr__(self, what, band)
        if self.start_hours[0] > self.established_hours[0]:
            raise ScenarioError(
                f"lots: viability starts at {self.start_hours[0]:g} h and is established at "
                f"{self.established_hours[0]:g} h; a branch is established at no fewer hours than it starts"
            )
        for what in ("start_customers", "established_customers"):
            require_number(
                f"lots: viability {what}", getattr(self, what), "customers, 0 or more", lambda v: v >= 0
            )
        require_number("lots: worker_hours", self.worker_hours, "hours a week above 0", lambda v: v > 0)
        if self.worker_time not in ("contact", "paid"):
            raise ScenarioError(f"lots: worker_time is '{self.worker_time}'; it is 'contact' or 'paid'")
        for name, share in self.branch.items():
            require_number(f"lots: branch hours of {name}", share, "a share, 0 or more", lambda v: v >= 0)
        object.__setattr__(self, "branch", dict(self.branch))


@dataclass(frozen=True)
class Step:
    """A step of the referral cascade: a role, the share of referrals each provider accepts, and in how long.

    The providers of a role are asked one after the other; each answers in `response_hours`.
    """

    role: str
    accepts: ByLevel
    response_hours: float = 0.0

    def __post_init__(self) -> None:
        if not str(self.role).strip():
            raise ScenarioError("lots: a step of the cascade has no role; name it, such as 'lead'")
        object.__setattr__(self, "accepts", shares_settled(f"lots: accepts of the {self.role}", self.accepts))
        require_number(
            f"lots: response_hours of the {self.role}", self.response_hours, "hours, 0 or more",
            lambda v: v >= 0,
        )  # fmt: skip


WEIGHTS, SCORES = "weights", "scores"
HOURS, ALIKE = "hours", "alike"
TIES = ("quality", "price")


@dataclass(frozen=True)
class AwardRules:
    """How bids are judged, as it would have to be published beforehand.

    By `weights` a bid scores `price` x 100 x lowest price / its price + `quality` x its quality (0 to 100);
    by `scores` its column `score` is taken as given (most advantageous tender). Scores are rounded to
    `decimals`. Lots count by their `hours`, or `alike`. Bids under `quality_least` cannot win. Among equal
    awards the `ties` decide in their order, then the providers' names, lot by lot.
    """

    method: str = WEIGHTS
    price: float = 0.4
    quality: float = 0.6
    decimals: int = 2
    count_lots: str = HOURS
    quality_least: float = 0.0
    ties: tuple[str, ...] = TIES

    def __post_init__(self) -> None:
        if self.method not in (WEIGHTS, SCORES):
            raise ScenarioError(f"lots: award method is '{self.method}'; it is '{WEIGHTS}' or '{SCORES}'")
        for what in ("price", "quality"):
            require_number(
                f"lots: award {what}", getattr(self, what), "a share from 0 to 1", lambda v: 0 <= v <= 1
            )
        if self.method == WEIGHTS and abs(self.price + self.quality - 1) > 1e-9:
            raise ScenarioError(
                f"lots: award weighs price {self.price:g} and quality {self.quality:g}; they add up to 1"
            )
        require_number(
            "lots: award decimals", self.decimals, "a whole number from 0 to 4",
            lambda v: v % 1 == 0 and 0 <= v <= 4,
        )  # fmt: skip
        require_number(
            "lots: award quality_least", self.quality_least, "from 0 to 100", lambda v: 0 <= v <= 100
        )
        if self.count_lots not in (HOURS, ALIKE):
            raise ScenarioError(f"lots: count_lots is '{self.count_lots}'; it is '{HOURS}' or '{ALIKE}'")
        object.__setattr__(self, "ties", tuple(self.ties))
        strange = [each for each in self.ties if each not in TIES]
        if strange or len(set(self.ties)) != len(self.ties):
            raise ScenarioError(
                f"lots: award ties are {list(self.ties)}; each of {listed(TIES)} once at most"
            )


@dataclass(frozen=True)
class Terms:
    """On what terms lots are let; what is not stated is not known, or not limited. Values are of the council.

    `cap` is the most lots a provider may hold, `cap_by_level` those of a level, `cap_hours_share` the
    most of all hours. `shares` of a lot's hours by role; without it the cascade decides, or else all of a
    lot's providers share alike. With `same_providers` the providers of a role are the same in every lot; or
    so many `expected_providers` hold the places of all lots together. `reserve_target` is the share of all
    hours that the reserve is to have at most. `buyers` are those whose customers' packages are let, by what
    their column `funding` says.
    `guaranteed` and `spot` are shares of hours, by level where stated so. `existing` says what becomes of
    packages that run today. `growth_a_year` and `turnover` (the share of packages that end within a year)
    make the ramp-up over `months`. `headroom` is the share of its own hours that a provider could add
    when another fails. `ceiling` (pounds, VAT not counted) is the framework's, `authority` what may be spent
    of it, `extension_ceiling_a_year` what a year of extension may cost at most; all are kept apart from the
    forecast.
    """

    term_years: float = 1.0
    extension_years: float = 0.0
    ceiling: float | None = None
    authority: float | None = None
    extension_ceiling_a_year: float | None = None
    cap: int | None = None
    cap_by_level: Mapping[str, int] = field(default_factory=dict, hash=False)
    cap_hours_share: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict, hash=False)
    same_providers: bool = False
    expected_providers: int | None = None
    reserve_target: float | None = None
    buyers: tuple[str, ...] = (COUNCIL,)
    guaranteed: ByLevel = 0.0
    spot: ByLevel = 0.0
    existing: str = STAY
    not_joining: tuple[str, ...] = ()
    turnover: float = 0.5
    growth_a_year: float = 0.0
    months: int = 36
    headroom: float = 0.2
    rate: Rate = field(default_factory=Rate)
    floor: Floor | None = None
    results: Results | None = None
    viability: Viability = field(default_factory=Viability)
    cascade: tuple[Step, ...] = ()
    award: AwardRules = field(default_factory=AwardRules)

    def __post_init__(self) -> None:
        settle = object.__setattr__
        require_number("lots: term_years", self.term_years, "years above 0", lambda v: 0 < v <= 50)
        require_number("lots: extension_years", self.extension_years, "years", lambda v: 0 <= v <= 50)
        for what in ("ceiling", "authority", "extension_ceiling_a_year"):
            if getattr(self, what) is not None:
                require_number(f"lots: {what}", getattr(self, what), "pounds above 0", lambda v: v > 0)
        for what, cap in (
            ("cap", self.cap),
            *((f"cap of level {n}", c) for n, c in self.cap_by_level.items()),
        ):
            if cap is not None:
                require_number(
                    f"lots: {what}", cap, "a whole number of lots from 1 up",
                    lambda v: v % 1 == 0 and v >= 1,
                )  # fmt: skip
        if self.cap_hours_share is not None:
            require_number(
                "lots: cap_hours_share", self.cap_hours_share, "a share above 0, 1 at most",
                lambda v: 0 < v <= 1,
            )  # fmt: skip
        settle(self, "cap_by_level", dict(self.cap_by_level))
        self._settle_who()
        self._settle_shares()
        if self.existing not in (STAY, SOME, TRANSFER):
            raise ScenarioError(
                f"lots: existing is '{self.existing}'; packages '{STAY}', '{SOME}' move, or all '{TRANSFER}'"
            )
        settle(self, "not_joining", tuple(self.not_joining))
        if (self.existing == SOME) != bool(self.not_joining):
            raise ScenarioError(
                f"lots: existing = '{SOME}' and not_joining go together: name the providers who do not join"
            )
        require_number("lots: turnover", self.turnover, "a share from 0 up to 1", lambda v: 0 <= v < 1)
        require_number(
            "lots: growth_a_year",
            self.growth_a_year,
            "a share above -1, such as 0.07",
            lambda v: -1 < v <= 10,
        )
        require_number(
            "lots: months", self.months, "a whole number from 1 to 120",
            lambda v: v % 1 == 0 and 1 <= v <= 120,
        )  # fmt: skip
        require_number("lots: headroom", self.headroom, "a share, 0 or more", lambda v: v >= 0)
        settle(self, "cascade", tuple(self.cascade))
        roles = [step.role for step in self.cascade]
        if len(set(roles)) != len(roles) or RESERVE in roles[:-1]:
            raise ScenarioError(
                f"lots: the cascade asks {listed(roles, 9)}; each role once, and the {RESERVE} last"
            )

    def _settle_who(self) -> None:
        if self.expected_providers is not None:
            require_number(
                "lots: expected_providers", self.expected_providers, "a whole number of providers from 1 up",
                lambda v: v % 1 == 0 and v >= 1,
            )  # fmt: skip
            if self.same_providers:
                raise ScenarioError(
                    "lots: expected_providers and same_providers say two things of who holds places; keep one"
                )
        if self.reserve_target is not None:
            require_number(
                "lots: reserve_target", self.reserve_target, "a share from 0 to 1", lambda v: 0 <= v <= 1
            )
        object.__setattr__(self, "buyers", tuple(self.buyers))
        if not self.buyers or set(self.buyers) - set(FUNDING):
            raise ScenarioError(
                f"lots: buyers are {list(self.buyers)}; name one at least of {listed(FUNDING)}"
            )

    def _settle_shares(self) -> None:
        settle = object.__setattr__
        settle(self, "guaranteed", shares_settled("lots: guaranteed", self.guaranteed))
        settle(self, "spot", shares_settled("lots: spot", self.spot))
        settle(self, "shares", settled(dict(self.shares)))
        for role, share in self.shares.items():
            require_number(f"lots: share of the {role}", share, "a share from 0 to 1", lambda v: 0 <= v <= 1)

    def require_roles(self, names: Iterable[str]) -> None:
        """Raise `ScenarioError` where shares or the cascade name a role that no level has.

        Where no level has any, they stand for levels that are let otherwise.
        """
        known = list(dict.fromkeys(names))
        said = [("shares", role) for role in self.shares]
        said += [("the cascade", step.role) for step in self.cascade if step.role != RESERVE]
        for what, role in said if known else ():
            if role not in known:
                hint = nearest_name(role, known) or f"; there are {listed(known)}"
                raise ScenarioError(f"lots: {what} names the role '{role}', and no level has it{hint}")

    def require_levels(self, names: Iterable[str]) -> None:
        """Raise `ScenarioError` where a table by level names one that is not there."""
        known = list(names)
        floor = {} if self.floor is None else self.floor.travel_share
        said: list[tuple[str, Any]] = [
            ("cap_by_level", self.cap_by_level),
            ("guaranteed", self.guaranteed),
            ("spot", self.spot),
            ("rate.by_level", self.rate.by_level),
            ("floor.travel_share", floor),
            *((f"accepts of the {step.role}", step.accepts) for step in self.cascade),
            *((f"rate.{name}.hours", each.hours) for name, each in self.rate.enhancements.items()),
        ]
        for what, table in said:
            for level in table if isinstance(table, Mapping) else ():
                if level not in known:
                    hint = nearest_name(level, known) or f"; there are {listed(known)}"
                    raise ScenarioError(f"lots: {what} names level '{level}'{hint}")
