import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the extra `learn` is not installed")

from s3sim.api import simulate
from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from s3sim.learn.foreseen import Foreseen
from s3sim.learn.model import LengthModel, load_model
from s3sim.learn.recording import record, values_of
from s3sim.workload.readers import read_trace
from tests.experiment.tiny import tiny
from tests.learn.rows import learnable, write_csv, write_jsonl

ROWS = [
    {"id": row["id"], "arrival_s": f"{row['id']}.25", "prompt_tokens": 5, "output_tokens": row["tokens"], "note": "007",
     "prompt": row["prompt"]}
    for row in learnable(30, seed=4)
]  # fmt: skip


@pytest.fixture(scope="module")
def model(trained: Path) -> LengthModel:
    """The small predictor."""
    return load_model(trained)


def expected(model: LengthModel) -> list[int]:
    """Upper edges of the buckets that the model foresees."""
    return model.foresee([str(row["prompt"]) for row in ROWS]).foreseen.reserved(model.about.buckets).tolist()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_predictions_become_a_column_and_nothing_else_changes(name: str, model: LengthModel, tmp_path: Path) -> None:
    """Every column keeps its text, `007` included; a reader of traces finds the predictions."""
    trace = write_csv(tmp_path / "trace.csv", ROWS)
    done = record(model, trace, tmp_path / name)
    assert (done.rows, done.empty_prompts) == (30, 0)
    written = pd.read_parquet(tmp_path / name) if name.endswith("parquet") else pd.read_csv(tmp_path / name, dtype=str)
    before = pd.read_csv(trace, dtype=str)
    pd.testing.assert_frame_equal(written.drop(columns="predicted_tokens"), before)
    read = read_trace(tmp_path / name).trace
    assert read.predicted_tokens is not None
    assert read.predicted_tokens.tolist() == expected(model)


def test_texts_may_stand_in_another_file(model: LengthModel, tmp_path: Path) -> None:
    """Joined by id and offset."""
    bare = [{key: value for key, value in row.items() if key != "prompt"} for row in ROWS]
    shifted = [{**row, "id": int(str(row["id"])) + 1} for row in bare]
    trace = write_csv(tmp_path / "trace.csv", shifted[::-1])
    texts = write_jsonl(tmp_path / "texts.jsonl", [{"prompt": row["prompt"]} for row in ROWS])
    record(model, trace, tmp_path / "out.parquet", texts=texts, texts_offset=1)
    assert pd.read_parquet(tmp_path / "out.parquet")["predicted_tokens"].tolist() == expected(model)[::-1]
    with pytest.raises(InputError, match=r"holds no row 30, of 1 that .* is the offset right"):
        record(model, trace, tmp_path / "out.parquet", texts=texts)


def test_a_simulation_reads_the_very_same_predictions(model: LengthModel, tmp_path: Path) -> None:
    """The log's predictions are the file's, through sampling too; the reservations are theirs."""
    record(model, write_csv(tmp_path / "trace.csv", ROWS), tmp_path / "out.csv")
    said = dict(zip((row["id"] for row in ROWS), expected(model), strict=True))
    for select in ({}, {"select": "random", "requests": 12}):
        values = tiny(
            workload={"kind": "trace", "path": str(tmp_path / "out.csv"), "over_length": "truncate", **select},
            predictor={"kind": "recorded", "seconds": 0.0},
            systems=["s3"],
            seeds=[0],
            max_length=256,
            scenarios={"offline": {"sweep": {"max_num_seqs": [4]}}},
        )
        (point,) = load_experiment(values).points
        requests = simulate(point).requests
        assert len(requests) == select.get("requests", 30)
        assert requests["predicted_tokens"].tolist() == [said[ident] for ident in requests["id"]]


def test_what_is_recorded_can_be_chosen(model: LengthModel) -> None:
    """The bucket's edge, the median, or a quantile; all at least 1, rising with the chance."""
    foreseen = model.foresee([str(row["prompt"]) for row in ROWS]).foreseen
    chosen = {value: values_of(foreseen, model, value) for value in ("edge", "median", "0.5", "0.9", "0.99")}
    assert set(chosen["edge"].tolist()) <= set(model.about.edges)
    assert np.array_equal(chosen["median"], chosen["0.5"])
    assert (chosen["0.5"] <= chosen["0.9"]).all()
    assert (chosen["0.9"] <= chosen["0.99"]).all()
    assert min(values.min() for values in chosen.values()) >= 1
    certain = Foreseen.of_chances(np.array([[1.0] + [0.0] * 7]), model.about.buckets)
    assert values_of(certain, model, "0.001").tolist() == [1]
    for wrong in ("upper", "1", "0", "-0.5"):
        with pytest.raises(InputError, match="edge, median, or a chance between 0 and 1"):
            values_of(foreseen, model, wrong)


def test_empty_prompts_are_predicted_and_counted(model: LengthModel, tmp_path: Path) -> None:
    """A trace loses no request."""
    rows = [{**row, "prompt": "" if row["id"] == 3 else row["prompt"]} for row in ROWS]
    assert record(model, write_csv(tmp_path / "t.csv", rows), tmp_path / "out.csv").empty_prompts == 1


def test_traces_that_cannot_be_recorded_into(model: LengthModel, tmp_path: Path) -> None:
    """Without prompts, with predictions already, of another kind, without ids to join by."""
    bare = write_csv(tmp_path / "bare.csv", [{"prompt_tokens": 1, "output_tokens": 2}])
    out = tmp_path / "out.csv"
    with pytest.raises(InputError, match="no prompts are known by their name"):
        record(model, bare, out)
    with pytest.raises(InputError, match="has no column 'id'"):
        record(model, bare, out, texts=write_jsonl(tmp_path / "t.jsonl", [{"prompt": "a"}]))
    done = write_csv(tmp_path / "done.csv", [{"prompt": "a", "predicted_tokens": 3}])
    with pytest.raises(InputError, match="has a column 'predicted_tokens' already"):
        record(model, done, out)
    with pytest.raises(InputError, match=r"written as \.csv, \.csv\.gz or \.parquet"):
        record(model, bare, tmp_path / "out.json")
    lines = write_jsonl(tmp_path / "lines.jsonl", [{"prompt": "a"}])
    with pytest.raises(InputError, match=r"added to \.csv, \.csv\.gz and \.parquet"):
        record(model, lines, out)
    assert not out.exists()
    with gzip.open(tmp_path / "cut.csv.gz", "wt") as file:
        file.write("prompt\n" + "a\n" * 500)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(cut.read_bytes()[:-12])
    with pytest.raises(InputError, match="truncated"):
        record(model, cut, out)
