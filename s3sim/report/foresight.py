"""How well lengths were foreseen over time, and what the mistakes cost, from the table of requests."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["FORESIGHT", "foresight_series"]

FORESIGHT = ("id", "arrival_s", "finished_s", "predicted_tokens", "output_tokens", "preemptions")  # columns it reads


def foresight_series(requests: pd.DataFrame, edges: Sequence[int], *, bins: int = 30) -> pd.DataFrame:
    """Means over `bins` equal bins of time: time_s (the bin's middle), accuracy, preemptions, throughput.

    Accuracy is the share of the finished requests that arrived in the bin for which the upper edge of their
    own bucket (`edges`, in tokens) was said; preemptions are per such request; throughput counts requests per
    second that finished in the bin. Null where a bin has none.
    """
    done = requests[requests["finished_s"].notna()]
    if done.empty:
        return pd.DataFrame(columns=["time_s", "accuracy", "preemptions", "throughput"], dtype=float)
    limits = np.linspace(0, float(done["finished_s"].max()), bins + 1)
    upper = np.asarray(edges)
    output = done["output_tokens"].to_numpy(np.int64)
    own = upper[np.minimum(np.searchsorted(upper, output), len(upper) - 1)]
    cells = pd.DataFrame(
        {
            "accuracy": (own == done["predicted_tokens"].to_numpy(np.int64)).astype(float),
            "preemptions": done["preemptions"].to_numpy(float),
        }
    )
    arrived = np.clip(np.searchsorted(limits, done["arrival_s"], side="right") - 1, 0, bins - 1)
    means = cells.groupby(arrived).mean().reindex(range(bins))
    finished = np.histogram(done["finished_s"], limits)[0] / np.diff(limits)
    return means.assign(time_s=(limits[1:] + limits[:-1]) / 2, throughput=finished)
