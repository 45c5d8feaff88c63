"""`gpu-validate compare`: one simulation against the repeats of its replay."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from gpu_validate.compare import Comparison, compare, ranking, speed_up
from gpu_validate.kept import Kept, Name, kept_points
from gpu_validate.metrics import Metrics, measure
from s3sim.core.errors import InputError

__all__ = ["add", "compare_runs"]

ABOUT = "Hold a simulated run directory against replays of the same experiment, metric by metric."
PAIR = ("s3", "orca")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("compare", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    parser.add_argument("simulated", type=Path, help="a run directory of `s3sim run`")
    parser.add_argument("real", type=Path, nargs="+", help="run directories of `gpu-validate replay`; 3 at least")
    parser.add_argument("--model", default="", help="what the table calls the model")
    parser.add_argument("--out", type=Path, help="also write the comparisons as JSON")


def _run(given: argparse.Namespace) -> None:
    found = compare_runs(given.simulated, given.real, model=given.model)
    for entry in found:
        verdict = "" if entry.status is None else f"  {entry.status} (target {entry.target:.0%})"
        print(  # noqa: T201
            f"{entry.scenario:20} {entry.system:14} {entry.metric:22} simulated {entry.simulated:<10.4g}"
            f" measured {entry.real_median:<10.4g} error {entry.error:+7.1%}  spread {entry.real_spread:6.1%}{verdict}"
        )
    if given.out is not None:
        plain = {"comparisons": [entry.to_json() for entry in found]}
        given.out.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def compare_runs(simulated: Path, real: Sequence[Path], *, model: str = "") -> list[Comparison]:
    """Every point that all have; bursts and Poisson arrivals have targets. Raises InputError where none is shared."""
    told = {kept.name: kept for kept in kept_points(simulated)}
    repeats = [{kept.name: kept for kept in kept_points(path)} for path in real]
    names = [name for name in told if all(name in repeat for repeat in repeats)]
    if not names:
        known = ", ".join(sorted("/".join(map(str, name[:3])) for name in repeats[0]))
        raise InputError(
            f"{simulated}: shares no point (scenario, system, seed, sweep) with {real[0]}, which has {known}"
        )
    found = []
    for name in names:
        scenario = _scenario(told[name])
        runs = [_measured(repeat[name]) for repeat in repeats]
        compared = compare(_measured(told[name]), runs, model=model, system=name[1], scenario=scenario)
        found += compared
    return found + _among(told, repeats, names, model)


def _among(
    told: dict[Name, Kept], repeats: Sequence[dict[Name, Kept]], names: list[Name], model: str
) -> list[Comparison]:
    """Speed-ups and rankings of systems that share all else, in bursts."""
    groups: dict[tuple[str, int, str], list[Name]] = {}
    for name in names:
        if _scenario(told[name]) == "burst":
            groups.setdefault((name[0], name[2], name[3]), []).append(name)
    found: list[Comparison | None] = []
    for members in groups.values():
        simulated = {name[1]: _measured(told[name]) for name in members}
        real = [{name[1]: _measured(repeat[name]) for name in members} for repeat in repeats]
        found.append(speed_up(simulated, real, pair=PAIR, model=model, scenario="burst"))
        found.append(ranking(simulated, real, model=model, scenario="burst"))
    return [entry for entry in found if entry is not None]


def _scenario(kept: Kept) -> str:
    """What its targets go by: burst where all arrive at once, else the kind of arrivals."""
    kind = str(kept.about["arrivals"]["kind"])
    return "burst" if kind == "offline" else kind


def _measured(kept: Kept) -> Metrics:
    return measure(kept.log, capacity=kept.capacity)
