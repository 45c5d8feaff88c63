"""What the parts of an experiment YAML share: a strict mapping, and limits against nonsense."""

from typing import Annotated

from pydantic import BaseModel, Field

from s3sim.experiment.schema.fields import STRICT

__all__ = ["DAY", "Bytes", "Mapping", "Requests", "Seconds"]


class Mapping(BaseModel):
    """A mapping of the YAML."""

    model_config = STRICT


# Upper limits keep nonsense from overflowing 64 bits, or memory; no machine comes near them.
DAY = 86_400.0  # seconds
Seconds = Annotated[float, Field(ge=0, le=DAY)]
Bytes = Annotated[int, Field(ge=0, le=10**18)]
Requests = Annotated[int, Field(ge=1, le=10**9)]
