"""Is a fine-tuned predictor better than a baseline, over several seeds, or only luckier?

    python benchmarks/predictor_seeds.py results/predictor/judged-0 results/predictor/judged-1 --markdown

reads the predictions.parquet that `s3sim predictor evaluate --out` wrote for predictors trained with different seeds on
the same split, and prints, for each baseline, the gain in accuracy and in tokens of error: mean over seeds and rows,
with a 95% interval by a paired bootstrap that draws seeds and rows.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.learn.bootstrap import Difference, paired_bootstrap

MODEL = "model"


def read(folders: list[Path]) -> list[pd.DataFrame]:
    """The predictions of each folder; raises InputError where they are of other rows."""
    frames = [pd.read_parquet(folder / "predictions.parquet") for folder in folders]
    for folder, frame in zip(folders, frames, strict=True):
        if not frame[["id", "output_tokens"]].equals(frames[0][["id", "output_tokens"]]):
            raise InputError(f"{folder}: judged by other rows than {folders[0]}; use the same --split-seed and data")
    return frames


def hits(frames: list[pd.DataFrame], name: str) -> np.ndarray:
    """Whether the foreseen bucket was the true one, of shape (seeds, rows)."""
    return np.array([(frame[f"{name}_bucket"] == frame["bucket"]).to_numpy(float) for frame in frames])


def errors(frames: list[pd.DataFrame], name: str) -> np.ndarray:
    """Tokens by which the point estimate was off, of shape (seeds, rows)."""
    return np.array([(frame[f"{name}_point"] - frame["output_tokens"]).abs().to_numpy() for frame in frames])


def compare(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """A row per predictor: its accuracy and error, and the model's gain over it."""
    names = [column.removesuffix("_bucket") for column in frames[0].columns if column.endswith("_bucket")]
    rows = []
    for name in names:
        row = {"predictor": name, "accuracy": hits(frames, name).mean(), "mae_tokens": errors(frames, name).mean()}
        if name != MODEL:
            row["accuracy gain"] = words(paired_bootstrap(hits(frames, MODEL), hits(frames, name)), "+.3f")
            row["mae gain"] = words(paired_bootstrap(errors(frames, MODEL), errors(frames, name)), "+.1f")
        rows.append(row)
    return pd.DataFrame(rows)


def words(found: Difference, form: str) -> str:
    """A difference and its interval."""
    return f"{found.mean:{form}} ({found.low:{form}} to {found.high:{form}})"


def main() -> None:
    """Read, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--markdown", action="store_true", help="a table for a document")
    options = parser.parse_args()
    table = compare(read(options.folders)).round({"accuracy": 3, "mae_tokens": 1}).fillna("")
    if not options.markdown:
        print(table.to_string(index=False))
        return
    print("| " + " | ".join(table.columns) + " |\n|" + "---|" * len(table.columns))
    for row in table.itertuples(index=False):
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
