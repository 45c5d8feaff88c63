"""A fit of the latency model to files of measurements, with all that is asked about it."""

from collections.abc import Sequence
from pathlib import Path

from s3sim.calibration import DRAWS
from s3sim.calibration.anchors import ANCHORS
from s3sim.calibration.check import Check, check
from s3sim.calibration.fit import fit, usable_cases
from s3sim.calibration.quality import bootstrap, by_model, by_shape, leave_one_out
from s3sim.calibration.report import Report
from s3sim.core.errors import InputError

__all__ = ["calibrate", "check_calibration"]


def calibrate(files: Sequence[str | Path], *, draws: int = DRAWS, seed: int = 0, engine: str | None = None) -> Report:
    """Fit the roofline's constants to CSVs of measurements; `s3sim calibrate --help` names their columns.

    `draws` fits to rows drawn anew give intervals. Raises InputError for files that cannot be used, and where
    `engine` is named and no row is of it.
    """
    cases, skipped = usable_cases([Path(file) for file in files])
    fitted = {case.family.engine for case in cases}
    if engine is not None and engine not in fitted:
        raise InputError(f"--engine: no row fits engine {engine!r}; these files have {', '.join(sorted(fitted))}")
    found = fit(cases)
    return Report(
        found=found,
        skipped=skipped,
        models=list(leave_one_out(found, by_model)),
        shapes=list(leave_one_out(found, by_shape)),
        draws=bootstrap(found, draws=draws, seed=seed),
    )


def check_calibration(files: Sequence[str | Path] = ()) -> Check:
    """Hold the shipped constants against CSVs of measurements, by default against the published anchors."""
    return check([Path(file) for file in files] or [ANCHORS])
