"""The base of every table of a scenario file, and the kinds of values that keys take."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1)]
Id = str | int
Weight = Annotated[FiniteFloat, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Above = Annotated[FiniteFloat, Field(gt=0)]
Whole = Annotated[int, Field(ge=1)]


class Table(BaseModel):
    """A table of the file; nothing is converted, and unknown keys were refused before."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
