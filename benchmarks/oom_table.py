"""Out of memory or not, and memory used: FasterTransformer's static batches foretold and published.

    python benchmarks/oom_table.py PATH.csv [--json | --markdown]

The CSV has the columns model, gpu, n_gpus, precision, batch, input_len, output_len, metric and value.
Used are fp16 rows on an A100-SXM4-80GB of the models in SPECS, n_gpus taken as tensor parallelism:
  oom          the batch did not fit;
  memory_used  GiB on the device after the run, so the batch did fit;
  e2e_latency  the batch ran, so it did fit.
Rows of one configuration make one line. A batch is foretold not to fit where StaticMemory exceeds what
the driver reports as the device's memory.
StaticMemory's constants come from the memory_used rows alone (static_memory_fit.py), from no oom row.
"""

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from s3sim.calibration.names import find_model
from s3sim.hardware import DEVICES, ModelSpec
from s3sim.hardware.static_memory import StaticMemory

DEVICE = DEVICES["a100-80gb"]
GB, GIB = 10**9, 2**30
SHAPES = {  # beginning of the column `model` -> what follows it: FasterTransformer gpt_guide.md
    "GPT-20B": "(44L,48x128,h6144)",
    "GPT-6.7B": "(32L,32x128,h4096)",
    "GPT-1.3B": "(24L,32x64,h2048)",
    "GPT-350M": "(24L,16x64,h1024)",
    "GPT-175B": "(96L,96x128,h12288)",
    "GPT-89B": "(48L,96x128,h12288)",
}
SPECS: dict[str, ModelSpec] = {
    name: spec for name, shape in SHAPES.items() if (spec := find_model(f"{name} {shape}")) is not None
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """One static batch: the model, its devices and its shape."""

    model: str
    devices: int
    batch: int
    prompt: int
    output: int

    def foretold(self) -> int:
        """Bytes on each device."""
        memory = StaticMemory(model=SPECS[self.model], tensor=self.devices)
        return memory.parts(rows=self.batch, prompt_tokens=self.prompt, output_tokens=self.output).total


@dataclass(slots=True)
class Measured:
    """What was published of one configuration."""

    rows: int = 0
    out_of_memory: bool = False
    used: float | None = None  # GiB


Table = dict[Configuration, Measured]


def read(path: Path) -> tuple[Table, int]:
    """What a CSV says of each configuration, and how many of its rows say nothing that is used here."""
    table: Table = {}
    others = 0
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            found = _configuration(cells)
            if found is None:
                others += 1
                continue
            measured = table.setdefault(found, Measured())
            measured.rows += 1
            if cells["metric"] == "oom":
                measured.out_of_memory = float(cells["value"]) > 0
            elif cells["metric"] == "memory_used":
                measured.used = float(cells["value"])
    return table, others


def _configuration(cells: Mapping[str, str]) -> Configuration | None:
    model = next((name for name in SPECS if cells["model"].startswith(name)), None)
    metrics = ("oom", "memory_used", "e2e_latency")
    if model is None or cells["metric"] not in metrics:
        return None
    if cells["precision"] != "fp16" or cells["gpu"] != "A100-SXM4-80GB":
        return None
    devices, batch, prompt, output = (int(float(cells[key])) for key in ("n_gpus", "batch", "input_len", "output_len"))
    return Configuration(model, devices, batch, prompt, output)


def lines(table: Table) -> list[dict[str, Any]]:
    """A line per configuration: foretold, device and margin in GB, measured, verdict."""
    found = []
    for case, measured in table.items():
        foretold = case.foretold()
        used = None if measured.used is None else measured.used * GIB
        found.append(
            {
                "model": case.model,
                "gpus": case.devices,
                "batch": case.batch,
                "input": case.prompt,
                "output": case.output,
                "foretold_gb": round(foretold / GB, 2),
                "device_gb": round(DEVICE.memory_bytes / GB, 2),
                "margin_gb": round((DEVICE.memory_bytes - foretold) / GB, 2),
                "measured": "out of memory" if measured.out_of_memory else "ran",
                "used_gb": None if used is None else round(used / GB, 2),
                "used_error_percent": None if used is None else round(100 * (foretold / used - 1), 1),
                "verdict": "right" if (foretold > DEVICE.memory_bytes) == measured.out_of_memory else "wrong",
                "rows": measured.rows,
            }
        )
    return found


def totals(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many verdicts are right, and the error of the memory used."""
    errors = [abs(line["used_error_percent"]) for line in found if line["used_error_percent"] is not None]
    ran = [line["margin_gb"] for line in found if line["measured"] == "ran"]
    failed = [line["margin_gb"] for line in found if line["measured"] != "ran"]
    return {
        "rows": sum(line["rows"] for line in found),
        "configurations": len(found),
        "ran": len(ran),
        "out_of_memory": len(failed),
        "wrong": sum(line["rows"] for line in found if line["verdict"] == "wrong"),
        "smallest_margin_of_those_that_ran_gb": min(ran, default=None),
        "largest_margin_of_those_that_did_not_gb": max(failed, default=None),
        "memory_used_rows": len(errors),
        "memory_used_error_percent_median": round(median(errors), 2) if errors else None,
        "memory_used_error_percent_two_largest": sorted(errors)[-2:],
    }


def _cells(line: Mapping[str, Any]) -> list[str]:
    used = "" if line["used_gb"] is None else f"{line['used_gb']:.2f} ({line['used_error_percent']:+.1f}%)"
    shape = f"{line['batch']} × ({line['input']} + {line['output']})"
    sizes = (f"{line[key]:.2f}" for key in ("foretold_gb", "device_gb", "margin_gb"))
    return [line["model"], str(line["gpus"]), shape, *sizes, line["measured"], used, line["verdict"]]


HEADINGS = (
    "model", "GPUs", "batch × (input + output)", "foretold GB", "device GB", "margin GB", "measured", "used GB (error)",
    "verdict",
)  # fmt: skip


def text(found: Sequence[Mapping[str, Any]], *, markdown: bool) -> str:
    """The table, aligned or as Markdown."""
    rows = [list(HEADINGS), *map(_cells, found)]
    if markdown:
        rows.insert(1, ["---"] * len(HEADINGS))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


PREFACE = """# Out of memory, foretold and published

Written by `python benchmarks/oom_table.py fastertransformer_a100.csv --markdown`. Published: FasterTransformer 5.3,
docs/gpt_guide.md, A100-SXM4-80GB, fp16; n_gpus is the degree of tensor parallelism. A batch whose latency was
published ran. GB are 10^9 bytes; the published memory is in GiB (print_mem_usage divides by 2^30) and converted.

Foretold, on each device: `s3sim.hardware.static_memory`. FasterTransformer's benchmark lets every dimension of the
buffers grow to int(1.2 · it), so that the KV cache is 1.44 times what the batch needs; its constants were derived from
the memory_used rows by `benchmarks/static_memory_fit.py`, and from no batch that ran out of memory. The verdict is
wrong where foretold > device disagrees with what was measured; the margin is device − foretold.

One published figure cannot be right: GPT-1.3B, 1 × (128 + 8), 8.67 GiB, where twice the batch takes 5.39.
"""


def _show(found: Sequence[Mapping[str, Any]], *, markdown: bool) -> None:
    summary = "\n".join(f"- {key.replace('_', ' ')}: {value}" for key, value in totals(found).items())
    if markdown:
        print(f"{PREFACE}\n{summary}\n")
    print(text(found, markdown=markdown))
    if not markdown:
        print(f"\n{summary}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Out of memory, foretold and published.")
    parser.add_argument("path", type=Path, metavar="PATH.csv")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print a page of Markdown")
    arguments = parser.parse_args()
    table, others = read(arguments.path)
    if not table:
        parser.error("no usable row in this file")
    if others:
        print(f"{others} rows of other models, devices, formats or metrics are left out", file=sys.stderr)
    found = lines(table)
    if arguments.json:
        print(json.dumps({"totals": totals(found), "rows": found}, indent=1))
    else:
        _show(found, markdown=arguments.markdown)


if __name__ == "__main__":
    main()
