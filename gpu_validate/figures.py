"""Figures of a validation; none where matplotlib is absent."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpu_validate.analysis import StudyResult
from gpu_validate.compare import Comparison

__all__ = ["draw_figures"]

PERCENT = 100
COLOURS = {"met": "#2a7f4f", "missed": "#c0392b", "not_measurable": "#8a8a8a"}


def draw_figures(folder: Path, name: str, results: Sequence[StudyResult]) -> list[Path]:
    """Write a figure of errors and spreads for each study; the files in order."""
    if find_spec("matplotlib") is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    return [_draw(folder / f"{name}-{result.study.name}.png", result) for result in results]


def _draw(path: Path, result: StudyResult) -> Path:
    from matplotlib.figure import Figure  # noqa: PLC0415  may be absent

    entries = [entry for entry in result.comparisons if entry.status]
    figure = Figure(figsize=(7.5, 1.2 + 0.2 * len(entries)), layout="constrained")
    axes = figure.subplots()
    for place, entry in enumerate(reversed(entries)):
        _bar(axes, place, entry)
    axes.set_yticks(range(len(entries)), [f"{e.scenario} {e.system} {e.metric}" for e in reversed(entries)], fontsize=7)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("simulated ÷ measured - 1, %\n(line: half the spread of the repeats; band: target)")
    axes.set_title(f"{result.study.name}: green met, red missed, grey not measurable", fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


def _bar(axes: Any, place: int, entry: Comparison) -> None:
    target = (entry.target or 0.0) * PERCENT
    axes.barh(place, 2 * target, left=-target, height=0.9, color="#dfe8f3", zorder=0)
    axes.errorbar(
        entry.error * PERCENT,
        place,
        xerr=entry.real_spread * PERCENT / 2,
        fmt="o",
        markersize=3.5,
        linewidth=1,
        color=COLOURS[entry.status or "not_measurable"],
    )
