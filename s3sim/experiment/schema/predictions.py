"""What an experiment YAML may say of predictors."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from s3sim.experiment.schema.parts import DAY, Mapping
from s3sim.predictors.predictor import PREDICTION_SECONDS, RETRAIN_SECONDS_PER_ROW

__all__ = ["Predictor"]

BUCKETS = Field(default=10, ge=1, description="Buckets over max_length; the paper has 10. null: exact tokens.")
MARGIN = Field(default=0, ge=0, le=10**4, description="Safety margin: so many buckets above the likeliest one.")
QUANTILE = Field(
    default=None,
    gt=0,
    lt=1,
    description="Safety margin: the bucket of this quantile of what is foreseen, not the likeliest.",
)
CHARGED_TO: Any = Field(
    default="host", description="gpu: the device computes predictions, and retraining, between steps, which wait."
)
SECONDS = Field(default=PREDICTION_SECONDS, ge=0, le=DAY, description="Time of one prediction, charged to its request.")
CONCURRENCY = Field(default=None, ge=1, le=10**6, description="Predictions at one time; null: they never queue.")


ChargedTo = Literal["host", "gpu"]


class Charged(Mapping):
    """What every predictor costs."""

    seconds: float = SECONDS
    concurrency: int | None = CONCURRENCY
    charged_to: ChargedTo = CHARGED_TO

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        if self.charged_to == "gpu" and self.concurrency is not None:
            raise PydanticCustomError("one_at_a_time", "concurrency has no meaning with charged_to: gpu; leave it out")
        return self


class OraclePredictor(Charged):
    """Knows the true length."""

    kind: Literal["oracle"]
    buckets: int | None = BUCKETS


class ConstantPredictor(Charged):
    """Foresees the same length for everybody."""

    kind: Literal["constant"]
    tokens: PositiveInt = Field(description="Output tokens.")


class NoisyPredictor(Charged):
    """The true length with an error: a factor's logarithm, or tokens, of standard deviation sigma."""

    kind: Literal["noisy"]
    sigma: float = Field(ge=0, description="Standard deviation: of the factor's logarithm, or in tokens.")
    error: Literal["multiplicative", "additive"] = Field(default="multiplicative", description="A factor, or tokens.")
    buckets: int | None = BUCKETS
    margin_buckets: int = MARGIN
    quantile: float | None = QUANTILE


class ConfusionPredictor(Charged):
    """Draws the predicted bucket from a confusion matrix: a file's, or one of given accuracy."""

    kind: Literal["confusion"]
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Chance of the right bucket; in place of `matrix`."
    )
    spread: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.3, description="Each bucket farther off is this much less likely; about 1.4 buckets off on average."
    )
    matrix: str | None = Field(default=None, description="CSV: a row per true bucket, a column per predicted one.")
    buckets: PositiveInt = Field(default=10, description="Equal ones over max_length; the paper has 10.")
    edges: list[PositiveInt] | None = Field(
        default=None, min_length=1, description="Upper edges of the buckets, tokens; null: equal ones over max_length."
    )
    skill: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=0.0,
        description="Mixed with a better one, 1: always right, or a worse one, -1: knows how often each comes.",
    )
    margin_buckets: int = MARGIN
    quantile: float | None = QUANTILE

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.matrix is None) == (self.accuracy is None):
            raise PydanticCustomError("one_source", "give either `matrix`, a CSV, or `accuracy`, from 0 to 1")
        return self


class RecordedPredictor(Charged):
    """What the workload's trace says was predicted: its column predicted_tokens, as `s3sim predictor record` adds."""

    kind: Literal["recorded"]


class OnlinePredictor(Charged):
    """Learns, while it is used, from the requests that have ended; knows nothing at first, unless from `model`."""

    kind: Literal["online"]
    learner: Literal["frequencies", "sgd", "encoder"] = Field(
        default="sgd", description="Of buckets by prompt length; scikit-learn on hashed words; a trained predictor."
    )
    model: str | None = Field(default=None, description="For learner: encoder, the folder of a trained predictor.")
    texts: str | None = Field(default=None, description="A table with the prompts by id: columns id and prompt.")
    buckets: PositiveInt = Field(default=10, description="Equal ones over max_length; the paper has 10.")
    edges: list[PositiveInt] | None = Field(
        default=None, min_length=1, description="Upper edges of the buckets, tokens; null: equal ones over max_length."
    )
    margin_buckets: int = MARGIN
    quantile: float | None = QUANTILE
    collect: Literal["mispredicted", "all"] = Field(
        default="mispredicted", description="Which ended requests are learnt; the paper has the mispredicted ones."
    )
    overruns: bool = Field(default=False, description="Learn that a length is above, as soon as it overruns.")
    retrain_every: PositiveInt = Field(default=256, description="Collected requests between two retrainings.")
    window: PositiveInt = Field(default=2048, description="The latest collected requests, which a retraining learns.")
    max_versions: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Retrainings after which it stays as it is; 0: never retrained; null: no limit."
    )
    retrain_s: float = Field(default=0.0, ge=0, le=DAY, description="Fixed time of a retraining.")
    retrain_s_per_row: float = Field(
        default=RETRAIN_SECONDS_PER_ROW, ge=0, le=DAY, description="Time of a retraining per request that it learns."
    )

    @model_validator(mode="after")
    def _model_fits(self) -> Self:
        if (self.learner == "encoder") != (self.model is not None):
            raise PydanticCustomError("model", "`model` is for learner: encoder, which needs it")
        return self


Predictor = Annotated[
    OraclePredictor | ConstantPredictor | NoisyPredictor | ConfusionPredictor | RecordedPredictor | OnlinePredictor,
    Field(discriminator="kind"),
]
