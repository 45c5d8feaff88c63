"""The figures of a run, drawn from its directory alone."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from s3sim.core.errors import SystemFaultError
from s3sim.report.facts import ServiceLevel
from s3sim.report.figures import bars, kv_over_time, latency_cdf, throughput_latency
from s3sim.report.figures.points import value_text
from s3sim.report.figures.style import save
from s3sim.report.occupancy import occupancy_series
from s3sim.report.rundir import RunFiles, Scenario, read_run

__all__ = ["draw"]

Say = Callable[[str], None]
FORMATS = ("png", "svg")
LATENCIES = ("ttft_ms", "tpot_ms", "e2el_ms")
PREFERRED = ("max_num_seqs", "arrivals.rate")  # what a throughput-latency curve is swept over, if it can be
X = "request_throughput"
# Offline every request waits from time 0, so only the time per token after the first tells what a batch costs.
OFFLINE_Y, ONLINE_Y = "mean_tpot_ms", "normalized_latency_ms"


def draw(run_dir: Path, *, say: Say | None = None) -> list[Path]:
    """Draw every figure of a run into its folder `figures`, as PNG and SVG; returns the files in order.

    Per scenario: throughput-latency where a number was swept; kv-over-time and latency-cdf of the
    points with the highest swept value and the first seed; throughput by system at that value. What
    else was swept gives figures of its own, named after the setting. What cannot be drawn, such as
    kv-over-time under `log: requests`, is left out, and `say` is told. The same directory gives the
    same bytes. Raises InputError for a directory that is not whole or of another version,
    SystemFaultError where a picture cannot be written.
    """
    run = read_run(run_dir)
    pictures: list[Path] = []
    for scenario in run.scenarios:
        for name, figure in _figures(run, scenario):
            if isinstance(figure, Figure):
                pictures += _write(figure, run_dir / "figures" / f"{scenario.name}-{name}")
            elif say is not None:
                say(f"{scenario.name}-{name} is left out: {figure}")
    return pictures


def _figures(run: RunFiles, scenario: Scenario) -> Iterator[tuple[str, Figure | str]]:
    """Names and figures of a scenario; instead of a figure the reason why there is none."""
    title = run.name if run.name == scenario.name else f"{run.name}: {scenario.name}"
    key = _swept_number(scenario)
    others = [other for other in scenario.swept_over if other != key]
    groups = (
        [rows for _, rows in scenario.rows.groupby(others, sort=False, dropna=False)] if others else [scenario.rows]
    )
    for rows in groups:
        setting = _setting(rows, others)
        suffix = "".join(f"-{re.sub(r'[^A-Za-z0-9.=+-]+', '_', part)}" for part in setting) if len(groups) > 1 else ""
        for name, figure in _of_setting(run, scenario, rows, key, title=", ".join((title, *setting))):
            yield name + suffix, figure


def _of_setting(
    run: RunFiles, scenario: Scenario, rows: pd.DataFrame, key: str | None, *, title: str
) -> Iterator[tuple[str, Figure | str]]:
    """The figures of rows that differ in system, seed and `key` alone."""
    if key is not None:
        latency = OFFLINE_Y if scenario.arrivals == "offline" else ONLINE_Y
        yield "throughput-latency", _curves(rows, key, latency, slo=scenario.slo, title=title)
        rows = _highest(rows, key)
    setting = [] if key is None else _setting(rows, [key])
    seed = rows["seed"].iloc[0]
    first = rows[rows["seed"] == seed]
    points = dict(zip(first["system"], first["point"], strict=True))
    at = f"{title}\n{', '.join([*setting, f'seed={seed}'])}"
    yield "kv-over-time", _kv(run, points, at)
    yield "latency-cdf", _cdf(run, points, slo=scenario.slo, title=at)
    yield "throughput", _bars(rows, "\n".join((title, *setting)))


def _swept_number(scenario: Scenario) -> str | None:
    """The swept key with several numbers, over which curves are drawn."""
    keys = [key for key in scenario.swept_over if _is_number(scenario.rows[key])]
    return next((key for key in PREFERRED if key in keys), keys[0] if keys else None)


def _is_number(values: "pd.Series[Any]") -> bool:
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return bool(number and values.notna().any() and values.nunique(dropna=False) > 1)


def _highest(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """The rows with the highest value of `key`; null, which sets no bound, is higher than any number."""
    values = rows[key]
    return rows[values.isna() if values.isna().any() else values == values.max()]


def _setting(rows: pd.DataFrame, keys: Iterable[str]) -> list[str]:
    values = ((key, rows[key].iloc[0]) for key in keys)
    return [f"{key}={value_text(None if pd.isna(value) else value)}" for key, value in values]


def _curves(rows: pd.DataFrame, key: str, latency: str, *, slo: ServiceLevel, title: str) -> Figure | str:
    if rows[[X, latency]].dropna().empty:
        return "nothing finished"
    return throughput_latency(rows, x=X, y=latency, swept_over=key, slo=slo, title=title)


def _kv(run: RunFiles, points: dict[str, str], title: str) -> Figure | str:
    series, capacity = {}, {}
    for system, point in points.items():
        log = run.occupancy_log(point)
        if log is None:
            return "the run kept no events (log: requests)"
        series[system] = occupancy_series(*log)
        capacity[system] = run.facts(point).kv_capacity_tokens
    if any(frame.empty for frame in series.values()):
        return "nothing finished"
    return kv_over_time(series, capacity=capacity, title=title)


def _cdf(run: RunFiles, points: dict[str, str], *, slo: ServiceLevel, title: str) -> Figure | str:
    tables = {system: run.requests(point, ["status", *LATENCIES]) for system, point in points.items()}
    if not any((table["status"] == "finished").any() for table in tables.values()):
        return "nothing finished"
    return latency_cdf(tables, metrics=LATENCIES, slo=slo, title=title)


def _bars(rows: pd.DataFrame, title: str) -> Figure | str:
    return bars(rows, (X,), title=title) if rows[X].notna().any() else "nothing finished"


def _write(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.parent / f"{stem.name}.{kind}" for kind in FORMATS]
    try:
        stem.parent.mkdir(exist_ok=True)
        for path in paths:
            save(figure, path)
    except OSError as error:
        raise SystemFaultError(f"{stem.parent}: cannot be written: {error.strerror or error}") from error
    return paths
