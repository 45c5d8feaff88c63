"""Traces: read, judged, converted, made, cut and stretched; each gives a new one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from s3sim.api.plain import plain
from s3sim.core.errors import InputError
from s3sim.experiment.schema.changes import override_text
from s3sim.experiment.schema.inline import inline_arrivals, inline_workload
from s3sim.experiment.traffic import build_trace
from s3sim.workload.detection import open_as
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS
from s3sim.workload.pruning import pruning
from s3sim.workload.readers import InvalidRows, ReadTrace, read_trace
from s3sim.workload.reshape import resample, scale_lengths, scale_time
from s3sim.workload.reshape import sample as sample_rows
from s3sim.workload.reshape import window as cut_window
from s3sim.workload.stats import TraceStats, trace_stats
from s3sim.workload.texts import Texts, read_texts
from s3sim.workload.tokenizer import load_tokenizer
from s3sim.workload.trace import Trace
from s3sim.workload.writers import WriteLosses, write_trace

if TYPE_CHECKING:
    from s3sim.report.figures import Figure

__all__ = ["convert", "figures", "generate", "read", "sample", "scale", "stats", "texts_to_write", "write"]


def read(
    path: str | Path,
    *,
    form: str = "auto",
    columns: Mapping[str, str] | None = None,
    constants: Mapping[str, int] | None = None,
    invalid_rows: InvalidRows = "error",
    time_unit: str | None = None,
    sort: bool = False,
    tokenizer: str | Path | None = None,
    prune: str = "none",
) -> ReadTrace:
    """The trace of a file in one of `names("formats")`, and counts of the rows that are not in it.

    `columns` maps a column's name to the file's, `constants` gives values to columns that it lacks; `prune` is none
    or vllm. See `s3sim.workload.readers.read_trace`.
    """
    return read_trace(
        path,
        format=form,
        columns=columns,
        constants=constants,
        invalid_rows=invalid_rows,
        time_unit=time_unit,
        sort=sort,
        tokenizer=None if tokenizer is None else load_tokenizer(Path(tokenizer)),
        prune=pruning(prune),
    )


def stats(trace: Trace) -> TraceStats:
    """What a trace is like: lengths, their tie, rate and burstiness.

    >>> stats(generate(requests=10, lengths="alpaca")).requests
    10
    """
    return trace_stats(trace)


def generate(
    *,
    requests: int,
    lengths: str | Path | Mapping[str, Any],
    arrivals: Mapping[str, Any] | str = "{kind: offline}",
    seed: int = 0,
) -> Trace:
    """A synthetic trace.

    `lengths` is a preset of `names("workloads")`, a trace file whose rows are drawn with replacement, or what an
    experiment says of lengths: `{"prompt": {"kind": "uniform", "low": 1, "high": 99}, "output": …}`. `arrivals` is
    what an experiment says of them, also as YAML in one line. Raises InputError for what cannot be drawn.
    """
    process = inline_arrivals(_yaml(arrivals), place="arrivals")
    if process["kind"] == "closed_loop":
        raise InputError("arrivals: a closed loop's arrivals are made by its answers, while it is simulated")
    workload = inline_workload(_lengths(lengths) | {"requests": requests}, place="lengths")
    return build_trace(workload, process, seed=seed)[0]


def _lengths(lengths: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(lengths, Mapping):
        return {"kind": "lengths", **plain(lengths)}
    if lengths in PRESETS:
        return {"kind": "preset", "name": lengths}
    if Path(lengths).is_file():
        return {"kind": "trace", "path": str(lengths), "select": "resample", "invalid_rows": "drop"}
    raise InputError(f"lengths: {str(lengths)!r} is no preset ({', '.join(PRESETS)}), no file, and no mapping")


def _yaml(arrivals: Mapping[str, Any] | str) -> str:
    return arrivals if isinstance(arrivals, str) else override_text("arrivals", plain(arrivals)).partition("=")[2]


def sample(
    trace: Trace,
    requests: int | None = None,
    *,
    how: Literal["random", "first", "resample"] = "random",
    window: Sequence[float] | None = None,
    seed: int = 0,
) -> Trace:
    """A part of a trace: so many different rows in order, the first, or drawn with replacement, all at time 0.

    `window` first leaves the arrivals between two times in seconds. Raises InputError for more rows than there are.
    """
    kept = trace if window is None else cut_window(trace, start_s=window[0], end_s=window[1])
    wanted = len(kept) if requests is None else requests
    if how == "resample":
        return resample(kept, wanted, seed=seed)
    if not 1 <= wanted <= len(kept):
        raise InputError(
            f"requests: {wanted} of {len(kept)} rows cannot be taken; how='resample' draws with replacement"
        )
    return kept.head(wanted) if how == "first" else sample_rows(kept, wanted, seed=seed)


def scale(
    trace: Trace, *, rate: float | None = None, time: float | None = None, prompt: float = 1.0, output: float = 1.0
) -> Trace:
    """A trace with other times, at a mean `rate` in requests/s or `time` as long, and other lengths.

    >>> poisson = generate(requests=100, lengths="alpaca", arrivals={"kind": "poisson", "rate": 2})
    >>> stats(scale(poisson, time=0.5)).rate > stats(poisson).rate
    True
    """
    longer = scale_lengths(trace, prompt=prompt, output=output)
    return longer if rate is None and time is None else scale_time(longer, factor=time, rate=rate)


def write(trace: Trace, path: str | Path, *, to: str = "auto", texts: Texts | None = None) -> WriteLosses:
    """Write a trace in one of `names("formats")`, and say what of it that format does not hold.

    >>> _ = write(generate(requests=5, lengths="alpaca"), "five.csv")
    >>> len(read("five.csv").trace)
    5
    """
    return write_trace(trace, path, format=to, texts=texts)


def convert(path: str | Path, out: str | Path, *, to: str = "auto", **reading: Any) -> WriteLosses:
    """Write a trace file in another format, with its texts where both hold texts; `reading` is `read`'s."""
    kept = read(path, **reading).trace
    form, columns = reading.get("form", "auto"), reading.get("columns")
    return write(kept, out, to=to, texts=texts_to_write(path, kept, to=to, form=form, columns=columns))


def texts_to_write(
    path: str | Path, trace: Trace, *, to: str, form: str = "auto", columns: Mapping[str, str] | None = None
) -> Texts | None:
    """The file's texts of a trace's rows, where the format to write holds texts and the file has them."""
    if to not in FORMATS or FORMATS[to].texts is None:
        return None
    if open_as(Path(path), form, columns=columns or {}, constants={})[2].texts is None:
        return None
    return read_texts(path, format=form, columns=columns, ids=trace.id.tolist())


def figures(trace: Trace, *, name: str = "trace") -> dict[str, "Figure"]:
    """Figures of its lengths and, unless all requests arrive at once, of its arrivals."""
    from s3sim.report.trace_pages import trace_figures  # noqa: PLC0415 - matplotlib takes a second to import

    return trace_figures(trace.to_frame(), name=name)
