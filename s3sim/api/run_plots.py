"""Figures of a run directory, by name; what draws them is in `s3sim.report`. Imports matplotlib."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3sim.api.plots import drawn, latencies
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.report import pictures
from s3sim.report.figures import Figure, bars
from s3sim.report.rundir import read_run
from s3sim.report.selection import Chosen, by_setting, choose, matching, run_title, scenario_of

__all__ = ["RunPlots"]

OFFLINE_Y, ONLINE_Y = "mean_tpot_ms", "normalized_latency_ms"  # offline all wait from time 0: TPOT tells what costs


@dataclass(frozen=True, slots=True)
class RunPlots:
    """Figures of a run directory. Each raises InputError where there is nothing to draw.

    `having` says which points: values of scenario, system, seed and swept keys, as in
    `plot.memory(scenario="offline", max_num_seqs=8)`; a list stands for any of its values. What is drawn of single
    points takes those of the highest swept number and the first seed, unless told.
    """

    path: Path

    def throughput_latency(self, *, latency: str | None = None, swept_over: str | None = None, **having: Any) -> Figure:
        """Throughput against a latency, a curve per system through the swept values, with 95% bands over seeds.

        `latency` is a metric of the summary: by default mean_tpot_ms offline and normalized_latency_ms online.
        """
        chosen = self._chosen(having, swept_over)
        y = latency or (OFFLINE_Y if chosen.scenario.arrivals == "offline" else ONLINE_Y)
        _demand_metric(chosen, y)
        key = _demand_key(chosen)
        return drawn(pictures.curves(chosen.rows, key, y, slo=chosen.scenario.slo, title=chosen.title))

    def slo_attainment(self, *, swept_over: str | None = None, **having: Any) -> Figure:
        """The share of requests within the SLO, and goodput, against the offered rate."""
        chosen = self._chosen(having, swept_over)
        slo = chosen.scenario.slo
        if not slo.limits:
            raise InputError(f"scenario {chosen.scenario.name!r} has no SLO; give the experiment an `slo`")
        return drawn(pictures.load_curves(chosen.rows, _demand_key(chosen), slo=slo, title=chosen.title))

    def utilisation(self, *, swept_over: str | None = None, **having: Any) -> Figure:
        """Compute and bandwidth utilisation, and the batch, against the batch asked for, with each memory cliff."""
        chosen = self._chosen(having, swept_over)
        return drawn(pictures.utilisation_curves(chosen.rows, _demand_key(chosen), title=chosen.title))

    def bars(self, *metrics: str, **having: Any) -> Figure:
        """Metrics of the summary by system, with 95% intervals over seeds; request_throughput where none is named."""
        chosen = self._chosen(having)
        for metric in metrics:
            _demand_metric(chosen, metric)
        return bars(chosen.top, metrics or ("request_throughput",), title=chosen.where)

    def cdf(self, *metrics: str, **having: Any) -> Figure:
        """The share of finished requests at or below each latency: of ttft, tpot and e2el, or of those named."""
        chosen, run = self._chosen(having), read_run(self.path)
        slo, wanted = chosen.scenario.slo, latencies(metrics)
        return drawn(pictures.cdf(run, chosen.points, slo=slo, title=chosen.at, metrics=wanted))

    def memory(self, **having: Any) -> Figure:
        """KV slots used, reserved and there, over time, a panel per system."""
        chosen = self._chosen(having)
        return drawn(pictures.kv(read_run(self.path), chosen.points, chosen.at))

    def timeline(self, *, ids: Iterable[int] | None = None, **having: Any) -> Figure:
        """What requests of one system waited for and when; none named: of forty, preempted ones if any."""
        chosen = self._chosen(having)
        point, title = _single(chosen)
        return drawn(pictures.requests_over_time(read_run(self.path), point, title, ids))

    def kv_map(self, **having: Any) -> Figure:
        """The KV address space of one system over time: who holds which slots, and what of them is written."""
        chosen = self._chosen(having)
        point, title = _single(chosen)
        return drawn(pictures.address_map(read_run(self.path), point, title))

    def foresight(self, **having: Any) -> Figure:
        """How well one system's lengths were foreseen over time, a curve per setting; of a predictor with buckets."""
        asked, run = dict(having), read_run(self.path)
        scenario = scenario_of(run, asked.pop("scenario", None))
        rows = matching(scenario.rows, asked, keys=scenario.swept_over)
        systems = list(dict.fromkeys(rows["system"]))
        if len(systems) > 1:
            raise InputError(f"system: there are several, say which: {', '.join(systems)}")
        points = by_setting(rows[rows["seed"] == rows["seed"].iloc[0]], scenario.swept_over)
        return drawn(pictures.foresight(run, points, f"{run_title(run, scenario)}, {systems[0]}"))

    def _chosen(self, having: dict[str, Any], swept_over: str | None = None) -> Chosen:
        return choose(read_run(self.path), having, swept_over=swept_over)


def _single(chosen: Chosen) -> tuple[str, str]:
    """The point of the one system, and its title."""
    points = chosen.points
    if len(points) > 1:
        raise InputError(f"system: there are several, say which: {', '.join(points)}")
    ((system, point),) = points.items()
    return point, f"{system}, {chosen.at}"


def _demand_key(chosen: Chosen) -> str:
    if chosen.key is None:
        raise InputError(f"scenario {chosen.scenario.name!r}: no number is swept there, so there is no curve to draw")
    return chosen.key


def _demand_metric(chosen: Chosen, name: str) -> None:
    columns = list(chosen.rows.columns)
    known = columns[columns.index("point") + 1 :]
    if name not in known:
        raise UnknownNameError("metric", name, known)
