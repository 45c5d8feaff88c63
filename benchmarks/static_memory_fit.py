"""The three constants of StaticMemory, derived from published memory use.

    python benchmarks/static_memory_fit.py PATH.csv

Least squares of the memory_used rows that oom_table.py reads: what weights, KV and mask leave unexplained =
FIXED_BYTES + PROMPT_BUFFERS · (16-bit vector per prompt token) + VOCAB_BYTES · (rows · vocabulary).
Left out: a row that uses more than a larger batch of the same lengths. Prints JSON:
  each_model_from_the_others  errors of a model's rows under the constants of all other models' rows;
  fixed_gb_by_model           what is left per model for FIXED_BYTES, the figures taken as GiB and as GB:
                              one engine on one device has one, so the unit of the figures shows.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from oom_table import GB, GIB, SPECS, Configuration, Table, read

from s3sim.hardware.static_memory import FIXED_BYTES, PROMPT_BUFFERS, VOCAB_BYTES, StaticMemory

Vector = npt.NDArray[np.float64]
Case = tuple[Configuration, float]  # and its memory_used


def _odd(case: Configuration, table: Table) -> bool:
    """Whether a batch uses more than a larger one of the same lengths."""
    mine = table[case].used
    return mine is not None and any(
        measured.used is not None and mine > measured.used
        for other, measured in table.items()
        if other.batch > case.batch
        and (other.model, other.prompt, other.output) == (case.model, case.prompt, case.output)
    )


def terms(case: Case, unit: float = GIB) -> tuple[Vector, float]:
    """Coefficients of the three constants, and the bytes that they must explain."""
    shape, used = case
    memory = StaticMemory(model=SPECS[shape.model], tensor=shape.devices)
    parts = memory.parts(rows=shape.batch, prompt_tokens=shape.prompt, output_tokens=shape.output)
    unexplained = used * unit - parts.weights - parts.kv - parts.mask
    return np.array([1.0, parts.prompt / PROMPT_BUFFERS, parts.logits / VOCAB_BYTES]), unexplained


def least_squares(cases: Sequence[Case]) -> Vector:
    """The constants with the least sum of squared bytes."""
    rows, bytes_left = zip(*map(terms, cases), strict=True)
    return np.asarray(np.linalg.lstsq(np.array(rows), np.array(bytes_left), rcond=None)[0], dtype=np.float64)


def errors(constants: Vector, cases: Sequence[Case]) -> dict[str, float]:
    """Median and largest absolute error, in percent of the memory used."""
    found = []
    for case in cases:
        row, unexplained = terms(case)
        found.append(100 * abs(float(row @ constants) - unexplained) / (case[1] * GIB))
    return {"median_percent": round(median(found), 2), "max_percent": round(max(found), 2)}


def fixed_by_model(cases: Sequence[Case], unit: float) -> dict[str, float]:
    """Median GB that each model leaves for FIXED_BYTES."""
    left: dict[str, list[float]] = {}
    for case in cases:
        row, unexplained = terms(case, unit)
        left.setdefault(case[0].model, []).append(unexplained - float(row[1:] @ (PROMPT_BUFFERS, VOCAB_BYTES)))
    return {model: round(median(values) / GB, 2) for model, values in left.items()}


def report(table: Table) -> dict[str, Any]:
    """Everything that the fit found, ready for JSON."""
    cases = [(case, m.used) for case, m in table.items() if m.used is not None and not _odd(case, table)]
    constants = least_squares(cases)
    names = ("fixed_bytes", "prompt_buffers", "vocab_bytes")
    held_out = {}
    for model in dict.fromkeys(case.model for case, _ in cases):
        rest, mine = ([c for c in cases if (c[0].model == model) == own] for own in (False, True))
        held_out[model] = errors(least_squares(rest), mine)
    shipped = np.array([FIXED_BYTES, PROMPT_BUFFERS, VOCAB_BYTES], dtype=np.float64)
    return {
        "rows": len(cases),
        "left_out": [str(case) for case in table if _odd(case, table)],
        "derived": dict(zip(names, constants.round(2).tolist(), strict=True)) | errors(constants, cases),
        "shipped": dict(zip(names, shipped.tolist(), strict=True)) | errors(shipped, cases),
        "each_model_from_the_others": held_out,
        "fixed_gb_by_model": {"GiB": fixed_by_model(cases, GIB), "GB": fixed_by_model(cases, GB)},
    }


def main() -> None:
    """Fit, and print what was found."""
    parser = argparse.ArgumentParser(description="The constants of StaticMemory, from published memory use.")
    parser.add_argument("path", type=Path, metavar="PATH.csv")
    arguments = parser.parse_args()
    table, _ = read(arguments.path)
    if not any(measured.used is not None for measured in table.values()):
        parser.error("no usable memory_used row in this file")
    print(json.dumps(report(table), indent=1))


if __name__ == "__main__":
    main()
