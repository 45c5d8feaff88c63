"""Recompute the quantile tables of s3sim/workload/presets.py from the files that they summarise.

    python benchmarks/quantile_tables.py --alpaca alpaca_en_52k_lengths.csv.gz \
        --vicuna alpaca-train-10k-length.csv --azure AzureLLMInferenceTrace_conv.csv \
        --sharegpt first_turn_lengths_neox.csv.gz

Give any of the files. --alpaca: idx, prompt_gpt2, output_gpt2, prompt_neox, output_neox. --vicuna
(needs --alpaca for the prompts): id (Alpaca's index + 1), L_t0.0. --azure: ContextTokens,
GeneratedTokens. --sharegpt: prompt_tokens, output_tokens. Rows with a zero length are left out.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from s3sim.workload.presets import LEVELS


def pairs(files: argparse.Namespace) -> Iterator[tuple[str, pd.DataFrame]]:
    """Names of presets with their (prompt, output) lengths, one row per request."""
    if files.alpaca:
        alpaca = pd.read_csv(files.alpaca)
        yield "alpaca", _pair(alpaca, "prompt_gpt2", "output_gpt2")
        yield "alpaca-neox", _pair(alpaca, "prompt_neox", "output_neox")
    if files.alpaca and files.vicuna:
        vicuna = pd.read_csv(files.vicuna)
        joined = vicuna.assign(idx=vicuna["id"] - 1).merge(alpaca, on="idx", validate="one_to_one")
        yield "alpaca-vicuna", _pair(joined, "prompt_gpt2", "L_t0.0")
    if files.azure:
        yield "azure-conv", _pair(pd.read_csv(files.azure), "ContextTokens", "GeneratedTokens")
    if files.sharegpt:
        yield "sharegpt", _pair(pd.read_csv(files.sharegpt), "prompt_tokens", "output_tokens")


def _pair(frame: pd.DataFrame, prompt: str, output: str) -> pd.DataFrame:
    pair = frame[[prompt, output]].set_axis(["prompt", "output"], axis=1)
    return pair[(pair > 0).all(axis=1)]


def summary(pair: pd.DataFrame) -> dict[str, Any]:
    """Quantiles at LEVELS of both lengths, rounded to tokens, and their Spearman correlation."""
    ranks = pair.rank()  # ties share their mean rank
    return {
        "rows": len(pair),
        "spearman": round(float(np.corrcoef(ranks["prompt"], ranks["output"])[0, 1]), 3),
        "prompt": np.rint(np.quantile(pair["prompt"], LEVELS)).astype(int).tolist(),
        "output": np.rint(np.quantile(pair["output"], LEVELS)).astype(int).tolist(),
    }


def as_python(name: str, table: dict[str, Any]) -> str:
    """Entry of presets.py for one preset."""
    lines = [f'    "{name}": _preset(  # {table["rows"]} rows']
    for column in ("prompt", "output"):
        values = fill(" ".join(map(str, table[column])), 96, initial_indent=" " * 8, subsequent_indent=" " * 8)
        lines += ['        """', values, '        """,']
    return "\n".join([*lines, f"        spearman={table['spearman']},", "    ),"])


def main() -> None:
    """Print the tables of the files that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("alpaca", "vicuna", "azure", "sharegpt"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines of presets.py")
    files = parser.parse_args()
    tables = {name: summary(pair) for name, pair in pairs(files)}
    if files.json:
        print(json.dumps(tables, indent=1))
    else:
        print("\n".join(as_python(name, table) for name, table in tables.items()))


if __name__ == "__main__":
    main()
