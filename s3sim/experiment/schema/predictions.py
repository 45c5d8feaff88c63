"""What an experiment YAML may say of predictors."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from s3sim.experiment.schema.parts import DAY, Mapping
from s3sim.predictors.predictor import PREDICTION_SECONDS

__all__ = ["Predictor"]

BUCKETS = Field(default=10, ge=1, description="Buckets over max_length; the paper has 10. null: exact tokens.")
SECONDS = Field(default=PREDICTION_SECONDS, ge=0, le=DAY, description="Time of one prediction, charged to its request.")
CONCURRENCY = Field(default=None, ge=1, le=10**6, description="Predictions at one time; null: they never queue.")


class OraclePredictor(Mapping):
    """Knows the true length."""

    kind: Literal["oracle"]
    buckets: int | None = BUCKETS
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


class ConstantPredictor(Mapping):
    """Foresees the same length for everybody."""

    kind: Literal["constant"]
    tokens: PositiveInt
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


class NoisyPredictor(Mapping):
    """The true length with an error: a factor's logarithm, or tokens, of standard deviation sigma."""

    kind: Literal["noisy"]
    sigma: Annotated[float, Field(ge=0)]
    error: Literal["multiplicative", "additive"] = "multiplicative"
    buckets: int | None = BUCKETS
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


class ConfusionPredictor(Mapping):
    """Draws the predicted bucket from a confusion matrix: a file's, or one of given accuracy."""

    kind: Literal["confusion"]
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    spread: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.3, description="Each bucket farther off is this much less likely; about 1.4 buckets off on average."
    )
    matrix: str | None = Field(default=None, description="CSV: a row per true bucket, a column per predicted one.")
    buckets: PositiveInt = 10
    edges: list[PositiveInt] | None = Field(
        default=None, min_length=1, description="Upper edges of the buckets, tokens; null: equal ones over max_length."
    )
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.matrix is None) == (self.accuracy is None):
            raise PydanticCustomError("one_source", "give either `matrix`, a CSV, or `accuracy`, from 0 to 1")
        return self


class RecordedPredictor(Mapping):
    """What the workload's trace says was predicted: its column predicted_tokens, as `s3sim predictor record` adds."""

    kind: Literal["recorded"]
    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY


Predictor = Annotated[
    OraclePredictor | ConstantPredictor | NoisyPredictor | ConfusionPredictor | RecordedPredictor,
    Field(discriminator="kind"),
]
