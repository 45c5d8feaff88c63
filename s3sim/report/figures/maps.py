"""Maps: a number, and perhaps a word, over two settings."""

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from s3sim.report.figures.style import Picture, in_style

__all__ = ["maps"]

DARK = 1.7  # |log2| of a ratio from which black is hard to read
Reals = NDArray[np.float64]


@in_style
def maps(
    values: Mapping[str, Reals],
    words: Sequence[Sequence[str]],
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    x: str,
    y: str,
    title: str = "",
) -> Figure:
    """A panel per key, each a matrix of ratios of shape (rows, columns): violet above 1, orange below.

    In each cell stands its ratio ("–" for NaN) and, under it, the word of that cell.
    """
    figure = Picture(figsize=(1.0 + 5.2 * len(values), 1.6 + 0.62 * len(rows)), layout="constrained")
    grid = figure.subplots(1, len(values), squeeze=False, sharey=True)[0]
    for axes, (name, matrix) in zip(grid, values.items(), strict=True):
        axes.imshow(np.log2(matrix), cmap="PuOr", norm=TwoSlopeNorm(0, -3, 3), aspect="auto", origin="lower", alpha=0.8)
        for (row, column), value in np.ndenumerate(matrix):
            text = "–" if isnan(value) else f"{value:.2f}×"
            ink = "white" if abs(np.log2(value)) > DARK else "black"
            axes.text(column, row, f"{text}\n{words[row][column]}", ha="center", va="center", fontsize=8, color=ink)
        axes.set_xticks(range(len(columns)), list(columns))
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set(title=name, xlabel=x)
        axes.grid(visible=False)
    grid[0].set_ylabel(y)
    figure.suptitle(title)
    return figure
