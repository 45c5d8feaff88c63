"""Experiments run into run directories, as they stand or over more values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from s3sim.api.directory import run_files, run_into
from s3sim.api.experiment import Experiment, Source, experiment_of
from s3sim.api.plain import Overrides, plain
from s3sim.api.progress import Board, Nowhere, board
from s3sim.api.results import Results, load
from s3sim.api.trial import demand_lawful
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.rundir import RunDirectory
from s3sim.experiment.schema import LoadedExperiment
from s3sim.policies.own import OwnSystems, all_systems
from s3sim.sim.simulate import check_points

__all__ = ["draw", "run", "sweep"]

OnPoint = Callable[[Point], None]
OnStart = Callable[[LoadedExperiment, int], None]


def run(
    source: Source,
    *,
    overrides: Overrides = (),
    own_systems: OwnSystems | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    figures: bool = True,
    check: bool = True,
    progress: bool | None = None,
    on_point: OnPoint | None = None,
    on_start: OnStart | None = None,
) -> Results:
    """Run an experiment, and draw its figures and page unless `figures` is false: what `s3sim run` does.

    `source` is an Experiment, a YAML file, or what one would hold. Results go into a run directory,
    `results/<name>` by default; with `resume` its finished points are kept. A system of one's own is first tried on a
    few requests, once for each version of its code, unless `check` is false. `progress` shows a bar, by default where
    somebody watches and no callback is told: `on_start` the experiment and how many points are to be run, `on_point`
    each point that is finished. Raises InputError before anything is written where the experiment cannot be run, or a
    system of one's own breaks a law, and InvariantError where such a one cannot even go on; SystemFaultError where the
    machine fails it or it is interrupted: every finished point is then on disk.
    """
    experiment = experiment_of(source, overrides, own_systems)
    loaded, systems = experiment.loaded, all_systems(experiment.own_systems)
    check_points(loaded.points, systems)
    directory = RunDirectory(Path(out) if out else Path("results") / experiment.name)
    told = progress is None and (on_start or on_point)
    with nullcontext(Nowhere()) if told else board(progress) as bars:
        if check:
            demand_lawful(loaded.points, systems, bars)
        directory.prepare(
            files=run_files(loaded, experiment.name, loaded.points, planned=True),
            resume=resume,
            overwrite=overwrite,
            points=loaded.points,
        )
        missing = [point for point in loaded.points if not directory.finished(point)]
        if on_start:
            on_start(loaded, len(missing))
        bars.show(experiment.name, 0, len(missing))
        tell = partial(_tell, bars, experiment.name, len(missing), count(1), on_point)
        run_into(directory, loaded.points, systems, workers=workers, tell=tell)
    if figures:
        draw(directory.path)
    return load(directory.path)


def _tell(bars: Board, name: str, total: int, done: Iterator[int], on_point: OnPoint | None, point: Point) -> None:
    """Tell a bar, and a callback, of one more finished point."""
    bars.show(name, next(done), total)
    if on_point:
        on_point(point)


def sweep(
    source: Source,
    *,
    over: Mapping[str, Sequence[Any]] | None = None,
    overrides: Overrides = (),
    own_systems: OwnSystems | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    figures: bool = False,
    check: bool = True,
    progress: bool | None = None,
) -> Results:
    """Run an experiment over more values: every combination of those in `over`, a mapping of dotted keys to values.

    It is `run` of the experiment with these keys in its `sweep`, and in that of each scenario which sweeps them
    already. Figures are drawn only where they are asked for: `results.plot` draws each. With `resume` an interrupted
    sweep goes on, and one with more values computes those alone.

    >>> from s3sim import Experiment
    >>> workload = {"kind": "preset", "name": "alpaca", "requests": 20}
    >>> experiment = Experiment(model="gpt-j-6b", device="a100-80gb", workload=workload, systems=["orca"])
    >>> results = sweep(experiment, over={"max_num_seqs": [2, 4]}, out="swept")
    >>> results.summary[["max_num_seqs", "completed"]].to_numpy().tolist()
    [[2, 20], [4, 20]]
    >>> more = sweep(experiment, over={"max_num_seqs": [2, 4, 8]}, out="swept", resume=True)
    >>> len(more), len(more.requests(max_num_seqs=8))
    (3, 20)
    """
    return run(
        _swept(experiment_of(source, overrides, own_systems), over or {}),
        out=out,
        workers=workers,
        resume=resume,
        overwrite=overwrite,
        figures=figures,
        check=check,
        progress=progress,
    )


def _swept(experiment: Experiment, over: Mapping[str, Sequence[Any]]) -> Experiment:
    """The experiment with more axes, or other values on those that it has."""
    changes: dict[str, Any] = {}
    for key, values in plain(over).items():
        if isinstance(values, str) or not isinstance(values, list):
            raise InputError(f"over: {key}: {values!r} is no list of values")
        changes[f"sweep.{key}"] = values
        for name, scenario in experiment.loaded.experiment.scenarios.items():
            if key in scenario.sweep:
                changes[f"scenarios.{name}.sweep.{key}"] = values
    return experiment.with_(changes) if changes else experiment


def draw(path: str | Path) -> list[Path]:
    """Redraw every figure of a run directory, and its page report.html, from its own files; returns what it wrote."""
    from s3sim.report.html import write_page  # noqa: PLC0415 - as below, and bokeh
    from s3sim.report.pages import draw as draw_pages  # noqa: PLC0415 - matplotlib takes a second to import

    return [*draw_pages(Path(path)), write_page(Path(path))]
