"""A table's chunks as columns of numbers, one value per row, with what is not a number marked."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.cells import UNITS, flags, instants, whole_numbers
from s3sim.workload.checks import Rule, length_rules
from s3sim.workload.formats import Format
from s3sim.workload.tables import Chunk, Table
from s3sim.workload.tokenizer import MAX_UNKNOWN, Tokenizer

__all__ = ["Clock", "Parsed", "clock_of", "parse", "row_rules"]

Columns = dict[str, NDArray[Any]]
UNIT_NAMES = {"sec": "s", "seconds": "s", "msec": "ms", "millis": "ms", "milliseconds": "ms", "usec": "us"}
UNIT_NAMES |= {"micros": "us", "microseconds": "us", "nanos": "ns", "nanoseconds": "ns"} | {
    unit: unit for unit in UNITS
}


class Clock(NamedTuple):
    """The column of the arrivals, if there is one, and its unit."""

    column: str | None
    unit: str


class Parsed(NamedTuple):
    """A table's columns, and how many tokens of its texts are unknown ones.

    By the names of a Trace's fields: lengths (0 where there is none), id and over_length with a mask
    `<name>_valid`; seconds, picoseconds, time_valid and zone of the arrivals; total and single as the format has them.
    """

    columns: Columns
    unknown_tokens: int


def clock_of(table: Table, form: Format, *, columns: Mapping[str, str], time_unit: str | None) -> Clock:
    """The arrivals' column and unit; InputError where the two do not match, or there are several."""
    found = [name for name in form.times if table.has(name)]
    if len(found) > 1:
        raise InputError(f"{table.path}: has {' and '.join(found)}, which may disagree; leave one out")
    if not found:
        if time_unit is not None:
            raise InputError(f"{table.path}: time_unit is {time_unit!r}, but the file has no times")
        return Clock(None, "s")
    name = found[0]
    natural = form.times[name]
    if natural == "timestamp" and time_unit is not None:
        raise InputError(f"{table.path}: time_unit is {time_unit!r}, but {name} holds timestamps, which need none")
    unit, written = time_unit or natural, columns.get(name, name)
    told = _told_unit(written)
    if told is not None and unit not in (told, "timestamp"):
        raise InputError(
            f"{table.path}: column {written!r} is in {told} by its name, and would be read as {unit};"
            f" say time_unit {told}, or rename it"
        )
    return Clock(name, unit)


def _told_unit(name: str) -> str | None:
    """The unit that a column's name ends in, as start_ms or time (ms) do."""
    match = re.search(r"[_\s(\[]([a-z]+)[)\]]?$", name.lower())
    return UNIT_NAMES.get(match[1]) if match else None


def parse(table: Table, form: Format, clock: Clock, tokenizer: Tokenizer | None) -> Parsed:
    """All of the table's columns that the format knows; InputError for an empty file and a missing tokenizer."""
    optional = [name for name in form.optional if table.has(name) and name not in form.times]
    wanted = [*dict.fromkeys([*form.required, *optional, *([clock.column] if clock.column else [])])]
    parts, unknown = [], 0
    for chunk in table.chunks(wanted):
        lengths, more = _lengths(chunk, form, tokenizer)
        parts.append(lengths | dict(_others(chunk, form, clock)))
        unknown += more
    if not parts or not sum(len(part["prompt_tokens"]) for part in parts):
        raise InputError(f"{table.path}: holds no rows, only the columns {', '.join(table.names) or '(none)'}")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if tokenizer is not None:
        _demand_fit(table, tokenizer, columns, unknown)
    return Parsed(columns, unknown)


def _lengths(chunk: Chunk, form: Format, tokenizer: Tokenizer | None) -> tuple[Columns, int]:
    if form.texts is None or tokenizer is None:
        prompt, output = whole_numbers(chunk[form.prompt]), whole_numbers(chunk[form.output])
        return {"prompt_tokens": prompt.values, "output_tokens": output.values}, 0
    pairs = form.texts(chunk)
    prompts, unknown = tokenizer.count([prompt for prompt, _ in pairs])
    outputs, more = tokenizer.count([output for _, output in pairs])
    return {"prompt_tokens": prompts, "output_tokens": outputs}, unknown + more


def _others(chunk: Chunk, form: Format, clock: Clock) -> Iterator[tuple[str, NDArray[Any]]]:
    if clock.column is not None:
        time = instants(chunk[clock.column], clock.unit)
        yield from zip(("seconds", "picoseconds", "time_valid", "zone"), time, strict=True)
    numbers = {"id": form.id, "max_new_tokens": form.limit, "total": form.total, "predicted_tokens": form.predicted}
    for name, source in numbers.items():
        if source is not None and source in chunk:
            yield from zip((name, f"{name}_valid"), whole_numbers(chunk[source]), strict=True)
    if form.single is not None and form.single in chunk:
        yield "single", whole_numbers(chunk[form.single]).values
    if form.over_length is not None and form.over_length in chunk:
        yield from zip(("over_length", "over_length_valid"), flags(chunk[form.over_length]), strict=True)


def _demand_fit(table: Table, tokenizer: Tokenizer, columns: Columns, unknown: int) -> None:
    tokens = int(columns["prompt_tokens"].sum() + columns["output_tokens"].sum())
    if unknown > MAX_UNKNOWN * tokens:
        raise InputError(
            f"{table.path}: {unknown} of {tokens} tokens are unknown to tokenizer {tokenizer.name}:"
            " it does not fit these texts; use the one of the model that is served"
        )


def row_rules(columns: Columns) -> list[Rule]:
    """Demands on each row alone: its lengths, and what the file itself says of them."""
    rules = length_rules(columns)
    if "total" in columns:
        off = columns["total_valid"] & (columns["total"] != columns["prompt_tokens"] + columns["output_tokens"])
        rules.append(Rule("total", off, "it is not prompt + output; are all three in tokens?"))
    if "single" in columns:
        rules.append(Rule("single", columns["single"] != 1, "a row must stand for 1 request; repeat it instead"))
    if "over_length" in columns:
        rules.append(Rule("over_length", ~columns["over_length_valid"], "true or false is needed"))
    return rules
