"""Which way each metric is better, for those who compare."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from s3sim.report.meanings import LATENCIES, STATISTICS

__all__ = ["BETTER", "Better"]

Better = Literal["higher", "lower", "neither"]

_HIGHER = (
    "completed",
    "request_throughput",
    "output_throughput",
    "total_token_throughput",
    "slo_attainment",
    "request_goodput",
    "kv_used_fraction",
    "mfu",
    "compute_utilisation",
    "bandwidth_utilisation",
)
_LOWER = (
    "rejected",
    "unfinished",
    "saturated",
    "too_short",
    *(f"{statistic}_{name}_ms" for name in LATENCIES for statistic in STATISTICS),
    "normalized_latency_ms",
    "kv_waste_fraction",
    "external_fragmentation",
    "preemptions",
    "swapped_bytes",
    "recomputed_tokens",
    "host_full_recomputes",
    "restarts",
    "out_of_memory",
    "compactions",
    "relocated_bytes",
    "overrun_rate",
    "under_predicted_rate",
    "padding_fraction",
    "over_length",
    "over_length_dropped",
    "over_length_truncated",
    "invalid_rows_dropped",
)
_NEITHER = (  # what was asked, or what is good or bad by its cause
    "duration_s",
    "window_start_s",
    "window_end_s",
    "measured_requests",
    "offered_rate",
    "burst_batches",
    "throughput_bound",
    "mean_batch_size",
    "kv_reserved_fraction",
)

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        **dict.fromkeys(_HIGHER, "higher"),
        **dict.fromkeys(_LOWER, "lower"),
        **dict.fromkeys(_NEITHER, "neither"),
    }
)
