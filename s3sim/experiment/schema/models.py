"""What an experiment YAML may say, with defaults and descriptions; also the source of its JSON schema."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, NonNegativeInt, PositiveFloat, PositiveInt

from s3sim.experiment.schema.fields import STRICT, name_or_fields
from s3sim.hardware import DEFAULT_ENGINE, DeviceSpec, EngineSpec, LinkSpec, ModelSpec
from s3sim.hardware.memory import CONTEXT_BYTES, WORKSPACE_BYTES
from s3sim.predictors.predictor import PREDICTION_SECONDS

__all__ = ["Experiment", "Setting", "SystemEntry", "json_schema"]


class Model(BaseModel):
    """A mapping of the YAML."""

    model_config = STRICT


class Memory(Model):
    """How device and host memory are divided."""

    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 1.0
    context_bytes: NonNegativeInt = CONTEXT_BYTES
    workspace_bytes: NonNegativeInt = WORKSPACE_BYTES
    kv_capacity_tokens: PositiveInt | None = Field(
        default=None, description="Slots for KV; null: what the memory plan leaves. A measured figure is better."
    )
    host_bytes: NonNegativeInt = Field(
        default=64_000_000_000, description="Pinned host memory for swapped KV: a quarter of a 256 GB node."
    )


class Parallelism(Model):
    """Devices of one replica: tensor × pipeline."""

    tensor: PositiveInt = 1
    pipeline: PositiveInt = 1


class RooflineLatency(Model):
    """Memory and compute limits with an engine's fitted constants."""

    kind: Literal["roofline"] = "roofline"


class ProfileLatency(Model):
    """A measured table, interpolated linearly."""

    kind: Literal["profile"]
    path: str = Field(description="CSV of s3sim.hardware.profile_table's format, beside the YAML.")


class ConstantLatency(Model):
    """Fixed prices in seconds."""

    kind: Literal["constant"]
    step_seconds: PositiveFloat
    prefill_seconds_per_token: Annotated[float, Field(ge=0)] = 0.0
    decode_seconds_per_context_token: Annotated[float, Field(ge=0)] = 0.0
    seconds_per_sequence: Annotated[float, Field(ge=0)] = 0.0
    relocation_seconds_per_token: Annotated[float, Field(ge=0)] = 0.0


Latency = Annotated[RooflineLatency | ProfileLatency | ConstantLatency, Field(discriminator="kind")]


class ConstantTokens(Model):
    """Always the same length."""

    kind: Literal["constant"]
    value: PositiveInt


class UniformTokens(Model):
    """Any length from low to high, each as likely."""

    kind: Literal["uniform"]
    low: PositiveInt
    high: PositiveInt


class LognormalTokens(Model):
    """Lognormal lengths; sigma is the standard deviation of the logarithm."""

    kind: Literal["lognormal"]
    mean: Annotated[float, Field(ge=1)]
    sigma: PositiveFloat


class GeometricTokens(Model):
    """Geometric lengths: memoryless outputs."""

    kind: Literal["geometric"]
    mean: Annotated[float, Field(ge=1)]


Tokens = Annotated[ConstantTokens | UniformTokens | LognormalTokens | GeometricTokens, Field(discriminator="kind")]
OverLength = Literal["reject", "truncate", "drop"]
OVER_LENGTH: Any = Field(default="reject", description="What becomes of prompt + output > max_length; always counted.")


class PresetWorkload(Model):
    """Lengths drawn from a built-in table of quantiles of a real data set."""

    kind: Literal["preset"]
    name: str
    requests: PositiveInt
    over_length: OverLength = OVER_LENGTH


class LengthsWorkload(Model):
    """Lengths drawn from distributions."""

    kind: Literal["lengths"]
    prompt: Tokens
    output: Tokens
    spearman: Annotated[float, Field(ge=-1, le=1)] = 0.0
    requests: PositiveInt
    over_length: OverLength = OVER_LENGTH


class TraceWorkload(Model):
    """A recorded trace; `requests` takes its first so many rows, or a random sample of them."""

    kind: Literal["trace"]
    path: str = Field(description="Absolute, or beside the YAML, in the working folder, or in $S3SIM_DATA.")
    format: str = "auto"
    columns: dict[str, str] = Field(default={}, description="A trace's column → the file's name for it.")
    requests: PositiveInt | None = None
    select: Literal["first", "random"] = "first"
    invalid_rows: Literal["error", "drop"] = "error"
    over_length: OverLength = OVER_LENGTH


Workload = Annotated[PresetWorkload | LengthsWorkload | TraceWorkload, Field(discriminator="kind")]


class OfflineArrivals(Model):
    """Everything is there at time 0."""

    kind: Literal["offline"] = "offline"


class ConstantArrivals(Model):
    """Evenly spaced; rate in requests/s."""

    kind: Literal["constant"]
    rate: PositiveFloat


class PoissonArrivals(Model):
    """Exponential gaps; rate in requests/s."""

    kind: Literal["poisson"]
    rate: PositiveFloat


class GammaArrivals(Model):
    """Gamma gaps; burstiness is the shape: 1 is Poisson, below 1 is burstier."""

    kind: Literal["gamma"]
    rate: PositiveFloat
    burstiness: PositiveFloat


class TraceArrivals(Model):
    """The trace's own times; scale 2 stretches them to twice as long."""

    kind: Literal["trace"]
    scale: PositiveFloat = 1.0


Arrivals = Annotated[
    OfflineArrivals | ConstantArrivals | PoissonArrivals | GammaArrivals | TraceArrivals, Field(discriminator="kind")
]

BUCKETS = Field(default=10, ge=1, description="Buckets over max_length; the paper has 10. null: exact tokens.")
SECONDS = Field(default=PREDICTION_SECONDS, ge=0, description="Time of one prediction, charged to its request.")
CONCURRENCY = Field(default=None, ge=1, description="Predictions at one time; null: they never queue.")


class OraclePredictor(Model):
    """Knows the true length."""

    kind: Literal["oracle"]
    buckets: int | None = BUCKETS
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


class ConstantPredictor(Model):
    """Foresees the same length for everybody."""

    kind: Literal["constant"]
    tokens: PositiveInt
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


class NoisyPredictor(Model):
    """The true length with an error: a factor's logarithm, or tokens, of standard deviation sigma."""

    kind: Literal["noisy"]
    sigma: Annotated[float, Field(ge=0)]
    error: Literal["multiplicative", "additive"] = "multiplicative"
    buckets: int | None = BUCKETS
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


class ConfusionPredictor(Model):
    """Draws the predicted bucket from a confusion matrix: a file's, or one of given accuracy."""

    kind: Literal["confusion"]
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    spread: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.3, description="Each bucket farther off is this much less likely; about 1.4 buckets off on average."
    )
    matrix: str | None = Field(default=None, description="CSV: a row per true bucket, a column per predicted one.")
    buckets: PositiveInt = 10
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


Predictor = Annotated[
    OraclePredictor | ConstantPredictor | NoisyPredictor | ConfusionPredictor, Field(discriminator="kind")
]


class ServiceLevel(Model):
    """Limits in milliseconds that a request must meet, all of them, to count as good."""

    ttft_ms: PositiveFloat | None = None
    tpot_ms: PositiveFloat | None = None
    e2el_ms: PositiveFloat | None = None
    normalized_latency_ms: PositiveFloat | None = None


class SystemEntry(BaseModel):
    """A system with choices of its own; `label` tells two entries of one system apart."""

    model_config = STRICT | {"extra": "allow"}

    name: str
    label: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_]*$")


class Setting(Model):
    """All that one simulation needs besides its system and its seed."""

    model: name_or_fields(ModelSpec)  # type: ignore[valid-type]
    device: name_or_fields(DeviceSpec, link=name_or_fields(LinkSpec))  # type: ignore[valid-type]
    engine: name_or_fields(EngineSpec) = DEFAULT_ENGINE  # type: ignore[valid-type]
    latency: Latency = RooflineLatency()
    memory: Memory = Memory()
    parallel: Parallelism = Parallelism()
    max_length: Annotated[int, Field(ge=2, description="Most tokens of a sequence, prompt and output.")] = 2048
    max_num_seqs: PositiveInt | None = Field(default=None, description="For every system that does not set its own.")
    workload: Workload
    arrivals: Arrivals = OfflineArrivals()
    predictor: Predictor | None = None
    slo: ServiceLevel = ServiceLevel()
    systems: list[str | SystemEntry] = Field(min_length=1)
    log: Literal["full", "requests"] = Field(default="full", description="requests: keep no events.parquet.")


class Scenario(Model):
    """A named way to load the same systems."""

    arrivals: Arrivals | None = None
    slo: ServiceLevel | None = None
    sweep: dict[str, list[Any]] = {}


class Experiment(Setting):
    """One YAML, one question."""

    version: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    scenarios: dict[str, Scenario] = Field(default={"main": Scenario()}, min_length=1)
    sweep: dict[str, list[Any]] = Field(default={}, description="Dotted key → values; a plain cross product.")
    seeds: list[NonNegativeInt] = Field(default=[0], min_length=1)


def json_schema() -> dict[str, Any]:
    """The JSON schema of an experiment YAML, for editors."""
    return Experiment.model_json_schema()
