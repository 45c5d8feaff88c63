"""What an experiment YAML may say of the part of a run that is measured."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from s3sim.experiment.schema.fields import name_or
from s3sim.experiment.schema.parts import Mapping

__all__ = ["Measure"]


class Span(Mapping):
    """A share of the requests, so many seconds, or so many requests."""

    share: Annotated[float, Field(ge=0, lt=0.5)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    requests: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if [self.share, self.seconds, self.requests].count(None) != 2:
            raise PydanticCustomError("one_amount", "give one of `share`, `seconds` and `requests`")
        return self


WARM_UP: Any = Field(
    default=None,
    description="null: none of a burst at time 0, served_once of a closed loop (until every user was), {share: 0.1} of"
    " all other arrivals.",
)
COOL_DOWN: Any = Field(
    default=None, description="null: none of a burst at time 0, and {share: 0.1} of all other arrivals."
)
Begin: Any = name_or(Span, ("mser", "none", "served_once"), closed=True) | None
End: Any = name_or(Span, ("mser", "none"), closed=True) | None


class Measure(Mapping):
    """Which part of a run its metrics are of: what is left out at its begin and end, and which part of a burst."""

    warm_up: Begin = WARM_UP
    cool_down: End = COOL_DOWN
    burst: Literal["whole", "saturated"] = Field(
        default="whole",
        description="Of a burst at time 0, and of nothing else: `saturated` counts from time 0 to the last admission.",
    )
