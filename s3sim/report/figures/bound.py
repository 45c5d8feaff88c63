"""The upper bound of throughput in a figure: a dashed line, where it is one for all that is drawn."""

from typing import Any, Final

import pandas as pd

__all__ = ["BOUND", "BOUNDED", "BOUND_LABEL", "BOUND_LINE", "ON_LINE", "common_bound"]

BOUNDED: Final = "request_throughput"  # the metric that it bounds
BOUND: Final = "throughput_bound"
BOUND_LABEL: Final = "upper bound (relaxation)"
BOUND_LINE: Final[dict[str, Any]] = {"color": "#666666", "linestyle": "--", "linewidth": 1.0, "zorder": 0.5}
ON_LINE: Final[dict[str, Any]] = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
SAME = 1e-9  # relative; sums of the same requests in another order


def common_bound(summary: pd.DataFrame) -> float | None:
    """The mean over seeds of the bound; None where some row has none, or rows of a seed differ."""
    if BOUND not in summary.columns or summary.empty or summary[BOUND].isna().any():
        return None
    of_seeds = summary.groupby("seed")[BOUND] if "seed" in summary.columns else summary.groupby(lambda _: 0)[BOUND]
    low, high = of_seeds.min(), of_seeds.max()
    return float(low.mean()) if bool((high <= (1 + SAME) * low).all()) else None
