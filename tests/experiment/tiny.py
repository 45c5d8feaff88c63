"""An experiment of tens of requests, as YAML, and ways to change it."""

from pathlib import Path
from typing import Any

import yaml

__all__ = ["TINY", "changed", "tiny", "traced", "write"]

TINY = """\
version: 1
name: tiny
model: gpt-j-6b
device: a100-80gb
max_length: 128
memory: {kv_capacity_tokens: 512}
workload:
  kind: lengths
  prompt: {kind: uniform, low: 4, high: 16}
  output: {kind: geometric, mean: 12.0}
  requests: 20
  over_length: truncate
predictor: {kind: confusion, accuracy: 0.8, buckets: 4}
systems: [orca, s3]
scenarios:
  offline:
    sweep: {max_num_seqs: [2, 4]}
  online:
    arrivals: {kind: poisson, rate: 20}
    slo: {ttft_ms: 100}
seeds: [0, 1]
"""

HEADER = "prompt_tokens,output_tokens,arrival_s\n"
ROWS = "".join(f"{5 + row},{3 + row},{row / 10}\n" for row in range(10))


def changed(*pairs: tuple[str, str]) -> str:
    """The YAML with each first text replaced by the second; the first must be there."""
    text = TINY
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def tiny(**values: Any) -> dict[str, Any]:
    """The experiment as a mapping, with top-level keys replaced."""
    return {**yaml.safe_load(TINY), **values}


def write(folder: Path, text: str | bytes = TINY, name: str = "tiny.yaml") -> Path:
    """A file of that text in the folder."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def traced(folder: Path, rows: str | bytes = HEADER + ROWS, *, name: str = "rows.csv", **fields: Any) -> dict[str, Any]:
    """The experiment on a trace file, which is written into the folder."""
    path = write(folder, rows, name)
    return tiny(workload={"kind": "trace", "path": str(path), **fields}, systems=["orca"], seeds=[0])
