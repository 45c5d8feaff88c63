"""What an experiment YAML may say, with defaults and descriptions; also the source of its JSON schema."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, PositiveFloat, PositiveInt
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError

from s3sim.experiment.schema import about
from s3sim.experiment.schema.fields import STRICT, name_or, name_or_fields
from s3sim.experiment.schema.load import Arrivals, OfflineArrivals, Workload
from s3sim.experiment.schema.machine import Latency, Memory, Parallelism, RooflineLatency
from s3sim.experiment.schema.measuring import Measure
from s3sim.experiment.schema.parts import Mapping
from s3sim.experiment.schema.predictions import Predictor
from s3sim.hardware import (
    DEFAULT_ENGINE,
    DEVICES,
    ENGINES,
    LINKS,
    MODELS,
    DeviceSpec,
    EngineSpec,
    LinkSpec,
    ModelSpec,
)
from s3sim.policies.registry import SYSTEMS

__all__ = ["Experiment", "Scenario", "Setting", "SystemEntry", "json_schema"]


class ServiceLevel(Mapping):
    """Limits in milliseconds that a request must meet, all of them, to count as good."""

    ttft_ms: PositiveFloat | None = Field(default=None, description="Time to first token.")
    tpot_ms: PositiveFloat | None = Field(default=None, description="Time per output token after the first.")
    e2el_ms: PositiveFloat | None = Field(default=None, description="End-to-end latency.")
    normalized_latency_ms: PositiveFloat | None = Field(default=None, description="End-to-end latency ÷ output tokens.")


class SystemEntry(BaseModel):
    """A system with choices of its own; `label` tells two entries of one system apart."""

    model_config = STRICT | {"extra": "allow"}

    name: str = Field(description="A system.")
    label: str | None = Field(
        default=None, pattern=r"^[a-z0-9][a-z0-9_]*$", description="What tables call it; null: its name."
    )


Entry: Any = name_or(SystemEntry, SYSTEMS)


class Setting(Mapping):
    """All that one simulation needs besides its system and its seed."""

    model: name_or_fields(ModelSpec, MODELS) = Field(description=about.MODEL)  # type: ignore[valid-type]
    device: name_or_fields(DeviceSpec, DEVICES, link=name_or_fields(LinkSpec, LINKS)) = Field(  # type: ignore[valid-type]
        description=about.DEVICE
    )
    engine: name_or_fields(EngineSpec, ENGINES) = Field(default=DEFAULT_ENGINE, description=about.ENGINE)  # type: ignore[valid-type]
    latency: Latency = Field(default=RooflineLatency(), description=about.LATENCY)
    memory: Memory = Field(default=Memory(), description=about.MEMORY)
    parallel: Parallelism = Field(default=Parallelism(), description=about.PARALLEL)
    max_length: int = Field(default=2048, ge=2, description=about.MAX_LENGTH)
    max_num_seqs: PositiveInt | None = Field(default=None, description=about.MAX_NUM_SEQS)
    workload: Workload = Field(description=about.WORKLOAD)
    arrivals: Arrivals = Field(default=OfflineArrivals(), description=about.ARRIVALS)
    predictor: Predictor | None = Field(default=None, description=about.PREDICTOR)
    slo: ServiceLevel = Field(default=ServiceLevel(), description=about.SLO)
    measure: Measure = Field(default=Measure(), description=about.MEASURE)
    systems: list[Entry] = Field(min_length=1, description=about.SYSTEMS)
    log: Literal["full", "requests"] = Field(default="full", description=about.LOG)


def _distinct(values: list[Any]) -> list[Any]:
    for position, value in enumerate(values):
        if value in values[:position]:
            raise PydanticCustomError("repeated", "{value} stands twice; keep one", {"value": repr(value)})
    return values


DISTINCT = (Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_distinct))
Values = Annotated[list[Any], *DISTINCT]
SWEEP: Any = Field(default={}, description=about.SWEEP)


class Scenario(Mapping):
    """A named way to load the same systems."""

    arrivals: Arrivals | None = Field(default=None, description="In place of the experiment's own.")
    slo: ServiceLevel | None = Field(default=None, description="In place of the experiment's own.")
    measure: Measure | None = Field(default=None, description="In place of the experiment's own.")
    sweep: dict[str, Values] = SWEEP


ScenarioName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Experiment(Setting):
    """One YAML, one question."""

    version: Literal[1] = Field(description=about.VERSION)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description=about.NAME)
    description: str = Field(default="", description=about.DESCRIPTION)
    scenarios: dict[ScenarioName, Scenario] = Field(
        default={"main": Scenario()},
        min_length=1,
        description=about.SCENARIOS,
        json_schema_extra={"additionalProperties": False},
    )
    sweep: dict[str, Values] = SWEEP
    seeds: Annotated[list[Seed], *DISTINCT] = Field(default=[0], description=about.SEEDS)


def json_schema() -> dict[str, Any]:
    """The JSON schema of an experiment YAML, for editors."""
    return {"$schema": GenerateJsonSchema.schema_dialect, **Experiment.model_json_schema()}
