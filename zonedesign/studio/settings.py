"""Requests: what a client may send, field by field, with limits of size; nothing else is taken.

Levels and the profile of traffic are not described here: they are checked by the scenario's own settings.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from zonedesign.errors import ScenarioError

LARGEST_BODY = 32 << 20
"""Bytes of a request at most: a plan of a hundred thousand units takes a third of it."""
MOST_ROWS = 200_000
MOST_SECONDS = 3600

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Number = Annotated[int, Field(ge=1, le=2**53)]
PlanRef = Literal["working", "start"] | Number
"""A plan: the one in hand, the one the studio began with, or a saved one by its number."""


class Body(BaseModel):
    """The body of a request; nothing is converted, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Line(Body):
    """A line of a plan; a unit may have no zone yet."""

    unit: Id
    zone: Id | None = None
    level: Id | None = None
    centre: Id | None = None


Lines = Annotated[list[Line], Field(min_length=1, max_length=MOST_ROWS)]


class Working(Body):
    """The plan as edited, with its locked zones, `after` the version that it was edited from."""

    rows: Lines
    label: Words = "Edited"
    reason: Words = ""
    locked: Annotated[list[Id], Field(max_length=MOST_ROWS)] = []
    after: Annotated[int, Field(ge=0, le=2**53)]


class Saving(Body):
    """A plan to keep under a name."""

    name: Name
    reason: Words = ""
    rows: Lines


class Order(Body):
    """Work to do on a plan: finish it, repair it, or say why there is none; `locked` zones stay."""

    kind: Literal["finish", "repair", "explain"]
    rows: Lines
    locked: Annotated[list[Id], Field(max_length=MOST_ROWS)] = []
    seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS)] = 60


class Comparing(Body):
    """Two plans to lay side by side."""

    a: PlanRef
    b: PlanRef


class Rules(Body):
    """Levels as `[[levels]]` of a scenario has them, and the profile of traffic."""

    levels: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=50)]
    profile: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None


class Session(Body):
    """The token that lets a browser in."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=500)]


B = TypeVar("B", bound=Body)


def read(model: type[B], raw: bytes) -> B:
    """Return the body of a request; `ScenarioError` says in one line what is wrong with it."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise ScenarioError(f"the request is not understood ({said}); load the page again") from None
    except (ValueError, RecursionError):
        raise ScenarioError("the request is not understood; load the page again") from None
