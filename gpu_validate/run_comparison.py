"""A simulated run directory against those of its replays."""

from collections.abc import Sequence
from pathlib import Path

from gpu_validate.compare import Comparison, compare, ranking, speed_up
from gpu_validate.kept import Kept, Name, kept_points
from gpu_validate.metrics import Metrics, measure
from s3sim.core.errors import InputError

__all__ = ["compare_runs"]

PAIR = ("s3", "orca")


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
