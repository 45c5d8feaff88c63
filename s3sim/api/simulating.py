"""One point, simulated in this process."""

from collections.abc import Mapping
from typing import Any

from s3sim.api.experiment import Source, experiment_of
from s3sim.api.result import Result
from s3sim.core.errors import InputError
from s3sim.experiment.bound import throughput_bound
from s3sim.experiment.build import Systems, build_facts
from s3sim.experiment.resolved import Point
from s3sim.learn.packages import demand_packages, use_threads
from s3sim.policies.own import OwnSystems, all_systems
from s3sim.policies.registry import SYSTEMS
from s3sim.predictors.learner import LEARNERS, Learner, Prompts
from s3sim.report.summary import summarize
from s3sim.report.tables import event_frame, requests_table, step_frame
from s3sim.sim.incoming import Learners
from s3sim.sim.simulate import simulate_point

__all__ = ["MORE_LEARNERS", "point_of", "result_of", "simulate"]


def simulate(source: Source | Point, *, own_systems: OwnSystems | None = None, **having: Any) -> Result:
    """Simulate one point in this process, and write nothing: the point, or that of an experiment with these values.

    `having` are values of scenario, system, seed and swept keys, as in `Experiment.point`; none are needed where
    there is one point alone. `own_systems` are systems of one's own, by name; an experiment brings those that it
    was made with. Raises InputError where the point's parts cannot be built, or several points are meant.

    >>> from s3sim import Experiment
    >>> workload = {"kind": "preset", "name": "alpaca", "requests": 20}
    >>> experiment = Experiment(model="gpt-j-6b", device="a100-80gb", workload=workload, systems=["orca", "vllm"])
    >>> result = simulate(experiment, system="vllm")
    >>> result.summary["completed"], len(result.requests)
    (20, 20)
    >>> result.timeline(ids=[0])["phase"].tolist()
    ['prefill', 'decode']
    """
    return result_of(*point_of(source, own_systems, having))


def point_of(
    source: Source | Point, own_systems: OwnSystems | None, having: Mapping[str, Any]
) -> tuple[Point, Systems]:
    """The one point that is meant, and the systems among which its own is found."""
    if not isinstance(source, Point):
        experiment = experiment_of(source, (), own_systems)
        return experiment.point(**having), all_systems(experiment.own_systems)
    if having:
        raise InputError(f"{min(having)}: a point is no choice among several; choose among an experiment's")
    systems = all_systems(own_systems)
    if source.system not in systems and source.code is not None:
        raise InputError(
            f"{source.system!r} is a system of one's own, which a point does not hold: give own_systems too, or"
            " simulate its experiment, as in simulate(experiment, system=…)"
        )
    return source, systems


def result_of(point: Point, systems: Systems = SYSTEMS) -> Result:
    """A point's log, requests and summary; its system is one of `systems`."""
    run = simulate_point(point, learners=MORE_LEARNERS, systems=systems)
    events, steps = event_frame(run.log), step_frame(run.log)
    facts = build_facts(point, run.hardware, systems)
    requests = requests_table(events, delivery=facts.delivery)
    bound = throughput_bound(requests, run.hardware, facts.measure)
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
        summary=summarize(events, steps, requests, facts, bound=bound) | counts,
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


MORE_LEARNERS: Learners = {**LEARNERS, "sgd": _sgd, "encoder": _encoder}  # those of the extra `learn` too
