"""The kinds of names that `s3sim list` explains, and how each of their fields is shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from s3sim.cli.plain import yaml_word
from s3sim.cli.sheets import Column, Sheet
from s3sim.core.errors import UnknownNameError
from s3sim.experiment.names import (
    Row,
    devices_rows,
    engines_rows,
    formats_rows,
    links_rows,
    metrics_rows,
    models_rows,
    systems_rows,
    traces_rows,
    workloads_rows,
)

__all__ = ["TOPICS", "Topic"]

Form = Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A kind of names: what they are, how each of their fields is shown, and the rows, whose keys are JSON's too."""

    title: str
    fields: Mapping[str, tuple[Column, Form]]  # by key; the first is the name
    rows: Callable[[], Iterator[Row]]

    def having(self, names: Sequence[str]) -> list[Row]:
        """The rows of these names, or all; raises UnknownNameError."""
        rows = {row["name"]: row for row in self.rows()}
        for name in names:
            if name not in rows:
                raise UnknownNameError(self.title.split(",")[0].removesuffix("s"), name, rows)
        return [rows[name] for name in names or rows]

    def sheet(self, rows: Sequence[Row]) -> Sheet:
        """The rows for a terminal."""
        cells = (tuple(form(row[key]) for key, (_, form) in self.fields.items()) for row in rows)
        columns = tuple(column for column, _ in self.fields.values())
        return Sheet(title=self.title, columns=columns, rows=tuple(cells))


NAME = (Column("name"), str)


def _number(heading: str, scale: float, unit: str, digits: int = 0) -> tuple[Column, Form]:
    return Column(heading, right=True), lambda value: f"{value / scale:,.{digits}f} {unit}".rstrip()


def _word(heading: str) -> tuple[Column, Form]:
    return Column(heading), str


def _prose(heading: str) -> tuple[Column, Form]:
    return Column(heading, prose=True), str


def _defaults(choices: Mapping[str, Row]) -> str:
    return ", ".join(f"{name}={yaml_word(told['default'])}" for name, told in choices.items())


TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        "systems": Topic(
            title="systems, and their choices with defaults",
            fields={
                "name": NAME,
                "summary": _prose("what it is"),
                "choices": (Column("choices", prose=True), _defaults),
            },
            rows=systems_rows,
        ),
        "models": Topic(
            title="models, and their shapes",
            fields={
                "name": NAME,
                "parameters": _number("parameters", 1e9, "B", 2),
                "weight_bytes": _number("weights", 1e9, "GB", 1),
                "weight_dtype": _word("format"),
                "kv_bytes_per_token": _number("KV per token", 1, "B"),
                "max_positions": _number("positions", 1, ""),
                "source": _prose("source"),
            },
            rows=models_rows,
        ),
        "devices": Topic(
            title="devices, and their nominal figures; verified: read in the source, else recalled",
            fields={
                "name": NAME,
                "memory_bytes": _number("memory", 1e9, "GB", 1),
                "memory_bandwidth": _number("bandwidth", 1e9, "GB/s"),
                "fp16_flops": _number("fp16 peak", 1e12, "TFLOP/s"),
                "link": _word("host link"),
                "verified": (Column("figures"), lambda verified: "verified" if verified else "recalled"),
                "source": _prose("source"),
            },
            rows=devices_rows,
        ),
        "engines": Topic(
            title="engines, whose constants the latency model takes",
            fields={"name": NAME, "source": _prose("source")},
            rows=engines_rows,
        ),
        "links": Topic(
            title="links, between device and host, effective",
            fields={
                "name": NAME,
                "to_host_bandwidth": _number("to host", 1e9, "GB/s", 1),
                "to_device_bandwidth": _number("to device", 1e9, "GB/s", 1),
                "source": _prose("source"),
            },
            rows=links_rows,
        ),
        "workloads": Topic(
            title="workloads, that are built in, as tables of quantiles of prompt and output tokens",
            fields={
                "name": NAME,
                "rows": _number("rows", 1, ""),
                "spearman": (Column("rank correlation", right=True), "{:.3f}".format),
                "summary": _prose("what it is"),
            },
            rows=workloads_rows,
        ),
        "traces": Topic(
            title="traces, and where their lengths are from",
            fields={
                "name": NAME,
                "rows": _number("rows", 1, ""),
                "licence": _word("licence"),
                "what": _prose("what it is"),
                "source": _prose("source"),
                "use": _prose("use"),
            },
            rows=traces_rows,
        ),
        "formats": Topic(
            title="formats, of trace files, and the columns that each must have",
            fields={
                "name": NAME,
                "files": (Column("files"), " ".join),
                "columns": (Column("columns", prose=True), ", ".join),
                "summary": _prose("what it is"),
            },
            rows=formats_rows,
        ),
        "metrics": Topic(
            title="metrics, the columns of summary.csv",
            fields={
                "name": NAME,
                "unit": _word("unit"),
                "better": (Column("better"), lambda better: "" if better == "neither" else better),
                "definition": _prose("definition"),
            },
            rows=metrics_rows,
        ),
    }
)
