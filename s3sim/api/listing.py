"""The names that an experiment may use, each with what it stands for."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from s3sim.core.errors import UnknownNameError
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["name_rows", "names"]

Row = tuple[str, ...]


def names(kind: str) -> "pd.DataFrame":
    """The names of a kind, a row each: systems, models, devices, engines, links, workloads or formats.

    Raises UnknownNameError for another kind.

    >>> "s3" in names("systems").index
    True
    """
    import pandas as pd  # noqa: PLC0415 - `s3sim list` needs none

    heading, *rows = name_rows(kind)
    return pd.DataFrame(rows, columns=list(heading)).set_index(heading[0])


def name_rows(kind: str) -> list[Row]:
    """A heading, and a row for each name of a kind; raises UnknownNameError for another kind."""
    if kind not in LISTS:
        raise UnknownNameError("kind of name", kind, LISTS)
    return list(LISTS[kind]())


def _systems() -> Iterator[Row]:
    yield "system", "what it is", "its choices"
    for name, system in SYSTEMS.items():
        yield name, system.summary, ", ".join(f"{entry.name}={entry.default}" for entry in fields(system.choices))


def _models() -> Iterator[Row]:
    yield "model", "parameters", "weights", "KV per token", "positions"
    for name, spec in MODELS.items():
        yield (
            name,
            f"{spec.parameters / 1e9:.2f} B",
            f"{spec.weight_bytes / 1e9:.1f} GB {spec.weight_dtype}",
            f"{spec.kv_bytes_per_token:,} B",
            str(spec.max_positions),
        )


def _devices() -> Iterator[Row]:
    yield "device", "memory", "bandwidth", "fp16 peak", "host link", "figures"
    for name, spec in DEVICES.items():
        yield (
            name,
            f"{spec.memory_bytes / 1e9:.1f} GB",
            f"{spec.memory_bandwidth / 1e9:.0f} GB/s",
            f"{spec.fp16_flops / 1e12:.0f} TFLOP/s",
            spec.link.name,
            "verified" if spec.verified else "recalled",
        )


def _engines() -> Iterator[Row]:
    yield "engine", "source"
    yield from ((name, spec.source) for name, spec in ENGINES.items())


def _links() -> Iterator[Row]:
    yield "link", "to host", "to device", "source"
    for name, spec in LINKS.items():
        bandwidths = (f"{rate / 1e9:.1f} GB/s" for rate in (spec.to_host_bandwidth, spec.to_device_bandwidth))
        yield (name, *bandwidths, spec.source)


def _workloads() -> Iterator[Row]:
    yield "preset", "lengths"
    yield from ((name, "quantile table of prompt and output tokens") for name in PRESETS)


def _formats() -> Iterator[Row]:
    yield "format", "files", "columns", "what it is"
    for name, form in FORMATS.items():
        yield name, " ".join(form.suffixes), ", ".join(form.required), form.summary


LISTS: dict[str, Callable[[], Iterator[Row]]] = {
    "systems": _systems,
    "models": _models,
    "devices": _devices,
    "engines": _engines,
    "links": _links,
    "workloads": _workloads,
    "formats": _formats,
}
