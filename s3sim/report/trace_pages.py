"""The figures of a trace, as files."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from s3sim.core.errors import SystemFaultError
from s3sim.report.figures.style import save
from s3sim.report.figures.trace import trace_arrivals, trace_lengths

__all__ = ["draw_trace", "trace_figures"]

KINDS = ("png", "svg")


def trace_figures(trace: pd.DataFrame, *, name: str) -> dict[str, Figure]:
    """`lengths` and, unless all requests arrive at once, `arrivals` of a `Trace.to_frame()`."""
    figures = {"lengths": trace_lengths(trace, title=f"{name}: lengths")}
    if trace["arrival_ps"].nunique() > 1:
        figures["arrivals"] = trace_arrivals(trace, title=f"{name}: arrivals")
    return figures


def draw_trace(trace: pd.DataFrame, folder: Path, *, name: str) -> list[Path]:
    """Draw `<name>-lengths` and, unless all requests arrive at once, `<name>-arrivals`, as PNG and SVG.

    `trace` is a `Trace.to_frame()`. Raises SystemFaultError where a picture cannot be written.
    """
    figures = trace_figures(trace, name=name)
    pictures = [folder / f"{name}-{what}.{kind}" for what in figures for kind in KINDS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in pictures:
            save(figures[path.stem.rpartition("-")[2]], path)
    except OSError as error:
        raise SystemFaultError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return pictures
