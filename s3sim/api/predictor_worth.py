"""What predictions are worth: the same requests served with each predictor's reservations."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from s3sim.api.experiment import experiment_of
from s3sim.api.plain import Overrides
from s3sim.api.simulating import result_of
from s3sim.learn.evaluation import Evaluation
from s3sim.predictors.predictor import IntArray
from s3sim.report.paired import paired_ratio
from s3sim.workload.trace import Trace
from s3sim.workload.writers import write_trace

__all__ = ["worth_of"]

REQUESTS = 10_000  # drawn with replacement from the judged rows: a dozen times what the device holds at once
MAX_LENGTH = 2048  # tokens, GPT-J's positions: what orca reserves
CHARACTERS = 4  # per token of English, OpenAI's rule of thumb: prompts count little beside outputs here
KEPT = ("request_throughput", "preemptions", "mean_batch_size", "kv_waste_fraction")

EXPERIMENT: Mapping[str, Any] = {
    "version": 1,
    "name": "predictor_worth",
    "model": "gpt-j-6b",
    "device": "a100-80gb",
    "max_length": MAX_LENGTH,
    "scenarios": {"offline": {}},
    "measure": {"burst": "saturated"},
    "seeds": [0, 1, 2],
}


def worth_of(found: Evaluation, *, overrides: Overrides = ()) -> pd.DataFrame:
    """Throughput and preemptions of s3 with each predictor, of orca, and of s3 with a perfect bucket and length.

    Every predictor reserves the upper edge of its likeliest bucket and is charged the same time. Predictions are
    read from the trace, as `record` writes them. Returns a row per predictor: means over seeds, and `ratio`, its
    throughput ÷ orca's, with its 95% interval `ratio_low` to `ratio_high`, paired by seed (NaN with one seed).
    """
    tokens, buckets = found.rows.tokens, found.buckets
    predictions = {name: guess.reserved(buckets) for name, guess in found.foreseen.items()}
    predictions |= {"true bucket": buckets.upper(buckets.index(tokens)), "true length": tokens}
    with TemporaryDirectory() as folder:
        runs = [("orca", "–", _run("orca", _trace(found, tokens), Path(folder), overrides))]
        for name, predicted in predictions.items():
            runs.append(("s3", name, _run("s3", _trace(found, predicted), Path(folder), overrides)))
    baseline = runs[0][2]["request_throughput"]
    return pd.DataFrame([_row(system, name, kept, baseline) for system, name, kept in runs])


def _row(system: str, name: str, kept: pd.DataFrame, baseline: "pd.Series[float]") -> dict[str, Any]:
    ratio = paired_ratio(kept["request_throughput"], baseline)
    compared = {"ratio": ratio.mean, "ratio_low": ratio.low, "ratio_high": ratio.high}
    means = {key: float(kept[key].mean()) for key in KEPT}
    return {"system": system, "predictor": name, **means, **compared}


def _trace(found: Evaluation, predicted: IntArray) -> Trace:
    prompts = [max(len(prompt) // CHARACTERS, 1) for prompt in found.rows.prompts]
    return Trace.of(
        prompt_tokens=prompts, output_tokens=found.rows.tokens, predicted_tokens=np.asarray(predicted, dtype=np.int64)
    )


def _run(system: str, trace: Trace, folder: Path, overrides: Overrides) -> pd.DataFrame:
    """KEPT of each seed."""
    path = folder / "trace.parquet"
    write_trace(trace, path)
    workload = {
        "kind": "trace",
        "path": str(path),
        "requests": REQUESTS,
        "select": "resample",
        "over_length": "truncate",
    }
    values = {**EXPERIMENT, "workload": workload, "systems": [system], "predictor": {"kind": "recorded"}}
    points = experiment_of(values, overrides).points
    rows = [result_of(point).summary for point in points]
    return pd.DataFrame(rows, index=[point.seed for point in points])[list(KEPT)].astype(float)
