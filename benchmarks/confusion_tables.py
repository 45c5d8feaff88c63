"""Recompute the confusion matrices of experiments/prediction/matrices, which are counts, from their sources.

    python benchmarks/confusion_tables.py DATA [JUDGED]

DATA holds lmsys_vicuna13b_pred/predictions_warmup_multi_cls_1000K.csv.gz (github.com/James-QiuHaoran/
LLM-serving-with-proxy-models, arXiv 2404.08509: a BERT classifier of five classes on LMSYS-Chat answered by
Vicuna-13B) and sharegpt_predicted/first_20k.csv.gz (github.com/AKafakA/vidur_opt_scheduler: lengths predicted for
ShareGPT). JUDGED is the folder that `s3sim predictor evaluate --out` wrote for the predictor of docs/predictor.md:
its confusion.csv is copied. Lines are true buckets, columns predicted ones. Also printed: edges, accuracy, and
quantiles of the true lengths.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from s3sim.predictors.buckets import Buckets

FOLDER = Path(__file__).parents[1] / "experiments" / "prediction" / "matrices"
LMSYS_EDGES = [41, 140, 293, 502, 512]  # its classes begin at 0, 42, 141, 294, 503 tokens; answers stop at 512
LEVELS = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1)


def table(true: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """Counts by true bucket (down) and predicted bucket (across); a bucket that never came counts as right."""
    matrix = np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
    empty = matrix.sum(axis=1) == 0
    matrix[empty, np.flatnonzero(empty)] = 1
    return matrix


def lmsys(data: Path) -> tuple[np.ndarray, Buckets, np.ndarray]:
    """Five classes, as the predictor says them."""
    rows = pd.read_csv(data / "lmsys_vicuna13b_pred" / "predictions_warmup_multi_cls_1000K.csv.gz")
    buckets = Buckets.of_edges(LMSYS_EDGES)
    lengths = rows["output_token_length"].to_numpy(np.int64)
    return table(buckets.index(lengths), rows["predicted_length"].to_numpy(np.int64), 5), buckets, lengths


def sharegpt(data: Path) -> tuple[np.ndarray, Buckets, np.ndarray]:
    """Predicted lengths as the ten buckets of S³ over 2048 tokens."""
    rows = pd.read_csv(data / "sharegpt_predicted" / "first_20k.csv.gz")
    buckets = Buckets(10, 2048)
    lengths, foreseen = (rows[f"num_{name}decode_tokens"].to_numpy(np.int64) for name in ("", "predicted_"))
    return table(buckets.index(lengths), buckets.index(np.maximum(foreseen, 1)), 10), buckets, lengths


def main() -> None:
    """Count, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("judged", type=Path, nargs="?")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name, count in (("lmsys_bert", lmsys), ("sharegpt_model", sharegpt)):
        matrix, buckets, lengths = count(options.data)
        np.savetxt(FOLDER / f"{name}.csv", matrix, fmt="%d", delimiter=",")
        print(name, buckets.edges.tolist(), f"accuracy {np.trace(matrix) / matrix.sum():.3f}")
        print("  quantiles", LEVELS, np.quantile(lengths[lengths > 0], LEVELS).astype(int).tolist())
    if options.judged is not None:
        matrix = np.loadtxt(options.judged / "confusion.csv", delimiter=",", dtype=np.int64)
        np.savetxt(FOLDER / "vicuna_minilm.csv", matrix, fmt="%d", delimiter=",")
        print("vicuna_minilm", Buckets(10, 512).edges.tolist(), f"accuracy {np.trace(matrix) / matrix.sum():.3f}")


if __name__ == "__main__":
    main()
