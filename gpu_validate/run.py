"""One experiment replayed: every point on the device, results in a run directory as they come."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpu_validate.model import LoadedModel
from gpu_validate.plan import Plan
from gpu_validate.point import counts_of, facts_of, load_of, world_of
from gpu_validate.points import Experiment
from gpu_validate.replay import Replayed
from gpu_validate.results import ReplayDirectory
from gpu_validate.stage import Stage
from gpu_validate.tables import log_columns, step_columns
from s3sim.core.errors import S3SimError, SystemFaultError
from s3sim.experiment.resolved import Plain, Point

__all__ = ["replay_experiment", "replay_point"]


def replay_experiment(
    experiment: Experiment,
    plan: Plan,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    stage: Stage | None = None,
    chosen: Callable[[Point], bool] = lambda _: True,
    say: Callable[[str], None] = lambda _: None,
) -> ReplayDirectory:
    """Replay every chosen point that is not finished yet, into `out`; on a stage that is there already, if one is.

    Raises InputError where the plan or a point cannot be run, SystemFaultError where the machine fails or
    the user interrupts; the directory is then marked partial, and `resume` goes on with it.
    """
    stage = stage or Stage(plan)
    stage.check(experiment)
    directory = ReplayDirectory(out)
    directory.prepare(experiment, plan.to_json(), resume=resume, overwrite=overwrite)
    message = "stopped by a fault of this program"
    try:
        for point in experiment.points:
            if chosen(point) and not directory.finished(point):
                say(point.directory)
                _keep(directory, point, stage)
        message = ""
    except KeyboardInterrupt:
        message = "interrupted"
        raise SystemFaultError(f"interrupted; finished points are in {out}; --resume goes on") from None
    except S3SimError as error:
        message = str(error)
        raise
    finally:
        directory.close(experiment, plan.to_json(), message)
    return directory


def replay_point(point: Point, plan: Plan) -> Replayed:
    """Replay one point, and keep nothing."""
    stage = Stage(plan)
    return stage.run(world_of(point, load_of(point)), stage.model(point))


def _keep(directory: ReplayDirectory, point: Point, stage: Stage) -> None:
    load, model = load_of(point), stage.model(point)
    replayed = stage.run(world_of(point, load), model)
    tables: dict[str, Any] = {**log_columns(replayed.log), "steps_time": step_columns(replayed.steps)}
    directory.keep(
        point,
        about=point.to_json() | {"facts": facts_of(point, model)},
        tables=tables,
        replay=_about(stage, model, replayed),
        counts=counts_of(load),
    )


def _about(stage: Stage, model: LoadedModel, replayed: Replayed) -> Plain:
    memory = stage.device.memory()
    return stage.plan.to_json() | {
        "model": {
            "name": model.name,
            "weights": model.weights,
            "family": model.family,
            "parameters": model.parameters,
            "kv_bytes_per_token": model.kv_bytes_per_token,
        },
        "machine": stage.device.about(),
        "memory": {"total_bytes": memory.total, "free_bytes": memory.free, "peak_bytes": memory.peak},
        "kv_peak_bytes": max((record.kv_bytes for record in replayed.steps), default=0),
        "canary_reference_s": stage.canary.reference_s if stage.canary else None,
        "move_ends_ps": replayed.moves,
        "copies": [copied._asdict() for copied in replayed.copies],
    }
