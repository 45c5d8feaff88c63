"""Checks: measurements held against constants as they are, without fitting anything to them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from s3sim.calibration.cases import Case, case_of
from s3sim.calibration.predict import Constants, foretell, roofline
from s3sim.calibration.rows import Row, read_rows
from s3sim.calibration.serving import simulated_throughput_per_gpu
from s3sim.calibration.skips import Reason, Skip
from s3sim.core.errors import InputError
from s3sim.hardware import Roofline

__all__ = ["Check", "Checked", "check"]

# Answers yes or no: right or wrong, which is no error in percent. Its rows are told, and left out of the medians.
_YES_OR_NO: Final = "oom"
_SIMULATED: Final = "output_throughput_per_gpu_ifb_max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A row with its foretold value, in the row's own unit."""

    case: Case
    predicted: float

    @property
    def row(self) -> Row:
        """What was measured."""
        return self.case.row

    @property
    def error(self) -> float:
        """Predicted / measured − 1; for a yes or no, the difference."""
        if self.row.metric == _YES_OR_NO:
            return self.predicted - self.row.value
        return self.predicted / self.row.value - 1

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return _about(self.row) | {
            "engine": self.case.family.engine,
            "predicted": self.predicted,
            "measured": self.row.value,
            "unit": self.row.unit,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Every row of some files: foretold, or skipped for a reason."""

    rows: tuple[Checked, ...]
    skipped: tuple[Skip, ...]

    @property
    def errors(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Absolute relative errors of all rows but those that answer yes or no."""
        return np.array([abs(entry.error) for entry in self.rows if entry.row.metric != _YES_OR_NO])

    @property
    def coverage(self) -> float:
        """Share of the rows that are foretold; 1 where there are none."""
        total = len(self.rows) + len(self.skipped)
        return len(self.rows) / total if total else 1.0

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; errors are fractions, and null where no row has one."""
        return {
            "rows": [entry.to_json() for entry in self.rows],
            **summary(self.errors),
            "coverage": self.coverage,
            "by_metric": {metric: summary(errors) for metric, errors in self._by_metric().items()},
            "yes_or_no": self._verdicts(),
            "skipped": [
                _about(skip.row) | {"reason": str(skip.reason), "detail": skip.detail} for skip in self.skipped
            ],
            "skipped_by_reason": dict(Counter(str(skip.reason) for skip in self.skipped)),
        }

    def _by_metric(self) -> Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
        metrics = dict.fromkeys(entry.row.metric for entry in self.rows if entry.row.metric != _YES_OR_NO)
        return {
            metric: np.array([abs(entry.error) for entry in self.rows if entry.row.metric == metric])
            for metric in metrics
        }

    def _verdicts(self) -> dict[str, int]:
        verdicts = [entry.error == 0 for entry in self.rows if entry.row.metric == _YES_OR_NO]
        return {"rows": len(verdicts), "right": sum(verdicts)}


def summary(errors: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, Any]:
    """Count, median and 90th percentile of absolute errors; null where there are none."""
    if not len(errors):
        return {"count": 0, "median_abs_error": None, "p90_abs_error": None}
    median, p90 = np.percentile(errors, [50, 90])
    return {"count": len(errors), "median_abs_error": float(median), "p90_abs_error": float(p90)}


def check(paths: Sequence[Path], constants: Constants | None = None) -> Check:
    """Hold the rows of all files against these constants, by default the shipped ones.

    Raises InputError, with file and line, for a file that cannot be read; a row that can be read but not
    foretold is skipped with its reason.
    """
    constants = constants or Constants()
    found = list(_check([row for path in paths for row in read_rows(path)], constants))
    return Check(
        rows=tuple(entry for entry in found if isinstance(entry, Checked)),
        skipped=tuple(entry for entry in found if isinstance(entry, Skip)),
    )


def _check(rows: Sequence[Row], constants: Constants) -> Iterator[Checked | Skip]:
    latencies: dict[object, Roofline] = {}
    for row in rows:
        case = case_of(row)
        if isinstance(case, Skip):
            yield case
            continue
        key = (case.family.engine, case.model, case.device.name, case.parallel.tensor)
        if key not in latencies:
            latencies[key] = roofline(case, constants)
        try:
            value = _value(case, constants, latencies[key])
        except InputError as error:  # the model does not fit: its memory plan says by how much
            yield Skip(row=row, reason=Reason.DOES_NOT_FIT, detail=str(error))
            continue
        yield Checked(case=case, predicted=value / (row.scale or 1.0))


def _value(case: Case, constants: Constants, latency: Roofline) -> float:
    if case.row.metric == _SIMULATED:
        return simulated_throughput_per_gpu(case, constants)
    return foretell(case, constants, latency)


def _about(row: Row) -> dict[str, Any]:
    return {
        "place": row.place,
        "version": row.version,
        "model": row.model,
        "gpu": row.gpu,
        "n_gpus": row.n_gpus,
        "precision": row.precision,
        "batch": row.batch,
        "input_len": row.input_len,
        "output_len": row.output_len,
        "metric": row.metric,
    }
