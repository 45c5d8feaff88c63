"""Foresight over time: what was right, what it cost."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import s3sim
from s3sim.core.errors import InputError
from s3sim.report.figures import foresight_over_time
from s3sim.report.figures.style import save
from s3sim.report.foresight import FORESIGHT, foresight_series

EDGES = (10, 20, 40)


def requests(rows: list[tuple[float, float | None, int, int, int]]) -> pd.DataFrame:
    """Rows of (arrival, end, predicted, output, preemptions)."""
    frame = pd.DataFrame(rows, columns=list(FORESIGHT[1:]))
    return frame.assign(id=np.arange(len(frame)), finished_s=frame["finished_s"].astype(float))


def test_a_prediction_is_right_where_its_edge_is_that_of_the_answers_bucket() -> None:
    """Two bins of two requests each: half right, then all right; the preempted count where they arrived."""
    told = requests([(0, 1, 10, 10, 0), (1, 4, 20, 25, 3), (5, 6, 40, 400, 0), (9, 10, 20, 11, 1)])
    found = foresight_series(told, EDGES, bins=2)
    assert found["time_s"].tolist() == [2.5, 7.5]
    assert found["accuracy"].tolist() == [0.5, 1.0]
    assert found["preemptions"].tolist() == [1.5, 0.5]
    assert found["throughput"].tolist() == [0.4, 0.4]


def test_who_never_ended_is_not_judged() -> None:
    """What their lengths would have been nobody knows; a bin with nobody is null, and so is a run with nobody."""
    told = requests([(0, 1, 10, 10, 0), (1, None, 20, 0, 3), (9, 10, 20, 11, 1)])
    found = foresight_series(told, EDGES, bins=5)
    assert found["accuracy"].isna().sum() == 3
    assert found["preemptions"].sum() == 1
    assert foresight_series(told.iloc[1:2], EDGES).empty


def test_a_figure_has_three_panels_and_a_line_for_each_setting() -> None:
    """Each is told in the legend."""
    found = foresight_series(requests([(0, 1, 10, 10, 0), (9, 10, 20, 11, 1)]), EDGES, bins=2)
    figure = foresight_over_time({"on": found, "off": found}, retrained={"on": [3.0]})
    assert len(figure.axes) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["on", "off"]


def test_a_missing_column_is_an_error() -> None:
    """It is named."""
    with pytest.raises(InputError, match="accuracy"):
        foresight_over_time({"on": pd.DataFrame({"time_s": [1.0]})})


def test_a_run_that_swept_how_it_learns_draws_foresight(tmp_path: Path) -> None:
    """The picture of the shipped experiment is made from its run directory alone; its kind of workload resolves."""
    path = Path(__file__).parents[2] / "experiments" / "prediction" / "drift_presets.yaml"
    phases = "workload.phases=[{name: alpaca, requests: 60}, {name: sharegpt, requests: 40}]"
    versions = "scenarios={main: {sweep: {predictor.max_versions: [0, null]}}}"
    changes = [phases, "seeds=[0]", "predictor.retrain_every=20", versions]
    found = s3sim.run(path, overrides=changes, out=tmp_path / "run")
    assert "main-foresight" in found.figures
    assert found.requests(found.summary["point"][1])["predicted_tokens"].nunique() > 1
    save(found.plot.foresight(), tmp_path / "mine.png")
    assert (tmp_path / "mine.png").read_bytes() == found.figures["main-foresight"].read_bytes()
    with pytest.raises(InputError, match=r"^system: no point has 's4'; there are s3$"):
        found.plot.foresight(system="s4")
