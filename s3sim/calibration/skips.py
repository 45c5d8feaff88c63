"""Why a row is not foretold: a closed list, so that nothing is dropped silently."""

from dataclasses import dataclass
from enum import StrEnum

from s3sim.calibration.rows import Row

__all__ = ["Reason", "Skip"]


class Reason(StrEnum):
    """The reasons for which a row is counted, but not foretold."""

    BEAM_SEARCH = "beam_search"  # several beams per request: not what greedy decoding computes
    UNKNOWN_METRIC = "unknown_metric"
    UNKNOWN_ENGINE = "unknown_engine"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_GPU = "unknown_gpu"
    UNKNOWN_PRECISION = "unknown_precision"
    MISSING_LENGTHS = "missing_lengths"  # batch, input_len or output_len, which the metric needs
    NOT_COMPARABLE = "not_comparable"  # a target, or a way to split that is not simulated
    NOT_FITTED = "not_fitted"  # a metric that checks, but fixes no constant
    TOO_FEW_ROWS = "too_few_rows"  # of its engine, to fix that engine's constants
    DOES_NOT_FIT = "does_not_fit"  # foretold to run out of memory, yet measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A row that is not foretold, and why."""

    row: Row
    reason: Reason
    detail: str
