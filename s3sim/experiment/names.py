"""The names that an experiment may use, and the metrics that come out: for each kind its rows, keyed as JSON is."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from s3sim.report.directions import BETTER
from s3sim.report.meanings import SUMMARY
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS
from s3sim.workload.sources import SOURCES

__all__ = [
    "Row",
    "devices_rows",
    "engines_rows",
    "formats_rows",
    "links_rows",
    "metrics_rows",
    "models_rows",
    "systems_rows",
    "traces_rows",
    "workloads_rows",
]

Row = dict[str, Any]


def systems_rows() -> Iterator[Row]:
    """Every system, with its choices and their defaults."""
    for name, system in SYSTEMS.items():
        choices = {
            entry.name: {"default": entry.default, "meaning": entry.metadata.get("description", "")}
            for entry in fields(system.choices)
        }
        yield {"name": name, "summary": system.summary, "choices": choices}


def models_rows() -> Iterator[Row]:
    """Every model's size and shape."""
    kept = ("parameters", "weight_bytes", "weight_dtype", "kv_bytes_per_token", "max_positions", "source")
    yield from ({"name": name, **{key: getattr(spec, key) for key in kept}} for name, spec in MODELS.items())


def devices_rows() -> Iterator[Row]:
    """Every device's nominal figures."""
    kept = ("memory_bytes", "memory_bandwidth", "fp16_flops")
    for name, spec in DEVICES.items():
        facts = {key: getattr(spec, key) for key in kept}
        yield {"name": name, **facts, "link": spec.link.name, "verified": spec.verified, "source": spec.source}


def engines_rows() -> Iterator[Row]:
    """Every engine whose constants are known."""
    yield from ({"name": name, "source": spec.source} for name, spec in ENGINES.items())


def links_rows() -> Iterator[Row]:
    """Every link between device and host."""
    kept = ("to_host_bandwidth", "to_device_bandwidth", "source")
    yield from ({"name": name, **{key: getattr(spec, key) for key in kept}} for name, spec in LINKS.items())


def metrics_rows() -> Iterator[Row]:
    """Every metric of summary.csv."""
    for name, column in SUMMARY.items():
        yield {"name": name, "unit": column.unit, "better": BETTER[name], "definition": column.meaning}


def traces_rows() -> Iterator[Row]:
    """Every data set that an experiment of this project uses."""
    for name, source in SOURCES.items():
        use = f"workload: {{kind: preset, name: {name}}}" if source.preset else f"experiments/traces/{name}.yaml"
        facts = {"what": source.what, "rows": source.rows, "licence": source.licence, "source": source.origin}
        yield {"name": name, **facts, "use": use}


def workloads_rows() -> Iterator[Row]:
    """Every built-in table of lengths."""
    for name, lengths in PRESETS.items():
        tie = {"spearman": lengths.spearman}
        yield {"name": name, "summary": SOURCES[name].what, "rows": SOURCES[name].rows, **tie}


def formats_rows() -> Iterator[Row]:
    """Every format of traces."""
    for name, form in FORMATS.items():
        yield {"name": name, "files": list(form.suffixes), "columns": list(form.required), "summary": form.summary}
