"""Panels of lines, tornadoes and maps."""

import numpy as np
from matplotlib.figure import Figure

from s3sim.report.figures import Bar, Line, maps, panels, tornado


def texts(figure: Figure, axes: int = 0) -> list[str]:
    """What is written into a panel."""
    return [text.get_text() for text in figure.axes[axes].texts]


def test_each_line_is_drawn_through_its_points_with_its_band() -> None:
    """A panel per key, a line per system, a band where there is an interval, and the limit in each."""
    one = Line(name="orca", x=[1, 2, 4], y=[10, 20, 30], low=[9, 18, 27], high=[11, 22, 33])
    other = Line(name="s3", x=[1, 2, 4], y=[10, 25, 40])
    figure = panels({"a": [one, other], "b": [other]}, x="x", y="y", log="x", limit=15, limit_name="limit")
    first, second = figure.axes
    assert [line.get_ydata().tolist() for line in first.lines[:2]] == [[10, 20, 30], [10, 25, 40]]  # type: ignore[union-attr]
    assert (len(first.lines), len(second.lines)) == (3, 2)
    assert (len(first.collections), len(second.collections)) == (1, 0)
    assert first.get_xscale() == "log"
    assert first.get_ylim()[1] > 40


def test_a_tornado_puts_the_farthest_on_top() -> None:
    """Bars go from the base to the value, in the order of their distance."""
    figure = tornado([Bar("near", 4.1, 4.0, 4.2), Bar("far", 1.5, 1.4, 1.6)], base=4.0, x="ratio")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["near", "far"]
    assert np.allclose([bar.get_width() for bar in axes.patches], [0.1, -2.5])  # type: ignore[attr-defined]


def test_a_map_says_its_ratios_and_words() -> None:
    """Each cell bears its own number and word; a dash where there is no number."""
    values = {"gain": np.array([[1.0, 4.0], [np.nan, 0.5]])}
    words = [["a", "b"], ["c", "d"]]
    figure = maps(values, words, columns=["1", "2"], rows=["x", "y"], x="length", y="load")
    assert texts(figure) == ["1.00×\na", "4.00×\nb", "–\nc", "0.50×\nd"]
