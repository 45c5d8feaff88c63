"""Tensor parallelism: the roofline against published latencies of GPT-20B on 1, 2, 4 and 8 A100s.

    python benchmarks/tensor_parallel.py PATH.csv [--json]

Reads the e2e_latency rows of FasterTransformer 5.3 that first_fit.py reads too, but with any n_gpus,
taken as the degree of tensor parallelism. Nothing is fitted to rows with more than one GPU: collectives
take what Parallel says, all else is the single GPU's. Prints signed and absolute errors in percent.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from first_fit import DEVICE, SPECS, Row, static_batch_seconds

from s3sim.hardware import ENGINES, Parallel, Roofline

MODEL, ENGINE = "GPT-20B", "fastertransformer"


def read(path: Path) -> Iterator[tuple[int, Row]]:
    """Degree of tensor parallelism and static batch of each usable row."""
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            if cells["model"].startswith(MODEL) and cells["metric"] == "e2e_latency" and cells["precision"] == "fp16":
                columns = ("batch", "input_len", "output_len", "n_gpus")
                batch, prompt, output, degree = (int(float(cells[key])) for key in columns)
                yield degree, Row(MODEL, ENGINE, batch, prompt, output, float(cells["value"]) / 1e3)


def quality(path: Path) -> dict[str, dict[str, float]]:
    """Errors by number of GPUs: ratio of foretold to published, less one, in percent."""
    errors: dict[int, list[float]] = {}
    for degree, row in read(path):
        parallel = Parallel(tensor=degree)
        latency = Roofline(model=SPECS[MODEL], device=DEVICE, engine=ENGINES[ENGINE], parallel=parallel)
        errors.setdefault(degree, []).append(100 * (static_batch_seconds(latency, row) / row.seconds - 1))
    found = {}
    for degree, signed in sorted(errors.items()):
        sizes = np.abs(signed)
        found[f"{degree} GPUs"] = {
            "rows": len(signed),
            "signed_median": round(float(np.median(signed)), 1),
            "median": round(float(np.median(sizes)), 1),
            "p90": round(float(np.percentile(sizes, 90)), 1),
            "max": round(float(sizes.max()), 1),
        }
    return found


def main() -> None:
    """Print the errors."""
    parser = argparse.ArgumentParser(description="Tensor parallelism against published latencies.")
    parser.add_argument("path", type=Path, metavar="PATH.csv")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = quality(arguments.path)
    if not found:
        parser.error("no usable row in this file")
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        for degree, values in found.items():
            print(f"{degree}: {', '.join(f'{key} {value}' for key, value in values.items())}")


if __name__ == "__main__":
    main()
