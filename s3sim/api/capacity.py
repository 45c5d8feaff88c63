"""The search for what systems bear: the highest rate, the largest batch, the fewest GPUs."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from s3sim.api.directory import GOES_ON, keep_point, run_files
from s3sim.api.experiment import Source, experiment_of
from s3sim.api.plain import Overrides
from s3sim.api.progress import Board, Nowhere, board
from s3sim.capacity.probes import Probe
from s3sim.capacity.question import Question, Subject, ask, subjects
from s3sim.capacity.results import Capacities, Tell, find_one
from s3sim.capacity.session import Session
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.build import Systems
from s3sim.experiment.rundir import RunDirectory
from s3sim.experiment.sweep import run_points
from s3sim.policies.own import OwnSystems, all_systems
from s3sim.sim.simulate import check_points

__all__ = ["find_capacity"]


def find_capacity(
    source: Source,
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
    overrides: Overrides = (),
    own_systems: OwnSystems | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    on_start: Callable[[Sequence[Subject]], None] | None = None,
    on_probe: Tell | None = None,
) -> Capacities:
    """Find the highest rate, the largest batch or the fewest GPUs at which systems of an experiment keep an SLO.

    `find` is rate, batch or gpus; `slo` one or more texts such as `p99:ttft<2s`, kept together. Every probe
    is run with `seeds`, and with more, up to `max_seeds`, while its confidence interval holds a limit. Probes
    go into a run directory, `results/<name>-capacity` by default; with `resume` its finished runs are kept.
    `progress` shows a bar per system, as `run` does. A system that cannot keep the SLO at all has the value None.
    Raises InputError before anything is written where the question makes no sense, SystemFaultError where the
    machine fails it.
    """
    experiment = experiment_of(source, overrides, own_systems)
    loaded, known = experiment.loaded, all_systems(experiment.own_systems)
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
    _check_subjects(asked, question, known)
    name = f"{experiment.name}-capacity"
    directory = RunDirectory(Path(out) if out else Path("results") / name)
    points = [question.axis.at(subject.base, question.span(subject.points).high) for subject in asked]
    files = run_files(loaded, name, points, planned=False)
    directory.prepare(files=files, resume=resume, overwrite=overwrite, points=None)
    if on_start:
        on_start(asked)
    told = progress is None and (on_start or on_probe)
    with nullcontext(Nowhere()) if told else board(progress) as bars:
        answer = _search(directory, asked, question, known, workers=workers, tell=_teller(bars, asked, on_probe))
    directory.write("capacity.json", answer.to_json())
    return answer


def _search(
    directory: RunDirectory,
    asked: Sequence[Subject],
    question: Question,
    systems: Systems,
    *,
    workers: int,
    tell: Tell,
) -> Capacities:
    """Search for one system after the other; what was run stays, however it ends."""
    work = partial(keep_point, directory, systems)
    session = Session(directory, lambda missing: run_points(missing, work, workers=workers))
    try:
        found = tuple(find_one(subject, question, session.observe, tell) for subject in asked)
    except KeyboardInterrupt:
        raise SystemFaultError(f"interrupted; finished runs are in {directory.path}; {GOES_ON}") from None
    finally:
        session.close()
    return Capacities(path=directory.path, question=question, scenario=asked[0].base.scenario, capacities=found)


def _teller(bars: Board, asked: Sequence[Subject], on_probe: Tell | None) -> Tell:
    """Tells a bar per system, and a callback, of each probe."""
    counts = dict.fromkeys((subject.name for subject in asked), 0)
    for name in counts:
        bars.show(name, 0)

    def tell(subject: Subject, probe: Probe) -> None:
        counts[subject.name] += 1
        bars.show(subject.name, counts[subject.name], words=f": {probe.level:g} {probe.verdict.value}")
        if on_probe:
            on_probe(subject, probe)

    return tell


def _check_subjects(asked: Sequence[Subject], question: Question, systems: Systems) -> None:
    """Raise what is wrong where no system can be run; one that cannot, among others, is an answer."""
    errors = []
    for subject in asked:
        try:
            check_points([question.axis.at(subject.base, question.span(subject.points).high)], systems)
        except InputError as error:
            errors.append(error)
    if len(errors) == len(asked):
        raise errors[0]
