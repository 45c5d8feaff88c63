"""The fidelity page: published figures against foretold ones, as tables and as a figure.

    python benchmarks/fidelity.py FILE.csv [FILE.csv ...]

Checks the shipped constants on each file, fits to all of them (leaving out models and shapes, with 20 bootstrap
draws), and rewrites docs/fidelity.md below its marker and docs/figures/fidelity.{png,svg}. Rows one by one are
those of the anchors that the package carries. Takes about two minutes.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from s3sim.calibration.anchors import ANCHORS
from s3sim.calibration.check import Check, Checked, check
from s3sim.calibration.fit import fit, usable_cases
from s3sim.calibration.quality import bootstrap, by_model, by_shape, leave_one_out
from s3sim.calibration.report import Report
from s3sim.core.errors import InputError
from s3sim.report.figures.style import in_style, looks, save

DOCS = Path(__file__).parents[1] / "docs"
MARKER = "<!-- below this line: python benchmarks/fidelity.py FILE.csv ... -->"
DRAWS, SEED = 20, 0
BAND = 0.10  # drawn around a ratio of 1
FEWEST = 5  # rows of an engine that are drawn


def page(files: Sequence[Path]) -> str:
    """Everything below the marker."""
    parts = [_checks(files), _fit(files), "## Anchors, row by row\n", _rows(check([ANCHORS]))]
    return "\n".join((MARKER, "", *parts, ""))


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"


def _checks(files: Sequence[Path]) -> str:
    """Each file held against the shipped constants, by kind of row, and what was skipped."""
    rows, skipped = [], []
    for file in files:
        found = check([file])
        rows += [(file.name, *cells) for cells in _kinds(found)]
        counts = Counter((str(skip.reason), skip.row.metric) for skip in found.skipped)
        skipped += [(file.name, reason, metric, count) for (reason, metric), count in sorted(counts.items())]
    heading = ("file", "engine", "device", "GPUs", "metric", "rows", "median", "p90")
    return (
        "## The shipped constants on each file (`s3sim calibrate --check FILE.csv`)\n\n"
        + _table(heading, rows)
        + "\nSkipped, and counted:\n\n"
        + _table(("file", "reason", "metric", "rows"), skipped)
    )


def _kinds(found: Check) -> Iterator[tuple[object, ...]]:
    groups: dict[tuple[object, ...], list[Checked]] = {}
    for entry in found.rows:
        case = entry.case
        key: tuple[object, ...] = (case.family.engine, case.device.name, case.parallel.tensor, entry.row.metric)
        groups.setdefault(key, []).append(entry)
    for kind, entries in sorted(groups.items(), key=str):
        errors = [abs(entry.error) for entry in entries]
        if kind[-1] == "oom":
            yield *kind, len(entries), f"{errors.count(0)} right", ""
        else:
            median, p90 = np.percentile(errors, [50, 90])
            yield *kind, len(entries), _percent(float(median)), _percent(float(p90))


def _fit(files: Sequence[Path]) -> str:
    """A fit to all files: constants, rows left out, and what the rows cannot tell apart."""
    cases, skipped = usable_cases([file for file in files if _fits(file)])
    found = fit(cases)
    report = Report(
        found=found,
        skipped=skipped,
        models=list(leave_one_out(found, by_model)),
        shapes=list(leave_one_out(found, by_shape)),
        draws=bootstrap(found, draws=DRAWS, seed=SEED),
    ).to_json()
    constants = (
        (
            f"`{entry['name']}`",
            f"{entry['value']:.4g}",
            " to ".join(f"{value:.4g}" for value in entry["interval_90"]),
            f"{entry['least']:.4g} to {entry['most']:.4g}",
            "yes" if entry["at_bound"] else "",
        )
        for entry in report["constants"]
    )
    pairs = ((pair["first"], pair["second"], f"{pair['correlation']:+.2f}") for pair in report["trade_offs"])
    return "\n".join(
        (
            "## The fit (`s3sim calibrate FILE.csv ...`)\n",
            f"{report['rows']} rows; all of them, in sample: {_percent(report['median_abs_error'])} median,"
            f" {_percent(report['p90_abs_error'])} p90.\n",
            _folds("Each model foretold from the others", report["leave_one_model_out"]),
            _folds("Each shape of batch foretold from the others", report["leave_one_shape_out"]),
            f"Constants, with 90% intervals of {DRAWS} bootstrap draws over whole curves of batch sizes:\n",
            _table(("constant", "value", "90% interval", "bounds", "at a bound"), constants),
            "Constants that these rows do not tell apart (correlation of 0.7 and more, expectations left aside):\n",
            _table(("one", "other", "correlation"), pairs),
        )
    )


def _fits(file: Path) -> bool:
    """Whether a file alone would have enough rows; the others are checked only."""
    try:
        usable_cases([file])
    except InputError:
        return False
    return True


def _folds(title: str, left: dict[str, Any]) -> str:
    rows = [
        (
            fold["left_out"],
            fold["rows"],
            _percent(fold["median_abs_error"]),
            _percent(fold["p90_abs_error"]),
            fold["not_evaluable"],
        )
        for fold in left["folds"]
    ]
    for name in ("judged", "all"):
        errors = left[name]
        rows.append(
            (f"**{name}**", errors["rows"], _percent(errors["median_abs_error"]), _percent(errors["p90_abs_error"]), "")
        )
    heading = ("left out", "rows", "median", "p90", "not evaluable")
    return f"{title} (judged: {left['judged_on']}):\n\n" + _table(heading, rows)


def _rows(found: Check) -> str:
    rows = (
        (
            entry.case.family.engine,
            entry.row.model.split(" ", maxsplit=1)[0],
            f"{entry.row.n_gpus} × {entry.row.gpu}",
            entry.row.precision,
            "" if entry.row.batch is None else entry.row.batch,
            f"{entry.row.input_len} + {entry.row.output_len}",
            entry.row.metric,
            f"{entry.predicted:.4g}",
            f"{entry.row.value:.4g}",
            entry.row.unit,
            f"{entry.error:+.0f}" if entry.row.metric == "oom" else f"{100 * entry.error:+.1f}%",
        )
        for entry in found.rows
    )
    heading = (
        *("engine", "model", "GPUs", "precision", "batch", "input + output"),
        *("metric", "predicted", "published", "unit", "error"),
    )
    return _table(heading, rows)


@in_style
def figure(found: Check) -> Figure:
    """Foretold ÷ published against published seconds, per engine; for throughputs, the time that they imply."""
    counts = Counter(entry.case.family.engine for entry in found.rows if _seconds(entry))
    engines = sorted(engine for engine, rows in counts.items() if rows >= FEWEST)
    drawn = Figure(figsize=(4.4 * len(engines), 4.2), layout="constrained")
    axes = drawn.subplots(1, len(engines), squeeze=False, sharey=True)[0]
    for axis, engine in zip(axes, engines, strict=True):
        _panel(axis, engine, [entry for entry in found.rows if entry.case.family.engine == engine])
    axes[0].set_ylabel("foretold ÷ published")
    return drawn


def _panel(axis: Axes, engine: str, rows: Sequence[Checked]) -> None:
    points: dict[str, list[tuple[float, float]]] = {}
    for entry in rows:
        if pair := _seconds(entry):
            points.setdefault(f"{entry.case.model.name} on {entry.case.device.name}", []).append(pair)
    axis.axhspan(1 - BAND, 1 + BAND, color="#e4e4e4", label="±10%")
    axis.axhline(1, color="#888888", linewidth=0.8)
    for name, look in looks(points).items():
        published, foretold = np.array(points[name]).T
        axis.plot(published, foretold / published, look.marker, color=look.colour, markersize=4, alpha=0.7, label=name)
    axis.set(xscale="log", ylim=(0.6, 1.4), xlabel="published (s)", title=engine)
    axis.legend(fontsize=7, loc="upper right", ncols=2)


def _seconds(entry: Checked) -> tuple[float, float] | None:
    """Published and foretold seconds; for a throughput, those that a whole batch takes."""
    row = entry.row
    if "latency" in row.metric or "interval" in row.metric:
        scale = row.scale or 1.0
        return row.value * scale, entry.predicted * scale
    if "throughput" in row.metric and row.batch and row.output_len:
        tokens = row.batch * row.output_len / (row.n_gpus if "per_gpu" in row.metric else 1)
        return tokens / row.value, tokens / entry.predicted
    return None


def main() -> None:
    """Rewrite the page and the figure."""
    parser = argparse.ArgumentParser(description="Rewrite docs/fidelity.md and its figure.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.csv")
    files = parser.parse_args().files
    path = DOCS / "fidelity.md"
    above = path.read_text(encoding="utf-8").split(MARKER)[0]
    path.write_text(above + page(files), encoding="utf-8")
    drawn = figure(check(files))
    for suffix in ("png", "svg"):
        save(drawn, DOCS / "figures" / f"fidelity.{suffix}")


if __name__ == "__main__":
    main()
