"""What an experiment YAML may say of requests: their lengths, and when they arrive."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from s3sim.experiment.schema.fields import offering
from s3sim.experiment.schema.parts import Mapping, Requests
from s3sim.experiment.schema.traffic import (
    CONSTANTS,
    PRUNE,
    SORT,
    TIME_UNIT,
    TOKENIZER,
    ClosedLoopArrivals,
    DiurnalArrivals,
    MarkovModulatedArrivals,
    Prune,
    QuantileTokens,
    TimeUnit,
)
from s3sim.workload.presets import PRESETS

__all__ = ["Arrivals", "OfflineArrivals", "Workload"]


class ConstantTokens(Mapping):
    """Always the same length."""

    kind: Literal["constant"]
    value: PositiveInt


class UniformTokens(Mapping):
    """Any length from low to high, each as likely."""

    kind: Literal["uniform"]
    low: PositiveInt
    high: PositiveInt


class LognormalTokens(Mapping):
    """Lognormal lengths; sigma is the standard deviation of the logarithm."""

    kind: Literal["lognormal"]
    mean: Annotated[float, Field(ge=1)]
    sigma: PositiveFloat


class GeometricTokens(Mapping):
    """Geometric lengths: memoryless outputs."""

    kind: Literal["geometric"]
    mean: Annotated[float, Field(ge=1)]


Tokens = Annotated[
    ConstantTokens | UniformTokens | LognormalTokens | GeometricTokens | QuantileTokens, Field(discriminator="kind")
]
OverLength = Literal["reject", "truncate", "drop"]
REQUESTS: Any = Field(description="How many.")
SPEARMAN: Any = Field(default=0.0, ge=-1, le=1, description="Rank correlation of prompt and output lengths.")
OVER_LENGTH: Any = Field(default="reject", description="What becomes of prompt + output > max_length; always counted.")


class PresetWorkload(Mapping):
    """Lengths drawn from a built-in table of quantiles of a real data set."""

    kind: Literal["preset"]
    name: Annotated[str, offering(PRESETS)]
    requests: Requests = REQUESTS
    over_length: OverLength = OVER_LENGTH


class LengthsWorkload(Mapping):
    """Lengths drawn from distributions."""

    kind: Literal["lengths"]
    prompt: Tokens
    output: Tokens
    spearman: float = SPEARMAN
    requests: Requests = REQUESTS
    over_length: OverLength = OVER_LENGTH


class PresetPhase(Mapping):
    """Requests of a built-in table's lengths."""

    name: Annotated[str, offering(PRESETS)]
    requests: Requests = REQUESTS


class LengthsPhase(Mapping):
    """Requests of lengths drawn from distributions."""

    prompt: Tokens
    output: Tokens
    spearman: float = SPEARMAN
    requests: Requests = REQUESTS


class PhasesWorkload(Mapping):
    """Traffic that changes: first these requests, then those; the arrivals run on."""

    kind: Literal["phases"]
    phases: list[PresetPhase | LengthsPhase] = Field(min_length=1)
    over_length: OverLength = OVER_LENGTH


Column = Literal[
    "id",
    "arrival_s",
    "arrival_ps",
    "prompt_tokens",
    "output_tokens",
    "max_new_tokens",
    "over_length",
    "predicted_tokens",
    "prompt",
    "output",
]  # of s3sim's own trace format, and the texts of others


class TraceWorkload(Mapping):
    """A recorded trace: its first `requests` rows, a random sample of them, or rows drawn with replacement."""

    kind: Literal["trace"]
    path: str = Field(description="Absolute, or beside the YAML, in the working folder, or in $S3SIM_DATA.")
    format: str = Field(default="auto", description="As `s3sim list formats` names it; auto: by suffix and columns.")
    columns: dict[Column, str] = Field(default={}, description="A trace's column → the file's name for it.")
    requests: Requests | None = Field(default=None, description="How many rows; null: all.")
    select: Literal["first", "random", "resample"] = Field(
        default="first", description="Which; resample draws rows with replacement, without their times."
    )
    constants: dict[Column, PositiveInt] = CONSTANTS
    time_unit: TimeUnit = TIME_UNIT
    sort: bool = SORT
    tokenizer: str | None = TOKENIZER
    prune: Prune = PRUNE
    invalid_rows: Literal["error", "drop"] = Field(
        default="error", description="Rows without usable lengths: an error, or left out and counted."
    )
    over_length: OverLength = OVER_LENGTH


Workload = Annotated[PresetWorkload | LengthsWorkload | PhasesWorkload | TraceWorkload, Field(discriminator="kind")]


class OfflineArrivals(Mapping):
    """Everything is there at time 0."""

    kind: Literal["offline"] = "offline"


class ConstantArrivals(Mapping):
    """Evenly spaced; rate in requests/s."""

    kind: Literal["constant"]
    rate: PositiveFloat


class PoissonArrivals(Mapping):
    """Exponential gaps; rate in requests/s."""

    kind: Literal["poisson"]
    rate: PositiveFloat


class GammaArrivals(Mapping):
    """Gamma gaps; burstiness is the shape: 1 is Poisson, below 1 is burstier."""

    kind: Literal["gamma"]
    rate: PositiveFloat
    burstiness: PositiveFloat


class TraceArrivals(Mapping):
    """The trace's own times; scale 2 stretches them to twice as long."""

    kind: Literal["trace"]
    scale: PositiveFloat = Field(default=1.0, description="Times are multiplied by it.")


Arrivals = Annotated[
    OfflineArrivals
    | ConstantArrivals
    | PoissonArrivals
    | GammaArrivals
    | MarkovModulatedArrivals
    | DiurnalArrivals
    | ClosedLoopArrivals
    | TraceArrivals,
    Field(discriminator="kind"),
]
