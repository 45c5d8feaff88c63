"""What holds for every figure: names and units, legible legends, one look for a system."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from s3sim.policies.registry import SYSTEMS
from s3sim.report.figures.axes import LABELS, label
from s3sim.report.figures.style import KNOWN, looks
from s3sim.report.summary import METRICS
from tests.report.drawn import ALL, BARS, MANY, NAMES, cdf_figure, curve_figure


@pytest.mark.parametrize("figure", ALL.values(), ids=ALL)
def test_axes_bear_names_and_units(figure: Callable[[], Figure]) -> None:
    """Every axis that has numbers is labelled, by itself or for the whole figure; quantities bear their unit."""
    drawn = figure()
    vertical = drawn.get_supylabel()
    for axes in drawn.axes:
        spec = axes.get_subplotspec()
        assert spec is not None
        assert axes.get_xlabel() or not spec.is_last_row()
        assert vertical or axes.get_ylabel() or not spec.is_first_col()
        for text in (axes.get_xlabel(), axes.get_ylabel(), vertical):
            assert text in ("", "System", "Share of finished requests") or text.endswith(")")


@pytest.mark.parametrize("figure", ALL.values(), ids=ALL)
def test_legends_and_titles_cover_no_data(figure: Callable[[], Figure]) -> None:
    """Once laid out, legends lie within the figure and beside every panel and its labels, and panels do not touch."""
    drawn = figure()
    drawn.draw_without_rendering()
    boxes = [legend.get_window_extent() for legend in drawn.legends]
    assert len(boxes) == (0 if figure in BARS else 1)
    panels = [axes.get_window_extent() for axes in drawn.axes]
    labelled = [box for axes in drawn.axes if (box := axes.get_tightbbox()) is not None]
    for box in boxes:
        assert drawn.bbox.x0 <= box.x0 <= box.x1 <= drawn.bbox.x1
        assert drawn.bbox.y0 <= box.y0 <= box.y1 <= drawn.bbox.y1
        assert not any(box.overlaps(panel) for panel in panels + labelled)
    assert not any(one.overlaps(other) for one, other in combinations(panels, 2))
    assert all(panel.width > 100 and panel.height > 50 for panel in panels)


def test_limits_are_lines() -> None:
    """A limit on the metric that is drawn is a line there, and nowhere else."""
    heights = [line.get_ydata() for line in curve_figure().axes[0].lines]
    assert any(np.array_equal(np.asarray(height), [180.0, 180.0]) for height in heights)
    places = [[line.get_xdata() for line in axes.lines] for axes in cdf_figure().axes]
    assert [any(np.array_equal(np.asarray(x), [300.0, 300.0]) for x in panel) for panel in places] == [
        True,
        False,
        False,
    ]


def test_a_system_looks_the_same_in_every_figure() -> None:
    """Known systems keep their look in any company; others get different ones, in no order but their names'."""
    for names in (NAMES, ("s3",), ("zeta", "s3", "alpha")):
        assert all(look == KNOWN[name] for name, look in looks(names).items() if name in KNOWN)
    assert looks(["b", "a"]) == looks(["a", "b"])
    found = list(looks([*MANY, "a", "b", "c", "d"]).values())
    assert len({look.colour for look in found}) == len({look.marker for look in found}) == len(MANY) + 4
    assert set(SYSTEMS) <= set(KNOWN)


def test_every_metric_has_a_label_with_its_unit() -> None:
    """Whatever is put on an axis says what it is, and in which unit, and no two metrics say the same."""
    texts = [label(metric) for metric in METRICS]
    assert all(text.endswith(")") and text[0].isupper() for text in texts)
    assert len(set(texts)) == len(texts)
    assert set(LABELS.values()) >= {label("request_throughput"), label("ttft_ms")}


# Machado, Oliveira, Fernandes (2009), severity 1: what dichromats see, in linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour as an eye sees it, in CIELAB."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(eye @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES.values(), ids=EYES)
def test_systems_are_told_apart_by_every_eye(eye: NDArray[np.float64]) -> None:
    """The first five systems' colours are at least 30 apart (CIE76), for dichromats too, twelve 19, and all 17."""
    colours = [lab(look.colour, np.asarray(eye)) for look in KNOWN.values()]
    assert tuple(KNOWN)[:5] == ("orca", "s3", "oracle_bucket", "oracle_exact", "vllm")
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours[:5], 2)) >= 30
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours[:12], 2)) >= 19
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours, 2)) >= 17
