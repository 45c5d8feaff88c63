"""How a length predictor errs: its confusion matrix, and whether its chances can be believed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from s3sim.core.errors import InputError
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Picture, in_style

__all__ = ["calibration", "confusion_matrix"]

HALF = 0.5  # share of a row from which its number is written in white
BINS = 10  # of the chance that a bucket was given
FEW = 10  # rows below which a bin's share says little


@in_style
def confusion_matrix(matrix: ArrayLike, edges: Sequence[int], *, title: str = "") -> Figure:
    """Shares of each true bucket's rows (down) by foreseen bucket (across), with the counts written in.

    `matrix` has shape (buckets, buckets); `edges` are upper edges in tokens. Raises InputError where they disagree.
    """
    counts = np.asarray(matrix, dtype=float)
    if counts.shape != (len(edges), len(edges)):
        raise InputError(f"confusion matrix of shape {counts.shape} with {len(edges)} edges: a row and column for each")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Picture(figsize=(2.4 + 0.52 * len(edges), 2.0 + 0.46 * len(edges)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(counts > 0).tolist():
        colour = "white" if shares[row, column] > HALF else "black"
        axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    names = _ranges(edges)
    axes.set_xticks(range(len(edges)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(edges)), names)
    axes.grid(visible=False)
    axes.set_xlabel("Foreseen bucket (output tokens)")
    axes.set_ylabel("True bucket (output tokens)")
    figure.colorbar(image, ax=axes, label="share of the true bucket's requests")
    figure.suptitle(title)
    return figure


def _ranges(edges: Sequence[int]) -> list[str]:
    lows = [1, *(edge + 1 for edge in edges[:-1])]
    return [f"{low}–{high}" for low, high in zip(lows, edges, strict=True)]


@in_style
def calibration(rows: pd.DataFrame, levels: pd.DataFrame, *, title: str = "") -> Figure:
    """Left: how often the likeliest bucket was right, by the chance it was given. Right: how many outputs kept
    below each quantile of their foreseen distribution. On the dashed lines chances can be believed.

    `rows` has `chance` and `hit` (true or false) for each request; `levels` has `level` and `share`. Raises
    InputError for missing columns.
    """
    require_columns(rows, ["chance", "hit"])
    require_columns(levels, ["level", "share"])
    figure = Picture(figsize=(9.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _reliability(left, rows["chance"].to_numpy(dtype=float), rows["hit"].to_numpy(dtype=float))
    right.plot([0, 1], [0, 1], linestyle="--", color="#777777", linewidth=1)
    right.plot(levels["level"], levels["share"], color="#046CEE", marker="s", markersize=3.5)
    right.set_xlabel("Quantile of the foreseen distribution")
    right.set_ylabel("Share of outputs not longer")
    for axes in (left, right):
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    figure.suptitle(title)
    return figure


def _wilson(hits: int, rows: int) -> tuple[float, float]:
    """95% interval of a share, within 0 and 1 (Wilson, 1927)."""
    from scipy.stats import binomtest  # noqa: PLC0415 - a second that other figures need not wait

    low, high = binomtest(hits, rows).proportion_ci(method="wilson")
    return float(low), float(high)


def _reliability(axes: Axes, chance: NDArray[np.float64], hit: NDArray[np.float64]) -> None:
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    axes.plot([0, 1], [0, 1], linestyle="--", color="#777777", linewidth=1)
    for number in np.unique(place).tolist():
        inside = place == number
        rows, share = int(inside.sum()), float(hit[inside].mean())
        low, high = _wilson(int(hit[inside].sum()), rows)
        colour = "#046CEE" if rows >= FEW else "#A5A5A5"
        reach = [[share - low], [high - share]]
        look: dict[str, Any] = {"color": colour, "marker": "s", "markersize": 5, "capsize": 3}
        axes.errorbar(float(chance[inside].mean()), share, yerr=reach, **look)
        axes.annotate(
            f"{rows}", (float(chance[inside].mean()), share), (6, -10), textcoords="offset points", fontsize=8
        )
    axes.set_xlabel("Chance given to the likeliest bucket")
    axes.set_ylabel("Share in which it was right")
    axes.set_title("numbers: requests; lines: 95% interval", fontsize=8)
