"""The studies: which YAML of experiments/paper is run in which way."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from s3sim.core.errors import InputError

__all__ = ["QUICK_REQUESTS", "STUDIES", "Search", "Study", "thinned", "yaml_of"]

READING_SPEED = "mean:normalized_latency<187.5ms"  # 4 words/s at 0.75 word per token (S³ §5, recalled)
QUICK_REQUESTS = 40
REQUESTS = "workload.requests"  # swept where the models, or the question, take different numbers
QUICK_SEEDS = [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A capacity search: what `s3sim capacity` is told besides the YAML."""

    find: Literal["rate", "gpus"]
    slo: str
    low: float
    high: float
    tolerance: float | None = None
    max_seeds: int = 5  # an undecided level is not looked at again: the bracket is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One YAML of experiments/paper, and how it is run: as it is, under calibration sets, or by a search."""

    name: str
    search: Search | None = None
    sets: bool = False  # swept over the bootstrapped sets of calibration constants


STUDIES = (
    Study(name="walls"),
    Study(name="growing_batch"),
    Study(name="static"),
    Study(name="throughput"),
    Study(name="held"),
    Study(name="all_systems"),
    Study(name="breakdown"),
    Study(name="gpt3"),
    Study(name="mispredictions"),
    Study(name="links"),
    Study(name="ageing"),
    Study(name="choices"),
    Study(name="structure"),
    Study(name="placements"),
    Study(name="baselines"),
    Study(name="settings"),
    Study(name="today"),
    Study(name="calibration", sets=True),
    Study(name="online", search=Search(find="rate", slo=READING_SPEED, low=0.5, high=256, tolerance=0.05)),
    Study(name="gpus", search=Search(find="gpus", slo=READING_SPEED, low=1, high=128)),
    Study(name="mlperf", search=Search(find="rate", slo="p99:e2el<20s", low=0.25, high=32, tolerance=0.05)),
)


def yaml_of(study: Study, folder: Path) -> Path:
    """The study's YAML; raises InputError where the folder does not hold it."""
    path = folder / f"{study.name}.yaml"
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the folder experiments/paper of a checkout")
    return path


def thinned(values: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment with few requests and seeds, and of each sweep the ends: it shows that all works, and no more."""
    scenarios = {name: {**(given or {}), **_ends(given or {})} for name, given in values["scenarios"].items()}
    few = {**values["workload"], "requests": QUICK_REQUESTS}
    return {**values, "scenarios": scenarios, "workload": few, "seeds": QUICK_SEEDS[: len(values["seeds"])]}


def _ends(given: Mapping[str, Any]) -> dict[str, Any]:
    swept = {key: [QUICK_REQUESTS] if key == REQUESTS else each for key, each in given.get("sweep", {}).items()}
    return {"sweep": {key: list({repr(v): v for v in (each[0], each[-1])}.values()) for key, each in swept.items()}}
