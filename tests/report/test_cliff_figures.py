"""Utilisation against the limit of the batch: where memory stops its growth."""

import numpy as np
from matplotlib.figure import Figure

from s3sim.report.figures import utilisation
from tests.report.drawn import MANY, NAMES, cliff_figure, sweep


def rings(figure: Figure, panel: int) -> list[tuple[float, float]]:
    """The points that are ringed."""
    lines = [line for line in figure.axes[panel].lines if line.get_fillstyle() == "none"]
    return [(float(np.asarray(line.get_xdata())[0]), float(np.asarray(line.get_ydata())[0])) for line in lines]


def test_the_cliff_is_where_the_batch_stops_growing() -> None:
    """Ringed is the first value from which on the batch is no larger: 64 for 20 sequences, null for 64 and more."""
    figure = cliff_figure()
    assert rings(figure, 2) == [(64.0, 20.0), (64.0, 40.0), (64.0, 60.0), (64.0, 64.0), (64.0, 64.0)]
    assert rings(figure, 0) == [(64.0, 0.2), (64.0, 0.4), (64.0, 0.6), (64.0, 0.64), (64.0, 0.64)]
    texts = [text.get_text() for text in figure.axes[2].texts]
    assert texts == [f"{name}: batch {min(64, 20 * (rank + 1))}" for rank, name in enumerate(NAMES)]
    legend = [text.get_text() for text in cliff_figure(MANY).legends[0].get_texts()]
    assert "orca: batch 20" in legend
    assert not cliff_figure(MANY).axes[2].texts


def test_no_cliff_without_a_rise_before_or_after() -> None:
    """A level curve may not heed the limit, and one that still rises has met no wall, unless nothing limited it."""
    level = sweep().assign(mean_batch_size=7.0)
    assert rings(utilisation(level), 2) == []
    rising = sweep(names=("vllm",)).assign(mean_batch_size=lambda rows: rows["max_num_seqs"].fillna(90))
    assert rings(utilisation(rising[rising["max_num_seqs"].notna()]), 2) == []
    assert rings(utilisation(rising), 2) == [(128.0, 90.0)]


def test_the_axis_of_a_sweep_bears_its_values() -> None:
    """Each swept value has its tick, and null stands behind the largest."""
    axes = cliff_figure().axes[2]
    assert axes.get_xticks().tolist() == [4, 16, 64, 128]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["4", "16", "64", "null"]
