"""Comparisons of what is simulated with what is measured, and the verdict on each.

An error stands beside the spread of the repeats. Where repeats differ by more than 10%, or are fewer
than three, there is nothing to hold the simulation against: not measurable, which is never met.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import median
from typing import Any, Literal

from gpu_validate.metrics import THROUGHPUT, WHOLE, Metrics

__all__ = ["KEYS", "TARGETS", "Comparison", "Status", "compare", "ranking", "speed_up"]

Status = Literal["met", "missed", "not_measurable"]
MOST_SPREAD = 0.10  # of repeats, or the comparison is not measurable
LEAST_REPEATS = 3
BURST = {THROUGHPUT: 0.05, "duration_s": 0.05, f"{WHOLE}mean_e2el_ms": 0.05}
POISSON = {f"{WHOLE}{q}_{name}_ms": 0.10 for name in ("ttft", "tpot", "e2el") for q in ("p50", "p90")}
TARGETS: Mapping[str, Mapping[str, float]] = {"burst": BURST, "poisson": POISSON}
SPEED_UP_TARGET = 0.05
EVEN = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One figure, simulated and measured; `error` and `real_spread` are shares of the measured one."""

    model: str
    system: str
    scenario: str
    metric: str
    simulated: float
    real_median: float
    real_spread: float  # (most - least) / median of the repeats
    error: float  # simulated / median - 1
    target: float | None  # the most that the error may be; None: it is only reported
    status: Status | None  # None where there is no target

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


KEYS = tuple(Comparison.__dataclass_fields__)


def compare(
    simulated: Metrics, repeats: Sequence[Metrics], *, model: str, system: str, scenario: str
) -> list[Comparison]:
    """Every metric that both have; those that TARGETS names for the scenario get a verdict."""
    targets = TARGETS.get(scenario, {})
    found = []
    for metric, value in simulated.items():
        real = [repeat.get(metric) for repeat in repeats]
        known = [value for value in real if value is not None]
        if value is not None and known and len(known) == len(real):
            about = {"model": model, "system": system, "scenario": scenario, "metric": metric}
            found.append(_judged(value, known, target=targets.get(metric), **about))
    return found


def speed_up(
    simulated: Mapping[str, Metrics],
    repeats: Sequence[Mapping[str, Metrics]],
    *,
    pair: tuple[str, str],
    model: str,
    scenario: str,
) -> Comparison | None:
    """Throughput of the pair's first over its second; repeat by repeat for the measured ones."""
    ratio = _ratio(simulated, pair)
    real = [found for repeat in repeats if (found := _ratio(repeat, pair)) is not None]
    if ratio is None or not real:
        return None
    about = {"model": model, "system": pair[0], "scenario": scenario, "metric": f"speed_up_over_{pair[1]}"}
    return _judged(ratio, real, target=SPEED_UP_TARGET, **about)


def ranking(
    simulated: Mapping[str, Metrics], repeats: Sequence[Mapping[str, Metrics]], *, model: str, scenario: str
) -> Comparison | None:
    """How many pairs of systems stand in the same order of throughput, of those whose repeats do not overlap."""
    names = sorted(set(simulated).intersection(*repeats))
    real = {name: [_throughput(repeat[name]) for repeat in repeats] for name in names}
    told = [(a, b) for a, b in combinations(names, 2) if max(real[a]) < min(real[b]) or min(real[a]) > max(real[b])]
    agreed = sum(_above(a, b, real, median) == (_throughput(simulated[a]) > _throughput(simulated[b])) for a, b in told)
    if len(names) < 2:
        return None
    enough = bool(told) and len(repeats) >= LEAST_REPEATS
    return Comparison(
        model=model,
        system="all",
        scenario=scenario,
        metric="ranking_pairs",
        simulated=float(agreed),
        real_median=float(len(told)),
        real_spread=0.0,
        error=agreed / len(told) - 1 if told else 0.0,
        target=0.0,
        status=("met" if agreed == len(told) else "missed") if enough else "not_measurable",
    )


def _above(a: str, b: str, real: Mapping[str, list[float]], middle: Callable[[list[float]], float]) -> bool:
    return middle(real[a]) > middle(real[b])


def _judged(simulated: float, real: Sequence[float], *, target: float | None, **about: str) -> Comparison:
    middle = median(real)
    scale = abs(middle) if abs(middle) > EVEN else 1.0  # counts may be 0: then the difference itself
    spread, error = (max(real) - min(real)) / scale, (simulated - middle) / scale
    return Comparison(
        simulated=simulated,
        real_median=middle,
        real_spread=spread,
        error=error,
        target=target,
        status=None if target is None else _status(error, spread, len(real), target),
        **about,
    )


def _status(error: float, spread: float, repeats: int, target: float) -> Status:
    if repeats < LEAST_REPEATS or spread > MOST_SPREAD:
        return "not_measurable"
    return "met" if abs(error) <= target else "missed"


def _throughput(metrics: Metrics) -> float:
    return metrics[THROUGHPUT] or 0.0


def _ratio(metrics: Mapping[str, Metrics], pair: tuple[str, str]) -> float | None:
    if not set(pair) <= metrics.keys():
        return None
    below = _throughput(metrics[pair[1]])
    return _throughput(metrics[pair[0]]) / below if below else None
