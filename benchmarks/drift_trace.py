"""Write a trace that drifts, with its texts: Alpaca's questions, then GSM8K's, then those of Open Assistant.

    python benchmarks/drift_trace.py DATA drift.parquet

DATA is the folder that holds alpaca/alpaca_en_52k.jsonl.gz (Stanford Alpaca), gsm8k/train.jsonl.gz (openai/
grade-school-math), oasst_qlora/gpt-3.5-oa-generations.jsonl.gz (artidoro/qlora: GPT-3.5's answers) and GPT-2's
tokenizer in tokenizers/gpt2. Columns: id, prompt_tokens, output_tokens, prompt, phase.
`experiments/prediction/drift.yaml` reads it, as trace and as texts, from the folder that S3SIM_DATA names.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from s3sim.workload.tokenizer import load_tokenizer

Pair = tuple[str, str]
ROWS = 1500  # of each phase; Open Assistant has fewer
ROLE = "### Assistant:"


def lines(path: Path) -> Iterator[dict[str, str]]:
    """The objects of a packed JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def alpaca(data: Path) -> list[Pair]:
    """Instruction and input, and the data set's own answer."""
    rows = lines(data / "alpaca" / "alpaca_en_52k.jsonl.gz")
    return [(f"{row['instruction']}\n{row['input']}".strip(), row["output"]) for row in rows]


def gsm8k(data: Path) -> list[Pair]:
    """Question and worked answer."""
    return [(row["question"], row["answer"]) for row in lines(data / "gsm8k" / "train.jsonl.gz")]


def oasst(data: Path) -> list[Pair]:
    """The last question of a conversation, and the answer."""
    rows = lines(data / "oasst_qlora" / "gpt-3.5-oa-generations.jsonl.gz")
    return [(row["input"].split("### Human:")[-1].split(ROLE)[0].strip(), row["output"]) for row in rows]


def main() -> None:
    """Draw, count, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    counter = load_tokenizer(options.data / "tokenizers" / "gpt2" / "encoder.json.gz")
    frames = []
    for number, (name, pairs) in enumerate((("alpaca", alpaca), ("gsm8k", gsm8k), ("oasst", oasst))):
        rows = pairs(options.data)
        chosen = np.random.default_rng([0, number]).permutation(len(rows))[: ROWS + ROWS // 4].tolist()
        frame = pd.DataFrame([rows[row] for row in chosen], columns=["prompt", "output"])
        frame["prompt_tokens"] = counter.count(frame["prompt"].tolist())[0]
        frame["output_tokens"] = counter.count(frame.pop("output").tolist())[0]
        known = frame[(frame["prompt_tokens"] > 0) & (frame["output_tokens"] > 0) & (frame["prompt_tokens"] < 1024)]
        frames.append(known.head(ROWS).assign(phase=name))
        print(name, len(frames[-1]), frames[-1]["output_tokens"].describe().round().to_dict())
    table = pd.concat(frames, ignore_index=True)
    table.insert(0, "id", np.arange(len(table)))
    table.to_parquet(options.out, index=False)


if __name__ == "__main__":
    main()
