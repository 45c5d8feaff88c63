"""The text of a new experiment: the keys that a start sets, and all others as comments with their defaults."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

import yaml

from s3sim.core.errors import UnknownNameError
from s3sim.experiment.schema.choices import choices_of, meaning_of
from s3sim.experiment.schema.models import Experiment
from s3sim.experiment.schema.starts import STARTS

__all__ = ["template"]

WIDTH = 110  # columns of the text
END = "...\n"  # that PyYAML writes after a single value
Plain = dict[str, Any]

# The order in which an experiment reads; keys that are not here come last, so that none can be forgotten.
ORDER = (
    "version", "name", "description", "model", "device", "engine", "latency", "parallel", "memory", "max_length",
    "max_num_seqs", "workload", "arrivals", "predictor", "systems", "scenarios", "slo", "measure", "sweep", "seeds",
    "log",
)  # fmt: skip
HEAD = """\
# An experiment of s3sim; `s3sim run FILE` runs it.
# Question: {question}
# Every key is explained above its value. A key that is commented out has the default that stands there.
# `s3sim schema` prints all of this for editors; `s3sim list systems` (models, devices, ...) explains names.
"""


def template(start: str) -> str:
    """The YAML of that start, with comments; raises UnknownNameError for a name that is none of STARTS."""
    if start not in STARTS:
        raise UnknownNameError("preset", start, STARTS, place="--from")
    values, schema = STARTS[start], Experiment.model_json_schema()
    parts = [HEAD.format(question=values["description"])]
    for key in sorted(schema["properties"], key=_rank):
        comments = "\n".join(_comments(key, schema["properties"][key], schema))
        parts.append(f"{comments}\n{_given(key, values, schema['properties'][key])}")
    return "\n".join(parts)


def _rank(key: str) -> int:
    return ORDER.index(key) if key in ORDER else len(ORDER)


def _comments(key: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """What the key means, and what it may be."""
    yield from _commented(f"{key}: {meaning_of(part, schema)}")
    for line in choices_of(part, schema):
        yield from _commented(f"  {line}")


def _commented(line: str) -> list[str]:
    """A line as comments, those after the first indented more."""
    indent = " " * (len(line) - len(line.lstrip()))
    found = wrap(line.strip(), WIDTH - 6 - len(indent), break_long_words=False, break_on_hyphens=False)
    return [f"# {indent}{'    ' if place else ''}{part}" for place, part in enumerate(found)]


def _given(key: str, values: Plain, part: Mapping[str, Any]) -> str:
    """The key with its value, or as a comment with its default."""
    if key in values:
        return _dumped(key, values[key])
    return "".join(f"# {line}\n" for line in _dumped(key, part.get("default")).splitlines())


def _dumped(key: str, value: Any) -> str:
    if isinstance(value, dict) and value:
        return yaml.safe_dump({key: value}, sort_keys=False, default_flow_style=None, allow_unicode=True, width=WIDTH)
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=WIDTH)
    return f"{key}: {text.removesuffix(END)}".rstrip() + "\n"
