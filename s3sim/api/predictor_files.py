"""The files of an evaluation: matrices that a simulation reads, pictures, predictions and scores."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from s3sim.core.errors import SystemFaultError
from s3sim.learn.evaluation import MODEL, Evaluation
from s3sim.learn.foreseen import quantile
from s3sim.predictors.predictor import IntArray

__all__ = ["matrix_csv", "write_evaluation"]

LEVELS = np.linspace(0.05, 0.95, 19)


def write_evaluation(found: Evaluation, folder: Path, *, name: str, worth: pd.DataFrame | None) -> list[Path]:
    """Write everything into a folder; returns the files. Raises SystemFaultError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [*_tables(found, folder, worth), *_pictures(found, folder, name)]
    except OSError as error:
        raise SystemFaultError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _tables(found: Evaluation, folder: Path, worth: pd.DataFrame | None) -> Iterator[Path]:
    for name in found.foreseen:
        path = folder / ("confusion.csv" if name == MODEL else f"confusion-{name}.csv")
        path.write_text(matrix_csv(found.confusion(name)), encoding="utf-8")
        yield path
    differences = {
        name: {key: asdict(value) for key, value in both.items()} for name, both in found.differences().items()
    }
    about = {**found.to_json(), "differences": differences, "edges": found.buckets.edges.tolist()}
    (folder / "scores.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    found.to_frame().to_parquet(folder / "predictions.parquet", index=False)
    yield from (folder / "scores.json", folder / "predictions.parquet")
    if worth is not None:
        worth.to_csv(folder / "worth.csv", index=False, lineterminator="\n")
        yield folder / "worth.csv"


def matrix_csv(matrix: IntArray) -> str:
    """A line per true bucket; one that no row was in is taken to be foreseen right, so that it can be drawn from."""
    filled = matrix + np.diag((matrix.sum(axis=1) == 0).astype(np.int64))
    return "".join(",".join(map(str, row)) + "\n" for row in filled.tolist())


def _pictures(found: Evaluation, folder: Path, name: str) -> Iterator[Path]:
    from s3sim.report.figures.predictor import calibration, confusion_matrix  # noqa: PLC0415 - matplotlib is slow
    from s3sim.report.figures.style import save  # noqa: PLC0415

    own = found.foreseen[MODEL]
    assert own.chances is not None, "a model gives chances"
    edges = found.buckets.edges.tolist()
    truth, tokens = found.buckets.index(found.rows.tokens), found.rows.tokens
    rows = pd.DataFrame({"chance": own.chances.max(axis=1), "hit": own.bucket == truth})
    shares = [float((tokens <= quantile(own.chances, found.buckets, level)).mean()) for level in LEVELS]
    about = f"{name}: {len(tokens):,} requests"
    figures = {
        "confusion": confusion_matrix(found.confusion(), edges, title=about),
        "calibration": calibration(rows, pd.DataFrame({"level": LEVELS, "share": shares}), title=about),
    }
    for kind, figure in figures.items():
        for suffix in ("png", "svg"):
            save(figure, folder / f"{kind}.{suffix}")
            yield folder / f"{kind}.{suffix}"
