"""What a search found for each system, as rows and as JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from s3sim.capacity.axes import devices
from s3sim.capacity.probes import Observe, Probe, probe
from s3sim.capacity.question import Question, Subject
from s3sim.capacity.search import search
from s3sim.capacity.verdicts import Verdict, seconds

__all__ = ["SCHEMA_VERSION", "Capacities", "Capacity", "Tell", "attained", "find_one"]

SCHEMA_VERSION = 1  # of capacity.json
Tell = Callable[[Subject, Probe], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one system bears while it keeps the SLO, in one setting.

    `value` is the highest level (for GPUs the lowest) that was shown to meet the SLO, None where none was;
    `not_met` the nearest one beyond it that was shown not to, None where none was up to the search's end.
    For GPUs, levels are replicas, and `gpus` counts the devices of them all.
    """

    system: str
    setting: dict[str, Any]  # swept keys besides the one that is searched
    value: float | None
    not_met: float | None
    undecided: tuple[float, ...]  # levels at which the most seeds could not tell
    monotone: bool  # False: an easier level did not meet the SLO
    gpus: int | None  # of `value` replicas
    probes: tuple[Probe, ...]  # in the order in which they were made

    @property
    def runs(self) -> int:
        """Simulations that it rests on."""
        return sum(len(one.points) for one in self.probes)

    def at(self, level: float) -> Probe | None:
        """The probe of a level."""
        return next((one for one in self.probes if one.level == level), None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know besides the bracket, in sentences."""
        found = []
        if self.value is None and (easiest := self._easiest()):
            found.append(f"cannot be kept: at {easiest.level:g}, {attained(easiest)}")
        if self.value is not None and self.not_met is None and self.gpus is None:
            found.append("no end was found: the SLO is met as far as was searched")
        if not self.monotone:
            found.append("an easier level did not meet the SLO: more than one turn")
        if self._without_spread():
            found.append("all seeds came to the same: the intervals do not tell how other traces would fare")
        return tuple(found)

    def _easiest(self) -> Probe | None:
        """The probe that came nearest to keeping the SLO."""
        return min(self.probes, key=_excess, default=None)

    def _without_spread(self) -> bool:
        halves = [reading.half_ms for one in self.probes for reading in one.readings if reading.half_ms is not None]
        return bool(halves) and not any(halves)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "system": self.system,
            "setting": self.setting,
            "value": self.value,
            "not_met": self.not_met,
            "undecided": list(self.undecided),
            "monotone": self.monotone,
            "gpus": self.gpus,
            "remarks": list(self.remarks),
            "probes": [one.to_json() for one in self.probes],
        }


def attained(one: Probe) -> str:
    """A probe's readings in words, such as `p99 TTFT is 3.1 ± 0.2 s, limit 2 s`; or why there are none."""
    if not one.readings:
        return one.remark
    words = []
    for reading in one.readings:
        name, limit = reading.objective.name, seconds(reading.objective.limit_ms)
        if reading.mean_ms is None or reading.half_ms is None:
            words.append(f"{name}: a run served nobody")
        else:
            words.append(f"{name} is {reading.words}, limit {limit}")
    queue = f"; {one.saturated} of {len(one.points)} runs saturated" if one.saturated else ""
    return "; ".join(words) + queue


def _excess(one: Probe) -> float:
    """How many times its limit the worst objective is; infinite where nothing was served."""
    ratios = [inf if it.mean_ms is None else it.mean_ms / it.objective.limit_ms for it in one.readings]
    return max(ratios, default=inf)


def find_one(subject: Subject, question: Question, observe: Observe, tell: Tell) -> Capacity:
    """Search for one system; `tell` hears of each probe."""
    probes: list[Probe] = []

    def judge(level: float) -> Verdict:
        probes.append(probe(subject.base, level, question, observe))
        tell(subject, probes[-1])
        return probes[-1].verdict

    bracket = search(judge, question.span(subject.points))
    gpus = None if question.find != "gpus" or bracket.met is None else int(bracket.met) * devices(subject.base)
    return Capacity(
        system=subject.system,
        setting=dict(subject.base.sweep),
        value=bracket.met,
        not_met=bracket.not_met,
        undecided=bracket.undecided,
        monotone=bracket.monotone,
        gpus=gpus,
        probes=tuple(probes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacities:
    """The answer to a question: what each system bears, and the run directory that it rests on."""

    path: Path
    question: Question
    scenario: str
    capacities: tuple[Capacity, ...]  # a system in a setting each, in the order of the YAML

    @property
    def summary(self) -> pd.DataFrame:
        """A row per system and setting: the bracket, GPUs, and how much work it took."""
        return pd.DataFrame([_row(one) for one in self.capacities])

    @property
    def probes(self) -> pd.DataFrame:
        """A row per probe: level, seeds, verdict, and of each objective mean and half width in ms."""
        return pd.DataFrame([_probe_row(capacity, one) for capacity in self.capacities for one in capacity.probes])

    def to_json(self) -> dict[str, Any]:
        """As capacity.json holds it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "question": self.question.to_json() | {"scenario": self.scenario},
            "capacities": [one.to_json() for one in self.capacities],
        }


def _row(one: Capacity) -> dict[str, Any]:
    found = {"system": one.system, **one.setting, "value": one.value, "not_met": one.not_met, "gpus": one.gpus}
    return found | {"monotone": one.monotone, "probes": len(one.probes), "runs": one.runs}


def _probe_row(capacity: Capacity, one: Probe) -> dict[str, Any]:
    row: dict[str, Any] = {"system": capacity.system, **capacity.setting, "level": one.level}
    row |= {"seeds": len(one.points), "saturated": one.saturated, "verdict": one.verdict.value}
    for reading in one.readings:
        name = f"{reading.objective.statistic}_{reading.objective.metric}_ms"
        row |= {name: reading.mean_ms, f"{name}_half_width": reading.half_ms}
    return row
