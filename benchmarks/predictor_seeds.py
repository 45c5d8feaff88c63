"""Is a fine-tuned predictor better than a baseline, over several seeds, or only luckier?

    python benchmarks/predictor_seeds.py results/predictor/judged-0 results/predictor/judged-1 --markdown

reads the predictions.parquet that `s3sim predictor evaluate --out` wrote for predictors trained with different seeds,
and prints, for each baseline, the gain in accuracy and in tokens of error: mean over seeds and rows, with a 95%
interval by a paired bootstrap. Of one split, seeds and rows are drawn; of several (`--split-seed`), rows of all of
them, each with the mean of its seeds: more held-out rows, so a narrower interval. A row that two splits hold out
counts twice.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.learn.bootstrap import Difference, paired_bootstrap

MODEL = "model"


Groups = list[list[pd.DataFrame]]  # by split, then by seed


def read(folders: list[Path]) -> Groups:
    """The predictions of each folder, those of the same rows together; raises InputError for other lengths of a row."""
    groups: dict[tuple[int, ...], list[pd.DataFrame]] = {}
    lengths: dict[int, int] = {}
    for folder in folders:
        frame = pd.read_parquet(folder / "predictions.parquet")
        for row, tokens in zip(frame["id"], frame["output_tokens"], strict=True):
            if lengths.setdefault(row, tokens) != tokens:
                raise InputError(f"{folder}: row {row} has {tokens} tokens, elsewhere {lengths[row]}; use one data set")
        groups.setdefault(tuple(frame["id"]), []).append(frame)
    return list(groups.values())


def hits(frames: list[pd.DataFrame], name: str) -> np.ndarray:
    """Whether the foreseen bucket was the true one, of shape (seeds, rows)."""
    return np.array([(frame[f"{name}_bucket"] == frame["bucket"]).to_numpy(float) for frame in frames])


def errors(frames: list[pd.DataFrame], name: str) -> np.ndarray:
    """Tokens by which the point estimate was off, of shape (seeds, rows)."""
    return np.array([(frame[f"{name}_point"] - frame["output_tokens"]).abs().to_numpy() for frame in frames])


Measure = Callable[[list[pd.DataFrame], str], np.ndarray]


def values(groups: Groups, measure: Measure, name: str) -> np.ndarray:
    """A measure of a predictor: (seeds, rows) of one split; of several, all their rows with the mean of the seeds."""
    found = [measure(frames, name) for frames in groups]
    return found[0] if len(found) == 1 else np.concatenate([one.mean(axis=0) for one in found])


def compare(groups: Groups) -> pd.DataFrame:
    """A row per predictor: its accuracy and error, and the model's gain over it."""
    columns = groups[0][0].columns
    rows = []
    for name in [column.removesuffix("_bucket") for column in columns if column.endswith("_bucket")]:
        accuracy, off = values(groups, hits, name), values(groups, errors, name)
        row = {"predictor": name, "accuracy": accuracy.mean(), "mae_tokens": off.mean()}
        if name != MODEL:
            row["accuracy gain"] = words(paired_bootstrap(values(groups, hits, MODEL), accuracy), "+.3f")
            row["mae gain"] = words(paired_bootstrap(values(groups, errors, MODEL), off), "+.1f")
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
