"""What a fit found, as plain JSON: constants with intervals, errors, rows left out, constants that trade off."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from s3sim.calibration.cases import Case
from s3sim.calibration.fit import Fit
from s3sim.calibration.parameters import Vector
from s3sim.calibration.predict import Constants
from s3sim.calibration.quality import Fold, correlations, percentiles, trade_offs
from s3sim.calibration.skips import Skip
from s3sim.hardware import EngineSpec

__all__ = ["Report", "constant_sets"]

_NEAR_BOUND = 1e-3  # of the way from one bound to the other
# The kind of row on which a model left out is judged: everything else has fewer models or other devices.
_JUDGED = "one a100-80gb, fp16, models of 6 to 21 billion parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A fit with all that was asked about it."""

    found: Fit
    skipped: Sequence[Skip]
    models: Sequence[Fold]
    shapes: Sequence[Fold]
    draws: Sequence[Fit]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; errors are fractions, and null where no row has one."""
        found = self.found
        return {
            "rows": len(found.cases),
            **_errors(found.errors),
            "constants": self._constants(),
            "errors": _grouped(found.cases, found.errors),
            "leave_one_model_out": _folds(self.models),
            "leave_one_shape_out": _folds(self.shapes),
            "trade_offs": [pair._asdict() for pair in trade_offs(found)],
            "correlations": {
                "names": [entry.name for entry in found.layout.parameters],
                "matrix": correlations(found).round(3).tolist(),
            },
            "skipped": [
                {"place": skip.row.place, "metric": skip.row.metric, "reason": str(skip.reason), "detail": skip.detail}
                for skip in self.skipped
            ],
            "skipped_by_reason": dict(Counter(str(skip.reason) for skip in self.skipped)),
        }

    def _constants(self) -> list[dict[str, Any]]:
        vectors = np.array([draw.vector for draw in self.draws])
        rows = []
        for index, (entry, value) in enumerate(zip(self.found.layout.parameters, self.found.vector, strict=True)):
            margin = _NEAR_BOUND * (entry.most - entry.least)
            interval = np.percentile(vectors[:, index], [5, 95]).tolist() if len(vectors) else None
            rows.append(
                {
                    "name": entry.name,
                    "value": float(value),
                    "interval_90": interval,
                    "least": entry.least,
                    "most": entry.most,
                    "at_bound": bool(value - entry.least < margin or entry.most - value < margin),
                    "expected": None if entry.spread is None else [entry.typical, entry.spread],
                }
            )
        return rows


def constant_sets(found: Fit, draws: Sequence[Fit], *, engine: str | None) -> dict[str, Any]:
    """The fitted constants, and those of each bootstrap draw; of all engines in the fit, or of one."""
    return _plain(found, engine) | {"bootstrap": [_plain(draw, engine) for draw in draws]}


def _plain(found: Fit, engine: str | None) -> dict[str, Any]:
    constants: Constants = found.constants
    fitted = {entry.engine for entry in found.layout.parameters if entry.engine}
    return {
        "engines": {
            name: _numbers(constants.engines[name]) for name in sorted(fitted) if engine is None or name == engine
        },
        "communication": _rounded(constants.communication),
    }


def _numbers(spec: EngineSpec) -> dict[str, float]:
    """All of an engine's constants, fitted or not: what an EngineSpec needs besides a name."""
    return _rounded({name: value for name, value in asdict(spec).items() if name not in ("name", "source")})


def _rounded(fields: Any) -> dict[str, float]:
    return {name: float(f"{value:.5g}") for name, value in fields.items()}


def _errors(errors: Vector) -> dict[str, Any]:
    median, p90 = percentiles(errors)
    none = not len(errors)
    return {"median_abs_error": None if none else median, "p90_abs_error": None if none else p90}


def _grouped(cases: Sequence[Case], errors: Vector) -> list[dict[str, Any]]:
    """Errors by engine, device, number of devices and metric."""
    groups: dict[tuple[str, str, int, str], list[float]] = {}
    for case, error in zip(cases, errors.tolist(), strict=True):
        key = (case.family.engine, case.device.name, case.parallel.tensor, case.row.metric)
        groups.setdefault(key, []).append(error)
    return [
        dict(zip(("engine", "device", "n_gpus", "metric"), key, strict=True))
        | {"rows": len(group)}
        | _errors(np.array(group))
        for key, group in sorted(groups.items())
    ]


def _folds(folds: Sequence[Fold]) -> dict[str, Any]:
    judged = [
        error
        for fold in folds
        for case, error in zip(fold.cases, fold.errors.tolist(), strict=True)
        if _is_judged(case)
    ]
    return {
        "judged_on": _JUDGED,
        "judged": {"rows": len(judged)} | _errors(np.array(judged)),
        "all": {"rows": sum(len(fold.cases) for fold in folds)}
        | _errors(np.concatenate([fold.errors for fold in folds]) if folds else np.empty(0)),
        "folds": [
            {"left_out": fold.name, "rows": len(fold.cases), "not_evaluable": fold.not_evaluable} | _errors(fold.errors)
            for fold in folds
        ],
    }


def _is_judged(case: Case) -> bool:
    model = case.model
    return (
        case.device.name == "a100-80gb"
        and case.parallel.tensor == 1
        and model.weight_dtype == "fp16"
        and 6e9 <= model.parameters <= 21e9
    )
