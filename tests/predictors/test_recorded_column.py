"""Predictions in a trace's column, and matrices with edges of their own, as an experiment reads them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.experiment.build import build_load
from s3sim.experiment.schema import load_experiment
from s3sim.predictors.buckets import Buckets
from s3sim.workload.readers import read_trace
from s3sim.workload.reshape import resample, scale_lengths
from s3sim.workload.trace import Trace
from s3sim.workload.writers import write_trace
from tests.experiment.tiny import tiny

TRACE = Trace.of(prompt_tokens=[5] * 6, output_tokens=[3, 9, 40, 12, 1, 77], predicted_tokens=[8, 8, 64, 8, 16, 32])


def load(path: Path, predictor: dict[str, Any], **workload: Any) -> Any:
    """The load of an experiment on a trace file."""
    fields = {"kind": "trace", "path": str(path), "over_length": "truncate", **workload}
    values = tiny(workload=fields, predictor=predictor, systems=["s3"], seeds=[0], scenarios={"offline": {}})
    (point,) = load_experiment(values).points
    return build_load(point)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_predictions_survive_a_file(name: str, tmp_path: Path) -> None:
    """Written and read in every format of s3sim's own; said to be lost in the others."""
    assert write_trace(TRACE, tmp_path / name).columns == ()
    assert read_trace(tmp_path / name).trace == TRACE
    assert "predicted_tokens" in write_trace(TRACE, tmp_path / "b.csv", format="vidur").columns


def test_predictions_follow_their_rows(tmp_path: Path) -> None:
    """Resampled, cut to a maximum length and scaled, each row keeps what was predicted of it."""
    said = dict(zip(TRACE.output_tokens.tolist(), [8, 8, 64, 8, 16, 32], strict=True))
    drawn = resample(TRACE, 50, seed=1)
    assert drawn.predicted_tokens is not None
    assert drawn.predicted_tokens.tolist() == [said[tokens] for tokens in drawn.output_tokens.tolist()]
    doubled = scale_lengths(TRACE, output=2.0)
    assert doubled.predicted_tokens is not None
    assert doubled.predicted_tokens.tolist() == [16, 16, 128, 16, 32, 64]
    write_trace(TRACE, tmp_path / "a.csv")
    found = load(tmp_path / "a.csv", {"kind": "recorded"}, requests=4, select="first")
    assert found.predicted.tolist() == [8, 8, 64, 8]


def test_a_column_of_another_name_is_read(tmp_path: Path) -> None:
    """As Vidur's traces with predictions have it."""
    rows = "num_prefill_tokens,num_decode_tokens,num_predicted_decode_tokens\n5,3,8\n5,9,16\n"
    (tmp_path / "a.csv").write_text(rows)
    columns = {"predicted_tokens": "num_predicted_decode_tokens"}
    assert load(tmp_path / "a.csv", {"kind": "recorded"}, columns=columns).predicted.tolist() == [8, 16]


def test_a_trace_without_predictions_is_an_error(tmp_path: Path) -> None:
    """With what would add them."""
    (tmp_path / "a.csv").write_text("prompt_tokens,output_tokens\n5,3\n")
    with pytest.raises(InputError, match=r"'recorded' needs a trace with a column predicted_tokens.*predictor record"):
        load(tmp_path / "a.csv", {"kind": "recorded"})
    values = tiny(predictor={"kind": "recorded"}, systems=["s3"], seeds=[0], scenarios={"offline": {}})
    with pytest.raises(InputError, match="needs a trace with a column"):
        build_load(load_experiment(values).points[0])


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "", "x"])
def test_impossible_predictions_are_errors(value: str, tmp_path: Path) -> None:
    """The place is said, as for any length."""
    (tmp_path / "a.csv").write_text(f"prompt_tokens,output_tokens,predicted_tokens\n5,3,9\n5,3,{value}\n")
    with pytest.raises(InputError, match=r"a\.csv:3: predicted_tokens is '.*': a whole number of tokens"):
        read_trace(tmp_path / "a.csv")


def test_a_matrix_may_have_edges_of_its_own(tmp_path: Path) -> None:
    """A predictor's buckets need not be those over max_length: the identity over 10 and 50 tokens foresees them."""
    write_trace(TRACE, tmp_path / "a.csv")
    (tmp_path / "matrix.csv").write_text("1,0\n0,1\n")
    predictor = {"kind": "confusion", "matrix": str(tmp_path / "matrix.csv"), "edges": [10, 50]}
    assert load(tmp_path / "a.csv", predictor).predicted.tolist() == [10, 10, 50, 50, 10, 50]


def test_edges_make_buckets() -> None:
    """Equal edges are the plain buckets; others hold what is at most their edge."""
    assert Buckets.of_edges([52, 103, 154, 205, 256, 308, 359, 410, 461, 512]) == Buckets(10, 512)
    uneven = Buckets.of_edges([3, 20, 100])
    assert uneven.index(np.array([1, 3, 4, 20, 21, 100, 900])).tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert uneven.upper(np.array([0, 2])).tolist() == [3, 100]
    for edges in ([], [0, 5], [5, 5], [7, 3]):
        with pytest.raises(InputError, match=r"edges|bounds|max_tokens|count"):
            Buckets.of_edges(edges)
