"""Tables of `s3sim calibrate`: rows checked, constants fitted, errors, what was left out or skipped."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from s3sim.cli.sheets import Column, Sheet, show

__all__ = ["print_check", "print_report"]

WIDTH = 190  # columns where nobody says how many there are, so that a file or a pipe gets whole rows
PROSE = ("reason",)
WORDS = (
    "place",
    "engine",
    "model",
    "gpu",
    "metric",
    "unit",
    "constant",
    "device",
    "left out",
    "one",
    "other",
    "reason",
)

_ROW = (
    "place",
    "engine",
    "model",
    "gpu",
    "batch",
    "input",
    "output",
    "metric",
    "predicted",
    "measured",
    "unit",
    "error",
)
_METRIC = ("metric", "rows", "median", "p90")
_CONSTANT = ("constant", "value", "90% interval", "bounds", "at bound")
_GROUP = ("engine", "device", "n_gpus", "metric", "rows", "median", "p90")
_FOLD = ("left out", "rows", "median", "p90", "not evaluable")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH)


def print_check(found: dict[str, Any]) -> None:
    """Print the rows of a check, its errors by metric, and what it skipped."""
    console = _console()
    show(_table("rows", _ROW, map(_row, found["rows"])), console)
    show(_table("absolute error by metric", _METRIC, _metrics(found)), console)
    _print_skipped(console, found)


def print_report(found: dict[str, Any]) -> None:
    """Print what a fit found."""
    console = _console()
    show(_table("constants", _CONSTANT, map(_constant, found["constants"])), console)
    groups = ((*(str(group[key]) for key in _GROUP[:5]), *_shares(group)) for group in found["errors"])
    show(_table("absolute error on the rows that were fitted", _GROUP, groups, keys=4), console)
    for what in ("model", "shape"):
        left = found[f"leave_one_{what}_out"]
        folds = (
            (fold["left_out"], str(fold["rows"]), *_shares(fold), str(fold["not_evaluable"])) for fold in left["folds"]
        )
        judged = ("judged", str(left["judged"]["rows"]), *_shares(left["judged"]), "")
        title = f"each {what} foretold from the others (judged: {left['judged_on']})"
        show(_table(title, _FOLD, (*folds, judged)), console)
    pairs = ((pair["first"], pair["second"], f"{pair['correlation']:+.2f}") for pair in found["trade_offs"])
    show(_table("constants that the rows do not tell apart", ("one", "other", "correlation"), pairs, keys=2), console)
    _print_skipped(console, found)


def _print_skipped(console: Console, found: dict[str, Any]) -> None:
    counts = ((reason, str(count)) for reason, count in sorted(found["skipped_by_reason"].items()))
    show(_table("rows skipped", ("reason", "rows"), counts), console)


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    counts = ("–" if entry[key] is None else str(entry[key]) for key in ("batch", "input_len", "output_len"))
    gpu = f"{entry['n_gpus']} × {entry['gpu']}" if entry["n_gpus"] > 1 else entry["gpu"]
    values = (f"{entry['predicted']:.5g}", f"{entry['measured']:.5g}", entry["unit"], f"{100 * entry['error']:+.1f}%")
    return (Path(entry["place"]).name, entry["engine"], entry["model"], gpu, *counts, entry["metric"], *values)


def _metrics(found: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    for metric, errors in found["by_metric"].items():
        yield metric, str(errors["count"]), *_shares(errors)
    yield "all", str(found["count"]), *_shares(found)
    verdicts = found["yes_or_no"]
    if verdicts["rows"]:
        yield "oom, right", f"{verdicts['right']} of {verdicts['rows']}", "", ""
    yield "coverage", f"{100 * found['coverage']:.0f}% of rows", "", ""


def _constant(entry: dict[str, Any]) -> tuple[str, ...]:
    interval = "–" if entry["interval_90"] is None else " to ".join(f"{value:.4g}" for value in entry["interval_90"])
    bounds = f"{entry['least']:.4g} to {entry['most']:.4g}"
    return entry["name"], f"{entry['value']:.4g}", interval, bounds, "yes" if entry["at_bound"] else ""


def _shares(errors: dict[str, Any]) -> tuple[str, str]:
    shares = (errors["median_abs_error"], errors["p90_abs_error"])
    first, second = ("–" if share is None else f"{100 * share:.1f}%" for share in shares)
    return first, second


def _table(title: str, heading: Sequence[str], rows: Iterable[Sequence[str]], *, keys: int = 1) -> Sheet:
    columns = tuple(Column(name, right=name not in WORDS, prose=name in PROSE) for name in heading)
    return Sheet(title=title, columns=columns, rows=tuple(map(tuple, rows)), keys=keys)
