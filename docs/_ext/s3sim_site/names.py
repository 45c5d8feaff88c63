"""The names that an experiment may use, from the registries."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from s3sim.hardware import DEFAULT_ENGINE, DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS, System
from s3sim.workload.formats import FORMATS
from s3sim.workload.lengths import Length, QuantileTable
from s3sim.workload.presets import PRESETS
from s3sim.workload.sources import SOURCES
from s3sim_site.texts import code, definition, plain, table

__all__ = ["devices", "engines", "formats", "links", "models", "systems", "traces", "workloads"]

NEEDS = {
    "nothing": "Needs no prediction.",
    "predictor": "Needs a `predictor`.",
    "oracle_bucket": "Brings its own predictor, which names the right bucket.",
    "oracle_exact": "Brings its own predictor, which knows the true length.",
}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def systems() -> str:
    """A section for each system: what it is, and its open choices with defaults and reasons."""
    first: dict[type, str] = {}
    return "\n\n".join(_system(name, entry, first.setdefault(entry.choices, name)) for name, entry in SYSTEMS.items())


def _system(name: str, entry: System, same: str) -> str:
    about = plain(entry.summary[:1].upper() + entry.summary[1:])
    parts = [f"## `{name}`", f"{about}. {NEEDS[entry.needs]}"]
    if same != name:
        return "\n\n".join((*parts, f"Its choices are those of [`{same}`](#{same})."))
    parts.append(plain(inspect.getdoc(entry.choices) or ""))
    return "\n\n".join((*parts, *_choices(entry.choices)))


def _choices(choices: Any) -> Iterator[str]:
    hints = get_type_hints(choices)
    for entry in fields(choices):
        limits = [f"{sign} {entry.metadata[key]:g}" for key, sign in BOUNDS.items() if key in entry.metadata]
        values = ", ".join((_values(hints[entry.name]), *limits))
        default = code(_yaml(entry.default))
        yield definition(entry.name, values, f"default {default}", entry.metadata.get("description", ""))


def _values(hint: Any) -> str:
    """A type in words."""
    if get_origin(hint) is Literal:
        return ", ".join(code(value) for value in get_args(hint))
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        return ", ".join(map(_values, get_args(hint)))
    return {int: "whole number", float: "number", bool: "`true`, `false`", str: "text", type(None): "`null`"}[hint]


def _yaml(value: object) -> str:
    """A default as a YAML has it."""
    return value if isinstance(value, str) else json.dumps(value)


def models() -> str:
    """A row for each model."""
    heading = ("name", "parameters", "weights", "KV per token", "layers", "max_positions", "source")
    rows = (
        (
            *(code(name), f"{spec.parameters / 1e9:.2f} B", f"{spec.weight_bytes / 1e9:.1f} GB {spec.weight_dtype}"),
            *(f"{spec.kv_bytes_per_token:,} B", str(spec.layers), f"{spec.max_positions:,}", plain(spec.source)),
        )
        for name, spec in MODELS.items()
    )
    return table(heading, rows)


def devices() -> str:
    """A row for each device."""
    heading = ("name", "memory", "bandwidth", "fp16 peak", "host link", "figures", "source")
    rows = (
        (
            *(code(name), f"{spec.memory_bytes / 1e9:.1f} GB", f"{spec.memory_bandwidth / 1e9:,.0f} GB/s"),
            *(f"{spec.fp16_flops / 1e12:,.0f} TFLOP/s", code(spec.link.name)),
            *("verified" if spec.verified else "recalled", plain(spec.source)),
        )
        for name, spec in DEVICES.items()
    )
    return table(heading, rows)


def engines() -> str:
    """A row for each engine."""
    rows = (
        (f"{code(name)}{', the default' if name == DEFAULT_ENGINE else ''}", plain(spec.source))
        for name, spec in ENGINES.items()
    )
    return table(("name", "where its constants come from"), rows)


def links() -> str:
    """A row for each host link."""
    rows = (
        (
            *(code(name), f"{spec.to_host_bandwidth / 1e9:.1f} GB/s", f"{spec.to_device_bandwidth / 1e9:.1f} GB/s"),
            plain(spec.source),
        )
        for name, spec in LINKS.items()
    )
    return table(("name", "to the host", "to the device", "source"), rows)


def workloads() -> str:
    """A row for each preset of lengths: quantiles of prompts and outputs, in tokens."""
    heading = ("name", "prompt p50", "p90", "most", "output p50", "p90", "most", "rank correlation")
    rows = (
        (code(name), *_quantiles(lengths.prompt), *_quantiles(lengths.output), f"{lengths.spearman:g}")
        for name, lengths in PRESETS.items()
    )
    return table(heading, rows)


def _quantiles(lengths: Length) -> tuple[str, ...]:
    if not isinstance(lengths, QuantileTable):
        raise TypeError(f"{lengths!r} is no table of quantiles")
    known = dict(zip(lengths.levels, lengths.values, strict=True))
    return tuple(f"{known[level]:,.0f}" for level in (0.5, 0.9, 1.0))


def formats() -> str:
    """A row for each trace format."""
    rows = (
        (
            *(code(name), plain(form.summary), " ".join(map(code, form.suffixes))),
            *(", ".join(map(code, names)) or "none" for names in (form.required, form.optional)),
        )
        for name, form in FORMATS.items()
    )
    return table(("name", "what it is", "files", "columns that it must have", "columns that are read if there"), rows)


def traces() -> str:
    """A row for each data set that an experiment of the project uses."""
    rows = (
        (code(name), plain(source.what), f"{source.rows:,}", plain(source.licence), plain(source.origin))
        for name, source in SOURCES.items()
    )
    return table(("name", "what it is", "rows", "licence", "source"), rows)
