"""The Python API: replay an experiment, fit a profile, hold a simulation against its replays."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpu_validate.fit import Fit, Held, fit_samples, held_out, profile_rows
from gpu_validate.kept import kept_points
from gpu_validate.packages import demand_torch
from gpu_validate.plan import Plan
from gpu_validate.points import read_experiment
from gpu_validate.profile_file import write_rows
from gpu_validate.run_comparison import compare_runs
from gpu_validate.samples import Sample, read_samples
from s3sim.core.errors import InputError

__all__ = ["Plan", "compare_runs", "fit_profile", "read_comparisons", "run_replay"]


def run_replay(
    source: str | Path,
    *,
    out: str | Path,
    plan: Plan,
    overrides: Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Replay every point of an experiment, a YAML or resolved points in JSON; returns its run directory.

    Raises InputError where it cannot be run or torch is missing, SystemFaultError where the machine fails or the
    user interrupts; what is finished is kept, and `resume` goes on with it.
    """
    demand_torch("run_replay")
    from gpu_validate.run import replay_experiment  # noqa: PLC0415  needs torch

    experiment = read_experiment(Path(source), overrides)
    replay_experiment(experiment, plan, Path(out), resume=resume, overwrite=overwrite, say=say)
    return Path(out)


def fit_profile(sources: Sequence[str | Path], *, out: str | Path, systems: Sequence[str] = ()) -> tuple[Fit, Held]:
    """Fit durations of steps, write the profile to `out` and the fit beside it as JSON; returns fit and errors.

    `sources` are samples.csv of a measured grid, or run directories of replays, of which `systems` chooses some.
    Raises InputError for too few samples.
    """
    samples = [sample for source in sources for sample in _samples(Path(source), systems)]
    found, held, path = fit_samples(samples), held_out(samples), Path(out)
    write_rows(path, profile_rows(found))
    plain = {"held_out": asdict(held), "fit": asdict(found), "sources": [str(source) for source in sources]}
    path.with_suffix(".json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return found, held


def read_comparisons(path: str | Path) -> list[dict[str, Any]]:
    """The comparisons of a page's JSON, such as docs/validation/cpu.json: a dictionary of `Comparison`'s keys each."""
    try:
        found: list[dict[str, Any]] = json.loads(Path(path).read_text(encoding="utf-8"))["comparisons"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: holds no comparisons: {error!r}; give the JSON of `gpu-validate all`") from None
    return found


def _samples(source: Path, systems: Sequence[str]) -> list[Sample]:
    if not source.is_dir():
        return read_samples(source)
    if (source / "samples.csv").is_file():
        return read_samples(source / "samples.csv")
    chosen = [kept for kept in kept_points(source) if not systems or kept.name[1] in systems]
    return [sample for kept in chosen for sample in kept.samples()]
