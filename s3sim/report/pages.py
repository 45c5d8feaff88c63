"""The figures of a run, drawn from its directory alone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from s3sim.core.errors import SystemFaultError
from s3sim.report import pictures
from s3sim.report.figures.style import save
from s3sim.report.rundir import RunFiles, Scenario, read_run
from s3sim.report.selection import by_setting, highest, run_title, setting, swept_number

__all__ = ["draw"]

Say = Callable[[str], None]
FORMATS = ("png", "svg")
TIMELINES, MAPS = ("s3", "vllm"), ("s3",)  # systems of which single requests, and addresses, are drawn
LEARNING = (  # how an online predictor learns
    "predictor.max_versions",
    "predictor.collect",
    "predictor.overruns",
    "predictor.learner",
    "predictor.retrain_every",
    "predictor.window",
    "predictor.charged_to",
)
# Offline every request waits from time 0, so only the time per token after the first tells what a batch costs.
OFFLINE_Y, ONLINE_Y = "mean_tpot_ms", "normalized_latency_ms"


def draw(run_dir: Path, *, say: Say | None = None) -> list[Path]:
    """Draw every figure of a run into its folder `figures`, as PNG and SVG; returns the files in order.

    Per scenario: foresight where how a predictor learns was swept;
    throughput-latency where a number was swept, slo-attainment where that is the load and there is
    an SLO, and utilisation where it is max_num_seqs;
    of the points with the highest swept value and the first seed kv-over-time, latency-cdf, timeline (of
    s3 and vllm) and kv-map (of s3); throughput by system at that value. What
    else was swept gives figures of its own, named after the setting. What cannot be drawn, such as
    kv-over-time under `log: requests`, is left out, and `say` is told. The same directory gives the
    same bytes. Raises InputError for a directory that is not whole or of another version,
    SystemFaultError where a picture cannot be written.
    """
    run = read_run(run_dir)
    written: list[Path] = []
    for scenario in run.scenarios:
        for name, figure in _figures(run, scenario):
            if isinstance(figure, Figure):
                written += _write(figure, run_dir / "figures" / f"{scenario.name}-{name}")
            elif say is not None:
                say(f"{scenario.name}-{name} is left out: {figure}")
    return written


def _figures(run: RunFiles, scenario: Scenario) -> Iterator[tuple[str, Figure | str]]:
    """Names and figures of a scenario; instead of a figure the reason why there is none."""
    title = run_title(run, scenario)
    yield from _online(run, scenario, title)
    key = swept_number(scenario.rows, scenario.swept_over)
    others = [other for other in scenario.swept_over if other != key]
    groups = (
        [rows for _, rows in scenario.rows.groupby(others, sort=False, dropna=False)] if others else [scenario.rows]
    )
    for rows in groups:
        words = setting(rows, others)
        suffix = "".join(f"-{re.sub(r'[^A-Za-z0-9.=+-]+', '_', part)}" for part in words) if len(groups) > 1 else ""
        for name, figure in _of_setting(run, scenario, rows, key, title=", ".join((title, *words))):
            yield name + suffix, figure


def _online(run: RunFiles, scenario: Scenario, title: str) -> Iterator[tuple[str, Figure | str]]:
    """How a predictor that learns did over time, where what was swept is how it learns, by system."""
    keys = scenario.swept_over
    if not keys or not set(keys) <= set(LEARNING):
        return
    rows = scenario.rows[scenario.rows["seed"] == scenario.rows["seed"].iloc[0]]
    systems = list(dict.fromkeys(rows["system"]))
    for system in systems:
        points = by_setting(rows[rows["system"] == system], keys)
        name = "foresight" if len(systems) == 1 else f"foresight-{system}"
        yield name, pictures.foresight(run, points, f"{title}, {system}")


def _of_setting(
    run: RunFiles, scenario: Scenario, rows: pd.DataFrame, key: str | None, *, title: str
) -> Iterator[tuple[str, Figure | str]]:
    """The figures of rows that differ in system, seed and `key` alone."""
    if key is not None:
        latency = OFFLINE_Y if scenario.arrivals == "offline" else ONLINE_Y
        yield "throughput-latency", pictures.curves(rows, key, latency, slo=scenario.slo, title=title)
    if key is not None and key.startswith("arrivals.") and scenario.slo.limits and scenario.arrivals != "offline":
        yield "slo-attainment", pictures.load_curves(rows, key, slo=scenario.slo, title=title)
    if key == "max_num_seqs":
        yield "utilisation", pictures.utilisation_curves(rows, key, title=title)
    if key is not None:
        rows = highest(rows, key)
    words = [] if key is None else setting(rows, [key])
    seed = rows["seed"].iloc[0]
    first = rows[rows["seed"] == seed]
    points = dict(zip(first["system"], first["point"], strict=True))
    at = f"{title}\n{', '.join([*words, f'seed={seed}'])}"
    yield "kv-over-time", pictures.kv(run, points, at)
    yield "latency-cdf", pictures.cdf(run, points, slo=scenario.slo, title=at)
    yield "throughput", pictures.throughput(rows, "\n".join((title, *words)))
    for system in filter(points.__contains__, TIMELINES):
        yield f"timeline-{system}", pictures.requests_over_time(run, points[system], f"{system}, {at}")
    for system in filter(points.__contains__, MAPS):
        yield f"kv-map-{system}", pictures.address_map(run, points[system], f"{system}, {at}")


def _write(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.parent / f"{stem.name}.{kind}" for kind in FORMATS]
    try:
        stem.parent.mkdir(exist_ok=True)
        for path in paths:
            save(figure, path)
    except OSError as error:
        raise SystemFaultError(f"{stem.parent}: cannot be written: {error.strerror or error}") from error
    return paths
