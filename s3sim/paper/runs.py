"""The studies run into one folder, a run directory each, and read from there."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from s3sim.api import find_capacity, load, run
from s3sim.core.errors import InputError
from s3sim.paper.studies import QUICK_SEEDS, STUDIES, Search, Study, thinned, yaml_of

__all__ = ["Hear", "Runs", "calibration_sets", "run_studies"]

Hear = Callable[[Study, int, int], None]  # a study, points that it has yet to run, points that have been
QUICK_SETS = 2


@dataclass(frozen=True)
class Runs:
    """The folder of the studies' run directories, and their tables, each read once. Raises InputError for lost ones."""

    path: Path

    def summary(self, name: str) -> pd.DataFrame:
        """A row per point of a study that was run."""
        return (
            self._summaries.setdefault(name, load(self.path / name).summary)
            if name not in self._summaries
            else (self._summaries[name])
        )

    def capacities(self, name: str) -> list[dict[str, Any]]:
        """What a search found, an entry per system and setting, as capacity.json has it."""
        path = self.path / name / "capacity.json"
        try:
            found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["capacities"]
        except (OSError, ValueError, KeyError):
            raise InputError(f"{path}: holds no capacities; run `s3sim paper --resume`") from None
        return found

    def table(self, name: str, point: str, table: str) -> pd.DataFrame:
        """The requests, events or steps of a point."""
        return pd.read_parquet(self.path / name / "points" / point / f"{table}.parquet")

    def about(self, name: str, point: str) -> dict[str, Any]:
        """A resolved point with its facts."""
        text = (self.path / name / "points" / point / "point.json").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
        return found

    @cached_property
    def _summaries(self) -> dict[str, pd.DataFrame]:
        return {}


def calibration_sets() -> list[dict[str, Any]]:
    """The engine's constants in each bootstrapped set, as an experiment's `engine` may give them."""
    text = files("s3sim.calibration").joinpath("bootstrap_fastertransformer.json").read_text(encoding="utf-8")
    sets = [one["engines"]["fastertransformer"] for one in json.loads(text)["bootstrap"]]
    return [{"preset": "fastertransformer", "name": f"set-{n:02d}", **one} for n, one in enumerate(sets)]


def run_studies(
    folder: Path,
    out: Path,
    *,
    workers: int,
    resume: bool = False,
    overwrite: bool = False,
    quick: bool = False,
    hear: Hear = lambda study, left, done: None,
    studies: Sequence[Study] = STUDIES,
) -> Runs:
    """Run every study into `out`/<name>; with `resume` what is there is kept. Raises as `s3sim.api.run` does."""
    for study in studies:
        source = yaml_of(study, folder)
        plain = yaml.safe_load(source.read_text(encoding="utf-8"))
        given: Any = thinned(plain) if quick else source
        directory = out / study.name
        shared = {"out": directory, "workers": workers, "resume": resume, "overwrite": overwrite}
        if study.search is not None:
            _search(study, study.search, given, shared, quick=quick, hear=hear)
        else:
            _run(study, given, shared, quick=quick, hear=hear)
    return Runs(out)


def _run(study: Study, given: Any, shared: dict[str, Any], *, quick: bool, hear: Hear) -> None:
    sets = calibration_sets()[: QUICK_SETS if quick else None] if study.sets else []
    done = [0, 0]

    def start(count: int) -> None:
        done[0] = count
        hear(study, count, 0)

    def tell(_: Any) -> None:
        done[1] += 1
        hear(study, done[0], done[1])

    overrides = [f"sweep.engine={json.dumps(sets)}"] if sets else []
    run(given, overrides=overrides, figures=False, on_start=lambda _, n: start(n), on_point=tell, **shared)


def _search(study: Study, search: Search, given: Any, shared: dict[str, Any], *, quick: bool, hear: Hear) -> None:
    probes = [0]

    def tell(*_: Any) -> None:
        probes[0] += 1
        hear(study, probes[0] + 1, probes[0])

    hear(study, 1, 0)
    find_capacity(
        given,
        find=search.find,
        slo=search.slo,
        low=search.low,
        high=search.high,
        tolerance=search.tolerance if not quick or search.find == "gpus" else 0.5,
        max_seeds=len(QUICK_SEEDS) if quick else search.max_seeds,
        seeds=QUICK_SEEDS if quick else None,
        on_probe=tell,
        **shared,
    )
    hear(study, probes[0], probes[0])
