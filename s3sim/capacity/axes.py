"""What a search varies: the arrival rate, the batch's limit, or how many replicas share the load."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from json import dumps, loads
from math import prod
from typing import Any, Literal

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.traffic import REPLICAS, build_trace
from s3sim.workload.reshape import mean_rate

__all__ = ["AXES", "SMALLER", "Axis", "devices"]

Plain = dict[str, Any]
MOST_RATE = 1e9  # requests/s; no arrival process goes beyond: a picosecond is the unit of time
MOST_SEQUENCES = 2**20  # running at once
MOST_REPLICAS = 4096
SMALLER = 100.0  # a rate's low end is this much below its high end, unless it is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A quantity that one search varies while all else stays.

    `at` gives the point at a level; `own` the level that an experiment's point has itself, where it has one.
    """

    key: str  # the column of summary.csv that holds its levels
    noun: str
    wants: Literal["highest", "lowest"]
    whole: bool
    ceiling: float
    tolerance: float  # unless another is given
    at: Callable[[Point, float], Point]
    own: Callable[[Point], float | None]
    check: Callable[[Point], None]  # raises InputError where a point has no such quantity

    def ends(self, points: Sequence[Point]) -> tuple[float, float]:
        """Low and high end of a search that starts from these points, which differ in this quantity alone."""
        levels = [level for level in map(self.own, points) if level is not None]
        high = max(levels, default=2.0 if self.wants == "lowest" else 64.0)
        return (1.0 if self.whole else high / SMALLER), high


def devices(point: Point) -> int:
    """GPUs of one replica: tensor × pipeline."""
    return prod(point.parallel.values())


def _demand_rate(point: Point) -> None:
    kind = point.arrivals["kind"]
    if kind == "offline":
        raise InputError(
            f"scenario {point.scenario!r} is offline: everything is there at time 0, and no rate can be changed;"
            " give it arrivals, such as {kind: poisson, rate: 4}, or choose another --scenario"
        )
    if kind == "closed_loop":
        raise InputError(
            f"scenario {point.scenario!r} is a closed loop: its users make the arrivals, and no rate can be changed;"
            " give it arrivals, such as {kind: poisson, rate: 4}, or choose another --scenario"
        )


def _rate(point: Point) -> float:
    """Requests/s of a point's arrivals."""
    fields = point.arrivals
    match fields["kind"]:
        case "trace":
            return _recorded_rate(dumps(point.workload), dumps(fields), point.seed)
        case "markov_modulated":
            rates, sojourns = fields["rates"], fields["sojourns_s"]
            return float(sum(rate * sojourn for rate, sojourn in zip(rates, sojourns, strict=True)) / sum(sojourns))
        case _:
            return float(fields["rate"])


@lru_cache(maxsize=16)
def _recorded_rate(workload: str, arrivals: str, seed: int) -> float:
    trace, _ = build_trace(loads(workload), loads(arrivals), seed=seed)
    rate = mean_rate(trace)
    if rate is None:
        raise InputError("arrivals: all rows of the trace arrive at once, so there is no rate; use poisson arrivals")
    return rate


def _with_rate(point: Point, rate: float, own: float) -> Plain:
    """The arrivals of a point, at another rate: the same draws, closer together or farther apart."""
    fields = point.arrivals
    match fields["kind"]:
        case "trace":
            return {**fields, "scale": fields["scale"] * own / rate}
        case "markov_modulated":  # a burst lasts as long as it did
            return {**fields, "rates": [each * rate / own for each in fields["rates"]]}
        case _:
            return {**fields, "rate": rate}


def _at_rate(point: Point, rate: float) -> Point:
    return replace(point, arrivals=_with_rate(point, rate, _rate(point)), sweep={**point.sweep, "arrivals.rate": rate})


def _at_replicas(point: Point, replicas: float) -> Point:
    """One of so many replicas, each of which serves an equal share of the load.

    Dealt at random, a Poisson process leaves each replica a slower one, also where its rate changes; other
    processes are drawn apart, and keep their burstiness. Of these every replica is given as many requests as one
    alone. Rows of a recorded trace are dealt at random, and keep their times: drawn apart, a burst would last as many
    times as long as there are replicas.
    """
    own, count = _rate(point), int(replicas)
    recorded = point.arrivals["kind"] == "trace"
    arrivals = {**point.arrivals, REPLICAS: count} if recorded else _with_rate(point, own / replicas, own)
    return replace(point, arrivals=arrivals, sweep={**point.sweep, "replicas": count})


def _batch_key(point: Point) -> str:
    for name in ("max_num_seqs", "batch_size"):
        if name in point.choices:
            return name
    raise InputError(f"system {point.system!r} has no limit of its batch; leave it out with --system")


def _at_batch(point: Point, size: float) -> Point:
    choices = {**point.choices, _batch_key(point): int(size)}
    return replace(point, choices=choices, sweep={**point.sweep, "max_num_seqs": int(size)})


def _batch(point: Point) -> float | None:
    found: int | None = point.choices[_batch_key(point)]
    return found


def _demand_batch(point: Point) -> None:
    _batch_key(point)


AXES: Mapping[str, Axis] = {
    "rate": Axis(
        key="arrivals.rate",
        noun="arrival rate (requests/s)",
        wants="highest",
        whole=False,
        ceiling=MOST_RATE,
        tolerance=0.02,
        at=_at_rate,
        own=_rate,
        check=_demand_rate,
    ),
    "batch": Axis(
        key="max_num_seqs",
        noun="max_num_seqs",
        wants="highest",
        whole=True,
        ceiling=MOST_SEQUENCES,
        tolerance=0.0,
        at=_at_batch,
        own=_batch,
        check=_demand_batch,
    ),
    "gpus": Axis(
        key="replicas",
        noun="replicas",
        wants="lowest",
        whole=True,
        ceiling=MOST_REPLICAS,
        tolerance=0.0,
        at=_at_replicas,
        own=lambda point: None,
        check=_demand_rate,
    ),
}
