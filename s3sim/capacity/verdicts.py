"""Whether an SLO is kept: what independent runs attained, their confidence interval, and the limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import Any

from s3sim.capacity.slo import Objective
from s3sim.report.intervals import half_width

__all__ = ["Reading", "Verdict", "combined", "read", "seconds", "with_saturation"]


class Verdict(StrEnum):
    """Of an SLO at one level of load."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"  # the interval holds the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the seeds attained of one objective: their mean, and half the width of its interval, in ms."""

    objective: Objective
    mean_ms: float | None  # None: in some run no request finished
    half_ms: float | None
    verdict: Verdict

    @property
    def words(self) -> str:
        """Mean and half width, such as `1.72 ± 0.234 s`."""
        if self.mean_ms is None or self.half_ms is None:
            return "nobody served"
        return seconds(self.mean_ms, self.half_ms)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        found = {"mean_ms": self.mean_ms, "half_width_ms": self.half_ms, "verdict": self.verdict.value}
        return self.objective.to_json() | found


def read(objective: Objective, values: Sequence[float | None], *, confidence: float) -> Reading:
    """The reading of one value per seed, two at least: mean ± t·s/√n (Student, 1908), set against the limit.

    Met where all of the interval is within the limit, not met where all is above, or a run served nobody.
    """
    served = [value for value in values if value is not None]
    if len(served) < len(values):
        return Reading(objective=objective, mean_ms=None, half_ms=None, verdict=Verdict.NOT_MET)
    mean = fmean(served)
    half = half_width(served, confidence=confidence)
    if mean + half <= objective.limit_ms:
        verdict = Verdict.MET
    else:
        verdict = Verdict.NOT_MET if mean - half > objective.limit_ms else Verdict.UNDECIDED
    return Reading(objective=objective, mean_ms=mean, half_ms=half, verdict=verdict)


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """Of objectives that must all be kept: one that is not met settles it."""
    found = set(verdicts)
    return next(kind for kind in (Verdict.NOT_MET, Verdict.UNDECIDED, Verdict.MET) if kind in found)


def with_saturation(verdict: Verdict, *, saturated: int, seeds: int) -> Verdict:
    """The verdict where some runs were saturated: such a run does not keep an SLO, whatever it measured.

    Not met where most runs are saturated; a few are chance or the edge, and leave it undecided at best.
    """
    if 2 * saturated > seeds:
        return Verdict.NOT_MET
    return Verdict.UNDECIDED if saturated and verdict is Verdict.MET else verdict


def seconds(milliseconds: float, half: float | None = None) -> str:
    """A latency, with half the width of its interval if that is given, to three digits, in ms or s."""
    divisor, unit = (1, "ms") if milliseconds < 1000 else (1000, "s")
    spread = "" if half is None else f" ± {half / divisor:.3g}"
    return f"{milliseconds / divisor:.3g}{spread} {unit}"
