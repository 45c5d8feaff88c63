"""The Python API: simulate a point, run an experiment, load its results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from s3sim.capacity.probes import Probe
from s3sim.capacity.question import Question, Subject, ask, subjects
from s3sim.capacity.results import Capacities, find_one
from s3sim.capacity.session import Session
from s3sim.core.errors import InputError, SystemFaultError, UnknownNameError
from s3sim.experiment.build import build_facts
from s3sim.experiment.resolved import Point
from s3sim.experiment.rundir import RunDirectory, environment, manifest
from s3sim.experiment.schema import LoadedExperiment, load_experiment
from s3sim.experiment.sweep import Done, run_points
from s3sim.learn.packages import demand_packages, use_threads
from s3sim.predictors.learner import LEARNERS, Learner, Prompts
from s3sim.report.paired import comparisons
from s3sim.report.rundir import read_run
from s3sim.report.summary import summarize
from s3sim.report.tables import event_frame, requests_table, step_frame
from s3sim.sim.simulate import check_points, simulate_point

__all__ = ["Result", "Results", "draw", "find_capacity", "load", "run", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One simulated point: frames of its log, its requests, and its summary."""

    point: Point
    requests: pd.DataFrame
    events: pd.DataFrame
    steps: pd.DataFrame
    summary: dict[str, Any]
    about: dict[str, Any]  # the resolved point, its facts, and what was dropped, as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A finished experiment: its folder, and one row of metrics per point.

    The methods read a point's tables; `point` is its entry in the summary's column of that name.
    """

    path: Path
    summary: pd.DataFrame

    @property
    def comparisons(self) -> pd.DataFrame:
        """Every system against the baseline, paired by seed; see `s3sim.report.paired.comparisons`."""
        return _comparisons(self.summary)

    @property
    def figures(self) -> dict[str, Path]:
        """The pictures in PNG by name, such as `offline-throughput-latency`."""
        return {path.stem: path for path in sorted((self.path / "figures").glob("*.png"))}

    def requests(self, point: str) -> pd.DataFrame:
        """What became of each request of a point: a row each, with its times, lengths and latencies."""
        return self._table(point, "requests")

    def events(self, point: str) -> pd.DataFrame:
        """The event log of a point: a row per change in a request's life; not kept under `log: requests`."""
        return self._table(point, "events")

    def steps(self, point: str) -> pd.DataFrame:
        """The steps of a point: a row per stretch of like steps; not kept under `log: requests`."""
        return self._table(point, "steps")

    def _table(self, point: str, name: str) -> pd.DataFrame:
        if point not in set(self.summary["point"]):
            raise UnknownNameError("point", point, self.summary["point"])
        path = self.path / "points" / point / f"{name}.parquet"
        if not path.is_file():
            raise InputError(f"{path}: was not kept; run the experiment with `log: full`")
        return pd.read_parquet(path)


def simulate(point: Point) -> Result:
    """Simulate one resolved point in this process; raises InputError where its parts cannot be built."""
    run = simulate_point(point, learners={**LEARNERS, "sgd": _sgd, "encoder": _encoder})
    events, steps = event_frame(run.log), step_frame(run.log)
    facts = build_facts(point, run.hardware)
    requests = requests_table(events, delivery=facts.delivery)
    counts = {
        "over_length": run.load.counts.over_length,
        "over_length_dropped": run.load.counts.dropped,
        "over_length_truncated": run.load.counts.truncated,
        "invalid_rows_dropped": run.load.invalid_rows,
    }
    return Result(
        point=point,
        requests=requests,
        events=events,
        steps=steps,
        summary=summarize(events, steps, requests, facts) | counts,
        about=point.to_json() | {"facts": facts.to_json()},
    )


def _sgd(prompts: Prompts) -> Learner:
    """scikit-learn's learner, which the extra `learn` brings."""
    demand_packages("scipy", "sklearn")
    from s3sim.learn.sgd import SGD  # noqa: PLC0415 - only once it is known to be there

    return SGD.of(prompts)


def _encoder(prompts: Prompts) -> Learner:
    """A trained encoder that learns on."""
    use_threads(1)
    from s3sim.learn.continual import Encoder  # noqa: PLC0415

    return Encoder.of(prompts)


def run(
    source: str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    figures: bool = True,
    on_point: Callable[[Point], None] | None = None,
    on_start: Callable[[LoadedExperiment, int], None] | None = None,
) -> Results:
    """Run an experiment, a YAML file or what one would hold, and draw its figures unless `figures` is false.

    Results go into a run directory, `results/<name>` by default; with `resume` its finished points are
    kept. `on_start` is told the experiment and how many points are to be run, `on_point` each point that
    is finished. Raises InputError before anything is written where the experiment cannot be run,
    SystemFaultError where the machine fails it.
    """
    loaded = load_experiment(Path(source) if isinstance(source, str) else source, overrides)
    check_points(loaded.points)
    directory = RunDirectory(Path(out) if out else Path("results") / loaded.experiment.name)
    directory.prepare(
        files=_files(loaded, loaded.experiment.name, loaded.points),
        resume=resume,
        overwrite=overwrite,
        points=loaded.points,
    )
    missing = [point for point in loaded.points if not directory.finished(point)]
    if on_start:
        on_start(loaded, len(missing))
    try:
        for done in run_points(missing, partial(_simulate_into, directory), workers=workers):
            _raise(done)
            if on_point:
                on_point(done.point)
    except KeyboardInterrupt:
        finished = sum(map(directory.finished, loaded.points))
        raise SystemFaultError(
            f"interrupted; {finished} of {len(loaded.points)} points are finished in {directory.path};"
            " --resume continues"
        ) from None
    finally:
        directory.drop_drafts()
        directory.summarize(loaded.points)
        _compare(directory)
    if figures:
        draw(directory.path)
    return load(directory.path)


def find_capacity(
    source: str | Path | Mapping[str, Any],
    *,
    find: str,
    slo: str | Sequence[str],
    confidence: float = 0.95,
    seeds: Sequence[int] | None = None,
    max_seeds: int | None = None,
    low: float | None = None,
    high: float | None = None,
    tolerance: float | None = None,
    scenario: str | None = None,
    systems: Sequence[str] = (),
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    on_start: Callable[[Sequence[Subject]], None] | None = None,
    on_probe: Callable[[Subject, Probe], None] | None = None,
) -> Capacities:
    """Find the highest rate, the largest batch or the fewest GPUs at which systems of an experiment keep an SLO.

    `find` is rate, batch or gpus; `slo` one or more texts such as `p99:ttft<2s`, kept together. Every probe
    is run with `seeds`, and with more, up to `max_seeds`, while its confidence interval holds a limit. Probes
    go into a run directory, `results/<name>-capacity` by default; with `resume` its finished runs are kept.
    A system that cannot keep the SLO at all has the value None. Raises InputError before anything is written
    where the question makes no sense, SystemFaultError where the machine fails it.
    """
    loaded = load_experiment(Path(source) if isinstance(source, str) else source, overrides)
    question = ask(
        find,
        [slo] if isinstance(slo, str) else slo,
        seeds=seeds,
        own_seeds=loaded.experiment.seeds,
        max_seeds=max_seeds,
        confidence=confidence,
        low=low,
        high=high,
        tolerance=tolerance,
    )
    asked = subjects(loaded, question.axis, scenario=scenario, systems=systems)
    _check_subjects(asked, question)
    name = f"{loaded.experiment.name}-capacity"
    directory = RunDirectory(Path(out) if out else Path("results") / name)
    points = [question.axis.at(subject.base, question.span(subject.points).high) for subject in asked]
    directory.prepare(files=_files(loaded, name, points), resume=resume, overwrite=overwrite, points=None)
    if on_start:
        on_start(asked)
    work = partial(_simulate_into, directory)
    session = Session(directory, lambda missing: run_points(missing, work, workers=workers))
    tell = on_probe or (lambda subject, one: None)
    try:
        found = tuple(find_one(subject, question, session.observe, tell) for subject in asked)
    except KeyboardInterrupt:
        raise SystemFaultError(f"interrupted; finished runs are in {directory.path}; --resume continues") from None
    finally:
        session.close()
    answer = Capacities(path=directory.path, question=question, scenario=asked[0].base.scenario, capacities=found)
    directory.write("capacity.json", answer.to_json())
    return answer


def _check_subjects(asked: Sequence[Subject], question: Question) -> None:
    """Raise what is wrong where no system can be run; one that cannot, among others, is an answer."""
    errors = []
    for subject in asked:
        try:
            check_points([question.axis.at(subject.base, question.span(subject.points).high)])
        except InputError as error:
            errors.append(error)
    if len(errors) == len(asked):
        raise errors[0]


def _files(loaded: LoadedExperiment, name: str, points: Sequence[Point]) -> dict[str, Any]:
    experiment = loaded.experiment
    return {
        "manifest.json": manifest(name, experiment.description, points),
        "experiment.yaml": loaded.text,
        "overrides.json": list(loaded.overrides),
        "environment.json": environment(),
    }


def _simulate_into(directory: RunDirectory, point: Point) -> None:
    result = simulate(point)
    tables = {"requests": result.requests}
    if point.log == "full":
        tables |= {"events": result.events, "steps": result.steps}
    directory.keep(point, about=result.about, tables=tables, summary=result.summary)


def _compare(directory: RunDirectory) -> None:
    """Write comparisons.csv beside the summary, where there is something to compare."""
    path = directory.path / "summary.csv"
    found = _comparisons(pd.read_csv(path)) if path.is_file() else None
    if found is not None and len(found):
        directory.write("comparisons.csv", found.to_csv(index=False))


def _comparisons(summary: pd.DataFrame) -> pd.DataFrame:
    columns = list(summary.columns)
    return comparisons(summary, keys=columns[1 : columns.index("system")])  # the swept ones stand between


def _raise(done: Done) -> None:
    if done.error is None:
        return
    if done.exit_code == InputError.exit_code:
        raise InputError(done.error)
    remedy = "" if done.error.endswith("--resume continues") else "; --resume continues"
    raise SystemFaultError(done.error + remedy)


def load(path: str | Path) -> Results:
    """The results in a run directory; raises InputError where it holds none, or those of another version."""
    run_files = read_run(Path(path))
    rows = [scenario.rows for scenario in run_files.scenarios]
    return Results(path=run_files.path, summary=pd.concat(rows, ignore_index=True))


def draw(path: str | Path) -> list[Path]:
    """Redraw every figure of a run directory from its own files; returns the pictures."""
    from s3sim.report.pages import draw as draw_pages  # noqa: PLC0415 - matplotlib takes a second to import

    return draw_pages(Path(path))
