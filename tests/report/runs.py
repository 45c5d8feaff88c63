"""Run directories of the small worlds, as the tests of figures and pages read them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from s3sim.report.rundir import SCHEMA_VERSION
from s3sim.report.summary import summarize
from s3sim.report.tables import requests_table
from tests.report.worlds import facts_of, frames

__all__ = ["SYSTEMS", "Settings", "write_run"]

SYSTEMS = ("vllm", "s3")
Settings = list[dict[str, Any]]


def write_run(
    path: Path,
    settings: Settings,
    *,
    full_log: bool = True,
    worlds: tuple[str, ...] = SYSTEMS,
    rates: tuple[float | None, ...] = (),
) -> Path:
    """A run directory of one scenario, with a point for each setting, system and seed; `rates` are by setting."""
    rows = []
    for system in worlds:
        facts = facts_of(system)
        for index, setting in enumerate(settings):
            events, steps = frames(system, rate=rates[index] if rates else None)
            requests = requests_table(events)
            metrics = summarize(events, steps, requests, facts)
            for seed in (3, 4):
                point = f"{system}-{index}-{seed}"
                folder = path / "points" / point
                folder.mkdir(parents=True)
                requests.to_parquet(folder / "requests.parquet", index=False)
                if full_log:
                    events.to_parquet(folder / "events.parquet", index=False)
                    steps.to_parquet(folder / "steps.parquet", index=False)
                about = {"scenario": "main", "system": system, "seed": seed, "sweep": setting}
                (folder / "point.json").write_text(json.dumps(about | {"facts": facts.to_json()}))
                shifted = metrics | {"request_throughput": (metrics["request_throughput"] or 0) + index + seed}
                rows.append({"scenario": "main", **setting, "system": system, "seed": seed, "point": point, **shifted})
    pd.DataFrame(rows).to_csv(path / "summary.csv", index=False)
    scenario = {"swept_over": list(settings[0]), "slo": {"normalized_latency_ms": 90.0}, "arrivals": "offline"}
    manifest = {"schema_version": SCHEMA_VERSION, "name": "a-run", "scenarios": {"main": scenario}}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path
