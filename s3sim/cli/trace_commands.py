"""What the commands of `s3sim trace` do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from s3sim.api import trace as traces
from s3sim.cli.plain import print_json
from s3sim.cli.sheets import say, show
from s3sim.cli.trace_tables import arrival_lines, count_lines, length_table, loss_lines
from s3sim.core.errors import InputError
from s3sim.experiment.schema.inline import inline_arrivals, inline_mapping, inline_workload
from s3sim.experiment.traffic import build_trace
from s3sim.workload.presets import PRESETS
from s3sim.workload.readers import InvalidRows, ReadTrace
from s3sim.workload.texts import Texts
from s3sim.workload.trace import Trace

__all__ = ["Reading", "convert_command", "generate_command", "sample_command", "scale_command", "stats_command"]

How = Literal["random", "first", "resample"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A file, and how it is to be read."""

    file: Path
    form: str = "auto"
    column: Sequence[str] | None = None
    constant: Sequence[str] | None = None
    invalid_rows: InvalidRows = "error"
    time_unit: str | None = None
    sort: bool = False
    tokenizer: Path | None = None
    prune: str = "none"

    @property
    def columns(self) -> dict[str, str]:
        """A column's name → the file's."""
        return dict(_pair(text, "--column", "output_tokens=len") for text in self.column or ())

    def read(self) -> ReadTrace:
        """The trace, and what it took to read it."""
        pairs = [_pair(text, "--constant", "prompt_tokens=100") for text in self.constant or ()]
        return traces.read(
            self.file,
            form=self.form,
            columns=self.columns,
            constants={name: _whole(value, name) for name, value in pairs},
            invalid_rows=self.invalid_rows,
            time_unit=self.time_unit,
            sort=self.sort,
            tokenizer=self.tokenizer,
            prune=self.prune,
        )

    def texts(self, trace: Trace, *, to: str) -> Texts | None:
        """The file's texts of a trace's rows, where the format to write holds texts and the file has them."""
        return traces.texts_to_write(self.file, trace, to=to, form=self.form, columns=self.columns)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{option} {text}: write it as in {option} {example}")
    return name, value


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"--constant {name}={text}: {text!r} is no whole number of tokens") from None


def stats_command(reading: Reading, *, as_json: bool, plots: Path | None) -> None:
    """Print a table, or JSON, and draw figures if a folder is given."""
    read = reading.read()
    stats, counts = traces.stats(read.trace), read.counts
    if as_json:
        about = {"file": str(reading.file), "rows": counts.rows, "invalid_dropped": counts.dropped}
        about |= {"pruned": dict(counts.pruned), "moved_by_sort": counts.sorted}
        print_json(about | stats.to_json())
    else:
        console = Console()
        show(length_table(stats, title=reading.file.name), console)
        for line in (*arrival_lines(stats), *count_lines(counts)):
            say(console, line)
    if plots is not None:
        from s3sim.report.trace_pages import draw_trace  # noqa: PLC0415 - matplotlib takes a second to import

        for path in draw_trace(read.trace.to_frame(), plots, name=reading.file.name.partition(".")[0]):
            Console(stderr=True).print(str(path), soft_wrap=True, markup=False)


def convert_command(reading: Reading, out: Path, *, to: str) -> None:
    """Read and write."""
    read = reading.read()
    _write(read, out, to=to, texts=reading.texts(read.trace, to=to))


def generate_command(out: Path, *, requests: int, lengths: str, arrivals: str, seed: int, to: str) -> None:
    """Draw lengths and arrivals, and write them."""
    process = inline_arrivals(arrivals, place="--arrivals")
    if process["kind"] == "closed_loop":
        raise InputError("--arrivals: a closed loop's arrivals are made by its answers, while it is simulated")
    workload = inline_workload(_lengths(lengths) | {"requests": requests}, place="--lengths")
    trace, left_out = build_trace(workload, process, seed=seed)
    losses = traces.write(trace, out, to=to)
    rows = [f"{out}: {len(trace)} requests", *loss_lines(losses)]
    _say([*rows, *([f"{left_out} invalid rows of {lengths} were left out"] if left_out else [])])


def _lengths(text: str) -> dict[str, object]:
    if text in PRESETS:
        return {"kind": "preset", "name": text}
    if Path(text).is_file():
        return {"kind": "trace", "path": text, "select": "resample", "invalid_rows": "drop"}
    if not text.lstrip().startswith("{"):
        raise InputError(
            f"--lengths: {text!r} is no preset ({', '.join(PRESETS)}), no file, and no YAML mapping {{...}}"
        )
    return {"kind": "lengths", **inline_mapping(text, place="--lengths")}


def sample_command(
    reading: Reading,
    out: Path,
    *,
    requests: int | None,
    how: How,
    window: tuple[float, float] | None,
    seed: int,
    to: str,
) -> None:
    """Read, choose and write."""
    read = reading.read()
    trace = read.trace if window is None else traces.sample(read.trace, how="first", window=window)
    if how != "resample" and requests is not None and requests > len(trace):
        raise InputError(f"--requests {requests}: there are {len(trace)}; ask for fewer, or use --how resample")
    chosen = traces.sample(trace, requests, how=how, seed=seed)
    _write(read._replace(trace=chosen), out, to=to, texts=None)


def scale_command(
    reading: Reading, out: Path, *, rate: float | None, time: float | None, prompt: float, output: float, to: str
) -> None:
    """Read, scale and write."""
    read = reading.read()
    trace = traces.scale(read.trace, rate=rate, time=time, prompt=prompt, output=output)
    _write(read._replace(trace=trace), out, to=to, texts=None)


def _write(read: ReadTrace, out: Path, *, to: str, texts: Texts | None) -> None:
    losses = traces.write(read.trace, out, to=to, texts=texts)
    _say([f"{out}: {len(read.trace)} requests", *count_lines(read.counts), *loss_lines(losses)])


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        Console().print(line, soft_wrap=True, highlight=False, markup=False)
