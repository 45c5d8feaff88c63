"""What an experiment YAML may say of traffic beyond the plain kinds: changing rates, users, tables, text files."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from s3sim.experiment.schema.parts import Mapping
from s3sim.workload.closed_loop import DAY, MAX_USERS

__all__ = [
    "CONSTANTS",
    "PRUNE",
    "SORT",
    "TIME_UNIT",
    "TOKENIZER",
    "ClosedLoopArrivals",
    "DiurnalArrivals",
    "MarkovModulatedArrivals",
    "Prune",
    "QuantileTokens",
    "TimeUnit",
]

Rate = Annotated[float, Field(ge=0)]


class QuantileTokens(Mapping):
    """Lengths from a table of quantiles, with straight lines between them."""

    kind: Literal["quantiles"]
    levels: list[float] = Field(min_length=2, description="Probabilities, rising from 0 to 1.")
    values: list[float] = Field(min_length=2, description="Tokens that this share does not exceed; never falling.")


class MarkovModulatedArrivals(Mapping):
    """Poisson at a rate that jumps between two states (MMPP): bursts that come and go."""

    kind: Literal["markov_modulated"]
    rates: list[Rate] = Field(min_length=2, max_length=2, description="Requests/s in either state; one may be 0.")
    sojourns_s: list[PositiveFloat] = Field(min_length=2, max_length=2, description="Mean seconds in either state.")


class DiurnalArrivals(Mapping):
    """Poisson at a rate that follows a sine: rate·(1 + amplitude·sin(2π·(t/period_s + phase)))."""

    kind: Literal["diurnal"]
    rate: PositiveFloat
    amplitude: Annotated[float, Field(ge=0, le=1)]
    period_s: PositiveFloat = DAY
    phase: Annotated[float, Field(ge=0, le=1)] = 0.0


class ClosedLoopArrivals(Mapping):
    """Users who think, ask, wait for the answer, and think again; each has at most one request in the system."""

    kind: Literal["closed_loop"]
    users: int = Field(ge=1, le=MAX_USERS, description="How many.")
    think_time_s: Annotated[float, Field(ge=0, le=DAY)] = Field(default=0.0, description="Mean, in seconds.")
    think_time: Literal["exponential", "constant"] = Field(default="exponential", description="Its distribution.")


class PruneLimits(Mapping):
    """Rows outside of these limits are left out, and counted."""

    min_prompt_tokens: PositiveInt | None = None
    min_output_tokens: PositiveInt | None = None
    max_prompt_tokens: PositiveInt | None = None
    max_output_tokens: PositiveInt | None = None
    max_total_tokens: PositiveInt | None = None


Prune = Literal["none", "vllm"] | PruneLimits
TimeUnit = Literal["s", "ms", "us", "ns", "ps"] | None

# fields of a recorded trace
CONSTANTS: Any = Field(default={}, description="A column that the file lacks → the value that every row gets.")
TIME_UNIT: Any = Field(default=None, description="Unit of the arrivals; null: the format's own.")
SORT: Any = Field(default=False, description="Put rows in order of arrival; false: rows out of order are an error.")
TOKENIZER: Any = Field(
    default=None, description="tokenizer.json, or GPT-2's encoder.json beside vocab.bpe, for formats that hold texts."
)
PRUNE: Any = Field(default="none", description="Leave out rows by length; vllm: as its ShareGPT loader does.")
