"""`s3sim capacity`: progress, a table of the capacities and one of the probes, or JSON."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from s3sim.api import find_capacity
from s3sim.capacity.probes import Probe
from s3sim.capacity.results import Capacities, Capacity
from s3sim.capacity.verdicts import seconds
from s3sim.cli.plain import print_json
from s3sim.cli.run import stoppable
from s3sim.cli.sheets import Column, Sheet, say, show
from s3sim.core.errors import InputError

__all__ = ["capacity_command", "parse_seeds"]

HEADINGS = {  # of the bracket, by what is sought
    "rate": ("highest rate\nthat keeps it", "lowest rate\nthat does not"),
    "batch": ("largest batch\nthat keeps it", "smallest batch\nthat does not"),
    "gpus": ("fewest replicas\nthat keep it", "most replicas\nthat do not"),
}
MOST_SEEDS = 10_000  # in one --seeds


def parse_seeds(text: str) -> list[int]:
    """Seeds of a text such as `0-4` or `0,1,7`; raises InputError for another."""
    seeds: list[int] = []
    for part in text.split(","):
        ends = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part)
        if ends is None or (ends[2] and not 0 <= int(ends[2]) - int(ends[1]) < MOST_SEEDS):
            raise InputError(f"--seeds {text}: {part!r} is no seed and no range; write 0-4, or 0,1,7")
        seeds += range(int(ends[1]), int(ends[2] or ends[1]) + 1)
    return seeds


def capacity_command(
    file: Path, *, seeds: str | None, as_json: bool, workers: int | None, slo: Sequence[str], **given: Any
) -> None:
    """Search with a progress bar, then print what came of it; `given` is find_capacity's."""
    with stoppable():
        answer = find_capacity(
            file,
            slo=slo,
            seeds=None if seeds is None else parse_seeds(seeds),
            workers=workers or os.cpu_count() or 1,
            progress=True,
            **given,
        )
    if as_json:
        print_json(answer.to_json())
    else:
        _print(answer)


def _print(answer: Capacities) -> None:
    console = Console()
    show(_probes(answer), console)
    show(_capacities(answer), console)
    console.print()
    for one in answer.capacities:
        for remark in one.remarks:
            say(console, f"{_name(one)}: {remark}")
    say(console, f"results: {answer.path}")


def _name(one: Capacity) -> str:
    return " ".join([one.system, *(f"{key}={value}" for key, value in one.setting.items())])


def _capacities(answer: Capacities) -> Sheet:
    question = answer.question
    kept = " and ".join(f"{one.name} ≤ {seconds(one.limit_ms)}" for one in question.objectives)
    gpus = ["GPUs"] if question.find == "gpus" else []
    rows = []
    for one in answer.capacities:
        counts = [*([_level(one.gpus)] if gpus else []), str(len(one.probes)), str(one.runs)]
        rows.append((_name(one), _level(one.value), _level(one.not_met), *counts))
    headings = (*HEADINGS[question.find], *gpus, "probes", "runs")
    return Sheet(
        title=f"{answer.scenario}: {question.axis.noun} at which {kept}, {question.confidence:.0%} confidence",
        columns=(Column("system"), *(Column(heading, right=True) for heading in headings)),
        rows=tuple(rows),
    )


def _probes(answer: Capacities) -> Sheet:
    level, limits = answer.question.axis.key.rpartition(".")[2], [one.name for one in answer.question.objectives]
    rows = [
        (_name(one), *_cells(probe, len(answer.question.objectives)))
        for one in answer.capacities
        for probe in sorted(one.probes, key=lambda it: it.level)
    ]
    numbers = (Column(heading, right=True) for heading in (level, "seeds", *limits, "saturated"))
    columns = (Column("system"), *numbers, Column("verdict", prose=True))
    return Sheet(title="probes, in order of their level", columns=columns, rows=tuple(rows), keys=2)


def _cells(probe: Probe, objectives: int) -> list[str]:
    if not probe.readings:
        return [_level(probe.level), "0", *["–"] * objectives, "–", f"{probe.verdict.value}: {probe.remark}"]
    found = [reading.words for reading in probe.readings]
    return [_level(probe.level), str(len(probe.points)), *found, str(probe.saturated), probe.verdict.value]


def _level(level: float | None) -> str:
    return "none" if level is None else f"{level:.4g}" if level != int(level) else f"{level:.0f}"
