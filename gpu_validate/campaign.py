"""The runs of `all`: for each study a grid, replays for the fit, and repeats of what is compared, interleaved.

DIR/<study>/canary.json            the reference by which every time on a CPU is normalised
DIR/<study>/grid/                  profile.csv, samples.csv, device.json
DIR/<study>/<scenario>-<n>/        run directories of replays, n from 1
DIR/<study>/rates.json             of Poisson arrivals, from what a burst is foretold to take
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from gpu_validate.analysis import calibrate, capacities
from gpu_validate.bench import Bench
from gpu_validate.canary import Canary
from gpu_validate.device import find_device
from gpu_validate.grid import Grid
from gpu_validate.plan import Plan
from gpu_validate.points import Experiment
from gpu_validate.profiling import measure_grid, write_profile
from gpu_validate.run import replay_experiment
from gpu_validate.shapes import SIZES
from gpu_validate.stage import Stage
from gpu_validate.study import Campaign, Study, experiment_of
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point

__all__ = ["Runner", "grid_for"]

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
RATE_DIGITS = 3  # significant ones, so that a rate is the same when a fit is repeated on the same samples


class Runner:
    """Runs a campaign into a folder, where finished points are kept and gone on from."""

    def __init__(
        self, campaign: Campaign, plan: Plan, out: Path, *, resume: bool, say: Say, progress: Progress
    ) -> None:
        if not resume and out.is_dir() and any(out.iterdir()):
            raise InputError(f"{out}: holds results already; --resume continues them, --out DIR writes elsewhere")
        self.campaign, self.plan, self.out = campaign, plan, out
        self._say, self._progress = say, progress

    def run(self) -> None:
        """Run what is not finished; raises InputError or SystemFaultError where the machine cannot."""
        for study in self.campaign.studies:
            self._study(study)

    def _study(self, study: Study) -> None:
        campaign = self.campaign
        canary = _canary(self.out / study.name, study.size) if self.plan.device == "cpu" else None
        stage = Stage(replace(self.plan, model_size=study.size), canary)
        burst = experiment_of(study, "burst", requests=campaign.requests, systems=campaign.systems)
        other = experiment_of(
            study, "calibration-burst", requests=campaign.calibration_requests, systems=campaign.systems
        )
        self._grid(study, stage, burst)
        for turn in range(1, campaign.repeats + 1):
            self._turn(study, turn, {"calibration-burst": other, "burst": burst}, stage)
        if campaign.poisson_requests:
            self._poisson(study, stage, burst)

    def _poisson(self, study: Study, stage: Stage, burst: Experiment) -> None:
        """Arrivals at a share of each system's own capacity, in turn with replays for a fit with batches as small."""
        campaign, rates = self.campaign, self._rates(study, burst)

        def made(scenario: str, requests: int) -> Experiment:
            return experiment_of(study, scenario, requests=requests, systems=campaign.systems, rates=rates)

        both = {
            "calibration-poisson": made("calibration-poisson", campaign.calibration_requests),
            "poisson": made("poisson", campaign.poisson_requests),
        }
        for turn in range(1, campaign.repeats + 1):
            self._turn(study, turn, both, stage)

    def _rates(self, study: Study, burst: Experiment) -> dict[str, float]:
        path = self.out / study.name / "rates.json"
        if not path.is_file():
            able = capacities(burst, calibrate(self.out / study.name, "burst"))
            rates = {name: float(f"{self.campaign.load * rate:.{RATE_DIGITS}g}") for name, rate in able.items()}
            path.write_text(json.dumps(rates, indent=1) + "\n", encoding="utf-8")
        found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _grid(self, study: Study, stage: Stage, burst: Experiment) -> None:
        folder = self.out / study.name / "grid"
        if (folder / "device.json").is_file():
            return
        self._say(f"{study.name}: grid")
        model, grid = stage.model(burst.points[0]), grid_for(study)
        bench = Bench(model, grid, mode="packed", blocks=False, canary=stage.canary)
        about = {"model": model.name, "weights": model.weights, **stage.plan.to_json()}
        write_profile(folder, measure_grid(bench, grid, self._progress), model, about)

    def _turn(self, study: Study, turn: int, scenarios: Mapping[str, Experiment], stage: Stage) -> None:
        """Each system under every scenario before the next system: a machine drifts within a minute."""
        self._say(f"{study.name}: {' and '.join(scenarios)}, turn {turn}")
        for system in self.campaign.systems:
            for scenario, experiment in scenarios.items():
                folder = self.out / study.name / f"{scenario}-{turn}"
                chosen = partial(_is_of, system)
                replay_experiment(experiment, stage.plan, folder, resume=True, stage=stage, chosen=chosen)


def _is_of(system: str, point: Point) -> bool:
    return point.label == system


def grid_for(study: Study) -> Grid:
    """A grid over the sizes that a study's steps have."""
    load = study.workload
    most = load.capacity // sum(load.prompt)
    rows = tuple(size for size in (1, 2, 4, 8, 16, 32, 64) if size <= 2 * most)
    mean = sum(load.prompt) // 2
    return Grid(
        rows=rows if len(rows) > 1 else (1, 2),
        contexts=tuple(sorted({mean // 2, mean, load.max_length // 2})),
        prompts=tuple(sorted({1, load.prompt[0], load.prompt[1]})),
        copies=tuple(sorted({load.prompt[0], mean, load.max_length})),
    )


def _canary(folder: Path, size: str) -> Canary:
    """The one whose reference the folder's other times were normalised by, or a new one."""
    path, device, like = folder / "canary.json", find_device("cpu"), SIZES.get(size, SIZES["small"])
    if path.is_file():
        return Canary(device, reference_s=json.loads(path.read_text(encoding="utf-8"))["reference_s"], like=like)
    canary = Canary(device, like=like)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"reference_s": canary.reference_s}) + "\n", encoding="utf-8")
    return canary
