"""What a trace asks of a server: lengths, and how they are tied; arrivals, and how they bunch."""

from math import log10
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.report.figures.axes import LIMIT_COLOUR, legend_below, log_scale
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Picture, in_style

__all__ = ["trace_arrivals", "trace_lengths"]

Reals = NDArray[np.float64]
PICOSECONDS = 10**12  # in a second
PROMPT, OUTPUT = "#046CEE", "#D55E00"  # colours
POINTS = 501  # quantiles to a curve
BINS = 120  # of the time axis, at most
CELLS = 45  # of the joint density, each way


@in_style
def trace_lengths(trace: pd.DataFrame, *, title: str = "") -> Figure:
    """Shares of requests by prompt and by output tokens, and the density of both together, on logarithmic axes.

    `trace` has columns prompt_tokens and output_tokens. Raises InputError for a missing column.
    """
    require_columns(trace, ["prompt_tokens", "output_tokens"])
    prompt, output = (trace[name].to_numpy(dtype=np.float64) for name in ("prompt_tokens", "output_tokens"))
    figure = Picture(figsize=(8.6, 3.9), layout="constrained")
    shares, joint = figure.subplots(1, 2)
    for tokens, colour in ((prompt, PROMPT), (output, OUTPUT)):
        levels = np.linspace(0, 1, POINTS)
        shares.plot(np.quantile(tokens, levels), levels, color=colour, linewidth=1.6)
    shares.set(xlabel="Tokens", ylabel="Share of requests at or below", ylim=(0, 1.02))
    _log(shares, "x", np.concatenate([prompt, output]))
    _density(figure, joint, prompt, output)
    figure.suptitle(title or "Lengths")
    names = ((f"prompt, mean {prompt.mean():,.0f}", PROMPT), (f"output, mean {output.mean():,.0f}", OUTPUT))
    legend_below(figure, [Line2D([], [], color=colour, label=name) for name, colour in names])
    return figure


def _density(figure: Figure, axes: Axes, prompt: Reals, output: Reals) -> None:
    edges = [_edges(values) for values in (prompt, output)]
    counts, *_ = np.histogram2d(prompt, output, bins=edges)
    norm = LogNorm(1, max(counts.max(), 2))
    image = axes.pcolormesh(
        *edges, np.where(counts > 0, counts, np.nan).T, norm=norm, cmap="viridis_r", rasterized=True
    )
    axes.set(xlabel="Prompt tokens", ylabel="Output tokens")
    _log(axes, "x", prompt)
    _log(axes, "y", output)
    figure.colorbar(image, ax=axes, label="Requests per cell")


def _edges(tokens: Reals) -> Reals:
    """Cells of equal width on a logarithmic axis, but none narrower than one token."""
    return np.asarray(np.unique(np.floor(np.geomspace(tokens.min(), tokens.max() + 1, CELLS))) - 0.5)


def _log(axes: Axes, which: Any, values: Reals) -> None:
    low, high = float(values.min()), float(values.max())
    if high < 2 * low:  # hardly any range: show the surroundings, or ticks would repeat
        low, high = low / 2, high * 2
        axes.set(**{f"{which}lim": (low, high)})
    log_scale(axes, which, decades=log10(high / low))


@in_style
def trace_arrivals(trace: pd.DataFrame, *, title: str = "") -> Figure:
    """Arrivals per second over time, and the shares of gaps that are longer, beside a Poisson process of that rate.

    `trace` has a column arrival_ps. Raises InputError for a missing column, and where all arrive at once.
    """
    require_columns(trace, ["arrival_ps"])
    seconds = trace["arrival_ps"].to_numpy(dtype=np.float64) / PICOSECONDS
    if len(seconds) < 2 or seconds[-1] == seconds[0]:
        raise InputError("all requests arrive at once, so there are no arrivals to draw")
    figure = Picture(figsize=(8.6, 3.9), layout="constrained")
    over_time, gaps = figure.subplots(1, 2)
    rate = (len(seconds) - 1) / (seconds[-1] - seconds[0])
    _rates(over_time, seconds, rate)
    _gaps(gaps, np.diff(seconds))
    figure.suptitle(title or "Arrivals")
    poisson = Line2D([], [], color=LIMIT_COLOUR, linestyle="--", label=f"mean, {rate:,.3g} requests/s; Poisson at it")
    legend_below(figure, [Line2D([], [], color=PROMPT, label="the trace"), poisson])
    return figure


def _rates(axes: Axes, seconds: Reals, rate: float) -> None:
    count = int(np.clip(len(seconds) / 20, 5, BINS))
    numbers, edges = np.histogram(seconds, bins=count)
    axes.stairs(numbers / np.diff(edges), edges, color=PROMPT, linewidth=1.4)
    axes.axhline(rate, color=LIMIT_COLOUR, linestyle="--", linewidth=1.2)
    axes.set(xlabel="Time since the start (s)", ylabel="Arrivals (requests/s)", ylim=(0, None))
    axes.set_title(f"in bins of {edges[1] - edges[0]:,.3g} s", fontsize="small")


def _gaps(axes: Axes, gaps: Reals) -> None:
    """The share of gaps beyond each length: straight for a Poisson process, above it where arrivals bunch."""
    mean = float(gaps.mean())
    longer = np.unique(np.geomspace(1, len(gaps), POINTS).astype(int))  # dense where the shares are small
    axes.plot(np.sort(gaps)[-longer], longer / len(gaps), color=PROMPT, linewidth=1.6, drawstyle="steps-post")
    across = np.linspace(0, min(float(gaps.max()), mean * np.log(10 * len(gaps))), POINTS)
    axes.plot(across, np.exp(-across / mean), color=LIMIT_COLOUR, linestyle="--", linewidth=1.2)
    axes.set(xlabel="Gap between arrivals (s)", ylabel="Share of gaps that are longer", yscale="log")
    axes.set_ylim(0.5 / len(gaps), 1.3)
    axes.set_title(f"coefficient of variation {gaps.std() / mean:.2f}", fontsize="small")
