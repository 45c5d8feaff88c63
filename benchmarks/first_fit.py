"""First fit of the roofline's constants to published latencies of static batches.

    python benchmarks/first_fit.py PATH.csv [PATH.csv ...] [--json]

Each CSV has the columns version, model, gpu, n_gpus, precision, batch, input_len, output_len, metric
and value. Used are single-GPU fp16 rows on an A100-SXM4-80GB of the models in SPECS:
  e2e_latency                value in ms = prefill(batch · input) + (output − 1) decode steps
  output_throughput_per_gpu  value in tokens/s = batch · output / that latency
  first_token_latency        value in ms = the prefill alone
Minimised is the soft-L1 loss of the log errors. Bandwidths and the GEMM rate belong to the device and
are shared by all engines; the other constants are each engine's own. Bounds:
  weight bandwidth ≤ 0.86 of peak: it trades off against seconds per layer, and operator tables
    measure GEMV at 68-83% and decode attention at 84-86%;
  KV bandwidth ≤ 0.92 of peak;
  prefill attention 0.08-0.5 of peak (causal pairs): prompts of at most 512 tokens would let it fall to
    0.02, which explains slow GEMMs by attention and foretells 250 ms for a GPT-J prefill of 2048
    tokens; with that bound the median error is 3.8% instead of 3.4%. Above 0.5 it is not visible.
Needs scipy (a development dependency only).
"""

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares  # type: ignore[import-untyped]

from s3sim.core.batch import Batch, Chunk
from s3sim.core.request import Request
from s3sim.core.request import Sequence as Served
from s3sim.hardware import DEVICES, ENGINES, MODELS, EngineSpec, ModelSpec, Roofline

Vector = npt.NDArray[np.float64]

DEVICE = DEVICES["a100-80gb"]
SHARED = (  # field, least, most
    ("weight_bandwidth_fraction", 0.6, 0.86),
    ("kv_bandwidth_fraction", 0.6, 0.92),
    ("gemm_flops_fraction", 0.4, 1.0),
)
OWN = (
    ("prefill_attention_flops_fraction", 0.08, 0.5),
    ("seconds_per_layer", 0.0, 300e-6),
    ("seconds_per_sequence", 0.0, 300e-6),
)
FAMILIES = {"FT ": "fastertransformer", "TensorRT-LLM": "tensorrt-llm"}  # version's beginning -> engine

_MEGATRON = ModelSpec(  # shapes: FasterTransformer gpt_guide.md
    name="ft-gpt-20b",
    layers=44,
    hidden=6144,
    heads=48,
    kv_heads=48,
    head_dim=128,
    ffn=24576,
    vocab=51200,
    max_positions=2048,
    tied_embeddings=True,
    qkv_bias=True,
    output_bias=True,
    ffn_bias=True,
    learned_positions=2048,
)
SPECS = {  # beginning of the column `model` -> shape
    "GPT-20B": _MEGATRON,
    "GPT-6.7B": replace(_MEGATRON, name="ft-gpt-6.7b", layers=32, hidden=4096, heads=32, kv_heads=32, ffn=16384),
    "GPT-J-6B": MODELS["gpt-j-6b"],
    "LLaMA-7B": replace(MODELS["llama-13b"], name="llama-7b", layers=32, hidden=4096, heads=32, kv_heads=32, ffn=11008),
}
_SERVED = Served(Request(0, 0, 1, 1), None, 0)  # durations do not depend on who is served


class Row(NamedTuple):
    """One published measurement, as the seconds that a static batch took."""

    model: str
    engine: str
    batch: int
    input: int
    output: int  # 1 for a prefill alone
    seconds: float


def read(path: Path) -> Iterator[Row]:
    """The rows of a CSV that the fit can use."""
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            row = _row(cells)
            if row is not None:
                yield row


def _row(cells: Mapping[str, str]) -> Row | None:
    model = next((key for key in SPECS if cells["model"].startswith(key)), None)
    engine = next((FAMILIES[key] for key in FAMILIES if cells["version"].startswith(key)), None)
    here = cells["n_gpus"] == "1" and cells["precision"] == "fp16" and cells["gpu"] == "A100-SXM4-80GB"
    if model is None or engine is None or not here:
        return None
    batch, prompt, output = (int(float(cells[key] or 0)) for key in ("batch", "input_len", "output_len"))
    value = float(cells["value"])
    match cells["metric"]:
        case "e2e_latency":
            return Row(model, engine, batch, prompt, output, value / 1e3)
        case "output_throughput_per_gpu":
            return Row(model, engine, batch, prompt, output, batch * output / value)
        case "first_token_latency":
            return Row(model, engine, batch, prompt, 1, value / 1e3)
    return None


def static_batch_seconds(latency: Roofline, row: Row) -> float:
    """Foretold seconds of a static batch: one prefill step, then output − 1 decode steps."""
    chunks = [Chunk(_SERVED, row.input, 0, True)] * row.batch
    pairs = row.batch * row.input * (row.input + 1) // 2  # causal
    prefill = Batch(0, chunks, [], [], [], 0, 0, row.batch * row.input, pairs)
    total = latency.affine(prefill).first
    if row.output > 1:
        decode = Batch(0, [], [], [], [], row.batch, row.batch * (row.input + 1))
        total += latency.affine(decode).elapsed(row.output - 1)
    return total / 1e12


def log_errors(engines: Mapping[str, EngineSpec], rows: Sequence[Row]) -> Vector:
    """ln(foretold / published), a row each."""
    pairs = {(row.model, row.engine) for row in rows}
    latency = {pair: Roofline(model=SPECS[pair[0]], device=DEVICE, engine=engines[pair[1]]) for pair in pairs}
    foretold = [static_batch_seconds(latency[row.model, row.engine], row) for row in rows]
    published = [row.seconds for row in rows]
    return np.asarray(np.log(np.divide(foretold, published)), dtype=np.float64)


def _engines(vector: Vector, names: Sequence[str]) -> dict[str, EngineSpec]:
    shared = {field: float(value) for (field, _, _), value in zip(SHARED, vector, strict=False)}
    engines = {}
    for index, name in enumerate(names):
        own = vector[len(SHARED) + index * len(OWN) :]
        fields = {field: float(value) for (field, _, _), value in zip(OWN, own, strict=False)}
        engines[name] = EngineSpec(name=name, **shared, **fields)  # type: ignore[arg-type]
    return engines


def fit(rows: Sequence[Row]) -> dict[str, EngineSpec]:
    """Constants of every engine in `rows` that minimise the soft-L1 loss of their log errors."""
    names = sorted({row.engine for row in rows})
    bounds = np.array([(least, most) for _, least, most in SHARED + OWN * len(names)])
    start = bounds.mean(axis=1)
    found = least_squares(
        lambda vector: log_errors(_engines(vector, names), rows),
        start,
        bounds=(bounds[:, 0], bounds[:, 1]),
        loss="soft_l1",
        f_scale=0.05,  # beyond 5%, near the labels' own noise, an error counts linearly
        diff_step=1e-4,  # durations are whole picoseconds: finer steps drown in rounding
        x_scale=start,
    )
    return _engines(found.x, names)


def quality(errors: Vector) -> dict[str, float]:
    """Number of rows, and median, p90 and largest absolute error in percent."""
    percent = 100 * np.abs(np.expm1(errors))
    p50, p90 = np.percentile(percent, [50, 90])
    return {
        "rows": len(percent),
        "median": round(float(p50), 2),
        "p90": round(float(p90), 2),
        "max": round(float(percent.max()), 2),
    }


def leave_one_model_out(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Quality on each model's rows of a fit to all other models' rows; left out where no engine remains."""
    result = {}
    for model in sorted({row.model for row in rows}):
        rest = [row for row in rows if row.model != model]
        held = [row for row in rows if row.model == model and row.engine in {r.engine for r in rest}]
        if held:
            result[model] = quality(log_errors(fit(rest), held))
    return result


def anchors(engines: Mapping[str, EngineSpec]) -> dict[str, float]:
    """Milliseconds of well-known cases, by engine."""
    cases = {
        "GPT-J token at batch 1 (published 9.0)": ("GPT-J-6B", 1, 128, 2),
        "GPT-20B token at batch 1 (published 28.0)": ("GPT-20B", 1, 128, 2),
        "GPT-J prefill 128 (published 12-15)": ("GPT-J-6B", 1, 128, 1),
        "GPT-J prefill 2048 (published 103-136)": ("GPT-J-6B", 1, 2048, 1),
        "GPT-J prefill 64x128 (published 481)": ("GPT-J-6B", 64, 128, 1),
    }
    result = {}
    for name, spec in engines.items():
        for label, (model, batch, prompt, output) in cases.items():
            latency = Roofline(model=SPECS[model], device=DEVICE, engine=spec)
            seconds = static_batch_seconds(latency, Row(model, name, batch, prompt, output, 1.0))
            if output == 2:
                seconds -= static_batch_seconds(latency, Row(model, name, batch, prompt, 1, 1.0))
            result[f"{name}: {label}"] = round(1e3 * seconds, 2)
    return result


def report(rows: Sequence[Row]) -> dict[str, object]:
    """Everything that the fit found, ready for JSON."""
    engines = fit(rows)
    errors = log_errors(engines, rows)
    by_model = {
        model: quality(errors[[row.model == model for row in rows]]) for model in sorted({row.model for row in rows})
    }
    by_engine = {name: quality(errors[[row.engine == name for row in rows]]) for name in engines}
    return {
        "constants": {name: asdict(spec) for name, spec in engines.items()},
        "error_percent": quality(errors),
        "error_percent_by_engine": by_engine,
        "error_percent_by_model": by_model,
        "leave_one_model_out": leave_one_model_out(rows),
        "shipped_presets_on_these_rows": quality(log_errors(ENGINES, rows)),
        "anchors_ms": anchors(engines),
    }


def _show(found: Mapping[str, object], indent: int = 0) -> None:
    for key, value in found.items():
        if isinstance(value, dict):
            print(f"{'':{indent}}{key}:")
            _show(value, indent + 2)
        else:
            text = f"{value:.6g}" if isinstance(value, float) else value
            print(f"{'':{indent}}{key}: {text}")


def main() -> None:
    """Fit, and print what was found."""
    parser = argparse.ArgumentParser(description="First fit of the roofline's constants.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH.csv")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    rows = [row for path in arguments.paths for row in read(path)]
    if not rows:
        parser.error("no usable row in these files")
    found = report(rows)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)


if __name__ == "__main__":
    main()
