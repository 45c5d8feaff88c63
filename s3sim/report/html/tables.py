"""The tables of the page: each system at its best, and every setting; means over seeds with 95% intervals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from s3sim.report.cautions import marks
from s3sim.report.figures.points import value_text
from s3sim.report.html.sections import Section
from s3sim.report.intervals import mean_interval
from s3sim.report.paired import baseline_of, paired_ratio

__all__ = ["Table", "best_table", "full_table"]

ROWS = 400  # of a table, at most
Cell = Callable[[list[float]], str]
Rows = pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of texts; the first column names the row."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _interval(form: str, scale: float = 1.0) -> Cell:
    """Mean ± half the interval, as `form` has it, after multiplication by `scale`."""

    def cell(values: list[float]) -> str:
        mean, half = mean_interval([scale * value for value in values])
        return form.format(mean) if half is None else f"{form.format(mean)} ± {form.format(half)}"

    return cell


MS_TO_S = 1e-3
COLUMNS: tuple[tuple[str, str, Cell], ...] = (  # heading, column of summary.csv, how it is written
    ("throughput (requests/s)", "request_throughput", _interval("{:,.2f}")),
    ("goodput (requests/s)", "request_goodput", _interval("{:,.2f}")),
    ("SLO met", "slo_attainment", _interval("{:.1%}")),
    ("mean batch", "mean_batch_size", _interval("{:,.1f}")),
    ("KV reserved", "kv_reserved_fraction", _interval("{:.1%}")),
    ("KV waste", "kv_waste_fraction", _interval("{:.1%}")),
    ("TTFT p50 (s)", "p50_ttft_ms", _interval("{:,.2f}", MS_TO_S)),
    ("TPOT p50 (ms)", "p50_tpot_ms", _interval("{:,.1f}")),
    ("E2EL p50 (s)", "p50_e2el_ms", _interval("{:,.2f}", MS_TO_S)),
    ("E2EL p99 (s)", "p99_e2el_ms", _interval("{:,.2f}", MS_TO_S)),
    ("preemptions", "preemptions", _interval("{:,.0f}")),
    ("rejected", "rejected", _interval("{:,.0f}")),
)


def best_table(section: Section) -> Table | None:
    """Each system at the swept value where goodput, or without an SLO throughput, is highest; None: nothing finished.

    Beside it the ratio to the baseline's best, paired by seed. A system that finished nothing has a row too.
    """
    metric, name = _metric(section.rows)
    settings = [(system, value, rows) for system, value, rows in _settings(section) if rows[metric].notna().any()]
    best = {
        system: max((entry for entry in settings if entry[0] == system), key=lambda entry: entry[2][metric].mean())
        for system in dict.fromkeys(entry[0] for entry in settings)
    }
    if not best:
        return None
    baseline = baseline_of(best)
    unserved = {entry[0]: entry for entry in _settings(section) if entry[0] not in best}
    columns = _columns(section.rows)
    texts = [(_row(section, entry, columns), _ratio(entry, best, baseline, metric)) for entry in best.values()]
    texts += [(_row(section, entry, columns), "–") for entry in unserved.values()]
    names = _headings(section, columns)
    place = next(index for index, heading in enumerate(names, 1) if heading.startswith(name))  # beside what it is of
    ratio = (f"{name} ÷ {baseline}'s (95%)",) if baseline else ()
    caption = f"{section.title}: each system where its {name} is highest{_seeds(section)}"
    return Table(
        caption=caption,
        headings=(*names[:place], *ratio, *names[place:]),
        rows=tuple((*row[:place], *([text] if ratio else []), *row[place:]) for row, text in texts),
    )


def full_table(section: Section) -> Table:
    """Every system at every swept value, up to 400 rows."""
    columns = _columns(section.rows)
    rows = [_row(section, entry, columns) for entry in _settings(section)]
    more = f"; the first {ROWS} of {len(rows)} rows, summary.csv has all" if len(rows) > ROWS else ""
    caption = f"{section.title}: every system and swept value{_seeds(section)}{more}"
    return Table(caption=caption, headings=_headings(section, columns), rows=tuple(rows[:ROWS]))


Entry = tuple[str, object, Rows]  # system, swept value, the rows of its seeds


def _settings(section: Section) -> Iterator[Entry]:
    for system in section.systems:
        own = section.rows[section.rows["system"] == system]
        if section.key is None:
            yield system, None, own
        else:
            yield from ((system, value, rows) for value, rows in own.groupby(section.key, dropna=False))


def _metric(rows: Rows) -> tuple[str, str]:
    good = "request_goodput" in rows.columns and rows["request_goodput"].notna().any()
    return ("request_goodput", "goodput") if good else ("request_throughput", "throughput")


def _columns(rows: Rows) -> list[tuple[str, str, Cell]]:
    """Those that the summary has; an older one may lack some."""
    return [entry for entry in COLUMNS if entry[1] in rows.columns and rows[entry[1]].notna().any()]


def _headings(section: Section, columns: Sequence[tuple[str, str, Cell]]) -> tuple[str, ...]:
    return ("system", *([section.key] if section.key else []), *(heading for heading, *_ in columns))


def _row(section: Section, entry: Entry, columns: Sequence[tuple[str, str, Cell]]) -> tuple[str, ...]:
    system, value, rows = entry
    at = [value_text(None if pd.isna(value) else value)] if section.key else []  # type: ignore[call-overload, arg-type]
    return (system + marks(rows), *at, *(_cell(rows[column], cell) for _, column, cell in columns))


def _cell(values: "pd.Series[Any]", cell: Cell) -> str:
    known = values.dropna().astype(float).tolist()
    return cell(known) if known else "–"


def _ratio(entry: Entry, best: dict[str, Entry], baseline: str | None, metric: str) -> str:
    system, _, rows = entry
    if baseline is None or system == baseline:
        return "1" if baseline else ""
    found = paired_ratio(*(frame.set_index("seed")[metric] for frame in (rows, best[baseline][2])))
    if isnan(found.mean):
        return "–"
    return f"{found.mean:.2f}" if isnan(found.low) else f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def _seeds(section: Section) -> str:
    count = section.rows["seed"].nunique()
    return f"; mean ± half the 95% interval over {count} seeds" if count > 1 else f"; seed {section.seed}"
